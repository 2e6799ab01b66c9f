#ifndef ROSENPASS_MONITOR_SILENCE_H
#define ROSENPASS_MONITOR_SILENCE_H

/*
 * Why peers do not answer, and which callers were rejected: what the engine process reports of both, what is
 * logged of it, and how it is explained. What is known of one peer is in its struct peer_silence.
 */

#include <stdbool.h>
#include <stdint.h>

#include "engine/rejects.h"
#include "monitor/explain.h"
#include "monitor/peer_set.h"

struct silence;

struct silence_env {
	const struct peer_set *peers;
	const uint8_t *public_key; /* as for silence_set_own_key() */
	bool is_rp;                /* explanations name the settings of rp */
};

/* 0 or -ENOMEM. */
int silence_create(struct silence **out, const struct silence_env *env) __attribute__((warn_unused_result));
/* NULL is allowed. */
void silence_destroy(struct silence *silence);

/* Our own public key is another one. ROSENPASS_PUBLIC_KEY_BYTES, which stay the caller's; NULL: none. */
void silence_set_own_key(struct silence *silence, const uint8_t *public_key);
/* Returns the peer id of our own public key in base64, which takes a while at first; empty: there is none. */
const char *silence_own_id(struct silence *silence, enum rosenpass_dialect dialect);

/* Takes what the engine process reports of a peer. */
void silence_take(struct silence *silence, struct peer *peer, const struct channel_silence *reported,
                  uint64_t now_ns);
/* Takes callers that the engine process has rejected. ref: of the peer that they name, if they name one. */
void silence_take_rejected(struct silence *silence, struct peer_ref ref,
                           const struct channel_rejected *rejected, uint64_t now_ns);
/*
 * There is a key with the peer. Returns true if the log has said that the peer did not answer, and has to say
 * that it answers again; then words are "answers again after 2 minutes".
 */
bool silence_ends(struct silence *silence, struct peer *peer, enum rosenpass_role role, uint64_t now_ns,
                  char words[static EXPLAIN_BYTES]);
/* The peer is removed: forgets all about it. */
void silence_forget(struct silence *silence, struct peer *peer);

/* Explains why the peer does not answer. Returns false, and no words, if it answers or is not asked. */
bool silence_explain(struct silence *silence, struct peer *peer, uint64_t now_ns,
                     char words[static EXPLAIN_BYTES]);
/* Explains why a caller was rejected. peer: whom the caller names; NULL: nobody, or a peer that is gone. */
void silence_explain_rejected(struct silence *silence, const struct rejects_caller *caller,
                              const struct peer *peer, char words[static EXPLAIN_BYTES]);
/* The callers that were rejected for that reason. */
const struct rejects *silence_rejected(const struct silence *silence, enum channel_rejected_reason reason);

#endif
