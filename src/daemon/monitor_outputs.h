#ifndef ROSENPASS_DAEMON_MONITOR_OUTPUTS_H
#define ROSENPASS_DAEMON_MONITOR_OUTPUTS_H

/* The second half of monitor_parts.h, which includes this: where keys go, and what must not be there. */

#include "daemon/monitor_parts.h"

/* monitor_plan.c: which files are used by whom. */

/*
 * Looks whether a key may go to a file as it is now, at the moment of writing. peer: whose outfile it is;
 * NULL: no peer's any more, and it may be one of another peer. 0, and what was looked at, to be released; -1
 * and problem.
 */
int monitor_claims_check(struct monitor *monitor, struct peer *peer, const char *path,
                         struct file_identity *judged, char problem[static MONITOR_PROBLEM_BYTES])
	__attribute__((warn_unused_result));
/* The peer whose outfile that is, as it is now; NULL: none. */
const struct peer *monitor_claims_writer(struct monitor *monitor, const char *path);

/* monitor_delivery.c: what the deliveries of peers need of us. */

/* Prepares everything that deliveries share. -ENOMEM. */
int monitor_delivery_open(struct monitor *monitor) __attribute__((warn_unused_result));
/* No peer is left. Keys that are still in files which peers have left are replaced now. */
void monitor_delivery_close(struct monitor *monitor);

/* monitor_wireguard.c: outputs that go to WireGuard. */

extern const struct sink_wireguard_events monitor_wireguard_events;
/* The output of a peer that goes to WireGuard; NULL: none. */
struct sink *monitor_wireguard_of(const struct peer *peer);

#endif
