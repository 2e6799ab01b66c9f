#include "rosenpass/commands.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/client.h"
#include "rosenpass/status_text.h"
#include "system/log.h"

/* To the upper left corner, and what is below erased afterwards: nothing flickers. */
#define HOME "\033[H"
#define CLEAR_REST "\033[J"
#define CLEAR_ALL "\033[2J"

struct request {
	bool json;
	bool watch;
	const char *name;
};

static int usage_error(const char *problem, const char *word)
{
	log_error("status: %s%s; rosenpass help status shows the usage", problem, word);
	return COMMAND_USAGE;
}

/* COMMANDS_GO_ON, or the exit status. */
static int parse(struct request *request, int count, char **words)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "watch", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	/* 0 makes getopt start afresh: main has used it. */
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(count, words, ":h", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			request->json = true;
			break;
		case 'w':
			request->watch = true;
			break;
		case 'h':
			return COMMAND_HELP;
		default:
			return usage_error("unknown option ", words[optind - 1]);
		}
	}
	if (count - optind > 1)
		return usage_error("too many arguments, from ", words[optind + 1]);
	request->name = optind < count ? words[optind] : NULL;
	return COMMANDS_GO_ON;
}

static bool is_colour_wanted(void)
{
	const char *no = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
	       (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

/* One daemon's status as text, allocated. Returns the exit status. */
static int format(const char *name, bool json, char **out)
{
	json_t *answer;
	int result = (int)client_ask(name, json_pack("{s:s}", "command", "status"), &answer);
	json_t *status = json_object_get(answer, "status");
	char *text = NULL;

	if (result != COMMAND_OK)
		return result;
	text = json ? json_dumps(status, JSON_INDENT(2) | JSON_REAL_PRECISION(9))
	            : status_text_format(status, is_colour_wanted());
	if (text == NULL)
		log_error("status: the daemon called %s gave no status", name);
	json_decref(answer);
	*out = text;
	return text == NULL ? COMMAND_FAILED : COMMAND_OK;
}

static int write_one(const char *name, const struct request *request, bool first)
{
	char *text = NULL;
	int status = format(name, request->json, &text);

	if (status != COMMAND_OK)
		return status;
	/* One empty line between daemons; a JSON text brings no line end. */
	(void)printf("%s%s%s", first || request->json ? "" : "\n", text, request->json ? "\n" : "");
	free(text);
	return COMMAND_OK;
}

static int write_all(const struct request *request)
{
	struct client_daemons daemons = { .count = 0 };
	int status;

	if (request->name != NULL)
		return write_one(request->name, request, true);
	status = (int)client_find(&daemons);
	for (size_t i = 0; i < daemons.count; i++) {
		int result = write_one(daemons.names[i], request, i == 0);

		if (result != COMMAND_OK)
			status = result;
	}
	return status;
}

/* Until a signal ends us or nobody reads any more. */
static int watch(const struct request *request)
{
	static const struct timespec pause = { .tv_sec = 1 };
	bool terminal = isatty(STDOUT_FILENO) != 0;

	if (terminal)
		(void)fputs(CLEAR_ALL, stdout);
	for (bool first = true;; first = false) {
		int status;

		(void)fputs(terminal ? HOME : first || request->json ? "" : "\n", stdout);
		status = write_all(request);
		if (terminal)
			(void)fputs(CLEAR_REST, stdout);
		if (fflush(stdout) != 0)
			return COMMAND_OK;
		if (status != COMMAND_OK && !terminal)
			return status;
		(void)nanosleep(&pause, NULL);
	}
}

int command_status(int count, char **words)
{
	struct request request = { 0 };
	int status = parse(&request, count, words);

	if (status != COMMANDS_GO_ON)
		return status;
	if (request.watch)
		return watch(&request);
	status = write_all(&request);
	return fflush(stdout) == 0 ? status : COMMAND_FAILED;
}
