#include "system/resolver.h"

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/capability.h>

#include "system/resolver_filter.h"
#include "system/sandbox_landlock.h"
#include "system/syscall_filter.h"

/* Beside what the parent had: modules of the name service, and their answers. */
#define MEMORY_BYTES (256ul * 1024 * 1024)
/* Of processor time; to wait costs nothing. */
#define CPU_SECONDS 10
#define LINE_BYTES 1024
#define MODULE_BYTES 128
#define BLANKS " \t\r\n"

/* DNS over TCP, for long answers. */
#define DNS_PORT 53
#define CONFIGURATION "/etc/nsswitch.conf"
/* Where openSUSE has what the administrator has not changed. */
#define DEFAULT_CONFIGURATION "/usr/etc/nsswitch.conf"

/*
 * What resolving reads, each file by itself: keys may lie beside them. Links are followed, as from
 * /etc/resolv.conf to /run/systemd/resolve. Modules are loaded before, so that no library is here.
 */
static const char *const visible[] = {
	"/etc/resolv.conf",
	"/etc/hosts",
	CONFIGURATION,
	"/etc/host.conf",
	"/etc/gai.conf",
	"/etc/services",
	"/etc/protocols",
	"/etc/networks",
	"/etc/hostname",
	"/etc/machine-info",
	"/proc/sys/net/ipv6/conf/all/disable_ipv6", /* nss-myhostname */
	DEFAULT_CONFIGURATION,
	"/usr/etc/gai.conf",
	"/usr/etc/services",
	"/usr/etc/protocols",
	/* nss-mdns */
	"/etc/mdns.allow",
	/* nss-mymachines and nss-libvirt: names of containers and virtual machines */
	"/run/systemd/machines",
	"/var/lib/libvirt/dnsmasq",
};

/* --- modules of the name service -------------------------------------------------------- */

#ifdef ROSENPASS_STATIC

/*
 * Modules belong to the C library of the system, which may be another version than the one in a static
 * program: loading them crashes. In the sandbox getaddrinfo() cannot load them, and goes on without.
 */
static void load_modules(void)
{
}

#else

/* The module of glibc for one word of the configuration. */
static void load_module(const char *name, size_t length)
{
	char file[MODULE_BYTES];
	int written = snprintf(file, sizeof file, "libnss_%.*s.so.2", (int)length, name);

	/* It stays loaded, and getaddrinfo() finds it by its name. Without it, it asks the next one. */
	if (written > 0 && (size_t)written < sizeof file && memchr(name, '/', length) == NULL)
		(void)dlopen(file, RTLD_NOW);
}

/* The words after "hosts:"; what is in brackets says when the next one is asked. */
static void load_from_line(const char *at)
{
	while (*at != '\0') {
		size_t length = strcspn(at, BLANKS "[#");

		if (length > 0)
			load_module(at, length);
		at += length;
		if (*at == '#')
			return;
		if (*at == '[')
			at += strcspn(at, "]");
		if (*at != '\0')
			at++;
	}
}

/*
 * Modules are loaded while files can be read and mapped for execution. Afterwards neither is possible, so
 * that no code comes into the process any more.
 */
static void load_modules(void)
{
	static const char database[] = "hosts:";
	char line[LINE_BYTES];
	FILE *file = fopen(CONFIGURATION, "re");

	if (file == NULL)
		file = fopen(DEFAULT_CONFIGURATION, "re");
	if (file == NULL)
		return;
	while (fgets(line, sizeof line, file) != NULL) {
		const char *at = line + strspn(line, BLANKS);

		if (strncmp(at, database, sizeof database - 1) == 0)
			load_from_line(at + sizeof database - 1);
	}
	(void)fclose(file);
}

#endif

/* --- limits ----------------------------------------------------------------------------- */

/* A limit that is lower already stays. */
static void lower(struct rlimit *limit, rlim_t soft, rlim_t hard)
{
	if (limit->rlim_max > hard)
		limit->rlim_max = hard;
	if (limit->rlim_cur > soft)
		limit->rlim_cur = soft;
	if (limit->rlim_cur > limit->rlim_max)
		limit->rlim_cur = limit->rlim_max;
}

/* Bytes of address space that the process has by now; 0: not known. */
static rlim_t used_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%lu", &pages) != 1)
		pages = 0;
	(void)fclose(file);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void lower_limits(void)
{
	static const struct rlimit none = { 0, 0 };
	struct rlimit limit;
	rlim_t used = used_bytes();

	if (used > 0 && getrlimit(RLIMIT_AS, &limit) == 0) {
		lower(&limit, used + MEMORY_BYTES, used + MEMORY_BYTES);
		(void)setrlimit(RLIMIT_AS, &limit);
	}
	if (getrlimit(RLIMIT_CPU, &limit) == 0) {
		lower(&limit, CPU_SECONDS, CPU_SECONDS + 1);
		(void)setrlimit(RLIMIT_CPU, &limit);
	}
	(void)setrlimit(RLIMIT_CORE, &none);
}

static int change_user(const struct sandbox_user *user)
{
	if (!user->change)
		return 0;
	if (setgroups(0, NULL) != 0 || setresgid(user->gid, user->gid, user->gid) != 0 ||
	    setresuid(user->uid, user->uid, user->uid) != 0)
		return -errno;
	/* A success without effect would be worse than none. */
	return geteuid() == user->uid && getegid() == user->gid ? 0 : -EPERM;
}

int resolver_restrict(const struct sandbox_user *user)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	const struct sandbox_landlock_view view = {
		.paths = visible,
		.count = sizeof visible / sizeof visible[0],
		.tcp_port = DNS_PORT,
	};
	int result;

	lower_limits();
	result = change_user(user);
	if (result != 0)
		return result;
	/*
	 * The ambient set goes with the others. The bounding set counts for programs, which cannot be
	 * started.
	 */
	if (syscall(SYS_capset, &header, none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return -errno;
	/* A change of the user would undo this. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return -errno;
	load_modules();
	result = sandbox_landlock_restrict(&view);
	return result < 0 ? result : resolver_filter();
}

const char *resolver_lacks(void)
{
	if (!syscall_filter_is_supported())
		return "this system has no seccomp filter: a process that resolves names can do what its "
		       "user may";
	if (sandbox_landlock_abi() == 0)
		return "this system has no Landlock: a process that resolves names can read what its user "
		       "may, "
		       "keys among it";
	return NULL;
}
