/*
 * usage: sim [--seeds FROM..TO | --seed N] [--jobs N] [--verbose] [--month | --crossed]
 *
 * Runs many engines, and simulated reference peers, in virtual time over a network
 * with faults, one run for each seed, and checks what must always hold (check.h). A
 * failed run prints its seed and how to see it again; the same seed gives the same run.
 */

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reference_chain.h"
#include "world.h"

#define DEFAULT_FROM 1
#define DEFAULT_TO 4000
#define JOBS_MAX 64
#define START_NS (1000 * SECOND)
/* A run takes hundredths of a second; one that takes so long (seconds of real time) has got stuck. */
#define STUCK_SECONDS 300
#define STUCK_MONTH_SECONDS 3600
#define CROSSED_CLASSES 4
#define CROSSED_STEP_NS (10 * MILLISECOND)
#define CROSSED_STEPS (CROSSED_NS / CROSSED_STEP_NS)

struct options {
	uint64_t from;
	uint64_t to;
	int jobs;
	bool verbose;
	enum scenario_kind kind;
};

/* What the jobs tell the parent, in memory that they share. */
struct progress {
	uint64_t seed; /* being run */
	uint64_t passed;
	uint64_t failed;
	struct check_figures figures;
	uint32_t agreed[CROSSED_CLASSES][CROSSED_STEPS + 1]; /* crossed runs, by time to agreement */
};

static const char *program;
static const char *mode = ""; /* the option, after a space, that makes runs of this kind */

/* --- one run ------------------------------------------------------------------------------------ */

void world_trace(const struct world *world, const char *format, ...)
{
	va_list arguments;

	if (!world->verbose)
		return;
	printf("%14.6f  ", (double)(world->now_ns - START_NS) / 1e9);
	va_start(arguments, format);
	(void)vprintf(format, arguments);
	va_end(arguments);
	(void)putchar('\n');
}

void world_report(const struct world *world, const char *invariant, const char *words)
{
	printf("FAIL seed %llu at %.6f s, %s: %s\n      again: %s%s --seed %llu --verbose\n",
	       (unsigned long long)world->seed, (double)(world->now_ns - START_NS) / 1e9, invariant, words,
	       program, mode, (unsigned long long)world->seed);
	(void)fflush(stdout);
}

static void handle(struct world *world, const struct event *event)
{
	int node;

	switch (event->kind) {
	case EVENT_ARRIVAL:
		node = node_at(world, &event->packet->to);
		if (node >= 0)
			node_arrival(world, node, event->packet);
		else
			free(event->packet);
		break;
	case EVENT_WAKE:
		node_wake(world, event->node);
		break;
	case EVENT_ACTION:
		scenario_act(world, event->node, event->value);
		break;
	case EVENT_AUDIT:
		check_audit(world);
		queue_put(&world->queue,
		          (struct event){ .at_ns = world->now_ns + CHECK_AUDIT_NS, .kind = EVENT_AUDIT });
		break;
	}
}

static bool run(struct world *world, uint64_t seed, const struct options *options)
{
	memset(world, 0, sizeof *world);
	world->seed = seed;
	world->now_ns = START_NS;
	world->verbose = options->verbose;
	world->network_prng = prng_make(seed, 2);
	check_init(world);
	scenario_begin(world, options->kind);
	queue_put(&world->queue, (struct event){ .at_ns = world->now_ns, .kind = EVENT_AUDIT });
	while (!world->failed && !world->scenario.ended) {
		struct event event = queue_take(&world->queue);

		world->now_ns = event.at_ns;
		handle(world, &event);
	}
	for (int i = 0; i < world->scenario.node_count; i++)
		node_stop(world, i);
	queue_release(&world->queue);
	check_release(world);
	return !world->failed;
}

/* --- many --------------------------------------------------------------------------------------- */

static void add_figures(struct check_figures *sum, const struct check_figures *figures)
{
	for (size_t i = 0; i < VERDICT_INDEX_COUNT; i++)
		sum->verdicts[i] += figures->verdicts[i];
	for (int i = 0; i <= ROSENPASS_OUTPUT_CONFIRMED; i++)
		sum->outputs[i] += figures->outputs[i];
	sum->damaged += figures->damaged;
#define GREATER(field) (sum->field > figures->field ? sum->field : figures->field)
	sum->longest_difference_ns = GREATER(longest_difference_ns);
	sum->longest_settling_ns = GREATER(longest_settling_ns);
	sum->most_confs = GREATER(most_confs);
	sum->most_sends = GREATER(most_sends);
#undef GREATER
}

/* Runs every jobs-th seed from `first` on. */
/* How long a crossed run took until both held the same key for good. */
static void note_agreement(struct progress *progress, const struct world *world)
{
	uint64_t agreed_ns = world->scenario.agreed_ns;
	bool has_reference = world->nodes[0].is_reference || world->nodes[1].is_reference;
	int class = (has_reference ? 2 : 0) + (world->seed % 2 == 1);
	size_t step = CROSSED_STEPS;

	if (agreed_ns != 0)
		step = (agreed_ns - world->scenario.began_ns) / CROSSED_STEP_NS;
	progress->agreed[class][step]++;
}

static void work(struct progress *progress, uint64_t first, const struct options *options)
{
	struct world *world = malloc(sizeof *world);

	if (world == NULL)
		abort();
	for (uint64_t seed = first; seed <= options->to; seed += (uint64_t)options->jobs) {
		progress->seed = seed;
		(void)alarm(options->kind == SCENARIO_MONTH ? STUCK_MONTH_SECONDS : STUCK_SECONDS);
		if (run(world, seed, options))
			progress->passed++;
		else
			progress->failed++;
		add_figures(&progress->figures, &world->check.figures);
		if (options->kind == SCENARIO_CROSSED)
			note_agreement(progress, world);
	}
	(void)alarm(0);
	progress->seed = UINT64_MAX;
	free(world);
}

static pid_t begin_job(struct progress *progress, uint64_t first, const struct options *options)
{
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid < 0) {
		perror("sim: fork");
		exit(2);
	}
	if (pid == 0) {
		work(progress, first, options);
		(void)fflush(stdout);
		_exit(0);
	}
	return pid;
}

/* Waits for the job; where it died in a run, reports that and goes on behind it. */
static void end_job(pid_t pid, struct progress *progress, const struct options *options)
{
	for (;;) {
		int status = 0;

		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && progress->seed == UINT64_MAX)
			return;
		progress->failed++;
		printf("FAIL seed %llu, died (status %d)\n      again: %s%s --seed %llu --verbose\n",
		       (unsigned long long)progress->seed, status, program, mode,
		       (unsigned long long)progress->seed);
		pid = begin_job(progress, progress->seed + (uint64_t)options->jobs, options);
	}
}

static void print_agreement(const struct progress *sum)
{
	static const char *const names[CROSSED_CLASSES] = { "engines", "engines, loss", "others",
		                                            "others, loss" };
	static const unsigned permilles[] = { 500, 900, 990, 999, 1000 };

	for (int i = 0; i < CROSSED_CLASSES; i++) {
		uint64_t count = 0;

		for (size_t step = 0; step <= CROSSED_STEPS; step++)
			count += sum->agreed[i][step];
		printf("%-14s %8llu runs, seconds until both agree:", names[i], (unsigned long long)count);
		for (size_t p = 0; count > 0 && p < sizeof permilles / sizeof permilles[0]; p++) {
			uint64_t before = 0;
			size_t step = 0;

			while (before + sum->agreed[i][step] < (count * permilles[p] + 999) / 1000)
				before += sum->agreed[i][step++];
			printf(" %.1f %%: %.2f%s", permilles[p] / 10.0,
			       (double)(step * CROSSED_STEP_NS) / 1e9, permilles[p] == 1000 ? "\n" : ",");
		}
		if (count == 0)
			(void)putchar('\n');
	}
}

static void print_figures(const struct check_figures *figures)
{
	printf("verdicts:");
	for (size_t i = 0; i < VERDICT_INDEX_COUNT; i++)
		printf("%s %s %llu", i > 0 ? "," : "", rosenpass_verdict_name(verdict_at(i)),
		       (unsigned long long)figures->verdicts[i]);
	printf("\noutputs: %llu datagrams, %llu keys, %llu stale, %llu endpoints, %llu timeouts\n",
	       (unsigned long long)figures->outputs[ROSENPASS_OUTPUT_SEND],
	       (unsigned long long)figures->outputs[ROSENPASS_OUTPUT_KEY],
	       (unsigned long long)figures->outputs[ROSENPASS_OUTPUT_STALE],
	       (unsigned long long)figures->outputs[ROSENPASS_OUTPUT_ENDPOINT],
	       (unsigned long long)figures->outputs[ROSENPASS_OUTPUT_TIMEOUT]);
	printf("damaged packets received: %llu\n", (unsigned long long)figures->damaged);
	printf("at most: settled %.3f s after healing, keys differ for %.3f s then, %llu InitConfs until "
	       "they agree, "
	       "%llu messages a minute\n",
	       (double)figures->longest_settling_ns / 1e9, (double)figures->longest_difference_ns / 1e9,
	       (unsigned long long)figures->most_confs, (unsigned long long)figures->most_sends);
}

/* --- command line ----------------------------------------------------------------------------------- */

static void usage(void)
{
	fprintf(stderr,
	        "usage: %s [--seeds FROM..TO | --seed N] [--jobs N] [--verbose] [--month | --crossed]\n",
	        program);
	exit(2);
}

static uint64_t read_number(const char *text, char **end)
{
	unsigned long long value;

	errno = 0;
	value = strtoull(text, end, 10);
	if (errno != 0 || *end == text || text[0] < '0' || text[0] > '9')
		usage();
	return value;
}

static void read_seeds(struct options *options, const char *text)
{
	char *end;

	options->from = read_number(text, &end);
	if (strncmp(end, "..", 2) != 0)
		usage();
	options->to = read_number(end + 2, &end);
	if (*end != '\0' || options->to < options->from || options->to >= UINT64_MAX / 2)
		usage();
}

static void read_options(struct options *options, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		char *end = NULL;

		if (strcmp(argv[i], "--verbose") == 0) {
			options->verbose = true;
			continue;
		}
		if (strcmp(argv[i], "--month") == 0) {
			options->kind = SCENARIO_MONTH;
			mode = " --month";
			continue;
		}
		if (strcmp(argv[i], "--crossed") == 0) {
			options->kind = SCENARIO_CROSSED;
			mode = " --crossed";
			continue;
		}
		if (strcmp(argv[i], "--seeds") == 0) {
			read_seeds(options, value);
		} else if (strcmp(argv[i], "--seed") == 0) {
			options->from = read_number(value, &end);
			options->to = options->from;
		} else if (strcmp(argv[i], "--jobs") == 0) {
			options->jobs = (int)read_number(value, &end);
		} else {
			usage();
		}
		if ((end != NULL && *end != '\0') || options->jobs < 1 || options->jobs > JOBS_MAX)
			usage();
		i++;
	}
}

int main(int argc, char **argv)
{
	struct options options = { .from = DEFAULT_FROM, .to = DEFAULT_TO, .jobs = 2 };
	struct progress *progress;
	static struct progress sum;
	pid_t pids[JOBS_MAX];

	program = argv[0];
	read_options(&options, argc, argv);
	if (sodium_init() < 0)
		return 2;
	reference_labels_init();
	node_keys_init();
	progress = mmap(NULL, sizeof *progress * (size_t)options.jobs, PROT_READ | PROT_WRITE,
	                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (progress == MAP_FAILED) {
		perror("sim: mmap");
		return 2;
	}
	for (int i = 0; i < options.jobs; i++)
		pids[i] = begin_job(&progress[i], options.from + (uint64_t)i, &options);
	for (int i = 0; i < options.jobs; i++)
		end_job(pids[i], &progress[i], &options);
	for (int i = 0; i < options.jobs; i++) {
		sum.passed += progress[i].passed;
		sum.failed += progress[i].failed;
		add_figures(&sum.figures, &progress[i].figures);
		for (int j = 0; j < CROSSED_CLASSES; j++) {
			for (size_t k = 0; k <= CROSSED_STEPS; k++)
				sum.agreed[j][k] += progress[i].agreed[j][k];
		}
	}
	print_figures(&sum.figures);
	if (options.kind == SCENARIO_CROSSED)
		print_agreement(&sum);
	printf("%llu passed, %llu failed\n", (unsigned long long)sum.passed, (unsigned long long)sum.failed);
	return sum.failed == 0 ? 0 : 1;
}
