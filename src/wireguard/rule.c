#include "wireguard/rule.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system/netlink.h"

/* A list that changes while it is read is read again. */
#define LIST_TRIES 4
#define WHOLE_MASK UINT32_MAX

static int ask(struct netlink_message *message, struct netlink_answer *answer)
{
	int fd = netlink_open(NETLINK_ROUTE);
	int result;

	if (fd < 0)
		return fd;
	netlink_finish(message);
	result = netlink_request(fd, message, answer);
	(void)close(fd);
	return result;
}

static int change(uint16_t type, uint16_t flags, const struct rule *rule)
{
	static const uint32_t whole = WHOLE_MASK;
	const struct fib_rule_hdr fixed = {
		.family = (uint8_t)rule->family,
		.action = FR_ACT_TO_TBL,
		.flags = rule->mark != 0 ? FIB_RULE_INVERT : 0,
	};
	struct netlink_answer answer = { 0 };
	struct netlink_message message;

	netlink_begin(&message, type, NLM_F_ACK | flags, &fixed, sizeof fixed);
	(void)netlink_add(&message, FRA_PRIORITY, &rule->priority, sizeof rule->priority);
	(void)netlink_add(&message, FRA_TABLE, &rule->table, sizeof rule->table);
	if (rule->mark != 0) {
		(void)netlink_add(&message, FRA_FWMARK, &rule->mark, sizeof rule->mark);
		(void)netlink_add(&message, FRA_FWMASK, &whole, sizeof whole);
	} else {
		(void)netlink_add(&message, FRA_SUPPRESS_PREFIXLEN, &rule->suppress_bits,
		                  sizeof rule->suppress_bits);
	}
	return ask(&message, &answer);
}

int rule_add(const struct rule *rule)
{
	return change(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
}

int rule_delete(const struct rule *rule)
{
	return change(RTM_DELRULE, 0, rule);
}

static uint32_t number(const struct netlink_attribute *attribute)
{
	uint32_t value = 0;

	if (attribute->length == sizeof value)
		memcpy(&value, attribute->data, sizeof value);
	return value;
}

static void read_attribute(struct rule_seen *seen, const struct netlink_attribute *attribute)
{
	switch (attribute->type) {
	case FRA_PRIORITY:
		seen->priority = number(attribute);
		break;
	case FRA_TABLE:
		seen->table = number(attribute);
		break;
	case FRA_FWMARK:
		seen->mark = number(attribute);
		break;
	case FRA_FWMASK:
		seen->mask = number(attribute);
		break;
	case FRA_SUPPRESS_PREFIXLEN:
		seen->suppress_bits = number(attribute);
		/* -1 is none. */
		seen->has_suppress = seen->suppress_bits != UINT32_MAX;
		break;
	case FRA_SUPPRESS_IFGROUP:
		seen->is_narrow |= number(attribute) != UINT32_MAX;
		break;
	case FRA_UNSPEC:
	case FRA_PROTOCOL:
	case FRA_PAD:
		break;
	default:
		seen->is_narrow = true;
	}
}

int rule_read(struct rule_seen *seen, const uint8_t *payload, size_t length)
{
	struct netlink_rest rest = { payload, length };
	struct netlink_attribute attribute;
	struct fib_rule_hdr fixed;
	int result;

	memset(seen, 0, sizeof *seen);
	if (length < sizeof fixed)
		return -EBADMSG;
	memcpy(&fixed, payload, sizeof fixed);
	seen->family = fixed.family;
	seen->table = fixed.table;
	seen->is_inverted = (fixed.flags & FIB_RULE_INVERT) != 0;
	seen->is_narrow =
		fixed.dst_len != 0 || fixed.src_len != 0 || fixed.tos != 0 || fixed.action != FR_ACT_TO_TBL;
	rest.at += sizeof fixed;
	rest.left -= sizeof fixed;
	while ((result = netlink_next(&rest, &attribute)) == 1)
		read_attribute(seen, &attribute);
	return result;
}

bool rule_is_of_tunnel(const struct rule_seen *seen)
{
	return seen->is_inverted && seen->mark != 0 && seen->mask == WHOLE_MASK && !seen->has_suppress &&
	       !seen->is_narrow;
}

bool rule_is_same(const struct rule *rule, const struct rule_seen *seen)
{
	if (seen->family != rule->family || seen->table != rule->table || seen->is_narrow)
		return false;
	if (rule->mark != 0)
		return rule_is_of_tunnel(seen) && seen->mark == rule->mark;
	return !seen->is_inverted && seen->mark == 0 && seen->mask == 0 && seen->has_suppress &&
	       seen->suppress_bits == rule->suppress_bits;
}

struct listing {
	uint16_t family;
	int (*take)(void *context, const struct rule_seen *seen);
	void *context;
};

static int take_listed(void *context, const uint8_t *payload, size_t length)
{
	const struct listing *listing = context;
	struct rule_seen seen;
	int result = rule_read(&seen, payload, length);

	if (result != 0 || seen.family != listing->family)
		return result;
	return listing->take(listing->context, &seen);
}

int rule_list(uint16_t family, int (*take)(void *context, const struct rule_seen *seen), void *context)
{
	const struct fib_rule_hdr fixed = { .family = (uint8_t)family };
	struct listing listing = { family, take, context };
	struct netlink_answer answer = { .take = take_listed, .context = &listing };
	struct netlink_message message;
	int result = -EBUSY;

	for (int i = 0; i < LIST_TRIES; i++) {
		netlink_begin(&message, RTM_GETRULE, NLM_F_DUMP, &fixed, sizeof fixed);
		result = ask(&message, &answer);
		if (result != 0 || !answer.is_interrupted)
			break;
	}
	return result;
}
