#include "system/sandbox_landlock.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
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

int sandbox_landlock_restrict(void)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, ASK_FOR_VERSION);
	int ruleset;
	int result;

	/* Not built, switched off, or hidden by a container: asking fails for no other reason. */
	if (abi <= 0)
		return 0;
	if (abi > SANDBOX_LANDLOCK_ABI_MAX)
		abi = SANDBOX_LANDLOCK_ABI_MAX;
	ruleset = create_ruleset(abi);
	if (ruleset < 0)
		return -errno;
	/* Rules would be exceptions; there is none. */
	result = syscall(SYS_landlock_restrict_self, ruleset, 0u) == 0 ? abi : -errno;
	(void)close(ruleset);
	return result;
}

#else

int sandbox_landlock_restrict(void)
{
	return 0;
}

#endif
