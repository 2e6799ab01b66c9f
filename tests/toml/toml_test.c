/*
 * usage: toml_test FOLDER
 * Goes through the public TOML test cases: FOLDER/valid/X.toml has to give what FOLDER/valid/X.json says,
 * FOLDER/invalid/X.toml has to be refused. FOLDER/files-toml-1.0.0, where it is there, names those that are
 * meant for TOML 1.0. Prints what failed and "N passed, N failed". Exit status 77: no such folder.
 */

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/toml.h"

static unsigned passed;
static unsigned failed;

static char *read_all(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	char *text = malloc(TOML_TEXT_MAX_BYTES);

	*length = 0;
	if (file == NULL || text == NULL) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	*length = fread(text, 1, TOML_TEXT_MAX_BYTES, file);
	(void)fclose(file);
	return text;
}

/* The same moment: a fraction may have more or fewer zeros at its end. */
static bool same_moment(const char *a, const char *b)
{
	char plain[2][64];
	const char *words[2] = { a, b };

	for (int i = 0; i < 2; i++) {
		size_t used = 0;

		for (const char *c = words[i]; *c != '\0' && used < sizeof plain[i] - 1; c++) {
			if (*c == '.') {
				size_t digits = strspn(c + 1, "0123456789");
				size_t kept = digits;

				while (kept > 0 && c[kept] == '0')
					kept--;
				if (kept > 0) {
					memcpy(plain[i] + used, c, kept + 1);
					used += kept + 1;
				}
				c += digits;
				continue;
			}
			plain[i][used++] = *c == ' ' ? 'T' : *c;
		}
		plain[i][used] = '\0';
	}
	return strcmp(plain[0], plain[1]) == 0;
}

/* jansson takes no zero in a key: in its place stands a character for private use, on both sides. */
#define STAND_IN "\xee\x80\x80"

static void stand_in_json(char *text)
{
	for (char *at = text; *at != '\0'; at++) {
		if (*at != '\\')
			continue;
		if (strncmp(at, "\\u0000", 6) == 0)
			memcpy(at, "\\uE000", 6);
		/* What a backslash stands before is no backslash of its own. */
		at++;
	}
}

/* Allocated. */
static char *stand_in(const struct toml_text *text)
{
	char *out = calloc(1, text->length * strlen(STAND_IN) + 1);
	size_t used = 0;

	if (out == NULL)
		exit(EXIT_FAILURE);
	for (size_t i = 0; i < text->length; i++) {
		if (text->bytes[i] != '\0') {
			out[used++] = text->bytes[i];
		} else {
			memcpy(out + used, STAND_IN, strlen(STAND_IN));
			used += strlen(STAND_IN);
		}
	}
	return out;
}

static bool same_text(const struct toml_text *text, const char *expected)
{
	char *plain = stand_in(text);
	bool result = expected != NULL && strcmp(plain, expected) == 0;

	free(plain);
	return result;
}

static bool same(const struct toml_value *value, json_t *expected);

static bool same_float(double value, const char *text)
{
	double number;

	if (strstr(text, "nan") != NULL)
		return isnan(value);
	if (strstr(text, "inf") != NULL)
		return isinf(value) && (value < 0) == (text[0] == '-');
	number = strtod(text, NULL);
	return value == number;
}

static bool same_leaf(const struct toml_value *value, const char *type, json_t *text_value)
{
	const char *text = json_string_value(text_value);

	switch (value->type) {
	case TOML_STRING:
		return strcmp(type, "string") == 0 && same_text(&value->as.string, text);
	case TOML_INTEGER:
		return strcmp(type, "integer") == 0 && value->as.integer == strtoll(text, NULL, 10);
	case TOML_FLOAT:
		return strcmp(type, "float") == 0 && same_float(value->as.real, text);
	case TOML_BOOLEAN:
		return strcmp(type, "bool") == 0 && value->as.boolean == (strcmp(text, "true") == 0);
	case TOML_OFFSET_DATETIME:
		return strcmp(type, "datetime") == 0 && same_moment(value->as.date.bytes, text);
	case TOML_LOCAL_DATETIME:
		return strcmp(type, "datetime-local") == 0 && same_moment(value->as.date.bytes, text);
	case TOML_LOCAL_DATE:
		return strcmp(type, "date-local") == 0 && same_moment(value->as.date.bytes, text);
	case TOML_LOCAL_TIME:
		return strcmp(type, "time-local") == 0 && same_moment(value->as.date.bytes, text);
	case TOML_ARRAY:
	case TOML_TABLE:
		break;
	}
	return false;
}

static bool same_array(const struct toml_value *value, json_t *expected)
{
	if (value->type != TOML_ARRAY || value->as.array.count != json_array_size(expected))
		return false;
	for (size_t i = 0; i < value->as.array.count; i++) {
		if (!same(&value->as.array.items[i], json_array_get(expected, i)))
			return false;
	}
	return true;
}

static bool same(const struct toml_value *value, json_t *expected)
{
	json_t *type = json_object_get(expected, "type");
	json_t *text = json_object_get(expected, "value");

	if (json_is_array(expected))
		return same_array(value, expected);
	if (value->type != TOML_TABLE)
		return json_object_size(expected) == 2 && json_is_string(type) && json_is_string(text) &&
		       same_leaf(value, json_string_value(type), text);
	if (value->as.table.count != json_object_size(expected))
		return false;
	for (size_t i = 0; i < value->as.table.count; i++) {
		const struct toml_entry *entry = &value->as.table.entries[i];
		char *key = stand_in(&entry->key);
		json_t *item = json_object_get(expected, key);

		free(key);
		if (item == NULL || !same(&entry->value, item))
			return false;
	}
	return true;
}

static void result(bool good, const char *name, const char *words)
{
	if (good) {
		passed++;
	} else {
		failed++;
		printf("FAIL  %s: %s\n", name, words);
	}
}

static void run_case(const char *folder, const char *name)
{
	char path[4096];
	struct toml_value root;
	struct toml_problem problem;
	size_t length;
	char *text;
	bool valid = strncmp(name, "valid/", 6) == 0;
	json_error_t error;
	json_t *expected;
	int parsed;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	text = read_all(path, &length);
	parsed = toml_parse(&root, text, length, &problem);
	free(text);
	if (!valid) {
		result(parsed != 0, name, "was accepted");
	} else if (parsed != 0) {
		char words[sizeof problem.text + 64];

		(void)snprintf(words, sizeof words, "line %u, column %u: %s", problem.line, problem.column,
		               problem.text);
		result(false, name, words);
	} else {
		(void)snprintf(path + strlen(path) - strlen("toml"), sizeof "json", "json");
		text = read_all(path, &length);
		text[length < TOML_TEXT_MAX_BYTES ? length : length - 1] = '\0';
		stand_in_json(text);
		expected = json_loads(text, 0, &error);
		free(text);
		result(expected != NULL && same(&root, expected), name, "was read as something else");
		json_decref(expected);
	}
	/* A refused text has left nothing; releasing nothing is harmless. */
	if (parsed == 0)
		toml_release(&root);
}

static bool ends_in_toml(const char *name)
{
	size_t length = strlen(name);

	return length > 5 && strcmp(name + length - 5, ".toml") == 0;
}

static void run_list(const char *folder, FILE *list)
{
	char name[1024];

	while (fgets(name, sizeof name, list) != NULL) {
		name[strcspn(name, "\r\n")] = '\0';
		if (ends_in_toml(name))
			run_case(folder, name);
	}
}

/* Without a list: cases that its folders mark as those of another version are left out. */
static void run_tree(const char *folder, const char *below)
{
	char path[4096];
	struct dirent **entries;
	int count;

	(void)snprintf(path, sizeof path, "%s/%s", folder, below);
	count = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		const char *word = entries[i]->d_name;
		struct stat status;
		char name[2048];

		(void)snprintf(name, sizeof name, "%s/%s", below, word);
		(void)snprintf(path, sizeof path, "%s/%s", folder, name);
		if (word[0] != '.' && strcmp(word, "spec-1.1.0") != 0 && stat(path, &status) == 0) {
			if (S_ISDIR(status.st_mode))
				run_tree(folder, name);
			else if (ends_in_toml(word))
				run_case(folder, name);
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

int main(int count, char **words)
{
	char path[4096];
	FILE *list;

	if (count != 2) {
		fprintf(stderr, "usage: toml_test FOLDER\n");
		return 2;
	}
	(void)snprintf(path, sizeof path, "%s/valid", words[1]);
	if (access(path, R_OK) != 0) {
		printf("skipped: the public TOML test cases are not at %s\n", words[1]);
		return 77;
	}
	(void)snprintf(path, sizeof path, "%s/files-toml-1.0.0", words[1]);
	list = fopen(path, "r");
	if (list != NULL) {
		run_list(words[1], list);
		(void)fclose(list);
	} else {
		run_tree(words[1], "valid");
		run_tree(words[1], "invalid");
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
