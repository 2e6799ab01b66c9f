/*
 * usage: find_bytes PID FILE OFFSET LENGTH find_bytes --hold FILE
 *
 * Looks for LENGTH bytes, which stand in FILE at OFFSET, in all memory of a process that can be read (as
 * root). Prints how many places and bytes were looked through. Exit status: 0 they are nowhere, 1 they are
 * somewhere (and where), 2 it could not be looked.
 *
 * With --hold: a process that has the file in its memory and waits, to see that this program finds what is
 * there.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LENGTH_MAX 4096
#define PIECE_BYTES ((size_t)1 << 20)

struct search {
	int memory;
	uint8_t needle[LENGTH_MAX];
	size_t length;
	uint8_t *piece; /* PIECE_BYTES, and LENGTH_MAX of the one before */
	uint64_t bytes, regions, unreadable, found;
};

static int read_needle(struct search *search, const char *path, const char *offset, const char *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	search->length = strtoul(length, NULL, 10);
	if (fd >= 0 && search->length > 0 && search->length <= LENGTH_MAX)
		got = pread(fd, search->needle, search->length, (off_t)strtoul(offset, NULL, 10));
	if (fd >= 0)
		(void)close(fd);
	return got == (ssize_t)search->length ? 0 : -1;
}

static void look_through(struct search *search, uint64_t from, uint64_t to, const char *region)
{
	size_t kept = 0;

	search->regions++;
	while (from < to) {
		size_t wanted = to - from < PIECE_BYTES ? (size_t)(to - from) : PIECE_BYTES;
		ssize_t got = pread(search->memory, search->piece + kept, wanted, (off_t)from);
		const uint8_t *at = search->piece;
		size_t have;

		if (got <= 0) {
			/* Guard pages, devices, and memory that even root cannot read. */
			search->unreadable++;
			return;
		}
		have = kept + (size_t)got;
		search->bytes += (uint64_t)got;
		from += (uint64_t)got;
		while ((at = memmem(at, have - (size_t)(at - search->piece), search->needle,
		                    search->length)) != NULL) {
			search->found++;
			printf("found at %" PRIx64 " in %s", from - have + (uint64_t)(at - search->piece),
			       region);
			at++;
		}
		kept = have < search->length ? have : search->length - 1;
		memmove(search->piece, search->piece + have - kept, kept);
	}
}

static int look(struct search *search, const char *pid)
{
	char path[64];
	char region[512];
	FILE *maps;

	(void)snprintf(path, sizeof path, "/proc/%s/mem", pid);
	search->memory = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof path, "/proc/%s/maps", pid);
	maps = fopen(path, "re");
	if (search->memory < 0 || maps == NULL) {
		(void)fprintf(stderr, "find_bytes: process %s: %s\n", pid, strerror(errno));
		return -1;
	}
	while (fgets(region, sizeof region, maps) != NULL) {
		uint64_t from;
		uint64_t to;
		char readable;

		if (sscanf(region, "%" SCNx64 "-%" SCNx64 " %c", &from, &to, &readable) == 3 &&
		    readable == 'r' && from < INT64_MAX)
			look_through(search, from, to, region);
	}
	(void)fclose(maps);
	(void)close(search->memory);
	return 0;
}

/* The bytes stay in memory that the compiler cannot do without. */
static int hold(const char *path)
{
	static volatile uint8_t bytes[1 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, (void *)(uintptr_t)bytes, sizeof bytes);

	if (got <= 0)
		return 2;
	puts("holding");
	(void)fflush(stdout);
	(void)pause();
	return bytes[0] == 0 ? 0 : 1;
}

int main(int count, char **words)
{
	static struct search search;

	if (count == 3 && strcmp(words[1], "--hold") == 0)
		return hold(words[2]);
	search.piece = malloc(PIECE_BYTES + LENGTH_MAX);
	if (count != 5 || search.piece == NULL || read_needle(&search, words[2], words[3], words[4]) != 0) {
		(void)fprintf(stderr, "usage: find_bytes PID FILE OFFSET LENGTH\n");
		return 2;
	}
	if (look(&search, words[1]) != 0)
		return 2;
	free(search.piece);
	printf("%" PRIu64 " places, %" PRIu64 " bytes, %" PRIu64 " not readable, %" PRIu64 " times found\n",
	       search.regions, search.bytes, search.unreadable, search.found);
	if (search.bytes == 0)
		return 2;
	return search.found == 0 ? 0 : 1;
}
