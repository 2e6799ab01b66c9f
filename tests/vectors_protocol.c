#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/keyed_hash.h"
#include "crypto/kyber512.h"
#include "crypto/mceliece460896.h"
#include "protocol/biscuit.h"
#include "protocol/cookie.h"
#include "protocol/handshake.h"
#include "protocol/labels.h"
#include "protocol/messages.h"
#include "protocol/public_key.h"
#include "vectors_util.h"

/* One side's static keys. */
struct party {
	uint8_t pk[MCELIECE460896_PUBLIC_KEY_BYTES];
	uint8_t sk[MCELIECE460896_SECRET_KEY_BYTES];
	struct public_key key;
};

/* A case of handshake.json on its way through the steps of both sides. */
struct exchange {
	const json_t *test;
	const json_t *random;
	const json_t *expect;
	enum rosenpass_dialect dialect;
	enum keyed_hash hash;
	struct party initiator;
	struct party responder;
	uint8_t psk[HANDSHAKE_PSK_BYTES];
	bool has_cookie;
	uint8_t cookie[COOKIE_VALUE_BYTES]; /* that the initiator holds for the responder */
	struct biscuit_keys biscuit_keys;
	struct handshake_initiation initiation;
	struct handshake_response response;
	struct handshake_completion completion;
	struct chain confirmed; /* the responder's chain after InitConf */
};

static bool load_party(struct vectors_run *run, const struct exchange *x, const char *role,
                       struct party *party)
{
	const char *owner = vectors_string(run, x->test, role);

	if (owner == NULL || !vectors_key(run, owner, "pk", party->pk, sizeof party->pk) ||
	    !vectors_key(run, owner, "sk", party->sk, sizeof party->sk))
		return false;
	public_key_init(&party->key, party->pk);
	return true;
}

static bool get_dialect(struct vectors_run *run, const json_t *test, enum rosenpass_dialect *dialect)
{
	const char *suite = vectors_string(run, test, "suite");

	if (suite == NULL)
		return false;
	for (int i = 0; i < ROSENPASS_DIALECT_COUNT; i++) {
		*dialect = (enum rosenpass_dialect)i;
		if (strcmp(suite, rosenpass_dialect_name(*dialect)) == 0)
			return true;
	}
	vectors_fail(run, "there is no dialect \"%s\"", suite);
	return false;
}

static bool load(struct vectors_run *run, struct exchange *x)
{
	x->random = vectors_get(run, x->test, "random");
	x->expect = vectors_get(run, x->test, "expect");
	if (x->random == NULL || x->expect == NULL || !get_dialect(run, x->test, &x->dialect) ||
	    !load_party(run, x, "initiator", &x->initiator) ||
	    !load_party(run, x, "responder", &x->responder))
		return false;
	x->hash = messages_dialect_hash(x->dialect);
	x->biscuit_keys.present[0] = true;
	x->has_cookie = json_object_get(x->random, "cookie_value") != NULL;
	if (x->has_cookie && !vectors_hex(run, x->random, "cookie_value", x->cookie, sizeof x->cookie))
		return false;
	return vectors_hex(run, x->test, "psk", x->psk, sizeof x->psk) &&
	       vectors_hex(run, x->random, "biscuit_key", x->biscuit_keys.key[0], AEAD_KEY_BYTES);
}

static void expect_ck(struct vectors_run *run, const struct exchange *x, const char *name,
                      const struct chain *chain)
{
	vectors_expect(run, x->expect, name, chain->ck, sizeof chain->ck);
}

static void mix_key(struct chain *chain, const struct party *party)
{
	const uint8_t *key = party->pk;

	chain_mix_keys(&chain, &key, 1);
}

/* Decapsulates with the real secret key and compares with what the other side drew. */
static void decapsulate(struct vectors_run *run, const struct exchange *x, const struct party *party,
                        const uint8_t *ct, const char *name,
                        uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES])
{
	mceliece460896_decapsulate(ss, ct, messages_dialect_skem_ct_bytes(x->dialect), party->sk);
	vectors_expect(run, x->random, name, ss, MCELIECE460896_SHARED_SECRET_BYTES);
}

/* Completes a message with the receiver's mac and what cookie there is for it, and compares. */
static void expect_message(struct vectors_run *run, struct exchange *x, const char *name, uint8_t *message,
                           size_t length, struct party *receiver)
{
	messages_seal_mac(message, length, x->hash,
	                  public_key_fact(&receiver->key, x->hash, PUBLIC_KEY_MAC_KEY));
	cookie_seal(message, length, x->has_cookie && receiver == &x->responder ? x->cookie : NULL);
	vectors_expect(run, x->expect, name, message, length);
}

/* The other side's message as the vector has it, with its mac found right. */
static uint8_t *receive(struct vectors_run *run, struct exchange *x, const char *name, struct party *receiver,
                        size_t *length)
{
	uint8_t *message = vectors_hex_alloc(run, x->expect, name, length);

	if (message == NULL)
		return NULL;
	if ((messages_classify(message, *length) & ROSENPASS_DIALECT_BIT(x->dialect)) == 0) {
		vectors_fail(run, "\"%s\" is no message of this dialect", name);
		free(message);
		return NULL;
	}
	if (!messages_mac_is_right(message, *length, x->hash,
	                           public_key_fact(&receiver->key, x->hash, PUBLIC_KEY_MAC_KEY)))
		vectors_fail(run, "the mac of \"%s\" is wrong", name);
	return message;
}

/* Lays the message out and fills in what was drawn. */
static bool prepare_initiation(struct vectors_run *run, struct exchange *x)
{
	struct handshake_initiation *w = &x->initiation;

	*w = (struct handshake_initiation){
		.dialect = x->dialect,
		.own = &x->initiator.key,
		.peer = &x->responder.key,
		.psk = x->psk,
	};
	handshake_initiation_prepare(w);
	return vectors_hex(run, x->random, "sidi", w->fields.sidi, MESSAGE_SID_BYTES) &&
	       vectors_hex(run, x->random, "epki", w->fields.epki, KYBER512_PUBLIC_KEY_BYTES) &&
	       vectors_hex(run, x->random, "eski", w->eski, sizeof w->eski) &&
	       vectors_hex(run, x->random, "sctr", w->fields.sctr,
	                   messages_dialect_skem_ct_bytes(x->dialect)) &&
	       vectors_hex(run, x->random, "sptr", w->sptr, sizeof w->sptr);
}

static bool initiator_builds_init_hello(struct vectors_run *run, struct exchange *x)
{
	struct handshake_initiation *w = &x->initiation;
	struct handshake_initiation *ws[] = { w };

	if (!prepare_initiation(run, x))
		return false;
	/* All steps in one, as the engine does it, and then each by itself. */
	handshake_initiate(ws, 1);
	expect_message(run, x, "InitHello", w->message, w->length, &x->responder);

	if (!prepare_initiation(run, x))
		return false;
	handshake_ihi1(w);
	expect_ck(run, x, "ck_IHI1", &w->chain);
	handshake_ihi4(w);
	expect_ck(run, x, "ck_IHI4", &w->chain);
	mix_key(&w->chain, &x->responder);
	handshake_ihi5(w);
	expect_ck(run, x, "ck_IHI5", &w->chain);
	handshake_ihi6(w);
	expect_ck(run, x, "ck_IHI6", &w->chain);
	mix_key(&w->chain, &x->initiator);
	handshake_ihi7(w);
	expect_ck(run, x, "ck_IHI7", &w->chain);
	handshake_ihi8(w);
	expect_ck(run, x, "ck_IHI8", &w->chain);
	expect_message(run, x, "InitHello", w->message, w->length, &x->responder);
	return true;
}

static bool prepare_response(struct vectors_run *run, struct exchange *x)
{
	struct handshake_response *w = &x->response;
	size_t length = 0;
	uint8_t *hello = receive(run, x, "InitHello", &x->responder, &length);
	int result = -1;

	if (hello == NULL)
		return false;
	*w = (struct handshake_response){
		.dialect = x->dialect,
		.own = &x->responder.key,
		.own_secret_key = x->responder.sk,
		.peer = &x->initiator.key,
		.psk = x->psk,
	};
	memcpy(w->biscuit_key, x->biscuit_keys.key[0], sizeof w->biscuit_key);
	result = handshake_response_prepare(w, hello, length);
	free(hello);
	if (result != 0) {
		vectors_fail(run, "InitHello has another length");
		return false;
	}
	return vectors_hex(run, x->random, "sidr", w->out.sidr, MESSAGE_SID_BYTES) &&
	       vectors_hex(run, x->random, "ecti", w->out.ecti, KYBER512_CIPHERTEXT_BYTES) &&
	       vectors_hex(run, x->random, "epti", w->epti, sizeof w->epti) &&
	       vectors_hex(run, x->random, "scti", w->out.scti, messages_dialect_skem_ct_bytes(x->dialect)) &&
	       vectors_hex(run, x->random, "spti", w->spti, sizeof w->spti) &&
	       vectors_hex(run, x->random, "biscuit_nonce", w->biscuit_nonce, sizeof w->biscuit_nonce) &&
	       vectors_hex(run, x->random, "biscuit_no", w->biscuit_number, sizeof w->biscuit_number);
}

static void responder_takes_init_hello(struct vectors_run *run, struct exchange *x)
{
	struct handshake_response *w = &x->response;
	uint8_t sptr[MCELIECE460896_SHARED_SECRET_BYTES];

	handshake_ihr1(w);
	expect_ck(run, x, "ck_IHI1", &w->chain);
	handshake_ihr4(w);
	expect_ck(run, x, "ck_IHI4", &w->chain);
	mix_key(&w->chain, &x->responder);
	decapsulate(run, x, &x->responder, w->in.sctr, "sptr", sptr);
	handshake_ihr5(w, sptr);
	expect_ck(run, x, "ck_IHI5", &w->chain);
	handshake_ihr6(w);
	vectors_expect(run, x->test, "pidi", w->pidi, sizeof w->pidi);
	expect_ck(run, x, "ck_IHI6", &w->chain);
	mix_key(&w->chain, &x->initiator);
	handshake_ihr7(w);
	expect_ck(run, x, "ck_IHI7", &w->chain);
	handshake_ihr8(w);
	expect_ck(run, x, "ck_IHI8", &w->chain);
	if (w->failed != 0)
		vectors_fail(run, "InitHello does not authenticate");
}

static void responder_builds_resp_hello(struct vectors_run *run, struct exchange *x)
{
	struct handshake_response *w = &x->response;

	handshake_rhr3(w);
	expect_ck(run, x, "ck_RHR3", &w->chain);
	handshake_rhr4(w);
	expect_ck(run, x, "ck_RHR4", &w->chain);
	mix_key(&w->chain, &x->initiator);
	handshake_rhr5(w);
	expect_ck(run, x, "ck_RHR5", &w->chain);
	handshake_rhr6(w);
	vectors_expect(run, x->expect, "biscuit_ct", w->out.biscuit_ct, MESSAGE_BISCUIT_CT_BYTES);
	expect_ck(run, x, "ck_RHR6", &w->chain);
	handshake_rhr7(w);
	expect_ck(run, x, "ck_RHR7", &w->chain);
	expect_message(run, x, "RespHello", w->message, w->length, &x->initiator);
}

static bool responder_answers(struct vectors_run *run, struct exchange *x)
{
	struct handshake_response *w = &x->response;
	struct handshake_response *ws[] = { w };

	if (!prepare_response(run, x))
		return false;
	handshake_identify(ws, 1);
	if (w->failed == 0)
		handshake_authenticate(ws, 1);
	if (w->failed != 0)
		vectors_fail(run, "InitHello does not authenticate");
	handshake_respond(ws, 1);
	expect_message(run, x, "RespHello", w->message, w->length, &x->initiator);

	if (!prepare_response(run, x))
		return false;
	responder_takes_init_hello(run, x);
	responder_builds_resp_hello(run, x);
	return true;
}

static bool prepare_completion(struct vectors_run *run, struct exchange *x)
{
	struct handshake_completion *w = &x->completion;
	size_t length = 0;
	uint8_t *hello = receive(run, x, "RespHello", &x->initiator, &length);
	int result = -1;

	if (hello == NULL)
		return false;
	*w = (struct handshake_completion){
		.dialect = x->dialect,
		.own = &x->initiator.key,
		.own_secret_key = x->initiator.sk,
		.eski = x->initiation.eski,
		.chain = x->initiation.chain,
	};
	result = handshake_completion_prepare(w, hello, length);
	free(hello);
	if (result != 0)
		vectors_fail(run, "RespHello has another length");
	return result == 0;
}

static bool initiator_completes(struct vectors_run *run, struct exchange *x)
{
	struct handshake_completion *w = &x->completion;
	struct handshake_completion *ws[] = { w };
	uint8_t spti[MCELIECE460896_SHARED_SECRET_BYTES];

	if (!prepare_completion(run, x))
		return false;
	handshake_complete(ws, 1);
	expect_message(run, x, "InitConf", w->message, sizeof w->message, &x->responder);

	if (!prepare_completion(run, x))
		return false;
	handshake_rhi3(w);
	expect_ck(run, x, "ck_RHR3", &w->chain);
	handshake_rhi4(w);
	expect_ck(run, x, "ck_RHR4", &w->chain);
	mix_key(&w->chain, &x->initiator);
	decapsulate(run, x, &x->initiator, w->in.scti, "spti", spti);
	handshake_rhi5(w, spti);
	expect_ck(run, x, "ck_RHR5", &w->chain);
	handshake_rhi6(w);
	expect_ck(run, x, "ck_RHR6", &w->chain);
	handshake_rhi7(w);
	expect_ck(run, x, "ck_RHR7", &w->chain);
	if (w->failed != 0)
		vectors_fail(run, "RespHello does not authenticate");
	handshake_ici3(w);
	expect_ck(run, x, "ck_ICI3", &w->chain);
	handshake_ici4(w);
	expect_ck(run, x, "ck_ICI4", &w->chain);
	expect_message(run, x, "InitConf", w->message, sizeof w->message, &x->responder);
	return true;
}

static void expect_biscuit(struct vectors_run *run, const struct exchange *x, const struct biscuit *biscuit)
{
	uint8_t plaintext[MESSAGE_BISCUIT_BYTES];

	memcpy(plaintext, biscuit->pidi, sizeof biscuit->pidi);
	memcpy(plaintext + sizeof biscuit->pidi, biscuit->number, sizeof biscuit->number);
	memcpy(plaintext + sizeof biscuit->pidi + sizeof biscuit->number, biscuit->ck, sizeof biscuit->ck);
	vectors_expect(run, x->expect, "biscuit_pt", plaintext, sizeof plaintext);
}

static bool responder_confirms(struct vectors_run *run, struct exchange *x)
{
	size_t length = 0;
	uint8_t *message = receive(run, x, "InitConf", &x->responder, &length);
	uint8_t ad[KEYED_HASH_OUT_BYTES];
	struct biscuit biscuit;
	struct init_conf in;
	bool confirmed = false;

	if (message == NULL)
		return false;
	if (messages_init_conf(&in, message, length) != 0) {
		vectors_fail(run, "InitConf has another length");
		goto done;
	}
	biscuit_additional_data(ad, x->hash,
	                        public_key_fact(&x->responder.key, x->hash, PUBLIC_KEY_BISCUIT_AD), in.sidi,
	                        in.sidr);
	if (biscuit_open(&biscuit, &x->biscuit_keys, in.biscuit_ct, ad) != 0) {
		vectors_fail(run, "the biscuit does not open");
		goto done;
	}
	expect_biscuit(run, x, &biscuit);
	if (handshake_confirm(&x->confirmed, x->hash, &in, &biscuit) != 0) {
		vectors_fail(run, "InitConf does not authenticate");
		goto done;
	}
	expect_ck(run, x, "ck_ICI4", &x->confirmed);
	confirmed = true;
done:
	free(message);
	return confirmed;
}

static void expect_empty_data(struct vectors_run *run, struct exchange *x, const uint8_t *txkr)
{
	uint8_t message[MESSAGE_EMPTY_DATA_BYTES] = { 0 };
	struct empty_data fields;

	messages_set_type(message, MESSAGE_EMPTY_DATA);
	if (messages_empty_data(&fields, message, sizeof message) != 0 ||
	    !vectors_hex(run, x->random, "sidi", fields.sid, MESSAGE_SID_BYTES)) {
		vectors_fail(run, "EmptyData cannot be laid out");
		return;
	}
	handshake_seal_empty_data(&fields, txkr);
	expect_message(run, x, "EmptyData", message, sizeof message, &x->initiator);
	if (handshake_open_empty_data(&fields, txkr) != 0)
		vectors_fail(run, "EmptyData does not authenticate");
}

/* The label under which the key goes out: lhash("chaining key extract", "user", ...). */
static bool get_osk_label(struct vectors_run *run, const struct exchange *x,
                          uint8_t label[static LABEL_BYTES])
{
	const json_t *texts = vectors_get(run, x->test, "osk_labels");

	if (texts == NULL)
		return false;
	memcpy(label, labels[x->hash][LABEL_USER], LABEL_BYTES);
	for (size_t i = 0; i < json_array_size(texts); i++) {
		const char *text = json_string_value(json_array_get(texts, i));

		if (text == NULL) {
			vectors_fail(run, "\"osk_labels\" is not a list of strings");
			return false;
		}
		keyed_hash(x->hash, label, label, (const uint8_t *)text, strlen(text));
	}
	return true;
}

static void both_enter_live(struct vectors_run *run, struct exchange *x)
{
	const struct chain *chains[] = { &x->completion.chain, &x->confirmed };
	uint8_t osk_label[LABEL_BYTES];
	uint8_t key[CHAIN_BYTES];

	if (!get_osk_label(run, x, osk_label))
		return;
	for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
		chain_extract(chains[i], key, labels[x->hash][LABEL_INI_ENC]);
		vectors_expect(run, x->expect, "txki", key, sizeof key);
		chain_extract(chains[i], key, labels[x->hash][LABEL_RES_ENC]);
		vectors_expect(run, x->expect, "txkr", key, sizeof key);
		expect_empty_data(run, x, key);
		chain_extract(chains[i], key, osk_label);
		vectors_expect(run, x->expect, "osk", key, sizeof key);
	}
}

static void check_handshake(struct vectors_run *run, const json_t *test)
{
	struct exchange *x = vectors_memory(sizeof *x);

	memset(x, 0, sizeof *x);
	x->test = test;
	if (load(run, x)) {
		vectors_expect(run, test, "pidi",
		               public_key_fact(&x->initiator.key, x->hash, PUBLIC_KEY_PEER_ID),
		               PUBLIC_KEY_FACT_BYTES);
		vectors_expect(run, test, "pidr",
		               public_key_fact(&x->responder.key, x->hash, PUBLIC_KEY_PEER_ID),
		               PUBLIC_KEY_FACT_BYTES);
		if (initiator_builds_init_hello(run, x) && responder_answers(run, x) &&
		    initiator_completes(run, x) && responder_confirms(run, x))
			both_enter_live(run, x);
	}
	free(x);
}

void vectors_handshake(struct vectors_run *run, const json_t *root)
{
	vectors_each(run, root, "cases", check_handshake);
}

static void check_cookie(struct vectors_run *run, const json_t *test)
{
	uint8_t secret[COOKIE_SECRET_BYTES];
	uint8_t nonce[AEAD_X_NONCE_BYTES];
	uint8_t mac[MESSAGE_MAC_BYTES];
	uint8_t value[COOKIE_VALUE_BYTES];
	uint8_t sealed[MESSAGE_COOKIE_SEALED_BYTES];
	size_t host_len = 0;
	const char *owner = vectors_string(run, test, "spkm");
	uint8_t *host = vectors_hex_alloc(run, test, "host", &host_len);
	struct party *replier = vectors_memory(sizeof *replier);
	const uint8_t *cookie_key;

	if (owner == NULL || host == NULL ||
	    !vectors_key(run, owner, "pk", replier->pk, sizeof replier->pk) ||
	    !vectors_hex(run, test, "cookie_secret", secret, sizeof secret) ||
	    !vectors_hex(run, test, "nonce", nonce, sizeof nonce) ||
	    !vectors_hex(run, test, "mac", mac, sizeof mac))
		goto done;
	public_key_init(&replier->key, replier->pk);
	cookie_key = public_key_fact(&replier->key, KEYED_HASH_SHAKE256, PUBLIC_KEY_COOKIE_KEY);
	vectors_expect(run, test, "cookie_key", cookie_key, AEAD_KEY_BYTES);
	cookie_value(value, secret, host, host_len);
	vectors_expect(run, test, "cookie_value", value, sizeof value);
	cookie_reply_seal(sealed, cookie_key, nonce, value, mac);
	vectors_expect(run, test, "cookie_encrypted", sealed, sizeof sealed);
	memset(value, 0, sizeof value);
	if (cookie_reply_open(value, cookie_key, sealed, mac) != 0)
		vectors_fail(run, "the CookieReply does not open");
	vectors_expect(run, test, "cookie_value", value, sizeof value);
done:
	free(replier);
	free(host);
}

void vectors_cookie(struct vectors_run *run, const json_t *root)
{
	vectors_each(run, root, "cases", check_cookie);
}
