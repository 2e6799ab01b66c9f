#include "config/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/place.h"

/* Of a longer path so much is shown that the reason still has room. */
#define PATH_SHOWN 300
#define FIRST_READ_BYTES 4096

/* Reads to the end, one byte beyond the limit at most. 0 or negative errno. */
static int read_all(int fd, char **text, size_t *length)
{
	size_t room = 0;

	for (;;) {
		ssize_t got;

		if (*length == room) {
			char *larger;

			room = room == 0 ? FIRST_READ_BYTES : 2 * room;
			larger = realloc(*text, room);
			if (larger == NULL)
				return -ENOMEM;
			*text = larger;
		}
		got = read(fd, *text + *length, room - *length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		*length += (size_t)got;
		if (got == 0 || *length > TOML_TEXT_MAX_BYTES)
			return 0;
	}
}

int config_file_read(char **text, size_t *length, const char *path, char problem[static CONFIG_PROBLEM_BYTES])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int result;

	*text = NULL;
	*length = 0;
	result = fd < 0 ? -errno : read_all(fd, text, length);
	if (fd >= 0)
		(void)close(fd);
	if (result == 0)
		return 0;
	free(*text);
	*text = NULL;
	if (result == -ENOENT)
		(void)snprintf(problem, CONFIG_PROBLEM_BYTES, "config file \"%.*s\" does not exist",
		               PATH_SHOWN, path);
	else
		(void)snprintf(problem, CONFIG_PROBLEM_BYTES, "cannot read config file \"%.*s\": %s",
		               PATH_SHOWN, path, strerror(-result));
	return -1;
}

int config_file_parse(struct toml_value *root, const char *text, size_t length, const char *path,
                      char problem[static CONFIG_PROBLEM_BYTES])
{
	struct config_place place = { .file = path, .problem = problem };
	struct toml_problem found;

	if (toml_parse_relaxed(root, text, length, &found) == 0)
		return 0;
	place.line = found.line;
	if (found.line == 0)
		return place_fail(&place, "%s", found.text);
	return place_fail(&place, "column %u: %s", found.column, found.text);
}

static bool peers_have(const struct toml_value *root, const char *key)
{
	const struct toml_value *peers = toml_get(root, "peers");

	if (peers == NULL || peers->type != TOML_ARRAY)
		return false;
	for (size_t i = 0; i < peers->as.array.count; i++) {
		const struct toml_value *peer = &peers->as.array.items[i];

		if (peer->type == TOML_TABLE && toml_get(peer, key) != NULL)
			return true;
	}
	return false;
}

/* By the keys that only one of the programs has. */
static enum config_kind kind_of(const struct toml_value *root)
{
	bool is_rp = toml_get(root, "private_keys_dir") != NULL || toml_get(root, "dev") != NULL ||
	             toml_get(root, "ip") != NULL || peers_have(root, "public_keys_dir");
	bool is_rosenpass = toml_get(root, "public_key") != NULL || toml_get(root, "secret_key") != NULL ||
	                    peers_have(root, "public_key");

	/* A mixture is a mistake, which the reader that was asked for describes. */
	if (is_rp == is_rosenpass)
		return CONFIG_KIND_UNKNOWN;
	return is_rp ? CONFIG_KIND_RP : CONFIG_KIND_ROSENPASS;
}

void config_file_name_other(const struct toml_value *root, bool is_rp,
                            char problem[static CONFIG_PROBLEM_BYTES])
{
	enum config_kind kind = kind_of(root);
	const char *other = is_rp ? "rosenpass" : "rp";
	size_t used = strlen(problem);

	if (kind != CONFIG_KIND_UNKNOWN && (kind == CONFIG_KIND_RP) != is_rp)
		(void)snprintf(problem + used, CONFIG_PROBLEM_BYTES - used,
		               "; this is a configuration of %s, which %s exchange-config uses", other,
		               other);
}

enum config_kind config_kind_of_text(const char *text, size_t length)
{
	enum config_kind kind = CONFIG_KIND_UNKNOWN;
	struct toml_problem ignored;
	struct toml_value root;

	if (toml_parse_relaxed(&root, text, length, &ignored) == 0) {
		kind = kind_of(&root);
		toml_release(&root);
	}
	return kind;
}
