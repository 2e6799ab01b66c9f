#include "rosenpass/commands.h"

#include "config/rosenpass_config.h"
#include "monitor/monitor.h"
#include "rosenpass/daemon_options.h"
#include "system/file.h"
#include "system/log.h"

int command_exchange_config(int count, char **words)
{
	struct daemon_options options = { 0 };
	struct config config = { 0 };
	char problem[CONFIG_PROBLEM_BYTES];
	int status = daemon_options_read(&options, "exchange-config", false, &count, &words);

	if (status != DAEMON_OPTIONS_GO_ON)
		return status;
	if (count != 1) {
		log_error("exchange-config: %s; rosenpass help exchange-config shows the usage",
		          count == 0 ? "a configuration file is missing"
		                     : "one configuration file is enough");
		return COMMAND_USAGE;
	}
	if (!file_exists(words[0])) {
		log_error("config file \"%s\" does not exist; rosenpass gen-config makes one", words[0]);
		return COMMAND_FAILED;
	}
	if (config_read(&config, words[0], problem) != 0) {
		log_error("%s", problem);
		return COMMAND_FAILED;
	}
	log_set_verbose(config.verbosity == CONFIG_VERBOSE);
	return monitor_run(&config, &options.monitor);
}
