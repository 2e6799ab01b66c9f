#ifndef ROSENPASS_RP_UNDO_H
#define ROSENPASS_RP_UNDO_H

/* What a VPN has changed outside of its own interface, and how it was before. */

#include <stddef.h>
#include <stdint.h>

#include "wireguard/route.h"
#include "wireguard/rule.h"
#include "wireguard/wireguard.h"

#define UNDO_SETTING_BYTES 64

enum undo_kind {
	UNDO_ADDRESS,  /* we gave an interface an address */
	UNDO_ROUTE,    /* we made a route */
	UNDO_REPLACED, /* a route made room for ours */
	UNDO_RULE,     /* we made a rule */
	UNDO_SYSCTL,   /* we changed a setting of the kernel */
	UNDO_FWMARK,   /* we changed the mark of an interface */
	UNDO_MTU,      /* we changed the MTU of an interface */
};

/*
 * One change. Compared as bytes: whoever makes one starts with zeroed memory. Passes through a pipe in one
 * piece.
 */
struct undo {
	enum undo_kind kind;
	union {
		struct route route; /* UNDO_ADDRESS: its prefix and interface */
		struct route_saved replaced;
		struct rule rule;
		struct {
			char name[UNDO_SETTING_BYTES];
			int before, ours;
		} sysctl;
		struct {
			char name[WIREGUARD_NAME_BYTES];
			uint32_t index;
			uint32_t before, ours;
		} link; /* UNDO_FWMARK, UNDO_MTU */
	};
};

/* Changes in the order in which they were made. Zeroed memory is an empty list. */
struct undo_list {
	struct undo *all; /* allocated */
	size_t count;
};

/* Appends a change that is not in the list yet. -ENOMEM. */
int undo_add(struct undo_list *list, const struct undo *undo) __attribute__((warn_unused_result));

/* Takes a change out of the list, if it is there. */
void undo_drop(struct undo_list *list, const struct undo *undo);

/* Undoes all, the last change first, as far as nobody has changed it again since. The list is empty then. */
void undo_run(struct undo_list *list);

void undo_release(struct undo_list *list);

#endif
