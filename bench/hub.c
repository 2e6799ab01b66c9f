/*
 * usage: hub [OPTION]... ROSENPASS
 *
 * A hub that was away comes back, and all its peers want a key at once: how long does it take until the
 * last of them has one? The hub is the program ROSENPASS; the peers are made with the library, each with an
 * address of 127.0.0.0/8 of its own. None of them has state of an earlier exchange.
 *
 *   --peers=N        how many (100)
 *   --cookies        the peers answer CookieReplies; without this they drop them, as releases 0.2.x do
 *   --forged=RATE    beside that, so many forged InitHellos a second (0)
 *   --networks=N     how many /24 the forged ones come from (64)
 *   --before=SECONDS how long the peers have called in vain before the hub starts (20)
 *   --limit=SECONDS  gives up so long after the hub is ready (120)
 *   --folder=DIR     keeps the key pairs there for the next time (537,768 bytes, 50 ms of CPU each)
 *   --port=N         of the hub (0: one that is free)
 *
 * Exit status 0: all have a key; 1: not all, or something failed; 2: wrong usage; 77: too few descriptors.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "hub_flood.h"
#include "hub_peers.h"
#include "system/clock.h"

#define EXIT_USAGE 2
#define EXIT_SKIPPED 77
#define NS_PER_S UINT64_C(1000000000)
#define PATH_BYTES 4096
#define READY_SECONDS 120
#define SPARE_FDS 64

struct options {
	const char *program;
	const char *folder;
	uint64_t peers;
	uint64_t forged;
	uint64_t networks;
	uint64_t before;
	uint64_t limit;
	uint64_t port;
	bool takes_cookies;
};

static const struct option long_options[] = {
	{ "peers", required_argument, NULL, 'p' },
	{ "cookies", no_argument, NULL, 'c' },
	{ "forged", required_argument, NULL, 'f' },
	{ "networks", required_argument, NULL, 'n' },
	{ "before", required_argument, NULL, 'b' },
	{ "limit", required_argument, NULL, 'l' },
	{ "folder", required_argument, NULL, 'd' },
	{ "port", required_argument, NULL, 'o' },
	{ NULL, 0, NULL, 0 },
};

static bool read_number(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
	char *end;

	*number = strtoull(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && *number >= least && *number <= most)
		return true;
	(void)fprintf(stderr, "hub: %s is not a number from %llu to %llu\n", text, (unsigned long long)least,
	              (unsigned long long)most);
	return false;
}

static bool read_option(struct options *options, int letter)
{
	switch (letter) {
	case 'p':
		return read_number(optarg, 1, 16000, &options->peers);
	case 'f':
		return read_number(optarg, 0, 1000000, &options->forged);
	case 'n':
		return read_number(optarg, 1, 32768, &options->networks);
	case 'b':
		return read_number(optarg, 0, 3600, &options->before);
	case 'l':
		return read_number(optarg, 1, 36000, &options->limit);
	case 'o':
		return read_number(optarg, 0, 65535, &options->port);
	case 'c':
		options->takes_cookies = true;
		return true;
	case 'd':
		options->folder = optarg;
		return true;
	default:
		return false;
	}
}

static bool read_options(struct options *options, int count, char **words)
{
	int letter;

	while ((letter = getopt_long(count, words, "", long_options, NULL)) != -1) {
		if (!read_option(options, letter))
			return false;
	}
	if (optind + 1 != count) {
		(void)fprintf(stderr, "usage: hub [OPTION]... ROSENPASS\n");
		return false;
	}
	options->program = words[optind];
	return true;
}

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

/* Each key goes to a file in folder. */
static bool write_configuration(const struct options *options, const char *folder, const char *path)
{
	FILE *file = fopen(path, "w");

	if (file == NULL) {
		perror(path);
		return false;
	}
	(void)fprintf(file,
	              "public_key = \"%s/hub.pub\"\nsecret_key = \"%s/hub.key\"\n"
	              "listen = [\"127.0.0.1:%llu\"]\nverbosity = \"Quiet\"\n",
	              options->folder, options->folder, (unsigned long long)options->port);
	for (uint64_t i = 1; i <= options->peers; i++)
		(void)fprintf(file, "[[peers]]\npublic_key = \"%s/%llu.pub\"\nkey_out = \"%s/%llu.out\"\n",
		              options->folder, (unsigned long long)i, folder, (unsigned long long)i);
	return fclose(file) == 0;
}

/* The socket that the hub tells its state to. */
static int open_notify(const char path[static 64])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%.63s", path);
	(void)unlink(path);
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	perror(path);
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* What it says goes to folder/hub.log. */
static pid_t start_hub(const struct options *options, const char *configuration, const char *notify,
                       const char *log)
{
	pid_t child = fork();
	int fd;

	if (child != 0)
		return child;
	fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
	(void)setenv("NOTIFY_SOCKET", notify, 1);
	(void)execl(options->program, options->program, "exchange-config", configuration, (char *)NULL);
	perror(options->program);
	_exit(EXIT_FAILURE);
}

/* Waits until the hub says that it is ready; the peers go on meanwhile. */
static bool wait_ready(struct hub_peers *peers, int notify, pid_t hub)
{
	uint64_t end_ns = clock_now_ns() + READY_SECONDS * NS_PER_S;
	siginfo_t ended = { 0 };

	while (clock_now_ns() < end_ns &&
	       waitid(P_PID, (id_t)hub, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0) {
		struct pollfd pollfd = { .fd = notify, .events = POLLIN };
		char text[1024];
		ssize_t length;

		(void)hub_peers_run(peers, NS_PER_S / 100);
		if (poll(&pollfd, 1, 0) != 1)
			continue;
		length = recv(notify, text, sizeof text - 1, 0);
		if (length <= 0)
			continue;
		text[length] = '\0';
		if (strstr(text, "READY=1") != NULL)
			return true;
	}
	(void)fprintf(stderr, "hub: it is not ready\n");
	return false;
}

static void print_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[512];

	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		(void)fputs(line, stderr);
	if (file != NULL)
		(void)fclose(file);
}

static double seconds(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns < from_ns ? 0 : (double)(to_ns - from_ns) / 1e9;
}

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void print_result(const struct options *options, const struct hub_peers *peers, uint64_t ready_ns,
                         size_t keyed)
{
	static const unsigned percents[] = { 50, 90, 99, 100 };
	uint64_t sent;
	uint64_t cookies;

	for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
		uint64_t n = (options->peers * percents[i] + 99) / 100;
		uint64_t key_ns = hub_peers_key_ns(peers, n);

		if (key_ns == 0)
			(void)printf("%u %% of the peers: not within %llu s\n", percents[i],
			             (unsigned long long)options->limit);
		else
			(void)printf("%u %% of the peers have a key after %.2f s\n", percents[i],
			             seconds(ready_ns, key_ns));
	}
	hub_peers_count(peers, &sent, &cookies);
	(void)printf("%zu of %llu have one; they sent %llu datagrams and got %llu CookieReplies\n", keyed,
	             (unsigned long long)options->peers, (unsigned long long)sent,
	             (unsigned long long)cookies);
}

/* The hub's processes are ended, and their CPU time is told. */
static bool end_hub(pid_t hub, uint64_t start_ns)
{
	struct rusage usage;
	double lived = seconds(start_ns, clock_now_ns());
	int status;

	(void)kill(hub, SIGTERM);
	if (waitpid(hub, &status, 0) != hub || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		(void)fprintf(stderr, "hub: it did not end as it should\n");
		return false;
	}
	if (getrusage(RUSAGE_CHILDREN, &usage) == 0)
		(void)printf("the hub took %.2f s of CPU in %.2f s\n",
		             seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime), lived);
	return true;
}

static int measure(const struct options *options, struct hub_peers *peers, const char *folder)
{
	struct hub_flood flood = { .port = (uint16_t)options->port,
		                   .rate = (uint32_t)options->forged,
		                   .networks = (uint32_t)options->networks };
	char configuration[PATH_BYTES];
	char public_key[PATH_BYTES];
	char notify_path[64];
	char log[PATH_BYTES];
	uint64_t start_ns;
	uint64_t ready_ns;
	size_t keyed = 0;
	pid_t flooder = 0;
	int notify;
	pid_t hub;

	(void)snprintf(configuration, sizeof configuration, "%s/hub.toml", folder);
	(void)snprintf(notify_path, sizeof notify_path, "%s/notify", folder);
	(void)snprintf(public_key, sizeof public_key, "%s/hub.pub", options->folder);
	flood.public_key = public_key;
	notify = open_notify(notify_path);
	if (notify < 0 || !write_configuration(options, folder, configuration))
		return EXIT_FAILURE;
	(void)hub_peers_run(peers, options->before * NS_PER_S);
	if (flood.rate > 0 && (flooder = hub_flood_start(&flood)) < 0)
		return EXIT_FAILURE;
	start_ns = clock_now_ns();
	(void)snprintf(log, sizeof log, "%s/hub.log", folder);
	hub = start_hub(options, configuration, notify_path, log);
	if (hub > 0 && wait_ready(peers, notify, hub)) {
		ready_ns = clock_now_ns();
		(void)printf("the hub is ready %.2f s after its start\n", seconds(start_ns, ready_ns));
		keyed = hub_peers_run(peers, options->limit * NS_PER_S);
		print_result(options, peers, ready_ns, keyed);
	} else {
		print_file(log);
	}
	if (hub > 0 && !end_hub(hub, start_ns))
		keyed = 0;
	if (flooder > 0) {
		(void)kill(flooder, SIGKILL);
		(void)waitpid(flooder, NULL, 0);
	}
	(void)close(notify);
	(void)unlink(notify_path);
	return keyed == options->peers ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void remove_file(const char *folder, const char *name, const char *ending)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof path, "%s/%s.%s", folder, name, ending);
	(void)unlink(path);
}

/* Nothing stays in our own folder; key pairs may be in another one. */
static void clean_up(const struct options *options, const char *folder)
{
	for (uint64_t i = 1; i <= options->peers; i++) {
		char name[24];

		(void)snprintf(name, sizeof name, "%llu", (unsigned long long)i);
		remove_file(folder, name, "out");
		remove_file(folder, name, "pub");
		remove_file(folder, name, "key");
	}
	remove_file(folder, "hub", "pub");
	remove_file(folder, "hub", "key");
	remove_file(folder, "hub", "toml");
	remove_file(folder, "hub", "log");
	if (rmdir(folder) != 0)
		perror(folder);
}

static bool has_descriptors(uint64_t peers)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return false;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= peers + SPARE_FDS)
		return true;
	(void)printf("skipped: %llu peers need as many descriptors, here are %llu\n",
	             (unsigned long long)peers, (unsigned long long)limit.rlim_cur);
	return false;
}

int main(int count, char **words)
{
	struct options options = { .peers = 100, .networks = 64, .before = 20, .limit = 120 };
	char folder[] = "/tmp/rosenpass-hub.XXXXXX";
	struct hub_peers *peers = NULL;
	int status = EXIT_FAILURE;

	if (!read_options(&options, count, words))
		return EXIT_USAGE;
	if (!has_descriptors(options.peers))
		return EXIT_SKIPPED;
	if (sodium_init() < 0 || mkdtemp(folder) == NULL)
		return EXIT_FAILURE;
	if (options.folder == NULL)
		options.folder = folder;
	if (options.port == 0)
		options.port = free_port();
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)printf("%llu peers that %s cookies, %llu forged InitHellos a second from %llu networks\n",
	             (unsigned long long)options.peers, options.takes_cookies ? "answer" : "drop",
	             (unsigned long long)options.forged, (unsigned long long)options.networks);
	if (hub_key_pair(options.folder, "hub"))
		peers = hub_peers_create(options.folder, options.peers, (uint16_t)options.port,
		                         options.takes_cookies);
	if (peers != NULL) {
		status = measure(&options, peers, folder);
		hub_peers_destroy(peers);
	}
	clean_up(&options, folder);
	return status;
}
