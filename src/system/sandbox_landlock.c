#include "system/sandbox_landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/sandbox_numbers.h"

#ifdef SYS_landlock_create_ruleset

/*
 * By their numbers in the kernel's interface: <linux/landlock.h> may be older than the kernel that we run
 * on.
 */
#define ASK_FOR_VERSION 1u
#define FILES_ABI_1 UINT64_C(0x1fff) /* execute, read, write, list, remove, make */
#define FILES_ABI_2 UINT64_C(0x3fff) /* and rename or link between folders */
#define FILES_ABI_3 UINT64_C(0x7fff) /* and truncate */
#define FILES_ABI_5 UINT64_C(0xffff) /* and ioctl on devices */
#define NETWORK_ABI_4 UINT64_C(0x3)  /* bind and connect of TCP */
#define SCOPES_ABI_6 UINT64_C(0x3)   /* abstract sockets and signals */
#define READ_FILE (UINT64_C(1) << 2)
#define LIST_FOLDER (UINT64_C(1) << 3)
#define CONNECT_TCP (UINT64_C(1) << 1)
#define RULE_PATH 1
#define RULE_PORT 2

/* struct landlock_ruleset_attr, which has grown. */
struct ruleset {
	uint64_t files;
	uint64_t network; /* ABI 4 */
	uint64_t scopes;  /* ABI 6 */
};

static int create_ruleset(int abi)
{
	struct ruleset ruleset = { .files = FILES_ABI_1 };
	size_t bytes = offsetof(struct ruleset, network);

	if (abi >= 2)
		ruleset.files = FILES_ABI_2;
	if (abi >= 3)
		ruleset.files = FILES_ABI_3;
	if (abi >= 4) {
		ruleset.network = NETWORK_ABI_4;
		bytes = offsetof(struct ruleset, scopes);
	}
	if (abi >= 5)
		ruleset.files = FILES_ABI_5;
	if (abi >= 6) {
		ruleset.scopes = SCOPES_ABI_6;
		bytes = sizeof ruleset;
	}
	return (int)syscall(SYS_landlock_create_ruleset, &ruleset, bytes, 0u);
}

/* struct landlock_path_beneath_attr */
struct path_rule {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* struct landlock_net_port_attr */
struct port_rule {
	uint64_t allowed;
	uint64_t port;
};

/* Links are followed: the rule is for what is behind them now. */
static int show_path(int ruleset, const char *path)
{
	struct path_rule rule = { .allowed = READ_FILE, .fd = open(path, O_PATH | O_CLOEXEC) };
	struct stat status;
	int result = 0;

	/* What cannot be opened cannot be read later either. */
	if (rule.fd < 0)
		return 0;
	if (fstat(rule.fd, &status) != 0)
		result = -errno;
	else if (S_ISDIR(status.st_mode))
		rule.allowed |= LIST_FOLDER;
	if (result == 0 && syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &rule, 0u) != 0)
		result = -errno;
	(void)close(rule.fd);
	return result;
}

static int show(int ruleset, int abi, const struct sandbox_landlock_view *view)
{
	const struct port_rule rule = { .allowed = CONNECT_TCP, .port = view->tcp_port };
	int result = 0;

	for (size_t i = 0; i < view->count && result == 0; i++)
		result = show_path(ruleset, view->paths[i]);
	if (result == 0 && view->tcp_port != 0 && abi >= 4 &&
	    syscall(SYS_landlock_add_rule, ruleset, RULE_PORT, &rule, 0u) != 0)
		result = -errno;
	return result;
}

int sandbox_landlock_abi(void)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, ASK_FOR_VERSION);

	/* Not built, switched off, or hidden by a container: asking fails for no other reason. */
	if (abi <= 0)
		return 0;
	return abi > SANDBOX_LANDLOCK_ABI_MAX ? SANDBOX_LANDLOCK_ABI_MAX : abi;
}

int sandbox_landlock_restrict(const struct sandbox_landlock_view *view)
{
	int abi = sandbox_landlock_abi();
	int ruleset;
	int result;

	if (abi == 0)
		return 0;
	ruleset = create_ruleset(abi);
	if (ruleset < 0)
		return -errno;
	result = view == NULL ? 0 : show(ruleset, abi, view);
	if (result == 0)
		result = syscall(SYS_landlock_restrict_self, ruleset, 0u) == 0 ? abi : -errno;
	(void)close(ruleset);
	return result;
}

#else

int sandbox_landlock_abi(void)
{
	return 0;
}

int sandbox_landlock_restrict(const struct sandbox_landlock_view *view)
{
	(void)view;
	return 0;
}

#endif
