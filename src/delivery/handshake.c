#include "delivery/handshake.h"

/*
 * Some programs tell how long ago a handshake was, in whole seconds, so that its time is another one by a
 * second each time. WireGuard makes no two handshakes within five seconds.
 */
#define SAME_SECONDS 2

static bool is_near(uint64_t a, uint64_t b)
{
	return a > b ? a - b <= SAME_SECONDS : b - a <= SAME_SECONDS;
}

/* The time since the system started that a time of the wall clock stands for, if that clock was not set
 * since. */
static uint64_t since_boot(uint64_t told_seconds, uint64_t wall_seconds, uint64_t boot_seconds)
{
	uint64_t ago = wall_seconds > told_seconds ? wall_seconds - told_seconds : 0;

	return boot_seconds > ago ? boot_seconds - ago : 0;
}

void handshake_note(struct handshake *handshake, uint64_t told_seconds, uint64_t wall_seconds,
                    uint64_t boot_seconds)
{
	uint64_t at = since_boot(told_seconds, wall_seconds, boot_seconds);
	uint64_t looked = handshake->looked_seconds;
	bool had_one = handshake->told_seconds != 0;

	handshake->looked_seconds = boot_seconds;
	/* The kernel keeps the time that it noted, also if the clock is set after that. */
	if (told_seconds == 0 || (had_one && is_near(told_seconds, handshake->told_seconds))) {
		handshake->told_seconds = told_seconds == 0 ? 0 : handshake->told_seconds;
		return;
	}
	handshake->told_seconds = told_seconds;
	/* A program that counts from the present time: it changes with the clock, the handshake is the same.
	 */
	if (had_one && is_near(at, handshake->at_seconds))
		return;
	/* A new handshake was after the last look, whatever the wall clock makes of it. */
	handshake->at_seconds = at < looked ? looked : at;
}

bool handshake_age(const struct handshake *handshake, uint64_t boot_seconds, uint64_t *age_seconds)
{
	*age_seconds = boot_seconds > handshake->at_seconds ? boot_seconds - handshake->at_seconds : 0;
	return handshake->told_seconds != 0;
}
