#ifndef ROSENPASS_SYSTEM_CLOCK_H
#define ROSENPASS_SYSTEM_CLOCK_H

/* The clock that never goes back and counts time asleep. */

#include <stdint.h>

#define CLOCK_SECOND_NS UINT64_C(1000000000)

/* CLOCK_BOOTTIME in nanoseconds. */
uint64_t clock_now_ns(void);

/* A timer file descriptor on that clock, or negative errno. */
int clock_timer_open(void);

/* Makes the timer readable at at_ns; UINT64_MAX: never. 0 or negative errno. */
int clock_timer_set(int timer, uint64_t at_ns);

#endif
