#include "rosenpass/commands.h"

#include <string.h>

#include "config/config.h"
#include "daemon/monitor.h"
#include "system/log.h"

/* true: the file is good. Results are the command's purpose, so they are said at every log level but off. */
static bool validate(const char *path)
{
	struct config config = { 0 };
	char problem[CONFIG_PROBLEM_BYTES];
	bool good;

	if (config_read(&config, path, problem) != 0) {
		log_error("\"%s\" is not valid: %s", path, problem);
		return false;
	}
	log_info("\"%s\" is valid TOML and conforms to the expected schema", path);
	good = monitor_check(&config);
	if (good)
		log_info("\"%s\" has passed all logical checks", path);
	else
		log_error("\"%s\" contains logical errors", path);
	config_release(&config);
	return good;
}

int command_validate(int count, char **words)
{
	int status = COMMAND_OK;

	if (count == 2 && (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0))
		return command_help("validate");
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
		if (!validate(words[i]))
			status = COMMAND_FAILED;
	}
	return status;
}
