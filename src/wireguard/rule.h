#ifndef ROSENPASS_WIREGUARD_RULE_H
#define ROSENPASS_WIREGUARD_RULE_H

/* Routing rules by rtnetlink: which packets look into which table. Results: 0 or negative errno. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One of the two kinds that a full tunnel needs. */
struct rule {
	uint16_t family;
	uint32_t priority; /* rules with smaller numbers come first */
	uint32_t table;
	/* Not 0: for packets without this mark. 0: for all packets, but short routes do not count: */
	uint32_t mark;
	uint32_t suppress_bits; /* those of up to so many bits */
};

/* A rule that the kernel has. */
struct rule_seen {
	uint16_t family;
	uint32_t priority;
	uint32_t table;
	uint32_t mark, mask;
	bool is_inverted;
	bool has_suppress; /* routes of up to so many bits do not count: */
	uint32_t suppress_bits;
	bool is_narrow; /* it looks at more than the mark */
};

/* -EEXIST: it is there already, where the kernel compares. */
int rule_add(const struct rule *rule) __attribute__((warn_unused_result));
/* -ENOENT: there is none. */
int rule_delete(const struct rule *rule) __attribute__((warn_unused_result));

/* Hands each rule of a family to take, in their order; it returns 0, or a negative errno to give up. */
int rule_list(uint16_t family, int (*take)(void *context, const struct rule_seen *seen), void *context)
	__attribute__((warn_unused_result));

/* Reads the payload of a message about a rule. -EBADMSG. */
int rule_read(struct rule_seen *seen, const uint8_t *payload, size_t length)
	__attribute__((warn_unused_result));

/* Whether it is the rule of a full tunnel: it leads all packets without a mark into a table. */
bool rule_is_of_tunnel(const struct rule_seen *seen);

/* Whether they do the same, whatever their priorities. */
bool rule_is_same(const struct rule *rule, const struct rule_seen *seen);

#endif
