#include "rosenpass/commands.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/arguments.h"
#include "config/quote.h"
#include "rosenpass.h"
#include "rosenpass/daemon.h"
#include "system/base64.h"
#include "system/clock.h"
#include "system/entropy.h"
#include "system/file.h"
#include "system/log.h"
#include "system/secret_memory.h"

/* As the reference: a file with a preshared key is base64 and little else. */
#define PSK_FILE_BYTES 1000
#define LISTEN_ADDRESSES_MAX 16

static const struct rosenpass_environment environment = {
	.random = entropy_fill,
	.allocate = secret_memory_allocate,
	.release = secret_memory_release,
};

/* Everything that was read, before anything is done. */
struct exchange {
	struct arguments arguments;
	uint8_t *public_key;
	uint8_t *secret_key; /* secret memory */
	uint8_t *psk;        /* secret memory: of the peer that is being added */
	struct daemon daemon;
};

static int read_problem(const char *what, const char *path, int result)
{
	log_error("cannot read %s file \"%s\": %s", what, path, strerror(-result));
	return -1;
}

static uint8_t *read_public_key(const char *path)
{
	uint8_t *key = malloc(ROSENPASS_PUBLIC_KEY_BYTES);
	size_t length = 0;
	int result = key == NULL ? -ENOMEM : file_read(path, key, ROSENPASS_PUBLIC_KEY_BYTES, &length);

	if (result == 0 && length == ROSENPASS_PUBLIC_KEY_BYTES)
		return key;
	free(key);
	if (result == -EFBIG)
		log_error("public-key file \"%s\" is too long: a public key has %d bytes", path,
		          ROSENPASS_PUBLIC_KEY_BYTES);
	else if (result != 0)
		(void)read_problem("public-key", path, result);
	else
		log_error("public-key file \"%s\" is too short: %zu bytes, a public key has %d", path, length,
		          ROSENPASS_PUBLIC_KEY_BYTES);
	return NULL;
}

static int read_secret_key(uint8_t *key, const char *path)
{
	uint8_t *file = secret_memory_allocate(NULL, ROSENPASS_SECRET_KEY_BYTES);
	size_t length = 0;
	int result = file == NULL ? -ENOMEM : file_read(path, file, ROSENPASS_SECRET_KEY_BYTES, &length);
	int status = -1;

	if (result == -EFBIG)
		log_error("secret-key file \"%s\" is too long: a secret key has %d or, of 0.2.x software, %d "
		          "bytes",
		          path, ROSENPASS_SECRET_KEY_BYTES, ROSENPASS_SECRET_KEY_OLD_BYTES);
	else if (result != 0)
		(void)read_problem("secret-key", path, result);
	else if (rosenpass_secret_key_import(key, file, length) != 0)
		log_error(
			"secret-key file \"%s\" has %zu bytes: a secret key has %d or, of 0.2.x software, %d",
			path, length, ROSENPASS_SECRET_KEY_BYTES, ROSENPASS_SECRET_KEY_OLD_BYTES);
	else
		status = 0;
	secret_memory_release(NULL, file, ROSENPASS_SECRET_KEY_BYTES);
	return status;
}

static int read_psk(uint8_t *psk, const char *path)
{
	uint8_t *text = secret_memory_allocate(NULL, PSK_FILE_BYTES);
	size_t length = 0;
	int result = text == NULL ? -ENOMEM : file_read(path, text, PSK_FILE_BYTES, &length);
	int status = -1;

	if (result != 0 && result != -EFBIG)
		(void)read_problem("preshared-key", path, result);
	else if (result != 0 || base64_decode_key(psk, (const char *)text, length) != 0)
		log_error("preshared-key file \"%s\" does not hold 32 bytes in base64 (44 characters, as wg "
		          "genpsk makes)",
		          path);
	else
		status = 0;
	secret_memory_release(NULL, text, PSK_FILE_BYTES);
	return status;
}

static int check_arguments(const struct arguments *arguments)
{
	if (arguments->peer_count == 0) {
		log_error("exchange: no peer given; add: peer public-key FILE outfile FILE");
		return -1;
	}
	for (size_t i = 0; i < arguments->peer_count; i++) {
		if (arguments->peers[i].wireguard_device != NULL) {
			log_error("peer %zu: this version does not set WireGuard keys; use outfile FILE "
			          "instead",
			          i + 1);
			return -1;
		}
		if (arguments->peers[i].outfile == NULL) {
			log_error("peer %zu: its key goes nowhere; add outfile FILE", i + 1);
			return -1;
		}
		if (file_check_place(arguments->peers[i].outfile) != 0) {
			log_error("peer %zu: outfile \"%s\" is a folder or device; name a file, which "
			          "each new key replaces",
			          i + 1, arguments->peers[i].outfile);
			return -1;
		}
	}
	if (arguments->secret_key_was_private)
		log_warn("the private-key argument is deprecated, please use secret-key instead");
	return 0;
}

static int read_own_keys(struct exchange *x)
{
	x->secret_key = secret_memory_allocate(NULL, ROSENPASS_SECRET_KEY_BYTES);
	x->psk = secret_memory_allocate(NULL, ROSENPASS_PSK_BYTES);
	if (x->secret_key == NULL || x->psk == NULL) {
		log_error("exchange: out of memory");
		return -1;
	}
	x->public_key = read_public_key(x->arguments.public_key);
	if (x->public_key == NULL || read_secret_key(x->secret_key, x->arguments.secret_key) != 0)
		return -1;
	if (!rosenpass_keypair_matches(x->public_key, x->secret_key)) {
		log_error("public-key file \"%s\" and secret-key file \"%s\" do not belong together",
		          x->arguments.public_key, x->arguments.secret_key);
		return -1;
	}
	return 0;
}

static int create_engine(struct exchange *x)
{
	struct rosenpass_config config = {
		.public_key = x->public_key,
		.secret_key = x->secret_key,
		.environment = environment,
	};
	int result = rosenpass_create(&x->daemon.engine, &config);

	if (result != 0)
		log_error("exchange: %s", rosenpass_error_name(result));
	return result;
}

static int resolve_endpoint(struct daemon_peer *peer)
{
	const char *problem;

	if (peer->endpoint == NULL)
		return 0;
	if (address_resolve(peer->endpoint, peer->addresses, DAEMON_ADDRESSES_MAX, &peer->address_count,
	                    &problem) == 0) {
		/* The port stands at the same place in addresses of both families. */
		if (peer->addresses[0].v4.sin_port != 0)
			return 0;
		problem = "a peer cannot wait on port 0; give the port that it listens on";
	}
	log_error("peer %zu: endpoint \"%s\": %s", peer->number, peer->endpoint, problem);
	return -1;
}

static int add_peer(struct exchange *x, struct daemon_peer *peer, const struct arguments_peer *given)
{
	struct rosenpass_peer_config config = { .user = peer, .discover = given->endpoint != NULL };
	int result;

	peer->outfile = given->outfile;
	peer->endpoint = given->endpoint;
	peer->quoted_outfile = quote(given->outfile);
	peer->key = secret_memory_allocate(NULL, ROSENPASS_KEY_BYTES);
	if (peer->quoted_outfile == NULL || peer->key == NULL) {
		log_error("exchange: out of memory");
		return -1;
	}
	peer->public_key = read_public_key(given->public_key);
	if (peer->public_key == NULL || resolve_endpoint(peer) != 0)
		return -1;
	if (given->preshared_key != NULL) {
		if (read_psk(x->psk, given->preshared_key) != 0)
			return -1;
		config.psk = x->psk;
	}
	config.public_key = peer->public_key;
	result = rosenpass_peer_add(x->daemon.engine, &config, clock_now_ns(), &peer->handle);
	sodium_memzero(x->psk, ROSENPASS_PSK_BYTES);
	if (result == ROSENPASS_E_EXISTS)
		log_error("peer %zu: public-key file \"%s\" is our own key or that of an earlier peer",
		          peer->number, given->public_key);
	else if (result != 0)
		log_error("peer %zu: %s", peer->number, rosenpass_error_name(result));
	return result;
}

static int add_peers(struct exchange *x)
{
	const struct arguments *arguments = &x->arguments;

	x->daemon.peers = calloc(arguments->peer_count, sizeof *x->daemon.peers);
	if (x->daemon.peers == NULL) {
		log_error("exchange: out of memory");
		return -1;
	}
	x->daemon.peer_count = arguments->peer_count;
	for (size_t i = 0; i < arguments->peer_count; i++) {
		x->daemon.peers[i].number = i + 1;
		if (add_peer(x, &x->daemon.peers[i], &arguments->peers[i]) != 0)
			return -1;
	}
	return 0;
}

static int listen_at(struct sockets *sockets, const char *text)
{
	union address_socket addresses[LISTEN_ADDRESSES_MAX];
	size_t count;
	const char *problem;

	if (address_resolve(text, addresses, LISTEN_ADDRESSES_MAX, &count, &problem) != 0) {
		log_error("listen \"%s\": %s", text, problem);
		return -1;
	}
	for (size_t i = 0; i < count; i++) {
		int result = sockets_listen(sockets, &addresses[i]);

		if (result != 0) {
			log_error("listen \"%s\": %s", text, strerror(-result));
			return -1;
		}
	}
	return 0;
}

static int open_sockets(struct exchange *x)
{
	for (size_t i = 0; i < x->arguments.listen_count; i++) {
		if (listen_at(&x->daemon.sockets, x->arguments.listen[i]) != 0)
			return -1;
	}
	if (x->arguments.listen_count == 0) {
		int result = sockets_listen_anywhere(&x->daemon.sockets);

		if (result != 0) {
			log_error("cannot open a UDP socket: %s", strerror(-result));
			return -1;
		}
	}
	return 0;
}

static int run(struct exchange *x)
{
	int result;

	if (check_arguments(&x->arguments) != 0 || read_own_keys(x) != 0 || create_engine(x) != 0 ||
	    add_peers(x) != 0 || open_sockets(x) != 0)
		return COMMAND_FAILED;
	/* The engine has its own copy. */
	sodium_memzero(x->secret_key, ROSENPASS_SECRET_KEY_BYTES);
	log_info("exchanging keys with %zu peer%s", x->daemon.peer_count,
	         x->daemon.peer_count == 1 ? "" : "s");
	result = daemon_run(&x->daemon);
	if (result != 0)
		log_error("exchange: %s", strerror(-result));
	return result == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static void release(struct exchange *x)
{
	sockets_close(&x->daemon.sockets);
	rosenpass_destroy(x->daemon.engine);
	for (size_t i = 0; i < x->daemon.peer_count; i++) {
		struct daemon_peer *peer = &x->daemon.peers[i];

		secret_memory_release(NULL, peer->key, ROSENPASS_KEY_BYTES);
		free(peer->public_key);
		free(peer->quoted_outfile);
	}
	free(x->daemon.peers);
	free(x->public_key);
	secret_memory_release(NULL, x->secret_key, ROSENPASS_SECRET_KEY_BYTES);
	secret_memory_release(NULL, x->psk, ROSENPASS_PSK_BYTES);
	arguments_release(&x->arguments);
	free(x);
}

int command_exchange(int count, char **words)
{
	struct exchange *x;
	char problem[ARGUMENTS_PROBLEM_BYTES];
	int status = COMMAND_FAILED;

	if (count == 2 && (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0))
		return command_help("exchange");
	if (count == 1) {
		log_error("exchange: public-key and secret-key are missing; rosenpass help exchange shows "
		          "the usage");
		return COMMAND_USAGE;
	}
	if (words[1][0] == '-') {
		log_error("exchange: unknown option %s; rosenpass help exchange shows the usage", words[1]);
		return COMMAND_USAGE;
	}
	x = calloc(1, sizeof *x);
	if (x == NULL) {
		log_error("exchange: out of memory");
		return COMMAND_FAILED;
	}
	if (secret_memory_protect_process() != 0)
		log_warn("cannot forbid core dumps of this process");
	if (arguments_parse(&x->arguments, words + 1, (size_t)count - 1, problem) != 0) {
		log_error("exchange: %s", problem);
	} else {
		if (x->arguments.verbose && !log_is_on(LOG_DEBUG))
			log_set_level(LOG_DEBUG);
		status = run(x);
	}
	release(x);
	return status;
}
