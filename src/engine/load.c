#include "engine/parts.h"

#include "system/clock.h"
#include "system/log.h"

#define WINDOW_NS CLOCK_SECOND_NS

void engine_load_start(struct engine_load *load, uint64_t now_ns)
{
	*load = (struct engine_load){ .window_ns = now_ns };
}

void engine_load_worked(struct engine_load *load, uint64_t from_ns, uint64_t to_ns)
{
	load->busy_ns += to_ns > from_ns ? to_ns - from_ns : 0;
}

static void end_window(struct engine_load *load, uint64_t now_ns, uint64_t passed_ns)
{
	if (load->busy_ns > passed_ns)
		load->busy_ns = passed_ns;
	/* After a long sleep the quotient is small however large the numbers are. */
	load->busy_permille = (uint32_t)(load->busy_ns / (passed_ns / 1000));
	if (load->busy_permille > 1000)
		load->busy_permille = 1000;
	load->window_ns = now_ns;
	load->busy_ns = 0;
}

void engine_load_look(struct engine_load *load, bool under_load, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns > load->window_ns ? now_ns - load->window_ns : 0;

	if (passed_ns >= WINDOW_NS)
		end_window(load, now_ns, passed_ns);
	if (!under_load)
		load->since_ns = 0;
	else if (load->since_ns == 0)
		load->since_ns = now_ns;
}

void engine_load_random(struct engine_load *load, bool is_failing)
{
	if (is_failing && !load->random_failing)
		log_error("the system's random source fails: no handshake begins until it works again");
	else if (!is_failing && load->random_failing)
		log_info("the system's random source works again");
	load->random_failing = is_failing;
}
