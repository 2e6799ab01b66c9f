#include "rosenpass/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/rosenpass_config.h"
#include "monitor/monitor.h"
#include "rosenpass/daemon_options.h"
#include "system/file.h"
#include "system/log.h"

#define CONFIG_MODE 0644

/* Keeps the arguments as a file for exchange-config. */
static int save(const struct config *config, const struct daemon_identity *identity, const char *path)
{
	char problem[DAEMON_CHECK_PROBLEM_BYTES];
	char *text;
	int result;

	if (daemon_check_output(config, identity, "config file", path, problem) != 0) {
		log_error("exchange: %s", problem);
		return -1;
	}
	text = config_format(config);
	if (text == NULL) {
		log_error("cannot write config file \"%s\": %s", path,
		          errno == EILSEQ
		                  ? "an argument of the command line is not UTF-8, as such a file has to be"
		                  : strerror(errno));
		return -1;
	}
	result = file_write(path, (const uint8_t *)text, strlen(text), CONFIG_MODE, FILE_REPLACE);
	free(text);
	if (result != 0)
		log_error("cannot write config file \"%s\": %s", path, strerror(-result));
	return result;
}

static int run(char *const *words, size_t count, const struct daemon_options *options)
{
	const struct claims_input saved = { "config file", options->config_file };
	struct monitor_options monitor = options->monitor;
	struct config config = { 0 };
	char problem[CONFIG_PROBLEM_BYTES];

	if (config_from_words(&config, words, count, problem) != 0) {
		log_error("exchange: %s", problem);
		return COMMAND_FAILED;
	}
	settings_override(&config, &options->monitor.settings);
	if (options->config_file != NULL && save(&config, &monitor.identity, options->config_file) != 0) {
		config_release(&config);
		return COMMAND_FAILED;
	}
	monitor.identity.inputs = &saved;
	monitor.identity.input_count = options->config_file != NULL ? 1 : 0;
	if (config.secret_key_was_private)
		log_warn("the private-key argument is deprecated, please use secret-key instead");
	log_set_verbose(config.verbosity == CONFIG_VERBOSE);
	return monitor_run(&config, &monitor);
}

int command_exchange(int count, char **words)
{
	struct daemon_options options = { 0 };
	int status = daemon_options_read(&options, "exchange", true, &count, &words);

	if (status != DAEMON_OPTIONS_GO_ON)
		return status;
	if (count == 0) {
		log_error("exchange: public-key and secret-key are missing; rosenpass help exchange shows "
		          "the usage");
		return COMMAND_USAGE;
	}
	return run(words, (size_t)count, &options);
}
