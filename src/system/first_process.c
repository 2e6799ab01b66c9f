#include "system/first_process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Reaps all that have ended. Exits when the worker has. */
static void reap(pid_t worker)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == worker)
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	}
	if (pid < 0 && errno == ECHILD)
		_exit(EXIT_FAILURE);
}

static void serve(pid_t worker, const sigset_t *all)
{
	siginfo_t info;

	for (;;) {
		int number = sigwaitinfo(all, &info);

		/* A terminal sends its signals to the worker as well. */
		if (number > 0 && number != SIGCHLD && info.si_code != SI_KERNEL)
			(void)kill(worker, number);
		reap(worker);
	}
}

int first_process_split(void)
{
	sigset_t all;
	sigset_t before;
	pid_t worker;

	if (getpid() != 1)
		return 0;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	(void)signal(SIGCHLD, SIG_DFL);
	worker = fork();
	if (worker > 0)
		serve(worker, &all);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return worker < 0 ? -errno : 0;
}
