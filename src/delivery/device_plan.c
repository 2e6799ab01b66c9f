#include "delivery/device_plan.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/ct.h"

/* The keepalive that is switched on, and off again, where there is none. */
#define OTHER_KEEPALIVE_SECONDS 25

bool device_plan_has_key(const struct device_target *target, const struct wireguard_peer *present)
{
	return present != NULL &&
	       ct_is_set(ct_equal(present->preshared_key, target->key, WIREGUARD_KEY_BYTES));
}

bool device_plan_has_more(const struct wireguard_peer_change *change)
{
	return change->endpoint != NULL || change->set_keepalive || change->replace_allowed_ips;
}

bool device_plan_should_call(const struct device_target *target, const struct wireguard_peer *present)
{
	return target->is_call_due && target->may_speak && !target->has_session &&
	       present->last_handshake_seconds == target->handshake_before;
}

/* An endpoint that works is WireGuard's own business. */
static bool needs_endpoint(const struct device_target *target, const struct wireguard_peer *present)
{
	if (target->endpoint.any.sa_family == AF_UNSPEC)
		return false;
	if (present->endpoint.any.sa_family == AF_UNSPEC)
		return true;
	return !target->is_guess && !target->has_session &&
	       !address_equal(&present->endpoint, &target->endpoint);
}

static void plan_parameters(struct wireguard_peer_change *change, const struct wireguard_params *wanted,
                            const struct wireguard_peer *present)
{
	if (wanted->has_keepalive && wanted->keepalive_seconds != present->keepalive_seconds) {
		change->set_keepalive = true;
		change->keepalive_seconds = wanted->keepalive_seconds;
	}
	if (wanted->has_allowed_ips && !ip_prefix_same(wanted->allowed_ips, wanted->allowed_ip_count,
	                                               present->allowed_ips, present->allowed_ip_count)) {
		change->replace_allowed_ips = true;
		change->allowed_ips = wanted->allowed_ips;
		change->allowed_ip_count = wanted->allowed_ip_count;
	}
}

static void plan_step(struct device_step *step, const struct device_target *target, bool replaces_peers)
{
	const struct wireguard_peer *present = step->present;
	struct wireguard_peer_change *change = &step->change;
	bool has_key = device_plan_has_key(target, present);

	memcpy(change->public_key, target->public_key, WIREGUARD_KEY_BYTES);
	change->update_only = true;
	if (!has_key)
		change->preshared_key = target->key;
	if (target->may_speak && needs_endpoint(target, present))
		change->endpoint = &target->endpoint;
	/* A device with another key was recreated, or its peer was configured again. */
	if (target->may_speak && (target->are_parameters_due || !has_key))
		plan_parameters(change, target->parameters, present);
	step->is_to_call = !replaces_peers &&
	                   (change->endpoint != NULL || present->endpoint.any.sa_family != AF_UNSPEC) &&
	                   device_plan_should_call(target, present);
	step->is_due = !has_key || device_plan_has_more(change) || step->is_to_call;
}

static int compare_with_target(const void *key, const void *target)
{
	return memcmp(key, ((const struct device_target *)target)->public_key, WIREGUARD_KEY_BYTES);
}

void device_plan_match(struct device_step *steps, const struct device_target *targets, size_t count,
                       const struct wireguard_device *present)
{
	for (size_t i = 0; i < count; i++)
		steps[i].present = NULL;
	for (size_t i = 0; i < present->peer_count && count > 0; i++) {
		const struct device_target *target = bsearch(present->peers[i].public_key, targets, count,
		                                             sizeof *targets, compare_with_target);

		if (target != NULL)
			steps[target - targets].present = &present->peers[i];
	}
}

bool device_plan(struct device_step *steps, const struct device_target *targets, size_t count,
                 const struct wireguard_device *present)
{
	bool any = false;

	if (count > 0)
		memset(steps, 0, count * sizeof *steps);
	device_plan_match(steps, targets, count, present);
	for (size_t i = 0; i < count; i++) {
		if (steps[i].present != NULL && !targets[i].is_left)
			plan_step(&steps[i], &targets[i], present->replaces_peers);
		any |= steps[i].is_due;
	}
	return any;
}

void device_plan_complete(struct wireguard_peer_change *change, const struct wireguard_peer *present)
{
	change->update_only = false;
	if (change->preshared_key == NULL)
		change->preshared_key = present->preshared_key;
	if (change->endpoint == NULL && present->endpoint.any.sa_family != AF_UNSPEC)
		change->endpoint = &present->endpoint;
	if (!change->set_keepalive)
		change->keepalive_seconds = present->keepalive_seconds;
	change->set_keepalive = true;
	if (!change->replace_allowed_ips) {
		change->allowed_ips = present->allowed_ips;
		change->allowed_ip_count = present->allowed_ip_count;
	}
	change->replace_allowed_ips = true;
}

/* Removes the peer and adds it again with the change: WireGuard then calls without waiting for its retry. */
static size_t recreate(struct wireguard_peer_change *out, const struct device_step *step)
{
	size_t count = 0;

	memset(out, 0, DEVICE_PLAN_CHANGES * sizeof *out);
	for (size_t i = 0; i < DEVICE_PLAN_CHANGES; i++)
		memcpy(out[i].public_key, step->present->public_key, WIREGUARD_KEY_BYTES);
	out[count++].remove = true;
	out[count] = step->change;
	device_plan_complete(&out[count++], step->present);
	/* A peer calls at once when its keepalive is switched on. */
	if (out[1].keepalive_seconds == 0) {
		out[1].keepalive_seconds = OTHER_KEEPALIVE_SECONDS;
		out[count].update_only = true;
		out[count++].set_keepalive = true;
	}
	return count;
}

size_t device_plan_request(struct wireguard_peer_change *out, const struct device_step *steps, size_t count)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (steps[i].is_to_call)
			used += recreate(&out[used], &steps[i]);
		else if (steps[i].is_due)
			out[used++] = steps[i].change;
	}
	return used;
}
