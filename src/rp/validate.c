#include <stdbool.h>

#include "config/config.h"
#include "config/rp_config.h"
#include "daemon/monitor.h"
#include "daemon/rp_plan.h"
#include "rp/commands.h"
#include "system/log.h"

static bool fail_schema(const char *path, const char *problem)
{
	log_error("\"%s\" is not valid: %s", path, problem);
	return false;
}

static bool conclude(const char *path, bool good)
{
	if (good)
		log_info("\"%s\" has passed all logical checks", path);
	else
		log_error("\"%s\" contains logical errors", path);
	return good;
}

/* Returns true if a configuration of rosenpass is good. */
static bool validate_rosenpass(const char *path)
{
	struct config config;
	char problem[CONFIG_PROBLEM_BYTES];
	bool good;

	log_info("\"%s\" is a configuration of rosenpass, not of rp, and is checked as one", path);
	if (config_read(&config, path, problem) != 0)
		return fail_schema(path, problem);
	log_info("\"%s\" is valid TOML and conforms to the expected schema", path);
	good = conclude(path, monitor_check(&config));
	config_release(&config);
	return good;
}

static bool validate_rp(const char *path)
{
	struct rp_config config;
	char problem[CONFIG_PROBLEM_BYTES];
	bool good;

	if (rp_config_read(&config, path, problem) != 0)
		return fail_schema(path, problem);
	log_info("\"%s\" is valid TOML and conforms to the expected schema", path);
	good = conclude(path, rp_plan_check(&config));
	rp_config_release(&config);
	return good;
}

int command_validate(int count, char **words)
{
	int status = commands_check_words(count, words, 1, count);

	if (status != COMMANDS_GO_ON)
		return status;
	status = COMMAND_OK;
	for (int i = 1; i < count; i++) {
		if (config_kind_of_file(words[i]) == CONFIG_KIND_ROSENPASS ? !validate_rosenpass(words[i])
		                                                           : !validate_rp(words[i]))
			status = COMMAND_FAILED;
	}
	return status;
}
