#ifndef ROSENPASS_DELIVERY_DEVICE_H
#define ROSENPASS_DELIVERY_DEVICE_H

/*
 * WireGuard's devices that have peers of ours. A new key is set at once, without reading the device. A device
 * is reconciled to read new keys back, when interfaces come or go, and every 15 seconds: the device is read,
 * and whatever differs from what is wanted is set, read again and compared. Every 15 seconds all peers are
 * compared; in between only those that have a new key, or that asked.
 *
 * Reading a device returns all its peers, which is slow if there are many. After a reconciliation the next
 * one waits until the device has taken no more than a twentieth of the time, but no longer than a second.
 * New keys of a device with more than DEVICE_MANY_PEERS are read back later: after 10 ms for each peer of
 * the device, and after 15 seconds at the latest. So the cost of a key does not grow with the number of
 * peers.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "delivery/device_plan.h"
#include "system/loop.h"
#include "wireguard/link.h"
#include "wireguard/wireguard.h"

/* How devices are reached. */
struct wireguard_backend {
	int (*get)(struct wireguard_device *device, const char *name);
	int (*set)(const char *name, const struct wireguard_change *change);
	int (*link)(const char *name, struct link *link);
	uint64_t (*clock_ns)(void); /* to measure what a reconciliation costs */
};

/* The devices of this system. */
extern const struct wireguard_backend wireguard_backend_system;

/* Reading a device with more peers is slow. */
#define DEVICE_MANY_PEERS 64

/* What ensure() says of an interface that must not be changed. */
#define DEVICE_NOT_OURS (-2)

struct device_owner {
	/*
	 * Makes the interface with its peers where it, or a peer, is not there. 0: something was made; 1:
	 * there was nothing to be done; -1: it failed, which was logged; DEVICE_NOT_OURS. *again_ns: when
	 * it wants to be called again; untouched if there is no reason. NULL: others make it, and we wait
	 * for it.
	 */
	int (*ensure)(void *owner, const char *name, uint64_t *again_ns);
	/* The mark of a device has changed, or a device is not used any more. NULL: of no interest. */
	void (*read)(void *owner);
	const char *own_name; /* of the interface whose absence is explained by ensure(); NULL: none */
	void *owner;
};

/* A peer of a device, during reconciliation. */
struct device_view {
	const char *device;
	uint64_t now_ns;
	size_t peer_count; /* of the device */
	bool is_up;
	const struct device_target *target;
	const struct wireguard_peer *present; /* NULL: the device has no such peer */
	bool has_key;
	int device_result; /* negative errno: nothing is known of the device */
	int result;        /* negative errno: why the change was refused */
};

/* A peer of a device that one of our keys is for. */
struct device_peer {
	uint8_t public_key[WIREGUARD_KEY_BYTES];
	const struct device_peer_ops *ops;
	struct device *device; /* NULL: the peer is not attached. What follows belongs to the device: */
	size_t place;          /* among the device's peers */
	struct heap_node due;  /* when the key is set, or the peer reconciled */
	bool has_new_key;      /* to be set then */
	bool is_urgent;        /* the key is read back without the wait of devices with many peers */
	struct device_peer *next_unread;  /* the list of peers that the next reconciliation compares */
	struct device_peer **unread_link; /* NULL: the peer is not on that list */
};

struct device_peer_ops {
	/* Says what is wanted now, except for has_session. */
	void (*want)(const struct device_peer *peer, uint64_t now_ns, struct device_target *target);
	/* The device was read. Returns whether WireGuard has a session with the peer. */
	bool (*read)(struct device_peer *peer, const struct wireguard_peer *present);
	/* The new key was set, and will be read back. */
	void (*key_set)(struct device_peer *peer);
	/*
	 * The step was carried out, if anything was due. device_result: negative errno if the request was
	 * refused as a whole; result: if it was refused for this peer.
	 */
	void (*changed)(struct device_peer *peer, const struct device_target *target,
	                const struct device_step *step, int device_result, int result);
	/*
	 * The peer was reconciled. May lower *again_ns, when the peer is to be reconciled again. Returns
	 * false if something is wrong.
	 */
	bool (*reconciled)(struct device_peer *peer, const struct device_view *view, uint64_t *again_ns);
};

struct device_table;

/* All arguments outlive it. 0 or -ENOMEM. */
int device_table_create(struct device_table **out, struct loop *loop, const struct wireguard_backend *backend,
                        const struct device_owner *owner) __attribute__((warn_unused_result));
/* No peer is attached any more. NULL is allowed. */
void device_table_destroy(struct device_table *table);

/* Keeps a device although it has no peers yet, until it has been reconciled. 0 or -ENOMEM. */
int device_know(struct device_table *table, const char *name) __attribute__((warn_unused_result));
/* Reconciles the peer with its device from now on. 0 or -ENOMEM. */
int device_attach(struct device_table *table, const char *name, struct device_peer *peer)
	__attribute__((warn_unused_result));
/* Does nothing for a peer that is not attached. */
void device_detach(struct device_peer *peer);

/* Reconciles all peers of a device soon. Does nothing for a device that hangs: it blocks us each time. */
void device_reconcile_soon(struct device *device);
/* The same for one peer. */
void device_reconcile_peer_soon(struct device_peer *peer);
/*
 * The peer has a new key, which is set at at_ns and then read back. is_urgent: the peer's endpoint and
 * parameters are due as well, or the end of the daemon waits for the key: reading back does not wait as it
 * does for the other keys of a device with many peers.
 */
void device_new_key(struct device_peer *peer, uint64_t at_ns, bool is_urgent);
/* Reconciles all devices, within the call. */
void device_table_reconcile_now(struct device_table *table);
/* Interfaces have changed: reconciles all devices, now and soon again. */
void device_table_network_changed(struct device_table *table);

/* A peer of a device that is not ours any more: a random key replaces its key. */
struct retired_key;

/* Takes the memory and the random key that device_retire_key() needs. 0 or negative errno. */
int device_prepare_retired(struct retired_key **out, const uint8_t peer[static WIREGUARD_KEY_BYTES])
	__attribute__((warn_unused_result));
/* The peer stays. NULL is allowed. */
void device_cancel_retired(struct retired_key *retired);
/* Takes over what was prepared. Cannot fail. label: of our peer up to now. */
void device_retire_key(struct device *device, struct retired_key *retired, const char *label);
/* Each key that is still to be replaced; target is "DEVICE PEER". */
void device_table_each_retired(const struct device_table *table,
                               void (*tell)(void *context, const char *label, const char *target),
                               void *context);

/* What a device said last of its mark, by which its own packets are kept out of its tunnel. */
struct device_mark {
	const char *device;
	uint32_t fwmark;     /* 0: none */
	bool is_full_tunnel; /* a peer takes all packets, or half of them */
};

/* Reads the marks of all devices. */
void device_table_read_marks(struct device_table *table);
/* The mark of the i-th device, in the order in which they were named. Returns false if there are fewer. */
bool device_table_mark(const struct device_table *table, size_t i, struct device_mark *mark);

#endif
