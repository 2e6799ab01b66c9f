/*
 * What we use of libmnl, for programs without libraries: many systems, Debian among them, have libmnl only
 * as a shared one. The declarations are libmnl's own. Like there, lengths come from the kernel or were
 * checked by the caller with mnl_attr_ok().
 */
#include <libmnl/libmnl.h>

/* Both headers need no padding. */
_Static_assert(sizeof(struct nlmsghdr) % MNL_ALIGNTO == 0, "message header");
_Static_assert(sizeof(struct nlattr) % MNL_ALIGNTO == 0, "attribute header");

/* What is read through a const pointer may well be writable: libmnl leaves that to the caller. */
static void *after(const void *at, size_t bytes)
{
	return (void *)((uintptr_t)at + bytes);
}

static size_t aligned(size_t bytes)
{
	return (bytes + MNL_ALIGNTO - 1) / MNL_ALIGNTO * MNL_ALIGNTO;
}

void *mnl_nlmsg_get_payload(const struct nlmsghdr *header)
{
	return after(header, sizeof *header);
}

void *mnl_nlmsg_get_payload_offset(const struct nlmsghdr *header, size_t offset)
{
	return after(header, sizeof *header + aligned(offset));
}

size_t mnl_nlmsg_get_payload_len(const struct nlmsghdr *header)
{
	return header->nlmsg_len - sizeof *header;
}

bool mnl_attr_ok(const struct nlattr *attribute, int length)
{
	return length >= (int)sizeof *attribute && attribute->nla_len >= sizeof *attribute &&
	       attribute->nla_len <= length;
}

struct nlattr *mnl_attr_next(const struct nlattr *attribute)
{
	return after(attribute, aligned(attribute->nla_len));
}

uint16_t mnl_attr_get_type(const struct nlattr *attribute)
{
	return attribute->nla_type & (uint16_t)NLA_TYPE_MASK;
}

uint16_t mnl_attr_get_payload_len(const struct nlattr *attribute)
{
	return (uint16_t)(attribute->nla_len - sizeof *attribute);
}

void *mnl_attr_get_payload(const struct nlattr *attribute)
{
	return after(attribute, sizeof *attribute);
}
