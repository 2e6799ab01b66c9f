#include "engine/rejects.h"

#include <sodium.h>
#include <string.h>

#define IPV6_NETWORK_BYTES 8

/* The same IPv4 address or IPv6 /64. */
static bool same_source(const union address_socket *a, const union address_socket *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, IPV6_NETWORK_BYTES) == 0;
}

/* A caller that speaks several dialects shows two peer ids, one for each hash. The first one is kept. */
static bool same_hash(uint32_t a, uint32_t b)
{
	return (a == ROSENPASS_SHAKE256_156) == (b == ROSENPASS_SHAKE256_156);
}

static bool same_claim(const struct rejects_caller *caller, const struct channel_rejected *rejected,
                       uint32_t serial)
{
	if (caller->serial != 0 || serial != 0)
		return caller->serial == serial;
	return !same_hash(caller->last.dialect, rejected->dialect) ||
	       memcmp(caller->last.id, rejected->id, sizeof rejected->id) == 0;
}

/* The caller's place, or NULL. */
static struct rejects_caller *find(struct rejects *rejects, const struct channel_rejected *rejected,
                                   uint32_t serial)
{
	struct rejects_caller *of_source = NULL;
	size_t ids = 0;

	for (size_t i = 0; i < rejects->count; i++) {
		struct rejects_caller *caller = &rejects->callers[i];

		if (caller->last.reason != rejected->reason ||
		    !same_source(&caller->last.from, &rejected->from))
			continue;
		if (same_claim(caller, rejected, serial))
			return caller;
		of_source = caller;
		ids++;
	}
	return ids >= REJECTS_IDS_PER_SOURCE ? of_source : NULL;
}

/* A place for a new caller: a free one, that of a caller who has stopped, or a random one. */
static struct rejects_caller *make_room(struct rejects *rejects, uint64_t now_ns)
{
	struct rejects_caller *oldest = &rejects->callers[0];

	if (rejects->count < REJECTS_CALLERS)
		return &rejects->callers[rejects->count++];
	for (size_t i = 1; i < REJECTS_CALLERS; i++) {
		if (rejects->callers[i].last_ns < oldest->last_ns)
			oldest = &rejects->callers[i];
	}
	if (now_ns - oldest->last_ns > REJECTS_FRESH_NS)
		return oldest;
	return &rejects->callers[randombytes_uniform(REJECTS_CALLERS)];
}

void rejects_note(struct rejects *rejects, const struct channel_rejected *rejected, uint32_t slot,
                  uint32_t serial, uint64_t now_ns)
{
	struct rejects_caller *caller = find(rejects, rejected, serial);
	uint64_t count = 0;

	if (caller == NULL) {
		caller = make_room(rejects, now_ns);
		memset(caller, 0, sizeof *caller);
		caller->last = *rejected;
		caller->slot = slot;
		caller->serial = serial;
		caller->first_ns = now_ns;
	} else {
		count = caller->last.count;
		/* The port may be another one; the peer id stays the one that may have been told. */
		caller->last.from = rejected->from;
	}
	caller->last.count = count + rejected->count;
	caller->total += rejected->count;
	caller->last_ns = now_ns;
	rejects->total += rejected->count;
}

static bool is_due(const struct rejects_limits *limits, const struct rejects_caller *caller, uint64_t now_ns)
{
	return caller->last.count > 0 && now_ns - caller->last_ns <= REJECTS_FRESH_NS &&
	       (caller->told_ns == 0 || now_ns - caller->told_ns >= limits->repeat_ns);
}

/* A bucket that needs n intervals to be full lacks n tokens. */
static bool has_token(const struct rejects *rejects, const struct rejects_limits *limits, uint64_t now_ns)
{
	return rejects->full_ns <= now_ns ||
	       rejects->full_ns - now_ns <= (limits->burst - 1) * limits->interval_ns;
}

struct rejects_caller *rejects_next(struct rejects *rejects, const struct rejects_limits *limits,
                                    uint64_t now_ns)
{
	size_t due[REJECTS_CALLERS];
	size_t count = 0;

	if (rejects->count == 0 || !has_token(rejects, limits, now_ns))
		return NULL;
	for (size_t i = 0; i < rejects->count; i++) {
		if (is_due(limits, &rejects->callers[i], now_ns))
			due[count++] = i;
	}
	return count == 0 ? NULL : &rejects->callers[due[randombytes_uniform((uint32_t)count)]];
}

void rejects_told(struct rejects *rejects, const struct rejects_limits *limits, struct rejects_caller *caller,
                  uint64_t now_ns)
{
	if (rejects->full_ns < now_ns)
		rejects->full_ns = now_ns;
	rejects->full_ns += limits->interval_ns;
	caller->last.count = 0;
	caller->told_ns = now_ns;
}

void rejects_forget_peer(struct rejects *rejects, uint32_t serial)
{
	for (size_t i = 0; i < rejects->count;) {
		if (rejects->callers[i].serial == serial && serial != 0)
			rejects->callers[i] = rejects->callers[--rejects->count];
		else
			i++;
	}
}

void rejects_forget_id(struct rejects *rejects, const uint8_t id[static ROSENPASS_PEER_ID_BYTES])
{
	for (size_t i = 0; i < rejects->count;) {
		if (memcmp(rejects->callers[i].last.id, id, ROSENPASS_PEER_ID_BYTES) == 0)
			rejects->callers[i] = rejects->callers[--rejects->count];
		else
			i++;
	}
}
