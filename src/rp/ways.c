#include "rp/ways.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/log.h"
#include "wireguard/link.h"
#include "wireguard/route.h"

/* 0.0.0.0/0, or its halves. */
#define WIDE_BITS 1

bool ways_is_wide(const struct ip_prefix *prefix)
{
	return prefix->bits <= WIDE_BITS;
}

int ways_add(struct ways *ways, const struct ip_prefix *prefix, bool is_route)
{
	struct way *longer = reallocarray(ways->all, ways->count + 1, sizeof *longer);

	if (longer == NULL)
		return -ENOMEM;
	ways->all = longer;
	longer[ways->count++] = (struct way){
		.prefix = *prefix,
		.is_route = is_route,
		.is_wide = is_route && ways_is_wide(prefix),
	};
	return 0;
}

bool ways_has_wide(const struct ways *ways, uint16_t family, uint8_t *bits)
{
	bool found = false;

	for (size_t i = 0; i < ways->count; i++) {
		const struct way *way = &ways->all[i];

		if (!way->is_wide || way->prefix.family != family)
			continue;
		if (bits != NULL && (!found || way->prefix.bits < *bits))
			*bits = way->prefix.bits;
		found = true;
	}
	return found;
}

static bool is_within(const union address_socket *address, const struct ip_prefix *prefix)
{
	uint8_t key[2][ROUTE_KEY_BYTES];
	struct ip_prefix other = { .family = address->any.sa_family, .bits = prefix->bits };

	if (other.family != prefix->family)
		return false;
	if (other.family == AF_INET)
		other.v4 = address->v4.sin_addr;
	else
		other.v6 = address->v6.sin6_addr;
	route_key(key[0], prefix, 0);
	route_key(key[1], &other, 0);
	return memcmp(key[0], key[1], ROUTE_KEY_BYTES) == 0;
}

/* How long the prefix is by which packets to an address go elsewhere; 0: there is none. */
static uint8_t bits_elsewhere(const union address_socket *address, uint32_t index)
{
	struct route_seen seen;

	return route_path(address, 0, &seen) == 0 && seen.index != index ? seen.prefix.bits : 0;
}

bool ways_keep_out(struct ways *ways, const union address_socket *peer, uint32_t index)
{
	bool any = false;

	for (size_t i = 0; i < ways->count; i++) {
		struct way *way = &ways->all[i];

		if (!way->is_route || way->is_wide || !is_within(peer, &way->prefix) ||
		    way->prefix.bits < bits_elsewhere(peer, index))
			continue;
		way->is_wide = true;
		any = true;
	}
	return any;
}

static void say(struct way *way, const char *name, int result)
{
	enum log_level level = way->problem == result ? LOG_DEBUG : LOG_ERROR;
	const char *words =
		result == -EPERM ? "not allowed; start as root or with CAP_NET_ADMIN" : strerror(-result);
	char text[ROUTE_PREFIX_BYTES];
	bool is_switched_off =
		way->prefix.family == AF_INET6 && (result == -EACCES || (result == -EPERM && !way->is_route));

	way->problem = result;
	route_format_prefix(text, &way->prefix);
	if (way->is_route && is_switched_off)
		log_write(level,
		          "cannot make the route to %s: IPv6 is switched off on interface %s (sysctl "
		          "net.ipv6.conf.%s.disable_ipv6)",
		          text, name, name);
	else if (way->is_route)
		log_write(level, "cannot make the route to %s through %s: %s", text, name, words);
	else if (is_switched_off)
		log_write(level,
		          "interface %s cannot have the address %s: IPv6 is switched off there (sysctl "
		          "net.ipv6.conf.%s.disable_ipv6)",
		          name, text, name);
	else
		log_write(level, "interface %s cannot have the address %s: %s", name, text, words);
}

/* --- other routes -------------------------------------------------------------------- */

/* How a route of somebody else stands to ours, to the same prefix; later ones matter more. */
enum relation {
	NONE,
	AFTER,  /* its metric is larger: not used while ours is there */
	BEFORE, /* its metric is smaller: used in place of ours */
	SAME,   /* in the place of ours */
};

/* What the kernel has to the prefix of a way. */
struct met {
	struct way *way;
	struct route route;
	uint8_t key[ROUTE_KEY_BYTES];
	bool is_there; /* ours, or one like it */
	bool is_first; /* in the main table, which comes before that of the way */
	enum relation relation;
	struct route_seen other; /* with a relation: the first one */
};

struct meeting {
	struct met *all; /* sorted by their keys */
	size_t count;
	uint32_t index; /* of our interface */
};

static int compare_met(const void *a, const void *b)
{
	const struct met *left = a;
	const struct met *right = b;

	return memcmp(left->key, right->key, sizeof left->key);
}

static int compare_with_met(const void *key, const void *met)
{
	return memcmp(key, ((const struct met *)met)->key, ROUTE_KEY_BYTES);
}

static int take_route(void *context, const struct route_seen *seen)
{
	struct meeting *meeting = context;
	uint32_t metric = route_metric(seen->prefix.family);
	enum relation relation = seen->metric == metric ? SAME : seen->metric < metric ? BEFORE : AFTER;
	uint8_t key[ROUTE_KEY_BYTES];
	struct met *met;

	if (seen->tos != 0)
		return 0;
	route_key(key, &seen->prefix, seen->table);
	met = bsearch(key, meeting->all, meeting->count, sizeof *meeting->all, compare_with_met);
	if (met == NULL)
		return 0;
	if (seen->index == meeting->index) {
		met->is_there |= relation == SAME;
	} else if (relation > met->relation) {
		met->relation = relation;
		met->other = *seen;
	}
	return 0;
}

static bool has_table(const struct meeting *meeting, uint16_t family, uint32_t table)
{
	for (size_t i = 0; i < meeting->count; i++) {
		if (meeting->all[i].route.prefix.family == family && meeting->all[i].route.table == table)
			return true;
	}
	return false;
}

static void look_around(struct meeting *meeting, const struct ways *ways)
{
	static const uint16_t families[] = { AF_INET, AF_INET6 };
	const uint32_t tables[] = { ROUTE_TABLE_MAIN, ways->wide_table };

	for (size_t f = 0; f < sizeof families / sizeof families[0]; f++) {
		for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
			if (has_table(meeting, families[f], tables[t]) &&
			    route_list(families[f], tables[t], take_route, meeting) != 0)
				log_debug("the routes of table %u cannot be read", tables[t]);
		}
	}
}

/* Whether the main table counts besides its own one. A route to 0.0.0.0/0 and the like may be there. */
static bool is_met_twice(const struct way *way)
{
	return way->is_wide && !ways_is_wide(&way->prefix);
}

/* Whether another route keeps ours from being made, or used. */
static bool is_in_the_way(const struct met *met)
{
	return met->is_first ? met->relation != NONE : met->relation == SAME && !met->is_there;
}

/* What somebody can do about such a route. */
static const char *remedy(const struct met *met, bool may_replace)
{
	if (met->is_first)
		return "or give the peer an endpoint outside of it";
	return may_replace ? "or give it fewer next hops: so many cannot be kept until the end"
	                   : "or use --replace-routes";
}

/* Says once how another route stands to ours. */
static void say_other(struct met *met, const char *name, bool is_replaced, bool may_replace)
{
	struct way *way = met->way;
	char words[ROUTE_WORDS_BYTES];
	char prefix[ROUTE_PREFIX_BYTES];
	char said[WAYS_SAID_BYTES];
	bool is_news;

	route_format(words, &met->other);
	route_format_prefix(prefix, &way->prefix);
	(void)snprintf(said, sizeof said, "%d%d %s", met->relation, is_replaced, words);
	is_news = strcmp(said, way->said) != 0;
	memcpy(way->said, said, sizeof said);
	if (is_replaced)
		log_write(is_news ? LOG_INFO : LOG_DEBUG,
		          "the route to %s (%s) is replaced by one through %s; it comes back at the end",
		          prefix, words, name);
	else if (is_in_the_way(met))
		log_write(is_news ? LOG_ERROR : LOG_DEBUG,
		          "cannot make the route to %s through %s: there is one already, %s; remove it, "
		          "leave the prefix out of allowed-ips, %s",
		          prefix, name, words, remedy(met, may_replace));
	else if (met->relation == AFTER)
		log_write(is_news ? LOG_INFO : LOG_DEBUG,
		          "the route to %s through %s overrides the existing route (%s)", prefix, name,
		          words);
	else
		log_write(is_news ? LOG_WARN : LOG_DEBUG,
		          "the route to %s through %s is not used: the existing route (%s) overrides it",
		          prefix, name, words);
}

/* --- making -------------------------------------------------------------------------- */

static struct route route_of(const struct ways *ways, const struct way *way, uint32_t index)
{
	struct route route;

	/* Changes are compared as bytes. */
	memset(&route, 0, sizeof route);
	route.prefix = way->prefix;
	route.table = way->is_wide ? ways->wide_table : ROUTE_TABLE_MAIN;
	route.index = index;
	return route;
}

/* An address or a route of ours, which outlives us where the interface does. */
static void describe(struct undo *undo, const struct way *way, const struct route *route)
{
	memset(undo, 0, sizeof *undo);
	undo->kind = way->is_route ? UNDO_ROUTE : UNDO_ADDRESS;
	undo->route = *route;
}

static int make(const struct ways_target *target, struct way *way, const struct route *route, bool replace)
{
	struct undo undo;
	size_t promised = target->guard->changes.count;
	int result;

	describe(&undo, way, route);
	if (!target->is_ours && guard_promise(target->guard, &undo) != 0)
		return -ENOMEM;
	if (!way->is_route)
		result = link_add_address(target->index, &way->prefix);
	else
		result = replace ? route_replace(route) : route_add(route);
	/* One that was promised before is there, and ours. */
	if (result != 0 && target->guard->changes.count > promised)
		guard_forget(target->guard, &undo);
	if (result == 0)
		way->is_ours = true;
	if (result == 0 && way->is_route && route->table == ROUTE_TABLE_MAIN)
		way->is_in_main = true;
	return result;
}

/* Takes the route of a way out of a table. */
static void leave(const struct ways_target *target, const struct way *way, uint32_t table)
{
	struct route route;
	struct undo undo;
	int result;

	memset(&route, 0, sizeof route);
	route.prefix = way->prefix;
	route.table = table;
	route.index = target->index;
	result = route_delete(&route);
	if (result != 0)
		log_debug("a route of ours was gone: %s", strerror(-result));
	describe(&undo, way, &route);
	guard_forget(target->guard, &undo);
}

void ways_leave_table(struct ways *ways, const struct ways_target *target)
{
	for (size_t i = 0; i < ways->count; i++) {
		struct way *way = &ways->all[i];

		if (!way->is_wide || !way->is_ours || way->is_in_main)
			continue;
		leave(target, way, ways->wide_table);
		way->is_ours = false;
	}
}

/* Puts ours in the place of a route that is kept for the end. */
static int make_room(const struct ways_target *target, struct met *met)
{
	struct undo undo;
	size_t promised = target->guard->changes.count;
	int result;

	memset(&undo, 0, sizeof undo);
	undo.kind = UNDO_REPLACED;
	undo.replaced = met->other.saved;
	if (guard_promise(target->guard, &undo) != 0)
		return -ENOMEM;
	result = make(target, met->way, &met->route, true);
	if (result != 0 && target->guard->changes.count > promised)
		guard_forget(target->guard, &undo);
	return result;
}

/* After a look around. true: ours was made. *conflict is left as it is, or set. */
static bool settle(struct ways *ways, const struct ways_target *target, struct met *met, bool *conflict)
{
	bool is_wanted = is_in_the_way(met);
	bool is_replaced = is_wanted && !met->is_first && ways->replace && met->other.saved.length > 0;
	int result = 0;

	/* In the table of a tunnel that started at the same time. */
	if (is_wanted && met->way->is_wide && !met->is_first && !ways->is_settled) {
		ways->is_table_taken = true;
		return false;
	}
	if (met->relation == NONE && met->is_first == is_met_twice(met->way))
		met->way->said[0] = '\0';
	if (is_wanted || (met->relation != NONE && met->relation != SAME))
		say_other(met, target->name, is_replaced, ways->replace);
	*conflict |= is_wanted && !is_replaced;
	if (is_replaced)
		result = make_room(target, met);
	if (result == 0)
		met->way->problem = 0;
	else
		say(met->way, target->name, result);
	return is_replaced && result == 0;
}

static void meet(struct meeting *meeting, struct way *way, const struct route *route, bool is_first)
{
	struct met *met = &meeting->all[meeting->count++];

	*met = (struct met){ .way = way, .route = *route, .is_first = is_first };
	route_key(met->key, &route->prefix, route->table);
}

/* Notes a route, to be compared with others. */
static void meet_way(struct meeting *meeting, struct way *way, const struct route *route)
{
	struct route in_main = *route;

	if (meeting->all == NULL)
		return;
	meet(meeting, way, route, false);
	if (!is_met_twice(way))
		return;
	in_main.table = ROUTE_TABLE_MAIN;
	meet(meeting, way, &in_main, true);
}

size_t ways_make(struct ways *ways, const struct ways_target *target, bool *conflict)
{
	struct meeting meeting = { .all = calloc(2 * ways->count + 1, sizeof *meeting.all),
		                   .index = target->index };
	bool any_conflict = false;
	size_t made = 0;

	ways->is_table_taken = false;
	/* Addresses stand before the routes, which may need them. */
	for (size_t i = 0; i < ways->count; i++) {
		struct way *way = &ways->all[i];
		struct route route = route_of(ways, way, target->index);
		int result;

		if (way->is_wide && ways->wide_table == 0)
			continue;
		result = make(target, way, &route, false);
		if (result == 0)
			made++;
		if (result != 0 && result != -EEXIST) {
			say(way, target->name, result);
			continue;
		}
		if (result == 0 || !way->is_route)
			way->problem = 0;
		if (way->is_wide && way->is_in_main) {
			leave(target, way, ROUTE_TABLE_MAIN);
			way->is_in_main = false;
		}
		if (way->is_route)
			meet_way(&meeting, way, &route);
	}
	if (meeting.count > 0)
		qsort(meeting.all, meeting.count, sizeof *meeting.all, compare_met);
	if (meeting.count > 0)
		look_around(&meeting, ways);
	for (size_t i = 0; i < meeting.count; i++)
		made += settle(ways, target, &meeting.all[i], &any_conflict);
	if (ways->wide_table != 0 && !ways->is_table_taken)
		ways->is_settled = true;
	free(meeting.all);
	if (conflict != NULL)
		*conflict = any_conflict;
	return made;
}

void ways_lost(struct ways *ways)
{
	for (size_t i = 0; i < ways->count; i++) {
		ways->all[i].is_ours = false;
		ways->all[i].is_in_main = false;
	}
}

void ways_release(struct ways *ways)
{
	free(ways->all);
	*ways = (struct ways){ 0 };
}
