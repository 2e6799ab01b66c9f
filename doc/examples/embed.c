/*
 * Two engines in one program agree on a key. Build:
 *     cc embed.c $(pkg-config --cflags --libs rosenpass libsodium)
 * A real program sends the datagrams over a socket and takes the time from CLOCK_BOOTTIME.
 */
#include <rosenpass.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

struct side {
	uint8_t public_key[ROSENPASS_PUBLIC_KEY_BYTES];
	uint8_t secret_key[ROSENPASS_SECRET_KEY_BYTES];
	struct rosenpass_address address;
	struct rosenpass *engine;
	uint8_t key[ROSENPASS_KEY_BYTES];
	bool has_key;
};

static struct side client = { .address = { 1, 1, "c" } };
static struct side server = { .address = { 1, 1, "s" } };

static int random_fill(void *context, uint8_t *out, size_t out_len)
{
	(void)context;
	randombytes_buf(out, out_len);
	return 0;
}

static const struct rosenpass_environment environment = { .size = sizeof environment, .random = random_fill };

static int open_side(struct side *side)
{
	struct rosenpass_config config = {
		.size = sizeof config,
		.public_key = side->public_key,
		.secret_key = side->secret_key,
		.environment = &environment,
	};

	if (rosenpass_keygen(side->public_key, side->secret_key, &environment) != 0)
		return -1;
	return rosenpass_create(&side->engine, &config);
}

/* Hands what came out of one engine to the other, as a network would. */
static void carry(struct side *from, struct side *to, uint64_t now_ns)
{
	struct rosenpass_output output = { .size = sizeof output };

	while (rosenpass_next(from->engine, &output)) {
		if (output.kind == ROSENPASS_OUTPUT_SEND) {
			struct rosenpass_datagram datagram = {
				.size = sizeof datagram,
				.data = output.data,
				.length = output.length,
				.from = from->address,
			};
			/* One that is not taken is lost, and sent again later. */
			(void)rosenpass_receive(to->engine, &datagram, 1, now_ns);
		} else if (output.kind == ROSENPASS_OUTPUT_KEY) {
			memcpy(from->key, output.data, sizeof from->key);
			from->has_key = true;
		}
	}
}

int main(void)
{
	/* The client knows where the server is, so it begins. */
	struct rosenpass_peer_config to_server = {
		.size = sizeof to_server,
		.public_key = server.public_key,
		.endpoint = server.address,
	};
	struct rosenpass_peer_config to_client = { .size = sizeof to_client,
		                                   .public_key = client.public_key };
	rosenpass_peer peer;
	uint64_t now_ns = 0;
	bool same = false;

	if (sodium_init() < 0 || open_side(&client) != 0 || open_side(&server) != 0 ||
	    rosenpass_peer_add(client.engine, &to_server, now_ns, &peer) != 0 ||
	    rosenpass_peer_add(server.engine, &to_client, now_ns, &peer) != 0) {
		fputs("set-up failed\n", stderr);
		goto done;
	}
	for (int step = 0; step < 20 && !(client.has_key && server.has_key); step++) {
		uint64_t deadline_ns = rosenpass_deadline(client.engine);

		if (deadline_ns != ROSENPASS_NEVER && deadline_ns > now_ns)
			now_ns = deadline_ns; /* in place of waiting */
		rosenpass_expire(client.engine, now_ns);
		rosenpass_expire(server.engine, now_ns);
		carry(&client, &server, now_ns);
		carry(&server, &client, now_ns);
	}
	same = client.has_key && server.has_key &&
	       sodium_memcmp(client.key, server.key, sizeof client.key) == 0;
	puts(same ? "both sides hold the same key" : "the sides do not agree");
done:
	rosenpass_destroy(client.engine);
	rosenpass_destroy(server.engine);
	sodium_memzero(&client, sizeof client);
	sodium_memzero(&server, sizeof server);
	return same ? 0 : 1;
}
