#ifndef ROSENPASS_DELIVERY_DEVICE_RECONCILE_H
#define ROSENPASS_DELIVERY_DEVICE_RECONCILE_H

/* Within delivery/device: the state of a device, and one reconciliation of it. */

#include "delivery/device.h"

#define DEVICE_LABEL_BYTES 264

/* A peer of the device that has one of our keys, and is not ours any more. */
struct retired_key {
	struct retired_key *next;
	uint8_t peer[WIREGUARD_KEY_BYTES];
	uint8_t *key; /* secret memory: the random one that takes its place */
	uint64_t until_ns;
	const struct wireguard_peer *present; /* during a reconciliation; NULL: the device has no such peer */
	char label[DEVICE_LABEL_BYTES];       /* of the peer that it was for */
};

struct device {
	struct device_table *table;
	char name[WIREGUARD_NAME_BYTES];
	struct device_peer **peers;
	size_t count, capacity;
	bool is_sorted;             /* by public key */
	struct heap due;            /* peers whose key is to be set, or that are to be reconciled */
	struct device_peer *unread; /* peers that the next reconciliation compares */
	size_t unread_count;
	struct retired_key *retired;

	struct loop_timer timer; /* the earliest of due, all_ns and unread_ns */
	uint64_t all_ns;         /* when all peers are reconciled */
	uint64_t unread_ns;      /* when those on the list of unread ones are; LOOP_NEVER: with all */
	uint64_t wait_ns;        /* the last wait for all peers */
	uint64_t cost_ns;        /* the time that the last reconciliation took */
	uint64_t ended_ns;       /* when it was */
	bool is_failing;
	uint64_t looked_ns; /* when all peers were reconciled last for another reason than ensure() */
	bool is_for_owner;  /* the next reconciliation of all peers is because ensure() asked for it */
	bool was_read;      /* at the last reconciliation */
	bool is_foreign;    /* the interface is not the one that we may change */
	uint64_t ensure_ns; /* ensure() is not called before then, as long as it is in the same state: */
	int ensure_for;
	uint32_t ensure_index; /* of the interface at that time; 0: none */
	uint64_t down_ns;      /* since when it is down; 0: it is up, or not there */
	bool logged_down;
	int problem; /* negative errno that was logged; 0: none */
	bool is_used;
	struct device_mark mark;
};

/* What a reconciliation needs beside the device. */
struct device_context {
	const struct wireguard_backend *backend;
	const struct device_owner *owner;
	uint64_t now_ns;
};

/*
 * Reconciles all peers, or only the unread ones; all of them if the device cannot be read. Sets all_ns, and
 * unread_ns to LOOP_NEVER. The device's peers must be sorted.
 */
void device_reconcile(const struct device_context *context, struct device *device, bool is_for_all);

/* Puts a peer on the list of those that the next reconciliation compares. */
void device_add_unread(struct device_peer *peer);
void device_remove_unread(struct device_peer *peer);

/* How setting keys went. */
enum device_keys {
	DEVICE_KEYS_NONE,    /* no key was due */
	DEVICE_KEYS_SET,     /* all are to be read back */
	DEVICE_KEYS_URGENT,  /* the same, soon; or a peer is to be reconciled */
	DEVICE_KEYS_REFUSED, /* the reason is found by a reconciliation of all peers */
};

/* Sets the keys that are due, without reading the device. All peers that are due become unread. */
enum device_keys device_set_keys(const struct device_context *context, struct device *device);

/* Returns true if an error is about one of the peers, and not about the device or us. */
bool device_is_of_a_peer(int result);

/* Notes the device's mark. Returns true if the mark is another one. */
bool device_note_mark(struct device *device, const struct wireguard_device *present);

/* Takes the first key off that list, and frees it. */
void device_drop_retired(struct retired_key **list);

#endif
