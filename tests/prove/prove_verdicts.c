/* The indexes of verdicts. */

#include "protocol/verdicts.h"
#include "prove.h"

/*
 * prove: verdict_index_fits unwind=1
 * fault: src/protocol/verdicts.h
 *     s/value < VERDICT_WITH_EFFECT_COUNT/value <= VERDICT_WITH_EFFECT_COUNT/
 *
 * Every verdict has an index of its own within the table.
 *
 * Every value as a verdict has an index up to VERDICT_INDEX_COUNT, and every index below names one verdict
 * that has this index.
 */
PROOF(verdict_index_fits)
{
	uint32_t value = nondet_u32();
	size_t index = nondet_size();

	CHECK(verdict_index((enum rosenpass_verdict)value) <= VERDICT_INDEX_COUNT);
	CHECK(verdict_index((enum rosenpass_verdict)value) == VERDICT_INDEX_COUNT ||
	      (uint32_t)verdict_at(verdict_index((enum rosenpass_verdict)value)) == value);
	if (index < VERDICT_INDEX_COUNT)
		CHECK(verdict_index(verdict_at(index)) == index);
}
