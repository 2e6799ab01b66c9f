#include "config/config_toml.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config_check.h"
#include "config/config_fields.h"
#include "config/config_value.h"
#include "config/suggest.h"

/* So much of a key is shown. */
#define KEY_SHOWN 60
#define FIELDS_MAX 32

typedef int read_text(char **out, const struct config_place *place, const char *key, const char *text);

/* A key that a table may have, and what to do with its value. */
struct field {
	const char *key;
	/* Reads the value into the member at this offset; how is for texts. */
	int (*read)(void *member, const struct config_place *place, const struct field *field,
	            const struct toml_value *value);
	size_t offset;
	read_text *how;
};

static const char *article(const char *noun)
{
	return strchr("aeiou", noun[0]) != NULL ? "an" : "a";
}

static int fail_type(const struct config_place *place, const char *key, const char *expected,
                     const struct toml_value *found)
{
	const char *name = toml_type_name(found->type);

	return config_value_fail(place, "%s: expected %s, found %s %s", key, expected, article(name), name);
}

/* The text of a string; NULL, said in the problem, when it is none or has a zero in it. */
static const char *text_of(const struct config_place *place, const char *key, const char *expected,
                           const struct toml_value *value)
{
	if (value->type != TOML_STRING) {
		(void)fail_type(place, key, expected, value);
		return NULL;
	}
	if (strlen(value->as.string.bytes) != value->as.string.length) {
		(void)config_value_fail(place, "%s has a zero byte in it", key);
		return NULL;
	}
	return value->as.string.bytes;
}

static int read_string(void *member, const struct config_place *place, const struct field *field,
                       const struct toml_value *value)
{
	const char *text = text_of(place, field->key, "a string", value);

	return text == NULL ? -1 : field->how(member, place, field->key, text);
}

/* Of a command: a word that is not there is a mistake of whoever made the list. */
static int copy_word(char **out, const struct config_place *place, const char *key, const char *text)
{
	if (text[0] == '\0')
		return config_value_fail(place, "%s has an empty word in it", key);
	return config_value_any(out, place, key, text);
}

static int append_item(struct config_words *words, const struct config_place *place,
                       const struct field *field, const struct toml_value *item)
{
	struct config_place here = *place;
	char *text = NULL;
	const char *given;

	here.line = item->line;
	given = text_of(&here, field->key, "strings in the array", item);
	if (given == NULL || field->how(&text, &here, field->key, given) != 0)
		return -1;
	return config_value_append(words, &here, text);
}

static int read_words(void *member, const struct config_place *place, const struct field *field,
                      const struct toml_value *value)
{
	if (value->type != TOML_ARRAY)
		return fail_type(place, field->key, "an array of strings", value);
	for (size_t i = 0; i < value->as.array.count; i++) {
		if (append_item(member, place, field, &value->as.array.items[i]) != 0)
			return -1;
	}
	return 0;
}

static int read_listen(void *member, const struct config_place *place, const struct field *field,
                       const struct toml_value *value)
{
	if (value->type == TOML_STRING)
		return append_item(member, place, field, value);
	if (value->type == TOML_ARRAY && value->as.array.count > CONFIG_LISTEN_MAX)
		return config_value_fail(place, "%s has more than %d addresses", field->key,
		                         CONFIG_LISTEN_MAX);
	return read_words(member, place, field, value);
}

/* The program first, a file or a name to be looked up, then its arguments. */
static int read_command(void *member, const struct config_place *place, const struct field *field,
                        const struct toml_value *value)
{
	struct config_words *words = member;
	char *program;

	if (read_words(member, place, field, value) != 0)
		return -1;
	if (words->count == 0)
		return 0;
	program = words->words[0];
	if (config_value_path(&words->words[0], place, field->key, program) != 0)
		return -1;
	free(program);
	return 0;
}

static int read_verbosity(void *member, const struct config_place *place, const struct field *field,
                          const struct toml_value *value)
{
	const char *text = text_of(place, field->key, "a string", value);
	enum config_verbosity *verbosity = member;

	if (text == NULL)
		return -1;
	if (strcasecmp(text, "Quiet") == 0)
		*verbosity = CONFIG_QUIET;
	else if (strcasecmp(text, "Verbose") == 0)
		*verbosity = CONFIG_VERBOSE;
	else
		return config_value_fail(place, "%s \"%.*s\" is not known; expected Quiet or Verbose",
		                         field->key, KEY_SHOWN, text);
	return 0;
}

static int read_before(void *member, const struct config_place *place, const struct field *field,
                       const struct toml_value *value)
{
	const char *text = text_of(place, field->key, "a string", value);

	if (text == NULL)
		return -1;
	if (!config_before_from_word(member, text))
		return config_value_fail(place, "%s \"%.*s\" is not known; expected block or leave",
		                         field->key, KEY_SHOWN, text);
	return 0;
}

static int read_on_exit(void *member, const struct config_place *place, const struct field *field,
                        const struct toml_value *value)
{
	const char *text = text_of(place, field->key, "a string", value);

	if (text == NULL)
		return -1;
	if (!config_on_exit_from_word(member, text))
		return config_value_fail(place, "%s \"%.*s\" is not known; expected keep or random",
		                         field->key, KEY_SHOWN, text);
	return 0;
}

static int read_dialects(void *member, const struct config_place *place, const struct field *field,
                         const struct toml_value *value)
{
	const char *text = text_of(place, field->key, "a string", value);

	return text == NULL ? -1 : config_value_dialects(member, place, field->key, text);
}

/* 640 instead of 0o640: as decimal numbers, no modes that make sense begin with the digits of one. */
static bool lacks_prefix(int64_t number)
{
	char digits[24];
	long mode;

	(void)snprintf(digits, sizeof digits, "%lld", (long long)number);
	if (strlen(digits) != 3 || digits[strspn(digits, "01234567")] != '\0')
		return false;
	mode = strtol(digits, NULL, 8);
	return (mode & 0600) == 0600 && (mode & ~0664L) == 0;
}

static int read_mode(void *member, const struct config_place *place, const struct field *field,
                     const struct toml_value *value)
{
	const char *text;

	if (value->type == TOML_INTEGER && lacks_prefix(value->as.integer))
		return config_value_fail(
			place, "%s %lld is a decimal number; write \"0%lld\" or 0o%lld, which is octal",
			field->key, (long long)value->as.integer, (long long)value->as.integer,
			(long long)value->as.integer);
	if (value->type == TOML_INTEGER)
		return config_value_mode_number(member, place, field->key, value->as.integer);
	text = text_of(place, field->key, "a string such as \"0640\"", value);
	return text == NULL ? -1 : config_value_mode(member, place, field->key, text);
}

/* By name or number. */
static int read_group(void *member, const struct config_place *place, const struct field *field,
                      const struct toml_value *value)
{
	char number[24];

	if (value->type != TOML_INTEGER)
		return read_string(member, place, field, value);
	(void)snprintf(number, sizeof number, "%lld", (long long)value->as.integer);
	return config_value_text(member, place, field->key, number);
}

static int read_fwmark(void *member, const struct config_place *place, const struct field *field,
                       const struct toml_value *value)
{
	return config_fields_fwmark_value(member, place, field->key, value);
}

static int fail_unknown(const struct config_place *place, const struct field *fields, size_t count,
                        const char *key)
{
	const char *known[FIELDS_MAX];
	const char *nearest;

	for (size_t i = 0; i < count; i++)
		known[i] = fields[i].key;
	nearest = suggest_nearest(key, known, count);
	if (nearest != NULL)
		return config_value_fail(place, "unknown key %.*s; did you mean %s?", KEY_SHOWN, key,
		                         nearest);
	return config_value_fail(place, "unknown key %.*s; rosenpass.toml(5) lists the known ones", KEY_SHOWN,
	                         key);
}

/* Reads every entry of a table into the members of base; a key that is no field is an error. */
static int read_fields(void *base, const struct config_place *place, const struct field *fields, size_t count,
                       const struct toml_value *table)
{
	for (size_t i = 0; i < table->as.table.count; i++) {
		const struct toml_entry *entry = &table->as.table.entries[i];
		const struct field *field = NULL;
		struct config_place here = *place;

		here.line = entry->line;
		for (size_t j = 0; j < count && field == NULL; j++) {
			if (strlen(fields[j].key) == entry->key.length &&
			    memcmp(fields[j].key, entry->key.bytes, entry->key.length) == 0)
				field = &fields[j];
		}
		if (field == NULL)
			return fail_unknown(&here, fields, count, entry->key.bytes);
		if (field->read((char *)base + field->offset, &here, field, &entry->value) != 0)
			return -1;
	}
	return 0;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* wireguard = {interface, public_key}: what the Go implementation calls device and peer. */
static int read_wireguard(void *member, const struct config_place *place, const struct field *field,
                          const struct toml_value *value)
{
	static const struct field fields[] = {
		{ "interface", read_string, offsetof(struct config_peer, device), config_value_device },
		{ "public_key", read_string, offsetof(struct config_peer, wireguard_peer),
		  config_value_wireguard_peer },
	};
	struct config_peer *peer = member;

	if (value->type != TOML_TABLE)
		return fail_type(place, field->key, "a table with interface and public_key", value);
	if (read_fields(peer, place, fields, COUNT(fields), value) != 0)
		return -1;
	if (peer->device == NULL || peer->wireguard_peer == NULL)
		return config_value_fail(place, "%s needs both interface and public_key", field->key);
	return 0;
}

static const struct field peer_fields[] = {
	{ "public_key", read_string, offsetof(struct config_peer, public_key), config_value_path },
	{ "endpoint", read_string, offsetof(struct config_peer, endpoint), config_value_endpoint },
	{ "pre_shared_key", read_string, offsetof(struct config_peer, pre_shared_key), config_value_path },
	{ "key_out", read_string, offsetof(struct config_peer, key_out), config_value_path },
	{ "key_out_mode", read_mode, offsetof(struct config_peer, key_out_mode), NULL },
	{ "key_out_group", read_group, offsetof(struct config_peer, key_out_group), config_value_text },
	{ "device", read_string, offsetof(struct config_peer, device), config_value_device },
	{ "peer", read_string, offsetof(struct config_peer, wireguard_peer), config_value_wireguard_peer },
	{ "extra_params", read_words, offsetof(struct config_peer, extra_params), config_value_any },
	{ "wireguard", read_wireguard, 0, NULL },
	{ "exchange_command", read_command, offsetof(struct config_peer, exchange_command), copy_word },
	{ "protocol_version", read_dialects, offsetof(struct config_peer, dialects), NULL },
	{ "osk_organization", read_string, offsetof(struct config_peer, osk_organization), config_value_any },
	{ "osk_label", read_words, offsetof(struct config_peer, osk_labels), config_value_any },
	{ "name", read_string, offsetof(struct config_peer, name), config_value_name },
};

static_assert(COUNT(peer_fields) <= FIELDS_MAX, "all can be suggested");

static int read_peer(struct config_peer *peer, const struct config_place *place,
                     const struct toml_value *table)
{
	const struct toml_value *name = toml_get(table, "name");
	struct config_place here = *place;

	if (table->type != TOML_TABLE)
		return fail_type(place, "peers", "tables in the array", table);
	/* Where the name is usable, every message has it, also about what stands before it. */
	if (name != NULL && name->type == TOML_STRING && config_value_is_name(name->as.string.bytes))
		here.name = name->as.string.bytes;
	peer->line = table->line;
	if (toml_get(table, "wireguard") != NULL &&
	    (toml_get(table, "device") != NULL || toml_get(table, "peer") != NULL))
		return config_value_fail(&here,
		                         "wireguard and device with peer mean the same; keep one of them");
	if (read_fields(peer, &here, peer_fields, COUNT(peer_fields), table) != 0)
		return -1;
	return config_check_peer(peer, &here);
}

static int read_peers(void *member, const struct config_place *place, const struct field *field,
                      const struct toml_value *value)
{
	struct config *config = member;
	struct config_place here = *place;

	if (value->type != TOML_ARRAY)
		return fail_type(place, field->key, "[[peers]], a table for each peer", value);
	if (value->as.array.count > CONFIG_PEERS_MAX)
		return config_value_fail(place, "more than %d peers", CONFIG_PEERS_MAX);
	config->peers = calloc(value->as.array.count + 1, sizeof *config->peers);
	if (config->peers == NULL)
		return config_value_fail(place, "out of memory");
	config->peer_count = value->as.array.count;
	for (size_t i = 0; i < config->peer_count; i++) {
		here.line = value->as.array.items[i].line;
		here.peer = i + 1;
		if (read_peer(&config->peers[i], &here, &value->as.array.items[i]) != 0)
			return -1;
	}
	return 0;
}

static int read_nothing(void *member, const struct config_place *place, const struct field *field,
                        const struct toml_value *value)
{
	(void)member;
	if (value->type != TOML_ARRAY)
		return fail_type(place, field->key, "an array", value);
	if (value->as.array.count > 0)
		return config_value_fail(
			place,
			"%s: this version has no management API; leave it out, and ask the control "
			"socket instead: rosenpass status",
			field->key);
	return 0;
}

/* The management API of other versions, where it is not used. */
static int read_api(void *member, const struct config_place *place, const struct field *field,
                    const struct toml_value *value)
{
	static const struct field fields[] = {
		{ "listen_path", read_nothing, 0, NULL },
		{ "listen_fd", read_nothing, 0, NULL },
		{ "stream_fd", read_nothing, 0, NULL },
	};

	if (value->type != TOML_TABLE)
		return fail_type(place, field->key, "a table", value);
	return read_fields(member, place, fields, COUNT(fields), value);
}

static const struct field own_fields[] = {
	{ "public_key", read_string, offsetof(struct config, public_key), config_value_path },
	{ "secret_key", read_string, offsetof(struct config, secret_key), config_value_path },
	{ "listen", read_listen, offsetof(struct config, listen), config_value_listen },
	{ "verbosity", read_verbosity, offsetof(struct config, verbosity), NULL },
	{ "user", read_string, offsetof(struct config, user), config_value_text },
	{ "key_out_mode", read_mode, offsetof(struct config, key_out_mode), NULL },
	{ "key_out_group", read_group, offsetof(struct config, key_out_group), config_value_text },
	{ "fwmark", read_fwmark, offsetof(struct config, fwmark), NULL },
	{ "before_first_exchange", read_before, offsetof(struct config, before_first_exchange), NULL },
	{ "on_exit", read_on_exit, offsetof(struct config, on_exit), NULL },
	{ "peers", read_peers, 0, NULL },
	{ "api", read_api, 0, NULL },
};

static_assert(COUNT(own_fields) <= FIELDS_MAX, "all can be suggested");

int config_toml_read(struct config *config, const struct toml_value *root, const char *file,
                     char problem[static CONFIG_PROBLEM_BYTES])
{
	struct config_place place = { .file = file, .problem = problem };

	if (read_fields(config, &place, own_fields, COUNT(own_fields), root) != 0)
		return -1;
	for (size_t i = 0; i < config->peer_count; i++) {
		if (config_peer_inherit(&config->peers[i], config) != 0)
			return config_value_fail(&place, "out of memory");
	}
	return config_check_whole(config, &place);
}
