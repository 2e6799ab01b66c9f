#include "programs/validate.h"

#include "rp/commands.h"

int command_validate(int count, char **words)
{
	int status = commands_check_words(count, words, 1, count);

	if (status != COMMANDS_GO_ON)
		return status;
	status = COMMAND_OK;
	for (int i = 1; i < count; i++) {
		if (!validate_file(words[i], CONFIG_KIND_RP))
			status = COMMAND_FAILED;
	}
	return status;
}
