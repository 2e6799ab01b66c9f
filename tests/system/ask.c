/*
 * usage: ask SOCKET REQUEST [PATH]... ask --median COUNT SOCKET REQUEST
 *
 * Asks a daemon over its control socket and prints what stands at each path of the answer, one a line, or
 * the whole answer when no path is given. A path is names and numbers with dots between them; an element of
 * an array can also be named by its "name": status.peers.office.outputs.0.state. What is not there is
 * "null"; the length of an array is its "#".
 *
 * With --median: how many milliseconds it took, from connecting until the whole answer was there; the
 * median of COUNT.
 *
 * Exit status: 0, or 1 when the answer is not "ok", or 2 when there is none.
 */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_MAX 30
#define COUNT_MAX 1000
#define FIRST_BYTES 65536

static int connect_to(const char *path)
{
	static const struct timeval limit = { .tv_sec = SECONDS_MAX };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof address.sun_path)
		return -1;
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

/* A line without its end, allocated; NULL: none came. */
static char *read_line(int fd)
{
	size_t size = FIRST_BYTES;
	size_t used = 0;
	char *line = malloc(size);

	while (line != NULL) {
		ssize_t got = read(fd, line + used, size - used);
		char *longer;

		if (got <= 0)
			break;
		used += (size_t)got;
		if (line[used - 1] == '\n') {
			line[used - 1] = '\0';
			return line;
		}
		if (used < size)
			continue;
		size *= 2;
		longer = realloc(line, size);
		if (longer == NULL)
			break;
		line = longer;
	}
	free(line);
	return NULL;
}

static char *ask(const char *path, const char *request)
{
	int fd = connect_to(path);
	char *answer = NULL;

	if (fd < 0)
		return NULL;
	if (dprintf(fd, "%s\n", request) > 0)
		answer = read_line(fd);
	(void)close(fd);
	return answer;
}

static json_t *element(json_t *array, const char *word)
{
	char *end;
	unsigned long index = strtoul(word, &end, 10);
	size_t i;
	json_t *item;

	json_array_foreach(array, i, item)
	{
		const char *name = json_string_value(json_object_get(item, "name"));

		if (name != NULL && strcmp(name, word) == 0)
			return item;
	}
	return *word != '\0' && *end == '\0' ? json_array_get(array, index) : NULL;
}

/* Prints what is at the path; cuts the path up. */
static void print_at(json_t *at, char *path)
{
	for (char *word = strtok(path, "."); word != NULL; word = strtok(NULL, ".")) {
		if (json_is_array(at) && strcmp(word, "#") == 0) {
			printf("%zu\n", json_array_size(at));
			return;
		}
		at = json_is_array(at) ? element(at, word) : json_object_get(at, word);
	}
	if (json_is_string(at))
		printf("%s\n", json_string_value(at));
	else if (at == NULL || (json_dumpf(at, stdout, JSON_COMPACT | JSON_ENCODE_ANY), puts("")) < 0)
		puts("null");
}

static int by_size(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;

	return (*x > *y) - (*x < *y);
}

static double now_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int measure(const char *count_word, const char *path, const char *request)
{
	double ms[COUNT_MAX];
	unsigned long count = strtoul(count_word, NULL, 10);

	if (count == 0 || count > COUNT_MAX)
		return 2;
	for (unsigned long i = 0; i < count; i++) {
		double before = now_ms();
		char *answer = ask(path, request);

		if (answer == NULL)
			return 2;
		ms[i] = now_ms() - before;
		free(answer);
	}
	qsort(ms, count, sizeof ms[0], by_size);
	printf("%.2f\n", ms[count / 2]);
	return 0;
}

int main(int count, char **words)
{
	char *line;
	json_t *answer;
	int status;

	if (count == 5 && strcmp(words[1], "--median") == 0)
		return measure(words[2], words[3], words[4]);
	if (count < 3) {
		(void)fprintf(stderr, "usage: ask SOCKET REQUEST [PATH]...\n");
		return 2;
	}
	line = ask(words[1], words[2]);
	answer = line == NULL ? NULL : json_loads(line, 0, NULL);
	if (answer == NULL) {
		(void)fprintf(stderr, "ask: no answer from %s\n", words[1]);
		free(line);
		return 2;
	}
	status = json_is_true(json_object_get(answer, "ok")) ? 0 : 1;
	if (count == 3 || status != 0)
		puts(line);
	for (int i = 3; i < count && status == 0; i++)
		print_at(answer, words[i]);
	json_decref(answer);
	free(line);
	return status;
}
