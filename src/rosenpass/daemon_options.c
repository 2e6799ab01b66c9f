#include "rosenpass/daemon_options.h"

#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "config/options_first.h"
#include "rosenpass/commands.h"
#include "system/log.h"
#include "rosenpass.h"

#define NAME_MAX_BYTES 64

static int complain(const char *command, const char *text, const char *word)
{
	log_error("%s: %s%s; rosenpass help %s shows the usage", command, text, word, command);
	return COMMAND_USAGE;
}

/* It becomes part of a file's name. */
static bool is_name(const char *word)
{
	return word[0] != '\0' && word[0] != '.' && strchr(word, '/') == NULL &&
	       strlen(word) <= NAME_MAX_BYTES;
}

/* Each word of exchange has one value, but for these. */
static size_t values_of_exchange(const char *word, size_t position)
{
	(void)position;
	if (strcmp(word, "verbose") == 0 || strcmp(word, "peer") == 0)
		return 0;
	return strcmp(word, "wireguard") == 0 ? 2 : 1;
}

static size_t no_values(const char *word, size_t position)
{
	(void)word;
	(void)position;
	return 0;
}

int daemon_options_read(struct daemon_options *options, const char *command, bool with_config_file,
                        int *count, char ***words)
{
	static const struct option all[] = {
		{ "config-file", required_argument, NULL, 'c' },
		{ "name", required_argument, NULL, 'n' },
		{ "user", required_argument, NULL, 'u' },
		{ "before-first-exchange", required_argument, NULL, 'b' },
		{ "on-exit", required_argument, NULL, 'e' },
		{ "no-sandbox", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *short_options = with_config_file ? "+:c:h" : "+:h";
	const struct option *known = with_config_file ? all : all + 1;
	const char *incomplete;
	int option;

	incomplete = options_first(*count, *words, short_options, known,
	                           with_config_file ? values_of_exchange : no_values);
	if (incomplete != NULL)
		return complain(command, "a value is missing after ", incomplete);
	/* 0 makes getopt start afresh: main has used it. */
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(*count, *words, short_options, known, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->config_file = optarg;
			break;
		case 'n':
			if (!is_name(optarg))
				return complain(command, "--name is 1 to 64 characters without \"/\", not ",
				                optarg);
			options->monitor.identity.name = optarg;
			break;
		case 'u':
			options->monitor.settings.user = optarg;
			break;
		case 'b':
			if (!config_before_from_word(&options->before_first_exchange, optarg))
				return complain(command, "--before-first-exchange is block or leave, not ",
				                optarg);
			options->monitor.settings.before_first_exchange = &options->before_first_exchange;
			break;
		case 'e':
			if (!config_on_exit_from_word(&options->on_exit, optarg))
				return complain(command, "--on-exit is keep or random, not ", optarg);
			options->monitor.settings.on_exit = &options->on_exit;
			break;
		case 's':
			options->monitor.no_sandbox = true;
			break;
		case 'h':
			return COMMAND_HELP;
		case ':':
			return complain(command, "a value is missing after ", (*words)[optind - 1]);
		default:
			return complain(command, "unknown option ", (*words)[optind - 1]);
		}
	}
	options->monitor.version = rosenpass_version_text();
	*count -= optind;
	*words += optind;
	return DAEMON_OPTIONS_GO_ON;
}
