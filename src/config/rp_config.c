#include "config/rp_config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_fields.h"
#include "config/config_file.h"
#include "config/prefix_claims.h"
#include "config/rp_config_value.h"
#include "config/rp_config_words.h"
#include "config/wireguard_words.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FIELDS(array) (&(const struct config_fields){ array, COUNT(array), "rp.toml(5)" })

static int read_boolean(void *member, const struct config_place *place, const struct config_field *field,
                        const struct toml_value *value)
{
	bool *boolean = member;

	if (value->type != TOML_BOOLEAN)
		return config_fields_fail_type(place, field->key, "true or false", value);
	*boolean = value->as.boolean;
	return 0;
}

static int read_mtu(void *member, const struct config_place *place, const struct config_field *field,
                    const struct toml_value *value)
{
	uint32_t *mtu = member;

	if (value->type != TOML_INTEGER)
		return config_fields_fail_type(place, field->key, "a number of bytes", value);
	if (value->as.integer < RP_CONFIG_MTU_MIN || value->as.integer > RP_CONFIG_MTU_MAX)
		return config_value_fail(place, "%s is %lld; expected bytes from %d to %d", field->key,
		                         (long long)value->as.integer, RP_CONFIG_MTU_MIN, RP_CONFIG_MTU_MAX);
	*mtu = (uint32_t)value->as.integer;
	return 0;
}

static int read_keepalive(void *member, const struct config_place *place, const struct config_field *field,
                          const struct toml_value *value)
{
	struct rp_config_peer *peer = member;

	if (value->type != TOML_INTEGER)
		return config_fields_fail_type(place, field->key, "a number of seconds", value);
	if (value->as.integer < 0 || value->as.integer > UINT16_MAX)
		return config_value_fail(place, "%s is %lld; expected seconds from 1 to %d, or 0 for none",
		                         field->key, (long long)value->as.integer, UINT16_MAX);
	peer->has_keepalive = true;
	peer->persistent_keepalive = (uint16_t)value->as.integer;
	return 0;
}

/* A list of lists: one string with commas, several strings, or both. */
static int read_list(const struct config_place *place, const struct config_field *field,
                     const struct toml_value *value, void *out,
                     int (*add)(void *out, const struct config_place *place, const char *key,
                                const char *text))
{
	const struct toml_value *items = value;
	size_t count = 1;

	if (value->type == TOML_ARRAY) {
		items = value->as.array.items;
		count = value->as.array.count;
	}
	for (size_t i = 0; i < count; i++) {
		struct config_place here = *place;
		const char *text;

		if (value->type == TOML_ARRAY)
			here.line = items[i].line;
		text = config_fields_text(&here, field->key,
		                          value->type == TOML_ARRAY ? "strings in the array"
		                                                    : "a string or an array of strings",
		                          &items[i]);
		if (text == NULL || add(out, &here, field->key, text) != 0)
			return -1;
	}
	return 0;
}

static int add_allowed_ips(void *out, const struct config_place *place, const char *key, const char *text)
{
	return rp_config_value_allowed_ips(out, place, key, text);
}

static int read_allowed_ips(void *member, const struct config_place *place, const struct config_field *field,
                            const struct toml_value *value)
{
	return read_list(place, field, value, member, add_allowed_ips);
}

static int add_ips(void *out, const struct config_place *place, const char *key, const char *text)
{
	return rp_config_value_ips(out, place, key, text);
}

static int read_ips(void *member, const struct config_place *place, const struct config_field *field,
                    const struct toml_value *value)
{
	return read_list(place, field, value, member, add_ips);
}

static const struct config_field peer_keys[] = {
	{ "public_keys_dir", config_fields_string, offsetof(struct rp_config_peer, public_keys_dir),
	  config_value_path },
	{ "endpoint", config_fields_string, offsetof(struct rp_config_peer, endpoint),
	  rp_config_value_endpoint },
	{ "persistent_keepalive", read_keepalive, 0, NULL },
	{ "allowed_ips", read_allowed_ips, offsetof(struct rp_config_peer, allowed_ips), NULL },
	{ "protocol_version", config_fields_dialects, offsetof(struct rp_config_peer, dialects), NULL },
	{ "name", config_fields_string, offsetof(struct rp_config_peer, name), config_value_name },
};

static_assert(COUNT(peer_keys) <= CONFIG_FIELDS_MAX, "all can be suggested");

static int read_peer(struct rp_config_peer *peer, const struct config_place *place,
                     const struct toml_value *table)
{
	const struct toml_value *name = toml_get(table, "name");
	struct config_place here = *place;

	if (table->type != TOML_TABLE)
		return config_fields_fail_type(place, "peers", "tables in the array", table);
	/* Where the name is usable, every message has it, also about what stands before it. */
	if (name != NULL && name->type == TOML_STRING && config_value_is_name(name->as.string.bytes))
		here.name = name->as.string.bytes;
	peer->line = table->line;
	if (config_fields_read(peer, &here, FIELDS(peer_keys), table) != 0)
		return -1;
	if (peer->public_keys_dir == NULL)
		return config_value_fail(&here, "public_keys_dir is missing; name the folder that rp pubkey "
		                                "made for this peer");
	return 0;
}

static int read_peers(void *member, const struct config_place *place, const struct config_field *field,
                      const struct toml_value *value)
{
	struct rp_config *config = member;
	struct config_place here = *place;

	if (value->type != TOML_ARRAY)
		return config_fields_fail_type(place, field->key, "[[peers]], a table for each peer", value);
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

static const struct config_field own_keys[] = {
	{ "verbose", read_boolean, offsetof(struct rp_config, verbose), NULL },
	{ "private_keys_dir", config_fields_string, offsetof(struct rp_config, private_keys_dir),
	  config_value_path },
	{ "dev", config_fields_string, offsetof(struct rp_config, dev), config_value_device },
	{ "ip", read_ips, offsetof(struct rp_config, ips), NULL },
	{ "listen", config_fields_string, offsetof(struct rp_config, listen), rp_config_value_listen },
	{ "mtu", read_mtu, offsetof(struct rp_config, mtu), NULL },
	{ "fwmark", config_fields_fwmark, offsetof(struct rp_config, fwmark), NULL },
	{ "replace_routes", read_boolean, offsetof(struct rp_config, replace_routes), NULL },
	{ "peers", read_peers, 0, NULL },
};

static_assert(COUNT(own_keys) <= CONFIG_FIELDS_MAX, "all can be suggested");

/* A text that no two peers may share; NULL: this one has none. */
struct unique {
	const char *text;
	const struct rp_config_peer *peer;
};

static int compare(const void *a, const void *b)
{
	const struct unique *left = a;
	const struct unique *right = b;
	int order = strcmp(left->text, right->text);

	/* Then in the order given, so that the message is about the second one. */
	return order != 0 ? order : (left->peer > right->peer) - (left->peer < right->peer);
}

static int check_unique(const struct rp_config *config, const struct config_place *place, size_t offset,
                        const char *called)
{
	struct unique *sorted = calloc(config->peer_count + 1, sizeof *sorted);
	size_t count = 0;
	int result = 0;

	if (sorted == NULL)
		return config_value_fail(place, "out of memory");
	for (size_t i = 0; i < config->peer_count; i++) {
		const struct rp_config_peer *peer = &config->peers[i];
		char *const *text = (char *const *)((const char *)peer + offset);

		if (*text != NULL)
			sorted[count++] = (struct unique){ *text, peer };
	}
	qsort(sorted, count, sizeof *sorted, compare);
	for (size_t i = 1; i < count && result == 0; i++) {
		struct config_place here = *place;

		if (strcmp(sorted[i - 1].text, sorted[i].text) != 0)
			continue;
		here.line = sorted[i].peer->line;
		here.peer = (size_t)(sorted[i].peer - config->peers) + 1;
		here.name = sorted[i].peer->name;
		result = config_value_fail(&here, "peer %zu has the same %s",
		                           (size_t)(sorted[i - 1].peer - config->peers) + 1, called);
	}
	free(sorted);
	return result;
}

static int claim_prefixes(struct prefix_claims *claims, const struct rp_config *config)
{
	for (size_t i = 0; i < config->peer_count; i++) {
		struct ip_prefix *prefixes = NULL;
		char problem[WIREGUARD_WORDS_PROBLEM_BYTES];
		size_t count;
		int result;

		/* Its form was checked when it was read. */
		if (config->peers[i].allowed_ips == NULL ||
		    wireguard_words_prefixes(&prefixes, &count, config->peers[i].allowed_ips, false,
		                             problem) != 0)
			continue;
		result = prefix_claims_add(claims, "", i, prefixes, count);
		free(prefixes);
		if (result != 0)
			return -1;
	}
	return 0;
}

static int check_prefixes(const struct rp_config *config, const struct config_place *place)
{
	struct prefix_claims claims = { 0 };
	struct config_place here = *place;
	char prefix[PREFIX_CLAIMS_TEXT_BYTES];
	size_t first;
	size_t second;
	int result = 0;

	if (claim_prefixes(&claims, config) != 0) {
		result = config_value_fail(place, "out of memory");
	} else if (prefix_claims_collide(&claims, &first, &second, prefix)) {
		here.line = config->peers[second].line;
		here.peer = second + 1;
		here.name = config->peers[second].name;
		result = config_value_fail(&here,
		                           "%s %s is of peer %zu (%s) already; WireGuard sends to one of "
		                           "them only",
		                           place->file != NULL ? "allowed_ips" : "allowed-ips", prefix,
		                           first + 1, config->peers[first].public_keys_dir);
	}
	prefix_claims_release(&claims);
	return result;
}

/* An interface with a smaller MTU has no IPv6 at all. */
static int check_mtu(const struct rp_config *config, const struct config_place *place)
{
	if (config->mtu == 0 || config->mtu >= RP_CONFIG_MTU_V6_MIN)
		return 0;
	for (size_t i = 0; i < config->ips.count; i++) {
		if (strchr(config->ips.words[i], ':') != NULL)
			return config_value_fail(
				place, "mtu %u is too small for the address %s; IPv6 needs %d or more",
				config->mtu, config->ips.words[i], RP_CONFIG_MTU_V6_MIN);
	}
	return 0;
}

static int check_whole(const struct rp_config *config, const struct config_place *place)
{
	const char *folder = place->file != NULL ? "public_keys_dir" : "PUBLIC_KEYS_DIR";

	if (config->private_keys_dir == NULL)
		return config_value_fail(place,
		                         "private_keys_dir is missing; name the folder that rp genkey made");
	if (check_unique(config, place, offsetof(struct rp_config_peer, name), "name") != 0)
		return -1;
	if (check_unique(config, place, offsetof(struct rp_config_peer, public_keys_dir), folder) != 0)
		return -1;
	if (check_mtu(config, place) != 0)
		return -1;
	return check_prefixes(config, place);
}

static int parse(struct rp_config *config, const char *text, size_t length, const struct config_place *place)
{
	struct toml_value root;
	int result;

	config->file = strdup(place->file);
	if (config->file == NULL)
		return config_value_fail(place, "out of memory");
	if (config_file_parse(&root, text, length, place->file, place->problem) != 0)
		return -1;
	result = config_fields_read(config, place, FIELDS(own_keys), &root);
	if (result != 0)
		config_file_name_other(&root, true, place->problem);
	toml_release(&root);
	return result == 0 ? check_whole(config, place) : result;
}

int rp_config_parse(struct rp_config *config, const char *text, size_t length, const char *path,
                    char problem[static CONFIG_PROBLEM_BYTES])
{
	const struct config_place place = { .file = path, .problem = problem };

	memset(config, 0, sizeof *config);
	if (parse(config, text, length, &place) == 0)
		return 0;
	rp_config_release(config);
	return -1;
}

int rp_config_read(struct rp_config *config, const char *path, char problem[static CONFIG_PROBLEM_BYTES])
{
	char *text = NULL;
	size_t length = 0;
	int result;

	memset(config, 0, sizeof *config);
	if (config_file_read(&text, &length, path, problem) != 0)
		return -1;
	result = rp_config_parse(config, text, length, path, problem);
	free(text);
	return result;
}

int rp_config_from_words(struct rp_config *config, char *const *words, size_t count,
                         char problem[static CONFIG_PROBLEM_BYTES])
{
	const struct config_place place = { .problem = problem };

	memset(config, 0, sizeof *config);
	if (rp_config_words_read(config, &place, words, count) == 0 && check_whole(config, &place) == 0)
		return 0;
	rp_config_release(config);
	return -1;
}

void rp_config_release(struct rp_config *config)
{
	for (size_t i = 0; i < config->peer_count; i++) {
		free(config->peers[i].name);
		free(config->peers[i].public_keys_dir);
		free(config->peers[i].endpoint);
		free(config->peers[i].allowed_ips);
	}
	for (size_t i = 0; i < config->ips.count; i++)
		free(config->ips.words[i]);
	free(config->ips.words);
	free(config->peers);
	free(config->file);
	free(config->private_keys_dir);
	free(config->dev);
	free(config->listen);
	memset(config, 0, sizeof *config);
}
