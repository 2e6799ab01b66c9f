#include "crypto/random.h"

#include "crypto/ct.h"

int random_bytes(const struct random_source *source, uint8_t *out, size_t out_len)
{
	if (source->fill(source->context, out, out_len) != 0) {
		ct_wipe(out, out_len);
		return -1;
	}
	ct_secret(out, out_len);
	return 0;
}
