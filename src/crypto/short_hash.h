#ifndef ROSENPASS_CRYPTO_SHORT_HASH_H
#define ROSENPASS_CRYPTO_SHORT_HASH_H

/*
 * SipHash-2-4: 64 bits, keyed and fast, for tables whose places nobody outside may foresee. It protects no
 * message and no key. The key and the data are taken for public.
 */

#include <stddef.h>
#include <stdint.h>

#define SHORT_HASH_KEY_BYTES 16

/* Returns the hash of the data, whose length may be anything. */
uint64_t short_hash(const uint8_t key[static SHORT_HASH_KEY_BYTES], const uint8_t *data, size_t data_len);

#endif
