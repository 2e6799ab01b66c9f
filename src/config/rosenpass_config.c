#include "config/rosenpass_config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_file.h"
#include "config/prefix_claims.h"
#include "config/schema.h"
#include "config/schema_types.h"
#include "config/suggest.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE "rosenpass.toml(5)"

/* Rows of the tables: where the member is. */
#define OWN(member) .offset = offsetof(struct config, member)
#define PEER(member) .offset = offsetof(struct config_peer, member)
#define WHOLE .offset = 0

/* --- WireGuard ------------------------------------------------------------------------------------ */

/* wireguard = {interface, public_key}: what the Go implementation calls device and peer. */
static int check_wireguard_table(void *object, const struct config_place *place,
                                 const struct toml_value *table)
{
	const struct config_peer *peer = object;

	(void)table;
	if (peer->device == NULL || peer->wireguard_peer == NULL)
		return place_fail(place, "wireguard needs both interface and public_key");
	return 0;
}

static const struct schema_field wireguard_fields[] = {
	{ "interface", NULL, &schema_text, PEER(device), .parse = value_device },
	{ "public_key", NULL, &schema_text, PEER(wireguard_peer), .parse = value_wireguard_peer },
};

static const struct schema wireguard_schema = {
	.fields = wireguard_fields,
	.count = COUNT(wireguard_fields),
	.page = PAGE,
	.check = check_wireguard_table,
};

static int read_extra(struct wireguard_params *params, const struct config_place *place, char *const *words,
                      size_t count)
{
	char problem[WIREGUARD_PARAMS_PROBLEM_BYTES];

	if (wireguard_params_read(params, words, count, problem) == 0)
		return 0;
	return place_fail(place, "%s: %s",
	                  place_call(place, "extra_params", "what follows wireguard DEVICE PEER"), problem);
}

/* wireguard DEVICE PEER [EXTRA]... */
static int take_wireguard(void *object, struct schema_words *words, const struct schema_field *field)
{
	struct config_peer *peer = object;
	const char *device = schema_next_word(words, field->word);
	char *const *extra;

	if (device == NULL)
		return -1;
	if (words->at == words->count)
		return place_fail(&words->place, "wireguard needs a device and a peer after it");
	if (value_device(&peer->device, &words->place, "wireguard device", device) != 0 ||
	    value_wireguard_peer(&peer->wireguard_peer, &words->place, "wireguard peer",
	                         words->words[words->at++]) != 0)
		return -1;
	extra = words->words + words->at;
	while (!schema_at_end(words))
		words->at++;
	return read_extra(&peer->extra_params, &words->place, extra,
	                  (size_t)(words->words + words->at - extra));
}

static const struct schema_type wireguard_params = { .read_words = take_wireguard };

/* Types alone: what the words mean is said after the question which device they are for. */
static int look_at_extra(void *member, const struct config_place *place, const struct schema_field *field,
                         const struct toml_value *value)
{
	(void)member;
	if (value->type != TOML_ARRAY)
		return schema_fail_type(place, field->key, "an array of strings", value);
	for (size_t i = 0; i < value->as.array.count; i++) {
		struct config_place here = *place;

		here.line = value->as.array.items[i].line;
		if (schema_text_of(&here, field->key, "strings in the array", &value->as.array.items[i]) ==
		    NULL)
			return -1;
	}
	return 0;
}

static int read_extra_array(struct wireguard_params *params, const struct config_place *place,
                            const struct toml_value *array)
{
	char **words = calloc(array->as.array.count + 1, sizeof *words);
	int result;

	if (words == NULL)
		return place_fail(place, "out of memory");
	for (size_t i = 0; i < array->as.array.count; i++)
		words[i] = array->as.array.items[i].as.string.bytes;
	result = read_extra(params, place, words, array->as.array.count);
	free(words);
	return result;
}

static int write_extra(FILE *out, const struct schema_field *field, const void *member)
{
	struct string_list list;
	int result =
		wireguard_params_list(&list, member) == 0 ? schema_list.write(out, field, &list) : -ENOMEM;

	string_list_release(&list);
	return result;
}

static bool equal_extra(const void *a, const void *b)
{
	return wireguard_params_equal(a, b);
}

static void release_extra(void *member, const struct schema_field *field)
{
	(void)field;
	wireguard_params_release(member);
}

static const struct schema_type extra_params = {
	.read_toml = look_at_extra,
	.write = write_extra,
	.equal = equal_extra,
	.release = release_extra,
};

/* --- peers ---------------------------------------------------------------------------------------- */

static int begin_peer(void *object, const struct config_place *place, const struct toml_value *table)
{
	(void)object;
	if (toml_get(table, "wireguard") != NULL &&
	    (toml_get(table, "device") != NULL || toml_get(table, "peer") != NULL))
		return place_fail(place, "wireguard and device with peer mean the same; keep one of them");
	return 0;
}

static int check_wireguard(struct config_peer *peer, const struct config_place *place,
                           const struct toml_value *extra)
{
	if (peer->device != NULL && peer->wireguard_peer == NULL)
		return place_fail(place, "device without peer; peer = \"...\" is the WireGuard public key "
		                         "of the peer that gets the key");
	if (peer->device == NULL && peer->wireguard_peer != NULL)
		return place_fail(place, "peer without device; device = \"...\" is the WireGuard interface "
		                         "that has this peer");
	if (extra == NULL || extra->as.array.count == 0)
		return 0;
	if (peer->device == NULL)
		return place_fail(place, "extra_params without device and peer, which they are for");
	return read_extra_array(&peer->extra_params, place, extra);
}

static int check_osk(const struct config_peer *peer, const struct config_place *place)
{
	const char *organization = place_call(place, "osk_organization", "osk-organization");
	const char *label = place_call(place, "osk_label", "osk-label");
	size_t bytes;

	if (peer->osk_organization == NULL && peer->osk_labels.count == 0)
		return 0;
	if (peer->osk_labels.count == 0)
		return place_fail(place, "%s without %s; both are needed, the same as the peer has",
		                  organization, label);
	if (peer->osk_organization == NULL)
		return place_fail(place, "%s without %s; both are needed, the same as the peer has", label,
		                  organization);
	if (peer->osk_labels.count > CONFIG_OSK_LABELS_MAX)
		return place_fail(place, "%s has more than %d labels", label, CONFIG_OSK_LABELS_MAX);
	bytes = strlen(peer->osk_organization) + 1;
	for (size_t i = 0; i < peer->osk_labels.count; i++)
		bytes += strlen(peer->osk_labels.words[i]) + 1;
	if (bytes > CONFIG_OSK_BYTES)
		return place_fail(place, "%s and %s are longer than %zu bytes together", organization, label,
		                  CONFIG_OSK_BYTES - peer->osk_labels.count - 1);
	return 0;
}

/* Whether a peer is complete and its key goes somewhere. table: that it is from; NULL: a command line. */
static int check_peer(void *object, const struct config_place *place, const struct toml_value *table)
{
	struct config_peer *peer = object;

	if (peer->public_key == NULL)
		return place_fail(place, "public_key is missing; name the file with the peer's public key");
	if (check_wireguard(peer, place, table == NULL ? NULL : toml_get(table, "extra_params")) != 0 ||
	    check_osk(peer, place) != 0)
		return -1;
	if (peer->key_out == NULL && (peer->key_out_mode != 0 || peer->key_out_group != NULL))
		return place_fail(place, "%s without %s, which it is for",
		                  peer->key_out_mode != 0
		                          ? place_call(place, "key_out_mode", "outfile-mode")
		                          : place_call(place, "key_out_group", "outfile-group"),
		                  place_call(place, "key_out", "outfile"));
	if (peer->key_out == NULL && peer->device == NULL && peer->exchange_command.count == 0)
		return place_fail(place, "its key goes nowhere; add %s",
		                  place_call(place, "key_out, or device and peer, or exchange_command",
		                             "outfile FILE, or wireguard DEVICE PEER"));
	return 0;
}

static int take_peer(void *object, struct schema_words *words);

static int unknown_peer_word(const struct config_place *place, const char *word)
{
	/* Those that are asked for too rarely to be named to everybody. */
	static const char *const rare[] = {
		"name", "outfile-mode", "outfile-group", "protocol-version", "osk-organization", "osk-label"
	};
	const char *nearest = suggest_nearest(word, rare, COUNT(rare));

	if (nearest != NULL)
		return place_fail(place, "unrecognised argument %s; did you mean %s?", word, nearest);
	return place_fail(place,
	                  "unrecognised argument %s; expected public-key, endpoint, preshared-key, outfile, "
	                  "wireguard or peer",
	                  word);
}

/* Of a command: a word that is not there is a mistake of whoever made the list. */
static int parse_command_word(char **out, const struct config_place *place, const char *key, const char *text)
{
	if (text[0] == '\0')
		return place_fail(place, "%s contains an empty argument", key);
	return value_any(out, place, key, text);
}

static const struct schema_field peer_fields[] = {
	{ "name", "name", &schema_text, PEER(name), .parse = value_name },
	{ "public_key", "public-key", &schema_text, PEER(public_key), .parse = value_path },
	{ "endpoint", "endpoint", &schema_text, PEER(endpoint), .parse = value_endpoint },
	{ "pre_shared_key", "preshared-key", &schema_text, PEER(pre_shared_key), .parse = value_path },
	{ "key_out", "outfile", &schema_text, PEER(key_out), .parse = value_path },
	{ "key_out_mode", "outfile-mode", &schema_mode, PEER(key_out_mode) },
	{ "key_out_group", "outfile-group", &schema_group, PEER(key_out_group), .parse = value_text },
	{ "exchange_command", NULL, &schema_command, PEER(exchange_command), .parse = parse_command_word },
	{ "device", NULL, &schema_text, PEER(device), .parse = value_device },
	{ "peer", NULL, &schema_text, PEER(wireguard_peer), .parse = value_wireguard_peer },
	{ "extra_params", NULL, &extra_params, PEER(extra_params) },
	{ "wireguard", NULL, &schema_part, WHOLE, .schema = &wireguard_schema,
	  .expected = "a table with interface and public_key" },
	{ NULL, "wireguard", &wireguard_params, WHOLE },
	{ "protocol_version", "protocol-version", &schema_dialects, PEER(dialects) },
	{ "osk_organization", "osk-organization", &schema_text, PEER(osk_organization), .parse = value_any },
	{ "osk_label", "osk-label", &schema_list, PEER(osk_labels), .flags = SCHEMA_REPEATS,
	  .parse = value_any },
};

static const struct schema peer_schema = {
	.fields = peer_fields,
	.count = COUNT(peer_fields),
	.size = sizeof(struct config_peer),
	.line = offsetof(struct config_peer, line),
	.name = offsetof(struct config_peer, name),
	.page = PAGE,
	.begin = begin_peer,
	.check = check_peer,
	.take = take_peer,
	.unknown = unknown_peer_word,
};

static int take_peer(void *object, struct schema_words *words)
{
	const struct config_peer *peer = object;

	if (schema_read_words(object, &peer_schema, words) != 0)
		return -1;
	return peer->public_key == NULL ? place_fail(&words->place, "public-key file must be set") : 0;
}

void config_peer_release(struct config_peer *peer)
{
	schema_release(&peer_schema, peer);
}

bool config_peer_equal(const struct config_peer *a, const struct config_peer *b)
{
	return schema_equal(&peer_schema, a, b);
}

/* --- the whole ------------------------------------------------------------------------------------ */

static const char *const verbosities[] = { "Quiet", "Verbose", NULL };
static const char *const befores[] = { "block", "leave", NULL };
static const char *const on_exits[] = { "keep", "random", NULL };

static bool find_choice(unsigned *out, const char *const *choices, const char *word)
{
	int found = schema_find_choice(choices, word, false);

	if (found >= 0)
		*out = (unsigned)found;
	return found >= 0;
}

bool config_before_from_word(enum config_before *out, const char *word)
{
	return find_choice(out, befores, word);
}

bool config_on_exit_from_word(enum config_on_exit *out, const char *word)
{
	return find_choice(out, on_exits, word);
}

static int take_verbose(void *member, struct schema_words *words, const struct schema_field *field)
{
	enum config_verbosity *verbosity = member;

	(void)words;
	(void)field;
	*verbosity = CONFIG_VERBOSE;
	return 0;
}

static const struct schema_type verbose_word = { .read_words = take_verbose };

/* The management API of other versions, where it is not used. */
static int read_nothing(void *member, const struct config_place *place, const struct schema_field *field,
                        const struct toml_value *value)
{
	(void)member;
	if (value->type != TOML_ARRAY)
		return schema_fail_type(place, field->key, "an array", value);
	if (value->as.array.count > 0)
		return place_fail(place,
		                  "%s: this version has no management API; leave it out, and ask the control "
		                  "socket instead: rosenpass status",
		                  field->key);
	return 0;
}

static const struct schema_type nothing = { .read_toml = read_nothing };

static const struct schema_field api_fields[] = {
	{ "listen_path", NULL, &nothing, WHOLE },
	{ "listen_fd", NULL, &nothing, WHOLE },
	{ "stream_fd", NULL, &nothing, WHOLE },
};

static const struct schema api_schema = { .fields = api_fields, .count = COUNT(api_fields), .page = PAGE };

static int unknown_word(const struct config_place *place, const char *word)
{
	return place_fail(
		place,
		"unrecognised argument %s; expected public-key, secret-key, listen, fwmark, verbose "
		"or peer",
		word);
}

static int read_threads(void *member, const struct config_place *place, const struct schema_field *field,
                        const struct toml_value *value)
{
	uint32_t *threads = member;

	if (value->type != TOML_INTEGER)
		return schema_fail_type(place, field->key, "a number of threads", value);
	if (value->as.integer < 0 || value->as.integer > CONFIG_THREADS_MAX)
		return place_fail(place, "%s is %lld; expected a number from 0 to %d", field->key,
		                  (long long)value->as.integer, CONFIG_THREADS_MAX);
	*threads = (uint32_t)value->as.integer;
	return 0;
}

static int write_threads(FILE *out, const struct schema_field *field, const void *member)
{
	const uint32_t *threads = member;

	if (*threads != 0)
		(void)fprintf(out, "%s = %" PRIu32 "\n", field->key, *threads);
	return 0;
}

static const struct schema_type threads_type = { .read_toml = read_threads, .write = write_threads };

static const struct schema_field own_fields[] = {
	{ "public_key", "public-key", &schema_text, OWN(public_key), .parse = value_path },
	{ "secret_key", "secret-key", &schema_text, OWN(secret_key), .parse = value_path },
	{ NULL, "private-key", &schema_text, OWN(secret_key), .flags = SCHEMA_OLD, .parse = value_path },
	/* Programs in Rust insist on this key, even if there is nothing to say. */
	{ "listen", "listen", &schema_list, OWN(listen),
	  .flags = SCHEMA_REPEATS | SCHEMA_ONE_STRING | SCHEMA_ALWAYS, .parse = value_listen,
	  .most = CONFIG_LISTEN_MAX, .expected = "addresses" },
	{ "verbosity", NULL, &schema_choice, OWN(verbosity), .flags = SCHEMA_ALWAYS | SCHEMA_ANY_CASE,
	  .choices = verbosities },
	{ NULL, "verbose", &verbose_word, OWN(verbosity), .flags = SCHEMA_REPEATS },
	{ "user", NULL, &schema_text, OWN(user), .parse = value_text },
	/* Each peer has inherited these two. */
	{ "key_out_mode", NULL, &schema_mode, OWN(key_out_mode), .flags = SCHEMA_UNWRITTEN },
	{ "key_out_group", NULL, &schema_group, OWN(key_out_group), .flags = SCHEMA_UNWRITTEN,
	  .parse = value_text },
	{ "before_first_exchange", NULL, &schema_choice, OWN(before_first_exchange), .choices = befores,
	  .standard = CONFIG_LEAVE },
	{ "on_exit", NULL, &schema_choice, OWN(on_exit), .choices = on_exits },
	{ "fwmark", "fwmark", &schema_fwmark, OWN(fwmark) },
	{ "threads", NULL, &threads_type, OWN(threads) },
	{ "api", NULL, &schema_part, WHOLE, .schema = &api_schema, .expected = "a table" },
	{ "peers", NULL, &schema_peers, OWN(peers), .schema = &peer_schema, .most = CONFIG_PEERS_MAX },
};

static_assert(offsetof(struct config, peer_count) == offsetof(struct config, peers) + sizeof(void *),
              "the count stands after the peers");

static const struct schema own_schema = {
	.fields = own_fields,
	.count = COUNT(own_fields),
	.size = sizeof(struct config),
	.page = PAGE,
	.unknown = unknown_word,
};

static int check_pair(const struct config *config, const struct config_place *place)
{
	if (config->public_key != NULL && config->secret_key != NULL)
		return 0;
	if (config->public_key != NULL || config->secret_key != NULL)
		return place_fail(place, "%s without %s; both files of the key pair are needed",
		                  config->public_key != NULL ? "public_key" : "secret_key",
		                  config->public_key != NULL ? "secret_key" : "public_key");
	return place_fail(place, "public_key and secret_key are missing; name two files, and rosenpass "
	                         "gen-keys makes the key pair");
}

static int claim_prefixes(struct prefix_claims *claims, const struct config *config)
{
	for (size_t i = 0; i < config->peer_count; i++) {
		const struct config_peer *peer = &config->peers[i];

		if (peer->device != NULL &&
		    prefix_claims_add(claims, peer->device, i, peer->extra_params.allowed_ips,
		                      peer->extra_params.allowed_ip_count) != 0)
			return -1;
	}
	return 0;
}

static int check_prefixes(const struct config *config, const struct config_place *place)
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
		result = place_fail(
			&here, "allowed-ips %s is of peer %zu already; WireGuard sends to one of them only",
			prefix, first + 1);
	}
	prefix_claims_release(&claims);
	return result;
}

/* The own key pair, and what two peers may not share. */
static int check_whole(const struct config *config, const struct config_place *place)
{
	if (check_pair(config, place) != 0 ||
	    schema_check_unique(&peer_schema, config->peers, config->peer_count, place,
	                        offsetof(struct config_peer, name), "name") != 0)
		return -1;
	return check_prefixes(config, place);
}

int config_peer_inherit(struct config_peer *peer, const struct config *config)
{
	if (peer->key_out == NULL)
		return 0;
	if (peer->key_out_mode == 0)
		peer->key_out_mode = config->key_out_mode;
	if (peer->key_out_group == NULL && config->key_out_group != NULL)
		peer->key_out_group = strdup(config->key_out_group);
	return peer->key_out_group == NULL && config->key_out_group != NULL ? -1 : 0;
}

static int parse(struct config *config, const char *text, size_t length, const struct config_place *place)
{
	struct toml_value root;
	int result;

	config->file = strdup(place->file);
	if (config->file == NULL)
		return place_fail(place, "out of memory");
	if (config_file_parse(&root, text, length, place->file, place->problem) != 0)
		return -1;
	result = schema_read_table(config, &own_schema, place, &root);
	for (size_t i = 0; i < config->peer_count && result == 0; i++) {
		if (config_peer_inherit(&config->peers[i], config) != 0)
			result = place_fail(place, "out of memory");
	}
	if (result == 0)
		result = check_whole(config, place);
	if (result != 0)
		config_file_name_other(&root, false, place->problem);
	toml_release(&root);
	return result;
}

int config_parse(struct config *config, const char *text, size_t length, const char *path,
                 char problem[static CONFIG_PROBLEM_BYTES])
{
	const struct config_place place = { .file = path, .problem = problem };

	*config = (struct config){ .before_first_exchange = CONFIG_LEAVE };
	if (parse(config, text, length, &place) == 0)
		return 0;
	config_release(config);
	return -1;
}

int config_read(struct config *config, const char *path, char problem[static CONFIG_PROBLEM_BYTES])
{
	char *text;
	size_t length;
	int result;

	memset(config, 0, sizeof *config);
	if (config_file_read(&text, &length, path, problem) != 0)
		return -1;
	result = config_parse(config, text, length, path, problem);
	free(text);
	return result;
}

static int take(struct config *config, struct schema_words *words)
{
	int result;

	if (schema_read_words(config, &own_schema, words) != 0)
		return -1;
	if (config->public_key == NULL)
		return place_fail(&words->place, "public-key file must be set");
	if (config->secret_key == NULL)
		return place_fail(&words->place, "secret-key file must be set");
	config->secret_key_was_private = words->has_old;
	/* Without a peer, some can be added over the control socket. */
	result = schema_take_peers(config, &own_schema, words);
	for (size_t i = 0; i < config->peer_count && result == 0; i++) {
		struct config_place here = words->place;

		here.peer = i + 1;
		result = check_peer(&config->peers[i], &here, NULL);
	}
	return result == 0 ? check_whole(config, &words->place) : result;
}

int config_from_words(struct config *config, char *const *words, size_t count,
                      char problem[static CONFIG_PROBLEM_BYTES])
{
	struct schema_words reader = { .words = words, .count = count, .place = { .problem = problem } };

	*config = (struct config){ .before_first_exchange = CONFIG_LEAVE };
	if (take(config, &reader) == 0)
		return 0;
	config_release(config);
	return -1;
}

static int take_one(struct config_peer *peer, struct schema_words *words)
{
	if (take_peer(peer, words) != 0)
		return -1;
	if (words->at < words->count)
		return place_fail(&words->place, "peer starts another peer; add one at a time");
	return check_peer(peer, &words->place, NULL);
}

int config_peer_from_words(struct config_peer *peer, char *const *words, size_t count,
                           char problem[static CONFIG_PROBLEM_BYTES])
{
	struct schema_words reader = { .words = words, .count = count, .place = { .problem = problem } };

	memset(peer, 0, sizeof *peer);
	if (take_one(peer, &reader) == 0)
		return 0;
	config_peer_release(peer);
	return -1;
}

char *config_format(const struct config *config)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	int result;

	if (out == NULL)
		return NULL;
	result = schema_write(out, &own_schema, config);
	if (fclose(out) != 0 && result == 0)
		result = -ENOMEM;
	if (result == 0)
		return text;
	free(text);
	errno = -result;
	return NULL;
}

void config_release(struct config *config)
{
	free(config->file);
	schema_release(&own_schema, config);
}
