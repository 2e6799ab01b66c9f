#include "system/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/capability.h>

#include "system/sandbox_landlock.h"
#include "system/secret_memory.h"

#define DEFAULT_USER "rosenpass"
#define DYNAMIC_FIRST 61184u
#define DYNAMIC_COUNT (65519u - DYNAMIC_FIRST + 1)

/* --- whom to become ------------------------------------------------------------------ */

static int problem_with(char *problem, const char *what, int error)
{
	(void)snprintf(problem, SANDBOX_PROBLEM_BYTES, "%s: %s", what, strerror(error));
	return -1;
}

/* Marks the real, effective, saved and file-system user of a process, if the line tells them. */
static void mark_users(const char *line, bool taken[static DYNAMIC_COUNT])
{
	unsigned long ids[4];

	if (sscanf(line, "Uid: %lu %lu %lu %lu", &ids[0], &ids[1], &ids[2], &ids[3]) != 4)
		return;
	for (size_t i = 0; i < 4; i++) {
		if (ids[i] >= DYNAMIC_FIRST && ids[i] - DYNAMIC_FIRST < DYNAMIC_COUNT)
			taken[ids[i] - DYNAMIC_FIRST] = true;
	}
}

/* The owner of its folder in /proc does not tell: that is root for a process that may not be dumped. */
static void mark_running(bool taken[static DYNAMIC_COUNT])
{
	DIR *folder = opendir("/proc");

	if (folder == NULL)
		return;
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		char path[sizeof "/proc//status" + sizeof entry->d_name];
		char line[256];
		FILE *status;

		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		(void)snprintf(path, sizeof path, "/proc/%s/status", entry->d_name);
		status = fopen(path, "re");
		if (status == NULL)
			continue;
		while (fgets(line, sizeof line, status) != NULL)
			mark_users(line, taken);
		(void)fclose(status);
	}
	(void)closedir(folder);
}

/* Marks the numbers that our user namespace does not have. */
static void mark_unmapped(const char *map, bool taken[static DYNAMIC_COUNT])
{
	bool mapped[DYNAMIC_COUNT] = { false };
	unsigned long inside;
	unsigned long outside;
	unsigned long count;
	FILE *file = fopen(map, "re");

	/* A kernel without user namespaces. */
	if (file == NULL)
		return;
	while (fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3) {
		for (unsigned i = 0; i < DYNAMIC_COUNT; i++) {
			if (DYNAMIC_FIRST + i >= inside && DYNAMIC_FIRST + i - inside < count)
				mapped[i] = true;
		}
	}
	(void)fclose(file);
	for (unsigned i = 0; i < DYNAMIC_COUNT; i++)
		taken[i] = taken[i] || !mapped[i];
}

/* The first free number after a place by chance, so that two daemons that start at a time find two. */
static bool find_free(bool taken[static DYNAMIC_COUNT], struct sandbox_user *user)
{
	unsigned first = randombytes_uniform(DYNAMIC_COUNT);

	for (unsigned i = 0; i < DYNAMIC_COUNT; i++) {
		unsigned place = (first + i) % DYNAMIC_COUNT;
		unsigned number = DYNAMIC_FIRST + place;

		if (!taken[place] && getpwuid(number) == NULL && getgrgid(number) == NULL) {
			*user = (struct sandbox_user){ .change = true, .uid = number, .gid = number };
			return true;
		}
	}
	return false;
}

static int choose_dynamic(struct sandbox_user *user, char *problem)
{
	bool taken[DYNAMIC_COUNT] = { false };
	bool any = false;

	mark_unmapped("/proc/self/uid_map", taken);
	mark_unmapped("/proc/self/gid_map", taken);
	for (unsigned i = 0; i < DYNAMIC_COUNT; i++)
		any = any || !taken[i];
	/* Root of a namespace of few users, without power outside: nobody else can be had there. */
	if (!any)
		return 0;
	mark_running(taken);
	if (find_free(taken, user))
		return 0;
	(void)snprintf(problem, SANDBOX_PROBLEM_BYTES,
	               "all user numbers from %u to %u are in use; create a user \"" DEFAULT_USER
	               "\" or configure another",
	               DYNAMIC_FIRST, DYNAMIC_FIRST + DYNAMIC_COUNT - 1);
	return -1;
}

static int choose_named(struct sandbox_user *user, const struct passwd *found, char *problem)
{
	if (found->pw_uid == 0) {
		(void)snprintf(problem, SANDBOX_PROBLEM_BYTES, "user \"%.64s\" is root; use another user",
		               found->pw_name);
		return -1;
	}
	*user = (struct sandbox_user){ .change = true, .uid = found->pw_uid, .gid = found->pw_gid };
	return 0;
}

int sandbox_choose_user(struct sandbox_user *user, const char *name,
                        char problem[static SANDBOX_PROBLEM_BYTES])
{
	const struct passwd *found;

	*user = (struct sandbox_user){ .change = false, .uid = geteuid(), .gid = getegid() };
	if (user->uid != 0 && name == NULL)
		return 0;
	found = getpwnam(name == NULL ? DEFAULT_USER : name);
	if (found == NULL && name == NULL)
		return choose_dynamic(user, problem);
	if (found == NULL) {
		(void)snprintf(problem, SANDBOX_PROBLEM_BYTES,
		               "there is no user \"%.64s\"; create it (useradd --system) or name another",
		               name);
		return -1;
	}
	if (user->uid == 0)
		return choose_named(user, found, problem);
	if (found->pw_uid == user->uid)
		return 0;
	(void)snprintf(problem, SANDBOX_PROBLEM_BYTES,
	               "only root can become user \"%.64s\"; start as root or as that user, or name none",
	               name);
	return -1;
}

/* --- what to give up ----------------------------------------------------------------- */

static int change_user(const struct sandbox_user *user, char *problem)
{
	uid_t uids[3];
	gid_t gids[3];

	if (setgroups(0, NULL) != 0)
		return problem_with(problem, "cannot leave root's groups (setgroups)", errno);
	if (setresgid(user->gid, user->gid, user->gid) != 0)
		return problem_with(problem, "cannot change the group (setresgid)", errno);
	if (setresuid(user->uid, user->uid, user->uid) != 0)
		return problem_with(problem, "cannot change the user (setresuid)", errno);
	if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 || getresgid(&gids[0], &gids[1], &gids[2]) != 0)
		return problem_with(problem, "cannot see which user this is", errno);
	for (size_t i = 0; i < 3; i++) {
		if (uids[i] != user->uid || gids[i] != user->gid)
			return problem_with(problem, "the change of the user had no effect", EPERM);
	}
	return 0;
}

/* The bounding set goes first, while we may. Who may not has no more than the set of an ordinary user. */
static void drop_bounding_set(void)
{
	for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
		(void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

static int drop_capabilities(char *problem)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };

	/* Not before Linux 4.3, which had no such set either. */
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, sets) != 0)
		return problem_with(problem, "cannot give up capabilities (capset)", errno);
	memset(sets, 0xff, sizeof sets);
	if (syscall(SYS_capget, &header, sets) != 0)
		return problem_with(problem, "cannot read capabilities (capget)", errno);
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		if ((sets[i].effective | sets[i].permitted | sets[i].inheritable) != 0)
			return problem_with(problem, "giving up capabilities had no effect", EPERM);
	}
	return 0;
}

static bool is_among(unsigned long capability, const int *kept, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (capability == (unsigned long)kept[i])
			return true;
	}
	return false;
}

int sandbox_keep(const int *kept, size_t count, char problem[static SANDBOX_PROBLEM_BYTES])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, sets) != 0)
		return problem_with(problem, "cannot read capabilities (capget)", errno);
	for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
		struct __user_cap_data_struct *set = &sets[capability / 32];
		uint32_t bit = UINT32_C(1) << capability % 32;

		if (is_among(capability, kept, count))
			continue;
		(void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
		(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, capability, 0, 0);
		set->effective &= ~bit;
		set->permitted &= ~bit;
		set->inheritable &= ~bit;
	}
	if (syscall(SYS_capset, &header, sets) != 0)
		return problem_with(problem, "cannot give up capabilities (capset)", errno);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return problem_with(problem, "cannot give up new privileges (no_new_privs)", errno);
	return 0;
}

int sandbox_drop(const struct sandbox_user *user, struct sandbox_report *report,
                 char problem[static SANDBOX_PROBLEM_BYTES])
{
	int result;

	*report = (struct sandbox_report){ .seccomp = 0 };
	drop_bounding_set();
	if (user->change && change_user(user, problem) != 0)
		return -1;
	report->changed_user = user->change;
	report->uid = geteuid();
	if (drop_capabilities(problem) != 0)
		return -1;
	report->no_capabilities = 1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return problem_with(problem, "cannot give up new privileges (no_new_privs)", errno);
	report->no_new_privileges = 1;
	/* Another user makes a process dumpable again: not before here. */
	result = secret_memory_protect_process();
	if (result != 0)
		return problem_with(problem, "cannot forbid core dumps", -result);
	report->not_dumpable = 1;
	result = sandbox_landlock_restrict(NULL);
	if (result < 0)
		return problem_with(problem, "cannot give up the file system (Landlock)", -result);
	report->landlock = (uint8_t)result;
	return 0;
}
