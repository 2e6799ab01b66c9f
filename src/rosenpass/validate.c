#include "programs/validate.h"

#include "rosenpass/commands.h"
#include "system/log.h"

int command_validate(int count, char **words)
{
	int status = COMMAND_OK;

	if (count < 2) {
		log_error(
			"validate: a configuration file is missing; rosenpass help validate shows the usage");
		return COMMAND_USAGE;
	}
	if (words[1][0] == '-' && words[1][1] != '\0') {
		log_error("validate: unknown option %s; rosenpass help validate shows the usage", words[1]);
		return COMMAND_USAGE;
	}
	for (int i = 1; i < count; i++) {
		if (!validate_file(words[i], CONFIG_KIND_ROSENPASS))
			status = COMMAND_FAILED;
	}
	return status;
}
