#include "system/hostname.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "system/clock.h"

#define FRESH_NS (HOSTNAME_FRESH_SECONDS * CLOCK_SECOND_NS)

struct hostname {
	struct loop *loop;
	struct resolver_pool *pool;
	struct resolver_request request;
	struct hostname_options options;
	char *text;
	bool is_literal;
	bool is_forced;   /* whether it is needed is not asked next time */
	bool is_outdated; /* what is being resolved has to be resolved once more */
	struct loop_timer timer;
	uint64_t due_ns;
	struct backoff retry;
	uint64_t answered_ns;
	union address_socket addresses[RESOLVER_ADDRESSES_MAX];
	size_t count;
	char problem[RESOLVER_PROBLEM_BYTES];
};

static void set_due(struct hostname *hostname, uint64_t at_ns)
{
	hostname->due_ns = at_ns;
	loop_timer_set(hostname->loop, &hostname->timer, at_ns);
}

static bool is_busy(const struct hostname *hostname)
{
	return hostname->request.is_queued || hostname->request.is_running;
}

/* The number of an interface may change; apart from that, a literal means the same for ever. */
static bool is_settled(const struct hostname *hostname)
{
	return hostname->is_literal && hostname->count > 0 && strchr(hostname->text, '%') == NULL;
}

static void take_problem(struct hostname *hostname, const char *problem, uint64_t now_ns)
{
	(void)snprintf(hostname->problem, sizeof hostname->problem, "%s", problem);
	backoff_next(&hostname->retry, now_ns, hostname->options.first_ns, hostname->options.most_ns);
	set_due(hostname, hostname->retry.next_ns);
}

static void take_addresses(struct hostname *hostname, const union address_socket *addresses, size_t count,
                           uint64_t now_ns)
{
	assert(count > 0 && count <= RESOLVER_ADDRESSES_MAX);
	hostname->count = count;
	memcpy(hostname->addresses, addresses, count * sizeof *addresses);
	hostname->problem[0] = '\0';
	hostname->answered_ns = now_ns;
	backoff_none(&hostname->retry);
	set_due(hostname, hostname->is_literal ? LOOP_NEVER : now_ns + hostname->options.again_ns);
}

static void answered(void *owner, const union address_socket *addresses, size_t count, const char *problem)
{
	struct hostname *hostname = owner;
	uint64_t now_ns = loop_now_ns(hostname->loop);
	bool has_failed_before = hostname->problem[0] != '\0';
	struct hostname_answer answer = { .addresses = addresses, .count = count, .problem = problem };

	answer.is_news = has_failed_before != (problem != NULL);
	if (problem != NULL)
		take_problem(hostname, problem, now_ns);
	else
		take_addresses(hostname, addresses, count, now_ns);
	if (hostname->is_outdated) {
		hostname->is_outdated = false;
		hostname_refresh(hostname);
	}
	/* The hostname may be gone afterwards. */
	hostname->options.answered(hostname->options.owner, &answer);
}

static void resolve_literal(struct hostname *hostname)
{
	union address_socket address = { 0 };
	const char *problem = NULL;

	if (address_parse(hostname->text, &address, &problem) == 0)
		answered(hostname, &address, 1, NULL);
	else
		answered(hostname, NULL, 0, problem);
}

static void expired(void *owner)
{
	struct hostname *hostname = owner;
	const struct hostname_options *options = &hostname->options;

	if (!hostname->is_forced && hostname->problem[0] == '\0' && options->is_needed != NULL &&
	    !options->is_needed(options->owner)) {
		set_due(hostname, loop_now_ns(hostname->loop) + options->again_ns);
		return;
	}
	hostname->is_forced = false;
	hostname->due_ns = LOOP_NEVER;
	if (hostname->is_literal)
		resolve_literal(hostname);
	else
		resolver_pool_ask(hostname->pool, &hostname->request);
}

int hostname_create(struct hostname **out, struct resolver_pool *pool, const char *text,
                    const struct hostname_options *options)
{
	struct hostname *hostname = calloc(1, sizeof *hostname);
	const char *problem;

	*out = NULL;
	if (hostname == NULL)
		return -ENOMEM;
	hostname->loop = resolver_pool_loop(pool);
	hostname->pool = pool;
	hostname->options = *options;
	hostname->text = strdup(text);
	hostname->timer = (struct loop_timer){ .expired = expired, .owner = hostname };
	if (hostname->text == NULL || loop_timer_add(hostname->loop, &hostname->timer) != 0) {
		free(hostname->text);
		free(hostname);
		return -ENOMEM;
	}
	hostname->request =
		(struct resolver_request){ .text = hostname->text, .answered = answered, .owner = hostname };
	backoff_none(&hostname->retry);
	hostname->is_literal = address_is_literal(text);
	if (hostname->is_literal && address_parse(text, &hostname->addresses[0], &problem) == 0) {
		hostname->count = 1;
		hostname->due_ns = LOOP_NEVER;
	} else {
		set_due(hostname, loop_now_ns(hostname->loop));
	}
	*out = hostname;
	return 0;
}

void hostname_destroy(struct hostname *hostname)
{
	if (hostname == NULL)
		return;
	resolver_pool_cancel(hostname->pool, &hostname->request);
	loop_timer_remove(hostname->loop, &hostname->timer);
	free(hostname->text);
	free(hostname);
}

const char *hostname_text(const struct hostname *hostname)
{
	return hostname->text;
}

const union address_socket *hostname_addresses(const struct hostname *hostname, size_t *count)
{
	*count = hostname == NULL ? 0 : hostname->count;
	return hostname == NULL ? NULL : hostname->addresses;
}

const char *hostname_problem(const struct hostname *hostname)
{
	return hostname == NULL || hostname->problem[0] == '\0' ? NULL : hostname->problem;
}

void hostname_refresh(struct hostname *hostname)
{
	if (hostname == NULL || is_settled(hostname))
		return;
	if (is_busy(hostname)) {
		/* A process that is still to be started will see the network as it is now. */
		hostname->is_outdated = hostname->request.is_running;
		return;
	}
	backoff_none(&hostname->retry);
	hostname->is_forced = true;
	set_due(hostname, loop_now_ns(hostname->loop));
}

void hostname_recheck(struct hostname *hostname)
{
	uint64_t now_ns;
	uint64_t at_ns;

	if (hostname == NULL || is_settled(hostname) || is_busy(hostname) || hostname->problem[0] != '\0')
		return;
	now_ns = loop_now_ns(hostname->loop);
	at_ns = hostname->answered_ns + FRESH_NS;
	if (hostname->answered_ns == 0 || at_ns < now_ns)
		at_ns = now_ns;
	if (at_ns < hostname->due_ns)
		set_due(hostname, at_ns);
}
