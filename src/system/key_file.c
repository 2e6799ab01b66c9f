#include "system/key_file.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "system/base64.h"
#include "system/file.h"
#include "system/file_access.h"
#include "system/secret_memory.h"

/* As the reference: a file with a preshared key is base64 and little else. */
#define PSK_FILE_BYTES 1000
/* Of a longer path so much is shown that the reason still has room. */
#define PATH_SHOWN 256

static int fail(char problem[static KEY_FILE_PROBLEM_BYTES], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(char problem[static KEY_FILE_PROBLEM_BYTES], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(problem, KEY_FILE_PROBLEM_BYTES, format, arguments);
	va_end(arguments);
	return -1;
}

static int fail_to_read(char problem[static KEY_FILE_PROBLEM_BYTES], const char *what, const char *path,
                        int result)
{
	return fail(problem, "cannot read %s file \"%.*s\": %s", what, PATH_SHOWN, path, strerror(-result));
}

/* A length of any other file than a key is for the caller to refuse. */
static int read_sealed(struct shared_key *key, const char *path, size_t *length)
{
	/* Half a megabyte is too much for a stack, and the same pages serve every key. */
	static uint8_t bytes[ROSENPASS_PUBLIC_KEY_BYTES];
	int result = file_read(path, bytes, sizeof bytes, length);

	if (result != 0 || *length != sizeof bytes)
		return result;
	result = shared_key_make(key, bytes);
	/* A limit of file sizes counts for shared memory too; the file itself is in order. */
	return result == -EFBIG ? -ENOSPC : result;
}

int key_file_read_public(struct shared_key *key, const char *path,
                         char problem[static KEY_FILE_PROBLEM_BYTES])
{
	size_t length = 0;
	int result;

	*key = (struct shared_key){ 0 };
	result = read_sealed(key, path, &length);
	if (result == -EFBIG)
		return fail(problem, "public-key file \"%.*s\" is too long: a public key has %d bytes",
		            PATH_SHOWN, path, ROSENPASS_PUBLIC_KEY_BYTES);
	if (result != 0)
		return fail_to_read(problem, "public-key", path, result);
	if (length != ROSENPASS_PUBLIC_KEY_BYTES)
		return fail(problem, "public-key file \"%.*s\" is too short: %zu bytes, a public key has %d",
		            PATH_SHOWN, path, length, ROSENPASS_PUBLIC_KEY_BYTES);
	return 0;
}

int key_file_read_secret(uint8_t sk[static ROSENPASS_SECRET_KEY_BYTES], const char *path,
                         char problem[static KEY_FILE_PROBLEM_BYTES])
{
	uint8_t *file = secret_memory_allocate(NULL, ROSENPASS_SECRET_KEY_BYTES);
	size_t length = 0;
	int result = file == NULL ? -ENOMEM : file_read(path, file, ROSENPASS_SECRET_KEY_BYTES, &length);
	int status = -1;

	if (result == -EFBIG)
		(void)fail(problem,
		           "secret-key file \"%.*s\" is too long: a secret key has %d or, of 0.2.x software, "
		           "%d bytes",
		           PATH_SHOWN, path, ROSENPASS_SECRET_KEY_BYTES, ROSENPASS_SECRET_KEY_OLD_BYTES);
	else if (result != 0)
		(void)fail_to_read(problem, "secret-key", path, result);
	else if (rosenpass_secret_key_import(sk, file, length) != 0)
		(void)fail(problem,
		           "secret-key file \"%.*s\" has %zu bytes: a secret key has %d or, of 0.2.x "
		           "software, %d",
		           PATH_SHOWN, path, length, ROSENPASS_SECRET_KEY_BYTES,
		           ROSENPASS_SECRET_KEY_OLD_BYTES);
	else
		status = 0;
	secret_memory_release(NULL, file, ROSENPASS_SECRET_KEY_BYTES);
	if (status != 0)
		sodium_memzero(sk, ROSENPASS_SECRET_KEY_BYTES);
	return status;
}

int key_file_read_psk(uint8_t psk[static ROSENPASS_PSK_BYTES], const char *path,
                      char problem[static KEY_FILE_PROBLEM_BYTES])
{
	uint8_t *text = secret_memory_allocate(NULL, PSK_FILE_BYTES);
	size_t length = 0;
	int result = text == NULL ? -ENOMEM : file_read(path, text, PSK_FILE_BYTES, &length);
	int status = -1;

	if (result != 0 && result != -EFBIG)
		(void)fail_to_read(problem, "preshared-key", path, result);
	else if (result != 0 || base64_decode_key(psk, (const char *)text, length) != 0)
		(void)fail(
			problem,
			"preshared-key file \"%.*s\" does not hold 32 bytes in base64 (44 characters, as wg "
			"genpsk makes)",
			PATH_SHOWN, path);
	else
		status = 0;
	secret_memory_release(NULL, text, PSK_FILE_BYTES);
	if (status != 0)
		sodium_memzero(psk, ROSENPASS_PSK_BYTES);
	return status;
}

bool key_file_is_exposed(const char *path)
{
	return file_access_others(path, FILE_ACCESS_READ);
}
