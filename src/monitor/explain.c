#include "monitor/explain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/send_error.h"
#include "system/base64.h"

#define SECOND_NS UINT64_C(1000000000)

static void add(char out[static EXPLAIN_BYTES], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends; what finds no room is cut. */
static void add(char out[static EXPLAIN_BYTES], const char *format, ...)
{
	size_t used = strlen(out);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(out + used, EXPLAIN_BYTES - used, format, arguments);
	va_end(arguments);
}

static void add_duration(char out[static EXPLAIN_BYTES], uint64_t ns)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };
	uint64_t seconds = ns / SECOND_NS;
	size_t i = 0;

	/* From two of a unit on, so that nothing is rounded by half. */
	while (i < 3 && seconds < 2 * units[i].seconds)
		i++;
	seconds /= units[i].seconds;
	add(out, "%llu %s%s", (unsigned long long)seconds, units[i].name, seconds == 1 ? "" : "s");
}

void explain_duration(char out[static EXPLAIN_BYTES], uint64_t ns)
{
	out[0] = '\0';
	add_duration(out, ns);
}

static void add_address(char out[static EXPLAIN_BYTES], const union address_socket *address)
{
	char text[ADDRESS_TEXT_BYTES];

	address_format(text, address);
	add(out, "%s", text);
}

/* "192.0.2.1:9999, 192.0.2.2:9999 (No route to host) and 2 more" */
static void add_tried(char out[static EXPLAIN_BYTES], const struct channel_silence *silence)
{
	for (uint32_t i = 0; i < silence->count; i++) {
		add(out, "%s", i > 0 ? ", " : "");
		add_address(out, &silence->tried[i].address);
		if (silence->tried[i].error != 0)
			add(out, " (%s)", strerror(silence->tried[i].error));
	}
	if (silence->more > 0)
		add(out, " and %u more", silence->more);
}

static const char *psk_here(const struct explain_own *own)
{
	return own->psk != NULL ? "one is set here" : "none is set here";
}

void explain_silence(char out[static EXPLAIN_BYTES], const struct channel_silence *silence, uint64_t for_ns,
                     const struct explain_own *own, const char *endpoint, const char *resolve_error)
{
	out[0] = '\0';
	if (silence->reason <= CHANNEL_SILENCE_ENDED)
		return;
	if (silence->reason == CHANNEL_SILENCE_UNCONFIRMED) {
		add_tried(out, silence);
		add(out, " has answered, but has not confirmed the key for ");
		add_duration(out, for_ns);
		add(out,
		    ": our last message or its confirmation is lost on the way; until one arrives, the two "
		    "sides may hold different keys");
		return;
	}
	add(out, "no answer for ");
	add_duration(out, for_ns);
	add(out, silence->count > 0 ? " from " : "");
	add_tried(out, silence);
	switch (silence->reason) {
	case CHANNEL_SILENCE_NO_ADDRESS:
		if (endpoint != NULL && resolve_error != NULL && resolve_error[0] != '\0')
			add(out, ": endpoint \"%s\" does not resolve: %s", endpoint, resolve_error);
		else
			add(out, ": no address of it is known");
		break;
	case CHANNEL_SILENCE_ERRORS:
		add(out, ": %s", send_error_advise(silence->tried[0].error));
		break;
	case CHANNEL_SILENCE_FALSE:
		add(out, ": answers arrive that are not genuine; they are damaged or forged on the way");
		break;
	case CHANNEL_SILENCE_BUSY:
		add(out, ": it says that it is under load, and asks for more messages than it answers");
		break;
	case CHANNEL_SILENCE_ONE_WAY:
		add(out,
		    ": its calls arrive here, but our messages do not seem to arrive there; a firewall or "
		    "NAT may let only one direction through");
		break;
	default:
		add(out,
		    ": nothing comes back; it is off, the address is wrong, a firewall drops messages, ");
		add(out, "or that side rejects us: it does not know our key (peer id %s), ", own->id);
		add(out, "our copy of its key is wrong, or the preshared keys differ (%s). ", psk_here(own));
		add(out, "Its log tells");
		break;
	}
}

void explain_rejected(char out[static EXPLAIN_BYTES], const struct channel_rejected *rejected,
                      const struct explain_own *own)
{
	char id[BASE64_KEY_CHARS + 1];

	out[0] = '\0';
	base64_encode_key(id, rejected->id);
	add_address(out, &rejected->from);
	switch (rejected->reason) {
	case CHANNEL_REJECTED_OTHER_KEY:
		add(out, " calls with another public key than ours; ");
		add(out, "if it is a peer of yours, give it our public key again (peer id %s)", own->id);
		break;
	case CHANNEL_REJECTED_UNKNOWN:
		add(out, " calls and says that its peer id is %s%s, which is none of our peers'; ", id,
		    rejected->dialect == ROSENPASS_SHAKE256_156 ? " (SHAKE256)" : "");
		add(out, "if it is yours, add it, or correct its public key here ");
		add(out, "(rosenpass fingerprint --peer-id FILE shows the id of a key)");
		break;
	case CHANNEL_REJECTED_DIALECT:
		add(out, " says that it is this peer, and speaks %s, ",
		    rosenpass_dialect_name((enum rosenpass_dialect)rejected->dialect));
		add(out, "which protocol_version does not allow here");
		break;
	default:
		add(out, " says that it is this peer, but does not prove it: ");
		add(out, "either the preshared keys differ (%s; compare ", psk_here(own));
		if (own->psk != NULL)
			add(out, "\"%s\" with the file there", own->psk);
		else if (own->is_rp)
			add(out, "the file psk in the peer's public keys directory on both sides");
		else
			add(out, "pre_shared_key on both sides");
		add(out, "), or another host calls in its name");
		break;
	}
}
