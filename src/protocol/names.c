#include "protocol/verdicts.h"
#include "rosenpass.h"

#define TEXT(x) #x
#define VERSION_TEXT(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

uint32_t rosenpass_version(void)
{
	return ROSENPASS_VERSION;
}

const char *rosenpass_version_text(void)
{
	return VERSION_TEXT(ROSENPASS_VERSION_MAJOR, ROSENPASS_VERSION_MINOR, ROSENPASS_VERSION_PATCH);
}

/* verdict_index() of ROSENPASS_DROPPED_... */
#define DROPPED(name) (VERDICT_WITH_EFFECT_COUNT + ROSENPASS_DROPPED_##name - ROSENPASS_DROPPED)

const char *rosenpass_verdict_name(enum rosenpass_verdict verdict)
{
	static const char *const names[VERDICT_INDEX_COUNT + 1] = {
		[ROSENPASS_ANSWERED] = "InitHello answered",
		[ROSENPASS_ACCEPTED] = "RespHello accepted",
		[ROSENPASS_EXCHANGED] = "key exchanged",
		[ROSENPASS_CONFIRMED] = "key confirmed",
		[ROSENPASS_REPEATED] = "message repeated",
		[ROSENPASS_COOKIE_SENT] = "cookie demanded",
		[ROSENPASS_COOKIE_TAKEN] = "cookie received",
		[ROSENPASS_CROSSED] = "passed over for our own handshake",
		[DROPPED(SIZE)] = "not a message of this protocol",
		[DROPPED(MAC)] = "not addressed to this key",
		[DROPPED(SESSION)] = "no such session",
		[DROPPED(AUTH)] = "not authentic",
		[DROPPED(PEER)] = "unknown peer",
		[DROPPED(DIALECT)] = "dialect not allowed",
		[DROPPED(BISCUIT)] = "biscuit unknown or expired",
		[DROPPED(REPLAY)] = "biscuit outdated",
		[DROPPED(LOAD)] = "too many while under load",
		[DROPPED(FAILURE)] = "no random bytes",
		[VERDICT_INDEX_COUNT] = "unknown",
	};

	return names[verdict_index(verdict)];
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
