#include "protocol/handshake.h"

#include <assert.h>
#include <string.h>

#include "crypto/ct.h"

/* epki lies within eski: Kyber's secret key is s || pk || H(pk) || z. */
#define EPKI_IN_ESKI (KYBER512_SECRET_KEY_BYTES - KYBER512_PUBLIC_KEY_BYTES - 64)

void handshake_initiation_prepare(struct handshake_initiation *w)
{
	int laid_out;

	w->length = messages_init_hello_bytes(w->dialect);
	laid_out = messages_init_hello(&w->fields, w->dialect, w->message, w->length);
	assert(laid_out == 0);
	(void)laid_out;
	messages_set_type(w->message, MESSAGE_INIT_HELLO);
}

int handshake_initiation_draw_ephemeral(struct handshake_initiation *w, const struct random_source *random)
{
	if (random_bytes(random, w->ephemeral_seed, sizeof w->ephemeral_seed) != 0)
		return -1;
	kyber512_keygen_from_seed(w->fields.epki, w->eski, w->ephemeral_seed);
	return 0;
}

int handshake_initiation_draw_static(struct handshake_initiation *w, const struct random_source *random)
{
	return mceliece460896_encapsulate(w->fields.sctr, messages_dialect_skem_ct_bytes(w->dialect), w->sptr,
	                                  w->peer->bytes, random);
}

void handshake_ihi1(struct handshake_initiation *w)
{
	enum keyed_hash hash = messages_dialect_hash(w->dialect);

	chain_start(&w->chain, hash, public_key_fact(w->peer, hash, PUBLIC_KEY_CK_INIT));
}

void handshake_ihi4(struct handshake_initiation *w)
{
	chain_mix(&w->chain, w->fields.sidi, MESSAGE_SID_BYTES);
	chain_mix(&w->chain, w->fields.epki, KYBER512_PUBLIC_KEY_BYTES);
}

void handshake_ihi5(struct handshake_initiation *w)
{
	chain_mix(&w->chain, w->sptr, sizeof w->sptr);
	chain_mix(&w->chain, w->fields.sctr, messages_dialect_skem_ct_bytes(w->dialect));
}

void handshake_ihi6(struct handshake_initiation *w)
{
	const uint8_t *pidi = public_key_fact(w->own, w->chain.hash, PUBLIC_KEY_PEER_ID);

	chain_seal(&w->chain, w->fields.pidi_ct, pidi, PUBLIC_KEY_FACT_BYTES);
}

void handshake_ihi7(struct handshake_initiation *w)
{
	chain_mix(&w->chain, w->psk, HANDSHAKE_PSK_BYTES);
}

void handshake_ihi8(struct handshake_initiation *w)
{
	chain_seal(&w->chain, w->fields.auth, NULL, 0);
}

void handshake_initiate(struct handshake_initiation *const ws[], size_t count)
{
	struct chain *chains[HANDSHAKE_BATCH_MAX] = { NULL };
	const uint8_t *peers[HANDSHAKE_BATCH_MAX] = { NULL };
	const uint8_t *own[HANDSHAKE_BATCH_MAX] = { NULL };

	assert(count <= HANDSHAKE_BATCH_MAX);
	for (size_t i = 0; i < count; i++) {
		chains[i] = &ws[i]->chain;
		peers[i] = ws[i]->peer->bytes;
		own[i] = ws[i]->own->bytes;
		handshake_ihi1(ws[i]);
		handshake_ihi4(ws[i]);
	}
	chain_mix_keys(chains, peers, count);
	for (size_t i = 0; i < count; i++) {
		handshake_ihi5(ws[i]);
		handshake_ihi6(ws[i]);
	}
	chain_mix_keys(chains, own, count);
	for (size_t i = 0; i < count; i++) {
		handshake_ihi7(ws[i]);
		handshake_ihi8(ws[i]);
	}
}

int handshake_completion_prepare(struct handshake_completion *w, const uint8_t *hello, size_t hello_len)
{
	int laid_out;

	if (hello_len > sizeof w->hello)
		return -1;
	memcpy(w->hello, hello, hello_len);
	if (messages_resp_hello(&w->in, w->dialect, w->hello, hello_len) != 0)
		return -1;
	laid_out = messages_init_conf(&w->out, w->message, sizeof w->message);
	assert(laid_out == 0);
	(void)laid_out;
	messages_set_type(w->message, MESSAGE_INIT_CONF);
	w->failed = 0;
	return 0;
}

void handshake_completion_make_ephemeral(struct handshake_completion *w,
                                         const uint8_t seed[static KYBER512_KEYGEN_SEED_BYTES])
{
	uint8_t epki[KYBER512_PUBLIC_KEY_BYTES]; /* stands in eski as well */

	kyber512_keygen_from_seed(epki, w->made_eski, seed);
	w->eski = w->made_eski;
}

void handshake_rhi3(struct handshake_completion *w)
{
	chain_mix(&w->chain, w->in.sidr, MESSAGE_SID_BYTES);
	chain_mix(&w->chain, w->in.sidi, MESSAGE_SID_BYTES);
}

void handshake_rhi4(struct handshake_completion *w)
{
	uint8_t epti[KYBER512_SHARED_SECRET_BYTES];

	kyber512_decapsulate(epti, w->in.ecti, w->eski);
	chain_mix(&w->chain, w->eski + EPKI_IN_ESKI, KYBER512_PUBLIC_KEY_BYTES);
	chain_mix(&w->chain, epti, sizeof epti);
	chain_mix(&w->chain, w->in.ecti, KYBER512_CIPHERTEXT_BYTES);
	ct_wipe(epti, sizeof epti);
}

void handshake_rhi5(struct handshake_completion *w,
                    const uint8_t spti[static MCELIECE460896_SHARED_SECRET_BYTES])
{
	chain_mix(&w->chain, spti, MCELIECE460896_SHARED_SECRET_BYTES);
	chain_mix(&w->chain, w->in.scti, messages_dialect_skem_ct_bytes(w->dialect));
}

void handshake_rhi6(struct handshake_completion *w)
{
	chain_mix(&w->chain, w->in.biscuit_ct, MESSAGE_BISCUIT_CT_BYTES);
}

void handshake_rhi7(struct handshake_completion *w)
{
	uint8_t nothing[1];

	w->failed = chain_open(&w->chain, nothing, w->in.auth, MESSAGE_AUTH_BYTES);
}

void handshake_ici3(struct handshake_completion *w)
{
	memcpy(w->out.sidi, w->in.sidi, MESSAGE_SID_BYTES);
	memcpy(w->out.sidr, w->in.sidr, MESSAGE_SID_BYTES);
	memcpy(w->out.biscuit_ct, w->in.biscuit_ct, MESSAGE_BISCUIT_CT_BYTES);
	chain_mix(&w->chain, w->out.sidi, MESSAGE_SID_BYTES);
	chain_mix(&w->chain, w->out.sidr, MESSAGE_SID_BYTES);
}

void handshake_ici4(struct handshake_completion *w)
{
	chain_seal(&w->chain, w->out.auth, NULL, 0);
}

void handshake_complete(struct handshake_completion *const ws[], size_t count)
{
	struct chain *chains[HANDSHAKE_BATCH_MAX] = { NULL };
	const uint8_t *own[HANDSHAKE_BATCH_MAX] = { NULL };
	uint8_t spti[MCELIECE460896_SHARED_SECRET_BYTES];

	assert(count <= HANDSHAKE_BATCH_MAX);
	for (size_t i = 0; i < count; i++) {
		chains[i] = &ws[i]->chain;
		own[i] = ws[i]->own->bytes;
		handshake_rhi3(ws[i]);
		handshake_rhi4(ws[i]);
	}
	chain_mix_keys(chains, own, count);
	for (size_t i = 0; i < count; i++) {
		mceliece460896_decapsulate(spti, ws[i]->in.scti,
		                           messages_dialect_skem_ct_bytes(ws[i]->dialect),
		                           ws[i]->own_secret_key);
		handshake_rhi5(ws[i], spti);
		handshake_rhi6(ws[i]);
		handshake_rhi7(ws[i]);
		if (ws[i]->failed == 0) {
			handshake_ici3(ws[i]);
			handshake_ici4(ws[i]);
		}
	}
	ct_wipe(spti, sizeof spti);
}
