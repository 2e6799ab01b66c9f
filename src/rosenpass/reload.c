#include "rosenpass/commands.h"

#include <stdio.h>

#include "control/client.h"

static long long number(json_t *answer, const char *key)
{
	return (long long)json_integer_value(json_object_get(answer, key));
}

int command_reload(int count, char **words)
{
	char chosen[CLIENT_NAME_BYTES];
	int status = commands_check_words(count, words, 0, 1);
	const char *name;
	json_t *answer = NULL;

	if (status != COMMANDS_GO_ON)
		return status;
	status = (int)client_choose(&name, count > 1 ? words[1] : NULL, chosen);
	if (status == COMMAND_OK)
		status = (int)client_ask(name, json_pack("{s:s}", "command", "reload"), &answer);
	if (status != COMMAND_OK)
		return status;
	(void)printf("%s: %lld peers added, %lld removed, %lld changed, %lld unchanged\n", name,
	             number(answer, "added"), number(answer, "removed"), number(answer, "changed"),
	             number(answer, "unchanged"));
	json_decref(answer);
	return fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}
