#include "rosenpass/commands.h"

#include <stdbool.h>

#include "config/config.h"
#include "config/rp_config.h"
#include "daemon/monitor.h"
#include "daemon/rp_plan.h"
#include "system/log.h"

/* Results are the command's purpose, so they are logged at every level but off. */
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

/* Returns true if the file is good. */
static bool validate(const char *path)
{
	struct config config;
	char problem[CONFIG_PROBLEM_BYTES];
	bool good;

	if (config_read(&config, path, problem) != 0)
		return fail_schema(path, problem);
	log_info("\"%s\" is valid TOML and conforms to the expected schema", path);
	good = conclude(path, monitor_check(&config));
	config_release(&config);
	return good;
}

/* The same for a configuration of rp. */
static bool validate_rp(const char *path)
{
	struct rp_config config;
	char problem[CONFIG_PROBLEM_BYTES];
	bool good;

	log_info("\"%s\" is a configuration of rp, not of rosenpass, and is checked as one", path);
	if (rp_config_read(&config, path, problem) != 0)
		return fail_schema(path, problem);
	log_info("\"%s\" is valid TOML and conforms to the expected schema", path);
	good = conclude(path, rp_plan_check(&config));
	rp_config_release(&config);
	return good;
}

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
		bool is_rp = config_kind_of_file(words[i]) == CONFIG_KIND_RP;

		if (is_rp ? !validate_rp(words[i]) : !validate(words[i]))
			status = COMMAND_FAILED;
	}
	return status;
}
