#ifndef ROSENPASS_PROTOCOL_STATE_H
#define ROSENPASS_PROTOCOL_STATE_H

/*
 * The engine's state and its times, shared by the files that work on it. A file calls only files of its own
 * row and of the rows below:
 *
 *     engine.c    peers.c         the public calls: create, receive, expire, next; add, change, remove peers
 *     complete.c  respond.c       our handshake goes on; the peer's handshake
 *     initiate.c  crossing.c      our InitHello and what is due; which of two crossing handshakes goes first
 *     inbox.c     peer_table.c    what is admitted; where peers are found, and when they are due
 *     endpoint.c                  where a peer is, and where messages to it go
 *     outbox.c                    what is sealed, sent and reported
 *     state.c                     time
 *
 * Below these are the concepts that know no engine: messages, handshake steps, cookies, and others.
 * tests/check/layers.sh checks the rows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/index.h"
#include "base/memory.h"
#include "protocol/biscuit.h"
#include "protocol/budget.h"
#include "protocol/cookie.h"
#include "protocol/handshake.h"
#include "protocol/outputs.h"
#include "protocol/public_key.h"
#include "protocol/rate_limit.h"
#include "protocol/replay.h"
#include "protocol/share.h"
#include "protocol/sources.h"
#include "protocol/usage.h"
#include "protocol/verdicts.h"
#include "protocol/workers.h"
#include "rosenpass.h"

#define ENGINE_SECOND_NS UINT64_C(1000000000)
#define ENGINE_RENEW_RESPONDER_NS (120 * ENGINE_SECOND_NS)
#define ENGINE_RENEW_INITIATOR_NS (130 * ENGINE_SECOND_NS)
/* A responder renews up to this much sooner, so that peers that got their keys together come apart. */
#define ENGINE_RENEW_SPREAD_NS (10 * ENGINE_SECOND_NS)
#define ENGINE_STALE_NS (180 * ENGINE_SECOND_NS)
#define ENGINE_HANDSHAKE_NS (180 * ENGINE_SECOND_NS)  /* an unfinished handshake starts anew */
#define ENGINE_REPORT_NS (2 * ENGINE_SECOND_NS)       /* RespHello to key, where EmptyData does not come */
#define ENGINE_UNCONFIRMED_NS (60 * ENGINE_SECOND_NS) /* how long a given up InitConf may be under way */
#define ENGINE_HANDSHAKE_COST_NS (ENGINE_SECOND_NS / 1000) /* of an InitHello or RespHello, until measured */
#define ENGINE_RETRY_NS (ENGINE_SECOND_NS / 2)             /* after the random source failed */
#define ENGINE_CALM_NS \
	(5 * ENGINE_SECOND_NS) /* under load until this long after the last InitHello turned away */

/* Addresses that a RespHello came from, which InitConf goes to until EmptyData confirms one of them. */
#define ENGINE_CANDIDATES 2
/* Addresses beside the endpoint that a silent peer is looked for at. */
#define ENGINE_OTHERS 2
/* Networks where a peer is known to be: that of its endpoint and that which the caller gave. */
#define PEER_SOURCES 2
/* Handshakes of ours, ended by an EmptyData that moved the peer, whose EmptyData is still recognized. */
#define ENGINE_MOVED_SESSIONS 16

/* Our own handshake with a peer. */
struct own_handshake {
	enum rosenpass_peer_state state;
	uint64_t started_ns;
	uint64_t next_send_ns;
	bool extra_dialect; /* the next transmission is an additional one, in another dialect */
	bool sent;          /* the message was transmitted before */
	bool cookie_resend; /* a cookie may still cause one transmission out of turn */
	uint8_t sidi[MESSAGE_SID_BYTES];
	/* What is sent and sent again: InitHello, later InitConf. */
	enum rosenpass_dialect dialect;
	uint8_t message[MESSAGE_INIT_HELLO_MAX_BYTES];
	size_t length;
	struct usage_bucket
		false_answers[2]; /* false RespHellos from where the peer is, and from elsewhere */
	uint32_t crossed;         /* InitConfs of the peer's that were passed over; see crossing.h */
	/* Waiting for EmptyData. */
	uint64_t established_ns;
	uint64_t report_ns; /* when the key is reported all the same; ROSENPASS_NEVER: it was */
	bool reported;
	uint64_t biscuit_mark; /* the biscuit counter when RespHello came */
	size_t candidate_count;
	/* Each is needed in one of the two states only. Wiped between them, so both begin with zeros. */
	union {
		/* Waiting for RespHello. Every dialect tried so far can still be answered. */
		struct {
			/* Of eski, which is 25 times as long, and made again within microseconds. */
			uint8_t ephemeral_seed[KYBER512_KEYGEN_SEED_BYTES];
			uint32_t tried; /* ROSENPASS_DIALECT_BITs */
			uint8_t ck[ROSENPASS_DIALECT_COUNT][CHAIN_BYTES];
		};
		/* Waiting for EmptyData. */
		struct {
			uint8_t osk[ROSENPASS_KEY_BYTES];
			uint8_t txkr[CHAIN_BYTES];
			uint8_t accepted[KEYED_HASH_OUT_BYTES]; /* inbox_identity() of the RespHello */
			struct rosenpass_address candidates[ENGINE_CANDIDATES];
		};
	};
};

struct peer {
	rosenpass_peer handle;
	uint32_t slot;
	struct heap_node timer;
	void *user;
	struct public_key key;
	uint8_t psk[HANDSHAKE_PSK_BYTES];
	bool has_psk; /* psk is not zero, hence known to the peer and to us only */
	uint32_t dialects;
	bool discover;
	uint8_t osk_label[KEYED_HASH_COUNT][LABEL_BYTES];

	/* Where the peer is: see endpoint.h. Length 0: not known. */
	struct rosenpass_address endpoint;
	struct rosenpass_address home;                  /* what the caller said last */
	struct rosenpass_address others[ENGINE_OTHERS]; /* the endpoint before; where else copies came from */
	uint8_t moved_by[KEYED_HASH_OUT_BYTES]; /* inbox_identity() of the message that moved the endpoint */
	uint64_t moved_until_ns;                /* copies of that message count until then */
	uint64_t sources[PEER_SOURCES];         /* networks counted in the engine's sources */

	/* The key in use. */
	bool has_key;
	bool confirmed; /* the peer has it for certain */
	bool ever;
	uint64_t key_since_ns;
	enum rosenpass_role role;
	enum rosenpass_dialect dialect;

	/* As responder. */
	uint64_t biscuit_used;      /* the greatest number accepted */
	uint64_t biscuit_confirmed; /* the counter when EmptyData last confirmed our own handshake */
	uint64_t hellos_full_ns[2]; /* limits of InitHellos from where the peer is, and from elsewhere */
	uint64_t hello_ns;          /* when an InitHello of it last counted as one of a peer; 0: never */
	bool answered;              /* the two below are set */
	uint8_t answered_conf[KEYED_HASH_OUT_BYTES]; /* inbox_identity() of the InitConf accepted last */
	uint8_t answer[MESSAGE_EMPTY_DATA_BYTES];

	/* As initiator. */
	uint64_t unconfirmed_until_ns; /* an InitConf of ours that was given up may still be taken */
	uint64_t renewal_ns;           /* when to start a handshake, if the peer can be reached */
	uint64_t trying_since_ns;
	uint32_t unanswered; /* transmissions since then */
	struct own_handshake own;

	bool has_cookie;
	uint64_t cookie_since_ns;
	uint8_t cookie[COOKIE_VALUE_BYTES];

	uint64_t exchanges;
	uint64_t timeouts;

	/* The last datagram that was dropped and came from this peer or named it. */
	bool has_dropped;
	enum rosenpass_verdict dropped;
	uint64_t dropped_ns;
};

/* A session of ours that an EmptyData ended, and whose. */
struct moved_session {
	uint8_t sid[MESSAGE_SID_BYTES];
	rosenpass_peer peer; /* 0: none */
};

struct peer_slot {
	struct peer *peer; /* NULL: free */
	uint32_t generation;
	uint32_t next_free;
};

/* How far a batch of InitHellos is. Each step has one pass over a public key for each InitHello. */
enum respond_step {
	RESPOND_IDLE, /* there is no batch */
	RESPOND_IDENTIFY,
	RESPOND_AUTHENTICATE,
	RESPOND_ANSWER,
};

/* InitHellos on their way through the steps; each step leaves out what failed. */
struct respond_batch {
	enum respond_step step;
	size_t count;
	struct handshake_response *ws[HANDSHAKE_BATCH_MAX];
	struct rosenpass_datagram *datagrams[HANDSHAKE_BATCH_MAX];
	bool in_budget[HANDSHAKE_BATCH_MAX];
	struct peer *peers[HANDSHAKE_BATCH_MAX]; /* from RESPOND_AUTHENTICATE on */
	struct budget_work work;
	struct handshake_response responses[HANDSHAKE_BATCH_MAX];
};

/* Datagrams of rosenpass_receive_begin() whose InitHellos are in the batch. */
struct begun {
	size_t count;
	struct rosenpass_datagram own[HANDSHAKE_BATCH_MAX]; /* in our form */
	void *callers[HANDSHAKE_BATCH_MAX];                 /* in the caller's */
	uint8_t group_lengths[HANDSHAKE_BATCH_MAX];         /* the caller's */
};

/* What is counted, beside what each peer counts. */
struct statistics {
	uint64_t received[VERDICT_INDEX_COUNT]; /* by verdict_index() */
	uint64_t sent;                          /* datagrams */
	uint64_t sent_bytes;
	uint64_t peers;
	bool random_failing;
	uint64_t random_failures;
};

struct rosenpass {
	struct memory memory;
	struct random_source random; /* state_fill_random() */
	struct random_source caller_random;
	struct public_key own;
	uint8_t secret_key[MCELIECE460896_SECRET_KEY_BYTES];
	uint8_t identity_key[KEYED_HASH_KEY_BYTES]; /* random; of inbox_identity() */
	uint8_t jitter_key[SHORT_HASH_KEY_BYTES];   /* random; of renewals */
	/* The engine's own time: it never goes back, whatever the caller's clock does. See state.c. */
	uint64_t now_ns;
	bool has_time;
	uint64_t caller_ns; /* what the caller's clock showed at now_ns */
	bool has_doubt;
	uint64_t doubt_ns; /* with has_doubt: a reading that was not believed */

	struct biscuit_keys biscuit_keys;
	uint64_t biscuit_counter;  /* the number given out last */
	bool under_load;           /* the caller wants a cookie with every InitHello */
	rosenpass_clock_fn *clock; /* NULL: the time that InitHellos take is not measured, nor limited */
	void *clock_context;
	struct budget budget;   /* with a clock */
	uint64_t load_until_ns; /* the budget was used up not long ago; 0: it was not */
	struct usage usage;     /* by InitHellos that were admitted */
	struct sources sources; /* where the peers are */
	struct replay_filter replays;
	struct cookie_secrets cookie_secrets;
	struct usage cookie_usage; /* by cookies that were sent, or wrong */
	struct share cookie_share;
	struct share false_share; /* RespHellos that turn out to be false */
	struct rate_limit rate_limit;

	struct peer_slot *slots;
	size_t slot_capacity;
	uint32_t first_free;                  /* INDEX_NONE: none */
	struct index by_id[KEYED_HASH_COUNT]; /* first 8 bytes of the peer id -> slot */
	struct index by_sid;                  /* our session id -> slot */
	struct heap timers;                   /* of peers */
	struct moved_session moved_sessions[ENGINE_MOVED_SESSIONS];
	size_t moved_session_next;
	uint64_t
		early_until_ns; /* the limit of early transmissions is used up to this time; see initiate.c */

	struct outputs outputs;
	struct statistics stats;

	struct workers workers;
	struct respond_batch batch;
	struct begun begun;

	/* Our own handshakes go on between the steps of the batch. */
	union {
		struct handshake_initiation initiations[HANDSHAKE_BATCH_MAX];
		struct handshake_completion completions[HANDSHAKE_BATCH_MAX];
	} work;
};

/* The most outputs that one datagram leads to. */
#define ENGINE_OUTPUTS_MAX 3
/* The most that one due peer leads to beside the datagrams of endpoint_ways(): STALE, and KEY or TIMEOUT. */
#define ENGINE_DUE_EVENTS_MAX 2

/*
 * Sets the engine's time by the caller's clock, in nanoseconds. No time passes with a reading that cannot be
 * right: an earlier one than the last, or one many years later.
 */
void state_advance(struct rosenpass *engine, uint64_t now_ns);

/* Returns what the caller's clock shows at that time of the engine; 0 if that is before its origin. */
uint64_t state_caller_time(const struct rosenpass *engine, uint64_t time_ns);

/* The same, for a deadline. While the clock is in doubt, it may be earlier. */
uint64_t state_deadline(const struct rosenpass *engine, uint64_t time_ns);

/* Draws from the caller's source, and counts failures. A random_fill_fn; context is the engine. */
int state_fill_random(void *context, uint8_t *out, size_t out_len);

/* Returns the time in nanoseconds on the clock by which work is measured, 0 if the caller has set none. */
uint64_t state_clock_ns(const struct rosenpass *engine);

#endif
