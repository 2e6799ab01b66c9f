#ifndef ROSENPASS_DELIVERY_HANDSHAKE_H
#define ROSENPASS_DELIVERY_HANDSHAKE_H

/*
 * When WireGuard's last handshake with a peer was. WireGuard tells it by the wall clock, which people and
 * services set back and forward; here it is kept by the clock that only goes on.
 */

#include <stdbool.h>
#include <stdint.h>

struct handshake {
	uint64_t told_seconds;   /* what WireGuard said, by the wall clock; 0: no handshake yet */
	uint64_t at_seconds;     /* when that was, since the system started; not used without a handshake */
	uint64_t looked_seconds; /* when WireGuard was asked last, likewise; 0: never */
};

/*
 * Note what WireGuard says: told_seconds since 1970, 0 for no handshake. wall_seconds and boot_seconds are
 * the time now by clock_wall_seconds() and clock_boot_seconds().
 */
void handshake_note(struct handshake *handshake, uint64_t told_seconds, uint64_t wall_seconds,
                    uint64_t boot_seconds);

/* Returns true, and how many seconds ago the last handshake was; false if there was none. */
bool handshake_age(const struct handshake *handshake, uint64_t boot_seconds, uint64_t *age_seconds);

#endif
