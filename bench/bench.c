/*
 * Measures the operations of operations.c. The sides of an operation take turns
 * within each round, so that a change of the clock rate or of the load falls on all
 * of them, and the ratios of one run can be trusted more than its times.
 */

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <sodium.h>

#include "operations.h"

#define EXIT_USAGE 2
#define ROUNDS_MAX 2000
#define KEYS_DEFAULT 20
#define KEYS_QUICK 2
#define WARM_UP_NS 100e6
#define WARM_UP_QUICK_NS 5e6

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "GCC " __VERSION__
#endif

static const size_t rounds_full[BENCH_EFFORT_COUNT] = {
	[BENCH_SHORT] = 2000,
	[BENCH_LONG] = 200,
};
static const size_t rounds_quick[BENCH_EFFORT_COUNT] = {
	[BENCH_SHORT] = 100,
	[BENCH_LONG] = 11,
};
static const char *const side_names[BENCH_SIDE_COUNT] = { "rosenpass", "openssl", "libsodium",
	                                                  "libmceliece" };

struct options {
	bool json;
	bool quick;
	size_t keys;      /* 0: not given */
	const char *only; /* part of the names of the operations to measure, NULL: all */
};

struct summary {
	double median_ns;
	double mean_ns;
	double least_ns;
};

struct result {
	size_t rounds;
	struct summary side[BENCH_SIDE_COUNT];
};

static double now_ns(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		abort();
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts the samples. */
static struct summary summarise(double *samples, size_t count)
{
	struct summary summary = { 0 };

	qsort(samples, count, sizeof *samples, compare_doubles);
	for (size_t i = 0; i < count; i++)
		summary.mean_ns += samples[i] / (double)count;
	summary.median_ns = (samples[(count - 1) / 2] + samples[count / 2]) / 2;
	summary.least_ns = samples[0];
	return summary;
}

/* All sides in turn until the time is over, each once at least. */
static void warm_up(const struct bench_operation *operation, double limit_ns)
{
	double start = now_ns();

	do {
		for (int side = 0; side < BENCH_SIDE_COUNT; side++) {
			if (operation->run[side] != NULL)
				operation->run[side](0);
		}
	} while (now_ns() - start < limit_ns);
}

static size_t rounds_of(const struct bench_operation *operation, const struct options *options)
{
	if (operation->effort != BENCH_KEYGEN)
		return (options->quick ? rounds_quick : rounds_full)[operation->effort];
	if (options->keys != 0)
		return options->keys;
	return options->quick ? KEYS_QUICK : KEYS_DEFAULT;
}

static struct result measure(const struct bench_operation *operation, const struct options *options)
{
	static double samples[BENCH_SIDE_COUNT][ROUNDS_MAX];
	struct result result = { .rounds = rounds_of(operation, options) };

	/* A key takes so long that preparation, which makes one, was warm-up enough. */
	if (operation->effort != BENCH_KEYGEN)
		warm_up(operation, options->quick ? WARM_UP_QUICK_NS : WARM_UP_NS);
	for (size_t round = 0; round < result.rounds; round++) {
		for (size_t i = 0; i < BENCH_SIDE_COUNT; i++) {
			/* Another side begins in each round: none always follows the same one. */
			size_t side = (round + i) % BENCH_SIDE_COUNT;
			double start;

			if (operation->run[side] == NULL)
				continue;
			start = now_ns();
			operation->run[side](round);
			samples[side][round] = now_ns() - start;
		}
	}
	for (size_t side = 0; side < BENCH_SIDE_COUNT; side++) {
		if (operation->run[side] != NULL)
			result.side[side] = summarise(samples[side], result.rounds);
	}
	return result;
}

/* The model as /proc/cpuinfo names it, without what would have to be escaped in JSON. */
static const char *cpu_model(void)
{
	static char model[128] = "unknown";
	char line[256];
	FILE *file = fopen("/proc/cpuinfo", "r");

	if (file == NULL)
		return model;
	while (fgets(line, sizeof line, file) != NULL) {
		const char *value = strstr(line, ": ");
		size_t used = 0;

		if (value == NULL || strncmp(line, "model name", 10) != 0)
			continue;
		for (value += 2; *value != '\0' && used < sizeof model - 1; value++) {
			if (*value >= ' ' && *value <= '~' && *value != '"' && *value != '\\')
				model[used++] = *value;
		}
		model[used] = '\0';
		break;
	}
	(void)fclose(file);
	return model;
}

static bool is_selected(const struct bench_operation *operation, const struct options *options)
{
	return options->only == NULL || strstr(operation->name, options->only) != NULL;
}

static void print_ratio(const struct bench_operation *operation, const struct result *result,
                        enum bench_side side)
{
	if (operation->run[side] == NULL)
		printf(" %9s", "-");
	else
		printf(" %9.3f", result->side[BENCH_OURS].median_ns / result->side[side].median_ns);
}

static void print_table(const struct options *options)
{
	printf("CPU       %s\n", cpu_model());
	printf("compiler  %s\n", COMPILER);
	printf("against   %s; libsodium %s\n\n", OpenSSL_version(OPENSSL_VERSION), sodium_version_string());
	printf("%-26s %6s %11s %11s %11s %8s %9s %9s %9s\n", "operation", "rounds", "median us", "mean us",
	       "least us", "MB/s", "/OpenSSL", "/sodium", "/mceliece");
	for (size_t i = 0; i < bench_operation_count; i++) {
		const struct bench_operation *operation = &bench_operations[i];
		const struct summary *ours;
		struct result result;

		if (!is_selected(operation, options))
			continue;
		result = measure(operation, options);
		ours = &result.side[BENCH_OURS];
		printf("%-26s %6zu %11.1f %11.1f %11.1f", operation->name, result.rounds,
		       ours->median_ns / 1e3, ours->mean_ns / 1e3, ours->least_ns / 1e3);
		if (operation->bytes == 0)
			printf(" %8s", "-");
		else
			printf(" %8.1f", (double)operation->bytes / ours->median_ns * 1e3);
		print_ratio(operation, &result, BENCH_OPENSSL);
		print_ratio(operation, &result, BENCH_LIBSODIUM);
		print_ratio(operation, &result, BENCH_LIBMCELIECE);
		printf("\n");
		(void)fflush(stdout);
	}
	printf("\nThe ratios are our median over theirs in this run: below 1 we are faster.\n");
}

static void print_json_operation(const struct bench_operation *operation, const struct result *result)
{
	printf("\n  {\"name\": \"%s\", \"rounds\": %zu, \"bytes\": %zu", operation->name, result->rounds,
	       operation->bytes);
	for (size_t side = 0; side < BENCH_SIDE_COUNT; side++) {
		const struct summary *summary = &result->side[side];

		if (operation->run[side] == NULL)
			continue;
		printf(",\n   \"%s\": {\"median_ns\": %.0f, \"mean_ns\": %.0f, \"least_ns\": %.0f}",
		       side_names[side], summary->median_ns, summary->mean_ns, summary->least_ns);
		if (side != BENCH_OURS)
			printf(",\n   \"ratio_to_%s\": %.4f", side_names[side],
			       result->side[BENCH_OURS].median_ns / summary->median_ns);
	}
	printf("}");
}

static void print_json(const struct options *options)
{
	bool first = true;

	printf("{\"cpu\": \"%s\",\n \"compiler\": \"%s\",\n", cpu_model(), COMPILER);
	printf(" \"openssl\": \"%s\",\n \"libsodium\": \"%s\",\n \"quick\": %s,\n \"operations\": [",
	       OpenSSL_version(OPENSSL_VERSION), sodium_version_string(), options->quick ? "true" : "false");
	for (size_t i = 0; i < bench_operation_count; i++) {
		struct result result;

		if (!is_selected(&bench_operations[i], options))
			continue;
		result = measure(&bench_operations[i], options);
		printf("%s", first ? "" : ",");
		first = false;
		print_json_operation(&bench_operations[i], &result);
	}
	printf("\n ]}\n");
}

static void print_usage(FILE *file)
{
	(void)fprintf(file,
	              "usage: bench [--quick] [--json] [--keys N] [--only TEXT]\n"
	              "\n"
	              "  --quick      few rounds: shows that it works rather than how fast\n"
	              "  --json       results as JSON instead of a table\n"
	              "  --keys N     McEliece keys to generate, 1 to %d (%d; %d with --quick)\n"
	              "  --only TEXT  only operations whose name contains TEXT\n"
	              "  --help       this text\n",
	              ROUNDS_MAX, KEYS_DEFAULT, KEYS_QUICK);
}

/* 0 when text is not a number from 1 to ROUNDS_MAX. */
static size_t parse_keys(const char *text)
{
	size_t keys = 0;

	for (; *text >= '0' && *text <= '9'; text++) {
		keys = 10 * keys + (size_t)(*text - '0');
		if (keys > ROUNDS_MAX)
			return 0;
	}
	return *text == '\0' ? keys : 0;
}

static bool selects_something(const struct options *options)
{
	for (size_t i = 0; i < bench_operation_count; i++) {
		if (is_selected(&bench_operations[i], options))
			return true;
	}
	return false;
}

/* 0: go on; 1: help was asked for; -1: not understood, and said so. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "quick", no_argument, NULL, 'q' },      { "json", no_argument, NULL, 'j' },
		{ "keys", required_argument, NULL, 'k' }, { "only", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },       { NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'q':
			options->quick = true;
			break;
		case 'j':
			options->json = true;
			break;
		case 'k':
			options->keys = parse_keys(optarg);
			if (options->keys == 0) {
				(void)fprintf(stderr, "bench: --keys takes a number from 1 to %d, not '%s'\n",
				              ROUNDS_MAX, optarg);
				return -1;
			}
			break;
		case 'o':
			options->only = optarg;
			break;
		case 'h':
			return 1;
		default:
			return -1;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "bench: unexpected argument '%s'\n", argv[optind]);
		return -1;
	}
	if (!selects_something(options)) {
		(void)fprintf(stderr, "bench: no operation has '%s' in its name\n", options->only);
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	int parsed = parse_options(argc, argv, &options);
	int status = EXIT_FAILURE;

	if (parsed != 0) {
		print_usage(parsed > 0 ? stdout : stderr);
		return parsed > 0 ? EXIT_SUCCESS : EXIT_USAGE;
	}
	if (bench_operations_prepare() != 0) {
		(void)fprintf(stderr,
		              "bench: cannot prepare: out of memory, a library that does not start, or "
		              "results that differ\n");
	} else {
		if (options.json)
			print_json(&options);
		else
			print_table(&options);
		status = fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	bench_operations_release();
	return status;
}
