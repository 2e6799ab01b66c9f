#include "protocol/state.h"

/* Beyond this no deadline could be added without wrapping; it is 292 years. */
#define LATEST_NS (UINT64_MAX / 2)

void state_advance(struct rosenpass *engine, uint64_t now_ns)
{
	if (now_ns > LATEST_NS)
		now_ns = LATEST_NS;
	if (now_ns > engine->now_ns)
		engine->now_ns = now_ns;
	if (engine->load_until_ns <= engine->now_ns)
		engine->load_until_ns = 0;
}

uint64_t state_clock_ns(const struct rosenpass *engine)
{
	return engine->clock == NULL ? 0 : engine->clock(engine->clock_context);
}
