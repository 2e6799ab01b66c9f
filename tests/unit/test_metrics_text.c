/* The metrics of a whole status against a file, and that doc/control.md has a row for each of them. */

#include "fixture.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rosenpass/metrics_text.h"

#define METRICS_MAX 64
#define LINE_BYTES 512

static char *read_file(const char *path)
{
	char *text = calloc(1, 1 << 17);
	FILE *file = fopen(path, "re");

	assert_non_null(text);
	if (file == NULL)
		fail_msg("%s cannot be read", path);
	assert_true(fread(text, 1, (1 << 17) - 1, file) > 0);
	(void)fclose(file);
	return text;
}

/* The status of test_status_json. */
static char *format_whole(void)
{
	json_t *status = json_load_file(TEST_DATA_DIR "/status/whole.json", 0, NULL);
	char *text;

	assert_non_null(status);
	text = metrics_text_format(&status, 1);
	assert_non_null(text);
	json_decref(status);
	return text;
}

static void test_whole(void **state)
{
	static const char path[] = TEST_DATA_DIR "/status/whole.metrics";
	char *text = format_whole();
	char *expected;

	(void)state;
	if (getenv("UPDATE_GOLDEN") != NULL) {
		FILE *file = fopen(path, "we");

		assert_non_null(file);
		(void)fputs(text, file);
		(void)fclose(file);
	}
	expected = read_file(path);
	assert_string_equal(text, expected);
	free(expected);
	free(text);
}

/* Names and label names are those that Prometheus allows and recommends, and counters end in _total. */
static void test_names(void **state)
{
	char *text = format_whole();
	char *rest = text;

	(void)state;
	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		char name[LINE_BYTES], type[LINE_BYTES];
		const char *verdict = strstr(line, "verdict=\"");

		if (sscanf(line, "# TYPE %511s %511s", name, type) == 2) {
			size_t length = strlen(name);
			bool is_total = length > 6 && strcmp(name + length - 6, "_total") == 0;

			assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), length);
			assert_int_equal(is_total, strcmp(type, "counter") == 0);
		}
		if (verdict != NULL) {
			verdict += strlen("verdict=\"");
			assert_int_equal(verdict[strspn(verdict, "abcdefghijklmnopqrstuvwxyz_")], '"');
		}
	}
	free(text);
}

/* "name type labels", as the document and as the program have it. */
struct rows {
	char rows[METRICS_MAX][LINE_BYTES];
	size_t count;
};

static void add_row(struct rows *rows, const char *name, const char *type, const char *labels)
{
	assert_true(rows->count < METRICS_MAX);
	(void)snprintf(rows->rows[rows->count++], LINE_BYTES, "%.150s %.20s %.150s", name, type, labels);
}

/* The names of the labels of a sample, separated by ", ". */
static void read_labels(char out[static LINE_BYTES], const char *sample)
{
	size_t used = 0;
	bool in_value = false;

	for (const char *c = strchr(sample, '{') + 1; *c != '}' || in_value; c++) {
		if (in_value && *c == '\\')
			c++;
		else if (*c == '"')
			in_value = !in_value;
		else if (!in_value && *c == ',')
			used += (size_t)snprintf(out + used, LINE_BYTES - used, ", ");
		else if (!in_value && *c != '=')
			out[used++] = *c;
	}
	out[used] = '\0';
}

static void collect_printed(struct rows *rows)
{
	char *text = format_whole();
	char *rest = text;
	char name[LINE_BYTES] = "", type[LINE_BYTES] = "", labels[LINE_BYTES];

	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		if (sscanf(line, "# TYPE %511s %511s", name, type) == 2) {
			/* Each has a sample: the status is whole. */
			assert_non_null(rest);
			assert_memory_equal(rest, name, strlen(name));
			read_labels(labels, rest);
			add_row(rows, name, type, labels);
		}
	}
	free(text);
}

/* Rows such as "| `rosenpass_sent_total` | counter | daemon | Datagrams sent. |" */
static void collect_documented(struct rows *rows)
{
	char *text = read_file(CONTROL_DOCUMENT);
	char *rest = text;

	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		char name[LINE_BYTES], type[LINE_BYTES], labels[LINE_BYTES];

		if (sscanf(line, "| `rosenpass_%400[a-z_]` | %[a-z] | %[a-z, ] |", name, type, labels) == 3) {
			char whole[LINE_BYTES];

			labels[strlen(labels) - 1] = '\0';
			(void)snprintf(whole, sizeof whole, "rosenpass_%.400s", name);
			add_row(rows, whole, type, labels);
		}
	}
	free(text);
}

static void test_document(void **state)
{
	static struct rows printed, documented;

	(void)state;
	collect_printed(&printed);
	collect_documented(&documented);
	assert_true(printed.count > 20);
	for (size_t i = 0; i < printed.count || i < documented.count; i++)
		assert_string_equal(i < printed.count ? printed.rows[i] : "no more",
		                    i < documented.count ? documented.rows[i] : "no more");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
