#ifndef TESTS_CT_CT_PARTS_H
#define TESTS_CT_CT_PARTS_H

/* What the parts of the constant-time test share, and the parts themselves. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ends the program with a line that names the part. */
void ct_fail(const char *what) __attribute__((noreturn));
void ct_expect(bool condition, const char *what);

/* A result of secrets must be secret too, else the marks got lost and nothing was tested. Declassifies. */
void ct_expect_secret(const void *p, size_t len, const char *what);
void ct_expect_public(const void *p, size_t len, const char *what);

/* A random source: the same bytes on every run. context is a uint8_t that counts the calls. */
int ct_fill(void *context, uint8_t *out, size_t out_len);
void ct_secret_bytes(uint8_t *out, size_t out_len);

/* Never NULL; to be freed. */
uint8_t *ct_allocate(size_t len);

/* Reads a key of tests/data by the name of its file; to be freed. */
uint8_t *ct_read_key(const char *name, size_t len);

void ct_run_self_check(void);
void ct_run_keccak(void);
void ct_run_blake2b(void);
void ct_run_keyed_hash(void);
void ct_run_aead(void);
void ct_run_kyber512(void);
void ct_run_mceliece(void);
void ct_run_mceliece_keygen(void);
void ct_run_keys(void);
void ct_run_handshake(void);
void ct_run_forgeries(void);
void ct_run_load(void);
void ct_run_hours(void);

#endif
