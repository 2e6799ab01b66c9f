#include <getopt.h>
#include <stddef.h>

#include "config/rp_config.h"
#include "rp/commands.h"
#include "rp/vpn.h"
#include "system/log.h"

/*
 * Reads the options that follow the command's name and leaves *count and *words with what is after them.
 * Anything but COMMANDS_GO_ON is the exit status: help was shown, or an option is wrong.
 */
static int read_options(struct vpn_options *options, int *count, char ***words)
{
	static const struct option all[] = {
		{ "adopt", no_argument, NULL, 'a' },      { "replace-routes", no_argument, NULL, 'r' },
		{ "user", required_argument, NULL, 'u' }, { "no-sandbox", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },       { NULL, 0, NULL, 0 },
	};
	const char *command = (*words)[0];
	int option;

	opterr = 0;
	while ((option = getopt_long(*count, *words, "+:h", all, NULL)) != -1) {
		switch (option) {
		case 'a':
			options->adopt = true;
			break;
		case 'r':
			options->replace_routes = true;
			break;
		case 'u':
			options->user = optarg;
			break;
		case 's':
			options->no_sandbox = true;
			break;
		case 'h':
			return command_help(command);
		case ':':
			return commands_usage_error(command, "a value is missing after %s",
			                            (*words)[optind - 1]);
		default:
			return commands_usage_error(command, "unknown option %s", (*words)[optind - 1]);
		}
	}
	options->version = ROSENPASS_VERSION;
	*count -= optind;
	*words += optind;
	return COMMANDS_GO_ON;
}

static int run(struct rp_config *config, const struct vpn_options *options)
{
	if (config->verbose && !log_is_on(LOG_DEBUG))
		log_set_level(LOG_DEBUG);
	return vpn_run(config, options);
}

int command_exchange(int count, char **words)
{
	const char *command = words[0];
	struct vpn_options options = { 0 };
	struct rp_config config;
	char problem[CONFIG_PROBLEM_BYTES];
	int status = read_options(&options, &count, &words);

	if (status != COMMANDS_GO_ON)
		return status;
	if (rp_config_from_words(&config, words, (size_t)count, problem) != 0)
		return commands_usage_error(command, "%s", problem);
	return run(&config, &options);
}

int command_exchange_config(int count, char **words)
{
	const char *command = words[0];
	struct vpn_options options = { 0 };
	struct rp_config config;
	char problem[CONFIG_PROBLEM_BYTES];
	int status = read_options(&options, &count, &words);

	if (status != COMMANDS_GO_ON)
		return status;
	if (count != 1)
		return commands_usage_error(command, "%s",
		                            count == 0 ? "a configuration file is missing"
		                                       : "one configuration file is enough");
	if (rp_config_read(&config, words[0], problem) != 0) {
		log_error("%s", problem);
		return COMMAND_FAILED;
	}
	return run(&config, &options);
}
