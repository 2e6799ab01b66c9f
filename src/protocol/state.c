#include "protocol/state.h"

/* Beyond this no deadline could be added without wrapping; it is 292 years. */
#define LATEST_NS (UINT64_MAX / 2)
/* A greater step of the caller's clock is not believed at once: it is ten years. */
#define STEP_MAX_NS (10 * 365 * 86400 * ENGINE_SECOND_NS)
/* A clock that goes on for so long from a time that was not believed is believed. */
#define DOUBT_NS ENGINE_SECOND_NS

/*
 * One wrong reading, whatever it is, must neither stop the engine's time nor let years pass: no time passes
 * then, and the next right reading goes on from the last. But the caller's clock may really have another
 * origin now. That shows when it goes on from there, and then only the origin changes.
 */
void state_advance(struct rosenpass *engine, uint64_t now_ns)
{
	uint64_t step_ns = now_ns - engine->caller_ns;

	if (!engine->has_time) {
		engine->has_time = true;
		engine->caller_ns = now_ns;
		engine->now_ns = now_ns <= LATEST_NS / 2 ? now_ns : 0;
	} else if (now_ns >= engine->caller_ns && step_ns <= STEP_MAX_NS) {
		engine->caller_ns = now_ns;
		engine->has_doubt = false;
		if (step_ns <= LATEST_NS - engine->now_ns)
			engine->now_ns += step_ns;
	} else if (!engine->has_doubt || now_ns < engine->doubt_ns ||
	           now_ns - engine->doubt_ns > STEP_MAX_NS) {
		engine->has_doubt = true;
		engine->doubt_ns = now_ns;
	} else if (now_ns - engine->doubt_ns >= DOUBT_NS) {
		engine->has_doubt = false;
		engine->caller_ns = now_ns;
	}
	if (engine->load_until_ns <= engine->now_ns)
		engine->load_until_ns = 0;
}

uint64_t state_caller_time(const struct rosenpass *engine, uint64_t time_ns)
{
	uint64_t ago_ns = engine->now_ns - time_ns;

	if (time_ns == ROSENPASS_NEVER)
		return ROSENPASS_NEVER;
	if (time_ns >= engine->now_ns)
		return engine->caller_ns + (time_ns - engine->now_ns);
	return ago_ns < engine->caller_ns ? engine->caller_ns - ago_ns : 0;
}

uint64_t state_deadline(const struct rosenpass *engine, uint64_t time_ns)
{
	uint64_t deadline = state_caller_time(engine, time_ns);

	/* Where the clock went back, the caller would wait for the time of before. */
	if (engine->has_doubt && engine->doubt_ns < engine->caller_ns &&
	    engine->doubt_ns + DOUBT_NS < deadline)
		deadline = engine->doubt_ns + DOUBT_NS;
	return deadline;
}

uint64_t state_clock_ns(const struct rosenpass *engine)
{
	return engine->clock == NULL ? 0 : engine->clock(engine->clock_context);
}

int state_fill_random(void *context, uint8_t *out, size_t out_len)
{
	struct rosenpass *engine = context;
	int result = engine->caller_random.fill(engine->caller_random.context, out, out_len);

	engine->stats.random_failing = result != 0;
	if (result != 0)
		engine->stats.random_failures++;
	return result;
}
