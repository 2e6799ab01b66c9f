#ifndef ROSENPASS_TESTS_VECTORS_UTIL_H
#define ROSENPASS_TESTS_VECTORS_UTIL_H

/*
 * What the handlers of the program `vectors` share: walking through the cases of a
 * JSON file, reading their fields, and counting. A case passes when its check did not
 * call vectors_fail(), which every helper here does, with a message that names file,
 * case and field, when it returns false or NULL.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct vectors_run {
	const char *folder;  /* that holds the JSON files and keys/ */
	const char *file;    /* the JSON file at work */
	const char *section; /* the array in it */
	size_t number;       /* the case in that array, from 0 */
	bool case_failed;
	size_t passed; /* cases of this file */
	size_t failed;
};

/* Runs all cases of a file that was read. */
typedef void vectors_handler(struct vectors_run *run, const json_t *root);

vectors_handler vectors_keyed_hash;
vectors_handler vectors_kyber512;
vectors_handler vectors_mceliece460896;
vectors_handler vectors_handshake;
vectors_handler vectors_cookie;

/* Checks one case. */
typedef void vectors_check(struct vectors_run *run, const json_t *test);

/* Calls check for each element of the array root[section] and counts. No array or no element is a failure. */
void vectors_each(struct vectors_run *run, const json_t *root, const char *section, vectors_check *check);

/* Says on standard error why the case fails. It counts once, however often this is called. */
void vectors_fail(struct vectors_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The object or array object[name]; NULL when there is none. */
const json_t *vectors_get(struct vectors_run *run, const json_t *object, const char *name);

/* The string object[name], owned by the object; NULL when there is none. */
const char *vectors_string(struct vectors_run *run, const json_t *object, const char *name);

/* Writes the bytes for which a string of exactly 2 * len hexadecimal digits stands: object[name], or json. */
bool vectors_hex(struct vectors_run *run, const json_t *object, const char *name, uint8_t *out, size_t len);
bool vectors_hex_value(struct vectors_run *run, const json_t *json, const char *name, uint8_t *out,
                       size_t len);

/* The same for any length, which goes to *len. The caller frees it; NULL when it is no such string. */
uint8_t *vectors_hex_alloc(struct vectors_run *run, const json_t *object, const char *name, size_t *len);

/* Fails the case unless the len bytes at actual are those of object[name]. */
void vectors_expect(struct vectors_run *run, const json_t *object, const char *name, const uint8_t *actual,
                    size_t len);

/* Reads the file at this path below the folder: of exactly len bytes, or any number (the caller frees). */
bool vectors_read(struct vectors_run *run, const char *path, uint8_t *out, size_t len);
uint8_t *vectors_read_alloc(struct vectors_run *run, const char *path, size_t *len);

/* Reads keys/OWNER.SUFFIX of exactly len bytes. */
bool vectors_key(struct vectors_run *run, const char *owner, const char *suffix, uint8_t *out, size_t len);

/* malloc, or exit(1). */
void *vectors_memory(size_t len);

#endif
