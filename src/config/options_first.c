#include "config/options_first.h"

#include <stdlib.h>
#include <string.h>

/* "--name", shortened as far as it stays clear, or "--name=value". */
static size_t long_width(const char *name, const struct option *options)
{
	size_t length = strcspn(name, "=");

	for (; options->name != NULL; options++) {
		if (strncmp(options->name, name, length) == 0)
			return options->has_arg == required_argument && name[length] == '\0' ? 2 : 1;
	}
	return 0;
}

/* "-x", "-xy" or "-xvalue" */
static size_t short_width(const char *letters, const char *short_options)
{
	for (; *letters != '\0'; letters++) {
		const char *known =
			*letters == ':' || *letters == '+' ? NULL : strchr(short_options, *letters);

		if (known == NULL)
			return 0;
		if (known[1] == ':')
			return letters[1] == '\0' ? 2 : 1;
	}
	return 1;
}

size_t options_first_width(const char *word, const char *short_options, const struct option *options)
{
	if (word[0] != '-' || word[1] == '\0' || strcmp(word, "--") == 0)
		return 0;
	return word[1] == '-' ? long_width(word + 2, options) : short_width(word + 1, short_options);
}

const char *options_first(int count, char **words, const char *short_options, const struct option *options,
                          options_first_values *values_after)
{
	size_t total = count > 0 ? (size_t)count : 0;
	char **rest = calloc(total + 1, sizeof *rest);
	const char *incomplete = NULL;
	size_t front = 1;
	size_t kept = 0;

	for (size_t at = 1; rest != NULL && at < total;) {
		const char *word = words[at];
		size_t left = total - at;
		size_t width;

		if (word[0] == '-' && word[1] != '\0' && strcmp(word, "--") != 0) {
			width = options_first_width(word, short_options, options);
			if (width > left)
				incomplete = word;
			/* getopt_long() complains about those that it does not know. */
			if (width != 2 || left < 2)
				width = 1;
			memmove(words + front, words + at, width * sizeof *words);
			front += width;
		} else {
			width = word[0] == '-' && word[1] == '-' ? left : 1 + values_after(word, kept);
			if (width > left)
				width = left;
			memcpy(rest + kept, words + at, width * sizeof *rest);
			kept += width;
		}
		at += width;
	}
	if (rest != NULL)
		memcpy(words + front, rest, kept * sizeof *rest);
	free(rest);
	return incomplete;
}
