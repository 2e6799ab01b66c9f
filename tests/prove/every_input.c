/*
 * The Montgomery reductions of kyber512_reduce.h for every input of the ranges that the transform gives
 * them: r lies in (-q, q), and r * R = input modulo q. This is what prove_kyber512_reduce.c leaves open.
 */

#include <stdint.h>
#include <stdio.h>

#include "crypto/kyber512_reduce.h"

#define MONTGOMERY_LIMIT (KYBER512_Q * 32768)

static int is_right(int32_t input, int16_t r)
{
	return r > -KYBER512_Q && r < KYBER512_Q && (input - r * 65536) % KYBER512_Q == 0;
}

int main(void)
{
	int passed = 0;
	int64_t wrong = 0;

	for (int32_t a = -MONTGOMERY_LIMIT + 1; a < MONTGOMERY_LIMIT; a++)
		wrong += !is_right(a, kyber512_montgomery(a));
	printf("montgomery: %lld wrong\n", (long long)wrong);
	passed += wrong == 0;

	/* The product is in the range that was just looked at, so that the other reduction is right there. */
	wrong = 0;
	for (int32_t b = -KYBER512_Q + 1; b < KYBER512_Q; b++) {
		for (int32_t a = INT16_MIN; a <= INT16_MAX; a++)
			wrong += kyber512_multiply((int16_t)a, (int16_t)b) != kyber512_montgomery(a * b);
	}
	printf("multiply: %lld wrong\n", (long long)wrong);
	passed += wrong == 0;

	printf("%d passed, %d failed\n", passed, 2 - passed);
	return passed == 2 ? 0 : 1;
}
