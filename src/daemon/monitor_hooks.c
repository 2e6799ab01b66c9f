#include "daemon/monitor_parts.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/base64.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/program.h"
#include "system/secret_memory.h"

#define RETRY_FIRST_NS (5 * CLOCK_SECOND_NS)
#define RETRY_MOST_NS (300 * CLOCK_SECOND_NS)
/* Time that a program has before SIGTERM, and from there to SIGKILL. */
#define RUN_NS (30 * CLOCK_SECOND_NS)
#define END_NS (5 * CLOCK_SECOND_NS)
/* Time for the tries to tell a program that its last key is void, from the first start on. */
#define LEAVE_NS (60 * CLOCK_SECOND_NS)
/* Time that programs have when the daemon stops. */
#define STOP_NS (15 * CLOCK_SECOND_NS)
/*
 * Programs that run at once. Only those that were started less than YOUNG_NS ago keep others waiting: a
 * program that takes longer waits for something itself, or hangs. RUNNING_MAX bounds the memory that hanging
 * ones take.
 */
#define YOUNG_MAX 32
#define YOUNG_NS (5 * CLOCK_SECOND_NS)
#define RUNNING_MAX 256
#define ENVIRONMENT_WORDS 6

/* A command that a peer has left: all that one more call needs. */
struct left {
	char label[CHANNEL_LABEL_BYTES];
	char *name; /* NULL: the peer had none */
	uint64_t tag;
	char id[MONITOR_ID_CHARS + 1];
	enum rosenpass_dialect dialect; /* of id */
	struct string_list words;
	char *environment[ENVIRONMENT_WORDS + 1];
	uint8_t *key; /* secret memory; NULL: the command is told nothing more */
	unsigned attempts;
	uint64_t give_up_ns;
	struct backoff retry;
	char error[PROGRAM_PROBLEM_BYTES];
};

/* One target: the words of an exchange_command and the peer that they are called for. */
struct monitor_hook {
	struct monitor_hook *next;
	struct monitor_peer *peer; /* NULL: left is set */
	struct left *left;
	uint64_t turn; /* place in the queue of calls; 0: none is due */
	struct program program;
	uint64_t young_until_ns;
	uint64_t stop_ns; /* next signal for the running program */
	bool stopping;    /* it got SIGTERM */
	bool outdated;    /* a newer key came while it ran */
};

/* "NAME=VALUE", allocated; NULL: no memory. */
static char *assign(const char *name, const char *value)
{
	char *word = NULL;

	return asprintf(&word, "%s=%s", name, value == NULL ? "" : value) < 0 ? NULL : word;
}

/* Facts for the program; the key itself goes to its standard input. */
static int make_environment(char *words[ENVIRONMENT_WORDS + 1], const struct monitor *monitor,
                            struct monitor_peer *peer, const char *reason)
{
	const char *id = monitor_peers_id(peer, (enum rosenpass_dialect)peer->dialect);
	size_t count = 0;

	words[count++] = assign("ROSENPASS_PEER", peer->config.name != NULL ? peer->config.name : id);
	words[count++] = assign("ROSENPASS_PEER_ID", id);
	words[count++] = assign("ROSENPASS_REASON", reason);
	words[count++] =
		assign("ROSENPASS_ROLE", peer->role == ROSENPASS_INITIATOR ? "initiator" : "responder");
	words[count++] = assign("ROSENPASS_KEY_FILE", peer->config.key_out);
	words[count++] = assign("ROSENPASS_DAEMON", monitor->name);
	words[count] = NULL;
	for (size_t i = 0; i < count; i++) {
		if (words[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

static void release_environment(char *words[ENVIRONMENT_WORDS + 1])
{
	for (size_t i = 0; i < ENVIRONMENT_WORDS; i++)
		free(words[i]);
}

static void release_left(struct left *left)
{
	if (left == NULL)
		return;
	for (size_t i = 0; i < left->words.count; i++)
		free(left->words.words[i]);
	free(left->words.words);
	release_environment(left->environment);
	secret_memory_release(NULL, left->key, ROSENPASS_KEY_BYTES);
	free(left->name);
	free(left);
}

static void release(struct monitor_hook *hook)
{
	release_left(hook->left);
	free(hook);
}

static struct monitor_output *output_of(const struct monitor_hook *hook)
{
	for (size_t i = 0; i < hook->peer->output_count; i++) {
		if (hook->peer->outputs[i].hook == hook)
			return &hook->peer->outputs[i];
	}
	return NULL;
}

static const char *label_of(const struct monitor_hook *hook)
{
	return hook->peer != NULL ? hook->peer->label : hook->left->label;
}

static const struct string_list *words_of(const struct monitor_hook *hook)
{
	return hook->peer != NULL ? &hook->peer->config.exchange_command : &hook->left->words;
}

static struct backoff *retry_of(const struct monitor_hook *hook)
{
	return hook->peer != NULL ? &output_of(hook)->retry : &hook->left->retry;
}

struct monitor_hook *monitor_hooks_create(struct monitor *monitor, struct monitor_peer *peer)
{
	struct monitor_hook *hook = calloc(1, sizeof *hook);
	struct monitor_hook **end = &monitor->hooks;

	if (hook == NULL)
		return NULL;
	hook->peer = peer;
	while (*end != NULL)
		end = &(*end)->next;
	*end = hook;
	return hook;
}

static void take_turn(struct monitor *monitor, struct monitor_hook *hook)
{
	if (hook->turn == 0)
		hook->turn = ++monitor->last_turn;
	retry_of(hook)->next_ns = MONITOR_NEVER;
}

void monitor_hooks_deliver(struct monitor *monitor, struct monitor_hook *hook)
{
	if (hook->program.pid != 0)
		hook->outdated = true;
	else
		take_turn(monitor, hook);
}

static bool copy_words(struct string_list *to, const struct string_list *from)
{
	to->words = calloc(from->count + 1, sizeof *to->words);
	if (to->words == NULL)
		return false;
	for (to->count = 0; to->count < from->count; to->count++) {
		to->words[to->count] = strdup(from->words[to->count]);
		if (to->words[to->count] == NULL)
			return false;
	}
	return true;
}

/* What a hook needs without its peer. NULL: no memory. */
static struct left *make_left(const struct monitor *monitor, struct monitor_peer *peer, const uint8_t *key,
                              const struct string_list *words)
{
	struct left *left = calloc(1, sizeof *left);
	bool good;

	if (left == NULL)
		return NULL;
	(void)snprintf(left->label, sizeof left->label, "%s", peer->label);
	backoff_none(&left->retry);
	left->tag = peer->tag;
	left->dialect = (enum rosenpass_dialect)peer->dialect;
	good = copy_words(&left->words, words);
	if (peer->config.name != NULL) {
		left->name = strdup(peer->config.name);
		good = good && left->name != NULL;
	}
	(void)snprintf(left->id, sizeof left->id, "%s", monitor_peers_id(peer, left->dialect));
	if (good && key != NULL) {
		left->key = secret_memory_allocate(NULL, ROSENPASS_KEY_BYTES);
		good = left->key != NULL && make_environment(left->environment, monitor, peer, "stale") == 0;
	}
	if (good && key != NULL)
		memcpy(left->key, key, ROSENPASS_KEY_BYTES);
	if (good)
		return left;
	release_left(left);
	return NULL;
}

static void unlink_hook(struct monitor *monitor, const struct monitor_hook *hook)
{
	struct monitor_hook **at = &monitor->hooks;

	while (*at != hook)
		at = &(*at)->next;
	*at = hook->next;
}

void monitor_hooks_leave(struct monitor *monitor, struct monitor_hook *hook, const struct string_list *words,
                         const uint8_t *key)
{
	hook->left = make_left(monitor, hook->peer, key, words);
	if (hook->left == NULL) {
		log_error("%s: no memory to call its exchange_command, which keeps the last key",
		          hook->peer->label);
		monitor_hooks_release(monitor, hook);
		return;
	}
	hook->peer = NULL;
	hook->turn = 0;
	hook->outdated = false;
	if (key != NULL)
		monitor_hooks_deliver(monitor, hook);
}

/* Returns true if a program that goes by names, or by ids, takes a peer for the one that left. */
static bool same_peer(const struct left *left, const struct monitor_hook *hook)
{
	const char *name = hook->peer != NULL ? hook->peer->config.name : hook->left->name;

	if (left->name != NULL && name != NULL && strcmp(left->name, name) == 0)
		return true;
	if (hook->peer == NULL)
		return left->tag == hook->left->tag &&
		       (left->dialect != hook->left->dialect || strcmp(left->id, hook->left->id) == 0);
	return left->tag == hook->peer->tag &&
	       strcmp(left->id, monitor_peers_id(hook->peer, left->dialect)) == 0;
}

/* Returns true if other is a hook that was left, and that has the same target. */
static bool is_predecessor(const struct monitor_hook *other, const struct monitor_hook *hook)
{
	return other != hook && other->peer == NULL &&
	       string_list_equal(&other->left->words, words_of(hook)) && same_peer(other->left, hook);
}

/*
 * Returns true if the same target still has a call of before: of two at once, the one with the older key
 * could end last.
 */
static bool is_taken(const struct monitor *monitor, const struct monitor_hook *hook)
{
	for (const struct monitor_hook *other = monitor->hooks; other != NULL; other = other->next) {
		/* Hooks stand in the order of their making, hence the earlier one goes first. */
		if (other == hook && hook->peer == NULL)
			return false;
		if (is_predecessor(other, hook) &&
		    (other->program.pid != 0 || (other->left->key != NULL && other->left->attempts == 0)))
			return true;
	}
	return false;
}

static void forget_key(struct left *left)
{
	secret_memory_release(NULL, left->key, ROSENPASS_KEY_BYTES);
	left->key = NULL;
}

/* A new key goes to the target of these hooks: their random one must not follow. */
static void replace_predecessors(struct monitor *monitor, const struct monitor_hook *hook)
{
	for (struct monitor_hook *other = monitor->hooks; other != NULL; other = other->next) {
		if (!is_predecessor(other, hook) || other->left->key == NULL)
			continue;
		log_info("%s: its exchange_command gets a key of %s in place of the last one",
		         other->left->label, label_of(hook));
		forget_key(other->left);
		other->turn = 0;
		backoff_none(&other->left->retry);
	}
}

static void left_failed(struct monitor *monitor, struct monitor_hook *hook, const char *problem,
                        uint64_t now_ns)
{
	struct left *left = hook->left;
	const char *command = left->words.words[0];

	backoff_next(&left->retry, now_ns, RETRY_FIRST_NS, RETRY_MOST_NS);
	if (monitor->stopping || left->retry.next_ns > left->give_up_ns) {
		log_error("%s: its last key could not be taken from exchange_command %s: %s", left->label,
		          command, problem);
		forget_key(left);
		backoff_none(&left->retry);
		return;
	}
	log_write(left->error[0] == '\0' ? LOG_ERROR : LOG_DEBUG,
	          "%s: cannot tell exchange_command %s that its key is void: %s; trying again", left->label,
	          command, problem);
	(void)snprintf(left->error, sizeof left->error, "%s", problem);
}

/* problem: empty if the program has done its work. */
static void conclude(struct monitor *monitor, struct monitor_hook *hook, const char *problem, uint64_t now_ns)
{
	if (hook->peer != NULL && problem[0] == '\0') {
		monitor_delivery_succeeded(hook->peer, output_of(hook), now_ns, true);
	} else if (hook->peer != NULL) {
		monitor_delivery_retry(hook->peer, output_of(hook), words_of(hook)->words[0], problem, now_ns,
		                       RETRY_FIRST_NS, RETRY_MOST_NS);
	} else if (hook->left->key == NULL) {
		if (problem[0] != '\0')
			log_error("%s: exchange_command %s, which it has left: %s", hook->left->label,
			          words_of(hook)->words[0], problem);
	} else if (problem[0] == '\0') {
		forget_key(hook->left);
	} else {
		left_failed(monitor, hook, problem, now_ns);
	}
}

/* Starts the program with the key on its standard input. 0 or negative errno. */
static int run(struct monitor_hook *hook, char *const *environment, const uint8_t *key)
{
	const struct string_list *command = words_of(hook);
	/* With a NULL at the end. */
	char **words = calloc(command->count + 1, sizeof *words);
	uint8_t input[BASE64_KEY_CHARS + 1];
	int result = -ENOMEM;

	if (words != NULL) {
		memcpy(words, command->words, command->count * sizeof *words);
		base64_encode_key((char *)input, key);
		input[BASE64_KEY_CHARS] = '\n';
		result = program_start(&hook->program, words, environment, input, sizeof input);
		sodium_memzero(input, sizeof input);
	}
	free(words);
	return result;
}

static int run_for_peer(const struct monitor *monitor, struct monitor_hook *hook)
{
	struct monitor_peer *peer = hook->peer;
	char *environment[ENVIRONMENT_WORDS + 1] = { NULL };
	int result = make_environment(environment, monitor, peer, peer->reason);

	output_of(hook)->attempts++;
	if (result == 0)
		result = run(hook, environment, peer->key);
	release_environment(environment);
	return result;
}

static int run_for_left(struct monitor_hook *hook, uint64_t now_ns)
{
	struct left *left = hook->left;

	if (left->attempts++ == 0)
		left->give_up_ns = now_ns + LEAVE_NS;
	return run(hook, left->environment, left->key);
}

static void start(struct monitor *monitor, struct monitor_hook *hook, uint64_t now_ns)
{
	int result;

	hook->turn = 0;
	hook->outdated = false;
	hook->stopping = false;
	replace_predecessors(monitor, hook);
	result = hook->peer != NULL ? run_for_peer(monitor, hook) : run_for_left(hook, now_ns);
	if (result != 0) {
		conclude(monitor, hook, strerror(-result), now_ns);
		return;
	}
	hook->young_until_ns = now_ns + YOUNG_NS;
	hook->stop_ns = now_ns + RUN_NS;
	if (hook->peer != NULL)
		monitor_delivery_waits(output_of(hook), now_ns);
}

/* Looks after the running program. */
static void watch(struct monitor *monitor, struct monitor_hook *hook, uint64_t now_ns)
{
	char problem[PROGRAM_PROBLEM_BYTES];
	bool must_end = monitor->stopping && now_ns >= monitor->hooks_end_ns && !hook->stopping;

	if (!program_ended(&hook->program, problem)) {
		if (now_ns < hook->stop_ns && !must_end)
			return;
		program_signal(&hook->program, hook->stopping ? SIGKILL : SIGTERM);
		hook->stopping = true;
		hook->stop_ns = now_ns + END_NS;
		return;
	}
	if (hook->stopping && monitor->stopping)
		(void)snprintf(problem, sizeof problem, "did not end in time when the daemon stopped");
	else if (hook->stopping)
		(void)snprintf(problem, sizeof problem, "took longer than %d seconds",
		               (int)(RUN_NS / CLOCK_SECOND_NS));
	/* The outcome of a call with an older key does not matter. */
	if (hook->outdated) {
		hook->outdated = false;
		take_turn(monitor, hook);
	} else {
		conclude(monitor, hook, problem, now_ns);
	}
}

/* The hook whose turn is next; NULL: none can start. */
static struct monitor_hook *next_in_queue(const struct monitor *monitor)
{
	struct monitor_hook *first = NULL;

	for (struct monitor_hook *hook = monitor->hooks; hook != NULL; hook = hook->next) {
		if (hook->turn != 0 && hook->program.pid == 0 &&
		    (first == NULL || hook->turn < first->turn) && !is_taken(monitor, hook))
			first = hook;
	}
	return first;
}

/* Returns true if one more program may run; else *wait_ns is when that can change without an end of one. */
static bool has_room(const struct monitor *monitor, uint64_t now_ns, uint64_t *wait_ns)
{
	size_t running = 0;
	size_t young = 0;

	*wait_ns = MONITOR_NEVER;
	for (const struct monitor_hook *hook = monitor->hooks; hook != NULL; hook = hook->next) {
		running += hook->program.pid != 0;
		if (hook->program.pid == 0 || hook->young_until_ns <= now_ns)
			continue;
		young++;
		if (hook->young_until_ns < *wait_ns)
			*wait_ns = hook->young_until_ns;
	}
	return running < RUNNING_MAX && young < YOUNG_MAX;
}

/* Returns when a place in the queue comes free at the latest, if one waits for that. */
static uint64_t start_those_due(struct monitor *monitor, uint64_t now_ns)
{
	struct monitor_hook *hook;
	uint64_t wait_ns;

	while ((hook = next_in_queue(monitor)) != NULL) {
		/* A key that is in no need of its target any more was wiped. */
		if (hook->peer != NULL && !hook->peer->has_key) {
			hook->turn = 0;
			continue;
		}
		if (!has_room(monitor, now_ns, &wait_ns))
			return wait_ns;
		start(monitor, hook, now_ns);
	}
	return MONITOR_NEVER;
}

/* The time for calls is over: those that wait are not made any more. */
static void end_queue(struct monitor *monitor)
{
	for (struct monitor_hook *hook = monitor->hooks; hook != NULL; hook = hook->next) {
		if (hook->turn == 0 && !hook->outdated)
			continue;
		hook->turn = 0;
		hook->outdated = false;
		log_error("%s: exchange_command %s was not called with the %s key, as the daemon stops",
		          label_of(hook), words_of(hook)->words[0], hook->peer != NULL ? "newest" : "random");
		if (hook->left != NULL)
			forget_key(hook->left);
	}
}

static void drop_done(struct monitor *monitor)
{
	struct monitor_hook **at = &monitor->hooks;

	while (*at != NULL) {
		struct monitor_hook *hook = *at;

		if (hook->peer != NULL || hook->program.pid != 0 || hook->left->key != NULL) {
			at = &hook->next;
			continue;
		}
		*at = hook->next;
		release(hook);
	}
}

uint64_t monitor_hooks_serve(struct monitor *monitor, uint64_t now_ns)
{
	uint64_t next_ns;

	for (struct monitor_hook *hook = monitor->hooks; hook != NULL; hook = hook->next) {
		if (hook->program.pid != 0)
			watch(monitor, hook, now_ns);
		else if (retry_of(hook)->next_ns <= now_ns && !monitor->stopping)
			take_turn(monitor, hook);
	}
	if (monitor->stopping && now_ns >= monitor->hooks_end_ns)
		end_queue(monitor);
	next_ns = start_those_due(monitor, now_ns);
	drop_done(monitor);
	for (const struct monitor_hook *hook = monitor->hooks; hook != NULL; hook = hook->next) {
		uint64_t at_ns = hook->program.pid != 0 ? hook->stop_ns : retry_of(hook)->next_ns;

		if (hook->program.pid == 0 && monitor->stopping)
			at_ns = MONITOR_NEVER;
		if (at_ns < next_ns)
			next_ns = at_ns;
	}
	if (monitor->stopping && now_ns < monitor->hooks_end_ns && monitor->hooks_end_ns < next_ns)
		next_ns = monitor->hooks_end_ns;
	return next_ns;
}

void monitor_hooks_stop(struct monitor *monitor, uint64_t now_ns, bool at_once)
{
	monitor->hooks_end_ns = at_once ? now_ns : now_ns + STOP_NS;
	/* Only a command that was left has no later call: it gets a last try. */
	for (struct monitor_hook *hook = monitor->hooks; hook != NULL; hook = hook->next) {
		if (hook->left != NULL && hook->left->key != NULL && hook->program.pid == 0)
			take_turn(monitor, hook);
	}
}

bool monitor_hooks_are_busy(const struct monitor *monitor, uint64_t now_ns)
{
	/* A process that SIGKILL does not end is stuck in the kernel. */
	if (monitor->stopping && now_ns > monitor->hooks_end_ns + 2 * END_NS + CLOCK_SECOND_NS)
		return false;
	for (const struct monitor_hook *hook = monitor->hooks; hook != NULL; hook = hook->next) {
		if (hook->program.pid != 0 || hook->turn != 0)
			return true;
	}
	return false;
}

void monitor_hooks_each_left(const struct monitor *monitor,
                             void (*tell)(void *context, const struct monitor_left *left), void *context)
{
	for (const struct monitor_hook *hook = monitor->hooks; hook != NULL; hook = hook->next) {
		struct monitor_left left = { .kind = MONITOR_COMMAND };

		if (hook->left == NULL || hook->left->key == NULL)
			continue;
		left.label = hook->left->label;
		left.words = &hook->left->words;
		left.error = hook->left->error;
		tell(context, &left);
	}
}

void monitor_hooks_release(struct monitor *monitor, struct monitor_hook *hook)
{
	if (hook == NULL)
		return;
	unlink_hook(monitor, hook);
	release(hook);
}

void monitor_hooks_release_all(struct monitor *monitor)
{
	while (monitor->hooks != NULL) {
		struct monitor_hook *hook = monitor->hooks;

		monitor->hooks = hook->next;
		release(hook);
	}
}
