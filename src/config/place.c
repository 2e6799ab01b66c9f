#include "config/place.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* So much of the file's name is shown that the rest of the message still has room. */
#define FILE_SHOWN 150

/* Appends to what is there, as far as there is room. */
static void append(char *problem, const char *format, va_list arguments)
{
	size_t used = strlen(problem);

	(void)vsnprintf(problem + used, CONFIG_PROBLEM_BYTES - used, format, arguments);
}

static void append_place(char *problem, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append_place(char *problem, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	append(problem, format, arguments);
	va_end(arguments);
}

int place_fail(const struct config_place *place, const char *format, ...)
{
	va_list arguments;

	place->problem[0] = '\0';
	if (place->file != NULL && place->line > 0)
		append_place(place->problem, "%.*s:%u: ", FILE_SHOWN, place->file, place->line);
	else if (place->file != NULL)
		append_place(place->problem, "%.*s: ", FILE_SHOWN, place->file);
	if (place->peer > 0 && place->name != NULL)
		append_place(place->problem, "peer %zu (\"%s\"): ", place->peer, place->name);
	else if (place->peer > 0)
		append_place(place->problem, "peer %zu: ", place->peer);
	va_start(arguments, format);
	append(place->problem, format, arguments);
	va_end(arguments);
	return -1;
}

const char *place_call(const struct config_place *place, const char *in_file, const char *as_word)
{
	return place->file != NULL ? in_file : as_word;
}
