#include "vectors_util.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#define PATH_BYTES 4096

void vectors_each(struct vectors_run *run, const json_t *root, const char *section, vectors_check *check)
{
	const json_t *cases = json_object_get(root, section);
	size_t count = json_array_size(cases);

	run->section = section;
	run->number = 0;
	if (count == 0) {
		vectors_fail(run, "there is no list \"%s\" with a case in it", section);
		run->failed++;
	}
	for (; run->number < count; run->number++) {
		run->case_failed = false;
		check(run, json_array_get(cases, run->number));
		if (run->case_failed)
			run->failed++;
		else
			run->passed++;
	}
}

void vectors_fail(struct vectors_run *run, const char *format, ...)
{
	va_list arguments;

	run->case_failed = true;
	fprintf(stderr, "%s: %s[%zu]: ", run->file, run->section, run->number);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

void *vectors_memory(size_t len)
{
	void *memory = malloc(len > 0 ? len : 1);

	if (memory == NULL) {
		fprintf(stderr, "vectors: out of memory\n");
		exit(EXIT_FAILURE);
	}
	return memory;
}

const json_t *vectors_get(struct vectors_run *run, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_object(value) && !json_is_array(value)) {
		vectors_fail(run, "there is no list or object \"%s\"", name);
		return NULL;
	}
	return value;
}

const char *vectors_string(struct vectors_run *run, const json_t *object, const char *name)
{
	const char *string = json_string_value(json_object_get(object, name));

	if (string == NULL)
		vectors_fail(run, "there is no string \"%s\"", name);
	return string;
}

bool vectors_hex_value(struct vectors_run *run, const json_t *json, const char *name, uint8_t *out,
                       size_t len)
{
	const char *digits = json_string_value(json);
	size_t written = 0;

	if (digits == NULL) {
		vectors_fail(run, "there is no string \"%s\"", name);
		return false;
	}
	if (strlen(digits) != 2 * len ||
	    sodium_hex2bin(out, len, digits, 2 * len, NULL, &written, NULL) != 0 || written != len) {
		vectors_fail(run, "\"%s\" is not %zu bytes in hexadecimal digits", name, len);
		return false;
	}
	return true;
}

bool vectors_hex(struct vectors_run *run, const json_t *object, const char *name, uint8_t *out, size_t len)
{
	return vectors_hex_value(run, json_object_get(object, name), name, out, len);
}

uint8_t *vectors_hex_alloc(struct vectors_run *run, const json_t *object, const char *name, size_t *len)
{
	const char *digits = vectors_string(run, object, name);
	uint8_t *bytes;

	if (digits == NULL)
		return NULL;
	*len = strlen(digits) / 2;
	bytes = vectors_memory(*len);
	if (!vectors_hex(run, object, name, bytes, *len)) {
		free(bytes);
		return NULL;
	}
	return bytes;
}

void vectors_expect(struct vectors_run *run, const json_t *object, const char *name, const uint8_t *actual,
                    size_t len)
{
	uint8_t *expected = vectors_memory(len);

	if (vectors_hex(run, object, name, expected, len)) {
		size_t i = 0;

		while (i < len && actual[i] == expected[i])
			i++;
		if (i < len)
			vectors_fail(run, "\"%s\" differs from byte %zu of %zu on", name, i, len);
	}
	free(expected);
}

uint8_t *vectors_read_alloc(struct vectors_run *run, const char *path, size_t *len)
{
	char name[PATH_BYTES];
	uint8_t *bytes = NULL;
	FILE *file = NULL;
	long size;
	int printed = snprintf(name, sizeof name, "%s/%s", run->folder, path);

	if (printed < 0 || (size_t)printed >= sizeof name) {
		vectors_fail(run, "the path %s/%s is too long", run->folder, path);
		return NULL;
	}
	file = fopen(name, "rb");
	if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
		vectors_fail(run, "%s: %s", name, strerror(errno));
		goto done;
	}
	rewind(file);
	*len = (size_t)size;
	bytes = vectors_memory(*len);
	if (fread(bytes, 1, *len, file) != *len) {
		vectors_fail(run, "%s: cannot be read", name);
		free(bytes);
		bytes = NULL;
	}

done:
	if (file != NULL)
		fclose(file);
	return bytes;
}

bool vectors_read(struct vectors_run *run, const char *path, uint8_t *out, size_t len)
{
	size_t size = 0;
	uint8_t *bytes = vectors_read_alloc(run, path, &size);
	bool fits = bytes != NULL && size == len;

	if (fits)
		memcpy(out, bytes, len);
	else if (bytes != NULL)
		vectors_fail(run, "%s holds %zu bytes instead of %zu", path, size, len);
	free(bytes);
	return fits;
}

bool vectors_key(struct vectors_run *run, const char *owner, const char *suffix, uint8_t *out, size_t len)
{
	char path[PATH_BYTES];
	int printed = snprintf(path, sizeof path, "keys/%s.%s", owner, suffix);

	if (printed < 0 || (size_t)printed >= sizeof path) {
		vectors_fail(run, "the name of a key is too long");
		return false;
	}
	return vectors_read(run, path, out, len);
}
