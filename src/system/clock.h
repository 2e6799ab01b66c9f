#ifndef ROSENPASS_SYSTEM_CLOCK_H
#define ROSENPASS_SYSTEM_CLOCK_H

/* The clock that never goes back and counts time asleep. */

#include <stdint.h>

#define CLOCK_SECOND_NS UINT64_C(1000000000)

/* CLOCK_BOOTTIME in nanoseconds. */
uint64_t clock_now_ns(void);

/* The same clock in seconds, to be compared with what the kernel and other programs say. */
uint64_t clock_boot_seconds(void);

/* Seconds since 1970. People and services set this clock back and forward. */
uint64_t clock_wall_seconds(void);

/* A timer file descriptor on that clock, or negative errno. */
int clock_timer_open(void);

/* Makes the timer readable at at_ns; UINT64_MAX: never. 0 or negative errno. */
int clock_timer_set(int timer, uint64_t at_ns);

#endif
