#include "programs/validate.h"

#include <stdlib.h>

#include "config/config_file.h"
#include "config/rp_config.h"
#include "monitor/daemon_check.h"
#include "programs/rp_plan.h"
#include "system/log.h"

/* Results are the command's purpose, so they are logged at every level but off. */
static bool fail_schema(const char *path, const char *problem)
{
	log_error("\"%s\" is not valid: %s", path, problem);
	return false;
}

static void log_schema(const char *path)
{
	log_info("\"%s\" is valid TOML and conforms to the expected schema", path);
}

static bool log_result(const char *path, bool good)
{
	if (good)
		log_info("\"%s\" has passed all logical checks", path);
	else
		log_error("\"%s\" contains logical errors", path);
	return good;
}

static bool validate_rosenpass(const char *path, const char *text, size_t length)
{
	struct config config;
	char problem[CONFIG_PROBLEM_BYTES];
	bool good;

	if (config_parse(&config, text, length, path, problem) != 0)
		return fail_schema(path, problem);
	log_schema(path);
	good = log_result(path, daemon_check_config(&config));
	config_release(&config);
	return good;
}

static bool validate_rp(const char *path, const char *text, size_t length)
{
	struct rp_config config;
	char problem[CONFIG_PROBLEM_BYTES];
	bool good;

	if (rp_config_parse(&config, text, length, path, problem) != 0)
		return fail_schema(path, problem);
	log_schema(path);
	good = log_result(path, rp_plan_check(&config));
	rp_config_release(&config);
	return good;
}

/* Of a file that is nobody's for sure, the program that was asked tells what is wrong. */
static enum config_kind choose_kind(const char *path, const char *text, size_t length, enum config_kind own)
{
	enum config_kind kind = config_kind_of_text(text, length);

	if (kind == CONFIG_KIND_UNKNOWN || kind == own)
		return own;
	log_info("\"%s\" is a configuration of %s, not of %s, and is checked as one", path,
	         kind == CONFIG_KIND_RP ? "rp" : "rosenpass", own == CONFIG_KIND_RP ? "rp" : "rosenpass");
	return kind;
}

bool validate_file(const char *path, enum config_kind own)
{
	char problem[CONFIG_PROBLEM_BYTES];
	size_t length;
	char *text;
	bool good;

	if (config_file_read(&text, &length, path, problem) != 0)
		return fail_schema(path, problem);
	good = choose_kind(path, text, length, own) == CONFIG_KIND_RP
	               ? validate_rp(path, text, length)
	               : validate_rosenpass(path, text, length);
	free(text);
	return good;
}
