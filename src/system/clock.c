#include "system/clock.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>

uint64_t clock_now_ns(void)
{
	struct timespec now = { 0 };

	/* Cannot fail: the clock is there since Linux 2.6.39 and the pointer is good. */
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * CLOCK_SECOND_NS + (uint64_t)now.tv_nsec;
}

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
		when.it_value.tv_sec = (time_t)(at_ns / CLOCK_SECOND_NS);
		when.it_value.tv_nsec = (long)(at_ns % CLOCK_SECOND_NS);
		/* All zero would switch the timer off. */
		if (at_ns == 0)
			when.it_value.tv_nsec = 1;
	}
	return timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL) == 0 ? 0 : -errno;
}
