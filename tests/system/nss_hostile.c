/*
 * A module of the name service that stands for a resolver process that was taken over by an answer from the
 * network. It tries what the name says, tells a listener of ours how that went (a datagram to HOSTILE_PORT of
 * the loopback interface), and gives 127.0.0.1 for an address.
 *
 *   attack.example  reads HOSTILE_SECRET, changes it, starts processes, reaches for the daemon
 *   ask.example     asks the daemon at HOSTILE_CONTROL what HOSTILE_REQUEST says, and waits for its answer
 *   rush.example    a second later the same many times without waiting, and ends at once
 *   stay.example    blocks all signals and does not end
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <nss.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define RUSHES 8
#define FCHMODAT2 452

/* glibc's interface to modules, <nss.h> of newer releases has it. */
struct hostile_address {
	struct hostile_address *next;
	char *name;
	int family;
	uint32_t addr[4];
	uint32_t scopeid;
};

__attribute__((visibility("default"))) enum nss_status _nss_hostile_gethostbyname4_r(
	const char *name, struct hostile_address **out, char *buffer, size_t size, int *error,
	int *host_error, int32_t *ttl);

static void tell(const char *what, const char *how)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const char *port = getenv("HOSTILE_PORT");
	char text[512];
	int length = snprintf(text, sizeof text, "%s: %s", what, how);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (port == NULL || fd < 0 || length <= 0)
		return;
	address.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	if (length >= (int)sizeof text)
		length = (int)sizeof text - 1;
	(void)sendto(fd, text, (size_t)length, 0, (const struct sockaddr *)&address, sizeof address);
	(void)close(fd);
}

static void tell_result(const char *what, long result)
{
	tell(what, result == -1 ? "refused" : "done");
}

static void attack(void)
{
	const char *secret = getenv("HOSTILE_SECRET");
	struct rlimit limit = { 1 << 20, 1 << 20 };
	struct stat status;
	pid_t pid;

	tell_result("read the secret key", open(secret, O_RDONLY | O_CLOEXEC));
	tell_result("write the secret key", open(secret, O_WRONLY | O_CLOEXEC));
	tell_result("chmod", chmod(secret, 0640));
	tell_result("fchmodat2", syscall(FCHMODAT2, AT_FDCWD, secret, 0640, 0));
	tell_result("utimensat", utimensat(AT_FDCWD, secret, NULL, 0));
	tell_result("limit the daemon", prlimit(getppid(), RLIMIT_FSIZE, &limit, NULL));
	tell_result("signal the daemon", kill(getppid(), 0));
	/* The daemon's is a file. */
	tell_result("have the log", fstat(STDERR_FILENO, &status) != 0 || !S_ISREG(status.st_mode) ? -1 : 0);
	pid = fork();
	if (pid == 0)
		_exit(0);
	tell_result("fork", pid);
	tell("attack", "over");
}

static int ask(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *request = getenv("HOSTILE_REQUEST");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", getenv("HOSTILE_CONTROL"));
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
		return -1;
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0 || send(fd, "\n", 1, MSG_NOSIGNAL) < 0)
		return -1;
	return fd;
}

static void ask_and_wait(void)
{
	char answer[400];
	int fd = ask();
	ssize_t got = fd < 0 ? -1 : recv(fd, answer, sizeof answer - 1, 0);

	answer[got > 0 ? got : 0] = '\0';
	tell("asked", got > 0 ? answer : "refused");
}

static void rush(void)
{
	tell("rush", "begins in a second");
	(void)poll(NULL, 0, 1000);
	for (int i = 0; i < RUSHES; i++)
		(void)ask();
	tell("rush", "over");
	_exit(0);
}

static void stay(void)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	tell("stay", "here");
	for (;;)
		(void)poll(NULL, 0, -1);
}

enum nss_status _nss_hostile_gethostbyname4_r(const char *name, struct hostile_address **out, char *buffer,
                                              size_t size, int *error, int *host_error, int32_t *ttl)
{
	static char nobody[] = "hostile";
	struct hostile_address *address = (struct hostile_address *)(void *)buffer;

	(void)ttl;
	if (strcmp(name, "attack.example") == 0)
		attack();
	else if (strcmp(name, "ask.example") == 0)
		ask_and_wait();
	else if (strcmp(name, "rush.example") == 0)
		rush();
	else if (strcmp(name, "stay.example") == 0)
		stay();
	else
		return NSS_STATUS_NOTFOUND;
	if (size < sizeof *address || (uintptr_t)buffer % _Alignof(struct hostile_address) != 0) {
		*error = ERANGE;
		*host_error = NETDB_INTERNAL;
		return NSS_STATUS_TRYAGAIN;
	}
	*address = (struct hostile_address){ .name = nobody, .family = AF_INET };
	address->addr[0] = htonl(INADDR_LOOPBACK);
	*out = address;
	return NSS_STATUS_SUCCESS;
}
