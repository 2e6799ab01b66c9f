#include "rosenpass/commands.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/options_first.h"
#include "control/client.h"
#include "rosenpass/status_text.h"
#include "system/log.h"

static int usage_error(const char *problem, const char *word)
{
	log_error("peer: %s%s; rosenpass help peer shows the usage", problem, word);
	return COMMAND_USAGE;
}

/* The daemon may have another working directory. */
static json_t *absolute(const char *path)
{
	char folder[PATH_MAX];
	char *whole = NULL;
	json_t *word;

	if (path[0] == '/' || path[0] == '~' || path[0] == '\0' || getcwd(folder, sizeof folder) == NULL ||
	    asprintf(&whole, "%s/%s", folder, path) < 0)
		return json_string(path);
	word = json_string(whole);
	free(whole);
	return word;
}

static bool is_file_word(const char *word)
{
	return strcmp(word, "public-key") == 0 || strcmp(word, "preshared-key") == 0 ||
	       strcmp(word, "outfile") == 0;
}

/* NULL: a word is no UTF-8. */
static json_t *pack_words(int count, char **words)
{
	json_t *list = json_array();

	for (int i = 0; i < count; i++) {
		bool is_path = i > 0 && is_file_word(words[i - 1]);
		json_t *word = is_path ? absolute(words[i]) : json_string(words[i]);

		if (word == NULL || json_array_append_new(list, word) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* Asks the daemon (NULL: the only one) for a change, and says what was changed. Releases the request. */
static int change(const char *daemon, json_t *request, const char *what)
{
	char chosen[CLIENT_NAME_BYTES];
	json_t *answer = NULL;
	const char *warning;
	const char *name;
	int status = (int)client_choose(&name, daemon, chosen);

	if (status != COMMAND_OK) {
		json_decref(request);
		return status;
	}
	status = (int)client_ask(name, request, &answer);
	if (status != COMMAND_OK)
		return status;
	(void)printf("%s: %s peer %s\n", name, what, json_string_value(json_object_get(answer, "name")));
	warning = json_string_value(json_object_get(answer, "warning"));
	if (warning != NULL)
		log_warn("%s: its outfile cannot be written: %s; the daemon tries again until it works", name,
		         warning);
	json_decref(answer);
	return fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static int list_peers(const char *daemon, int count, char **words)
{
	char chosen[CLIENT_NAME_BYTES];
	const char *name;
	json_t *answer = NULL;
	int status;
	char *text;

	if (count > 1 || (count > 0 && daemon != NULL))
		return usage_error("too many arguments, from ", words[count - 1]);
	status = (int)client_choose(&name, count > 0 ? words[0] : daemon, chosen);
	if (status == COMMAND_OK)
		status = (int)client_ask(name, json_pack("{s:s}", "command", "status"), &answer);
	if (status != COMMAND_OK)
		return status;
	text = status_text_peers(json_object_get(answer, "status"));
	json_decref(answer);
	if (text == NULL) {
		log_error("peer: out of memory");
		return COMMAND_FAILED;
	}
	(void)fputs(text, stdout);
	free(text);
	return fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static int add_peer(const char *daemon, int count, char **words)
{
	if (count == 0)
		return usage_error("add needs the arguments of a peer: public-key FILE outfile FILE ...", "");
	/* As on the command line of exchange, the word itself may stand before. */
	if (strcmp(words[0], "peer") == 0) {
		words++;
		count--;
	}
	return change(daemon,
	              json_pack("{s:s, s:o}", "command", "peer-add", "words", pack_words(count, words)),
	              "added");
}

static int remove_peer(const char *daemon, int count, char **words)
{
	if (count != 1)
		return usage_error("remove needs one peer: its name, number or id", "");
	return change(daemon, json_pack("{s:s, s:s}", "command", "peer-remove", "peer", words[0]), "removed");
}

/* Each word of a peer has one value, but for these. */
static size_t values_of_add(const char *word, size_t position)
{
	(void)position;
	if (strcmp(word, "peer") == 0)
		return 0;
	return strcmp(word, "wireguard") == 0 ? 2 : 1;
}

static size_t no_values(const char *word, size_t position)
{
	(void)word;
	(void)position;
	return 0;
}

/* Reads the options behind the verb, wherever they stand, and leaves the other words. */
static int read_options(const char **daemon, int *count, char ***words)
{
	static const struct option known[] = {
		{ "daemon", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *incomplete = options_first(*count, *words, "+:h", known,
	                                       strcmp((*words)[0], "add") == 0 ? values_of_add : no_values);
	int option;

	if (incomplete != NULL)
		return usage_error("a value is missing after ", incomplete);
	/* 0 makes getopt start afresh: main has used it. */
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(*count, *words, "+:h", known, NULL)) != -1) {
		if (option == 'h')
			return COMMAND_HELP;
		if (option != 'd')
			return usage_error(option == ':' ? "a value is missing after " : "unknown option ",
			                   (*words)[optind - 1]);
		*daemon = optarg;
	}
	*count -= optind;
	*words += optind;
	return COMMANDS_GO_ON;
}

int command_peer(int count, char **words)
{
	const char *daemon = NULL;
	const char *verb = count > 1 ? words[1] : "";
	bool is_list = strcmp(verb, "list") == 0;
	bool is_add = strcmp(verb, "add") == 0;
	int status;

	if (strcmp(verb, "help") == 0 || (count == 3 && strcmp(words[2], "help") == 0))
		return COMMAND_HELP;
	if (!is_list && !is_add && strcmp(verb, "remove") != 0)
		return usage_error("expected list, add or remove, not ", verb[0] == '\0' ? "nothing" : verb);
	count--;
	words++;
	status = read_options(&daemon, &count, &words);
	if (status != COMMANDS_GO_ON)
		return status;
	if (is_list)
		return list_peers(daemon, count, words);
	return is_add ? add_peer(daemon, count, words) : remove_peer(daemon, count, words);
}
