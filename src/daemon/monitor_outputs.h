#ifndef ROSENPASS_DAEMON_MONITOR_OUTPUTS_H
#define ROSENPASS_DAEMON_MONITOR_OUTPUTS_H

/* The second half of monitor_parts.h, which includes this: where keys go, and what must not be there. */

#include "daemon/monitor_parts.h"
#include "delivery/device_plan.h"

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

/* A sink with a random key until there is another one. */
extern const struct sink_ops monitor_wireguard_sink;
/* Addresses or routes have changed: the name of its endpoint is resolved again. */
void monitor_wireguard_network_changed(const struct peer *peer);
/*
 * Whether the peer's preshared key in the device is left as it is, because there was no exchange yet and the
 * configuration says so.
 */
bool monitor_wireguard_is_left(const struct monitor *monitor, const struct peer *peer,
                               const struct monitor_wireguard *wireguard);
/* Where WireGuard should send to. false: there is no such wish, or it is not known yet. */
bool monitor_wireguard_endpoint(const struct peer *peer, const struct monitor_wireguard *wireguard,
                                union address_socket *out);
/* What is wanted of the output's peer of the device now, except for has_session. */
void monitor_wireguard_target(struct device_target *target, const struct monitor *monitor,
                              const struct peer *peer, const struct monitor_wireguard *wireguard,
                              uint64_t now_ns);
/* The output of a peer that goes to WireGuard; NULL: none. */
struct monitor_wireguard *monitor_wireguard_of(const struct peer *peer);

/*
 * monitor_mark.c: the mark (fwmark) of our sockets, which is that of the WireGuard devices unless the
 * configuration says otherwise. Of several marks, that of a device with a full tunnel goes before the others.
 */

/* Reads the marks of the devices that these peers name, before anything is sent. */
void monitor_mark_start(struct monitor *monitor);
/* Gives all sockets the mark that they should carry now. */
void monitor_mark_update(struct monitor *monitor);
/* Gives a new socket the present mark. */
void monitor_mark_socket(struct monitor *monitor, int fd);
/*
 * monitor_tunnel.c: tunnels of WireGuard come up with the first key, and a new key is asked for when one of
 * them falls silent.
 */

/* An exchange has given the peer a key, which is on its way. is_first: the key before was a random one. */
void monitor_tunnel_key(struct peer *peer, bool is_first, uint64_t now_ns);
/* The device was reconciled: the engine process may tell the peer about the key. */
void monitor_tunnel_confirm(struct monitor_wireguard *wireguard);
/* The device holds the peer's key. Returns when to look again; MONITOR_NEVER: at any time. */
uint64_t monitor_tunnel_look(struct monitor_wireguard *wireguard, const struct device_view *view);

#endif
