#include "config/rp_config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_file.h"
#include "config/endpoint_syntax.h"
#include "config/prefix_claims.h"
#include "config/schema.h"
#include "config/schema_types.h"
#include "config/suggest.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE "rp.toml(5)"
/* Rows of the tables: where the member is. */
#define OWN(member) .offset = offsetof(struct rp_config, member)
#define PEER(member) .offset = offsetof(struct rp_config_peer, member)
#define WHOLE .offset = 0

#define DIGITS "0123456789"
#define BLANKS " \t"
#define KEEPALIVE_MAX UINT16_MAX

/* So much of what the user wrote is shown. */
#define TEXT_SHOWN 100

/* --- values --------------------------------------------------------------------------------------- */

/* The number that a text is, or more than most where it is none. */
static unsigned long number(const char *text, unsigned long most)
{
	size_t digits = strspn(text, DIGITS);
	unsigned long value;

	if (digits == 0 || text[digits] != '\0')
		return most + 1;
	/* What overflows is ULONG_MAX. */
	value = strtoul(text, NULL, 10);
	return value > most ? most + 1 : value;
}

/* The port of what endpoint_syntax_problem() found good. */
static unsigned long port_of(const char *text)
{
	return number(strrchr(text, ':') + 1, RP_CONFIG_PORT_MAX);
}

static int fail_last_port(const struct config_place *place, const char *key, const char *text)
{
	return place_fail(place,
	                  "%s \"%.*s\" has the last port, 65535, and WireGuard needs the one after it; "
	                  "choose one up to %d",
	                  key, TEXT_SHOWN, text, RP_CONFIG_PORT_MAX);
}

static int parse_listen(char **out, const struct config_place *place, const char *key, const char *text)
{
	char *full;

	if (value_listen(&full, place, key, text) != 0)
		return -1;
	if (port_of(full) >= 1 && port_of(full) <= RP_CONFIG_PORT_MAX) {
		*out = full;
		return 0;
	}
	if (port_of(full) > RP_CONFIG_PORT_MAX)
		(void)fail_last_port(place, key, text);
	else
		(void)place_fail(place,
		                 "%s \"%.*s\" has port 0; give one from 1 to %d, or leave %s out for a free "
		                 "one",
		                 key, TEXT_SHOWN, text, RP_CONFIG_PORT_MAX, key);
	free(full);
	return -1;
}

static int parse_endpoint(char **out, const struct config_place *place, const char *key, const char *text)
{
	if (endpoint_syntax_problem(text, false) == NULL && port_of(text) > RP_CONFIG_PORT_MAX)
		return fail_last_port(place, key, text);
	return value_endpoint(out, place, key, text);
}

static bool is_empty(const char *text)
{
	return text[strspn(text, BLANKS)] == '\0';
}

static int check_list(const struct config_place *place, const char *key, const char *text, bool keep_host)
{
	char problem[WIREGUARD_PARAMS_PROBLEM_BYTES];
	struct ip_prefix *prefixes = NULL;
	size_t count = 0;

	if (wireguard_params_prefixes(&prefixes, &count, text, keep_host, problem) != 0)
		return place_fail(place, "%s: %s", key, problem);
	free(prefixes);
	return 0;
}

/* --- types ---------------------------------------------------------------------------------------- */

/* A list of lists: one string with commas, several strings, or both. */
static int read_lists(void *member, const struct config_place *place, const struct schema_field *field,
                      const struct toml_value *value)
{
	bool is_array = value->type == TOML_ARRAY;
	const struct toml_value *items = is_array ? value->as.array.items : value;
	size_t count = is_array ? value->as.array.count : 1;

	for (size_t i = 0; i < count; i++) {
		struct config_place here = *place;
		const char *text;

		if (is_array)
			here.line = items[i].line;
		text = schema_text_of(&here, field->key,
		                      is_array ? "strings in the array" : "a string or an array of strings",
		                      &items[i]);
		if (text == NULL || field->type->read(member, &here, field, text) != 0)
			return -1;
	}
	return 0;
}

/* Adds to the prefixes that are there; an empty list adds nothing. */
static int read_allowed_ips(void *member, const struct config_place *place, const struct schema_field *field,
                            const char *text)
{
	char **list = member;
	char *longer = NULL;

	if (is_empty(text))
		return 0;
	if (check_list(place, place_call(place, field->key, field->word), text, false) != 0)
		return -1;
	if (asprintf(&longer, "%s%s%s", *list == NULL ? "" : *list, *list == NULL ? "" : ",", text) < 0)
		return place_fail(place, "out of memory");
	free(*list);
	*list = longer;
	return 0;
}

static const struct schema_type allowed_ips = {
	.read = read_allowed_ips,
	.read_toml = read_lists,
	.release = schema_release_text,
};

/* Appends each address of a list. */
static int read_ips(void *member, const struct config_place *place, const struct schema_field *field,
                    const char *text)
{
	const char *name = place_call(place, field->key, field->word);

	if (is_empty(text))
		return place_fail(place, "%s is empty; expected an address such as fc00::1/64", name);
	if (check_list(place, name, text, true) != 0)
		return -1;
	for (;;) {
		const char *from = text + strspn(text, BLANKS);
		char *one = strndup(from, strcspn(from, BLANKS ","));

		if (one == NULL || string_list_append(member, one) != 0)
			return place_fail(place, "out of memory");
		text = strchr(from, ',');
		if (text == NULL)
			return 0;
		text++;
	}
}

static const struct schema_type ips = { .read = read_ips,
	                                .read_toml = read_lists,
	                                .release = schema_release_list };

static int read_mtu(void *member, const struct config_place *place, const struct schema_field *field,
                    const char *text)
{
	unsigned long bytes = number(text, RP_CONFIG_MTU_MAX);
	uint32_t *mtu = member;

	if (bytes < RP_CONFIG_MTU_MIN || bytes > RP_CONFIG_MTU_MAX)
		return place_fail(place, "%s \"%.*s\" is not an MTU; expected bytes from %d to %d",
		                  field->word, TEXT_SHOWN, text, RP_CONFIG_MTU_MIN, RP_CONFIG_MTU_MAX);
	*mtu = (uint32_t)bytes;
	return 0;
}

static int read_toml_mtu(void *member, const struct config_place *place, const struct schema_field *field,
                         const struct toml_value *value)
{
	uint32_t *mtu = member;

	if (value->type != TOML_INTEGER)
		return schema_fail_type(place, field->key, "a number of bytes", value);
	if (value->as.integer < RP_CONFIG_MTU_MIN || value->as.integer > RP_CONFIG_MTU_MAX)
		return place_fail(place, "%s is %lld; expected bytes from %d to %d", field->key,
		                  (long long)value->as.integer, RP_CONFIG_MTU_MIN, RP_CONFIG_MTU_MAX);
	*mtu = (uint32_t)value->as.integer;
	return 0;
}

static const struct schema_type mtu_type = { .read = read_mtu, .read_toml = read_toml_mtu };

static void set_keepalive(struct rp_config_peer *peer, uint16_t seconds)
{
	peer->has_keepalive = true;
	peer->persistent_keepalive = seconds;
}

static int read_keepalive(void *member, const struct config_place *place, const struct schema_field *field,
                          const char *text)
{
	unsigned long seconds = strcmp(text, "off") == 0 ? 0 : number(text, KEEPALIVE_MAX);

	if (seconds > KEEPALIVE_MAX)
		return place_fail(place, "%s \"%.*s\" is not a time; expected seconds from 1 to %d, or off",
		                  field->word, TEXT_SHOWN, text, KEEPALIVE_MAX);
	set_keepalive(member, (uint16_t)seconds);
	return 0;
}

static int read_toml_keepalive(void *member, const struct config_place *place,
                               const struct schema_field *field, const struct toml_value *value)
{
	if (value->type != TOML_INTEGER)
		return schema_fail_type(place, field->key, "a number of seconds", value);
	if (value->as.integer < 0 || value->as.integer > KEEPALIVE_MAX)
		return place_fail(place, "%s is %lld; expected seconds from 1 to %d, or 0 for none",
		                  field->key, (long long)value->as.integer, KEEPALIVE_MAX);
	set_keepalive(member, (uint16_t)value->as.integer);
	return 0;
}

/* Of the whole peer. */
static const struct schema_type keepalive = { .read = read_keepalive, .read_toml = read_toml_keepalive };

/* --- words of the other part, and of none ---------------------------------------------------------- */

static bool is_own_word(const char *word);
static bool is_peer_word(const char *word);
static int take_peer(void *object, struct schema_words *words);
static int unknown_own_word(const struct config_place *place, const char *word);
static int unknown_peer_word(const struct config_place *place, const char *word);

/* Takes the directory that a part begins with, unless the word is one that stands after it. */
static int take_folder(struct schema_words *words, char **out, const char *called)
{
	const char *word = words->at < words->count ? words->words[words->at] : NULL;

	if (word == NULL)
		return place_fail(&words->place, "%s is missing", called);
	if (is_own_word(word) || is_peer_word(word))
		return place_fail(&words->place, "%s is missing before %s (or ./%s, if that is its name)",
		                  called, word, word);
	words->at++;
	return value_path(out, &words->place, called, word);
}

/* --- tables --------------------------------------------------------------------------------------- */

static int check_peer(void *object, const struct config_place *place, const struct toml_value *table)
{
	const struct rp_config_peer *peer = object;

	(void)table;
	if (peer->public_keys_dir == NULL)
		return place_fail(place,
		                  "public_keys_dir is missing; name the directory that rp pubkey made for "
		                  "this peer");
	return 0;
}

static const struct schema_field peer_fields[] = {
	{ "public_keys_dir", NULL, &schema_text, PEER(public_keys_dir), .parse = value_path },
	{ "endpoint", "endpoint", &schema_text, PEER(endpoint), .parse = parse_endpoint },
	{ "persistent_keepalive", "persistent-keepalive", &keepalive, WHOLE },
	{ "allowed_ips", "allowed-ips", &allowed_ips, PEER(allowed_ips) },
	{ "protocol_version", "protocol-version", &schema_dialects, PEER(dialects) },
	{ "name", "name", &schema_text, PEER(name), .parse = value_name },
};

static const struct schema peer_schema = {
	.fields = peer_fields,
	.count = COUNT(peer_fields),
	.size = sizeof(struct rp_config_peer),
	.line = offsetof(struct rp_config_peer, line),
	.name = offsetof(struct rp_config_peer, name),
	.page = PAGE,
	.check = check_peer,
	.take = take_peer,
	.unknown = unknown_peer_word,
};

static const struct schema_field own_fields[] = {
	{ "verbose", "verbose", &schema_boolean, OWN(verbose), .flags = SCHEMA_REPEATS },
	{ "private_keys_dir", NULL, &schema_text, OWN(private_keys_dir), .parse = value_path },
	{ "dev", "dev", &schema_text, OWN(dev), .parse = value_device },
	{ "ip", "ip", &ips, OWN(ips), .flags = SCHEMA_REPEATS },
	{ "listen", "listen", &schema_text, OWN(listen), .parse = parse_listen },
	{ "mtu", "mtu", &mtu_type, OWN(mtu) },
	{ "fwmark", "fwmark", &schema_fwmark, OWN(fwmark) },
	{ "replace_routes", NULL, &schema_boolean, OWN(replace_routes) },
	{ "peers", NULL, &schema_peers, OWN(peers), .schema = &peer_schema, .most = CONFIG_PEERS_MAX },
};

static_assert(offsetof(struct rp_config, peer_count) == offsetof(struct rp_config, peers) + sizeof(void *),
              "the count stands after the peers");

static const struct schema own_schema = {
	.fields = own_fields,
	.count = COUNT(own_fields),
	.size = sizeof(struct rp_config),
	.page = PAGE,
	.unknown = unknown_own_word,
};

static bool is_own_word(const char *word)
{
	return strcmp(word, "peer") == 0 || schema_has_word(&own_schema, word);
}

static bool is_peer_word(const char *word)
{
	return strcmp(word, "peer") == 0 || schema_has_word(&peer_schema, word);
}

static int unknown_word(const struct schema *schema, const struct config_place *place, const char *word)
{
	const char *nearest;

	if (word[0] == '-')
		return place_fail(place, "option %.*s has to stand directly after the command", TEXT_SHOWN,
		                  word);
	nearest = schema_nearest_word(schema, word);
	if (nearest != NULL)
		return place_fail(place, "unknown argument %.*s; did you mean %s?", TEXT_SHOWN, word,
		                  nearest);
	return place_fail(place, "unknown argument %.*s; rp help exchange lists the known ones", TEXT_SHOWN,
	                  word);
}

static int unknown_own_word(const struct config_place *place, const char *word)
{
	if (is_peer_word(word))
		return place_fail(place, "%s is about a peer; it stands after peer PUBLIC_KEYS_DIR", word);
	return unknown_word(&own_schema, place, word);
}

static int unknown_peer_word(const struct config_place *place, const char *word)
{
	if (is_own_word(word))
		return place_fail(place, "%s is not about a peer; it stands before the first one", word);
	return unknown_word(&peer_schema, place, word);
}

static int take_peer(void *object, struct schema_words *words)
{
	struct rp_config_peer *peer = object;

	if (take_folder(words, &peer->public_keys_dir, "PUBLIC_KEYS_DIR") != 0)
		return -1;
	return schema_read_words(peer, &peer_schema, words);
}

/* --- the whole ------------------------------------------------------------------------------------ */

static int claim_prefixes(struct prefix_claims *claims, const struct rp_config *config)
{
	for (size_t i = 0; i < config->peer_count; i++) {
		struct ip_prefix *prefixes = NULL;
		char problem[WIREGUARD_PARAMS_PROBLEM_BYTES];
		size_t count;
		int result;

		if (config->peers[i].allowed_ips == NULL)
			continue;
		/* The form was checked when the list was read: only memory may be missing. */
		if (wireguard_params_prefixes(&prefixes, &count, config->peers[i].allowed_ips, false,
		                              problem) != 0)
			return -1;
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
	struct config_place here;
	char prefix[PREFIX_CLAIMS_TEXT_BYTES];
	size_t first;
	size_t second;
	int result = 0;

	if (claim_prefixes(&claims, config) != 0) {
		result = place_fail(place, "out of memory");
	} else if (prefix_claims_collide(&claims, &first, &second, prefix)) {
		here = schema_place_of(&peer_schema, config->peers, second, place);
		result = place_fail(&here,
		                    "%s %s is of peer %zu (%s) already; WireGuard sends to one of "
		                    "them only",
		                    place->file != NULL ? "allowed_ips" : "allowed-ips", prefix, first + 1,
		                    config->peers[first].public_keys_dir);
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
			return place_fail(place,
			                  "mtu %u is too small for the address %s; IPv6 needs %d or more",
			                  config->mtu, config->ips.words[i], RP_CONFIG_MTU_V6_MIN);
	}
	return 0;
}

static int check_whole(const struct rp_config *config, const struct config_place *place)
{
	const char *folder = place->file != NULL ? "public_keys_dir" : "PUBLIC_KEYS_DIR";

	if (config->private_keys_dir == NULL)
		return place_fail(place,
		                  "private_keys_dir is missing; name the directory that rp genkey made");
	if (schema_check_unique(&peer_schema, config->peers, config->peer_count, place,
	                        offsetof(struct rp_config_peer, name), "name") != 0)
		return -1;
	if (schema_check_unique(&peer_schema, config->peers, config->peer_count, place,
	                        offsetof(struct rp_config_peer, public_keys_dir), folder) != 0)
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
		return place_fail(place, "out of memory");
	if (config_file_parse(&root, text, length, place->file, place->problem) != 0)
		return -1;
	result = schema_read_table(config, &own_schema, place, &root);
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

static int take(struct rp_config *config, struct schema_words *words)
{
	if (take_folder(words, &config->private_keys_dir, "PRIVATE_KEYS_DIR") != 0 ||
	    schema_read_words(config, &own_schema, words) != 0)
		return -1;
	if (schema_take_peers(config, &own_schema, words) != 0)
		return -1;
	return check_whole(config, &words->place);
}

int rp_config_from_words(struct rp_config *config, char *const *words, size_t count,
                         char problem[static CONFIG_PROBLEM_BYTES])
{
	struct schema_words reader = { .words = words, .count = count, .place = { .problem = problem } };

	memset(config, 0, sizeof *config);
	if (take(config, &reader) == 0)
		return 0;
	rp_config_release(config);
	return -1;
}

void rp_config_release(struct rp_config *config)
{
	free(config->file);
	schema_release(&own_schema, config);
}
