#include "rosenpass/daemon.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/base64.h"
#include "system/clock.h"
#include "system/file.h"
#include "system/log.h"

#define OUTFILE_MODE 0600
#define RETRY_NS (5 * CLOCK_SECOND_NS)

/*
 * A reader that does not read must not hold up the daemon: what does not fit is lost,
 * the key itself is in its file. Up to PIPE_BUF bytes fit into a pipe that is writable.
 */
static void write_line(struct daemon *daemon, const char *line)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
	const char *problem = "nobody reads it";

	if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0) {
		if (write(STDOUT_FILENO, line, strlen(line)) >= 0) {
			daemon->stdout_is_broken = false;
			return;
		}
		problem = strerror(errno);
	} else if ((out.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
		problem = "its reader is gone";
	}
	if (!daemon->stdout_is_broken)
		log_warn("cannot write to standard output (%s); keys go to their files all the same",
		         problem);
	daemon->stdout_is_broken = true;
}

/* output-key peer ID key-file "PATH" exchanged|stale */
static void announce(struct daemon *daemon, const struct daemon_peer *peer)
{
	uint8_t id[ROSENPASS_PEER_ID_BYTES];
	char text[BASE64_KEY_CHARS + 1];
	char *line = NULL;

	rosenpass_peer_id(id, peer->public_key, peer->dialect);
	base64_encode_key(text, id);
	if (asprintf(&line, "output-key peer %s key-file %s %s\n", text, peer->quoted_outfile, peer->what) <
	    0)
		return;
	write_line(daemon, line);
	free(line);
}

/* true: the key is in the file. */
static bool write_outfile(struct daemon_peer *peer)
{
	char text[BASE64_KEY_CHARS + 1];
	int result;

	base64_encode_key(text, peer->key);
	result = file_write(peer->outfile, (const uint8_t *)text, BASE64_KEY_CHARS, OUTFILE_MODE,
	                    FILE_REPLACE);
	sodium_memzero(text, sizeof text);
	if (result == 0) {
		peer->write_complained = false;
		return true;
	}
	if (!peer->write_complained)
		log_error("peer %zu: cannot write outfile %s: %s; trying again until it works", peer->number,
		          peer->quoted_outfile, strerror(-result));
	peer->write_complained = true;
	return false;
}

static void try_to_write(struct daemon *daemon, struct daemon_peer *peer, uint64_t now_ns)
{
	peer->unwritten = !write_outfile(peer);
	if (peer->unwritten) {
		if (daemon->retry_ns > now_ns + RETRY_NS)
			daemon->retry_ns = now_ns + RETRY_NS;
		return;
	}
	sodium_memzero(peer->key, ROSENPASS_KEY_BYTES);
	announce(daemon, peer);
}

void daemon_deliver(struct daemon *daemon, struct daemon_peer *peer, const char *what,
                    enum rosenpass_dialect dialect, uint64_t now_ns)
{
	peer->what = what;
	peer->dialect = dialect;
	try_to_write(daemon, peer, now_ns);
}

void daemon_retry(struct daemon *daemon, uint64_t now_ns)
{
	if (now_ns < daemon->retry_ns)
		return;
	daemon->retry_ns = UINT64_MAX;
	for (size_t i = 0; i < daemon->peer_count; i++) {
		if (daemon->peers[i].unwritten)
			try_to_write(daemon, &daemon->peers[i], now_ns);
	}
}
