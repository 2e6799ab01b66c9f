/*
 * An engine under attack: an input is a scene and then operations: datagrams made up
 * or changed from genuine ones, whose mac may be put right again, time that passes, and
 * what a caller may do. After each it is checked that
 *
 *   - no key comes out that an honest run would not have given, and none twice;
 *   - nothing is accepted but what Bob and Carol sent, up to mac, cookie and padding;
 *   - what is dropped changes no peer, sends nothing, and leaves no secret behind in
 *     the memory in which the engine works;
 *   - outputs are of the form that rosenpass.h promises, and not more of them;
 *   - what is sent to a stranger is no longer than what came from him;
 *   - the engine has no more to do once it did what was due.
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/verdicts.h"
#include "fuzz.h"
#include "scenes.h"

#define OPERATIONS_MAX 60
#define BATCH_MAX 20
#define LONGEST 1200
#define ROUNDS_MAX 8

enum operation {
	OPERATION_MADE_UP, /* options, source, length 2, bytes */
	OPERATION_GENUINE, /* options, source, number, count of changes, each: place 2, value */
	OPERATION_DELIVER, /* what is queued */
	OPERATION_WAIT,    /* unit, amount 2 */
	OPERATION_EXPIRE,
	OPERATION_API,  /* which, person, argument */
	OPERATION_TAKE, /* up to this many outputs */
	OPERATION_FAIL, /* the random source, in so many calls */
	OPERATION_COUNT,
};

#define OPTION_MAC_BLAKE2B 1
#define OPTION_MAC_SHAKE256 2
#define OPTION_QUEUE 4              /* waits for OPERATION_DELIVER */
#define OPTION_KEEP 8               /* outputs are left for later */
#define OPTION_COPIES(n) ((n) << 4) /* so many more of a short message; up to 15 */

struct attack {
	struct rosenpass *engine;
	struct rosenpass_datagram batch[BATCH_MAX];
	uint8_t *data[BATCH_MAX];
	size_t queued;
	bool keep;
	/* Of the operation at work. */
	size_t taken;
	size_t sent_bytes;
	bool failing; /* the random source may have failed */
	const void *users[SCENES_PERSONS];
	uint8_t last_key[SCENES_PERSONS][ROSENPASS_KEY_BYTES];
};

static enum scenes_person person_of(rosenpass_peer handle)
{
	for (int i = SCENES_BOB; i < SCENES_PERSONS; i++) {
		if (handle != 0 && scenes_alice.peers[i] == handle)
			return (enum scenes_person)i;
	}
	return SCENES_ALICE;
}

static void check_key(struct attack *attack, const struct rosenpass_output *output)
{
	uint8_t *last = attack->last_key[person_of(output->peer)];

	FUZZ_CHECK(output->length == ROSENPASS_KEY_BYTES);
	FUZZ_CHECK(scenes_contains(&scenes_honest_keys, output->data));
	/* What we began may come again after a key of the peer's, never twice in a row. */
	FUZZ_CHECK(memcmp(last, output->data, ROSENPASS_KEY_BYTES) != 0);
	memcpy(last, output->data, ROSENPASS_KEY_BYTES);
	if (output->role == ROSENPASS_RESPONDER) {
		FUZZ_CHECK(!scenes_contains(&scenes_alice.responder_keys, output->data));
		scenes_add_key(&scenes_alice.responder_keys, output->data);
	}
}

static void check_output(struct attack *attack, const struct rosenpass_output *output)
{
	bool known = person_of(output->peer) != SCENES_ALICE;

	FUZZ_CHECK(output->user == (known ? attack->users[person_of(output->peer)] : NULL));
	FUZZ_CHECK(output->address.length <= ROSENPASS_ADDRESS_MAX_BYTES);
	FUZZ_CHECK(output->address.group_length <= output->address.length);
	switch (output->kind) {
	case ROSENPASS_OUTPUT_SEND:
		FUZZ_CHECK(messages_classify(output->data, output->length) != 0);
		FUZZ_CHECK(known || (output->peer == 0 && output->data[0] == MESSAGE_COOKIE_REPLY));
		attack->sent_bytes += output->length;
		return;
	case ROSENPASS_OUTPUT_KEY:
		FUZZ_CHECK(known);
		check_key(attack, output);
		return;
	case ROSENPASS_OUTPUT_STALE:
	case ROSENPASS_OUTPUT_ENDPOINT:
	case ROSENPASS_OUTPUT_TIMEOUT:
	case ROSENPASS_OUTPUT_CONFIRMED:
		FUZZ_CHECK(known && output->data == NULL && output->length == 0);
		FUZZ_CHECK(output->kind != ROSENPASS_OUTPUT_ENDPOINT || output->address.length > 0);
		return;
	}
	fuzz_fail("an output of no known kind", __FILE__, __LINE__);
}

static void take(struct attack *attack, size_t limit)
{
	struct rosenpass_output output = { .size = sizeof output };

	for (size_t i = 0; i < limit && rosenpass_next(attack->engine, &output); i++) {
		attack->taken++;
		FUZZ_CHECK(attack->taken <= OUTPUTS_CAPACITY);
		check_output(attack, &output);
	}
}

/* --- what a receive may change -------------------------------------------------------- */

struct secrets {
	uint8_t ephemeral_seed[KYBER512_KEYGEN_SEED_BYTES];
	uint8_t ck[ROSENPASS_DIALECT_COUNT][CHAIN_BYTES];
	uint8_t osk[ROSENPASS_KEY_BYTES];
	uint8_t txkr[CHAIN_BYTES];
};

struct memories {
	struct peer peers[SCENES_PERSONS];
	size_t waiting; /* outputs */
};

static struct peer *find(const struct attack *attack, int person)
{
	return scenes_alice.peers[person] == 0
	               ? NULL
	               : peer_table_by_handle(attack->engine, scenes_alice.peers[person]);
}

static void remember(const struct attack *attack, struct memories *memories)
{
	memset(memories, 0, sizeof *memories);
	for (int i = SCENES_BOB; i < SCENES_PERSONS; i++) {
		const struct peer *peer = find(attack, i);

		if (peer != NULL)
			memcpy(&memories->peers[i], peer, sizeof *peer);
	}
	memories->waiting = attack->engine->outputs.used - attack->engine->outputs.taken;
}

/* Copies what a datagram without effect may change: what is counted for limits and for who asks. */
static void copy_counts(struct peer *to, const struct peer *from)
{
	memcpy(to->own.false_answers, from->own.false_answers, sizeof to->own.false_answers);
	memcpy(to->hellos_full_ns, from->hellos_full_ns, sizeof to->hellos_full_ns);
	to->has_dropped = from->has_dropped;
	to->dropped = from->dropped;
	to->dropped_ns = from->dropped_ns;
}

static bool is_the_same(const struct attack *attack, const struct memories *memories)
{
	for (int i = SCENES_BOB; i < SCENES_PERSONS; i++) {
		const struct peer *peer = find(attack, i);
		struct peer before;

		if (peer == NULL)
			continue;
		memcpy(&before, &memories->peers[i], sizeof before);
		copy_counts(&before, peer);
		if (memcmp(&before, peer, sizeof before) != 0)
			return false;
	}
	return memories->waiting == attack->engine->outputs.used - attack->engine->outputs.taken;
}

/* A key that is given out is not too old to be used. */
static void check_new_keys(const struct attack *attack, const struct memories *before)
{
	for (int i = SCENES_BOB; i < SCENES_PERSONS; i++) {
		const struct peer *peer = find(attack, i);

		if (peer != NULL && peer->exchanges > before->peers[i].exchanges)
			FUZZ_CHECK(peer->has_key &&
			           scenes_alice.now_ns - peer->key_since_ns < ENGINE_STALE_NS);
	}
}

static bool stands_in_work(const struct attack *attack, const uint8_t *secret, size_t length)
{
	static const uint8_t zeros[32];

	if (memcmp(secret, zeros, length) == 0)
		return false;
	return memmem(&attack->engine->work, sizeof attack->engine->work, secret, length) != NULL;
}

/* Nothing of our own handshakes stays where packets are worked on. */
static void check_work_is_wiped(const struct attack *attack, const struct memories *before)
{
	for (int i = SCENES_BOB; i < SCENES_PERSONS; i++) {
		const struct own_handshake *own = &before->peers[i].own;

		for (int dialect = 0; dialect < ROSENPASS_DIALECT_COUNT; dialect++)
			FUZZ_CHECK(!stands_in_work(attack, own->ck[dialect], CHAIN_BYTES));
		FUZZ_CHECK(!stands_in_work(attack, own->ephemeral_seed, 32));
		FUZZ_CHECK(!stands_in_work(attack, own->osk, ROSENPASS_KEY_BYTES));
		FUZZ_CHECK(!stands_in_work(attack, own->txkr, CHAIN_BYTES));
	}
}

/* Whether one of the two sent it: all that is not authenticated, the envelope and padding, may differ. */
static bool is_genuine(const struct rosenpass_datagram *datagram)
{
	for (size_t i = 0; i < scenes_genuine_count; i++) {
		const struct scenes_message *message = &scenes_genuine[i];
		size_t end = message->data[0] == MESSAGE_COOKIE_REPLY ? MESSAGE_COOKIE_REPLY_MIN_BYTES
		                                                      : messages_mac_offset(message->length);

		if (datagram->data[0] == message->data[0] &&
		    (datagram->length == message->length || message->data[0] == MESSAGE_COOKIE_REPLY) &&
		    memcmp(datagram->data + MESSAGE_HEADER_BYTES, message->data + MESSAGE_HEADER_BYTES,
		           end - MESSAGE_HEADER_BYTES) == 0)
			return true;
	}
	return false;
}

static void check_verdicts(struct attack *attack, const struct rosenpass_datagram *datagrams, size_t count,
                           const struct memories *before)
{
	bool all_dropped = true;

	for (size_t i = 0; i < count; i++) {
		enum rosenpass_verdict verdict = datagrams[i].verdict;
		bool dropped = verdict >= ROSENPASS_DROPPED && verdict != ROSENPASS_DROPPED_FAILURE;

		FUZZ_CHECK(verdict_index(verdict) < VERDICT_INDEX_COUNT);
		FUZZ_CHECK(verdict != ROSENPASS_DROPPED_FAILURE || attack->failing);
		FUZZ_CHECK(verdict >= ROSENPASS_DROPPED || verdict == ROSENPASS_COOKIE_SENT ||
		           is_genuine(&datagrams[i]));
		FUZZ_CHECK(!dropped || datagrams[i].peer == 0);
		FUZZ_CHECK(datagrams[i].peer == 0 || person_of(datagrams[i].peer) != SCENES_ALICE);
		all_dropped = all_dropped && dropped;
	}
	if (all_dropped)
		FUZZ_CHECK(is_the_same(attack, before));
	check_new_keys(attack, before);
	check_work_is_wiped(attack, before);
}

/* --- operations ------------------------------------------------------------------------ */

static void forget_batch(struct attack *attack)
{
	for (size_t i = 0; i < attack->queued; i++)
		free(attack->data[i]);
	attack->queued = 0;
}

static void deliver(struct attack *attack)
{
	static struct memories before;
	size_t done = 0;
	bool alone = attack->queued == 1 && !attack->keep;

	if (alone)
		take(attack, OUTPUTS_CAPACITY);
	for (int rounds = 0; done < attack->queued; rounds++) {
		size_t left = attack->queued - done;
		size_t now;

		attack->taken = 0;
		attack->sent_bytes = 0;
		remember(attack, &before);
		now = (size_t)rosenpass_receive(attack->engine, attack->batch + done, left,
		                                scenes_alice.now_ns);
		FUZZ_CHECK(now <= left);
		/* With all outputs taken there is room for something. */
		FUZZ_CHECK(now > 0 || rounds == 0);
		check_verdicts(attack, attack->batch + done, now, &before);
		if (now < left || !attack->keep)
			take(attack, OUTPUTS_CAPACITY);
		done += now;
	}
	/* Nobody unproved gets back more than was sent, but for RespHello, 40 bytes longer than InitHello. */
	if (alone && attack->batch[0].peer == 0)
		FUZZ_CHECK(attack->sent_bytes <=
		           attack->batch[0].length +
		                   (attack->batch[0].verdict == ROSENPASS_ANSWERED ? 40 : 0));
	forget_batch(attack);
}

static struct rosenpass_address source(uint8_t choice)
{
	struct rosenpass_address address = scenes_address((enum scenes_person)(choice % SCENES_PERSONS));

	if (choice % 16 == 15)
		return (struct rosenpass_address){ .length = 0 };
	if (choice % 16 == 14)
		address.length = choice; /* often longer than there is room for */
	if (choice % 16 == 13)
		address.group_length = (uint8_t)(choice / 4);
	if (choice % 16 > 9)
		address.bytes[1] = choice;
	return address;
}

/* Puts the mac right, as anybody can who knows the public key. */
static void seal(struct attack *attack, uint8_t *data, size_t length, uint8_t options)
{
	enum keyed_hash hash =
		(options & OPTION_MAC_SHAKE256) != 0 ? KEYED_HASH_SHAKE256 : KEYED_HASH_BLAKE2B;

	if ((options & (OPTION_MAC_BLAKE2B | OPTION_MAC_SHAKE256)) == 0 || length < MESSAGE_TRAILER_BYTES)
		return;
	messages_seal_mac(data, length, hash,
	                  public_key_fact(&attack->engine->own, hash, PUBLIC_KEY_MAC_KEY));
}

/* Takes data over. */
static void enqueue(struct attack *attack, uint8_t *data, size_t length, uint8_t options, uint8_t from)
{
	if (attack->queued == BATCH_MAX)
		deliver(attack);
	seal(attack, data, length, options);
	attack->data[attack->queued] = data;
	attack->batch[attack->queued++] = (struct rosenpass_datagram){
		.size = sizeof(struct rosenpass_datagram),
		.data = data,
		.length = length,
		.from = source(from),
	};
	attack->keep = (options & OPTION_KEEP) != 0;
	if ((options & OPTION_QUEUE) == 0)
		deliver(attack);
}

static uint8_t *exactly(size_t length)
{
	uint8_t *data = malloc(length > 0 ? length : 1);

	if (data == NULL)
		abort();
	return data;
}

static void make_up(struct attack *attack, struct fuzz_input *input)
{
	uint8_t options = fuzz_byte(input);
	uint8_t from = fuzz_byte(input);
	size_t length = fuzz_two_bytes(input) % (LONGEST + 1);
	uint8_t *data = exactly(length);

	fuzz_bytes(input, data, length);
	enqueue(attack, data, length, options, from);
}

static void send_copies(struct attack *attack, const uint8_t *data, size_t length, uint8_t options,
                        uint8_t from)
{
	for (int i = options >> 4; i > 0; i--) {
		uint8_t *copy = exactly(length);

		memcpy(copy, data, length);
		enqueue(attack, copy, length, options | OPTION_QUEUE, from);
	}
}

static void send_genuine(struct attack *attack, struct fuzz_input *input)
{
	uint8_t options = fuzz_byte(input);
	uint8_t from = fuzz_byte(input);
	const struct scenes_message *message = &scenes_genuine[fuzz_byte(input) % scenes_genuine_count];
	uint8_t changes = fuzz_byte(input) % 8;
	uint8_t *data = exactly(message->length);

	memcpy(data, message->data, message->length);
	for (uint8_t i = 0; i < changes; i++) {
		size_t place = fuzz_two_bytes(input) % message->length;

		data[place] ^= fuzz_byte(input);
	}
	/* The long ones cost too much to be sent often. */
	if (message->length < MESSAGE_INIT_HELLO_MAX_BYTES / 2)
		send_copies(attack, data, message->length, options, from);
	enqueue(attack, data, message->length, options, from);
}

static void wait(struct fuzz_input *input)
{
	static const uint64_t units_ns[] = { 1, 1000000, ENGINE_SECOND_NS / 10, ENGINE_SECOND_NS };
	uint64_t unit_ns = units_ns[fuzz_byte(input) % 4];

	scenes_alice.now_ns += fuzz_two_bytes(input) * unit_ns;
}

/* Does all that is due. Afterwards nothing is, unless the caller has to take outputs. */
static void expire(struct attack *attack)
{
	for (int rounds = 0; rounds < ROUNDS_MAX; rounds++) {
		rosenpass_expire(attack->engine, scenes_alice.now_ns);
		attack->taken = 0;
		take(attack, OUTPUTS_CAPACITY);
		if (rosenpass_deadline(attack->engine) > scenes_alice.now_ns)
			return;
	}
	fuzz_fail("there is always something due", __FILE__, __LINE__);
}

static void add_peer(struct attack *attack, enum scenes_person person, uint8_t argument)
{
	static const uint8_t psk[ROSENPASS_PSK_BYTES] = { 1 };
	static char users[SCENES_PERSONS][4];
	struct rosenpass_peer_config config = scenes_peer_config(person);
	int result;

	config.dialects = argument & ROSENPASS_DIALECTS_ALL;
	config.discover = (argument & 8) != 0;
	config.psk = (argument & 32) != 0 ? psk : NULL;
	config.user = &users[person][argument / 64];
	if (scenes_alice.peers[person] == 0) {
		result = rosenpass_peer_add(attack->engine, &config, scenes_alice.now_ns,
		                            &scenes_alice.peers[person]);
		FUZZ_CHECK(result == 0);
		attack->users[person] = config.user;
	} else if ((argument & 16) != 0) {
		rosenpass_peer other;

		result = rosenpass_peer_add(attack->engine, &config, scenes_alice.now_ns, &other);
		FUZZ_CHECK(result == ROSENPASS_E_EXISTS);
	} else {
		result = rosenpass_peer_change(attack->engine, scenes_alice.peers[person], &config,
		                               scenes_alice.now_ns);
		FUZZ_CHECK(result == 0);
		attack->users[person] = config.user;
	}
}

static void call(struct attack *attack, struct fuzz_input *input)
{
	uint8_t which = fuzz_byte(input) % 6;
	enum scenes_person person = fuzz_byte(input) % 2 == 0 ? SCENES_BOB : SCENES_CAROL;
	uint8_t argument = fuzz_byte(input);
	rosenpass_peer *peer = &scenes_alice.peers[person];
	struct rosenpass_address endpoint = source(argument);
	struct rosenpass_peer_info info = { .size = sizeof info };
	bool valid =
		endpoint.length <= ROSENPASS_ADDRESS_MAX_BYTES && endpoint.group_length <= endpoint.length;
	int there = *peer != 0 ? 0 : ROSENPASS_E_NO_PEER;

	switch (which) {
	case 0:
		FUZZ_CHECK(rosenpass_peer_initiate(attack->engine, *peer, scenes_alice.now_ns) == there);
		break;
	case 1:
		FUZZ_CHECK(
			rosenpass_peer_set_endpoint(attack->engine, *peer, &endpoint, scenes_alice.now_ns) ==
			(there != 0 || valid ? there : ROSENPASS_E_ARGUMENT));
		break;
	case 2:
		rosenpass_set_under_load(attack->engine, argument % 2 != 0);
		break;
	case 3:
		FUZZ_CHECK(rosenpass_peer_remove(attack->engine, *peer) == there);
		*peer = 0;
		break;
	case 4:
		add_peer(attack, person, argument);
		break;
	default:
		FUZZ_CHECK(rosenpass_peer_get(attack->engine, *peer, &info) == there);
		break;
	}
}

static void operate(struct attack *attack, struct fuzz_input *input)
{
	attack->taken = 0;
	switch (fuzz_byte(input) % OPERATION_COUNT) {
	case OPERATION_MADE_UP:
		make_up(attack, input);
		break;
	case OPERATION_GENUINE:
		send_genuine(attack, input);
		break;
	case OPERATION_DELIVER:
		deliver(attack);
		break;
	case OPERATION_WAIT:
		wait(input);
		break;
	case OPERATION_EXPIRE:
		expire(attack);
		break;
	case OPERATION_API:
		call(attack, input);
		break;
	case OPERATION_TAKE:
		take(attack, fuzz_byte(input));
		break;
	default:
		scenes_alice.random_fails_in = fuzz_byte(input);
		attack->failing = true;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct attack attack = { 0 };

	scenes_enter((enum scenes_name)(fuzz_byte(&input) % SCENES_COUNT));
	attack.engine = scenes_alice.engine;
	for (int i = SCENES_BOB; i < SCENES_PERSONS; i++)
		attack.users[i] = scenes_peer_config((enum scenes_person)i).user;
	for (int i = 0; i < OPERATIONS_MAX && input.left > 0; i++)
		operate(&attack, &input);
	forget_batch(&attack);
	scenes_leave();
	return 0;
}

/* --- inputs to start from ------------------------------------------------------------- */

/* What a seed does with each of the genuine messages, one after the other. */
enum variant {
	VARIANT_AS_IT_IS,
	VARIANT_SPREAD_OUT,   /* with a minute between them */
	VARIANT_NEW_PEER,     /* the sender is removed and added after it */
	VARIANT_FROM_NOWHERE, /* without a source address */
	VARIANT_RANDOM_FAILS,
	VARIANT_OTHER_SESSION, /* another session id, with the mac put right */
	VARIANT_OTHER_END,     /* another last byte before the mac, which is put right */
	VARIANT_TOGETHER,      /* all in one batch */
	VARIANT_TWICE,         /* the same, and each after a changed one */
	VARIANT_KEPT,          /* outputs are left, and the sender's configuration changes */
	VARIANT_SILENCE,       /* nothing comes: ours are sent again and again */
	VARIANT_LATE,          /* after more time than a key is used, without a call to expire */
	VARIANT_FULL,          /* only InitConf, until there is hardly room for outputs */
	VARIANT_COUNT,
};

static size_t put(uint8_t *out, const uint8_t *bytes, size_t length)
{
	memcpy(out, bytes, length);
	return length;
}

/* The operation that sends the number-th genuine message, with a changed byte where place is not 0. */
static size_t put_genuine(uint8_t *out, uint8_t number, uint8_t options, uint8_t from, size_t place)
{
	const uint8_t bytes[] = {
		OPERATION_GENUINE,     options, from, number, place != 0, (uint8_t)place,
		(uint8_t)(place >> 8), 0x40,
	};

	return put(out, bytes, place != 0 ? sizeof bytes : sizeof bytes - 3);
}

static size_t put_variant(uint8_t *out, uint8_t number, enum variant variant)
{
	uint8_t from = (uint8_t)scenes_genuine[number].from;
	size_t session = MESSAGE_HEADER_BYTES;
	size_t end = messages_mac_offset(scenes_genuine[number].length) - 1;
	const uint8_t minute[] = { OPERATION_WAIT, 3, 61, 0, OPERATION_EXPIRE };
	const uint8_t replace[] = { OPERATION_API, 3, from + 1, 0, OPERATION_API, 4, from + 1, 0 };
	const uint8_t change[] = { OPERATION_API, 4, from + 1, 32 + 64 };
	const uint8_t fail[] = { OPERATION_FAIL, 1 };
	const uint8_t late[] = { OPERATION_WAIT, 3, 181, 0 };
	const uint8_t silence[] = { OPERATION_WAIT, 3, 10, 0, OPERATION_EXPIRE,
		                    OPERATION_WAIT, 3, 7,  0, OPERATION_EXPIRE };
	size_t size;

	switch (variant) {
	case VARIANT_SPREAD_OUT:
		size = put(out, minute, sizeof minute);
		return size + put_genuine(out + size, number, 0, from, 0);
	case VARIANT_NEW_PEER:
		size = put_genuine(out, number, 0, from, 0);
		return size + put(out + size, replace, sizeof replace);
	case VARIANT_FROM_NOWHERE:
		return put_genuine(out, number, 0, 15, 0);
	case VARIANT_RANDOM_FAILS:
		size = put(out, fail, sizeof fail);
		return size + put_genuine(out + size, number, 0, from, 0);
	case VARIANT_OTHER_SESSION:
		return put_genuine(out, number, OPTION_MAC_BLAKE2B, from, session);
	case VARIANT_OTHER_END:
		return put_genuine(out, number, OPTION_MAC_BLAKE2B, from, end);
	case VARIANT_TOGETHER:
		return put_genuine(out, number, OPTION_QUEUE, from, 0);
	case VARIANT_TWICE:
		size = put_genuine(out, number, OPTION_QUEUE | OPTION_MAC_BLAKE2B, from, end);
		return size + put_genuine(out + size, number, OPTION_QUEUE, from, 0);
	case VARIANT_KEPT:
		size = put_genuine(out, number, OPTION_KEEP, from, 0);
		return size + put(out + size, change, sizeof change);
	case VARIANT_LATE:
		size = number == 0 ? put(out, late, sizeof late) : 0;
		return size + put_genuine(out + size, number, 0, from, 0);
	case VARIANT_FULL:
		size = 0;
		for (int i = 0; i < 4 && scenes_genuine[number].length == MESSAGE_INIT_CONF_BYTES; i++)
			size += put_genuine(out + size, number,
			                    (uint8_t)(OPTION_KEEP | OPTION_COPIES(i == 0 ? 14 : 15)), from,
			                    0);
		return size;
	case VARIANT_SILENCE:
		return put(out, silence, sizeof silence);
	default:
		return put_genuine(out, number, 0, from, 0);
	}
}

/* Every variant in every scene; at the end a day passes. */
size_t fuzz_seed(size_t number, uint8_t *out, size_t out_max)
{
	const uint8_t end[] = { OPERATION_DELIVER, OPERATION_EXPIRE, OPERATION_WAIT, 3, 0x80, 0x51,
		                OPERATION_EXPIRE };
	uint8_t scene = (uint8_t)(number % SCENES_COUNT);
	size_t variant = number / SCENES_COUNT;
	size_t size = 0;

	if (variant >= VARIANT_COUNT)
		return 0;
	scenes_enter((enum scenes_name)scene);
	out[size++] = scene;
	for (uint8_t i = 0; i < scenes_genuine_count; i++)
		size += put_variant(out + size, i, (enum variant)variant);
	size += put(out + size, end, sizeof end);
	FUZZ_CHECK(size <= out_max);
	return size;
}
