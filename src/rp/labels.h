#ifndef ROSENPASS_RP_LABELS_H
#define ROSENPASS_RP_LABELS_H

/* What the peers of a VPN are called in log lines and in the status. */

#include <stddef.h>

#include "config/rp_config.h"

/*
 * One label for each peer: its name, else the name of its public keys directory. Where that is taken by
 * another peer as well, the parent directory stands before it ("site/peer"). A peer whose label would still
 * not be unique, or no name, or would be taken for the number of a peer, has NULL: it is called by its
 * number. 0, and the array belongs to the caller; -1: no memory.
 */
int labels_make(char ***labels, const struct rp_config *config) __attribute__((warn_unused_result));

/* NULL is allowed. */
void labels_release(char **labels, size_t count);

#endif
