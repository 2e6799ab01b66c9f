#include "monitor/peer_memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/channel.h"
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

struct peer_memory {
	struct loop *loop;
	char *path;                     /* NULL: there is none */
	struct peer_memory_entry *list; /* as it was read, sorted */
	size_t count;
	struct peer_memory_entry *known; /* the peers that there are */
	struct loop_timer timer;         /* when the file is written */
	bool is_changed;
	uint64_t wait_ns;
	uint64_t rest_ns; /* not before then */
	bool is_logged;   /* that it cannot be written */
};

/* --- reading ------------------------------------------------------------------------------- */

/*
 * Whether a datagram to that address can reach one other host. A relay on this host has another port the
 * next time.
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

static bool read_key_prefix(uint64_t *key_prefix, const char *word)
{
	if (word == NULL || strlen(word) != 16 || strspn(word, "0123456789abcdef") != 16)
		return false;
	*key_prefix = strtoull(word, NULL, 16);
	return true;
}

/* "peer PREFIX [address ADDRESS] [wireguard ADDRESS]" */
static bool read_line(struct peer_memory_entry *out, char *line)
{
	char *rest = line;
	const char *first = strsep(&rest, " ");
	const char *word;
	unsigned word_count = 0;

	memset(out, 0, sizeof *out);
	if (strcmp(first, "peer") != 0 || !read_key_prefix(&out->key_prefix, strsep(&rest, " ")))
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

bool peer_memory_parse(char *text, struct peer_memory_entry **out, size_t *count)
{
	struct peer_memory_entry *list = NULL;
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
			struct peer_memory_entry *larger;

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

static int by_prefix(const void *a, const void *b)
{
	const struct peer_memory_entry *x = a;
	const struct peer_memory_entry *y = b;

	return (x->key_prefix > y->key_prefix) - (x->key_prefix < y->key_prefix);
}

static void load(struct peer_memory *memory)
{
	int result;
	char *text = read_text(memory->path, &result);

	if (text != NULL && !peer_memory_parse(text, &memory->list, &memory->count))
		result = -EBADMSG;
	free(text);
	if (memory->count > 0)
		qsort(memory->list, memory->count, sizeof *memory->list, by_prefix);
	if (result == -EBADMSG)
		log_warn("state file \"%s\" is damaged; ignoring it", memory->path);
	else if (result != 0 && result != -ENOENT)
		log_warn("cannot read state file \"%s\": %s; ignoring it", memory->path, strerror(-result));
}

/* --- where it is ------------------------------------------------------------------------------ */

char *peer_memory_find_path(const char *name, const uint64_t *own_prefix)
{
	const char *folders = getenv("STATE_DIRECTORY");
	/* Of the service manager's directories the first, else the usual one for root. */
	const char *folder = folders != NULL ? folders : geteuid() == 0 ? FOLDER : "";
	int length = (int)strcspn(folder, ":");
	char *path = NULL;

	if (length == 0 || (name == NULL && own_prefix == NULL))
		return NULL;
	if (name != NULL)
		length = asprintf(&path, "%.*s/%s.peers", length, folder, name);
	else
		length = asprintf(&path, "%.*s/%016llx.peers", length, folder,
		                  (unsigned long long)*own_prefix);
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

/* --- writing ----------------------------------------------------------------------------------- */

static void put_address(FILE *out, const char *word, const union address_socket *address)
{
	char text[ADDRESS_TEXT_BYTES];

	if (address->any.sa_family == AF_UNSPEC)
		return;
	address_format(text, address);
	(void)fprintf(out, " %s %s", word, text);
}

static char *format(const struct peer_memory *memory)
{
	char *text = NULL;
	size_t length = 0;
	size_t count = 0;
	FILE *out = open_memstream(&text, &length);

	if (out == NULL)
		return NULL;
	(void)fputs(FIRST_LINE "\n", out);
	for (const struct peer_memory_entry *entry = memory->known; entry != NULL; entry = entry->next) {
		if (entry->address.any.sa_family == AF_UNSPEC && entry->wireguard.any.sa_family == AF_UNSPEC)
			continue;
		(void)fprintf(out, "peer %016llx", (unsigned long long)entry->key_prefix);
		put_address(out, "address", &entry->address);
		put_address(out, "wireguard", &entry->wireguard);
		(void)fputc('\n', out);
		count++;
	}
	(void)fprintf(out, "end %zu\n", count);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static void write_file(struct peer_memory *memory)
{
	char *text = format(memory);
	int result = text == NULL ? -ENOMEM
	                          : file_write(memory->path, (const uint8_t *)text, strlen(text), FILE_MODE,
	                                       FILE_REPLACE);

	free(text);
	memory->is_changed = false;
	/* Once: a folder that cannot be written to is no reason to stop. */
	if (result != 0)
		log_write(memory->is_logged ? LOG_DEBUG : LOG_WARN, "cannot write state file \"%s\": %s",
		          memory->path, strerror(-result));
	memory->is_logged = result != 0;
}

static void write_now(void *owner)
{
	struct peer_memory *memory = owner;
	uint64_t now_ns = loop_now_ns(memory->loop);

	write_file(memory);
	if (now_ns < memory->rest_ns + memory->wait_ns)
		memory->wait_ns = 2 * memory->wait_ns < REST_MOST_NS ? 2 * memory->wait_ns : REST_MOST_NS;
	else
		memory->wait_ns = REST_NS;
	memory->rest_ns = now_ns + memory->wait_ns;
}

/* --- what is remembered ------------------------------------------------------------------------ */

void peer_memory_attach(struct peer_memory *memory, struct peer_memory_entry *entry, uint64_t key_prefix)
{
	const struct peer_memory_entry wanted = { .key_prefix = key_prefix };
	const struct peer_memory_entry *found = NULL;

	if (memory->count > 0)
		found = bsearch(&wanted, memory->list, memory->count, sizeof wanted, by_prefix);
	*entry = found == NULL ? wanted : *found;
	entry->next = memory->known;
	if (entry->next != NULL)
		entry->next->link = &entry->next;
	entry->link = &memory->known;
	memory->known = entry;
}

void peer_memory_detach(struct peer_memory_entry *entry)
{
	if (entry->link == NULL)
		return;
	*entry->link = entry->next;
	if (entry->next != NULL)
		entry->next->link = entry->link;
	entry->next = NULL;
	entry->link = NULL;
}

void peer_memory_note(struct peer_memory *memory, struct peer_memory_entry *entry,
                      const union address_socket *address, const union address_socket *wireguard)
{
	bool is_address_news =
		address != NULL && is_sound(address) && !address_equal(address, &entry->address);
	bool is_wireguard_news =
		wireguard != NULL && is_sound(wireguard) && !address_equal(wireguard, &entry->wireguard);

	if (is_address_news)
		entry->address = *address;
	if (is_wireguard_news)
		entry->wireguard = *wireguard;
	if ((!is_address_news && !is_wireguard_news) || memory->path == NULL || memory->is_changed)
		return;
	memory->is_changed = true;
	loop_timer_set(memory->loop, &memory->timer,
	               loop_now_ns(memory->loop) > memory->rest_ns ? loop_now_ns(memory->loop)
	                                                           : memory->rest_ns);
}

int peer_memory_open(struct peer_memory **out, struct loop *loop, const char *path)
{
	struct peer_memory *memory = calloc(1, sizeof *memory);

	*out = NULL;
	if (memory == NULL)
		return -ENOMEM;
	memory->loop = loop;
	memory->timer = (struct loop_timer){ .expired = write_now, .owner = memory };
	if (path != NULL)
		memory->path = strdup(path);
	if ((path != NULL && memory->path == NULL) || loop_timer_add(loop, &memory->timer) != 0) {
		free(memory->path);
		free(memory);
		return -ENOMEM;
	}
	*out = memory;
	if (path != NULL && getenv("STATE_DIRECTORY") == NULL && make_folder() != 0) {
		log_debug("cannot make \"%s\": %s", FOLDER, strerror(errno));
		free(memory->path);
		memory->path = NULL;
	}
	if (memory->path != NULL)
		load(memory);
	return 0;
}

void peer_memory_close(struct peer_memory *memory)
{
	if (memory == NULL)
		return;
	if (memory->is_changed)
		write_file(memory);
	while (memory->known != NULL)
		peer_memory_detach(memory->known);
	loop_timer_remove(memory->loop, &memory->timer);
	free(memory->path);
	free(memory->list);
	free(memory);
}
