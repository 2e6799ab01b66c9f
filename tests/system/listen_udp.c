/* usage: listen_udp PORT: prints datagrams to that UDP port of 127.0.0.1, a line each, until killed. */

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char text[2048];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (argc != 2) {
		(void)fprintf(stderr, "usage: listen_udp PORT\n");
		return 2;
	}
	address.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		perror("listen_udp");
		return 1;
	}
	for (;;) {
		ssize_t got = recv(fd, text, sizeof text, 0);

		if (got < 0)
			return 1;
		(void)printf("%.*s\n", (int)got, text);
		(void)fflush(stdout);
	}
}
