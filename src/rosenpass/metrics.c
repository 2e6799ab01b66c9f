#include "rosenpass/commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "control/client.h"
#include "rosenpass/metrics_text.h"
#include "system/log.h"

int command_metrics(int count, char **words)
{
	struct client_daemons daemons = { .count = 0 };
	json_t *statuses[CLIENT_DAEMONS_MAX];
	size_t got = 0;
	int status = commands_check_words(count, words, 0, 1);
	char *text;

	if (status != COMMANDS_GO_ON)
		return status;
	status = COMMAND_OK;
	if (count == 2)
		daemons.count = 1;
	else
		status = (int)client_find(&daemons);
	for (size_t i = 0; i < daemons.count; i++) {
		const char *name = count == 2 ? words[1] : daemons.names[i];
		json_t *answer;
		int result = (int)client_ask(name, json_pack("{s:s}", "command", "status"), &answer);

		if (result != COMMAND_OK) {
			status = result;
			continue;
		}
		statuses[got++] = json_incref(json_object_get(answer, "status"));
		json_decref(answer);
	}
	text = got == 0 ? NULL : metrics_text_format(statuses, got);
	if (text != NULL)
		(void)fputs(text, stdout);
	else if (status == COMMAND_OK)
		status = COMMAND_FAILED;
	free(text);
	for (size_t i = 0; i < got; i++)
		json_decref(statuses[i]);
	return fflush(stdout) == 0 ? status : COMMAND_FAILED;
}
