#include "responder_program.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "rosenpass.h"
#include "system/clock.h"
#include "system/file.h"

#define PATH_BYTES 4096
#define READY_NS UINT64_C(120000000000)
#define LOOK_US 20000
#define END_LOOKS 250

/* A port that nobody has now. */
static uint16_t free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		address.sin_port = 0;
	if (fd >= 0)
		(void)close(fd);
	return ntohs(address.sin_port);
}

static bool is_port_taken(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_port = htons(port),
		                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_taken = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 &&
	                errno == EADDRINUSE;

	if (fd >= 0)
		(void)close(fd);
	return is_taken;
}

static bool write_old_key(const char *from, const char *to)
{
	uint8_t key[ROSENPASS_SECRET_KEY_BYTES];
	uint8_t old[ROSENPASS_SECRET_KEY_OLD_BYTES];
	size_t length;
	FILE *file = fopen(to, "we");
	bool good = file != NULL && file_read(from, key, sizeof key, &length) == 0 && length == sizeof key &&
	            rosenpass_secret_key_export_old(old, key) == 0 && fwrite(old, sizeof old, 1, file) == 1;

	if (file != NULL)
		good = fclose(file) == 0 && good;
	sodium_memzero(key, sizeof key);
	sodium_memzero(old, sizeof old);
	return good;
}

static bool write_configuration(const struct responder_program *program, const char *keys, const char *folder,
                                uint64_t peers, const char *path)
{
	FILE *file = fopen(path, "we");

	if (file == NULL)
		return false;
	(void)fprintf(file,
	              "public_key = \"%s/hub.pub\"\nsecret_key = \"%s/hub.old\"\n"
	              "listen = [\"127.0.0.1:%u\"]\nverbosity = \"Quiet\"\n",
	              keys, folder, program->port);
	for (uint64_t i = 1; i <= peers; i++)
		(void)fprintf(file,
		              "[[peers]]\npublic_key = \"%s/%llu.pub\"\nkey_out = \"%s/%zu-%llu.out\"\n",
		              keys, (unsigned long long)i, folder, program->number, (unsigned long long)i);
	return fclose(file) == 0;
}

static pid_t start_child(const struct responder_program *program, const char *configuration, const char *log)
{
	pid_t child = fork();
	int fd;

	if (child != 0)
		return child;
	fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
	(void)execlp(program->path, program->path, "exchange-config", configuration, (char *)NULL);
	perror(program->path);
	_exit(EXIT_FAILURE);
}

bool responder_program_start(struct responder_program *program, const char *keys, const char *folder,
                             uint64_t peers)
{
	uint64_t end_ns = clock_now_ns() + READY_NS;
	char configuration[PATH_BYTES];
	char secret_key[PATH_BYTES];
	char old_key[PATH_BYTES];
	char log[PATH_BYTES];

	program->port = free_port();
	(void)snprintf(configuration, sizeof configuration, "%s/%zu.toml", folder, program->number);
	(void)snprintf(log, sizeof log, "%s/%zu.log", folder, program->number);
	(void)snprintf(secret_key, sizeof secret_key, "%s/hub.key", keys);
	(void)snprintf(old_key, sizeof old_key, "%s/hub.old", folder);
	if (!write_old_key(secret_key, old_key) ||
	    !write_configuration(program, keys, folder, peers, configuration)) {
		perror(folder);
		return false;
	}
	program->pid = start_child(program, configuration, log);
	if (program->pid < 0) {
		program->pid = 0;
		return false;
	}
	while (clock_now_ns() < end_ns && waitpid(program->pid, NULL, WNOHANG) == 0) {
		if (is_port_taken(program->port))
			return true;
		(void)usleep(LOOK_US);
	}
	(void)fprintf(stderr, "responder: %s did not start, as %s says\n", program->path, log);
	return false;
}

/* The number at that place, from 1, of a file of one line; 0 if there is none. */
static uint64_t read_number(const char *path, int place)
{
	FILE *file = fopen(path, "re");
	unsigned long long number = 0;

	if (file == NULL)
		return 0;
	for (int i = 0; i < place; i++) {
		if (fscanf(file, "%llu", &number) != 1)
			number = 0;
	}
	(void)fclose(file);
	return number;
}

/* The parent of a process. Its name, in brackets, may have spaces in it. */
static pid_t parent_of(pid_t pid)
{
	char path[64];
	char line[512];
	FILE *file;
	const char *bracket;
	long parent = 0;

	(void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fgets(line, sizeof line, file) != NULL && (bracket = strrchr(line, ')')) != NULL &&
	    sscanf(bracket + 1, " %*c %ld", &parent) != 1)
		parent = 0;
	(void)fclose(file);
	return (pid_t)parent;
}

static bool belongs_to(pid_t pid, pid_t root)
{
	for (int generation = 0; pid > 1 && generation < 8; generation++) {
		if (pid == root)
			return true;
		pid = parent_of(pid);
	}
	return false;
}

/* The kernel counts nanoseconds for each thread there. */
static uint64_t threads_cpu_ns(const char *process)
{
	char path[PATH_BYTES];
	DIR *tasks;
	uint64_t sum = 0;

	(void)snprintf(path, sizeof path, "/proc/%s/task", process);
	tasks = opendir(path);
	if (tasks == NULL)
		return 0;
	for (const struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof path, "/proc/%s/task/%s/schedstat", process, entry->d_name);
		sum += read_number(path, 1);
	}
	(void)closedir(tasks);
	return sum;
}

uint64_t responder_program_cpu_ns(const struct responder_program *program)
{
	DIR *proc = opendir("/proc");
	uint64_t sum = 0;

	if (proc == NULL)
		return 0;
	for (const struct dirent *entry; (entry = readdir(proc)) != NULL;) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid > 0 && belongs_to((pid_t)pid, program->pid))
			sum += threads_cpu_ns(entry->d_name);
	}
	(void)closedir(proc);
	return sum;
}

void responder_program_stop(struct responder_program *program)
{
	if (program->pid == 0)
		return;
	(void)kill(program->pid, SIGTERM);
	for (int i = 0; i < END_LOOKS; i++) {
		if (waitpid(program->pid, NULL, WNOHANG) != 0) {
			program->pid = 0;
			return;
		}
		(void)usleep(LOOK_US);
	}
	(void)kill(program->pid, SIGKILL);
	(void)waitpid(program->pid, NULL, 0);
	program->pid = 0;
}
