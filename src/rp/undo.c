#include "rp/undo.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "system/log.h"
#include "system/sysctl.h"
#include "wireguard/link.h"

static size_t find(const struct undo_list *list, const struct undo *undo)
{
	size_t i = 0;

	while (i < list->count && memcmp(&list->all[i], undo, sizeof *undo) != 0)
		i++;
	return i;
}

int undo_add(struct undo_list *list, const struct undo *undo)
{
	struct undo *longer;

	if (find(list, undo) < list->count)
		return 0;
	longer = reallocarray(list->all, list->count + 1, sizeof *longer);
	if (longer == NULL)
		return -ENOMEM;
	list->all = longer;
	longer[list->count++] = *undo;
	return 0;
}

void undo_drop(struct undo_list *list, const struct undo *undo)
{
	size_t i = find(list, undo);

	if (i == list->count)
		return;
	list->count--;
	memmove(&list->all[i], &list->all[i + 1], (list->count - i) * sizeof *list->all);
}

static void restore_sysctl(const char *name, int before, int ours)
{
	int now;

	if (sysctl_read(name, &now) != 0 || now != ours)
		return;
	if (sysctl_write(name, before) != 0)
		log_warn("cannot set %s back to %d", name, before);
}

static void restore_fwmark(const char *name, uint32_t index, uint32_t before, uint32_t ours)
{
	const struct wireguard_change change = { .set_fwmark = true, .fwmark = before };
	struct wireguard_device present;
	uint32_t found;
	bool is_ours;

	if (link_find(name, &found) != 0 || found != index || wireguard_get(&present, name) != 0)
		return;
	is_ours = present.fwmark == ours;
	wireguard_release(&present);
	if (is_ours && wireguard_set(name, &change) != 0)
		log_warn("cannot set the fwmark of interface %s back", name);
}

static void restore_mtu(uint32_t index, uint32_t before, uint32_t ours)
{
	struct link link;

	if (link_look_index(index, &link) == 0 && link.mtu == ours && link_set_mtu(index, before) != 0)
		log_warn("cannot set the MTU of interface %s back to %u", link.name, before);
}

static void undo_one(const struct undo *undo)
{
	int result = 0;

	switch (undo->kind) {
	case UNDO_ADDRESS:
		result = link_delete_address(undo->route.index, &undo->route.prefix);
		break;
	case UNDO_ROUTE:
		result = route_delete(&undo->route);
		break;
	case UNDO_RULE:
		result = rule_delete(&undo->rule);
		break;
	case UNDO_REPLACED:
		/* These come after all others. */
		break;
	case UNDO_SYSCTL:
		restore_sysctl(undo->sysctl.name, undo->sysctl.before, undo->sysctl.ours);
		break;
	case UNDO_FWMARK:
		restore_fwmark(undo->link.name, undo->link.index, undo->link.before, undo->link.ours);
		break;
	case UNDO_MTU:
		restore_mtu(undo->link.index, undo->link.before, undo->link.ours);
		break;
	}
	if (result != 0)
		log_debug("an address, a route or a rule was gone: %s", strerror(-result));
}

/* A route that came back by itself is as good. true: it is there. */
static bool restore_route(const struct undo *undo, int *problem)
{
	int result = route_restore(&undo->replaced);

	*problem = result;
	return result == 0 || result == -EEXIST;
}

static void say_lost(const struct route_saved *saved, int problem)
{
	struct route_seen seen;
	char prefix[ROUTE_PREFIX_BYTES];
	char words[ROUTE_WORDS_BYTES];

	if (route_read_saved(&seen, saved) != 0)
		return;
	route_format_prefix(prefix, &seen.prefix);
	route_format(words, &seen);
	log_warn("the route to %s%s%s%s, which ours had replaced, cannot be made again: %s", prefix,
	         words[0] == '\0' ? "" : " (", words, words[0] == '\0' ? "" : ")",
	         problem == -ENODEV ? "its interface is gone" : strerror(-problem));
}

/*
 * Makes replaced routes again when ours are gone. Some need others, to their gateway, whatever their order.
 * Those whose interface is gone or down stay away.
 */
static void restore_routes(struct undo_list *list)
{
	bool any = true;

	while (any) {
		any = false;
		for (size_t i = list->count; i > 0; i--) {
			struct undo undo = list->all[i - 1];
			int problem;

			if (!restore_route(&undo, &problem))
				continue;
			undo_drop(list, &undo);
			any = true;
		}
	}
	for (size_t i = 0; i < list->count; i++) {
		int problem;

		if (!restore_route(&list->all[i], &problem))
			say_lost(&list->all[i].replaced, problem);
	}
}

void undo_run(struct undo_list *list)
{
	size_t left = 0;

	for (size_t i = list->count; i > 0; i--)
		undo_one(&list->all[i - 1]);
	for (size_t i = 0; i < list->count; i++) {
		if (list->all[i].kind == UNDO_REPLACED)
			list->all[left++] = list->all[i];
	}
	list->count = left;
	restore_routes(list);
	undo_release(list);
}

void undo_release(struct undo_list *list)
{
	free(list->all);
	*list = (struct undo_list){ 0 };
}
