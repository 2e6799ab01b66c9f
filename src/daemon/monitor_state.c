#include "daemon/monitor_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/file.h"
#include "system/log.h"

/*
 * Where the peers were when the daemon last ran, so that a restarted side can call first:
 *
 *     rosenpass peers 1
 *     peer 0123456789abcdef address 192.0.2.1:9999 wireguard 192.0.2.1:51820
 *     end 1
 *
 * A peer is named by the first eight bytes of its public key. `address` is where Rosenpass authenticated
 * it, `wireguard` the endpoint that WireGuard has for it; one of the two may be missing. The file holds no
 * secret, and is believed no more than a name server: it says where to ask, and the exchange says who
 * answers.
 */
#define FIRST_LINE "rosenpass peers 1"
#define FOLDER "/var/lib/rosenpass"
/* Services have directories of their own in it, and get there as other users. */
#define FOLDER_MODE 0755
#define FILE_MODE 0600
/* The longest line, with two scoped IPv6 addresses, is shorter. */
#define LINE_BYTES 256
#define FILE_BYTES_MAX ((size_t)LINE_BYTES * (CHANNEL_PEERS_MAX + 2))
/* Written at most this often; where peers move all the time, less and less. */
#define REST_NS (2 * CLOCK_SECOND_NS)
#define REST_MOST_NS (60 * CLOCK_SECOND_NS)

/* --- reading ------------------------------------------------------------------------------- */

/*
 * Whether a datagram to that address can reach one other host. A relay on this host has another port the next
 * time.
 */
static bool is_sound(const union address_socket *address)
{
	if (address->any.sa_family == AF_INET) {
		uint32_t host = ntohl(address->v4.sin_addr.s_addr);

		/* 0.0.0.0/8 and 127.0.0.0/8 are this host, from 224.0.0.0 on it is many or none. */
		return address->v4.sin_port != 0 && host >> 24 != 0 && host >> 24 != 127 && host >> 24 < 224;
	}
	return address->any.sa_family == AF_INET6 && address->v6.sin6_port != 0 &&
	       !IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr) &&
	       !IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr) &&
	       !IN6_IS_ADDR_MULTICAST(&address->v6.sin6_addr);
}

static bool read_address(union address_socket *out, const char *word)
{
	const char *problem;

	if (word == NULL || out->any.sa_family != AF_UNSPEC || !address_is_literal(word))
		return false;
	if (address_parse(word, out, &problem) == 0)
		return is_sound(out);
	/* The interface that it names has gone: the address is of no use now, and no damage. */
	memset(out, 0, sizeof *out);
	return strchr(word, '%') != NULL;
}

static bool read_tag(uint64_t *tag, const char *word)
{
	if (word == NULL || strlen(word) != 16 || strspn(word, "0123456789abcdef") != 16)
		return false;
	*tag = strtoull(word, NULL, 16);
	return true;
}

/* "peer TAG [address ADDRESS] [wireguard ADDRESS]" */
static bool read_line(struct monitor_remembered *out, char *line)
{
	char *rest = line;
	const char *first = strsep(&rest, " ");
	const char *word;
	unsigned word_count = 0;

	memset(out, 0, sizeof *out);
	if (strcmp(first, "peer") != 0 || !read_tag(&out->tag, strsep(&rest, " ")))
		return false;
	while ((word = strsep(&rest, " ")) != NULL) {
		union address_socket *address = strcmp(word, "address") == 0     ? &out->address
		                                : strcmp(word, "wireguard") == 0 ? &out->wireguard
		                                                                 : NULL;

		if (address == NULL || !read_address(address, strsep(&rest, " ")))
			return false;
		word_count++;
	}
	return word_count > 0;
}

static bool is_last_line(const char *line, size_t count)
{
	char expected[LINE_BYTES];

	(void)snprintf(expected, sizeof expected, "end %zu", count);
	return strcmp(line, expected) == 0;
}

bool monitor_state_parse(char *text, struct monitor_remembered **out, size_t *count)
{
	struct monitor_remembered *list = NULL;
	size_t room = 0;
	char *rest = text;
	const char *first = strsep(&rest, "\n");
	bool is_complete = false;
	char *line;

	*out = NULL;
	*count = 0;
	if (strcmp(first, FIRST_LINE) != 0)
		return false;
	while (!is_complete && (line = strsep(&rest, "\n")) != NULL) {
		if (is_last_line(line, *count)) {
			is_complete = rest != NULL && *rest == '\0';
			break;
		}
		if (*count == CHANNEL_PEERS_MAX)
			break;
		if (*count == room) {
			struct monitor_remembered *larger;

			room = room == 0 ? 16 : 2 * room;
			larger = reallocarray(list, room, sizeof *list);
			if (larger == NULL)
				break;
			list = larger;
		}
		if (!read_line(&list[*count], line))
			break;
		(*count)++;
	}
	if (is_complete) {
		*out = list;
		return true;
	}
	free(list);
	*count = 0;
	return false;
}

/* The whole file as text, allocated; NULL and negative errno in *result. */
static char *read_text(const char *path, int *result)
{
	struct stat status;
	size_t length;
	char *text;

	*result = stat(path, &status) == 0 ? 0 : -errno;
	if (*result == 0 && (status.st_size < 0 || (uint64_t)status.st_size > FILE_BYTES_MAX))
		*result = -EFBIG;
	if (*result != 0)
		return NULL;
	text = malloc((size_t)status.st_size + 1);
	*result = text == NULL ? -ENOMEM : file_read(path, (uint8_t *)text, (size_t)status.st_size, &length);
	if (*result != 0) {
		free(text);
		return NULL;
	}
	text[length] = '\0';
	if (strlen(text) == length)
		return text;
	free(text);
	*result = -EBADMSG;
	return NULL;
}

static void load(struct monitor_state *state)
{
	int result;
	char *text = read_text(state->path, &result);

	if (text != NULL && !monitor_state_parse(text, &state->list, &state->count))
		result = -EBADMSG;
	free(text);
	if (result == -EBADMSG)
		log_warn("state file \"%s\" is damaged; ignoring it", state->path);
	else if (result != 0 && result != -ENOENT)
		log_warn("cannot read state file \"%s\": %s; ignoring it", state->path, strerror(-result));
}

/* --- where it is ------------------------------------------------------------------------------ */

char *monitor_state_find_path(const char *name, const struct shared_key *own)
{
	const char *folders = getenv("STATE_DIRECTORY");
	/* Of the service manager's directories the first, else the usual one for root. */
	const char *folder = folders != NULL ? folders : geteuid() == 0 ? FOLDER : "";
	int length = (int)strcspn(folder, ":");
	char *path = NULL;

	if (length == 0 || (name == NULL && own == NULL))
		return NULL;
	if (name != NULL)
		length = asprintf(&path, "%.*s/%s.peers", length, folder, name);
	else
		length = asprintf(&path, "%.*s/%016llx.peers", length, folder,
		                  (unsigned long long)monitor_load_tag(own));
	return length < 0 ? NULL : path;
}

/* 0, or -1 and errno. */
static int make_folder(void)
{
	if (mkdir(FOLDER, FOLDER_MODE) != 0)
		return errno == EEXIST ? 0 : -1;
	/* Whatever the umask. */
	return chmod(FOLDER, FOLDER_MODE);
}

void monitor_state_open(struct monitor *monitor)
{
	struct monitor_state *state = &monitor->state;
	/* The name of a daemon without a file is another one each time. */
	bool has_name = monitor->from_file || monitor->options.name != NULL;

	state->write_ns = MONITOR_NEVER;
	state->path = monitor_state_find_path(has_name ? monitor->name : NULL, &monitor->public_key);
	if (state->path == NULL)
		return;
	if (getenv("STATE_DIRECTORY") == NULL && make_folder() != 0) {
		log_debug("cannot make \"%s\": %s", FOLDER, strerror(errno));
		free(state->path);
		state->path = NULL;
		return;
	}
	load(state);
}

void monitor_state_close(struct monitor *monitor)
{
	struct monitor_state *state = &monitor->state;

	free(state->path);
	free(state->list);
	memset(state, 0, sizeof *state);
}

/* --- what is remembered -------------------------------------------------------------------------- */

void monitor_state_recall(const struct monitor *monitor, struct monitor_peer *peer)
{
	for (size_t i = 0; i < monitor->state.count; i++) {
		if (monitor->state.list[i].tag == peer->tag)
			peer->remembered = monitor->state.list[i];
	}
	peer->remembered.tag = peer->tag;
}

void monitor_state_note(struct monitor *monitor, struct monitor_peer *peer, uint64_t now_ns)
{
	const struct monitor_wireguard *wireguard = monitor_wireguard_of(peer);
	struct monitor_remembered now = peer->remembered;
	struct monitor_state *state = &monitor->state;

	if (is_sound(&peer->last))
		now.address = peer->last;
	/* Only an endpoint from which WireGuard has heard the peer is worth remembering. */
	if (wireguard != NULL && wireguard->is_there && wireguard->handshake.told_seconds != 0 &&
	    is_sound(&wireguard->present_endpoint))
		now.wireguard = wireguard->present_endpoint;
	if (address_equal(&now.address, &peer->remembered.address) &&
	    address_equal(&now.wireguard, &peer->remembered.wireguard))
		return;
	peer->remembered = now;
	if (state->path != NULL && state->write_ns == MONITOR_NEVER)
		state->write_ns = now_ns > state->rest_ns ? now_ns : state->rest_ns;
}

static void put_address(FILE *out, const char *word, const union address_socket *address)
{
	char text[ADDRESS_TEXT_BYTES];

	if (address->any.sa_family == AF_UNSPEC)
		return;
	address_format(text, address);
	(void)fprintf(out, " %s %s", word, text);
}

static char *format(const struct monitor *monitor)
{
	char *text = NULL;
	size_t length = 0;
	size_t count = 0;
	FILE *out = open_memstream(&text, &length);

	if (out == NULL)
		return NULL;
	(void)fputs(FIRST_LINE "\n", out);
	for (size_t i = 0; i < monitor->slots; i++) {
		const struct monitor_peer *peer = monitor->peers[i];

		if (peer == NULL || peer->leaving ||
		    (peer->remembered.address.any.sa_family == AF_UNSPEC &&
		     peer->remembered.wireguard.any.sa_family == AF_UNSPEC))
			continue;
		(void)fprintf(out, "peer %016llx", (unsigned long long)peer->tag);
		put_address(out, "address", &peer->remembered.address);
		put_address(out, "wireguard", &peer->remembered.wireguard);
		(void)fputc('\n', out);
		count++;
	}
	(void)fprintf(out, "end %zu\n", count);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static void write_file(struct monitor *monitor)
{
	struct monitor_state *state = &monitor->state;
	char *text = format(monitor);
	int result = text == NULL ? -ENOMEM
	                          : file_write(state->path, (const uint8_t *)text, strlen(text), FILE_MODE,
	                                       FILE_REPLACE);

	free(text);
	/* Once: a folder that cannot be written to is no reason to stop. */
	if (result != 0)
		log_write(state->said ? LOG_DEBUG : LOG_WARN, "cannot write state file \"%s\": %s",
		          state->path, strerror(-result));
	state->said = result != 0;
}

uint64_t monitor_state_serve(struct monitor *monitor, uint64_t now_ns)
{
	struct monitor_state *state = &monitor->state;

	if (state->write_ns > now_ns)
		return state->write_ns;
	write_file(monitor);
	if (now_ns < state->rest_ns + state->wait_ns)
		state->wait_ns = 2 * state->wait_ns < REST_MOST_NS ? 2 * state->wait_ns : REST_MOST_NS;
	else
		state->wait_ns = REST_NS;
	state->rest_ns = now_ns + state->wait_ns;
	state->write_ns = MONITOR_NEVER;
	return MONITOR_NEVER;
}

void monitor_state_flush(struct monitor *monitor)
{
	if (monitor->state.path != NULL && monitor->state.write_ns != MONITOR_NEVER)
		write_file(monitor);
	monitor->state.write_ns = MONITOR_NEVER;
}
