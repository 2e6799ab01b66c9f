#ifndef ROSENPASS_WIREGUARD_EXPLAIN_H
#define ROSENPASS_WIREGUARD_EXPLAIN_H

/* Why a device cannot be read or set, for people. */

#define WIREGUARD_EXPLAIN_BYTES 240

/*
 * Puts into words why wireguard_get() or wireguard_set() failed with this result, a negative errno, and what
 * can be done: "there is no interface of that name". The device is looked at again for that.
 */
void wireguard_explain(char out[static WIREGUARD_EXPLAIN_BYTES], const char *name, int result);

#endif
