#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "config/options_first.h"
#include "config/rp_config.h"
#include "rp/commands.h"
#include "rp/vpn.h"
#include "system/log.h"
#include "rosenpass.h"

/* What getopt_long() gets; the first character makes it stop where options end. */
#define SHORT_OPTIONS "+:h"

static const struct option options[] = {
	{ "adopt", no_argument, NULL, 'a' },      { "replace-routes", no_argument, NULL, 'r' },
	{ "user", required_argument, NULL, 'u' }, { "no-sandbox", no_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },       { NULL, 0, NULL, 0 },
};

size_t command_exchange_option_width(const char *word)
{
	return options_first_width(word, SHORT_OPTIONS, options);
}

/* Each word of exchange has a value, but for this one and the directory before them. */
static size_t values_of_exchange(const char *word, size_t position)
{
	return position == 0 || strcmp(word, "verbose") == 0 ? 0 : 1;
}

static size_t no_values(const char *word, size_t position)
{
	(void)word;
	(void)position;
	return 0;
}

/*
 * Reads the options among the arguments of a command and leaves *count and *words with the others.
 * Anything but COMMANDS_GO_ON is the exit status: help was shown, or an option is wrong.
 */
static int read_options(struct vpn_options *chosen, options_first_values *values_after, int *count,
                        char ***words)
{
	const char *command = (*words)[0];
	const char *incomplete;
	int option;

	incomplete = options_first(*count, *words, SHORT_OPTIONS, options, values_after);
	if (incomplete != NULL)
		return commands_usage_error(command, "a value is missing after %s", incomplete);
	opterr = 0;
	while ((option = getopt_long(*count, *words, SHORT_OPTIONS, options, NULL)) != -1) {
		switch (option) {
		case 'a':
			chosen->adopt = true;
			break;
		case 'r':
			chosen->replace_routes = true;
			break;
		case 'u':
			chosen->user = optarg;
			break;
		case 's':
			chosen->no_sandbox = true;
			break;
		case 'h':
			return COMMAND_HELP;
		case ':':
			return commands_usage_error(command, "a value is missing after %s",
			                            (*words)[optind - 1]);
		default:
			return commands_usage_error(command, "unknown option %s", (*words)[optind - 1]);
		}
	}
	chosen->version = rosenpass_version_text();
	*count -= optind;
	*words += optind;
	return COMMANDS_GO_ON;
}

static int run(struct rp_config *config, const struct vpn_options *chosen)
{
	if (config->verbose && !log_is_on(LOG_DEBUG))
		log_set_level(LOG_DEBUG);
	return vpn_run(config, chosen);
}

int command_exchange(int count, char **words)
{
	const char *command = words[0];
	struct vpn_options chosen = { 0 };
	struct rp_config config;
	char problem[CONFIG_PROBLEM_BYTES];
	int status = read_options(&chosen, values_of_exchange, &count, &words);

	if (status != COMMANDS_GO_ON)
		return status;
	if (rp_config_from_words(&config, words, (size_t)count, problem) != 0)
		return commands_usage_error(command, "%s", problem);
	return run(&config, &chosen);
}

int command_exchange_config(int count, char **words)
{
	const char *command = words[0];
	struct vpn_options chosen = { 0 };
	struct rp_config config;
	char problem[CONFIG_PROBLEM_BYTES];
	int status = read_options(&chosen, no_values, &count, &words);

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
	return run(&config, &chosen);
}
