#ifndef ROSENPASS_PROTOCOL_ENGINE_H
#define ROSENPASS_PROTOCOL_ENGINE_H

/*
 * The engine's state, shared by the files that work on it:
 *
 *     engine.c    creation, receive, expire: who does what
 *     peers.c     adding, changing, removing, looking up peers; their timers
 *     initiate.c  our InitHello: building, sending, sending again
 *     endpoint.c  where a peer is: what proves an address, and where messages go
 *     complete.c  RespHello, EmptyData and CookieReply: our handshake goes on
 *     respond.c   InitHello and InitConf: the peer's handshake
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/biscuit.h"
#include "protocol/budget.h"
#include "protocol/cookie.h"
#include "protocol/handshake.h"
#include "protocol/index.h"
#include "protocol/memory.h"
#include "protocol/outputs.h"
#include "protocol/public_key.h"
#include "protocol/rate_limit.h"
#include "protocol/timers.h"
#include "rosenpass.h"

#define ENGINE_SECOND_NS UINT64_C(1000000000)
#define ENGINE_RENEW_RESPONDER_NS (120 * ENGINE_SECOND_NS)
#define ENGINE_RENEW_INITIATOR_NS (130 * ENGINE_SECOND_NS)
#define ENGINE_STALE_NS (180 * ENGINE_SECOND_NS)
#define ENGINE_HANDSHAKE_NS (180 * ENGINE_SECOND_NS)  /* an unfinished handshake starts anew */
#define ENGINE_REPORT_NS (2 * ENGINE_SECOND_NS)       /* RespHello to key, where EmptyData does not come */
#define ENGINE_UNCONFIRMED_NS (60 * ENGINE_SECOND_NS) /* how long a given up InitConf may be under way */
#define ENGINE_RETRY_NS (ENGINE_SECOND_NS / 2)        /* after the random source failed */
#define ENGINE_CALM_NS \
	(5 * ENGINE_SECOND_NS) /* under load until this long after the last InitHello turned away */

/* Addresses that a RespHello came from, which InitConf goes to until EmptyData confirms one of them. */
#define ENGINE_CANDIDATES 2
/* Addresses beside the endpoint that a silent peer is looked for at. */
#define ENGINE_OTHERS 2
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
	/* Crossing handshakes; see respond.c. */
	uint32_t crossed; /* messages of the peer's handshake that were passed over */
	bool yielded;
	uint64_t hold_until_ns;
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
			uint8_t eski[KYBER512_SECRET_KEY_BYTES];
			uint32_t tried; /* ROSENPASS_DIALECT_BITs */
			uint8_t ck[ROSENPASS_DIALECT_COUNT][CHAIN_BYTES];
		};
		/* Waiting for EmptyData. */
		struct {
			uint8_t osk[ROSENPASS_KEY_BYTES];
			uint8_t txkr[CHAIN_BYTES];
			uint8_t accepted[KEYED_HASH_OUT_BYTES]; /* engine_identity() of the RespHello */
			struct rosenpass_address candidates[ENGINE_CANDIDATES];
		};
	};
};

struct peer {
	rosenpass_peer handle;
	uint32_t slot;
	void *user;
	struct public_key key;
	uint8_t psk[HANDSHAKE_PSK_BYTES];
	uint32_t dialects;
	bool discover;
	uint8_t osk_label[KEYED_HASH_COUNT][LABEL_BYTES];

	/* Where the peer is: see endpoint.c. Length 0: not known. */
	struct rosenpass_address endpoint;
	struct rosenpass_address home;                  /* what the caller said last */
	struct rosenpass_address others[ENGINE_OTHERS]; /* the endpoint before; where else copies came from */
	uint8_t moved_by[KEYED_HASH_OUT_BYTES]; /* engine_identity() of the message that moved the endpoint */
	uint64_t moved_until_ns;                /* copies of that message count until then */

	/* The key in use. */
	bool has_key;
	bool ever;
	uint64_t key_since_ns;
	enum rosenpass_role role;
	enum rosenpass_dialect dialect;

	/* As responder. */
	uint64_t biscuit_used;      /* the greatest number accepted */
	uint64_t biscuit_confirmed; /* the counter when EmptyData last confirmed our own handshake */
	uint64_t hello_ns;          /* when an InitHello of it last counted as one of a peer; 0: never */
	bool answered;              /* the two below are set */
	uint8_t answered_conf[KEYED_HASH_OUT_BYTES]; /* engine_identity() of the InitConf accepted last */
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

struct rosenpass {
	struct memory memory;
	struct random_source random;
	struct public_key own;
	uint8_t secret_key[MCELIECE460896_SECRET_KEY_BYTES];
	uint8_t identity_key[KEYED_HASH_KEY_BYTES]; /* random; of engine_identity() */
	uint64_t now_ns;

	struct biscuit_keys biscuit_keys;
	uint64_t biscuit_counter;  /* the number given out last */
	bool under_load;           /* the caller wants a cookie with every InitHello */
	rosenpass_clock_fn *clock; /* NULL: the time that InitHellos take is not measured, nor limited */
	void *clock_context;
	struct budget budget;   /* with a clock */
	uint64_t load_until_ns; /* the budget was used up not long ago; 0: it was not */
	struct cookie_secrets cookie_secrets;
	struct rate_limit rate_limit;

	struct peer_slot *slots;
	size_t slot_capacity;
	uint32_t first_free;                  /* INDEX_NONE: none */
	struct index by_id[KEYED_HASH_COUNT]; /* first 8 bytes of the peer id -> slot */
	struct index by_sid;                  /* our session id -> slot */
	struct timers timers;
	struct moved_session moved_sessions[ENGINE_MOVED_SESSIONS];
	size_t moved_session_next;

	struct outputs outputs;
	struct rosenpass_stats stats;

	union {
		struct handshake_initiation initiations[HANDSHAKE_BATCH_MAX];
		struct handshake_response responses[HANDSHAKE_BATCH_MAX];
		struct handshake_completion completions[HANDSHAKE_BATCH_MAX];
	} work;
};

/* The most outputs that one datagram leads to. */
#define ENGINE_OUTPUTS_MAX 3
/* The most that one due peer leads to beside the datagrams of endpoint_ways(): STALE, and KEY or TIMEOUT. */
#define ENGINE_DUE_EVENTS_MAX 2

/* --- engine.c --- */

/* Lets the engine's time go on, never back. */
void engine_advance(struct rosenpass *engine, uint64_t now_ns);

/* The hash under which the mac of a message to us is right, among those of the dialects. -1: none. */
int engine_mac_hash(struct rosenpass *engine, const uint8_t *message, size_t length, uint32_t dialects);

/* A keyed hash of a message without its cookie field, by which a copy is recognized. */
void engine_identity(const struct rosenpass *engine, uint8_t identity[static KEYED_HASH_OUT_BYTES],
                     const uint8_t *message, size_t length);

/* Seals mac and cookie of a message to the peer and queues it for that address. */
void engine_send(struct rosenpass *engine, struct peer *peer, uint8_t *message, size_t length,
                 enum keyed_hash hash, const struct rosenpass_address *to, bool repeated);

/* Takes a key into use and tells the caller. */
void engine_report_key(struct rosenpass *engine, struct peer *peer,
                       const uint8_t osk[static ROSENPASS_KEY_BYTES], enum rosenpass_role role,
                       enum rosenpass_dialect dialect, uint64_t established_ns);

/* --- peers.c --- */

struct peer *peers_by_handle(const struct rosenpass *engine, rosenpass_peer handle);
struct peer *peers_by_id(struct rosenpass *engine, enum keyed_hash hash,
                         const uint8_t id[static PUBLIC_KEY_FACT_BYTES]);
struct peer *peers_by_sid(const struct rosenpass *engine, const uint8_t sid[static MESSAGE_SID_BYTES]);

bool peers_can_reach(const struct peer *peer);

/* Sets the peer's timer from its state. To be called after every change of it. */
void peers_schedule(struct rosenpass *engine, struct peer *peer);

/* Ends our own handshake with the peer and wipes it. */
void peers_abort_handshake(struct rosenpass *engine, struct peer *peer);

/* Frees all of them. */
void peers_release(struct rosenpass *engine);

/* --- initiate.c --- */

/*
 * Does what is due for up to HANDSHAKE_BATCH_MAX peers. false when nothing more is
 * due or outputs have to be taken first.
 */
bool initiate_expire(struct rosenpass *engine);

/* Sends the message of our handshake (again) and sets the time of the next transmission. */
void initiate_send(struct rosenpass *engine, struct peer *peer);

/* --- endpoint.c --- */

/* Whether two addresses are the same, and one at all. */
bool endpoint_is_same(const struct rosenpass_address *a, const struct rosenpass_address *b);

/* Takes the caller's word for where the peer is; length 0: nobody knows. */
void endpoint_set(struct peer *peer, const struct rosenpass_address *address);

/* The peer does not answer at its endpoint, and the caller may know other addresses. */
void endpoint_lose(struct peer *peer);

/*
 * A handshake was completed by a message from that address: the peer is there. identity: engine_identity()
 * of the message. Returns true if the endpoint has moved.
 */
bool endpoint_authenticated(struct rosenpass *engine, struct peer *peer, const struct rosenpass_address *from,
                            const uint8_t identity[static KEYED_HASH_OUT_BYTES]);

/* A message of that identity came again, from that address. Returns true if that had an effect. */
bool endpoint_repeated(struct rosenpass *engine, struct peer *peer, const struct rosenpass_address *from,
                       const uint8_t identity[static KEYED_HASH_OUT_BYTES]);

/* InitConf also goes to that address. Returns false if it does so already, or to too many. */
bool endpoint_add_candidate(struct peer *peer, const struct rosenpass_address *from);

/* Whether the message of our handshake can be sent anywhere. */
bool endpoint_has_way(const struct peer *peer);

/* The most datagrams that endpoint_send() leads to. */
size_t endpoint_ways(const struct peer *peer);

/* Queues a message of our handshake for every address where the peer may be. */
void endpoint_send(struct rosenpass *engine, struct peer *peer, uint8_t *message, size_t length,
                   enum keyed_hash hash, bool repeated);

/* --- complete.c, respond.c: each sets the datagrams' verdict and peer --- */

void complete_resp_hellos(struct rosenpass *engine, struct rosenpass_datagram *datagrams, size_t count);
void complete_empty_data(struct rosenpass *engine, struct rosenpass_datagram *datagram);
void complete_cookie_reply(struct rosenpass *engine, struct rosenpass_datagram *datagram);
void respond_init_hellos(struct rosenpass *engine, struct rosenpass_datagram *datagrams, size_t count);
void respond_init_conf(struct rosenpass *engine, struct rosenpass_datagram *datagram);

#endif
