/*
 * usage: vary_keys KEY COUNT FOLDER
 *
 * Makes COUNT public keys, FOLDER/1 and so on, no two of which are the same, out of one. Every sequence of
 * bytes of the right length is a public key; nobody has the secret keys that belong to these.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_BYTES 524160

static int copy(const uint8_t *key, const char *folder, unsigned long number)
{
	char path[4096];
	ssize_t written;
	int fd;

	(void)snprintf(path, sizeof path, "%s/%lu", folder, number);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		perror(path);
		return -1;
	}
	written = write(fd, key, KEY_BYTES);
	if (close(fd) != 0 || written != KEY_BYTES) {
		perror(path);
		return -1;
	}
	return 0;
}

int main(int count, char **words)
{
	static uint8_t key[KEY_BYTES];
	unsigned long keys = count == 4 ? strtoul(words[2], NULL, 10) : 0;
	int fd = keys == 0 ? -1 : open(words[1], O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, key, sizeof key) != KEY_BYTES) {
		(void)fprintf(stderr, "usage: vary_keys KEY COUNT FOLDER\n");
		return EXIT_FAILURE;
	}
	(void)close(fd);
	for (unsigned long i = 1; i <= keys; i++) {
		uint64_t number = i;

		/* At the start, as keys made by chance differ there too. */
		memcpy(key, &number, sizeof number);
		if (copy(key, words[3], i) != 0)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
