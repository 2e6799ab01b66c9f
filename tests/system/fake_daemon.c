/*
 * usage: fake_daemon SOCKET WHAT
 * A daemon that answers every request with something that none would say: "junk", "refusal" (with what
 * could command a terminal), "silent" (hangs up), "bytes" (a right answer, byte by byte), "endless" (a
 * line without end), "array", "empty" (a status without anything in it).
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const struct {
	const char *what;
	const char *answer;
} answers[] = {
	{ "junk", "this is no JSON\n" },
	{ "refusal", "{\"ok\": false, \"error\": \"no \\u001b[31mred\\u0007 \\u009b1m\"}\n" },
	{ "silent", "" },
	{ "array", "[1, 2, 3]\n" },
	{ "empty", "{\"ok\": true, \"status\": {}}\n" },
	{ "wrong",
	  "{\"ok\": true, \"status\": {\"name\": 7, \"peers\": {\"a\": 1}, \"listen\": 3, \"load\": []}}\n" },
	{ "terminal",
	  "{\"ok\": true, \"status\": {\"name\": \"x\\u001b]0;title\\u0007\", \"peers\": [{\"name\": "
	  "\"\\u001b[2J\", \"outputs\": [{\"target\": \"a\\u009bb\", \"state\": \"failing\", \"error\": "
	  "\"\\n\\r\\t\"}]}]}}\n" },
	{ "bytes", "{\"ok\": true, \"added\": 1, \"removed\": 2, \"changed\": 3, \"unchanged\": 4}\n" },
};

/* To the end of its line: closing before that would reset the connection. */
static void read_request(int fd)
{
	char byte;

	while (read(fd, &byte, 1) == 1 && byte != '\n') {
	}
}

static void write_bytes(int fd, const char *text, size_t step)
{
	for (size_t at = 0; at < strlen(text); at += step) {
		size_t left = strlen(text) - at;

		if (send(fd, text + at, left < step ? left : step, MSG_NOSIGNAL) < 0)
			return;
	}
}

static void write_endlessly(int fd)
{
	static char block[1 << 20];

	memset(block, 'x', sizeof block);
	while (send(fd, block, sizeof block, MSG_NOSIGNAL) > 0) {
	}
}

int main(int count, char **words)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (count != 3 || strlen(words[1]) + sizeof ".new" > sizeof address.sun_path || fd < 0) {
		fprintf(stderr, "usage: fake_daemon SOCKET WHAT\n");
		return 2;
	}
	/* It gets its name when it is ready for a caller. */
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s.new", words[1]);
	(void)unlink(address.sun_path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4) != 0 ||
	    rename(address.sun_path, words[1]) != 0) {
		perror(words[1]);
		return EXIT_FAILURE;
	}
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client < 0)
			return EXIT_FAILURE;
		read_request(client);
		for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
			if (strcmp(answers[i].what, words[2]) == 0)
				write_bytes(client, answers[i].answer,
				            strcmp(words[2], "bytes") == 0 ? 1 : 4096);
		}
		if (strcmp(words[2], "endless") == 0)
			write_endlessly(client);
		(void)close(client);
	}
}
