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
	char label[DEVICE_LABEL_BYTES]; /* of the peer that it was for */
};

struct device {
	struct device_table *table;
	char name[WIREGUARD_NAME_BYTES];
	struct device_peer **peers;
	size_t count, capacity;
	bool is_sorted; /* by public key */
	struct retired_key *retired;

	struct loop_timer timer; /* the next reconciliation */
	uint64_t at_ns;          /* what the timer is set to */
	uint64_t wait_ns;        /* the last wait */
	uint64_t cost_ns;        /* the time that the last reconciliation took */
	uint64_t ended_ns;       /* when it was */
	bool is_failing;
	uint64_t looked_ns; /* when it was reconciled last for another reason than a tunnel's */
	bool is_for_tunnel; /* the next reconciliation is because a peer asked for it */
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

/* Reconciles the device, and sets wait_ns and at_ns. Its peers must be sorted. */
void device_reconcile(const struct device_context *context, struct device *device);

/* Notes the device's mark. */
void device_note_mark(struct device *device, const struct wireguard_device *present);

/* Takes the first key off that list, and frees it. */
void device_drop_retired(struct retired_key **list);

#endif
