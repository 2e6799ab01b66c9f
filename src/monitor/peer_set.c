#include "monitor/peer_set.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A peer may be named by so many characters of its id. */
#define ID_PREFIX_MIN 8
#define FIRST_SLOTS 16
/* Ends the list of free slots. */
#define NO_SLOT UINT32_MAX

struct slot {
	struct peer *peer;  /* NULL: free */
	uint32_t next_free; /* meaningful if free */
};

struct peer_set {
	struct loop *loop;
	struct slot *all;
	size_t capacity;
	uint32_t first_free;
	size_t count; /* of peers that are not leaving */
	size_t used;  /* slots of all peers */
	uint32_t last_serial;
	struct loop_timer ids; /* one more id is computed */
	size_t id_cursor;      /* slots before this one have an id */
	size_t unsettled;      /* the slot at which peer_set_is_settled() stopped */
};

/* One id at a time: whatever else is due is done in between. */
static void compute_id(void *owner)
{
	struct peer_set *set = owner;

	if (peer_set_compute_id(set))
		loop_timer_set(set->loop, &set->ids, loop_now_ns(set->loop));
}

int peer_set_create(struct peer_set **out, struct loop *loop)
{
	struct peer_set *set = calloc(1, sizeof *set);

	*out = NULL;
	if (set == NULL)
		return -ENOMEM;
	set->loop = loop;
	set->first_free = NO_SLOT;
	set->ids = (struct loop_timer){ .expired = compute_id, .owner = set };
	if (loop_timer_add(loop, &set->ids) != 0) {
		free(set);
		return -ENOMEM;
	}
	*out = set;
	return 0;
}

void peer_set_destroy(struct peer_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->capacity; i++)
		peer_destroy(set->all[i].peer);
	loop_timer_remove(set->loop, &set->ids);
	free(set->all);
	free(set);
}

/* Makes more slots, the lowest of which is used first. */
static int grow(struct peer_set *set)
{
	size_t capacity = set->capacity == 0 ? FIRST_SLOTS : 2 * set->capacity;
	struct slot *larger;

	if (set->capacity == CHANNEL_PEERS_MAX)
		return -ENOMEM;
	if (capacity > CHANNEL_PEERS_MAX)
		capacity = CHANNEL_PEERS_MAX;
	larger = reallocarray(set->all, capacity, sizeof *larger);
	if (larger == NULL)
		return -ENOMEM;
	for (size_t i = capacity; i-- > set->capacity;) {
		larger[i] = (struct slot){ .next_free = set->first_free };
		set->first_free = (uint32_t)i;
	}
	set->all = larger;
	set->capacity = capacity;
	return 0;
}

int peer_set_reserve(struct peer_set *set, size_t count)
{
	while (set->capacity - set->used < count) {
		if (grow(set) != 0)
			return -ENOMEM;
	}
	return 0;
}

int peer_set_add(struct peer_set *set, struct peer *peer)
{
	uint32_t slot;

	if (set->first_free == NO_SLOT && grow(set) != 0)
		return -ENOMEM;
	slot = set->first_free;
	assert(set->all[slot].peer == NULL);
	set->first_free = set->all[slot].next_free;
	set->all[slot].peer = peer;
	set->count++;
	set->used++;
	peer_place(peer, (struct peer_ref){ .slot = slot, .serial = ++set->last_serial });
	if (set->id_cursor > slot)
		set->id_cursor = slot;
	loop_timer_set(set->loop, &set->ids, loop_now_ns(set->loop));
	return 0;
}

void peer_set_remove(struct peer_set *set, struct peer *peer)
{
	peer_remove(peer);
	set->count--;
}

void peer_set_drop(struct peer_set *set, struct peer *peer)
{
	uint32_t slot = peer_ref(peer).slot;

	assert(set->all[slot].peer == peer);
	set->all[slot] = (struct slot){ .next_free = set->first_free };
	set->first_free = slot;
	set->used--;
}

/* NULL: the slot is free, or its peer is leaving. */
static struct peer *at(const struct peer_set *set, size_t slot)
{
	struct peer *peer = slot < set->capacity ? set->all[slot].peer : NULL;

	return peer == NULL || peer_is_leaving(peer) ? NULL : peer;
}

struct peer *peer_set_get(const struct peer_set *set, struct peer_ref ref)
{
	struct peer *peer = at(set, ref.slot);

	return peer != NULL && peer_ref(peer).serial == ref.serial ? peer : NULL;
}

struct peer *peer_set_next(const struct peer_set *set, size_t *position)
{
	while (*position < set->capacity) {
		struct peer *peer = at(set, (*position)++);

		if (peer != NULL)
			return peer;
	}
	return NULL;
}

size_t peer_set_count(const struct peer_set *set)
{
	return set->count;
}

size_t peer_set_slots(const struct peer_set *set)
{
	return set->capacity;
}

bool peer_set_compute_id(struct peer_set *set)
{
	for (; set->id_cursor < set->capacity; set->id_cursor++) {
		struct peer *peer = at(set, set->id_cursor);

		if (peer == NULL || peer_shown_id(peer)[0] != '\0')
			continue;
		(void)peer_id(peer, peer_shown_dialect(peer));
		return true;
	}
	return false;
}

bool peer_set_is_settled(struct peer_set *set)
{
	for (size_t i = 0; i < set->capacity; i++) {
		size_t slot = (set->unsettled + i) % set->capacity;
		const struct peer *peer = at(set, slot);

		if (peer != NULL && !peer_is_settled(peer)) {
			set->unsettled = slot;
			return false;
		}
	}
	return true;
}

/* --- by name ----------------------------------------------------------------------------------- */

static bool has_name(struct peer *peer, const char *word)
{
	const char *name = peer_config(peer)->name;

	return name != NULL && strcmp(name, word) == 0;
}

static bool has_number(struct peer *peer, const char *word)
{
	char number[24];

	(void)snprintf(number, sizeof number, "%zu", peer_number(peer));
	return strcmp(number, word) == 0;
}

/* The id that status shows. */
static bool has_id(struct peer *peer, const char *word)
{
	size_t length = strlen(word);

	return length >= ID_PREFIX_MIN && strncmp(peer_id(peer, peer_shown_dialect(peer)), word, length) == 0;
}

/* Returns a peer of which that is true; *has_more: it is true of more than one. */
static struct peer *search(const struct peer_set *set, const char *word,
                           bool (*is_it)(struct peer *peer, const char *word), bool *has_more)
{
	struct peer *found = NULL;
	size_t position = 0;
	struct peer *peer;

	*has_more = false;
	while ((peer = peer_set_next(set, &position)) != NULL) {
		if (!is_it(peer, word))
			continue;
		*has_more = found != NULL;
		found = peer;
	}
	return found;
}

struct peer *peer_set_find(const struct peer_set *set, const char *word,
                           char problem[static PEER_SET_PROBLEM_BYTES])
{
	static bool (*const searches[])(struct peer *, const char *) = { has_name, has_number, has_id };
	struct peer *found = NULL;
	bool has_more = false;

	for (size_t i = 0; i < sizeof searches / sizeof searches[0] && found == NULL; i++)
		found = search(set, word, searches[i], &has_more);
	if (found != NULL && !has_more)
		return found;
	if (has_more)
		(void)snprintf(problem, PEER_SET_PROBLEM_BYTES, "several peers are called %s; give the id",
		               word);
	else
		(void)snprintf(problem, PEER_SET_PROBLEM_BYTES,
		               "no peer %s; a peer is named by its name, its number, or the first %d "
		               "characters or more of its id, as rosenpass status shows them",
		               word, ID_PREFIX_MIN);
	return NULL;
}
