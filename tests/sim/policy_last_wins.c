#include "policy_last_wins.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aead.h"
#include "crypto/kyber512.h"
#include "crypto/mceliece460896.h"
#include "reference_chain.h"

#define SECOND UINT64_C(1000000000)
#define RENEW_RESPONDER (120 * SECOND)
#define RENEW_INITIATOR (130 * SECOND)
#define RENEW_UNFINISHED (120 * SECOND)
#define ERASE (180 * SECOND)
#define BISCUIT_EPOCH (300 * SECOND)

#define PEERS_MAX 8
#define SID_BYTES 4
#define NUMBER_BYTES 12
#define BISCUIT_BYTES (32 + NUMBER_BYTES + 32)
#define BISCUIT_CT_BYTES (BISCUIT_BYTES + AEAD_X_OVERHEAD_BYTES)
#define PIDI_CT_BYTES (32 + REFERENCE_AUTH_BYTES)
#define TRAILER_BYTES 32
#define INIT_CONF_BYTES 176
#define EMPTY_DATA_BYTES 64

/* Where the fields lie; those of the two Hellos behind the static KEM ciphertext depend on its length. */
#define AT_SID 4
#define AT_SECOND_SID 8
#define IH_EPKI 8
#define IH_SCTR (IH_EPKI + KYBER512_PUBLIC_KEY_BYTES)
#define RH_ECTI 12
#define RH_SCTI (RH_ECTI + KYBER512_CIPHERTEXT_BYTES)
#define IC_BISCUIT 12
#define IC_AUTH (IC_BISCUIT + BISCUIT_CT_BYTES)
#define ED_COUNTER 8
#define ED_AUTH 16

enum trying {
	NOT_TRYING,
	SENT_INIT_HELLO,
	SENT_INIT_CONF
};

struct reference_peer {
	const uint8_t *public_key;
	uint8_t psk[32];
	uint8_t id[REFERENCE_HASH_BYTES];
	struct rosenpass_address configured;
	struct rosenpass_address current;
	/* own handshake */
	enum trying trying;
	uint64_t started;
	uint64_t next_send;
	int sent;
	uint8_t sidi[SID_BYTES];
	uint8_t epki[KYBER512_PUBLIC_KEY_BYTES];
	uint8_t eski[KYBER512_SECRET_KEY_BYTES];
	struct reference_chain chain;
	uint8_t message[ROSENPASS_DATAGRAM_MAX_BYTES];
	size_t length;
	/* the peer's handshake */
	uint64_t biscuit_used;
	bool answered;
	uint8_t answered_conf[INIT_CONF_BYTES - 16];
	uint8_t answer[EMPTY_DATA_BYTES];
	/* the key */
	bool has_key;
	enum rosenpass_role role;
	uint64_t key_since;
	uint64_t renewal;
};

struct reference {
	struct reference_config config;
	enum keyed_hash hash;
	size_t sct_len;
	uint64_t now;
	struct reference_peer peers[PEERS_MAX];
	size_t peer_count;
	uint8_t biscuit_keys[2][AEAD_KEY_BYTES];
	uint64_t biscuit_since[2]; /* 0: no such key */
	uint64_t biscuit_number;
};

static enum keyed_hash hash_of(enum rosenpass_dialect dialect)
{
	return dialect == ROSENPASS_SHAKE256_156 ? KEYED_HASH_SHAKE256 : KEYED_HASH_BLAKE2B;
}

static void make_mac(uint8_t mac[REFERENCE_HASH_BYTES], const uint8_t *message, size_t length,
                     enum keyed_hash hash, const uint8_t *receiver)
{
	uint8_t key[REFERENCE_HASH_BYTES];

	reference_lhash(hash, key, REFERENCE_MAC, receiver, ROSENPASS_PUBLIC_KEY_BYTES);
	keyed_hash(hash, mac, key, message, length - TRAILER_BYTES);
}

void reference_seal_mac(uint8_t *message, size_t length, enum rosenpass_dialect dialect,
                        const uint8_t *receiver)
{
	uint8_t mac[REFERENCE_HASH_BYTES];

	make_mac(mac, message, length, hash_of(dialect), receiver);
	memcpy(message + length - TRAILER_BYTES, mac, 16);
}

bool reference_mac_is_right(const uint8_t *message, size_t length, enum rosenpass_dialect dialect,
                            const uint8_t *receiver)
{
	uint8_t mac[REFERENCE_HASH_BYTES];

	make_mac(mac, message, length, hash_of(dialect), receiver);
	return memcmp(message + length - TRAILER_BYTES, mac, 16) == 0;
}

static void draw(struct reference *reference, uint8_t *out, size_t out_len)
{
	if (random_bytes(&reference->config.random, out, out_len) != 0)
		abort();
}

struct reference *reference_create(const struct reference_config *config)
{
	struct reference *reference = calloc(1, sizeof *reference);

	if (reference == NULL)
		abort();
	reference->config = *config;
	reference->hash = hash_of(config->dialect);
	reference->sct_len = config->dialect == ROSENPASS_BLAKE2B_188 ? 188 : 156;
	return reference;
}

void reference_destroy(struct reference *reference)
{
	free(reference);
}

rosenpass_peer reference_peer_add(struct reference *reference, const uint8_t *public_key, const uint8_t *psk,
                                  const struct rosenpass_address *endpoint, uint64_t now_ns)
{
	struct reference_peer *peer = &reference->peers[reference->peer_count++];

	assert(reference->peer_count <= PEERS_MAX);
	peer->public_key = public_key;
	if (psk != NULL)
		memcpy(peer->psk, psk, sizeof peer->psk);
	reference_lhash(reference->hash, peer->id, REFERENCE_PEER_ID, public_key, ROSENPASS_PUBLIC_KEY_BYTES);
	peer->configured = *endpoint;
	peer->renewal = now_ns;
	return reference->peer_count;
}

bool reference_is_trying(const struct reference *reference, rosenpass_peer peer)
{
	return reference->peers[peer - 1].trying != NOT_TRYING;
}

static struct reference_peer *peer_by_sid(struct reference *reference, const uint8_t *sid, enum trying trying)
{
	for (size_t i = 0; i < reference->peer_count; i++) {
		struct reference_peer *peer = &reference->peers[i];

		if (peer->trying == trying && memcmp(peer->sidi, sid, SID_BYTES) == 0)
			return peer;
	}
	return NULL;
}

static struct reference_peer *peer_by_id(struct reference *reference, const uint8_t *id)
{
	for (size_t i = 0; i < reference->peer_count; i++) {
		if (memcmp(reference->peers[i].id, id, REFERENCE_HASH_BYTES) == 0)
			return &reference->peers[i];
	}
	return NULL;
}

static rosenpass_peer number_of(const struct reference *reference, const struct reference_peer *peer)
{
	return (rosenpass_peer)(peer - reference->peers) + 1;
}

static void emit_send(struct reference *reference, const struct reference_peer *peer, uint8_t *message,
                      size_t length, const struct rosenpass_address *to, bool repeated)
{
	struct rosenpass_output output = {
		.size = sizeof output,
		.kind = ROSENPASS_OUTPUT_SEND,
		.peer = number_of(reference, peer),
		.address = *to,
		.data = message,
		.length = length,
		.repeated = repeated,
	};

	reference_seal_mac(message, length, reference->config.dialect, peer->public_key);
	reference->config.emit(reference->config.context, &output);
}

static void take_key(struct reference *reference, struct reference_peer *peer,
                     const struct reference_chain *chain, enum rosenpass_role role)
{
	uint8_t osk[ROSENPASS_KEY_BYTES];
	struct rosenpass_output output = {
		.size = sizeof output,
		.kind = ROSENPASS_OUTPUT_KEY,
		.peer = number_of(reference, peer),
		.data = osk,
		.length = sizeof osk,
		.role = role,
		.dialect = reference->config.dialect,
	};

	reference_export(chain, osk, REFERENCE_OSK);
	peer->has_key = true;
	peer->role = role;
	peer->key_since = reference->now;
	peer->renewal = reference->now + (role == ROSENPASS_RESPONDER ? RENEW_RESPONDER : RENEW_INITIATOR);
	reference->config.emit(reference->config.context, &output);
}

/* --- initiator -------------------------------------------------------------------------- */

/* Retransmission n after min(0.5 * 2^n, 10) * u seconds, u in [0.5, 1]. */
static void send_own(struct reference *reference, struct reference_peer *peer)
{
	const struct rosenpass_address *to = peer->current.length > 0 ? &peer->current : &peer->configured;
	uint64_t delay = peer->sent < 5 ? SECOND / 2 << peer->sent : 10 * SECOND;
	uint32_t u;

	draw(reference, (uint8_t *)&u, sizeof u);
	peer->next_send =
		reference->now + delay / 2 + (delay / 2 >> 32) * u + ((delay / 2 & UINT32_MAX) * u >> 32);
	if (to->length > 0)
		emit_send(reference, peer, peer->message, peer->length, to, peer->sent > 0);
	peer->sent++;
}

static void start(struct reference *reference, struct reference_peer *peer)
{
	struct reference_chain *chain = &peer->chain;
	uint8_t sptr[MCELIECE460896_SHARED_SECRET_BYTES];
	uint8_t pidi[REFERENCE_HASH_BYTES];
	uint8_t *sctr = peer->message + IH_SCTR;
	uint8_t *pidi_ct = sctr + reference->sct_len;

	memset(peer->message, 0, sizeof peer->message);
	peer->message[0] = 0x81;
	peer->length = IH_SCTR + reference->sct_len + PIDI_CT_BYTES + REFERENCE_AUTH_BYTES + TRAILER_BYTES;
	chain->hash = reference->hash;
	reference_lhash(chain->hash, chain->ck, REFERENCE_CK_INIT, peer->public_key,
	                ROSENPASS_PUBLIC_KEY_BYTES);
	draw(reference, peer->sidi, sizeof peer->sidi);
	if (kyber512_keygen(peer->epki, peer->eski, &reference->config.random) != 0)
		abort();
	memcpy(peer->message + AT_SID, peer->sidi, SID_BYTES);
	memcpy(peer->message + IH_EPKI, peer->epki, sizeof peer->epki);
	reference_mix(chain, peer->sidi, sizeof peer->sidi);
	reference_mix(chain, peer->epki, sizeof peer->epki);
	if (mceliece460896_encapsulate(sctr, reference->sct_len, sptr, peer->public_key,
	                               &reference->config.random) != 0)
		abort();
	reference_mix(chain, peer->public_key, ROSENPASS_PUBLIC_KEY_BYTES);
	reference_mix(chain, sptr, sizeof sptr);
	reference_mix(chain, sctr, reference->sct_len);
	reference_lhash(chain->hash, pidi, REFERENCE_PEER_ID, reference->config.public_key,
	                ROSENPASS_PUBLIC_KEY_BYTES);
	reference_encrypt_and_mix(chain, pidi_ct, pidi, sizeof pidi);
	reference_mix(chain, reference->config.public_key, ROSENPASS_PUBLIC_KEY_BYTES);
	reference_mix(chain, peer->psk, sizeof peer->psk);
	reference_encrypt_and_mix(chain, pidi_ct + PIDI_CT_BYTES, peer->psk, 0);

	peer->trying = SENT_INIT_HELLO;
	peer->started = reference->now;
	peer->sent = 0;
	send_own(reference, peer);
}

static enum rosenpass_verdict on_resp_hello(struct reference *reference, const uint8_t *data, size_t length,
                                            const struct rosenpass_address *from, rosenpass_peer *number)
{
	const uint8_t *ecti = data + RH_ECTI;
	const uint8_t *scti = data + RH_SCTI;
	const uint8_t *auth = scti + reference->sct_len;
	const uint8_t *biscuit = auth + REFERENCE_AUTH_BYTES;
	uint8_t shared[32];
	struct reference_chain chain;
	struct reference_peer *peer;

	if (length != RH_SCTI + reference->sct_len + REFERENCE_AUTH_BYTES + BISCUIT_CT_BYTES + TRAILER_BYTES)
		return ROSENPASS_DROPPED_SIZE;
	peer = peer_by_sid(reference, data + AT_SECOND_SID, SENT_INIT_HELLO);
	if (peer == NULL)
		return ROSENPASS_DROPPED_SESSION;
	chain = peer->chain;
	reference_mix(&chain, data + AT_SID, SID_BYTES);
	reference_mix(&chain, peer->sidi, SID_BYTES);
	kyber512_decapsulate(shared, ecti, peer->eski);
	reference_mix(&chain, peer->epki, sizeof peer->epki);
	reference_mix(&chain, shared, sizeof shared);
	reference_mix(&chain, ecti, KYBER512_CIPHERTEXT_BYTES);
	mceliece460896_decapsulate(shared, scti, reference->sct_len, reference->config.secret_key);
	reference_mix(&chain, reference->config.public_key, ROSENPASS_PUBLIC_KEY_BYTES);
	reference_mix(&chain, shared, sizeof shared);
	reference_mix(&chain, scti, reference->sct_len);
	reference_mix(&chain, biscuit, BISCUIT_CT_BYTES);
	if (reference_decrypt_and_mix(&chain, shared, auth, REFERENCE_AUTH_BYTES) != 0)
		return ROSENPASS_DROPPED_AUTH;

	*number = number_of(reference, peer);
	memset(peer->message, 0, sizeof peer->message);
	peer->message[0] = 0x83;
	peer->length = INIT_CONF_BYTES;
	memcpy(peer->message + AT_SID, peer->sidi, SID_BYTES);
	memcpy(peer->message + AT_SECOND_SID, data + AT_SID, SID_BYTES);
	memcpy(peer->message + IC_BISCUIT, biscuit, BISCUIT_CT_BYTES);
	reference_mix(&chain, peer->sidi, SID_BYTES);
	reference_mix(&chain, data + AT_SID, SID_BYTES);
	reference_encrypt_and_mix(&chain, peer->message + IC_AUTH, shared, 0);
	peer->chain = chain;
	peer->trying = SENT_INIT_CONF;
	peer->current = *from;
	peer->sent = 0;
	send_own(reference, peer);
	take_key(reference, peer, &chain, ROSENPASS_INITIATOR);
	return ROSENPASS_ACCEPTED;
}

static enum rosenpass_verdict on_empty_data(struct reference *reference, const uint8_t *data, size_t length,
                                            rosenpass_peer *number)
{
	struct reference_peer *peer;
	uint8_t key[REFERENCE_HASH_BYTES];
	uint8_t nonce[AEAD_NONCE_BYTES] = { 0 };
	uint8_t nothing[1];

	if (length != EMPTY_DATA_BYTES)
		return ROSENPASS_DROPPED_SIZE;
	peer = peer_by_sid(reference, data + AT_SID, SENT_INIT_CONF);
	if (peer == NULL)
		return ROSENPASS_DROPPED_SESSION;
	reference_export(&peer->chain, key, REFERENCE_RES_ENC);
	memcpy(nonce, data + ED_COUNTER, 8);
	if (aead_open(nothing, key, nonce, data + ED_AUTH, REFERENCE_AUTH_BYTES) != 0)
		return ROSENPASS_DROPPED_AUTH;
	*number = number_of(reference, peer);
	peer->trying = NOT_TRYING;
	return ROSENPASS_CONFIRMED;
}

/* --- responder -------------------------------------------------------------------------- */

static void biscuit_additional_data(struct reference *reference, uint8_t ad[REFERENCE_HASH_BYTES],
                                    const uint8_t *sidi, const uint8_t *sidr)
{
	uint8_t key[REFERENCE_HASH_BYTES];

	reference_lhash(reference->hash, ad, REFERENCE_BISCUIT_AD, reference->config.public_key,
	                ROSENPASS_PUBLIC_KEY_BYTES);
	keyed_hash(reference->hash, key, ad, sidi, SID_BYTES);
	keyed_hash(reference->hash, ad, key, sidr, SID_BYTES);
}

static void renew_biscuit_keys(struct reference *reference)
{
	uint64_t age = reference->now - reference->biscuit_since[0];

	if (reference->biscuit_since[0] != 0 && age < BISCUIT_EPOCH)
		return;
	memcpy(reference->biscuit_keys[1], reference->biscuit_keys[0], AEAD_KEY_BYTES);
	reference->biscuit_since[1] = reference->biscuit_since[0] != 0 && age < 2 * BISCUIT_EPOCH
	                                      ? reference->biscuit_since[0] + BISCUIT_EPOCH
	                                      : 0;
	draw(reference, reference->biscuit_keys[0], AEAD_KEY_BYTES);
	reference->biscuit_since[0] = reference->now;
}

/* Builds and sends RespHello for a chain as IHR8 left it. */
static void answer_init_hello(struct reference *reference, struct reference_peer *peer,
                              struct reference_chain *chain, const uint8_t *hello,
                              const struct rosenpass_address *from)
{
	uint8_t message[ROSENPASS_DATAGRAM_MAX_BYTES] = { 0x82 };
	uint8_t *ecti = message + RH_ECTI;
	uint8_t *scti = message + RH_SCTI;
	uint8_t *auth = scti + reference->sct_len;
	uint8_t *biscuit_ct = auth + REFERENCE_AUTH_BYTES;
	uint8_t biscuit[BISCUIT_BYTES] = { 0 };
	uint8_t ad[REFERENCE_HASH_BYTES];
	uint8_t nonce[AEAD_X_NONCE_BYTES];
	uint8_t shared[32];

	renew_biscuit_keys(reference);
	draw(reference, message + AT_SID, SID_BYTES);
	memcpy(message + AT_SECOND_SID, hello + AT_SID, SID_BYTES);
	reference_mix(chain, message + AT_SID, SID_BYTES);
	reference_mix(chain, hello + AT_SID, SID_BYTES);
	if (kyber512_encapsulate(ecti, shared, hello + IH_EPKI, &reference->config.random) != 0)
		abort();
	reference_mix(chain, hello + IH_EPKI, KYBER512_PUBLIC_KEY_BYTES);
	reference_mix(chain, shared, sizeof shared);
	reference_mix(chain, ecti, KYBER512_CIPHERTEXT_BYTES);
	if (mceliece460896_encapsulate(scti, reference->sct_len, shared, peer->public_key,
	                               &reference->config.random) != 0)
		abort();
	reference_mix(chain, peer->public_key, ROSENPASS_PUBLIC_KEY_BYTES);
	reference_mix(chain, shared, sizeof shared);
	reference_mix(chain, scti, reference->sct_len);

	reference->biscuit_number++;
	memcpy(biscuit, peer->id, sizeof peer->id);
	for (int i = 0; i < 8; i++)
		biscuit[32 + i] = (uint8_t)(reference->biscuit_number >> (8 * i));
	memcpy(biscuit + 32 + NUMBER_BYTES, chain->ck, sizeof chain->ck);
	biscuit_additional_data(reference, ad, hello + AT_SID, message + AT_SID);
	draw(reference, nonce, sizeof nonce);
	aead_x_seal(biscuit_ct, reference->biscuit_keys[0], nonce, ad, sizeof ad, biscuit, sizeof biscuit);
	reference_mix(chain, biscuit_ct, BISCUIT_CT_BYTES);
	reference_encrypt_and_mix(chain, auth, biscuit, 0);
	emit_send(reference, peer, message, (size_t)(biscuit_ct - message) + BISCUIT_CT_BYTES + TRAILER_BYTES,
	          from, false);
}

static enum rosenpass_verdict on_init_hello(struct reference *reference, const uint8_t *data, size_t length,
                                            const struct rosenpass_address *from, rosenpass_peer *number)
{
	const uint8_t *sctr = data + IH_SCTR;
	const uint8_t *pidi_ct = sctr + reference->sct_len;
	struct reference_chain chain = { .hash = reference->hash };
	uint8_t shared[32];
	uint8_t pidi[REFERENCE_HASH_BYTES];
	struct reference_peer *peer;

	if (length != IH_SCTR + reference->sct_len + PIDI_CT_BYTES + REFERENCE_AUTH_BYTES + TRAILER_BYTES)
		return ROSENPASS_DROPPED_SIZE;
	reference_lhash(chain.hash, chain.ck, REFERENCE_CK_INIT, reference->config.public_key,
	                ROSENPASS_PUBLIC_KEY_BYTES);
	reference_mix(&chain, data + AT_SID, SID_BYTES);
	reference_mix(&chain, data + IH_EPKI, KYBER512_PUBLIC_KEY_BYTES);
	mceliece460896_decapsulate(shared, sctr, reference->sct_len, reference->config.secret_key);
	reference_mix(&chain, reference->config.public_key, ROSENPASS_PUBLIC_KEY_BYTES);
	reference_mix(&chain, shared, sizeof shared);
	reference_mix(&chain, sctr, reference->sct_len);
	if (reference_decrypt_and_mix(&chain, pidi, pidi_ct, PIDI_CT_BYTES) != 0)
		return ROSENPASS_DROPPED_AUTH;
	peer = peer_by_id(reference, pidi);
	if (peer == NULL)
		return ROSENPASS_DROPPED_PEER;
	reference_mix(&chain, peer->public_key, ROSENPASS_PUBLIC_KEY_BYTES);
	reference_mix(&chain, peer->psk, sizeof peer->psk);
	if (reference_decrypt_and_mix(&chain, shared, pidi_ct + PIDI_CT_BYTES, REFERENCE_AUTH_BYTES) != 0)
		return ROSENPASS_DROPPED_AUTH;
	*number = number_of(reference, peer);
	answer_init_hello(reference, peer, &chain, data, from);
	return ROSENPASS_ANSWERED;
}

static bool open_biscuit(struct reference *reference, uint8_t biscuit[BISCUIT_BYTES], const uint8_t *conf)
{
	uint8_t ad[REFERENCE_HASH_BYTES];

	biscuit_additional_data(reference, ad, conf + AT_SID, conf + AT_SECOND_SID);
	for (int i = 0; i < 2; i++) {
		uint64_t lifetime = i == 0 ? 2 * BISCUIT_EPOCH : BISCUIT_EPOCH;

		if (reference->biscuit_since[i] != 0 &&
		    reference->now - reference->biscuit_since[i] < lifetime &&
		    aead_x_open(biscuit, reference->biscuit_keys[i], ad, sizeof ad, conf + IC_BISCUIT,
		                BISCUIT_CT_BYTES) == 0)
			return true;
	}
	return false;
}

static void send_empty_data(struct reference *reference, struct reference_peer *peer,
                            const struct reference_chain *chain, const uint8_t *sidi,
                            const struct rosenpass_address *from)
{
	static const uint8_t nothing[1];
	uint8_t key[REFERENCE_HASH_BYTES];
	uint8_t nonce[AEAD_NONCE_BYTES] = { 0 };

	memset(peer->answer, 0, sizeof peer->answer);
	peer->answer[0] = 0x84;
	memcpy(peer->answer + AT_SID, sidi, SID_BYTES);
	reference_export(chain, key, REFERENCE_RES_ENC);
	aead_seal(peer->answer + ED_AUTH, key, nonce, nothing, 0);
	emit_send(reference, peer, peer->answer, sizeof peer->answer, from, false);
}

static enum rosenpass_verdict on_init_conf(struct reference *reference, const uint8_t *data, size_t length,
                                           const struct rosenpass_address *from, rosenpass_peer *number)
{
	uint8_t biscuit[BISCUIT_BYTES] = { 0 };
	uint8_t tag[REFERENCE_AUTH_BYTES];
	struct reference_chain chain = { .hash = reference->hash };
	struct reference_peer *peer;
	uint64_t count = 0;

	if (length != INIT_CONF_BYTES)
		return ROSENPASS_DROPPED_SIZE;
	if (!open_biscuit(reference, biscuit, data))
		return ROSENPASS_DROPPED_BISCUIT;
	peer = peer_by_id(reference, biscuit);
	if (peer == NULL)
		return ROSENPASS_DROPPED_PEER;
	if (!reference->config.go && peer->answered &&
	    memcmp(peer->answered_conf, data, sizeof peer->answered_conf) == 0) {
		*number = number_of(reference, peer);
		emit_send(reference, peer, peer->answer, sizeof peer->answer, from, true);
		return ROSENPASS_REPEATED;
	}
	for (int i = 0; i < 8; i++)
		count |= (uint64_t)biscuit[32 + i] << (8 * i);
	if (count <= peer->biscuit_used)
		return ROSENPASS_DROPPED_REPLAY;
	memcpy(chain.ck, biscuit + 32 + NUMBER_BYTES, sizeof chain.ck);
	reference_mix(&chain, data + IC_BISCUIT, BISCUIT_CT_BYTES);
	reference_encrypt_and_mix(&chain, tag, biscuit, 0);
	reference_mix(&chain, data + AT_SID, SID_BYTES);
	reference_mix(&chain, data + AT_SECOND_SID, SID_BYTES);
	if (reference_decrypt_and_mix(&chain, tag, data + IC_AUTH, REFERENCE_AUTH_BYTES) != 0)
		return ROSENPASS_DROPPED_AUTH;
	*number = number_of(reference, peer);
	peer->biscuit_used = count;
	peer->answered = true;
	memcpy(peer->answered_conf, data, sizeof peer->answered_conf);
	peer->trying = NOT_TRYING;
	peer->current = *from;
	take_key(reference, peer, &chain, ROSENPASS_RESPONDER);
	send_empty_data(reference, peer, &chain, data + AT_SID, from);
	return ROSENPASS_EXCHANGED;
}

/* --- both ------------------------------------------------------------------------------- */

enum rosenpass_verdict reference_receive(struct reference *reference, const uint8_t *data, size_t length,
                                         const struct rosenpass_address *from, uint64_t now_ns,
                                         rosenpass_peer *peer)
{
	reference->now = now_ns;
	*peer = 0;
	if (length < EMPTY_DATA_BYTES || length > ROSENPASS_DATAGRAM_MAX_BYTES || data[0] < 0x81 ||
	    data[0] > 0x84)
		return ROSENPASS_DROPPED_SIZE;
	if (!reference_mac_is_right(data, length, reference->config.dialect, reference->config.public_key))
		return ROSENPASS_DROPPED_MAC;
	switch (data[0]) {
	case 0x81:
		return on_init_hello(reference, data, length, from, peer);
	case 0x82:
		return on_resp_hello(reference, data, length, from, peer);
	case 0x83:
		return on_init_conf(reference, data, length, from, peer);
	default:
		return on_empty_data(reference, data, length, peer);
	}
}

uint64_t reference_deadline(const struct reference *reference)
{
	uint64_t first = ROSENPASS_NEVER;

	for (size_t i = 0; i < reference->peer_count; i++) {
		const struct reference_peer *peer = &reference->peers[i];
		uint64_t at = ROSENPASS_NEVER;

		if (peer->has_key)
			at = peer->key_since + ERASE;
		if (peer->trying != NOT_TRYING && peer->next_send < at)
			at = peer->next_send;
		if (peer->renewal < at)
			at = peer->renewal;
		if (at < first)
			first = at;
	}
	return first;
}

static void erase(struct reference *reference, struct reference_peer *peer)
{
	struct rosenpass_output output = {
		.size = sizeof output,
		.kind = ROSENPASS_OUTPUT_STALE,
		.peer = number_of(reference, peer),
		.role = peer->role,
		.dialect = reference->config.dialect,
	};

	peer->has_key = false;
	if (peer->configured.length > 0)
		memset(&peer->current, 0, sizeof peer->current);
	reference->config.emit(reference->config.context, &output);
}

void reference_expire(struct reference *reference, uint64_t now_ns)
{
	reference->now = now_ns;
	for (size_t i = 0; i < reference->peer_count; i++) {
		struct reference_peer *peer = &reference->peers[i];

		if (peer->has_key && now_ns >= peer->key_since + ERASE)
			erase(reference, peer);
		if (now_ns >= peer->renewal) {
			peer->renewal = now_ns + RENEW_UNFINISHED;
			start(reference, peer);
		} else if (peer->trying != NOT_TRYING && now_ns >= peer->next_send) {
			send_own(reference, peer);
		}
	}
}
