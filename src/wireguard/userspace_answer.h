#ifndef ROSENPASS_WIREGUARD_USERSPACE_ANSWER_H
#define ROSENPASS_WIREGUARD_USERSPACE_ANSWER_H

/*
 * What a WireGuard of user space answers: lines "key=value" up to an empty one, of which one is "errno=N".
 * Unknown keys are passed over. Results: 0; the errno of the answer, which may have either sign there, as
 * negative errno; -EPROTO when it is no such answer, or a part of one.
 */

#include <stddef.h>
#include <stdint.h>

#include "wireguard/types.h"

int userspace_answer_result(const char *answer, size_t length) __attribute__((warn_unused_result));

/*
 * Reads a device from the answer to "get=1", its name and index aside. now_seconds (since 1970) is for
 * boringtun, which tells how long ago a handshake was. -ENOMEM. On failure there is nothing to release.
 */
int userspace_answer_device(struct wireguard_device *device, const char *answer, size_t length,
                            uint64_t now_seconds) __attribute__((warn_unused_result));

#endif
