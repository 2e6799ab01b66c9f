#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void fuzz_fail(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: broken: %s\n", file, line, condition);
	abort();
}

uint8_t fuzz_byte(struct fuzz_input *input)
{
	uint8_t byte = 0;

	fuzz_bytes(input, &byte, 1);
	return byte;
}

uint16_t fuzz_two_bytes(struct fuzz_input *input)
{
	uint8_t low = fuzz_byte(input);

	return (uint16_t)(low | fuzz_byte(input) << 8);
}

void fuzz_bytes(struct fuzz_input *input, uint8_t *out, size_t out_len)
{
	size_t there = out_len < input->left ? out_len : input->left;

	if (there > 0)
		memcpy(out, input->at, there);
	memset(out + there, 0, out_len - there);
	input->at += there;
	input->left -= there;
}
