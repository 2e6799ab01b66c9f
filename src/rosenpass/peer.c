#include "rosenpass/commands.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/client.h"
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

static int finish(const char *name, json_t *answer, const char *what)
{
	if (answer == NULL)
		return COMMAND_FAILED;
	(void)printf("%s: %s peer %s\n", name, what, json_string_value(json_object_get(answer, "name")));
	json_decref(answer);
	return fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static int list_peers(int count, char **words)
{
	char chosen[CLIENT_NAME_BYTES];
	const char *name;
	json_t *answer;
	char *text;

	if (count > 1)
		return usage_error("too many words, from ", words[1]);
	name = client_choose(count > 0 ? words[0] : NULL, chosen);
	answer = name == NULL ? NULL : client_ask(name, json_pack("{s:s}", "command", "status"));
	if (answer == NULL)
		return COMMAND_FAILED;
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
	char chosen[CLIENT_NAME_BYTES];
	const char *name;

	if (count == 0)
		return usage_error("add needs the words of a peer: public-key FILE outfile FILE ...", "");
	/* As on the command line of exchange, the word itself may stand before. */
	if (strcmp(words[0], "peer") == 0) {
		words++;
		count--;
	}
	name = client_choose(daemon, chosen);
	if (name == NULL)
		return COMMAND_FAILED;
	return finish(name,
	              client_ask(name, json_pack("{s:s, s:o}", "command", "peer-add", "words",
	                                         pack_words(count, words))),
	              "added");
}

static int remove_peer(const char *daemon, int count, char **words)
{
	char chosen[CLIENT_NAME_BYTES];
	const char *name;

	if (count != 1)
		return usage_error("remove needs one peer: its name, number or id", "");
	name = client_choose(daemon, chosen);
	if (name == NULL)
		return COMMAND_FAILED;
	return finish(name,
	              client_ask(name, json_pack("{s:s, s:s}", "command", "peer-remove", "peer", words[0])),
	              "removed");
}

int command_peer(int count, char **words)
{
	const char *daemon = NULL;
	const char *verb = count > 1 ? words[1] : "";

	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0)
		return command_help("peer");
	count -= 2;
	words += 2;
	if (count >= 0 && strcmp(verb, "list") == 0)
		return list_peers(count, words);
	if (count >= 2 && strcmp(words[0], "--daemon") == 0) {
		daemon = words[1];
		count -= 2;
		words += 2;
	}
	if (count > 0 && words[0][0] == '-')
		return usage_error("unknown option, or one without its value: ", words[0]);
	if (strcmp(verb, "add") == 0)
		return add_peer(daemon, count, words);
	if (strcmp(verb, "remove") == 0)
		return remove_peer(daemon, count, words);
	return usage_error("expected list, add or remove, not ", verb[0] == '\0' ? "nothing" : verb);
}
