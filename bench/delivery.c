/*
 * usage: delivery [FOLDER]
 *
 * What a new key costs the monitor: the CPU time of this process for keys that go to a file in FOLDER
 * (/tmp), and for keys that go to a WireGuard device in memory, with one peer, 4,000 and 10,000. Keys come
 * on the protocol's clock, one of each peer in two minutes, and everything that happens to the device in
 * that time counts. What the kernel takes to read and set a device does not: there is none. Figures go to
 * standard error, as standard output gets the lines about keys that the daemon prints there.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "delivery/delivery.h"
#include "delivery/device.h"
#include "delivery/key_lines.h"
#include "delivery/outfile.h"
#include "delivery/retired_files.h"
#include "delivery/sink_file.h"
#include "delivery/sink_wireguard.h"
#include "monitor/claims.h"
#include "system/base64.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define PERIOD_NS (120 * CLOCK_SECOND_NS)
#define PEERS_MAX 10000
#define ROUNDS 5
#define FILE_KEYS 2000
#define PATH_BYTES 512

static uint64_t cpu_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * CLOCK_SECOND_NS + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const double *left = a;
	const double *right = b;

	return (*left > *right) - (*left < *right);
}

static void print(const char *what, double us[static ROUNDS])
{
	qsort(us, ROUNDS, sizeof *us, compare);
	(void)fprintf(stderr, "%-34s %7.1f us a key (%.1f to %.1f)\n", what, us[ROUNDS / 2], us[0],
	              us[ROUNDS - 1]);
}

/* --- a device in memory ------------------------------------------------------------------ */

static struct {
	size_t count;
	struct wireguard_peer peers[PEERS_MAX];
	size_t gets, sets;
} device;

static void number_peer(uint8_t key[static WIREGUARD_KEY_BYTES], size_t number)
{
	memset(key, 0, WIREGUARD_KEY_BYTES);
	key[0] = (uint8_t)(number * 7);
	key[1] = (uint8_t)number;
	key[2] = (uint8_t)(number >> 8);
}

static int get(struct wireguard_device *out, const char *name)
{
	(void)name;
	memset(out, 0, sizeof *out);
	out->peers = secret_memory_allocate(NULL, device.count * sizeof *out->peers);
	if (out->peers == NULL)
		return -ENOMEM;
	memcpy(out->peers, device.peers, device.count * sizeof *out->peers);
	out->peer_count = device.count;
	device.gets++;
	return 0;
}

static int set(const char *name, const struct wireguard_change *change)
{
	(void)name;
	device.sets++;
	for (size_t i = 0; i < change->peer_count; i++) {
		const uint8_t *key = change->peers[i].public_key;
		size_t number = key[1] + ((size_t)key[2] << 8);

		if (change->peers[i].preshared_key != NULL)
			memcpy(device.peers[number].preshared_key, change->peers[i].preshared_key,
			       WIREGUARD_KEY_BYTES);
	}
	return 0;
}

static int find_link(const char *name, struct link *link)
{
	(void)name;
	*link = (struct link){ .index = 7, .is_up = true };
	return 0;
}

static const struct wireguard_backend backend = { get, set, find_link, cpu_ns };

static void locate(void *owner, void *peer, struct tunnel_place *place)
{
	(void)owner;
	(void)peer;
	memset(place, 0, sizeof *place);
}

static bool is_left(void *owner, void *peer)
{
	(void)owner;
	(void)peer;
	return false;
}

static void ignore(void *owner, void *peer)
{
	(void)owner;
	(void)peer;
}

static void heard(void *owner, void *peer, const union address_socket *endpoint)
{
	(void)owner;
	(void)peer;
	(void)endpoint;
}

static const struct sink_wireguard_events events = { locate, is_left, ignore, ignore, heard };

struct one {
	struct config_peer config;
	struct sink_peer peer;
	struct delivery *delivery;
	char key[BASE64_KEY_CHARS + 1];
	char path[PATH_BYTES];
	struct claim *claims;
};

static void give(struct one *one)
{
	const struct key_origin origin = { .reason = "exchanged", .role = ROSENPASS_RESPONDER };
	uint8_t key[ROSENPASS_KEY_BYTES];

	randombytes_buf(key, sizeof key);
	(void)delivery_put(one->delivery, key, &origin);
}

static bool measure_wireguard(size_t count)
{
	static char name[] = "wg0";
	struct device_owner owner = { 0 };
	struct sink_wireguard_env wireguard = { .events = &events };
	struct delivery_env env = { .kinds = { &sink_wireguard }, .wireguard = &wireguard };
	struct one *all = calloc(count, sizeof *all);
	double us[ROUNDS];
	char what[64];
	bool good = all != NULL && loop_open_simulated(&env.loop, CLOCK_SECOND_NS * 1000) == 0 &&
	            device_table_create(&env.devices, env.loop, &backend, &owner) == 0;

	device.count = count;
	for (size_t i = 0; i < count && good; i++) {
		number_peer(device.peers[i].public_key, i);
		base64_encode_key(all[i].key, device.peers[i].public_key);
		all[i].config = (struct config_peer){ .device = name, .wireguard_peer = all[i].key };
		all[i].peer = (struct sink_peer){ .label = "peer", .config = &all[i].config };
		good = delivery_create(&all[i].delivery, &env, &all[i].peer) == 0;
	}
	/* First keys are another matter. */
	for (size_t i = 0; i < count && good; i++)
		give(&all[i]);
	for (unsigned round = 0; round < ROUNDS && good; round++) {
		size_t keys = count < 100 ? 100 * count : count;
		uint64_t begun_ns;

		loop_advance(env.loop, 60 * CLOCK_SECOND_NS);
		device.gets = device.sets = 0;
		begun_ns = cpu_ns();
		for (size_t i = 0; i < keys; i++) {
			give(&all[i * 3 % count]);
			loop_advance(env.loop, PERIOD_NS / count);
		}
		us[round] = (double)(cpu_ns() - begun_ns) / 1e3 / (double)keys;
		(void)snprintf(what, sizeof what, "WireGuard, %zu peers (read %.2f times)", count,
		               (double)device.gets / (double)keys);
	}
	if (good)
		print(what, us);
	for (size_t i = 0; i < count && all != NULL; i++)
		delivery_destroy(all[i].delivery);
	device_table_destroy(env.devices);
	loop_close(env.loop);
	free(all);
	return good;
}

/* --- files ----------------------------------------------------------------------------------- */

static struct claims claims;
static struct claim *own_claims;

static int judge(void *owner, void *claimant, const char *path, struct file_identity *judged,
                 char problem[static OUTFILE_PROBLEM_BYTES])
{
	const struct claims_file wanted = { .setting = "key_out", .path = path, .use = CLAIMS_OUTPUT };

	(void)owner;
	return claims_check_output(&claims, own_claims, ((struct one *)claimant)->claims, &wanted, false,
	                           judged, problem);
}

static void written(void *owner, void *claimant)
{
	(void)owner;
	claims_written(&claims, ((struct one *)claimant)->claims);
}

static bool is_in_use(void *owner, const char *path)
{
	(void)owner;
	(void)path;
	return false;
}

static const char *find_id(void *owner, enum rosenpass_dialect dialect)
{
	(void)owner;
	(void)dialect;
	return "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
}

static const struct outfile_guard guard = { judge, written, is_in_use, NULL };

static bool claim(struct one *one, const char *folder, const char *name, enum claims_use use)
{
	struct claims_file file = { .setting = "file", .use = use, .path = one->path };
	char problem[CLAIMS_PROBLEM_BYTES];

	(void)snprintf(one->path, sizeof one->path, "%s/%s", folder, name);
	return claims_add(&claims, use == CLAIMS_INPUT ? &own_claims : &one->claims, &file, problem) == 0;
}

static bool measure_file(const char *folder)
{
	static const char *const inputs[] = { "state", "socket", "public-key", "secret-key", "toml" };
	static const struct file_output new_file = { .mode = 0600 };
	struct key_lines lines = { 0 };
	struct delivery_env env = { .kinds = { &sink_file }, .guard = &guard, .lines = &lines };
	struct one one = { 0 };
	double us[ROUNDS];
	bool good = loop_open_simulated(&env.loop, CLOCK_SECOND_NS * 1000) == 0 &&
	            retired_files_create(&env.retired_files, env.loop, &guard, &lines) == 0;

	for (size_t i = 0; i < sizeof inputs / sizeof inputs[0] && good; i++)
		good = claim(&one, folder, inputs[i], CLAIMS_INPUT);
	good = good && claim(&one, folder, "key", CLAIMS_OUTPUT);
	one.config.key_out = one.path;
	one.peer = (struct sink_peer){
		.label = "peer", .config = &one.config, .new_file = &new_file, .id = find_id, .owner = &one
	};
	good = good && delivery_create(&one.delivery, &env, &one.peer) == 0;
	for (unsigned round = 0; round < ROUNDS && good; round++) {
		uint64_t begun_ns = cpu_ns();

		for (size_t i = 0; i < FILE_KEYS; i++)
			give(&one);
		us[round] = (double)(cpu_ns() - begun_ns) / 1e3 / FILE_KEYS;
	}
	good = good && delivery_is_done(one.delivery);
	delivery_destroy(one.delivery);
	retired_files_destroy(env.retired_files);
	claims_release(&claims);
	loop_close(env.loop);
	(void)unlink(one.path);
	if (good)
		print("a file", us);
	return good;
}

int main(int count, char **words)
{
	char folder[PATH_BYTES / 2];
	bool good;

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	(void)snprintf(folder, sizeof folder, "%s/rosenpass-delivery.XXXXXX", count > 1 ? words[1] : "/tmp");
	if (mkdtemp(folder) == NULL) {
		perror(folder);
		return EXIT_FAILURE;
	}
	log_set_level(LOG_OFF);
	good = measure_file(folder);
	good = rmdir(folder) == 0 && good;
	good = good && measure_wireguard(1) && measure_wireguard(4000) && measure_wireguard(PEERS_MAX);
	if (!good)
		(void)fprintf(stderr, "delivery: something failed\n");
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
