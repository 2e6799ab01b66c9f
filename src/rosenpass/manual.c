#include "rosenpass/manual.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rosenpass/commands.h"
#include "rosenpass/manual_text.h"
#include "system/directory.h"
#include "system/file.h"
#include "system/log.h"

#define PAGE_MODE 0644
#define FOLDER_MODE 0755
#define WORD_BYTES 128

extern char **environ;

/* Pages end in a section: rosenpass.toml.5. Everything else is a completion. */
static bool is_page(const struct manual_file *file)
{
	size_t length = strlen(file->name);

	return length > 2 && file->name[length - 2] == '.' && file->name[length - 1] >= '1' &&
	       file->name[length - 1] <= '9';
}

/* By its name with or without the section; NULL: there is none. */
static const struct manual_file *find_page(const char *name)
{
	for (const struct manual_file *file = manual_files; file->name != NULL; file++) {
		size_t length = strlen(file->name);

		if (is_page(file) &&
		    (strcmp(file->name, name) == 0 ||
		     (strlen(name) == length - 2 && strncmp(file->name, name, length - 2) == 0)))
			return file;
	}
	return NULL;
}

static const struct manual_file *find_completion(const char *shell)
{
	char name[WORD_BYTES];

	(void)snprintf(name, sizeof name, "rosenpass.%s", shell);
	for (const struct manual_file *file = manual_files; file->name != NULL; file++) {
		if (!is_page(file) && strcmp(file->name, name) == 0)
			return file;
	}
	return NULL;
}

/* A descriptor from which the page can be read, or -1. */
static int open_page(const struct manual_file *file)
{
	int fd = memfd_create("page", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, file->text, file->length) == (ssize_t)file->length)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* Starts man on a file. 0, or -1: there is no such program. */
static int start_man(pid_t *pid, char *path)
{
	char name[] = "man";
	char local[] = "-l";
	char *words[] = { name, local, path, NULL };
	posix_spawnattr_t attributes;
	sigset_t plain;
	int result;

	if (posix_spawnattr_init(&attributes) != 0)
		return -1;
	/* We ignore these: what writes into a pager that was left early has to end by SIGPIPE. */
	(void)sigemptyset(&plain);
	(void)sigaddset(&plain, SIGPIPE);
	(void)sigaddset(&plain, SIGINT);
	(void)sigaddset(&plain, SIGQUIT);
	(void)posix_spawnattr_setsigdefault(&attributes, &plain);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	result = posix_spawnp(pid, words[0], NULL, &attributes, words, environ);
	(void)posix_spawnattr_destroy(&attributes);
	return result == 0 ? 0 : -1;
}

/*
 * The page inside the program is that of this version, an installed one may be somebody else's. true:
 * man has shown it, or was interrupted by the user.
 */
static bool show_with_man(const struct manual_file *file)
{
	char path[WORD_BYTES];
	int fd = open_page(file);
	int status = 0;
	bool shown = false;
	pid_t pid;

	if (fd < 0)
		return false;
	(void)snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)getpid(), fd);
	/* Interrupts are meant for the pager. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	if (access(path, R_OK) == 0 && start_man(&pid, path) == 0) {
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
		shown = WIFSIGNALED(status) || WEXITSTATUS(status) == 0;
	}
	(void)close(fd);
	return shown;
}

/* Whether all that was written to standard output has arrived there. */
static int flush_output(void)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return COMMAND_OK;
	/* A reader that has seen enough is no failure. */
	if (errno == EPIPE)
		return COMMAND_OK;
	log_error("cannot write to standard output: %s", strerror(errno));
	return COMMAND_FAILED;
}

/* Shows a page with man(1); without such a program, as a container is, as plain text. */
int command_man(int count, char **words)
{
	const struct manual_file *file;
	int status = commands_check_words(count, words, 0, 1);

	if (status != COMMANDS_GO_ON)
		return status;
	file = find_page(count == 2 ? words[1] : "rosenpass");
	if (file == NULL) {
		log_error("man: no page %s; there are rosenpass, rosenpass.toml and rosenpass-protocol",
		          words[1]);
		return COMMAND_USAGE;
	}
	if (show_with_man(file))
		return COMMAND_OK;
	manual_text_write(stdout, file->text);
	return flush_output();
}

static int write_page(const char *folder, const struct manual_file *file)
{
	mode_t mask = umask(0);
	char *path = NULL;
	int result = -ENOMEM;

	(void)umask(mask);
	if (asprintf(&path, "%s/%s", folder, file->name) >= 0) {
		result = file_write(path, (const uint8_t *)file->text, file->length, PAGE_MODE & ~mask,
		                    FILE_REPLACE);
		if (result != 0)
			log_error("cannot write man page \"%s\": %s", path, strerror(-result));
		free(path);
	}
	return result;
}

int manual_generate(const char *folder)
{
	int result = directory_make(folder, FOLDER_MODE);
	int status = COMMAND_OK;

	if (result != 0) {
		log_error("cannot create directory \"%s\" for man pages: %s", folder,
		          directory_problem(result));
		return COMMAND_FAILED;
	}
	for (const struct manual_file *file = manual_files; file->name != NULL; file++) {
		if (is_page(file) && write_page(folder, file) != 0)
			status = COMMAND_FAILED;
	}
	return status;
}

int manual_print_completions(const char *shell)
{
	const struct manual_file *file = find_completion(shell);

	if (file == NULL) {
		log_error("no completions for \"%s\": only bash, zsh and fish have them", shell);
		return COMMAND_USAGE;
	}
	(void)fwrite(file->text, 1, file->length, stdout);
	return flush_output();
}
