#ifndef ROSENPASS_ENGINE_CHANNEL_H
#define ROSENPASS_ENGINE_CHANNEL_H

/*
 * What the two processes of a daemon say to each other: messages of fixed size over a SOCK_SEQPACKET
 * pair. The monitor sends requests, the engine process events. Neither trusts the form of what it
 * gets; the monitor believes of an event no more than that its peer is one that it configured.
 *
 * Neither side waits for the other.
 *
 * A peer is named by slot and serial. Slots are used again, serials never are: an event about
 * a peer that was removed meanwhile is told from one about its successor.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/verdicts.h"
#include "rosenpass.h"
#include "system/address.h"
#include "system/sandbox.h"

#define CHANNEL_ADDRESSES_MAX 16
#define CHANNEL_LABEL_BYTES 264 /* what a peer is called in messages, with a zero */
#define CHANNEL_OSK_BYTES 1024
#define CHANNEL_OSK_MAX 64
#define CHANNEL_PEERS_MAX 100000
#define CHANNEL_TRIED_MAX 4

enum channel_request_kind {
	CHANNEL_ADD_PEER = 1,    /* with the public key's sealed memfd */
	CHANNEL_CHANGE_PEER,     /* the session stays */
	CHANNEL_REMOVE_PEER,     /* */
	CHANNEL_SET_ADDRESSES,   /* what the peer's endpoint resolves to */
	CHANNEL_NETWORK_CHANGED, /* try the peers that did not answer */
	CHANNEL_ADD_SOCKET,      /* with the UDP socket */
	CHANNEL_DROP_SOCKET,
	CHANNEL_BEGIN,  /* the peers of the configuration are there: read sockets and send from now on */
	CHANNEL_REPORT, /* say how every peer is */
	CHANNEL_PING,
	CHANNEL_RESTORE,   /* addresses.list[0]: where the peer was before the daemon was started */
	CHANNEL_INITIATE,  /* ask the peer for a new key */
	CHANNEL_DELIVERED, /* WireGuard has the peer's key: the peer may hear of it */
	CHANNEL_STOP,
};

struct channel_peer {
	char label[CHANNEL_LABEL_BYTES];
	uint32_t dialects; /* 0: all */
	uint8_t has_psk;
	uint8_t discover; /* it has an endpoint: initiate as soon as addresses are known */
	uint8_t holds;    /* CHANNEL_DELIVERED follows each key */
	uint8_t psk[ROSENPASS_PSK_BYTES];
	uint32_t osk_labels;         /* how many; 0: the default, osk is empty */
	char osk[CHANNEL_OSK_BYTES]; /* organization and labels, a zero after each */
};

struct channel_addresses {
	uint32_t count;
	uint32_t forget; /* 1: where it was last is of no interest any more */
	union address_socket list[CHANNEL_ADDRESSES_MAX];
};

struct channel_request {
	uint32_t kind;
	uint32_t slot; /* of a peer or of a socket */
	uint32_t serial;
	uint32_t family; /* ADD_SOCKET */
	union {
		struct channel_peer peer; /* ADD_PEER, CHANGE_PEER */
		struct channel_addresses addresses;
	};
};

enum channel_event_kind {
	CHANNEL_READY = 1, /* the sandbox is closed, requests are welcome */
	CHANNEL_BEGUN,     /* BEGIN and all requests before it are done */
	CHANNEL_KEY,
	CHANNEL_STALE,
	CHANNEL_MOVED,
	CHANNEL_TIMED_OUT,
	CHANNEL_PEER_FAILED, /* ADD_PEER or CHANGE_PEER did not work */
	CHANNEL_PEER_REPORT,
	CHANNEL_REPORT_END,
	CHANNEL_PONG,
	CHANNEL_REJECTED, /* a handshake of somebody else was rejected */
	CHANNEL_SILENCE,  /* a peer does not answer, or answers again */
};

/* Why a peer counts as silent. */
enum channel_silence_reason {
	CHANNEL_SILENCE_OVER,        /* it answers again */
	CHANNEL_SILENCE_ENDED,       /* we have stopped asking */
	CHANNEL_SILENCE_NO_ADDRESS,  /* no address of it is known */
	CHANNEL_SILENCE_NOTHING,     /* from at least one address nothing comes back, not even an error */
	CHANNEL_SILENCE_ERRORS,      /* every address gives an error */
	CHANNEL_SILENCE_FALSE,       /* answers come that are not genuine */
	CHANNEL_SILENCE_BUSY,        /* it asks for cookies, and has not answered with one either */
	CHANNEL_SILENCE_ONE_WAY,     /* it calls us, but does not seem to receive our messages */
	CHANNEL_SILENCE_UNCONFIRMED, /* RespHello has come, EmptyData has not */
	CHANNEL_SILENCE_COUNT,
};

struct channel_tried {
	union address_socket address;
	int32_t error; /* errno of sending, or of an ICMP message; 0: none */
};

struct channel_silence {
	uint32_t reason;
	uint32_t count; /* of tried */
	uint32_t more;  /* addresses that tried has no room for */
	uint32_t unused;
	uint64_t since_ns; /* when it last answered, or was first asked */
	struct channel_tried tried[CHANNEL_TRIED_MAX];
};

/* Why a handshake of somebody else was rejected. */
enum channel_rejected_reason {
	CHANNEL_REJECTED_OTHER_KEY, /* made for another public key than ours */
	CHANNEL_REJECTED_UNKNOWN,   /* names a peer id that is none of our peers' */
	CHANNEL_REJECTED_AUTH,    /* names a peer, and does not prove it: another preshared key, or forged */
	CHANNEL_REJECTED_DIALECT, /* names a peer that may not use this dialect */
	CHANNEL_REJECTED_COUNT,
};

/* Nothing in it is proven. The peer that it names stands in slot and serial; serial 0: none. */
struct channel_rejected {
	uint32_t reason;
	uint32_t dialect; /* of id */
	uint64_t count;   /* handshakes since the last event about this caller */
	union address_socket from;
	uint8_t id[ROSENPASS_PEER_ID_BYTES]; /* the peer id that was named; zero with OTHER_KEY */
};

struct channel_ready {
	struct sandbox_report sandbox;
	uint32_t memory; /* enum secret_memory_kind */
};

struct channel_key {
	uint32_t role;
	uint32_t dialect;
	uint8_t key[ROSENPASS_KEY_BYTES];
};

struct channel_peer_report {
	uint32_t state;
	uint32_t role;
	uint32_t dialect;
	uint8_t ever;
	uint8_t has_key;
	uint8_t has_endpoint;
	uint8_t confirmed; /* the peer has proved that it has the key */
	uint32_t retransmissions;
	int32_t send_error; /* errno of the last datagram that could not be sent; 0: none since one was */
	uint64_t exchanges;
	uint64_t timeouts;
	uint64_t key_since_ns;
	uint64_t renewal_ns; /* ROSENPASS_NEVER */
	union address_socket endpoint;
};

struct channel_report {
	uint64_t received[VERDICT_INDEX_COUNT]; /* by verdict_index() */
	uint64_t sent;
	uint64_t sent_bytes;
	uint64_t under_load_since_ns; /* 0: not under load */
	uint32_t busy_permille;       /* of the last second */
	uint32_t random_failing;      /* 1: the random source fails, so that no handshake begins; 0 */
};

struct channel_event {
	uint32_t kind;
	uint32_t slot;
	uint32_t serial;
	int32_t error; /* PEER_FAILED: ROSENPASS_E_ code */
	union {
		struct channel_ready ready;
		struct channel_key key; /* KEY; STALE without the key */
		union address_socket moved;
		struct channel_peer_report peer;
		struct channel_report report; /* REPORT_END */
		struct channel_silence silence;
		struct channel_rejected rejected;
	};
};

/*
 * A connected pair, both close-on-exec: [0] for the monitor, [1] for the engine process. 0 or negative
 * errno.
 */
int channel_open(int pair[2]) __attribute__((warn_unused_result));

/*
 * The monitor's side. fd goes along where it is not -1 and stays open. 0; -EAGAIN when there is no room
 * now; else negative errno: the engine process is gone.
 */
int channel_send_request(int channel, const struct channel_request *request, int fd)
	__attribute__((warn_unused_result));

/*
 * One event that waits. 1: *event is sound; 0: nothing waits; -EPIPE: the other side has ended; -EPROTO:
 * what came is no event, and its sender not to be talked to any longer; else negative errno.
 */
int channel_receive_event(int channel, struct channel_event *event) __attribute__((warn_unused_result));

/* The engine's side. 0, -EAGAIN when there is no room now, else negative errno. */
int channel_send_event(int channel, const struct channel_event *event) __attribute__((warn_unused_result));

/* As channel_receive_event(); *fd is the descriptor that came along, to be closed, or -1. */
int channel_receive_request(int channel, struct channel_request *request, int *fd)
	__attribute__((warn_unused_result));

/*
 * Whether the bytes are an event or a request in sound form: right length, every enum, count, flag and
 * address within its range, every text with its zero. Copies it.
 */
bool channel_read_event(struct channel_event *event, const uint8_t *bytes, size_t length);
bool channel_read_request(struct channel_request *request, const uint8_t *bytes, size_t length);

#endif
