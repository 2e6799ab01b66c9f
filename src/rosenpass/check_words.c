#include "rosenpass/commands.h"

#include <stddef.h>
#include <string.h>

#include "system/log.h"

int commands_check_words(int count, char **words, int min, int max)
{
	const char *problem = NULL;
	const char *word = "";

	for (int i = 1; i < count && problem == NULL; i++) {
		if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
			return COMMAND_HELP;
		if (words[i][0] == '-' && words[i][1] != '\0') {
			problem = "unknown option ";
			word = words[i];
		}
	}
	if (problem == NULL && count - 1 < min)
		problem = "something is missing after the command";
	if (problem == NULL && max >= 0 && count - 1 > max) {
		problem = "too many arguments, from ";
		word = words[max + 1];
	}
	if (problem == NULL)
		return COMMANDS_GO_ON;
	log_error("%s: %s%s; rosenpass help %s shows the usage", words[0], problem, word, words[0]);
	return COMMAND_USAGE;
}
