#ifndef ROSENPASS_H
#define ROSENPASS_H

/*
 * librosenpass: the Rosenpass v1 key exchange without input or output.
 *
 * The caller owns sockets, clock and files. It hands in datagrams and the time,
 * and takes out datagrams to send and events. One engine holds one key pair and
 * any number of peers. An engine is not locked: one thread at a time.
 *
 *     for (;;) {
 *             wait for datagrams, at most until rosenpass_deadline();
 *             rosenpass_receive() or rosenpass_expire();
 *             while (rosenpass_next()) send the datagram or take the event;
 *     }
 *
 * Times are nanoseconds of one clock that never goes back and counts time asleep
 * (CLOCK_BOOTTIME); its origin is of no importance. A time that cannot be right, because
 * it is smaller than an earlier one or more than ten years later, is taken as that
 * earlier one. If the clock goes on from there for a second, the engine follows it.
 *
 * Functions return 0 or a negative ROSENPASS_E_ code; after an error nothing has
 * changed. rosenpass_create() calls libsodium's sodium_init(), which any number of
 * threads may do any number of times. A process that drops rights before that, so that
 * it cannot open the system's random device any more, calls sodium_init() itself earlier.
 * No pointer may be NULL unless its comment says so: functions that return a code
 * return ROSENPASS_E_ARGUMENT for NULL, the others do nothing.
 *
 * A program runs with every later library of the same soname. For that, structs that
 * may grow begin with their size, which the caller sets:
 *
 *     struct rosenpass_output output = { .size = sizeof output };
 *
 * The library reads and writes no more than that. Members that the caller knows and
 * the library does not have to be zero where they are read, and are zero where they
 * are written. A size smaller than that of version 1, such as a forgotten one, is an
 * invalid argument. New members, functions, verdicts, outputs and dialects may be
 * added: pass over those that you do not know.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ROSENPASS_API __attribute__((visibility("default")))
#define ROSENPASS_MUST_CHECK __attribute__((warn_unused_result))
#else
#define ROSENPASS_API
#define ROSENPASS_MUST_CHECK
#endif

/* The version of this header. rosenpass_version() tells that of the library. */
#define ROSENPASS_VERSION_MAJOR 0
#define ROSENPASS_VERSION_MINOR 1
#define ROSENPASS_VERSION_PATCH 0
#define ROSENPASS_VERSION_NUMBER(major, minor, patch) ((major)*1000000 + (minor)*1000 + (patch))
#define ROSENPASS_VERSION \
	ROSENPASS_VERSION_NUMBER(ROSENPASS_VERSION_MAJOR, ROSENPASS_VERSION_MINOR, ROSENPASS_VERSION_PATCH)

#define ROSENPASS_PUBLIC_KEY_BYTES 524160
#define ROSENPASS_SECRET_KEY_BYTES 13608
#define ROSENPASS_SECRET_KEY_OLD_BYTES 13568 /* layout of 0.2.x software */
#define ROSENPASS_PSK_BYTES 32
#define ROSENPASS_KEY_BYTES 32 /* what an exchange gives */
#define ROSENPASS_PEER_ID_BYTES 32
#define ROSENPASS_DATAGRAM_MAX_BYTES 1132 /* longest message; a longer datagram is foreign */
#define ROSENPASS_ADDRESS_MAX_BYTES 46
#define ROSENPASS_NEVER UINT64_MAX

enum rosenpass_error {
	ROSENPASS_E_MEMORY = -1,   /* allocation failed: try again later */
	ROSENPASS_E_RANDOM = -2,   /* the random source failed: try again later */
	ROSENPASS_E_ARGUMENT = -3, /* a value is out of its range: mend the call */
	ROSENPASS_E_EXISTS = -4,   /* a peer with that public key is there, or it is our own */
	ROSENPASS_E_NO_PEER = -5,  /* that peer was removed or never was */
};

/* The forms of the protocol that are in use. One key pair serves them all. */
enum rosenpass_dialect {
	ROSENPASS_BLAKE2B_188 = 0,  /* releases 0.2.x */
	ROSENPASS_BLAKE2B_156 = 1,  /* 0.3 with protocol_version "V02" */
	ROSENPASS_SHAKE256_156 = 2, /* 0.3 with protocol_version "V03" */
};
#define ROSENPASS_DIALECT_COUNT 3
#define ROSENPASS_DIALECT_BIT(dialect) (1u << (dialect))
#define ROSENPASS_DIALECTS_ALL 7u

enum rosenpass_role {
	ROSENPASS_INITIATOR = 0,
	ROSENPASS_RESPONDER = 1,
};

/* Fills out with random bytes; 0 on success, anything else on failure. */
typedef int rosenpass_random_fn(void *context, uint8_t *out, size_t out_len);

/*
 * Memory for the engine and its peers; never called while packets are handled.
 * allocate returns memory aligned for any type, with any content, or NULL. What is released was wiped.
 */
typedef void *rosenpass_allocate_fn(void *context, size_t bytes);
typedef void rosenpass_release_fn(void *context, void *memory, size_t bytes);

struct rosenpass_environment {
	size_t size; /* of this struct */
	rosenpass_random_fn *random;
	void *random_context;
	rosenpass_allocate_fn *allocate; /* NULL: calloc and free */
	rosenpass_release_fn *release;   /* NULL only where allocate is */
	void *memory_context;
};

/*
 * Where a datagram came from or goes to: bytes that the engine only compares,
 * keeps and gives back. Two addresses are the same when length and bytes are.
 * The first group_length bytes name the network that shares one rate limit
 * (the address for IPv4, the /64 for IPv6); 0 stands for all bytes. The group without
 * its last byte, and without its last two, name larger networks, which have limits of
 * their own (/24 and /16, /56 and /48): end the group with the network's bytes in the
 * order of the wire. length 0: no address. This struct never changes.
 */
struct rosenpass_address {
	uint8_t length;
	uint8_t group_length;
	uint8_t bytes[ROSENPASS_ADDRESS_MAX_BYTES];
};

struct rosenpass; /* an engine */

/* Names a peer of one engine; never used twice. 0 is no peer. */
typedef uint64_t rosenpass_peer;

struct rosenpass_config {
	size_t size; /* of this struct */
	const uint8_t
		*public_key; /* ROSENPASS_PUBLIC_KEY_BYTES, kept by reference until rosenpass_destroy() */
	const uint8_t *secret_key;                       /* ROSENPASS_SECRET_KEY_BYTES, copied */
	const struct rosenpass_environment *environment; /* copied */
};

struct rosenpass_peer_config {
	size_t size;                       /* of this struct */
	const uint8_t *public_key;         /* kept by reference until the peer is removed */
	const uint8_t *psk;                /* ROSENPASS_PSK_BYTES, copied; NULL: none */
	uint32_t dialects;                 /* ROSENPASS_DIALECT_BITs; 0: all */
	struct rosenpass_address endpoint; /* length 0: not known */
	bool discover;                     /* initiate without an endpoint too: the caller knows addresses */
	const char *osk_organization;      /* NULL: "rosenpass.eu", "wireguard psk" */
	const char *const *osk_labels;     /* used when osk_organization is given */
	size_t osk_label_count;
	void *user; /* given back with every output */
};

/* --- version ---------------------------------------------------------------------- */

/* The version of the library, as ROSENPASS_VERSION_NUMBER() makes it, and in words: "0.1.0". */
ROSENPASS_API
uint32_t rosenpass_version(void);
ROSENPASS_API
const char *rosenpass_version_text(void);

/* --- keys ------------------------------------------------------------------------- */

/*
 * A fresh key pair; takes tenths of a second. ROSENPASS_E_RANDOM, ROSENPASS_E_MEMORY,
 * ROSENPASS_E_ARGUMENT: nothing is written.
 */
ROSENPASS_API
int rosenpass_keygen(uint8_t pk[ROSENPASS_PUBLIC_KEY_BYTES], uint8_t sk[ROSENPASS_SECRET_KEY_BYTES],
                     const struct rosenpass_environment *environment) ROSENPASS_MUST_CHECK;

/* Reads a secret key in either layout, told apart by in_len. ROSENPASS_E_ARGUMENT: another length. */
ROSENPASS_API
int rosenpass_secret_key_import(uint8_t sk[ROSENPASS_SECRET_KEY_BYTES], const uint8_t *in,
                                size_t in_len) ROSENPASS_MUST_CHECK;

/* Writes a secret key in the layout of 0.2.x software. 0, or ROSENPASS_E_ARGUMENT. */
ROSENPASS_API
int rosenpass_secret_key_export_old(uint8_t out[ROSENPASS_SECRET_KEY_OLD_BYTES],
                                    const uint8_t sk[ROSENPASS_SECRET_KEY_BYTES]);

/*
 * Returns true if the two belong together and neither is damaged. Takes some 20 ms. Every part of
 * the public key and of the secret key is checked; without a seed, as in keys of 0.2.x software,
 * the part of the secret key that is used for invalid ciphertexts only cannot be.
 */
ROSENPASS_API
bool rosenpass_keypair_matches(const uint8_t pk[ROSENPASS_PUBLIC_KEY_BYTES],
                               const uint8_t sk[ROSENPASS_SECRET_KEY_BYTES]);

/* The peer id of a public key: it depends on the dialect's hash. ROSENPASS_E_ARGUMENT: no such dialect. */
ROSENPASS_API
int rosenpass_peer_id(uint8_t id[ROSENPASS_PEER_ID_BYTES], const uint8_t pk[ROSENPASS_PUBLIC_KEY_BYTES],
                      enum rosenpass_dialect dialect);

/* --- engine and peers ------------------------------------------------------------- */

/* An engine without peers. ROSENPASS_E_MEMORY, ROSENPASS_E_RANDOM, ROSENPASS_E_ARGUMENT. */
ROSENPASS_API
int rosenpass_create(struct rosenpass **engine, const struct rosenpass_config *config) ROSENPASS_MUST_CHECK;

/* Wipes and releases everything. NULL is allowed. */
ROSENPASS_API
void rosenpass_destroy(struct rosenpass *engine);

/*
 * Adds a peer and, where it can be reached, starts a handshake at once (the datagram
 * comes out after the next rosenpass_expire()). Hashes its public key once per hash in use.
 * ROSENPASS_E_MEMORY, ROSENPASS_E_EXISTS, ROSENPASS_E_ARGUMENT (unknown dialect bit,
 * organization without a label, address too long).
 */
ROSENPASS_API
int rosenpass_peer_add(struct rosenpass *engine, const struct rosenpass_peer_config *config, uint64_t now_ns,
                       rosenpass_peer *peer) ROSENPASS_MUST_CHECK;

/*
 * Gives a peer another configuration. config->public_key must be the peer's key (the bytes
 * may have moved). The key in use stays in use. With another preshared key, other labels or
 * other dialects, all handshakes in progress end, ours and the peer's: no key that was made
 * under the old ones is reported any more, and a new handshake starts at once. Without these
 * a handshake in progress goes on. Length 0 of the endpoint keeps the present one.
 * Errors as rosenpass_peer_add(), and ROSENPASS_E_NO_PEER.
 */
ROSENPASS_API
int rosenpass_peer_change(struct rosenpass *engine, rosenpass_peer peer,
                          const struct rosenpass_peer_config *config, uint64_t now_ns) ROSENPASS_MUST_CHECK;

/* Forgets a peer and wipes its secrets. Outputs of it that were not taken yet are dropped. */
ROSENPASS_API
int rosenpass_peer_remove(struct rosenpass *engine, rosenpass_peer peer);

/* The peer with that public key. ROSENPASS_E_NO_PEER: there is none. Hashes the key. */
ROSENPASS_API
int rosenpass_peer_find(struct rosenpass *engine, const uint8_t public_key[ROSENPASS_PUBLIC_KEY_BYTES],
                        rosenpass_peer *peer) ROSENPASS_MUST_CHECK;

/*
 * For going through all peers: the one after this one, or the first where peer is 0. Returns 0 after the
 * last. The order is of no meaning. A peer may be removed on the way, also the one whose turn it is; one
 * that is added on the way may be missed.
 */
ROSENPASS_API
rosenpass_peer rosenpass_peer_next(const struct rosenpass *engine, rosenpass_peer peer);

/* Sets or (length 0) forgets where the peer is. A handshake completed from another address moves it later. */
ROSENPASS_API
int rosenpass_peer_set_endpoint(struct rosenpass *engine, rosenpass_peer peer,
                                const struct rosenpass_address *endpoint, uint64_t now_ns);

/* Asks for a new key now, even though the present one is young (after a resume, say). */
ROSENPASS_API
int rosenpass_peer_initiate(struct rosenpass *engine, rosenpass_peer peer, uint64_t now_ns);

/* --- datagrams in ----------------------------------------------------------------- */

/*
 * What became of a received datagram. Values from ROSENPASS_DROPPED on had no effect at all. Both kinds have
 * room for new ones.
 */
enum rosenpass_verdict {
	ROSENPASS_ANSWERED = 0,  /* InitHello: RespHello sent */
	ROSENPASS_ACCEPTED = 1,  /* RespHello: InitConf sent */
	ROSENPASS_EXCHANGED = 2, /* InitConf: a new key, EmptyData sent */
	ROSENPASS_CONFIRMED = 3, /* EmptyData: the responder has the key */
	/* InitConf seen before: the same EmptyData sent again. A copy of RespHello or EmptyData from another
	   address, where the peer may be as well. */
	ROSENPASS_REPEATED = 4,
	ROSENPASS_COOKIE_SENT =
		5, /* InitHello without a valid cookie and beyond the budget: CookieReply sent */
	ROSENPASS_COOKIE_TAKEN = 6, /* CookieReply: InitHello sent again, once per transmission */
	ROSENPASS_CROSSED = 7,      /* InitHello or InitConf: our own handshake with that peer goes first */

	ROSENPASS_DROPPED = 64,         /* first of those without effect */
	ROSENPASS_DROPPED_SIZE = 64,    /* no message has that type and length */
	ROSENPASS_DROPPED_MAC = 65,     /* not meant for us */
	ROSENPASS_DROPPED_SESSION = 66, /* no such session, or it does not wait for this message */
	ROSENPASS_DROPPED_AUTH = 67,    /* forged, damaged, or another preshared key */
	ROSENPASS_DROPPED_PEER = 68,    /* genuine form, but a peer that we do not know */
	ROSENPASS_DROPPED_DIALECT = 69, /* that peer may not use this dialect */
	ROSENPASS_DROPPED_BISCUIT = 70, /* biscuit not ours or expired */
	ROSENPASS_DROPPED_REPLAY =
		71,                  /* biscuit older than one that was used; InitHello repeated too often */
	ROSENPASS_DROPPED_LOAD = 72, /* InitHello or RespHello for which there is no time */
	ROSENPASS_DROPPED_FAILURE = 73, /* the random source failed */
};

struct rosenpass_datagram {
	size_t size; /* of this struct; the same in all elements of an array */
	const uint8_t *data;
	size_t length;
	struct rosenpass_address from;
	enum rosenpass_verdict verdict; /* out */
	/*
	 * out: who made it, where that was proved, else 0. Of InitHello (ANSWERED, CROSSED,
	 * DROPPED_FAILURE) it is set only if the peer has a preshared key. Even then the InitHello
	 * may be a recorded one, sent by anybody. InitConf and EmptyData prove that the peer takes
	 * part now. Where any of them came from is not proved by the message.
	 */
	rosenpass_peer peer;
	/*
	 * out: with DROPPED_PEER, DROPPED_DIALECT and DROPPED_AUTH, whom a rejected handshake
	 * names, for log lines. Also with ANSWERED, CROSSED and DROPPED_FAILURE, if an InitHello
	 * names a peer that has no preshared key. None of it is authenticated: whoever has our
	 * public key can put any peer id into an InitHello, and whoever has the peer's, too, can
	 * make one that is answered.
	 */
	bool has_claim;                              /* the two below are set */
	uint8_t claimed_id[ROSENPASS_PEER_ID_BYTES]; /* peer id that the InitHello names */
	enum rosenpass_dialect claimed_dialect;      /* of the InitHello, hence of the peer id */
	rosenpass_peer
		claimed_peer; /* our peer with that id, or that a false RespHello is meant for; else 0 */
};

/*
 * Works through waiting datagrams together. Returns how many were taken; fewer than
 * count only when outputs have to be taken first: then call rosenpass_next() until it
 * is false, and again with the rest. ROSENPASS_E_ARGUMENT: none was taken.
 */
ROSENPASS_API
int rosenpass_receive(struct rosenpass *engine, struct rosenpass_datagram *datagrams, size_t count,
                      uint64_t now_ns);

/*
 * The same in steps, for a caller that has timers and other messages to serve while many InitHellos wait.
 * rosenpass_receive_begin() takes datagrams until rosenpass_slice() InitHellos are admitted, and does with
 * the others what rosenpass_receive() does. It returns how many were taken: fewer, or 0, if outputs have to
 * be taken first, and 0 while an earlier batch is not done. Each call of rosenpass_receive_step() then does
 * a part of the work, with one pass over a public key for each InitHello; all of them run in parallel lanes.
 * It returns true if it is to be called again. Once it has returned false, the answers are among the outputs,
 * and the verdicts of the InitHellos are set: DROPPED_PEER if the peer was removed meanwhile.
 *
 * Until then the structs of the datagrams that were taken stay where they are; the bytes of the datagrams
 * need not. Between the steps everything else may be called. Outputs are to be taken after each call. If
 * rosenpass_receive() gets an InitHello meanwhile, it finishes the batch first.
 */
ROSENPASS_API
int rosenpass_receive_begin(struct rosenpass *engine, struct rosenpass_datagram *datagrams, size_t count,
                            uint64_t now_ns);
ROSENPASS_API
bool rosenpass_receive_step(struct rosenpass *engine, uint64_t now_ns);

/*
 * How many InitHellos, RespHellos or initiations are best worked on together on this CPU, with these workers:
 * one for each lane that is computed at the same time. No call of rosenpass_expire() begins more.
 */
ROSENPASS_API
size_t rosenpass_slice(const struct rosenpass *engine);

/*
 * Lets the engine's long computations run on threads of the caller. run() calls job(argument, part) once for
 * every part from 0 to parts - 1, in any order and on any thread, and returns when all these calls have
 * returned. It is called by functions of the engine, in the thread that called them. threads: how many there
 * are beside that one. The outcome does not depend on the threads. A stack of 256 KiB is enough for job().
 * NULL: no threads.
 */
typedef void rosenpass_job_fn(void *argument, size_t part);
typedef void rosenpass_run_fn(void *context, rosenpass_job_fn *job, void *argument, size_t parts);

ROSENPASS_API
void rosenpass_set_workers(struct rosenpass *engine, rosenpass_run_fn *run, void *context, size_t threads);

/* When rosenpass_expire() wants to be called next; ROSENPASS_NEVER if nothing is due ever. */
ROSENPASS_API
uint64_t rosenpass_deadline(const struct rosenpass *engine);

/*
 * Does what is due: initiations, retransmissions, renewals, erasures. When more is due than outputs fit, or
 * more initiations than rosenpass_slice(), rosenpass_deadline() stays in the past: take outputs and call
 * again.
 */
ROSENPASS_API
void rosenpass_expire(struct rosenpass *engine, uint64_t now_ns);

/*
 * The time now, on the clock whose times are handed in elsewhere. Called a few times for each batch that
 * contains an InitHello, so it should be cheap and count microseconds.
 */
typedef uint64_t rosenpass_clock_fn(void *context);

/*
 * Limits what strangers can cost. With a clock, the engine measures how long it works on InitHellos. All
 * together get 90 % of the time of one core. InitHellos without a valid cookie get 60 %, in bursts of up to
 * 50 ms; those of our own peers count for two thirds, so that a crowd of peers gets 90 %. Networks (see
 * struct rosenpass_address) that have used much lately leave room for those that have not. Half of the 60 %
 * is reserved for senders in the network of a peer's endpoint, one in 5 s for each peer there. An InitHello
 * beyond that is answered by a CookieReply. A sender that shows its cookie is served from the rest of the 90
 * %, up to 10 handshakes a second for each group after a burst of 20, and 4 and 16 times as many for the two
 * larger networks around it. Software that ignores CookieReply is thus served as long as there is time.
 *
 * Some limits need no clock. Copies of an InitHello are dropped if they follow each other within 200 ms or
 * come more than 8 times in 10 s. CookieReplies get a tenth of the time of one core, and RespHellos that turn
 * out to be false another tenth. Other messages are always handled.
 *
 * NULL takes the clock away and its limits with it, as in a new engine.
 */
ROSENPASS_API
void rosenpass_set_clock(struct rosenpass *engine, rosenpass_clock_fn *clock, void *context);

/*
 * While true, no InitHello is served without a cookie, whatever the budget says. That locks out software that
 * ignores CookieReply (all releases 0.2.x): prefer rosenpass_set_clock().
 */
ROSENPASS_API
void rosenpass_set_under_load(struct rosenpass *engine, bool under_load);

/* --- datagrams and events out ------------------------------------------------------- */

enum rosenpass_output_kind {
	ROSENPASS_OUTPUT_SEND = 0,     /* send data to address; if its length is 0, to all addresses known */
	ROSENPASS_OUTPUT_KEY = 1,      /* data is the new key (ROSENPASS_KEY_BYTES) shared with the peer */
	ROSENPASS_OUTPUT_STALE = 2,    /* the last key is too old and was erased: stop using it */
	ROSENPASS_OUTPUT_ENDPOINT = 3, /* a handshake was completed from address: the peer is there */
	ROSENPASS_OUTPUT_TIMEOUT =
		4, /* a handshake of ours got no answer in time; a new one follows by itself */
	ROSENPASS_OUTPUT_CONFIRMED = 5, /* the peer has the last key, which was given out unconfirmed */
};

struct rosenpass_output {
	size_t size; /* of this struct */
	enum rosenpass_output_kind kind;
	rosenpass_peer peer;              /* SEND: whom it is made for; 0 for CookieReply */
	void *user;                       /* of that peer */
	struct rosenpass_address address; /* SEND, ENDPOINT */
	const uint8_t
		*data; /* SEND, KEY: valid until the next call with this engine other than rosenpass_next() */
	size_t length;
	enum rosenpass_role role;       /* KEY, CONFIRMED, STALE: ours in that exchange */
	enum rosenpass_dialect dialect; /* KEY, CONFIRMED, STALE */
	bool repeated;                  /* SEND: a retransmission */
	/*
	 * KEY: the peer has proved that it has this key. A key of ours as initiator is given out after two
	 * seconds even if the peer's EmptyData has not come; CONFIRMED follows when it does.
	 */
	bool confirmed;
};

/* Takes the oldest output. false: there is none, or output->size is invalid. */
ROSENPASS_API
bool rosenpass_next(struct rosenpass *engine, struct rosenpass_output *output);

/* --- what is going on ---------------------------------------------------------------- */

enum rosenpass_peer_state {
	ROSENPASS_STATE_IDLE = 0,       /* nothing in progress */
	ROSENPASS_STATE_INIT_HELLO = 1, /* waiting for RespHello */
	ROSENPASS_STATE_INIT_CONF = 2,  /* waiting for EmptyData */
};

struct rosenpass_peer_info {
	size_t size; /* of this struct */
	void *user;
	enum rosenpass_peer_state state;
	bool has_key;                   /* a key was given out and is not stale */
	uint64_t key_since_ns;          /* with has_key */
	uint64_t renewal_ns;            /* when we start the next handshake; ROSENPASS_NEVER: we do not */
	enum rosenpass_role role;       /* of the last exchange */
	enum rosenpass_dialect dialect; /* of the last exchange */
	bool ever;                      /* there was an exchange; role and dialect are meaningful */
	uint64_t waiting_since_ns; /* unless idle: when the peer last answered, or was first asked since */
	uint32_t retransmissions;  /* of the handshake in progress, or since the peer last answered */
	uint64_t exchanges;        /* keys given out */
	uint64_t timeouts;         /* handshakes that were given up */
	struct rosenpass_address endpoint;
	bool confirmed; /* with has_key: the peer has proved that it has this key */
	/*
	 * The last datagram that was dropped and came from the peer, or named it: see claimed_peer. Mostly
	 * nothing of it is authenticated, so it can explain a failure, and prove none.
	 */
	bool has_dropped; /* the two below are set */
	enum rosenpass_verdict dropped;
	uint64_t dropped_ns;
};

/* ROSENPASS_E_NO_PEER, ROSENPASS_E_ARGUMENT (info->size), else 0. */
ROSENPASS_API
int rosenpass_peer_get(const struct rosenpass *engine, rosenpass_peer peer, struct rosenpass_peer_info *info);

/* How many datagrams got that verdict. 0 for a verdict that does not exist. */
ROSENPASS_API
uint64_t rosenpass_count_received(const struct rosenpass *engine, enum rosenpass_verdict verdict);

struct rosenpass_stats {
	size_t size;   /* of this struct */
	uint64_t sent; /* datagrams */
	uint64_t sent_bytes;
	uint64_t peers;
	bool under_load;          /* a cookie was demanded within the last five seconds, or always is */
	uint64_t random_failures; /* how often the random source has failed */
	bool random_failing;      /* it failed when it was last asked: no handshake begins */
};

/* 0, or ROSENPASS_E_ARGUMENT (stats->size). */
ROSENPASS_API
int rosenpass_get_stats(const struct rosenpass *engine, struct rosenpass_stats *stats);

/* Short English words for a verdict, an error or a dialect, for logs. Never NULL. */
ROSENPASS_API
const char *rosenpass_verdict_name(enum rosenpass_verdict verdict);
ROSENPASS_API
const char *rosenpass_error_name(int error);
ROSENPASS_API
const char *rosenpass_dialect_name(enum rosenpass_dialect dialect);

#ifdef __cplusplus
}
#endif

#endif
