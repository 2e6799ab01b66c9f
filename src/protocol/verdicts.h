#ifndef ROSENPASS_PROTOCOL_VERDICTS_H
#define ROSENPASS_PROTOCOL_VERDICTS_H

/* Verdicts leave room for new ones. Where there is one of something for each, these are the indexes. */

#include <stddef.h>

#include "rosenpass.h"

#define VERDICT_WITH_EFFECT_COUNT (ROSENPASS_CROSSED + 1)
#define VERDICT_INDEX_COUNT (VERDICT_WITH_EFFECT_COUNT + ROSENPASS_DROPPED_FAILURE - ROSENPASS_DROPPED + 1)

/* Returns an index below VERDICT_INDEX_COUNT, or VERDICT_INDEX_COUNT for a value that is no verdict. */
static inline size_t verdict_index(enum rosenpass_verdict verdict)
{
	unsigned value = (unsigned)verdict;

	if (value < VERDICT_WITH_EFFECT_COUNT)
		return value;
	if (value >= ROSENPASS_DROPPED && value <= ROSENPASS_DROPPED_FAILURE)
		return VERDICT_WITH_EFFECT_COUNT + value - ROSENPASS_DROPPED;
	return VERDICT_INDEX_COUNT;
}

/* The inverse: the verdict of an index below VERDICT_INDEX_COUNT. */
static inline enum rosenpass_verdict verdict_at(size_t index)
{
	if (index < VERDICT_WITH_EFFECT_COUNT)
		return (enum rosenpass_verdict)index;
	return (enum rosenpass_verdict)(index - VERDICT_WITH_EFFECT_COUNT + ROSENPASS_DROPPED);
}

#endif
