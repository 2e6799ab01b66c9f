#include "protocol/handshake.h"

#include <assert.h>
#include <string.h>

#include "crypto/ct.h"

int handshake_response_prepare(struct handshake_response *w, const uint8_t *hello, size_t hello_len)
{
	int laid_out;

	if (hello_len > sizeof w->hello)
		return -1;
	memcpy(w->hello, hello, hello_len);
	if (messages_init_hello(&w->in, w->dialect, w->hello, hello_len) != 0)
		return -1;
	w->length = messages_resp_hello_bytes(w->dialect);
	laid_out = messages_resp_hello(&w->out, w->dialect, w->message, w->length);
	assert(laid_out == 0);
	(void)laid_out;
	messages_set_type(w->message, MESSAGE_RESP_HELLO);
	w->failed = 0;
	return 0;
}

int handshake_response_draw(struct handshake_response *w, const struct random_source *random)
{
	if (random_bytes(random, w->out.sidr, MESSAGE_SID_BYTES) != 0)
		return -1;
	if (random_bytes(random, w->biscuit_nonce, sizeof w->biscuit_nonce) != 0)
		return -1;
	if (kyber512_encapsulate(w->out.ecti, w->epti, w->in.epki, random) != 0)
		return -1;
	return mceliece460896_encapsulate(w->out.scti, messages_dialect_skem_ct_bytes(w->dialect), w->spti,
	                                  w->peer->bytes, random);
}

void handshake_ihr1(struct handshake_response *w)
{
	enum keyed_hash hash = messages_dialect_hash(w->dialect);

	chain_start(&w->chain, hash, public_key_fact(w->own, hash, PUBLIC_KEY_CK_INIT));
}

void handshake_ihr4(struct handshake_response *w)
{
	chain_mix(&w->chain, w->in.sidi, MESSAGE_SID_BYTES);
	chain_mix(&w->chain, w->in.epki, KYBER512_PUBLIC_KEY_BYTES);
}

void handshake_ihr5(struct handshake_response *w,
                    const uint8_t sptr[static MCELIECE460896_SHARED_SECRET_BYTES])
{
	chain_mix(&w->chain, sptr, MCELIECE460896_SHARED_SECRET_BYTES);
	chain_mix(&w->chain, w->in.sctr, messages_dialect_skem_ct_bytes(w->dialect));
}

void handshake_ihr6(struct handshake_response *w)
{
	w->failed = chain_open(&w->chain, w->pidi, w->in.pidi_ct, MESSAGE_PIDI_CT_BYTES);
}

void handshake_ihr7(struct handshake_response *w)
{
	chain_mix(&w->chain, w->psk, HANDSHAKE_PSK_BYTES);
}

void handshake_ihr8(struct handshake_response *w)
{
	uint8_t nothing[1];

	w->failed = chain_open(&w->chain, nothing, w->in.auth, MESSAGE_AUTH_BYTES);
}

void handshake_rhr3(struct handshake_response *w)
{
	memcpy(w->out.sidi, w->in.sidi, MESSAGE_SID_BYTES);
	chain_mix(&w->chain, w->out.sidr, MESSAGE_SID_BYTES);
	chain_mix(&w->chain, w->out.sidi, MESSAGE_SID_BYTES);
}

void handshake_rhr4(struct handshake_response *w)
{
	chain_mix(&w->chain, w->in.epki, KYBER512_PUBLIC_KEY_BYTES);
	chain_mix(&w->chain, w->epti, sizeof w->epti);
	chain_mix(&w->chain, w->out.ecti, KYBER512_CIPHERTEXT_BYTES);
}

void handshake_rhr5(struct handshake_response *w)
{
	chain_mix(&w->chain, w->spti, sizeof w->spti);
	chain_mix(&w->chain, w->out.scti, messages_dialect_skem_ct_bytes(w->dialect));
}

void handshake_rhr6(struct handshake_response *w)
{
	struct biscuit biscuit;
	uint8_t ad[KEYED_HASH_OUT_BYTES];

	/* The biscuit holds the chaining key as it is before the biscuit itself is mixed in. */
	memcpy(biscuit.pidi, public_key_fact(w->peer, w->chain.hash, PUBLIC_KEY_PEER_ID),
	       sizeof biscuit.pidi);
	memcpy(biscuit.number, w->biscuit_number, sizeof biscuit.number);
	memcpy(biscuit.ck, w->chain.ck, sizeof biscuit.ck);
	biscuit_additional_data(ad, w->chain.hash,
	                        public_key_fact(w->own, w->chain.hash, PUBLIC_KEY_BISCUIT_AD), w->out.sidi,
	                        w->out.sidr);
	biscuit_seal(w->out.biscuit_ct, &biscuit, w->biscuit_key, w->biscuit_nonce, ad);
	chain_mix(&w->chain, w->out.biscuit_ct, MESSAGE_BISCUIT_CT_BYTES);
	ct_wipe(&biscuit, sizeof biscuit);
}

void handshake_rhr7(struct handshake_response *w)
{
	chain_seal(&w->chain, w->out.auth, NULL, 0);
}

void handshake_identify(struct handshake_response *const ws[], size_t count)
{
	struct chain *chains[HANDSHAKE_BATCH_MAX] = { NULL };
	const uint8_t *own[HANDSHAKE_BATCH_MAX] = { NULL };
	uint8_t sptr[MCELIECE460896_SHARED_SECRET_BYTES];

	assert(count <= HANDSHAKE_BATCH_MAX);
	for (size_t i = 0; i < count; i++) {
		chains[i] = &ws[i]->chain;
		own[i] = ws[i]->own->bytes;
		handshake_ihr1(ws[i]);
		handshake_ihr4(ws[i]);
	}
	chain_mix_keys(chains, own, count);
	for (size_t i = 0; i < count; i++) {
		mceliece460896_decapsulate(sptr, ws[i]->in.sctr,
		                           messages_dialect_skem_ct_bytes(ws[i]->dialect),
		                           ws[i]->own_secret_key);
		handshake_ihr5(ws[i], sptr);
		handshake_ihr6(ws[i]);
	}
	ct_wipe(sptr, sizeof sptr);
}

void handshake_authenticate(struct handshake_response *const ws[], size_t count)
{
	struct chain *chains[HANDSHAKE_BATCH_MAX] = { NULL };
	const uint8_t *peers[HANDSHAKE_BATCH_MAX] = { NULL };

	assert(count <= HANDSHAKE_BATCH_MAX);
	for (size_t i = 0; i < count; i++) {
		chains[i] = &ws[i]->chain;
		peers[i] = ws[i]->peer->bytes;
	}
	chain_mix_keys(chains, peers, count);
	for (size_t i = 0; i < count; i++) {
		handshake_ihr7(ws[i]);
		handshake_ihr8(ws[i]);
	}
}

void handshake_respond(struct handshake_response *const ws[], size_t count)
{
	struct chain *chains[HANDSHAKE_BATCH_MAX] = { NULL };
	const uint8_t *peers[HANDSHAKE_BATCH_MAX] = { NULL };

	assert(count <= HANDSHAKE_BATCH_MAX);
	for (size_t i = 0; i < count; i++) {
		chains[i] = &ws[i]->chain;
		peers[i] = ws[i]->peer->bytes;
		handshake_rhr3(ws[i]);
		handshake_rhr4(ws[i]);
	}
	chain_mix_keys(chains, peers, count);
	for (size_t i = 0; i < count; i++) {
		handshake_rhr5(ws[i]);
		handshake_rhr6(ws[i]);
		handshake_rhr7(ws[i]);
	}
}

int handshake_confirm(struct chain *chain, enum keyed_hash hash, const struct init_conf *message,
                      const struct biscuit *biscuit)
{
	uint8_t auth_again[MESSAGE_AUTH_BYTES];
	uint8_t nothing[1];
	int result;

	chain_start(chain, hash, biscuit->ck);
	chain_mix(chain, message->biscuit_ct, MESSAGE_BISCUIT_CT_BYTES);
	/* RHR7 once more: its tag was part of RespHello and is part of the chain. */
	chain_seal(chain, auth_again, NULL, 0);
	chain_mix(chain, message->sidi, MESSAGE_SID_BYTES);
	chain_mix(chain, message->sidr, MESSAGE_SID_BYTES);
	result = chain_open(chain, nothing, message->auth, MESSAGE_AUTH_BYTES);
	if (result != 0)
		ct_wipe(chain, sizeof *chain);
	ct_wipe(auth_again, sizeof auth_again);
	return result;
}

static void counter_nonce(uint8_t nonce[static AEAD_NONCE_BYTES], const uint8_t *counter)
{
	memset(nonce, 0, AEAD_NONCE_BYTES);
	memcpy(nonce, counter, MESSAGE_COUNTER_BYTES);
}

void handshake_seal_empty_data(struct empty_data *message, const uint8_t txkr[static CHAIN_BYTES])
{
	uint8_t nonce[AEAD_NONCE_BYTES];

	counter_nonce(nonce, message->counter);
	aead_seal(message->auth, txkr, nonce, NULL, 0);
}

int handshake_open_empty_data(const struct empty_data *message, const uint8_t txkr[static CHAIN_BYTES])
{
	uint8_t nonce[AEAD_NONCE_BYTES];
	uint8_t nothing[1];

	counter_nonce(nonce, message->counter);
	return aead_open(nothing, txkr, nonce, message->auth, MESSAGE_AUTH_BYTES);
}
