#include "system/entropy.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

int entropy_fill(void *context, uint8_t *out, size_t out_len)
{
	(void)context;
	while (out_len > 0) {
		ssize_t got = getrandom(out, out_len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		out += got;
		out_len -= (size_t)got;
	}
	return 0;
}
