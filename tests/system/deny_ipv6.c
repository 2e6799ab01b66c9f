/* usage: deny_ipv6 PROGRAM [ARGUMENT]...  Runs a program on a kernel without IPv6, as far as it can tell. */

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **words)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (count < 2 || filter == NULL ||
	    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
	                     SCMP_A0_32(SCMP_CMP_EQ, AF_INET6)) != 0 ||
	    /* As root, new programs keep their rights, which rp needs to start one. */
	    seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, geteuid() != 0) != 0 || seccomp_load(filter) != 0) {
		(void)fprintf(stderr, "deny_ipv6: it cannot be denied here\n");
		return 77;
	}
	seccomp_release(filter);
	(void)execvp(words[1], words + 1);
	(void)fprintf(stderr, "deny_ipv6: %s: %s\n", words[1], strerror(errno));
	return 127;
}
