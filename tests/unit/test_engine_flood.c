/* The engine beside floods: what they may cost, and who still gets through. */

#include "engine_steps.h"

int main(void)
{
	return 0;
}
