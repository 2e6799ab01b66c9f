#include "rosenpass.h"

const char *rosenpass_verdict_name(enum rosenpass_verdict verdict)
{
	static const char *const names[ROSENPASS_VERDICT_COUNT] = {
		[ROSENPASS_ANSWERED] = "InitHello answered",
		[ROSENPASS_ACCEPTED] = "RespHello accepted",
		[ROSENPASS_EXCHANGED] = "key exchanged",
		[ROSENPASS_CONFIRMED] = "key confirmed",
		[ROSENPASS_REPEATED] = "message repeated",
		[ROSENPASS_COOKIE_SENT] = "cookie demanded",
		[ROSENPASS_COOKIE_TAKEN] = "cookie received",
		[ROSENPASS_CROSSED] = "passed over for our own handshake",
		[ROSENPASS_DROPPED_SIZE] = "not a message of this protocol",
		[ROSENPASS_DROPPED_MAC] = "not addressed to this key",
		[ROSENPASS_DROPPED_SESSION] = "no such session",
		[ROSENPASS_DROPPED_AUTH] = "not authentic",
		[ROSENPASS_DROPPED_PEER] = "unknown peer",
		[ROSENPASS_DROPPED_DIALECT] = "dialect not allowed",
		[ROSENPASS_DROPPED_BISCUIT] = "biscuit unknown or expired",
		[ROSENPASS_DROPPED_REPLAY] = "biscuit outdated",
		[ROSENPASS_DROPPED_LOAD] = "too many while under load",
		[ROSENPASS_DROPPED_FAILURE] = "no random bytes",
	};

	return (unsigned)verdict < ROSENPASS_VERDICT_COUNT ? names[verdict] : "unknown";
}

const char *rosenpass_error_name(int error)
{
	switch (error) {
	case 0:
		return "no error";
	case ROSENPASS_E_MEMORY:
		return "out of memory";
	case ROSENPASS_E_RANDOM:
		return "no random bytes";
	case ROSENPASS_E_ARGUMENT:
		return "invalid argument";
	case ROSENPASS_E_EXISTS:
		return "this key is in use already";
	case ROSENPASS_E_NO_PEER:
		return "no such peer";
	default:
		return "unknown error";
	}
}

const char *rosenpass_dialect_name(enum rosenpass_dialect dialect)
{
	static const char *const names[ROSENPASS_DIALECT_COUNT] = {
		[ROSENPASS_BLAKE2B_188] = "blake2b-188",
		[ROSENPASS_BLAKE2B_156] = "blake2b-156",
		[ROSENPASS_SHAKE256_156] = "shake256-156",
	};

	return (unsigned)dialect < ROSENPASS_DIALECT_COUNT ? names[dialect] : "unknown";
}
