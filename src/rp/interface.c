#include "rp/interface.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "delivery/device.h"
#include "rp/mtu.h"
#include "system/clock.h"
#include "system/entropy.h"
#include "system/log.h"
#include "system/secret_memory.h"
#include "wireguard/explain.h"
#include "wireguard/link.h"

/* Many routes take long to look at, and somebody who takes them away for ever shall not keep us busy. */
#define WAYS_NS (2 * CLOCK_SECOND_NS)
#define WAYS_REST 50
#define WAYS_REST_MOST_NS (5 * CLOCK_SECOND_NS)
/* So many tunnels can start at the same time and find the same table free. */
#define TABLE_TRIES 16
#define STEP_ASIDE_NS 20000000
/*
 * An owner who makes an interface gives it a key and addresses in a moment, and sets it up last. What we had
 * added by then would be an error to him.
 */
#define UNREADY_NS (5 * CLOCK_SECOND_NS)

static const char *words_of(int result)
{
	return result == -EPERM ? "not allowed; start as root or with CAP_NET_ADMIN" : strerror(-result);
}

static int fail(struct interface *interface, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says what is wrong, once until something else is or all is well. */
static int fail(struct interface *interface, const char *format, ...)
{
	char problem[INTERFACE_PROBLEM_BYTES];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(problem, sizeof problem, format, arguments);
	va_end(arguments);
	log_write(strcmp(problem, interface->problem) == 0 ? LOG_DEBUG : LOG_ERROR, "%s", problem);
	memcpy(interface->problem, problem, sizeof problem);
	return -1;
}

static int fail_taken(struct interface *interface)
{
	(void)fail(interface,
	           "interface %s exists; stop the program that has it, choose another name (dev), or use it "
	           "with --adopt",
	           interface->name);
	return DEVICE_NOT_OURS;
}

/* One that exists must be meant, and be a WireGuard interface with our key or none. */
static int judge_existing(struct interface *interface, const struct wireguard_device *present)
{
	uint8_t public_key[WIREGUARD_KEY_BYTES];

	if (sodium_is_zero(present->public_key, sizeof present->public_key) == 1)
		return 0;
	if (crypto_scalarmult_base(public_key, interface->private_key) != 0 ||
	    memcmp(public_key, present->public_key, sizeof public_key) != 0) {
		(void)fail(interface,
		           "interface %s has another private key than wgsk; --adopt needs the same",
		           interface->name);
		return DEVICE_NOT_OURS;
	}
	if (interface->has_port && present->listen_port != interface->port)
		log_warn("interface %s listens on port %u; peers expect WireGuard on the port after listen, "
		         "%u",
		         interface->name, present->listen_port, interface->port);
	return 0;
}

/* Notes which interface it is from now on. */
static int take(struct interface *interface, bool is_ours)
{
	uint32_t index;
	int result = link_find(interface->name, &index);

	if (result != 0)
		return fail(interface, "interface %s is gone already: %s", interface->name, words_of(result));
	if (interface->index != index) {
		interface->is_complete = false;
		interface->gave_key = false;
		interface->present_mtu = 0;
		ways_lost(&interface->ways);
		for (size_t i = 0; i < interface->peer_count; i++)
			interface->peers[i].is_ours = false;
	}
	interface->is_ours = is_ours;
	interface->index = index;
	guard_watch(&interface->guard, interface->name, is_ours ? index : 0);
	return 0;
}

static int create(struct interface *interface)
{
	char problem[USERSPACE_WIREGUARD_PROBLEM_BYTES];
	struct link link;
	int result;

	if (interface->is_ours && link_look_index(interface->index, &link) == 0)
		return fail(interface, "interface %s has another name now; change it back, or restart rp",
		            interface->name);
	guard_expect(&interface->guard, interface->name);
	result = link_create_wireguard(interface->name);
	if (result == -EOPNOTSUPP) {
		result = userspace_wireguard_start(&interface->userspace, interface->name, problem);
		if (result != 0) {
			guard_watch(&interface->guard, interface->name, 0);
			return fail(interface, "%s", problem);
		}
	}
	if (result == 0)
		return take(interface, true);
	guard_watch(&interface->guard, interface->name, 0);
	if (result == -EEXIST)
		return fail_taken(interface);
	return fail(interface, "cannot make interface %s: %s", interface->name, words_of(result));
}

static bool is_up(const struct interface *interface)
{
	struct link link;

	return link_look(interface->name, &link) == 0 && link.is_up;
}

/* Uses one that somebody else has made. */
static int adopt(struct interface *interface, bool *is_new)
{
	struct wireguard_device present;
	char reason[WIREGUARD_EXPLAIN_BYTES];
	int result = wireguard_get(&present, interface->name);

	if (result != 0) {
		wireguard_explain(reason, interface->name, result);
		return fail(interface, "interface %s: %s%s", interface->name,
		            result == -EOPNOTSUPP ? "it is " : "", reason);
	}
	/* One without a key is for us to complete. */
	*is_new = sodium_is_zero(present.public_key, sizeof present.public_key) == 1;
	result = judge_existing(interface, &present);
	wireguard_release(&present);
	if (result == 0 && interface->was_there && (*is_new || !is_up(interface))) {
		uint64_t now_ns = clock_now_ns();

		if (interface->unready_ns == 0)
			interface->unready_ns = now_ns;
		if (now_ns < interface->unready_ns + UNREADY_NS)
			return 1;
	}
	interface->unready_ns = 0;
	return result == 0 ? take(interface, false) : result;
}

/* Makes it, or finds it where that is right. *is_new: there is nothing in it. 1: others have to make it. */
static int provide(struct interface *interface, bool *is_new)
{
	uint32_t index;
	int result = link_find(interface->name, &index);

	*is_new = result == -ENODEV;
	if (result == -ENODEV && interface->was_there && !interface->is_ours) {
		(void)fail(interface, "interface %s is gone; waiting until its owner creates it again",
		           interface->name);
		return 1;
	}
	if (result == -ENODEV)
		return create(interface);
	if (result != 0)
		return fail(interface, "cannot look for interface %s: %s", interface->name, words_of(result));
	if (interface->is_ours && interface->index == index) {
		/* What went wrong the last time is done again. */
		*is_new = !interface->is_complete;
		return 0;
	}
	return interface->adopt ? adopt(interface, is_new) : fail_taken(interface);
}

static bool has_wide(const struct interface *interface)
{
	return ways_has_wide(&interface->ways, AF_INET, NULL) ||
	       ways_has_wide(&interface->ways, AF_INET6, NULL);
}

/* Whether nothing is to be marked. */
static bool is_mark_off(const struct interface *interface)
{
	return interface->has_fwmark && interface->fwmark == 0;
}

/* What goes to a peer must not go into the tunnel. Without a mark that is for others to see to. */
static void keep_out(struct interface *interface, const struct wireguard_device *present)
{
	if (is_mark_off(interface))
		return;
	for (size_t i = 0; i < interface->peer_count; i++)
		(void)ways_keep_out(&interface->ways, &interface->peers[i].endpoint, interface->index);
	for (size_t i = 0; i < present->peer_count; i++)
		(void)ways_keep_out(&interface->ways, &present->peers[i].endpoint, interface->index);
}

/* The mark that the interface has to have; 0: any. */
static uint32_t needed_mark(const struct interface *interface)
{
	return interface->has_fwmark ? interface->fwmark : interface->policy.mark;
}

/* Chooses a mark where routes need one. */
static int choose_mark(struct interface *interface, const struct wireguard_device *present)
{
	int result;

	keep_out(interface, present);
	if (!has_wide(interface))
		return 0;
	if (is_mark_off(interface)) {
		if (!interface->was_there)
			log_warn("no default route is made: with fwmark off it would take the tunnel's own "
			         "packets");
		return 0;
	}
	result = policy_choose(&interface->policy, interface->fwmark, present->fwmark);
	return result == 0 ? 0 : fail(interface, "no routing table is free: %s", strerror(-result));
}

/* An interface that stays gets its own mark back. */
static int promise_mark(struct interface *interface, const struct wireguard_device *present, uint32_t mark)
{
	struct undo undo;

	if (interface->is_ours)
		return 0;
	memset(&undo, 0, sizeof undo);
	undo.kind = UNDO_FWMARK;
	memcpy(undo.link.name, interface->name, sizeof undo.link.name);
	undo.link.index = interface->index;
	undo.link.before = present->fwmark;
	undo.link.ours = mark;
	return guard_promise(&interface->guard, &undo);
}

/* Adds the mark to a change of the interface where it has another one. 0 or -ENOMEM. */
static int plan_mark(struct interface *interface, const struct wireguard_device *present,
                     struct wireguard_change *change)
{
	uint32_t mark = needed_mark(interface);

	if (mark == 0 || mark == present->fwmark)
		return 0;
	change->set_fwmark = true;
	change->fwmark = mark;
	return promise_mark(interface, present, mark);
}

/* Adds a peer, or more, that the device does not have. */
static int add_peers(struct interface *interface, const struct wireguard_device *present, bool is_new)
{
	struct wireguard_peer_change *changes = calloc(interface->peer_count + 1, sizeof *changes);
	uint8_t *keys = secret_memory_allocate(NULL, (interface->peer_count + 1) * WIREGUARD_KEY_BYTES);
	struct wireguard_change change = { .peers = changes };
	int result = -ENOMEM;

	if (changes != NULL && keys != NULL &&
	    entropy_fill(NULL, keys, interface->peer_count * WIREGUARD_KEY_BYTES) == 0) {
		for (size_t i = 0; i < interface->peer_count; i++) {
			struct interface_peer *peer = &interface->peers[i];
			struct wireguard_peer_change *to = &changes[change.peer_count];

			if (wireguard_find(present, peer->public_key) != NULL)
				continue;
			memcpy(to->public_key, peer->public_key, WIREGUARD_KEY_BYTES);
			to->preshared_key = keys + i * WIREGUARD_KEY_BYTES;
			to->replace_allowed_ips = true;
			to->allowed_ips = peer->allowed_ips;
			to->allowed_ip_count = peer->allowed_ip_count;
			peer->is_ours = true;
			change.peer_count++;
		}
		if (is_new) {
			change.private_key = interface->private_key;
			change.set_listen_port = interface->has_port;
			change.listen_port = interface->port;
		}
		result = plan_mark(interface, present, &change);
		if (result == 0 && (is_new || change.peer_count > 0 || change.set_fwmark))
			result = wireguard_set(interface->name, &change);
	}
	secret_memory_release(NULL, keys, (interface->peer_count + 1) * WIREGUARD_KEY_BYTES);
	free(changes);
	return result;
}

/* A kernel that has a port opens it with the interface. */
static int fail_set_up(struct interface *interface, int result)
{
	if (result == -EADDRINUSE)
		return fail(interface,
		            "port %u of UDP, which WireGuard has to have (the one after listen), is taken; "
		            "listen on another one, or stop the program that has it",
		            interface->port);
	return fail(interface, "cannot set up WireGuard's %s: %s", interface->name, words_of(result));
}

/* --- MTU ----------------------------------------------------------------------------- */

/* An interface that stays gets its own MTU back. */
static int promise_mtu(struct interface *interface, uint32_t mtu)
{
	struct undo undo;
	struct link link;
	int result = link_look_index(interface->index, &link);

	if (result != 0 || interface->is_ours || link.mtu == mtu)
		return result;
	memset(&undo, 0, sizeof undo);
	undo.kind = UNDO_MTU;
	undo.link.index = interface->index;
	undo.link.before = link.mtu;
	undo.link.ours = mtu;
	return guard_promise(&interface->guard, &undo);
}

static uint32_t path_mtu(const struct interface *interface, const struct wireguard_device *present)
{
	struct mtu mtu = { 0 };
	/* It may be about to get it. */
	uint32_t mark = needed_mark(interface) != 0 ? needed_mark(interface) : present->fwmark;

	for (size_t i = 0; i < present->peer_count; i++)
		mtu_take(&mtu, &present->peers[i].endpoint, mark, interface->index);
	/* Before the first key WireGuard has no endpoints. */
	for (size_t i = 0; i < interface->peer_count; i++)
		mtu_take(&mtu, &interface->peers[i].endpoint, mark, interface->index);
	return mtu_of_tunnel(&mtu);
}

/* Sets an MTU that is given, or new. What its owner or an administrator has set stays. */
static void keep_mtu(struct interface *interface, const struct wireguard_device *present)
{
	uint32_t mtu = interface->mtu;
	int result;

	if (mtu == 0 && interface->is_ours)
		mtu = path_mtu(interface, present);
	if (mtu == 0 || mtu == interface->present_mtu)
		return;
	interface->present_mtu = mtu;
	result = promise_mtu(interface, mtu);
	if (result == 0)
		result = link_set_mtu(interface->index, mtu);
	if (result == 0)
		log_info("interface %s has an MTU of %u", interface->name, mtu);
	else
		log_warn("interface %s cannot have an MTU of %u: %s", interface->name, mtu, words_of(result));
}

/* --- filling ------------------------------------------------------------------------- */

static int fill(struct interface *interface, bool is_new)
{
	struct wireguard_device present;
	int result = wireguard_get(&present, interface->name);

	if (result == 0) {
		if (choose_mark(interface, &present) != 0) {
			wireguard_release(&present);
			return -1;
		}
		result = add_peers(interface, &present, is_new);
		if (result == 0)
			keep_mtu(interface, &present);
		wireguard_release(&present);
	}
	if (result == 0 && is_new && !interface->is_ours)
		interface->gave_key = true;
	/* One that somebody has taken down since stays so. */
	if (result == 0 && !interface->is_complete)
		result = link_set_up(interface->index);
	return result == 0 ? 0 : fail_set_up(interface, result);
}

static bool has_peers(const struct interface *interface, const struct wireguard_device *present)
{
	for (size_t i = 0; i < interface->peer_count; i++) {
		if (wireguard_find(present, interface->peers[i].public_key) == NULL)
			return false;
	}
	return true;
}

/*
 * Names are resolved before the tunnel takes all packets: the way to a name server may lead through it. Once
 * that has worked, what WireGuard knows is enough.
 */
static bool knows_names(const struct interface *interface, const struct wireguard_device *present)
{
	for (size_t i = 0; i < interface->peer_count; i++) {
		const struct interface_peer *peer = &interface->peers[i];
		const struct wireguard_peer *there = wireguard_find(present, peer->public_key);

		if (peer->needs_name && (there == NULL || there->endpoint.any.sa_family == AF_UNSPEC))
			return false;
	}
	return true;
}

/* Two tunnels that start together and both leave a table would meet in the next one for ever. */
static void step_aside(void)
{
	const struct timespec pause = { .tv_nsec = (long)randombytes_uniform(STEP_ASIDE_NS) };

	(void)nanosleep(&pause, NULL);
}

/* Addresses, routes, and the rules that lead to wide routes. Returns how many were made. */
static size_t make_ways(struct interface *interface, const struct wireguard_device *present, bool *conflict)
{
	const struct ways_target target = {
		.name = interface->name,
		.index = interface->index,
		.is_ours = interface->is_ours,
		.guard = &interface->guard,
	};
	static const uint16_t families[] = { AF_INET, AF_INET6 };
	struct ways *ways = &interface->ways;
	struct policy *policy = &interface->policy;
	bool has_conflict;
	bool may_lead;
	uint8_t bits;
	size_t made;

	if (ways->wide_table == 0 && policy->table != 0 && knows_names(interface, present))
		ways->wide_table = policy->table;
	made = ways_make(ways, &target, &has_conflict);
	for (int i = 0; i < TABLE_TRIES && ways->is_table_taken && policy_choose_again(policy) == 0; i++) {
		ways_leave_table(ways, &target);
		step_aside();
		ways->wide_table = policy->table;
		made += ways_make(ways, &target, &has_conflict);
	}
	if (conflict != NULL)
		*conflict = has_conflict;
	/* A conflict at the start is an error, and nothing is to be led there. */
	may_lead = ways->wide_table != 0 && (!has_conflict || interface->was_there);
	for (size_t f = 0; f < sizeof families / sizeof families[0] && may_lead; f++) {
		if (ways_has_wide(ways, families[f], &bits))
			made += policy_keep(policy, families[f], bits, &interface->guard);
	}
	return made;
}

/* An interface that was down for a moment has lost its routes, and its addresses of IPv6. */
static void keep_ways(struct interface *interface, const struct link *link,
                      const struct wireguard_device *present, uint64_t *again_ns)
{
	uint64_t now_ns = clock_now_ns();
	bool had_all = interface->ways.wide_table != 0 || interface->policy.mark == 0;
	uint64_t rest_ns;
	size_t made;

	if (!link->is_up) {
		/* There will be something to do as soon as it is up. */
		interface->ways_due_ns = 0;
		return;
	}
	if (now_ns < interface->ways_due_ns) {
		*again_ns = interface->ways_due_ns;
		return;
	}
	keep_mtu(interface, present);
	made = make_ways(interface, present, NULL);
	rest_ns = WAYS_REST * (clock_now_ns() - now_ns);
	interface->ways_due_ns = now_ns + (rest_ns < WAYS_REST_MOST_NS ? rest_ns : WAYS_REST_MOST_NS);
	if (made == 0)
		return;
	interface->ways_due_ns += WAYS_NS;
	log_info("interface %s has its addresses and routes%s", interface->name, had_all ? " again" : "");
}

/* Puts back a mark that routing rules of ours look for. true: it was another one. */
static bool keep_mark(struct interface *interface, const struct wireguard_device *present)
{
	struct wireguard_change change = { 0 };
	int result = plan_mark(interface, present, &change);

	if (result == 0 && change.set_fwmark)
		result = wireguard_set(interface->name, &change);
	if (result != 0)
		log_debug("interface %s cannot have its fwmark: %s", interface->name, strerror(-result));
	return change.set_fwmark && result == 0;
}

/* Looks after a complete interface. -1: it is not complete any more; else as interface_ensure(). */
static int keep(struct interface *interface, const struct link *link, uint64_t *again_ns)
{
	struct wireguard_device present;
	int result = 1;

	/* What cannot be read now is not missing. */
	if (wireguard_get(&present, interface->name) != 0)
		return 1;
	if (!has_peers(interface, &present)) {
		result = -1;
	} else {
		if (choose_mark(interface, &present) == 0)
			result = keep_mark(interface, &present) ? 0 : 1;
		keep_ways(interface, link, &present, again_ns);
	}
	wireguard_release(&present);
	return result;
}

/*
 * The addresses and routes of an interface that was just filled. -1: a route of somebody else is in the way.
 */
static int fill_ways(struct interface *interface)
{
	struct wireguard_device present;
	bool conflict = false;
	int result = wireguard_get(&present, interface->name);

	if (result != 0)
		return fail_set_up(interface, result);
	(void)make_ways(interface, &present, &conflict);
	wireguard_release(&present);
	/* At the start that is an error; later the tunnel goes on without that route. */
	return conflict && !interface->was_there ? -1 : 0;
}

int interface_ensure(void *context, const char *device, uint64_t *again_ns)
{
	struct interface *interface = context;
	struct link link;
	bool is_new;
	int result;

	if (device != NULL && strcmp(device, interface->name) != 0)
		return 1;
	/* A peer that was added at run time is for somebody else to make. */
	if (interface->is_complete && link_look(interface->name, &link) == 0 &&
	    link.index == interface->index) {
		result = keep(interface, &link, again_ns);
		if (result >= 0) {
			interface->problem[0] = '\0';
			return result;
		}
	}
	result = provide(interface, &is_new);
	if (result == 0)
		result = fill(interface, is_new);
	if (result == 0)
		result = fill_ways(interface);
	if (result != 0)
		return result;
	if (interface->was_there)
		log_warn("interface %s, or a peer of it, was gone; it is there again", interface->name);
	interface->problem[0] = '\0';
	interface->was_there = true;
	interface->is_complete = true;
	return 0;
}

bool interface_check(void *context)
{
	struct interface *interface = context;

	if (guard_runs(&interface->guard))
		return true;
	log_error("the process rp-guard is gone, which undoes what we have changed if we are killed; ending");
	return false;
}

bool interface_reach(void *context, const union address_socket *address)
{
	struct interface *interface = context;
	uint64_t again_ns;

	if (is_mark_off(interface) || !ways_keep_out(&interface->ways, address, interface->index))
		return false;
	/* Before the first packet. */
	interface->ways_due_ns = 0;
	if (interface->is_complete && interface_ensure(interface, interface->name, &again_ns) < 0)
		log_debug("interface %s is not complete any more", interface->name);
	return true;
}

/* Whether the interface of our name is the one that we know. */
static bool is_present(const struct interface *interface)
{
	uint32_t index;

	return link_find(interface->name, &index) == 0 && index == interface->index;
}

static void delete_link(struct interface *interface)
{
	int result = is_present(interface) ? link_delete(interface->index) : 0;

	if (result != 0 && result != -ENODEV)
		log_error("cannot delete interface %s: %s", interface->name, words_of(result));
	else
		guard_watch(&interface->guard, interface->name, 0);
}

/* Takes out of an interface that stays what we have put there. */
static void withdraw(struct interface *interface)
{
	static const uint8_t no_key[WIREGUARD_KEY_BYTES];
	struct wireguard_peer_change *changes = calloc(interface->peer_count + 1, sizeof *changes);
	struct wireguard_change change = { .peers = changes };

	for (size_t i = 0; i < interface->peer_count && changes != NULL; i++) {
		if (!interface->peers[i].is_ours)
			continue;
		memcpy(changes[change.peer_count].public_key, interface->peers[i].public_key,
		       WIREGUARD_KEY_BYTES);
		changes[change.peer_count++].remove = true;
	}
	if (interface->gave_key)
		change.private_key = no_key;
	if (changes == NULL ||
	    ((change.peer_count > 0 || interface->gave_key) && wireguard_set(interface->name, &change) != 0))
		log_warn("peers could not be taken out of interface %s", interface->name);
	free(changes);
}

void interface_end(struct interface *interface)
{
	if (interface->is_ours)
		delete_link(interface);
	/* Routes of ours are gone, so that those that made room for them find it free. */
	guard_undo(&interface->guard);
	if (!interface->is_ours && interface->index != 0 && is_present(interface))
		withdraw(interface);
	userspace_wireguard_end(&interface->userspace);
	guard_end(&interface->guard);
}

void interface_release(struct interface *interface)
{
	for (size_t i = 0; i < interface->peer_count; i++)
		free(interface->peers[i].allowed_ips);
	free(interface->peers);
	ways_release(&interface->ways);
	memset(interface, 0, sizeof *interface);
}
