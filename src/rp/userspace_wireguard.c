#include "rp/userspace_wireguard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "system/log.h"
#include "system/program.h"
#include "wireguard/userspace.h"
#include "wireguard/wireguard.h"

#define VARIABLE "WG_QUICK_USERSPACE_IMPLEMENTATION"
/* Looks every 20 ms, for five seconds when it starts, for two when it ends. */
#define LOOK_NS 20000000
#define START_LOOKS 250
#define END_LOOKS 100

static const char *const programs[] = { "wireguard-go", "boringtun-cli", "boringtun" };

static void rest(void)
{
	static const struct timespec time = { .tv_nsec = LOOK_NS };

	(void)nanosleep(&time, NULL);
}

static const char *choose(char problem[static USERSPACE_WIREGUARD_PROBLEM_BYTES])
{
	const char *wanted = getenv(VARIABLE);

	if (wanted != NULL && wanted[0] != '\0') {
		if (program_is_there(wanted))
			return wanted;
		(void)snprintf(problem, USERSPACE_WIREGUARD_PROBLEM_BYTES,
		               VARIABLE " is \"%s\", which is not a program here", wanted);
		return NULL;
	}
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		if (program_is_there(programs[i]))
			return programs[i];
	}
	(void)snprintf(problem, USERSPACE_WIREGUARD_PROBLEM_BYTES,
	               "this kernel has no WireGuard, and no program takes its place; install wireguard-go "
	               "(on Debian and Ubuntu: apt install wireguard-go), or a kernel with the module "
	               "wireguard");
	return NULL;
}

static int launch(struct userspace_wireguard *userspace, const char *name, const char *interface)
{
	/*
	 * In the foreground, so that it is our child; wireguard-go then spares its advice to use the
	 * kernel.
	 */
	char foreground[] = "-f";
	char keep_user[] = "--disable-drop-privileges";
	char quiet[] = "LOG_LEVEL=error";
	char in_front[] = "WG_PROCESS_FOREGROUND=1";
	char *words[] = { NULL, foreground, NULL, NULL, NULL };
	char *environment[] = { quiet, in_front, NULL };
	static const uint8_t nothing;
	int result = -ENOMEM;

	words[0] = strdup(name);
	words[2] = strdup(interface);
	/* Without this boringtun becomes the user that called sudo, and cannot make the interface again. */
	if (strstr(name, "boringtun") != NULL)
		words[3] = keep_user;
	userspace->program.ends_with_us = true;
	if (words[0] != NULL && words[2] != NULL)
		result = program_start(&userspace->program, words, environment, &nothing, 0);
	free(words[0]);
	free(words[2]);
	return result;
}

/* Served by our program, or by one that it has started: somebody else may have been faster. */
static bool is_ready(const struct userspace_wireguard *userspace, const char *interface)
{
	struct wireguard_device device;
	pid_t process = userspace_process(interface);
	bool ready;

	if (process == 0 || getpgid(process) != userspace->program.pid ||
	    wireguard_get(&device, interface) != 0)
		return false;
	ready = device.in_userspace;
	wireguard_release(&device);
	return ready;
}

/* 0: it made the interface. */
static int wait_until_ready(struct userspace_wireguard *userspace, const char *name, const char *interface,
                            char problem[static USERSPACE_WIREGUARD_PROBLEM_BYTES])
{
	char end[PROGRAM_PROBLEM_BYTES];

	for (int i = 0; i < START_LOOKS; i++) {
		if (is_ready(userspace, interface))
			return 0;
		if (program_ended(&userspace->program, end)) {
			(void)snprintf(problem, USERSPACE_WIREGUARD_PROBLEM_BYTES,
			               "%s did not make interface %s: it %s; it needs /dev/net/tun, "
			               "CAP_NET_ADMIN, and a name that nobody has in another network "
			               "namespace",
			               name, interface, end[0] == '\0' ? "ended" : end);
			return -1;
		}
		rest();
	}
	(void)snprintf(problem, USERSPACE_WIREGUARD_PROBLEM_BYTES,
	               "%s did not make interface %s within five seconds", name, interface);
	return -1;
}

int userspace_wireguard_start(struct userspace_wireguard *userspace, const char *interface,
                              char problem[static USERSPACE_WIREGUARD_PROBLEM_BYTES])
{
	const char *name = choose(problem);
	int result;

	if (name == NULL)
		return -1;
	/* Of an interface that is gone. */
	userspace_wireguard_end(userspace);
	result = launch(userspace, name, interface);
	if (result != 0) {
		(void)snprintf(problem, USERSPACE_WIREGUARD_PROBLEM_BYTES, "cannot start %s: %s", name,
		               strerror(-result));
		return -1;
	}
	if (wait_until_ready(userspace, name, interface, problem) != 0) {
		userspace_wireguard_end(userspace);
		return -1;
	}
	log_info("WireGuard's %s is made by %s", interface, name);
	return 0;
}

bool userspace_wireguard_runs(struct userspace_wireguard *userspace)
{
	char problem[PROGRAM_PROBLEM_BYTES];

	return userspace->program.pid != 0 && !program_ended(&userspace->program, problem);
}

void userspace_wireguard_end(struct userspace_wireguard *userspace)
{
	if (!userspace_wireguard_runs(userspace))
		return;
	program_signal(&userspace->program, SIGTERM);
	for (int i = 0; i < END_LOOKS && userspace_wireguard_runs(userspace); i++)
		rest();
	if (!userspace_wireguard_runs(userspace))
		return;
	program_signal(&userspace->program, SIGKILL);
	for (int i = 0; i < END_LOOKS && userspace_wireguard_runs(userspace); i++)
		rest();
}
