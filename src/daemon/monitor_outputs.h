#ifndef ROSENPASS_DAEMON_MONITOR_OUTPUTS_H
#define ROSENPASS_DAEMON_MONITOR_OUTPUTS_H

/* The second half of monitor_parts.h, which includes this: where keys go, and what must not be there. */

#include "daemon/monitor_parts.h"

/*
 * monitor_claims.c: files and names that are used twice, where that would do harm. Each puts claims into a
 * list; -1 and problem: one is taken. What was claimed by then stays in the list.
 */

/* Our own files and key (NULL: it could not be read), and the control socket of a daemon of that name. */
int monitor_claims_own(struct claims *claims, struct claim **list, const struct config *config,
                       const struct monitor_options *options, const char *name, const uint8_t *public_key,
                       char problem[static MONITOR_PROBLEM_BYTES]) __attribute__((warn_unused_result));
/* What a staged peer uses. */
int monitor_claims_staged(struct claims *claims, struct monitor_staged *staged, bool from_file,
                          char problem[static MONITOR_PROBLEM_BYTES]) __attribute__((warn_unused_result));
/* The same of a peer that runs. */
int monitor_claims_running(struct claims *claims, struct claim **list, const struct monitor_peer *peer,
                           char problem[static MONITOR_PROBLEM_BYTES]) __attribute__((warn_unused_result));
/* A file that a key is written to. */
struct monitor_file {
	const char *label; /* of the peer whose key it is */
	const char *path;
	const struct file_output *how;
	struct claim
		*claims; /* of the peer whose outfile it is; NULL: it is no outfile of that peer any more */
};
/*
 * At the moment of writing: whether a key may go to the file as it is now. A file that is no outfile any more
 * may be one of another peer. 0, and what was looked at, to be released; -1 and problem.
 */
int monitor_claims_check(struct monitor *monitor, const struct monitor_file *file,
                         struct file_identity *judged, char problem[static MONITOR_PROBLEM_BYTES])
	__attribute__((warn_unused_result));
/* The peer whose outfile that is, as it is now; NULL: none. */
const struct monitor_peer *monitor_claims_writer(struct monitor *monitor, const char *path);

/* monitor_files.c: files that keys go to. */

/* What a peer's key_out becomes where it is not there. -1 and problem: there is no such group. */
int monitor_files_new(struct file_output *how, const struct config_peer *config,
                      char problem[static MONITOR_PROBLEM_BYTES]) __attribute__((warn_unused_result));
/* Whether keys can be written there, as it is now. -1 and problem, which does not name the file. */
int monitor_files_check(const struct config_peer *config, const struct file_output *how,
                        char problem[static MONITOR_PROBLEM_BYTES]) __attribute__((warn_unused_result));
/* Warns of a file that is there already, and is not as the settings have it or open to everybody. */
void monitor_files_warn(const char *label, const struct config_peer *config, const struct file_output *how);
/*
 * Writes a key to a file. 0; or negative errno and problem. -EEXIST: the file may not be written to, as it is
 * used for something else.
 */
int monitor_files_write(struct monitor *monitor, const struct monitor_file *file, const uint8_t *key,
                        char problem[static MONITOR_PROBLEM_BYTES]) __attribute__((warn_unused_result));
/* Removes what killed processes have left beside these files. */
void monitor_files_sweep(const struct monitor_staged *staged, size_t count);

/* monitor_delivery.c */
/* -ENOMEM, or -EIO: no random bytes. */
int monitor_delivery_init(struct monitor *monitor, struct monitor_peer *peer)
	__attribute__((warn_unused_result));
/* Frees what the outputs have. */
void monitor_delivery_release(struct monitor *monitor, struct monitor_peer *peer);
/* Takes a new key (key NULL: a random one) to all outputs. */
void monitor_delivery_start(struct monitor *monitor, struct monitor_peer *peer, const uint8_t *key,
                            const char *reason, uint64_t now_ns);
/* Retries of files that are due. The next time that something is due. */
uint64_t monitor_delivery_serve(struct monitor *monitor, struct monitor_peer *peer, uint64_t now_ns);
/* What people call it. */
const char *monitor_delivery_kind(const struct monitor_output *output);
/* An output has the present key. is_news: somebody was told that it had not. */
void monitor_delivery_succeeded(struct monitor_peer *peer, struct monitor_output *output, uint64_t now_ns,
                                bool is_news);
/* A WireGuard output has not got it. is_news: nobody has said so yet. */
void monitor_delivery_failed(struct monitor_peer *peer, struct monitor_output *output, const char *problem,
                             uint64_t now_ns, bool is_news);
/* Says in the log and in the status if the file of a peer cannot be written, before there is a key. */
void monitor_delivery_look(struct monitor_peer *peer, uint64_t now_ns);
/* Whether every output has what it should. */
bool monitor_delivery_is_done(const struct monitor_peer *peer);
/*
 * Another configuration, which is the peer's already; old is what it was. Outputs with the same target go
 * on as they are, new ones get a key that is still on its way, and a file that is no longer an output gets
 * a random one.
 */
void monitor_delivery_change(struct monitor *monitor, struct monitor_peer *peer,
                             const struct config_peer *old, uint64_t now_ns);
/* The peer is removed: leaves each output with a random key in place of the last one, and releases them. */
void monitor_delivery_retire(struct monitor *monitor, struct monitor_peer *peer, uint64_t now_ns);
/* A file or command has not got the key: it is tried again, after waits from first_ns to most_ns. */
void monitor_delivery_retry(struct monitor_peer *peer, struct monitor_output *output, const char *target,
                            const char *problem, uint64_t now_ns, uint64_t first_ns, uint64_t most_ns);
/* The output is being worked on; one that failed counts as failing until it works. */
void monitor_delivery_waits(struct monitor_output *output, uint64_t now_ns);
/* Writes a line to standard output. */
void monitor_delivery_say(struct monitor *monitor, const char *line);

/*
 * monitor_hooks.c: the programs of exchange_command. A hook is a target: the words and the peer that they are
 * called for. Of each, one program runs at a time, with the newest key; calls are started in the order in
 * which they became due, and a program that hangs keeps no other hook waiting for more than a few seconds.
 */

/* The hook of a peer, whose configuration has the words; NULL: no memory. */
struct monitor_hook *monitor_hooks_create(struct monitor *monitor, struct monitor_peer *peer);
/* The peer has a new key: the program is started when it is its turn. */
void monitor_hooks_deliver(struct monitor *monitor, struct monitor_hook *hook);
/*
 * Takes the hook from its peer. key NULL: a program that runs may end its work, and none is started any more;
 * else the command is called with that random key as "stale". Before it has been tried no hook with the same
 * target is started.
 */
void monitor_hooks_leave(struct monitor *monitor, struct monitor_hook *hook, const struct config_words *words,
                         const uint8_t *key);
/* Starts what is due, collects what has ended, ends what hangs. The next time that something is due. */
uint64_t monitor_hooks_serve(struct monitor *monitor, uint64_t now_ns);
/*
 * The daemon stops: calls that are due are still made, and programs may end their work for a while; at_once:
 * they are ended.
 */
void monitor_hooks_stop(struct monitor *monitor, uint64_t now_ns, bool at_once);
/* Whether a program runs or waits for its turn. */
bool monitor_hooks_are_busy(const struct monitor *monitor, uint64_t now_ns);
void monitor_hooks_each_left(const struct monitor *monitor,
                             void (*tell)(void *context, const struct monitor_left *left), void *context);
/* A program that runs is left alone. hook may be NULL. */
void monitor_hooks_release(struct monitor *monitor, struct monitor_hook *hook);
void monitor_hooks_release_all(struct monitor *monitor);

/* monitor_erase.c: files that a peer has left. A random key replaces the last one, however long it takes. */

/*
 * Replaces the key in a file that is no outfile of its peer any more, now or when that works. Then line,
 * which it takes over (NULL: none), goes to standard output. A file that has the key of another peer already
 * is left alone, and so is one that is read for something else by now.
 */
void monitor_erase_file(struct monitor *monitor, const struct monitor_file *file, char *line,
                        const uint8_t *key, uint64_t now_ns);
/* Tries again. The next time that something is due. */
uint64_t monitor_erase_serve(struct monitor *monitor, uint64_t now_ns);
/* A new key is in that file. */
void monitor_erase_replaced(struct monitor *monitor, const char *path);
/* What status says of a file that still has the key of a peer that has left it; NULL: it has none. */
const char *monitor_erase_problem(const struct monitor *monitor, const char *path);
void monitor_erase_each_left(const struct monitor *monitor,
                             void (*tell)(void *context, const struct monitor_left *left), void *context);
/* Tries a last time. */
void monitor_erase_release_all(struct monitor *monitor);

/* monitor_wireguard.c: outputs that go to WireGuard. */

/* An output with a random key; NULL: no memory, or no random bytes. */
struct monitor_wireguard *monitor_wireguard_create(const struct config_peer *config);
void monitor_wireguard_release(struct monitor_wireguard *wireguard);
/* Other extra parameters for the same peer of the same device. */
int monitor_wireguard_change(struct monitor_wireguard *wireguard, const struct config_peer *config)
	__attribute__((warn_unused_result));
void monitor_wireguard_take_key(struct monitor_wireguard *wireguard, const uint8_t *key, bool is_exchanged);
/* Whether the name of its endpoint has to be resolved for itself. */
bool monitor_wireguard_needs_name(const struct monitor_peer *peer, const struct monitor_wireguard *wireguard);
/*
 * Whether the peer's preshared key in the device is left as it is, because there was no exchange yet and the
 * configuration says so.
 */
bool monitor_wireguard_is_left(const struct monitor *monitor, const struct monitor_peer *peer,
                               const struct monitor_wireguard *wireguard);
/* Where WireGuard should send to. false: there is no such wish, or it is not known yet. */
bool monitor_wireguard_endpoint(const struct monitor_peer *peer, const struct monitor_wireguard *wireguard,
                                union address_socket *out);
/*
 * Whether the device should send elsewhere than to present, its endpoint for the peer: then *endpoint is
 * where. An endpoint that works is WireGuard's own business.
 */
bool monitor_wireguard_needs_endpoint(const struct monitor_peer *peer,
                                      const struct monitor_wireguard *wireguard,
                                      const union address_socket *present, union address_socket *endpoint);
/* The output of a peer that goes to WireGuard; NULL: none. */
struct monitor_output *monitor_wireguard_output(struct monitor_peer *peer);

/*
 * monitor_device.c: WireGuard's devices. One is read when there is a new key, when interfaces come or go, and
 * every 15 seconds; whatever is not as it should be is set, read again and compared.
 */

/* Looks at that device from now on. -ENOMEM: nobody does. */
int monitor_device_know(struct monitor *monitor, const char *device) __attribute__((warn_unused_result));
/* Looks at it then, and not earlier unless there is another reason. */
void monitor_device_look_after(struct monitor *monitor, const char *device, uint64_t at_ns);
/* Looks at it as soon as possible. */
void monitor_device_look(struct monitor *monitor, const char *device);
/* Interfaces have changed: looks at all devices, now and soon again. */
void monitor_device_network_changed(struct monitor *monitor, uint64_t now_ns);
/* Looks at the devices whose time has come. The next time that something is due. */
uint64_t monitor_device_serve(struct monitor *monitor, uint64_t now_ns);
void monitor_device_release_all(struct monitor *monitor);

/* monitor_orphans.c: peers of WireGuard devices that our peers have left, and that still have our keys. */

/* config: of the peer up to now, whose WireGuard peer is not ours any more: its key is replaced. */
void monitor_orphans_add(struct monitor *monitor, const struct monitor_peer *peer,
                         const struct config_peer *config, uint64_t now_ns);
void monitor_orphans_each_left(const struct monitor *monitor,
                               void (*tell)(void *context, const struct monitor_left *left), void *context);
/* Forgets the i-th. */
void monitor_orphans_drop(struct monitor *monitor, size_t i);
void monitor_orphans_release_all(struct monitor *monitor);

/*
 * monitor_mark.c: the mark (fwmark) of our sockets, which is that of the WireGuard devices unless the
 * configuration says otherwise. Of several marks, that of a device with a full tunnel goes before the others.
 */

/* Reads the marks of the devices that these peers name, before anything is sent. */
void monitor_mark_start(struct monitor *monitor, const struct monitor_staged *staged, size_t count);
/* Notes what a device has; monitor_mark_update() follows. */
void monitor_mark_note(struct monitor_device *device, const struct wireguard_device *present);
/* Gives all sockets the mark that they should carry now. */
void monitor_mark_update(struct monitor *monitor);
/* Gives a new socket the present mark. */
void monitor_mark_socket(struct monitor *monitor, int fd);
/*
 * monitor_tunnel.c: tunnels of WireGuard come up with the first key, and a new key is asked for when one of
 * them falls silent.
 */

/* An exchange has given the peer a key, which is on its way. is_first: the key before was a random one. */
void monitor_tunnel_key(struct monitor *monitor, struct monitor_peer *peer, bool is_first, uint64_t now_ns);
/* The device was looked at: the engine process may tell the peer about the key. */
void monitor_tunnel_confirm(struct monitor *monitor, struct monitor_peer *peer,
                            struct monitor_wireguard *wireguard);
/* Whether WireGuard is to be made to call the peer now. */
bool monitor_tunnel_is_to_call(const struct monitor_wireguard *wireguard,
                               const struct wireguard_peer *present, uint64_t now_ns);
/* Fills in what a change leaves as it is, so that it makes the whole peer. */
void monitor_tunnel_complete(struct wireguard_peer_change *change, const struct wireguard_peer *present);
/*
 * What makes a peer call at once: it is removed and added again with the change. present and what change
 * points to have to stay. Returns the number of changes, which belong into one request.
 */
#define MONITOR_TUNNEL_CHANGES 3
size_t monitor_tunnel_begin(struct wireguard_peer_change out[static MONITOR_TUNNEL_CHANGES],
                            const struct wireguard_peer_change *change, const struct wireguard_peer *present);
/* The device holds the peer's key. Returns when to look again; MONITOR_NEVER: at any time. */
uint64_t monitor_tunnel_look(struct monitor *monitor, struct monitor_peer *peer,
                             const struct wireguard_device *device, const struct wireguard_peer *present,
                             uint64_t now_ns);

/* monitor_state.c: where peers were authenticated last, on disk. */

/* Chooses the file and reads it; without one nothing is remembered. */
void monitor_state_open(struct monitor *monitor);
/*
 * The file of a daemon of that name, or without one (NULL) of that key pair; allocated. NULL: there is none,
 * as nothing is remembered, or neither name nor key are known.
 */
char *monitor_state_find_path(const char *name, const struct shared_key *own);
void monitor_state_close(struct monitor *monitor);
/* Fills in peer->remembered from what was read. */
void monitor_state_recall(const struct monitor *monitor, struct monitor_peer *peer);
/* Something may have changed of what is to be remembered of the peer. */
void monitor_state_note(struct monitor *monitor, struct monitor_peer *peer, uint64_t now_ns);
/* Writes the file if that is due. Returns when it will be. */
uint64_t monitor_state_serve(struct monitor *monitor, uint64_t now_ns);
/* Writes what has not been written yet. */
void monitor_state_flush(struct monitor *monitor);
/* Reads such a text, which is changed. Returns false if anything in it is wrong; then there is no list. */
bool monitor_state_parse(char *text, struct monitor_remembered **out, size_t *count);

#endif
