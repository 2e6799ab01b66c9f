#ifndef TESTS_UNIT_RESOLVER_FIXTURE_H
#define TESTS_UNIT_RESOLVER_FIXTURE_H

/* What the tests of resolver processes share: jobs and their outcome, and that nothing is left of them. */

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sys/wait.h>

#include "fixture.h"
#include "system/resolver.h"

/* Nothing here needs so long. */
#define WAIT_MS 20000

static const struct sandbox_user same_user;
static const struct sandbox_user other_user = { .change = true, .uid = 65534, .gid = 65534 };

static inline size_t count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	(void)closedir(folder);
	return count;
}

static size_t descriptors_before;

static inline int check_before(void **state)
{
	(void)state;
	descriptors_before = count_descriptors();
	resolver_set_timeout(RESOLVER_TIMEOUT_SECONDS);
	return 0;
}

/* Neither a descriptor nor a process, dead or alive. */
static inline int check_after(void **state)
{
	(void)state;
	if (count_descriptors() != descriptors_before) {
		print_error("descriptors are left\n");
		return -1;
	}
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD) {
		print_error("a process is left\n");
		return -1;
	}
	return 0;
}

struct outcome {
	int result;
	size_t count;
	union address_socket list[RESOLVER_ADDRESSES_MAX];
	char problem[RESOLVER_PROBLEM_BYTES];
};

static inline void finish(struct resolver_job *job, struct outcome *outcome)
{
	memset(outcome, 0x55, sizeof *outcome);
	outcome->result = resolver_finish(job, outcome->list, &outcome->count, outcome->problem);
	assert_int_equal(job->pid, 0);
	assert_true((outcome->result == 0) == (outcome->problem[0] == '\0'));
	assert_true((outcome->result == 0) == (outcome->count > 0));
}

static inline void wait_for(int fd)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };

	if (poll(&wanted, 1, WAIT_MS) != 1)
		fail_msg("nothing happens");
}

static inline void resolve(const char *text, const struct sandbox_user *user, struct outcome *outcome)
{
	struct resolver_job job;

	assert_int_equal(resolver_start(&job, text, user), 0);
	wait_for(job.fd);
	finish(&job, outcome);
}

static inline bool has(const struct outcome *outcome, const char *text)
{
	char got[ADDRESS_TEXT_BYTES];

	for (size_t i = 0; i < outcome->count; i++) {
		address_format(got, &outcome->list[i]);
		if (strcmp(got, text) == 0)
			return true;
	}
	return false;
}

#define checked(test) cmocka_unit_test_setup_teardown(test, check_before, check_after)

#endif
