#include "config/variables.h"

#include <stdlib.h>
#include <string.h>

/* So much of what the user wrote is shown. */
#define TEXT_SHOWN 100

static const char *const names[] = { "CREDENTIALS_DIRECTORY", "RUNTIME_DIRECTORY", "STATE_DIRECTORY" };

/* Puts the value of the variable whose name is at *at, after "${", and goes on behind it. */
static int put_value(FILE *out, const struct config_place *place, const char *key, const char *text,
                     const char **at)
{
	size_t length = strcspn(*at, "}");
	const char *value = NULL;
	size_t i = 0;

	if ((*at)[length] == '\0')
		return place_fail(place, "%s \"%.*s\": a } is missing after ${ (write $${ for ${ itself)",
		                  key, TEXT_SHOWN, text);
	while (i < sizeof names / sizeof names[0] &&
	       (strlen(names[i]) != length || memcmp(names[i], *at, length) != 0))
		i++;
	if (i == sizeof names / sizeof names[0])
		return place_fail(place,
		                  "%s: ${%.*s} is not known; there are ${CREDENTIALS_DIRECTORY}, "
		                  "${RUNTIME_DIRECTORY} and ${STATE_DIRECTORY} (write $${ for ${ itself)",
		                  key, length > TEXT_SHOWN ? TEXT_SHOWN : (int)length, *at);
	value = getenv(names[i]);
	if (value == NULL || value[0] == '\0')
		return place_fail(place,
		                  "%s \"%.*s\": %s is not set, as systemd does for a service; set it, or "
		                  "write the path out",
		                  key, TEXT_SHOWN, text, names[i]);
	if (value[0] != '/')
		return place_fail(place, "%s \"%.*s\": %s is \"%.*s\", and no absolute path", key, TEXT_SHOWN,
		                  text, names[i], TEXT_SHOWN, value);
	/* systemd separates several by colons. */
	(void)fwrite(value, 1, strcspn(value, ":"), out);
	*at += length + 1;
	return 0;
}

static int put(FILE *out, const struct config_place *place, const char *key, const char *text)
{
	const char *at = text;

	while (*at != '\0') {
		if (at[0] == '$' && at[1] == '{') {
			at += 2;
			if (put_value(out, place, key, text, &at) != 0)
				return -1;
			continue;
		}
		at += at[0] == '$' && at[1] == '$';
		(void)fputc(*at++, out);
	}
	return 0;
}

int variables_replace(char **out, const struct config_place *place, const char *key, const char *text)
{
	char *replaced = NULL;
	size_t length = 0;
	FILE *memory = open_memstream(&replaced, &length);
	int result;

	if (memory == NULL)
		return place_fail(place, "out of memory");
	result = put(memory, place, key, text);
	if (fclose(memory) != 0 && result == 0)
		result = place_fail(place, "out of memory");
	if (result == 0)
		*out = replaced;
	else
		free(replaced);
	return result;
}

char *variables_escape(const char *path)
{
	char *escaped = malloc(2 * strlen(path) + 1);
	size_t used = 0;

	for (; escaped != NULL && *path != '\0'; path++) {
		if (path[0] == '$' && (path[1] == '$' || path[1] == '{'))
			escaped[used++] = '$';
		escaped[used++] = *path;
	}
	if (escaped != NULL)
		escaped[used] = '\0';
	return escaped;
}
