#include "rp/policy.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "system/log.h"
#include "system/sysctl.h"
#include "wireguard/route.h"
#include "wireguard/rule.h"

/* As wg-quick chooses: the port that is usual for WireGuard, and numbers from there on. */
#define FIRST_TABLE 51820
#define TABLE_TRIES 1000
/* There has to be room for two rules after that of the kernel's own addresses. */
#define PRIORITY_MIN 2

#define VALID_MARK "net/ipv4/conf/all/src_valid_mark"
#define REVERSE_PATH_SETTING "rp_filter"
#define REVERSE_PATH "net/ipv4/conf/all/" REVERSE_PATH_SETTING
#define REVERSE_PATH_STRICT 1
#define REVERSE_PATH_LOOSE 2

/* --- the table ----------------------------------------------------------------------- */

/* Who uses a number. */
struct search {
	uint32_t number;
	bool is_table; /* a table that is not empty, or that a rule names */
	bool is_mark;  /* a mark that a rule looks for */
};

/* The first rule of a full tunnel, with that mark if it is not 0. */
struct tunnel_rule {
	uint32_t mark;
	uint32_t table; /* 0: there is none */
};

static int take_any_route(void *context, const struct route_seen *seen)
{
	struct search *search = context;

	(void)seen;
	search->is_table = true;
	return 0;
}

static int take_any_rule(void *context, const struct rule_seen *seen)
{
	struct search *search = context;

	search->is_table |= seen->table == search->number;
	search->is_mark |= seen->mark == search->number;
	return 0;
}

static int take_tunnel_rule(void *context, const struct rule_seen *seen)
{
	struct tunnel_rule *rule = context;

	if (rule->table == 0 && rule_is_of_tunnel(seen) && (rule->mark == 0 || rule->mark == seen->mark))
		*rule = (struct tunnel_rule){ seen->mark, seen->table };
	return 0;
}

static const uint16_t families[] = { AF_INET, AF_INET6 };

/* A family that the kernel does not have uses nothing. */
static struct search look_for(uint32_t number)
{
	struct search search = { .number = number };

	for (size_t f = 0; f < sizeof families / sizeof families[0]; f++) {
		if (route_list(families[f], number, take_any_route, &search) != 0 ||
		    rule_list(families[f], take_any_rule, &search) != 0)
			log_debug("the routing rules of one family cannot be read");
	}
	return search;
}

static struct tunnel_rule find_tunnel_rule(uint32_t mark)
{
	struct tunnel_rule rule = { .mark = mark };

	for (size_t f = 0; f < sizeof families / sizeof families[0] && rule.table == 0; f++) {
		if (rule_list(families[f], take_tunnel_rule, &rule) != 0)
			log_debug("the routing rules of one family cannot be read");
	}
	return rule;
}

int policy_choose_again(struct policy *policy)
{
	for (uint32_t i = 0; i < TABLE_TRIES; i++) {
		const struct search search = look_for(FIRST_TABLE + i);

		if (search.is_table || search.is_mark)
			continue;
		policy->table = search.number;
		return 0;
	}
	return -EBUSY;
}

int policy_choose(struct policy *policy, uint32_t wanted, uint32_t present)
{
	int result = 0;

	if (wanted != 0)
		policy->mark = wanted;
	if (policy->mark == 0)
		policy->mark = present;
	if (policy->table == 0 && policy->mark != 0) {
		policy->table = find_tunnel_rule(policy->mark).table;
		if (policy->table == 0 && !look_for(policy->mark).is_table)
			policy->table = policy->mark;
	}
	if (policy->table == 0)
		result = policy_choose_again(policy);
	if (policy->mark == 0 && result == 0) {
		const struct tunnel_rule other = find_tunnel_rule(0);

		policy->mark = other.table != 0 ? other.mark : policy->table;
	}
	return result;
}

/* --- rules --------------------------------------------------------------------------- */

/* What there is of our two rules. */
struct look {
	struct rule by_mark;
	struct rule by_length;
	bool has_by_mark;   /* with any priority: the rule of somebody else does as well */
	bool has_by_length; /* just before ours */
	size_t count;
	uint32_t second; /* priority of the second rule */
};

static int take_rule(void *context, const struct rule_seen *seen)
{
	struct look *look = context;

	if (++look->count == 2)
		look->second = seen->priority;
	look->has_by_mark |= rule_is_same(&look->by_mark, seen);
	look->has_by_length |=
		rule_is_same(&look->by_length, seen) && seen->priority == look->by_length.priority;
	return 0;
}

/* Changes are compared as bytes. */
static void fill_rules(struct look *look, const struct policy *policy, uint16_t family, uint8_t bits)
{
	uint32_t priority = policy->families[family == AF_INET6].priority;

	memset(look, 0, sizeof *look);
	look->by_mark.family = family;
	look->by_mark.table = policy->table;
	look->by_mark.mark = policy->mark;
	look->by_mark.priority = priority;
	look->by_length.family = family;
	look->by_length.table = ROUTE_TABLE_MAIN;
	look->by_length.priority = priority - 1;
	look->by_length.suppress_bits = bits > 0 ? bits - 1u : 0;
}

static int add(struct guard *guard, const struct rule *rule)
{
	struct undo undo;
	int result;

	memset(&undo, 0, sizeof undo);
	undo.kind = UNDO_RULE;
	undo.rule = *rule;
	result = guard_promise(guard, &undo);
	return result == 0 ? rule_add(rule) : result;
}

/* Before all rules but the kernel's first one, as rules without a priority are put there. */
static int choose_priority(struct policy *policy, struct look *look, uint8_t bits)
{
	uint16_t family = look->by_mark.family;
	struct policy_family *known = &policy->families[family == AF_INET6];

	known->is_by_others = look->has_by_mark;
	if (known->is_by_others)
		return 0;
	known->priority = look->second > PRIORITY_MIN ? look->second - 1 : PRIORITY_MIN;
	fill_rules(look, policy, family, bits);
	return rule_list(family, take_rule, look);
}

static int keep(struct policy *policy, uint16_t family, uint8_t bits, struct guard *guard, size_t *made)
{
	struct policy_family *known = &policy->families[family == AF_INET6];
	struct look look;
	int result;

	fill_rules(&look, policy, family, bits);
	result = rule_list(family, take_rule, &look);
	if (result == 0 && known->priority == 0)
		result = choose_priority(policy, &look, bits);
	if (result != 0 || known->is_by_others)
		return result;
	/* The main table first: until then, what it leads to a neighbour would go into the tunnel. */
	if (!look.has_by_length) {
		result = add(guard, &look.by_length);
		*made += result == 0;
	}
	if ((result == 0 || result == -EEXIST) && !look.has_by_mark) {
		result = add(guard, &look.by_mark);
		*made += result == 0;
	}
	return result == -EEXIST ? 0 : result;
}

/* --- settings of the kernel ---------------------------------------------------------- */

static int set(struct guard *guard, const char *name, int value)
{
	struct undo undo;
	int before;
	int result = sysctl_read(name, &before);

	if (result != 0 || before == value)
		return result;
	memset(&undo, 0, sizeof undo);
	undo.kind = UNDO_SYSCTL;
	memcpy(undo.sysctl.name, name, strlen(name) + 1);
	undo.sysctl.before = before;
	undo.sysctl.ours = value;
	result = guard_promise(guard, &undo);
	if (result == 0)
		result = sysctl_write(name, value);
	if (result != 0)
		guard_forget(guard, &undo);
	return result;
}

/*
 * Answers to marked packets come without a mark. Where the kernel looks for the way back to their source, it
 * finds the tunnel, and with strict filtering drops them. Another tunnel that ends may set back what we need.
 */
static void keep_settings(struct policy *policy, struct guard *guard)
{
	bool is_news = !policy->is_filtering_said;
	int all;
	int result = set(guard, VALID_MARK, 1);

	if (result != 0)
		log_debug("cannot set " VALID_MARK " to 1: %s", strerror(-result));
	result = sysctl_read(REVERSE_PATH, &all);
	if (result != 0) {
		log_write(is_news ? LOG_INFO : LOG_DEBUG,
		          "cannot read the setting net.ipv4.conf.all.rp_filter (%s); strict filtering, 1, "
		          "would "
		          "drop the answers of peers",
		          strerror(-result));
		policy->is_filtering_said = true;
		return;
	}
	if (all == REVERSE_PATH_LOOSE || !sysctl_is_anywhere(REVERSE_PATH_SETTING, REVERSE_PATH_STRICT)) {
		policy->is_filtering_said = false;
		return;
	}
	result = set(guard, REVERSE_PATH, REVERSE_PATH_LOOSE);
	policy->is_filtering_said = result != 0;
	if (result == 0)
		log_info(
			"net.ipv4.conf.all.rp_filter is 2 (loose) until the end: strict filtering would drop "
			"the answers of peers");
	else
		log_write(is_news ? LOG_WARN : LOG_DEBUG,
		          "strict filtering drops the answers of peers: set net.ipv4.conf.all.rp_filter to 2 "
		          "(%s)",
		          strerror(-result));
}

size_t policy_keep(struct policy *policy, uint16_t family, uint8_t bits, struct guard *guard)
{
	struct policy_family *known = &policy->families[family == AF_INET6];
	size_t made = 0;
	int result = keep(policy, family, bits, guard, &made);

	if (result != known->problem && result != 0)
		log_error("cannot make the routing rules of IPv%d for the table %u: %s",
		          family == AF_INET6 ? 6 : 4, policy->table,
		          result == -EPERM ? "not allowed; start as root or with CAP_NET_ADMIN"
		                           : strerror(-result));
	known->problem = result;
	if (result == 0 && family == AF_INET && !known->is_by_others)
		keep_settings(policy, guard);
	return made;
}
