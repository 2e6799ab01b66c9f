/*
 * usage: responder [OPTION]... PROGRAM...
 *
 * What it costs to answer handshakes, for any programs that speak the protocol, in one run on one machine.
 * Each PROGRAM is started as "PROGRAM exchange-config FILE", and all have the same key pair and peers. The
 * initiators are made with the library. They take the programs in turns, so that a change of the clock rate
 * or of other load falls on all of them; ratios of one run can be trusted more than its times.
 *
 *   --peers=N        how many peers the programs have, with real key pairs (16)
 *   --burst=N        handshakes that are begun at the same time (1)
 *   --rounds=N       bursts that are measured, for each program (50)
 *   --dialect=NAME   blake2b-188 (the default), blake2b-156 or shake256-156
 *   --folder=DIR     keeps the key pairs there for the next time (551,336 bytes, 50 ms of CPU each)
 *
 * Prints JSON. For each program: CPU time of its processes for a handshake, in microseconds; handshakes for a
 * second of that time; answers a second within a burst; the time until an answer; and the CPU time of the
 * first program divided by its own.
 *
 * Exit status 0: all handshakes led to a key; 1: not all, or something failed; 2: wrong usage; 77: too few
 * descriptors.
 */

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "hub_peers.h"
#include "responder_program.h"
#include "system/clock.h"

#define EXIT_USAGE 2
#define EXIT_SKIPPED 77
#define PATH_BYTES 4096
#define PROGRAMS_MAX 8
#define BURST_MAX 1024
#define ROUNDS_MAX 100000
#define SPARE_FDS 64
#define LIMIT_NS UINT64_C(10000000000)

struct options {
	uint64_t peers;
	uint64_t burst;
	uint64_t rounds;
	enum rosenpass_dialect dialect;
	const char *folder;
};

struct measured {
	struct responder_program program;
	uint64_t handshakes;
	uint64_t failed;
	uint64_t cpu_ns;
	uint64_t answering_ns;
	uint64_t *each_ns;
	size_t answers;
};

static const struct option long_options[] = {
	{ "peers", required_argument, NULL, 'p' },  { "burst", required_argument, NULL, 'b' },
	{ "rounds", required_argument, NULL, 'r' }, { "dialect", required_argument, NULL, 'd' },
	{ "folder", required_argument, NULL, 'f' }, { NULL, 0, NULL, 0 },
};

static bool read_number(const char *text, uint64_t most, uint64_t *number)
{
	char *end;

	*number = strtoull(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && *number >= 1 && *number <= most)
		return true;
	(void)fprintf(stderr, "responder: %s is not a number from 1 to %llu\n", text,
	              (unsigned long long)most);
	return false;
}

static bool read_dialect(const char *text, enum rosenpass_dialect *dialect)
{
	for (int i = 0; i < ROSENPASS_DIALECT_COUNT; i++) {
		*dialect = (enum rosenpass_dialect)i;
		if (strcmp(text, rosenpass_dialect_name(*dialect)) == 0)
			return true;
	}
	(void)fprintf(stderr, "responder: %s is not a dialect\n", text);
	return false;
}

static bool read_option(struct options *options, int letter)
{
	switch (letter) {
	case 'p':
		return read_number(optarg, 16000, &options->peers);
	case 'b':
		return read_number(optarg, BURST_MAX, &options->burst);
	case 'r':
		return read_number(optarg, ROUNDS_MAX, &options->rounds);
	case 'd':
		return read_dialect(optarg, &options->dialect);
	case 'f':
		options->folder = optarg;
		return true;
	default:
		return false;
	}
}

static bool read_options(struct options *options, int count, char **words)
{
	int letter;

	while ((letter = getopt_long(count, words, "", long_options, NULL)) != -1) {
		if (!read_option(options, letter))
			return false;
	}
	if (optind < count && count - optind <= PROGRAMS_MAX && options->burst <= options->peers)
		return true;
	(void)fprintf(stderr, "usage: responder [--burst=N] [--peers=N, at least as many] [OPTION]... "
	                      "PROGRAM...\n");
	return false;
}

static void run_burst(const struct options *options, struct hub_peers *peers, struct measured *measured,
                      uint64_t round)
{
	struct hub_burst burst = { .each_ns = measured->each_ns + measured->answers };
	size_t first = (size_t)(round * options->burst % (options->peers - options->burst + 1));
	uint64_t before_ns = responder_program_cpu_ns(&measured->program);

	hub_peers_burst(peers, first, (size_t)options->burst, measured->program.port, LIMIT_NS, &burst);
	if (burst.keyed < options->burst) {
		measured->failed += options->burst - burst.keyed;
		return;
	}
	measured->handshakes += burst.keyed;
	measured->answers += burst.keyed;
	measured->answering_ns += burst.answer_ns;
	measured->cpu_ns += responder_program_cpu_ns(&measured->program) - before_ns;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a;
	const uint64_t *right = b;

	return (*left > *right) - (*left < *right);
}

static double cpu_us(const struct measured *measured)
{
	return measured->handshakes > 0 ? (double)measured->cpu_ns / (double)measured->handshakes / 1e3 : 0;
}

static double percentile_ms(const struct measured *measured, size_t percent)
{
	return measured->answers > 0
	               ? (double)measured->each_ns[(measured->answers - 1) * percent / 100] / 1e6
	               : 0;
}

static void print_program(const struct measured *measured, const struct measured *first, bool is_last)
{
	double us = cpu_us(measured);

	if (measured->answers > 0)
		qsort(measured->each_ns, measured->answers, sizeof measured->each_ns[0], compare);
	(void)printf("    {\"program\": \"%s\", \"handshakes\": %llu, \"failed\": %llu,\n",
	             measured->program.path, (unsigned long long)measured->handshakes,
	             (unsigned long long)measured->failed);
	(void)printf("     \"cpu_us\": %.1f, \"per_cpu_second\": %.1f, \"answers_per_second\": %.1f,\n", us,
	             us > 0 ? 1e6 / us : 0,
	             measured->answering_ns > 0
	                     ? (double)measured->handshakes * 1e9 / (double)measured->answering_ns
	                     : 0);
	(void)printf("     \"answer_ms\": {\"median\": %.3f, \"p90\": %.3f, \"most\": %.3f},\n",
	             percentile_ms(measured, 50), percentile_ms(measured, 90), percentile_ms(measured, 100));
	(void)printf("     \"ratio\": %.2f}%s\n", us > 0 ? cpu_us(first) / us : 0, is_last ? "" : ",");
}

static void print_results(const struct options *options, struct measured *all, size_t count)
{
	(void)printf("{\n  \"dialect\": \"%s\", \"peers\": %llu, \"burst\": %llu, \"rounds\": %llu, "
	             "\"processors\": %ld,\n  \"programs\": [\n",
	             rosenpass_dialect_name(options->dialect), (unsigned long long)options->peers,
	             (unsigned long long)options->burst, (unsigned long long)options->rounds,
	             sysconf(_SC_NPROCESSORS_ONLN));
	for (size_t i = 0; i < count; i++)
		print_program(&all[i], &all[0], i + 1 == count);
	(void)printf("  ]\n}\n");
}

/* Every program answers once before anything is measured: what is computed once is of no interest. */
static int measure(const struct options *options, struct hub_peers *peers, struct measured *all, size_t count)
{
	uint64_t failed = 0;

	for (size_t i = 0; i < count; i++) {
		for (size_t first = 0; first < options->peers; first += options->burst) {
			size_t rest = (size_t)options->peers - first;

			all[i].answers = 0;
			run_burst(options, peers, &all[i],
			          (rest < options->burst ? options->peers - options->burst : first) /
			                  options->burst);
		}
		(void)fprintf(stderr, "%s: %llu handshakes without a key before the measurement\n",
		              all[i].program.path, (unsigned long long)all[i].failed);
		all[i].handshakes = all[i].failed = all[i].cpu_ns = all[i].answering_ns = all[i].answers = 0;
	}
	for (uint64_t round = 0; round < options->rounds; round++) {
		for (size_t i = 0; i < count; i++)
			run_burst(options, peers, &all[i], round);
	}
	for (size_t i = 0; i < count; i++)
		failed += all[i].failed;
	print_results(options, all, count);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool start_all(const struct options *options, const char *folder, struct measured *all, size_t count,
                      char **paths)
{
	for (size_t i = 0; i < count; i++) {
		all[i].program = (struct responder_program){ .path = paths[i], .number = i };
		all[i].each_ns = calloc(options->rounds * options->burst + options->peers + options->burst,
		                        sizeof *all[i].each_ns);
		if (all[i].each_ns == NULL ||
		    !responder_program_start(&all[i].program, options->folder, folder, options->peers))
			return false;
	}
	return true;
}

static int run(const struct options *options, const char *folder, size_t count, char **paths)
{
	struct measured all[PROGRAMS_MAX] = { 0 };
	struct hub_peers *peers = NULL;
	int status = EXIT_FAILURE;

	/* The port is said with each burst. */
	if (hub_key_pair(options->folder, "hub"))
		peers = hub_peers_create(options->folder, (size_t)options->peers, 1, true);
	if (peers != NULL && hub_peers_set_dialect(peers, options->dialect) &&
	    start_all(options, folder, all, count, paths))
		status = measure(options, peers, all, count);
	for (size_t i = 0; i < count; i++) {
		responder_program_stop(&all[i].program);
		free(all[i].each_ns);
	}
	if (peers != NULL)
		hub_peers_destroy(peers);
	return status;
}

static bool has_descriptors(uint64_t peers)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return false;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= peers + SPARE_FDS;
}

int main(int count, char **words)
{
	struct options options = { .peers = 16, .burst = 1, .rounds = 50, .dialect = ROSENPASS_BLAKE2B_188 };
	char folder[] = "/tmp/rosenpass-responder.XXXXXX";
	char command[PATH_BYTES];
	int status;

	if (!read_options(&options, count, words))
		return EXIT_USAGE;
	if (!has_descriptors(options.peers))
		return EXIT_SKIPPED;
	if (sodium_init() < 0 || mkdtemp(folder) == NULL)
		return EXIT_FAILURE;
	if (options.folder == NULL)
		options.folder = folder;
	status = run(&options, folder, (size_t)(count - optind), words + optind);
	/* Made by mkdtemp(): nothing that a shell would take apart. */
	(void)snprintf(command, sizeof command, "rm -rf -- %s", folder);
	if (system(command) != 0)
		perror(folder);
	return status;
}
