/*
 * Takes the place of src/system/clock.c in a program for tests: its seconds pass SCALE times as fast, so that
 * hours of keys and renewals pass in minutes. SCALE comes from ROSENPASS_TEST_CLOCK_SCALE; without it time
 * passes as it does.
 */

#include "system/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>

#define SCALE_MAX 2000

static uint64_t scale(void)
{
	static uint64_t factor;

	if (factor == 0) {
		const char *word = getenv("ROSENPASS_TEST_CLOCK_SCALE");
		unsigned long given = word == NULL ? 1 : strtoul(word, NULL, 10);

		factor = given == 0 || given > SCALE_MAX ? 1 : given;
	}
	return factor;
}

/* Since this machine started, hence the same in all processes of a daemon; it fits for months. */
uint64_t clock_now_ns(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return ((uint64_t)now.tv_sec * CLOCK_SECOND_NS + (uint64_t)now.tv_nsec) * scale();
}

/* Of the kernel and of other programs, for which time passes as it does. */
static uint64_t seconds_of(clockid_t clock)
{
	struct timespec now = { 0 };

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec;
}

uint64_t clock_boot_seconds(void)
{
	return seconds_of(CLOCK_BOOTTIME);
}

uint64_t clock_wall_seconds(void)
{
	return seconds_of(CLOCK_REALTIME);
}

int clock_timer_open(void)
{
	int timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);

	return timer < 0 ? -errno : timer;
}

int clock_timer_set(int timer, uint64_t at_ns)
{
	struct itimerspec when = { 0 };

	if (at_ns != UINT64_MAX) {
		/* Rounded up, else it would be too early and come again at once. */
		uint64_t real_ns = at_ns / scale() + 1;

		when.it_value.tv_sec = (time_t)(real_ns / CLOCK_SECOND_NS);
		when.it_value.tv_nsec = (long)(real_ns % CLOCK_SECOND_NS);
	}
	return timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL) == 0 ? 0 : -errno;
}
