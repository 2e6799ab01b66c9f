#include "daemon/engine_parts.h"

#include "system/clock.h"

/*
 * Cookies cost a stranger's first handshake one more round trip, so they are asked for only when this
 * process can hardly keep up: it worked for more than nine tenths of a second. They stay until it has had
 * three tenths to spare for five seconds in a row; else the cookies' own relief would switch them off at
 * once.
 */
#define WINDOW_NS CLOCK_SECOND_NS
#define ON_PERMILLE 900
#define OFF_PERMILLE 700
#define CALM_WINDOWS 5
/*
 * InitHellos a second that a cookie is demanded of: without it they would be a quarter of the work there
 * can be.
 */
#define TURNED_AWAY_MAX 50

void engine_load_start(struct engine_load *load, uint64_t now_ns)
{
	*load = (struct engine_load){ .window_ns = now_ns };
}

static bool judge(struct engine_load *load, uint64_t now_ns, bool is_pressed)
{
	if (load->busy_permille > ON_PERMILLE) {
		load->calm = 0;
		if (load->since_ns == 0)
			load->since_ns = now_ns;
	} else if (load->busy_permille > OFF_PERMILLE || is_pressed) {
		load->calm = 0;
	} else if (load->since_ns != 0 && ++load->calm >= CALM_WINDOWS) {
		load->since_ns = 0;
		load->calm = 0;
	}
	return load->since_ns != 0;
}

bool engine_load_worked(struct engine_load *load, uint64_t from_ns, uint64_t to_ns, uint64_t turned_away,
                        bool *under_load)
{
	bool is_pressed;
	uint64_t passed_ns = to_ns > load->window_ns ? to_ns - load->window_ns : 0;

	load->busy_ns += to_ns > from_ns ? to_ns - from_ns : 0;
	if (passed_ns < WINDOW_NS)
		return false;
	if (load->busy_ns > passed_ns)
		load->busy_ns = passed_ns;
	/* After a long sleep the quotient is small however large the numbers are. */
	load->busy_permille = (uint32_t)(load->busy_ns / (passed_ns / 1000));
	if (load->busy_permille > 1000)
		load->busy_permille = 1000;
	/* Seconds that were slept through in one piece were calm ones. */
	if (passed_ns >= CALM_WINDOWS * WINDOW_NS)
		load->calm = CALM_WINDOWS;
	is_pressed = (turned_away - load->turned_away) / (passed_ns / WINDOW_NS) > TURNED_AWAY_MAX;
	load->turned_away = turned_away;
	*under_load = judge(load, to_ns, is_pressed);
	load->window_ns = to_ns;
	load->busy_ns = 0;
	return true;
}
