#include "engine/parts.h"

#include "system/clock.h"
#include "system/log.h"

#define DATAGRAMS "lines about datagrams"

bool engine_datagram_log_allows(struct engine_process *process)
{
	return log_limit_take(&process->datagram_lines, LOG_TRACE, DATAGRAMS, clock_now_ns());
}

void engine_datagram_log_flush(struct engine_process *process, uint64_t now_ns)
{
	log_limit_flush(&process->datagram_lines, LOG_TRACE, DATAGRAMS, now_ns);
}

uint64_t engine_datagram_log_deadline(const struct engine_process *process)
{
	return log_limit_deadline(&process->datagram_lines);
}
