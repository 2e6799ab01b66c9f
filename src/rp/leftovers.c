#include "rp/leftovers.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "system/log.h"
#include "wireguard/route.h"
#include "wireguard/rule.h"

/* Rules of ours in one family; what is beyond that stays until the next start. */
#define RULES_MAX 64

static const uint16_t families[] = { AF_INET, AF_INET6 };

/* The rules of a family that have our protocol. */
struct found {
	struct rule rules[RULES_MAX];
	bool is_idle[RULES_MAX]; /* to be removed */
	size_t count;
};

static int take_rule(void *context, const struct rule_seen *seen)
{
	struct found *found = context;

	if (seen->protocol != RULE_PROTOCOL || seen->is_narrow || found->count == RULES_MAX ||
	    (!rule_is_of_tunnel(seen) && !seen->has_suppress))
		return 0;
	found->rules[found->count++] = (struct rule){
		.family = seen->family,
		.priority = seen->priority,
		.table = seen->table,
		.mark = seen->mark,
		.suppress_bits = seen->has_suppress ? seen->suppress_bits : 0,
	};
	return 0;
}

static int take_route(void *context, const struct route_seen *seen)
{
	bool *is_used = context;

	(void)seen;
	*is_used = true;
	return 0;
}

/* Returns true if the table has no route of either family. */
static bool is_empty(uint32_t table)
{
	bool is_used = false;

	for (size_t f = 0; f < sizeof families / sizeof families[0]; f++) {
		if (route_list(families[f], table, take_route, &is_used) != 0)
			log_debug("the routes of one family in table %u cannot be read", table);
	}
	return !is_used;
}

/* Returns true if the rule for short routes stands before a rule of ours that stays. */
static bool is_needed(const struct found *found, const struct rule *by_length)
{
	for (size_t i = 0; i < found->count; i++) {
		if (found->rules[i].mark != 0 && !found->is_idle[i] &&
		    found->rules[i].priority == by_length->priority + 1)
			return true;
	}
	return false;
}

static size_t remove_idle(const struct found *found)
{
	size_t removed = 0;

	for (size_t i = 0; i < found->count; i++) {
		int result = found->is_idle[i] ? rule_delete(&found->rules[i]) : 0;

		if (result != 0)
			log_debug("cannot remove a routing rule that was left behind: %s", strerror(-result));
		removed += found->is_idle[i] && result == 0;
	}
	return removed;
}

void leftovers_remove(void)
{
	size_t removed = 0;

	for (size_t f = 0; f < sizeof families / sizeof families[0]; f++) {
		struct found found = { .count = 0 };

		if (rule_list(families[f], take_rule, &found) != 0)
			log_debug("the routing rules of one family cannot be read");
		for (size_t i = 0; i < found.count; i++)
			found.is_idle[i] = found.rules[i].mark != 0 && is_empty(found.rules[i].table);
		for (size_t i = 0; i < found.count; i++) {
			if (found.rules[i].mark == 0)
				found.is_idle[i] = !is_needed(&found, &found.rules[i]);
		}
		removed += remove_idle(&found);
	}
	if (removed > 0)
		log_info("removed %zu routing rules that an rp left behind when it was killed", removed);
}
