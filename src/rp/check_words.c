#include "rp/commands.h"

#include <stdarg.h>
#include <stdio.h>

#include "system/log.h"

#define PROBLEM_BYTES 1024

int commands_usage_error(const char *name, const char *format, ...)
{
	char problem[PROBLEM_BYTES];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(problem, sizeof problem, format, arguments);
	va_end(arguments);
	log_error("%s: %s", name, problem);
	return COMMAND_USAGE;
}

int commands_check_words(int count, char **words, int min, int max)
{
	/* ./-x is a folder of that name. */
	if (count > 1 && words[1][0] == '-')
		return commands_usage_error(words[0], "unknown option %s", words[1]);
	if (count - 1 < min)
		return commands_usage_error(words[0], "%d argument%s expected, not %d", min,
		                            min == 1 ? "" : "s", count - 1);
	if (count - 1 > max)
		return commands_usage_error(words[0], "%s is one argument too many", words[max + 1]);
	return COMMANDS_GO_ON;
}
