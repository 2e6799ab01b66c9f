#ifndef ROSENPASS_MONITOR_EXPLAIN_H
#define ROSENPASS_MONITOR_EXPLAIN_H

/*
 * Sentences for logs and the status: why a peer does not answer, and why a caller was rejected. They say
 * what to do, and "says that" before what a caller has not proven. They never hold a secret.
 */

#include <stdbool.h>
#include <stdint.h>

#include "engine/channel.h"

#define EXPLAIN_BYTES 1024

/* What our side is set to. */
struct explain_own {
	const char *id;  /* base64 peer id of our public key, of the hash that the other side knows it by */
	const char *psk; /* file of the preshared key for that peer; NULL: none */
	bool is_rp;      /* settings are those of rp */
};

/* "10 seconds", "3 minutes", "2 hours", "4 days": one unit. */
void explain_duration(char out[static EXPLAIN_BYTES], uint64_t ns);

/*
 * Why a peer is silent for that long. endpoint and resolve_error may be NULL. For reasons that are none
 * (OVER, ENDED) the text is empty.
 */
void explain_silence(char out[static EXPLAIN_BYTES], const struct channel_silence *silence, uint64_t for_ns,
                     const struct explain_own *own, const char *endpoint, const char *resolve_error);

/* Why a caller was rejected; of AUTH and DIALECT about the peer that the caller names. */
void explain_rejected(char out[static EXPLAIN_BYTES], const struct channel_rejected *rejected,
                      const struct explain_own *own);

#endif
