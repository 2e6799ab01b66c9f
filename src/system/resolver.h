#ifndef ROSENPASS_SYSTEM_RESOLVER_H
#define ROSENPASS_SYSTEM_RESOLVER_H

/*
 * Names resolved in processes of their own: the C library's resolver blocks, may load modules and reads what
 * comes from the network. Such a process may do neither more nor longer than that.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "system/address.h"
#include "system/sandbox.h"

#define RESOLVER_ADDRESSES_MAX 16
#define RESOLVER_PROBLEM_BYTES 128
#define RESOLVER_TIMEOUT_SECONDS 30

struct resolver_job {
	pid_t pid; /* 0: no process */
	int fd;    /* readable when there is an answer or the process has ended; -1: nothing runs */
};

/* What the process says, once, in one piece. Either addresses or a problem. */
struct resolver_answer {
	uint32_t count;
	union address_socket addresses[RESOLVER_ADDRESSES_MAX];
	char problem[RESOLVER_PROBLEM_BYTES];
};

/* Other than RESOLVER_TIMEOUT_SECONDS, for what is started from now on. */
void resolver_set_timeout(unsigned seconds);

/*
 * Starts to resolve "HOST:PORT". 0 or negative errno. The process wipes the secrets that it has inherited,
 * closes every descriptor but its own, drops root and capabilities (user), and keeps what resolver_restrict()
 * leaves. The kernel ends it (SIGALRM) after RESOLVER_TIMEOUT_SECONDS and when its parent ends. SIGCHLD of it
 * may be ignored by the caller: resolver_finish() collects it.
 */
int resolver_start(struct resolver_job *job, const char *text, const struct sandbox_user *user)
	__attribute__((warn_unused_result));

/*
 * Ends the process of a job and waits for its end, but leaves its id taken: whatever has come from that id
 * came from this process, and nothing more will. resolver_finish() works as before.
 */
void resolver_stop(const struct resolver_job *job);

/*
 * Takes the answer of a job whose fd is readable and ends the process. 0 and addresses (each of a known
 * family and nothing beside: the process is not trusted); or -1 and a reason in English. The job is then
 * free again.
 */
int resolver_finish(struct resolver_job *job, union address_socket addresses[static RESOLVER_ADDRESSES_MAX],
                    size_t *count, char problem[static RESOLVER_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

/* Ends it without an answer. Does nothing when nothing runs. */
void resolver_cancel(struct resolver_job *job);

/* The part of resolver_finish() that judges the bytes of an answer; same results. */
int resolver_read_answer(const uint8_t *bytes, size_t length,
                         union address_socket addresses[static RESOLVER_ADDRESSES_MAX], size_t *count,
                         char problem[static RESOLVER_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/*
 * The part of resolver_start() in which the process gives up what it can do; there is no way back. It loads
 * the modules of the name service first. Left are the system calls of resolver_filter.h and, with Landlock,
 * the files that resolving reads, TCP to port 53 (ABI 4), and neither abstract sockets nor signals to others
 * (ABI 6). It ends with its parent. Without Landlock it reads what its user may. 0, or negative errno:
 * something failed that this kernel has.
 */
int resolver_restrict(const struct sandbox_user *user) __attribute__((warn_unused_result));

/*
 * Returns which of seccomp and Landlock the kernel lacks, and what a process can do therefore, in words for a
 * log; NULL: neither.
 */
const char *resolver_lacks(void);

#endif
