#ifndef ROSENPASS_MONITOR_PEER_MEMORY_H
#define ROSENPASS_MONITOR_PEER_MEMORY_H

/*
 * Where peers were authenticated last, kept in a file, so that a restarted daemon can call first. The file
 * holds no secret, and is believed no more than a name server.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "system/address.h"
#include "system/loop.h"

struct peer_memory;

/* What is remembered of one peer. A member of that peer; the links belong to the memory. */
struct peer_memory_entry {
	uint64_t key_prefix;            /* the first eight bytes of the public key */
	union address_socket address;   /* of Rosenpass; AF_UNSPEC: unknown */
	union address_socket wireguard; /* the endpoint that WireGuard has; likewise */
	struct peer_memory_entry *next;
	struct peer_memory_entry **link; /* NULL: not attached */
};

/*
 * The file of a daemon with that name, or without a name (NULL) of the key pair whose public key begins with
 * *own_prefix; allocated. NULL: nothing is to be remembered, neither name nor key is known, or no memory.
 */
char *peer_memory_find_path(const char *name, const uint64_t *own_prefix);

/*
 * Reads the file, and writes it again when something changes. path NULL: nothing is read or written. An
 * unusable file is logged. 0 or -ENOMEM.
 */
int peer_memory_open(struct peer_memory **out, struct loop *loop, const char *path)
	__attribute__((warn_unused_result));

/* Writes what has not been written yet. Entries are detached. NULL is allowed. */
void peer_memory_close(struct peer_memory *memory);

/* Fills in a zeroed entry from what was read. The entry is a part of the file from now on. */
void peer_memory_attach(struct peer_memory *memory, struct peer_memory_entry *entry, uint64_t key_prefix);

/* The peer leaves. Does nothing if the entry is not attached. */
void peer_memory_detach(struct peer_memory_entry *entry);

/* Notes where a peer was heard. NULL, or an address that is of no use later: keeps what is known. */
void peer_memory_note(struct peer_memory *memory, struct peer_memory_entry *entry,
                      const union address_socket *address, const union address_socket *wireguard);

/*
 * Reads the text of a file, which is changed. The links of the entries are NULL. Returns false if anything in
 * it is wrong; then *out is NULL.
 */
bool peer_memory_parse(char *text, struct peer_memory_entry **out, size_t *count);

#endif
