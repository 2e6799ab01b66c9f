/*
 * Two deliberate faults for tests/ct/branches.sh, which must find both for every CPU and compiler: a branch
 * on a secret bit that skips a call, and one that skips a store. Nothing else uses this file.
 */

#include <stdint.h>

void ct_fault_visit(uint64_t x);
void ct_fault_branch(const uint64_t *secret);
void ct_fault_return(const uint64_t *secret, uint64_t *out);

/* A call, because a conditional move could not do it. */
void ct_fault_branch(const uint64_t *secret)
{
	if (*secret & 1)
		ct_fault_visit(*secret);
	ct_fault_visit(2);
}

/* Some CPUs have conditional returns and conditional stores. */
void ct_fault_return(const uint64_t *secret, uint64_t *out)
{
	if (*secret & 1)
		return;
	*out = 1;
}
