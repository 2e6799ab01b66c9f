#include "delivery/delivery.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "system/entropy.h"
#include "system/log.h"
#include "system/secret_memory.h"

struct delivery {
	const struct delivery_env *env;
	const struct sink_peer *peer;
	uint8_t *bytes; /* secret memory: the present key; zero once all sinks have it */
	struct delivery_key key;
	bool has_key; /* bytes is one, and not wiped yet */
	bool is_changing;
	struct sink *sinks[DELIVERY_KINDS_MAX];
	size_t count;
	bool is_prepared; /* for a change */
	bool is_prepared_to_retire;
	struct sink_peer next;                  /* of the sinks that are prepared */
	struct sink *fresh[DELIVERY_KINDS_MAX]; /* by kind; NULL: none is added */
	bool keeps[DELIVERY_KINDS_MAX];         /* by kind: the sink stays */
};

bool delivery_is_done(const struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->count; i++) {
		if (delivery->sinks[i]->state != SINK_DELIVERED)
			return false;
	}
	return true;
}

bool delivery_has_key(const struct delivery *delivery)
{
	return delivery->has_key;
}

static void wipe(struct delivery *delivery)
{
	sodium_memzero(delivery->bytes, ROSENPASS_KEY_BYTES);
	delivery->has_key = false;
	for (size_t i = 0; i < delivery->count; i++)
		delivery->sinks[i]->key = NULL;
}

static void wipe_when_done(void *owner)
{
	struct delivery *delivery = owner;

	if (!delivery->is_changing && delivery_is_done(delivery))
		wipe(delivery);
}

static int create_sink(struct sink **out, struct delivery *delivery, const struct sink_ops *ops,
                       const struct sink_peer *peer)
{
	int result = ops->create(out, delivery->env, peer);

	if (result != 0)
		return result;
	(*out)->last = &delivery->key.origin;
	(*out)->delivered = wipe_when_done;
	(*out)->owner = delivery;
	return 0;
}

static int add_sink(struct delivery *delivery, const struct sink_ops *ops)
{
	int result = create_sink(&delivery->sinks[delivery->count], delivery, ops, delivery->peer);

	delivery->count += result == 0;
	return result;
}

int delivery_create(struct delivery **out, const struct delivery_env *env, const struct sink_peer *peer)
{
	struct delivery *delivery = calloc(1, sizeof *delivery);
	int result = 0;

	*out = NULL;
	if (delivery == NULL)
		return -ENOMEM;
	delivery->env = env;
	delivery->peer = peer;
	delivery->bytes = secret_memory_allocate(NULL, ROSENPASS_KEY_BYTES);
	delivery->key.bytes = delivery->bytes;
	if (delivery->bytes == NULL)
		result = -ENOMEM;
	for (size_t i = 0; result == 0 && env->kinds[i] != NULL; i++) {
		if (env->kinds[i]->is_wanted(peer->config))
			result = add_sink(delivery, env->kinds[i]);
	}
	if (result != 0) {
		delivery_destroy(delivery);
		return result;
	}
	*out = delivery;
	return 0;
}

static void release(struct delivery *delivery)
{
	for (size_t i = 0; i < DELIVERY_KINDS_MAX; i++) {
		if (delivery->fresh[i] != NULL)
			delivery->fresh[i]->ops->destroy(delivery->fresh[i]);
	}
	secret_memory_release(NULL, delivery->bytes, ROSENPASS_KEY_BYTES);
	free(delivery);
}

void delivery_destroy(struct delivery *delivery)
{
	if (delivery == NULL)
		return;
	for (size_t i = 0; i < delivery->count; i++)
		delivery->sinks[i]->ops->destroy(delivery->sinks[i]);
	release(delivery);
}

int delivery_put(struct delivery *delivery, const uint8_t *key, const struct key_origin *origin)
{
	if (key != NULL) {
		memcpy(delivery->bytes, key, ROSENPASS_KEY_BYTES);
	} else if (entropy_fill(NULL, delivery->bytes, ROSENPASS_KEY_BYTES) != 0) {
		log_error("%s: no random bytes for a key in the place of the old one", delivery->peer->label);
		return -EIO;
	}
	delivery->has_key = true;
	delivery->key.is_exchanged = key != NULL;
	delivery->key.origin = *origin;
	/* All are pending before the first is tried: when that one has it, the key is still needed. */
	for (size_t i = 0; i < delivery->count; i++)
		sink_offer(delivery->sinks[i], &delivery->key);
	for (size_t i = 0; i < delivery->count; i++)
		sink_deliver(delivery->sinks[i]);
	wipe_when_done(delivery);
	return 0;
}

void delivery_inspect(struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->count; i++) {
		struct sink *sink = delivery->sinks[i];

		if (sink->state == SINK_EMPTY && sink->ops->inspect != NULL)
			sink->ops->inspect(sink);
	}
}

/* Whether the peer has ever had a key: then each target may hold one. */
static bool has_given(const struct delivery *delivery)
{
	return delivery->key.origin.reason != NULL;
}

/* The target is none any more. */
static void replace_sink(const struct delivery *delivery, struct sink *sink)
{
	uint8_t random[ROSENPASS_KEY_BYTES];
	const uint8_t *key = has_given(delivery) ? random : NULL;

	if (key != NULL && entropy_fill(NULL, random, sizeof random) != 0) {
		log_error("%s: no random bytes for a key in the place of the old one", delivery->peer->label);
		key = NULL;
	}
	sink->ops->retire(sink, key, SINK_REPLACED);
	sodium_memzero(random, sizeof random);
}

static struct sink *find(struct sink *const *sinks, size_t count, const struct sink_ops *ops)
{
	for (size_t i = 0; i < count; i++) {
		if (sinks[i]->ops == ops)
			return sinks[i];
	}
	return NULL;
}

/* The sink of that kind, which is taken off the list: it may be freed before others are looked for. */
static struct sink *take(struct sink **sinks, size_t *count, const struct sink_ops *ops)
{
	struct sink *found = find(sinks, *count, ops);
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++) {
		if (sinks[i] != found)
			sinks[kept++] = sinks[i];
	}
	*count = kept;
	return found;
}

void delivery_cancel(struct delivery *delivery)
{
	for (size_t i = 0; delivery->env->kinds[i] != NULL; i++) {
		if (delivery->fresh[i] != NULL)
			delivery->fresh[i]->ops->destroy(delivery->fresh[i]);
		delivery->fresh[i] = NULL;
	}
	for (size_t i = 0; i < delivery->count; i++)
		delivery->sinks[i]->ops->cancel(delivery->sinks[i]);
	delivery->is_prepared = false;
	delivery->is_prepared_to_retire = false;
}

/* Returns true if a sink of that kind stays. */
static bool is_kept(const struct sink *sink, const struct sink_ops *ops, const struct config_peer *config)
{
	return sink != NULL && ops->is_wanted(config) && ops->same_target(sink, config);
}

static int prepare_kind(struct delivery *delivery, size_t kind)
{
	const struct sink_ops *ops = delivery->env->kinds[kind];
	struct sink *sink = find(delivery->sinks, delivery->count, ops);
	int result;

	/* The file system may say something else when the change is made. */
	delivery->keeps[kind] = is_kept(sink, ops, delivery->next.config);
	if (delivery->keeps[kind])
		return ops->prepare == NULL ? 0 : ops->prepare(sink, delivery->next.config);
	result = sink == NULL ? 0 : ops->prepare_retire(sink);
	if (result != 0 || !ops->is_wanted(delivery->next.config))
		return result;
	return create_sink(&delivery->fresh[kind], delivery, ops, &delivery->next);
}

int delivery_prepare(struct delivery *delivery, const struct config_peer *next)
{
	int result = 0;

	delivery_cancel(delivery);
	delivery->next = *delivery->peer;
	delivery->next.config = next;
	for (size_t i = 0; result == 0 && delivery->env->kinds[i] != NULL; i++)
		result = prepare_kind(delivery, i);
	if (result != 0)
		delivery_cancel(delivery);
	delivery->is_prepared = result == 0;
	return result;
}

/* Brings the sinks of one kind up to date; old: that of before, NULL: none. Returns a new one, or NULL. */
static struct sink *change_kind(struct delivery *delivery, size_t kind, struct sink *old)
{
	const struct config_peer *config = delivery->peer->config;
	const struct sink_ops *ops = delivery->env->kinds[kind];
	struct sink *fresh = delivery->fresh[kind];

	if (delivery->keeps[kind]) {
		delivery->sinks[delivery->count++] = old;
		ops->reconfigure(old, config);
		return NULL;
	}
	delivery->fresh[kind] = NULL;
	if (fresh != NULL) {
		fresh->peer = delivery->peer;
		delivery->sinks[delivery->count++] = fresh;
	}
	if (old != NULL && fresh != NULL && ops->inherit != NULL)
		ops->inherit(fresh, old);
	if (old != NULL)
		replace_sink(delivery, old);
	return fresh;
}

void delivery_change(struct delivery *delivery)
{
	struct sink *before[DELIVERY_KINDS_MAX];
	struct sink *fresh[DELIVERY_KINDS_MAX] = { NULL };
	size_t count = delivery->count;

	assert(delivery->is_prepared);
	delivery->is_prepared = false;
	memcpy(before, delivery->sinks, sizeof before);
	delivery->count = 0;
	/* While sinks come and go none of them says that all have the key. */
	delivery->is_changing = true;
	for (size_t i = 0; delivery->env->kinds[i] != NULL; i++) {
		struct sink *old = take(before, &count, delivery->env->kinds[i]);

		fresh[i] = change_kind(delivery, i, old);
	}
	for (size_t i = 0; i < DELIVERY_KINDS_MAX && delivery->has_key; i++) {
		if (fresh[i] != NULL)
			sink_offer(fresh[i], &delivery->key);
	}
	for (size_t i = 0; i < DELIVERY_KINDS_MAX && delivery->has_key; i++) {
		if (fresh[i] != NULL)
			sink_deliver(fresh[i]);
	}
	delivery->is_changing = false;
	wipe_when_done(delivery);
	delivery_inspect(delivery);
}

int delivery_prepare_retire(struct delivery *delivery)
{
	int result = 0;

	delivery_cancel(delivery);
	for (size_t i = 0; result == 0 && i < delivery->count; i++)
		result = delivery->sinks[i]->ops->prepare_retire(delivery->sinks[i]);
	if (result != 0)
		delivery_cancel(delivery);
	delivery->is_prepared_to_retire = result == 0;
	return result;
}

void delivery_retire(struct delivery *delivery)
{
	bool is_told = has_given(delivery);

	assert(delivery->is_prepared_to_retire);
	if (is_told && entropy_fill(NULL, delivery->bytes, ROSENPASS_KEY_BYTES) != 0) {
		log_error("%s: no random bytes for a key in the place of the last one",
		          delivery->peer->label);
		is_told = false;
	}
	for (size_t i = 0; i < delivery->count; i++) {
		if (is_told)
			delivery->sinks[i]->ops->retire(delivery->sinks[i], delivery->bytes, SINK_REMOVED);
		else
			delivery->sinks[i]->ops->destroy(delivery->sinks[i]);
	}
	release(delivery);
}

size_t delivery_sink_count(const struct delivery *delivery)
{
	return delivery->count;
}

struct sink *delivery_sink(const struct delivery *delivery, size_t i)
{
	return delivery->sinks[i];
}

struct sink *delivery_find(const struct delivery *delivery, const struct sink_ops *ops)
{
	return find(delivery->sinks, delivery->count, ops);
}
