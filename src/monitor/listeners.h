#ifndef ROSENPASS_MONITOR_LISTENERS_H
#define ROSENPASS_MONITOR_LISTENERS_H

/*
 * The UDP sockets of `listen`. A new list of addresses is staged first: whatever can be opened is opened
 * beside the present sockets, and a port that is taken is found before anything has changed. Applying the
 * list cannot fail. Addresses that the machine does not have yet, and names that do not resolve, are waited
 * for.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/rosenpass_config.h"
#include "system/address.h"
#include "system/resolver_pool.h"

#define LISTENERS_PROBLEM_BYTES 512

struct listeners;
struct listeners_change;

struct listeners_socket {
	uint32_t slot; /* below SOCKETS_MAX */
	int fd;        /* stays ours */
};

struct listeners_owner {
	/* A socket is there; it may carry datagrams already. */
	void (*opened)(void *owner, const struct listeners_socket *socket);
	/* The slot is free again. The socket is closed after this. */
	void (*closed)(void *owner, uint32_t slot);
	void *owner;
};

/* What status shows of one word of `listen`, or of one of the two families where there is none. */
struct listener_status {
	const char *configured;
	union address_socket address; /* of its first socket; AF_UNSPEC: there is none */
	bool is_open;
	const char *error; /* NULL: none */
};

/* 0 or -ENOMEM. The pool and its loop must live longer. */
int listeners_create(struct listeners **out, struct resolver_pool *pool, const struct listeners_owner *owner)
	__attribute__((warn_unused_result));

/* Closes all sockets without telling the owner. NULL is allowed. */
void listeners_destroy(struct listeners *listeners);

/*
 * Prepares another list of addresses; without any, one port of each family. Sockets of addresses that stay
 * are kept. 0; or -1 and one line in problem: a port is taken by another program or not permitted, there are
 * more sockets than slots, or no memory. Nothing has changed then. Before the loop goes on, the change has to
 * be applied or discarded.
 */
int listeners_stage(struct listeners *listeners, const struct string_list *words,
                    struct listeners_change **change, char problem[static LISTENERS_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

/* Closes what is not listed any more, then takes over what was staged. Frees the change. */
void listeners_apply(struct listeners *listeners, struct listeners_change *change);

/* Closes what was staged. Frees the change. NULL is allowed. */
void listeners_discard(struct listeners *listeners, struct listeners_change *change);

/* Addresses or routes have changed: what is not open is tried at once. */
void listeners_refresh(struct listeners *listeners);

/* Calls for each open socket. */
void listeners_each(const struct listeners *listeners,
                    void (*call)(void *context, const struct listeners_socket *socket), void *context);

size_t listeners_count(const struct listeners *listeners);
void listeners_describe(const struct listeners *listeners, size_t number, struct listener_status *status);

#endif
