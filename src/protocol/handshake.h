#ifndef ROSENPASS_PROTOCOL_HANDSHAKE_H
#define ROSENPASS_PROTOCOL_HANDSHAKE_H

/*
 * The steps of the key exchange, named as in PROTOCOL.md section 4: IHI = InitHello
 * by the initiator, IHR = the same on the responder's side, RHR and RHI for RespHello,
 * ICI and ICR for InitConf.
 *
 * Each message is worked on in a struct that holds the chaining key and everything
 * that was drawn at random, so that with given draws the outcome is fixed. The
 * functions at the end of each section take many such structs and run their hashes
 * over whole public keys in parallel lanes.
 *
 * None of these functions changes anything but the structs.
 */

#include <stddef.h>
#include <stdint.h>

#include "crypto/random.h"
#include "protocol/biscuit.h"
#include "protocol/chain.h"
#include "protocol/messages.h"
#include "protocol/public_key.h"

#define HANDSHAKE_PSK_BYTES 32
#define HANDSHAKE_BATCH_MAX CHAIN_LANES_MAX

/* --- initiator: InitHello ----------------------------------------------------------- */

struct handshake_initiation {
	/* in */
	enum rosenpass_dialect dialect;
	struct public_key *own;
	struct public_key *peer;
	const uint8_t *psk; /* HANDSHAKE_PSK_BYTES */
	/* drawn; sidi, epki and sctr stand in the message */
	uint8_t ephemeral_seed[KYBER512_KEYGEN_SEED_BYTES]; /* what epki and eski are made from */
	uint8_t eski[KYBER512_SECRET_KEY_BYTES];
	uint8_t sptr[MCELIECE460896_SHARED_SECRET_BYTES];
	/* out */
	uint8_t message[MESSAGE_INIT_HELLO_MAX_BYTES]; /* all but mac and cookie */
	size_t length;
	struct init_hello fields;
	struct chain chain;
};

/* Lays out the message for the dialect. */
void handshake_initiation_prepare(struct handshake_initiation *w);
/* Draws the seed of the ephemeral key pair, and makes that (epki, eski). -1: no random bytes. */
int handshake_initiation_draw_ephemeral(struct handshake_initiation *w, const struct random_source *random)
	__attribute__((warn_unused_result));
/* Draws the encapsulation to the peer (sctr, sptr). -1: no random bytes. */
int handshake_initiation_draw_static(struct handshake_initiation *w, const struct random_source *random)
	__attribute__((warn_unused_result));

void handshake_ihi1(struct handshake_initiation *w);
void handshake_ihi4(struct handshake_initiation *w);
void handshake_ihi5(struct handshake_initiation *w); /* after mix(spkr) */
void handshake_ihi6(struct handshake_initiation *w);
void handshake_ihi7(struct handshake_initiation *w); /* after mix(spki) */
void handshake_ihi8(struct handshake_initiation *w);

/* IHI1 to IHI8 of prepared and drawn initiations. */
void handshake_initiate(struct handshake_initiation *const ws[], size_t count);

/* --- responder: InitHello, RespHello ------------------------------------------------ */

struct handshake_response {
	/* in */
	enum rosenpass_dialect dialect;
	struct public_key *own;
	const uint8_t *own_secret_key; /* MCELIECE460896_SECRET_KEY_BYTES */
	struct public_key *peer;       /* set after IHR6, when pidi is known */
	const uint8_t *psk;            /* likewise */
	uint8_t hello[MESSAGE_INIT_HELLO_MAX_BYTES];
	struct init_hello in;
	/* out of IHR6 */
	uint8_t pidi[PUBLIC_KEY_FACT_BYTES];
	/* drawn; sidr, ecti and scti stand in the message */
	uint8_t epti[KYBER512_SHARED_SECRET_BYTES];
	uint8_t spti[MCELIECE460896_SHARED_SECRET_BYTES];
	uint8_t biscuit_nonce[AEAD_X_NONCE_BYTES];
	uint8_t biscuit_number[BISCUIT_NUMBER_BYTES];
	uint8_t biscuit_key[AEAD_KEY_BYTES]; /* a copy: the engine's may expire between two steps */
	/* out */
	uint8_t message[MESSAGE_RESP_HELLO_MAX_BYTES]; /* all but mac and cookie */
	size_t length;
	struct resp_hello out;
	struct chain chain;
	int failed; /* nonzero: IHR6 or IHR8 did not authenticate; what follows is skipped */
};

/* Takes a received InitHello. -1 when the length is not that of the dialect. */
int handshake_response_prepare(struct handshake_response *w, const uint8_t *hello, size_t hello_len)
	__attribute__((warn_unused_result));
/* Draws everything of RespHello. -1: no random bytes. */
int handshake_response_draw(struct handshake_response *w, const struct random_source *random)
	__attribute__((warn_unused_result));

void handshake_ihr1(struct handshake_response *w);
void handshake_ihr4(struct handshake_response *w);
void handshake_ihr5(struct handshake_response *w,
                    const uint8_t sptr[static MCELIECE460896_SHARED_SECRET_BYTES]);
void handshake_ihr6(struct handshake_response *w);
void handshake_ihr7(struct handshake_response *w);
void handshake_ihr8(struct handshake_response *w);
void handshake_rhr3(struct handshake_response *w);
void handshake_rhr4(struct handshake_response *w);
void handshake_rhr5(struct handshake_response *w);
void handshake_rhr6(struct handshake_response *w);
void handshake_rhr7(struct handshake_response *w);

/* IHR1 to IHR6: afterwards pidi is known, or failed is set. */
void handshake_identify(struct handshake_response *const ws[], size_t count);
/* IHR7 and IHR8, with peer and psk set: afterwards the initiator is authenticated, or failed is set. */
void handshake_authenticate(struct handshake_response *const ws[], size_t count);
/* RHR3 to RHR7 of drawn responses. */
void handshake_respond(struct handshake_response *const ws[], size_t count);

/* --- initiator: RespHello, InitConf -------------------------------------------------- */

struct handshake_completion {
	/* in */
	enum rosenpass_dialect dialect;
	struct public_key *own;
	const uint8_t *own_secret_key;
	const uint8_t *eski; /* KYBER512_SECRET_KEY_BYTES; holds epki */
	uint8_t made_eski[KYBER512_SECRET_KEY_BYTES];
	uint8_t hello[MESSAGE_RESP_HELLO_MAX_BYTES];
	struct resp_hello in;
	struct chain chain; /* as IHI8 left it */
	/* out */
	uint8_t message[MESSAGE_INIT_CONF_BYTES]; /* all but mac and cookie */
	struct init_conf out;
	int failed; /* nonzero: RHI7 did not authenticate */
};

/* Takes a received RespHello. -1 when the length is not that of the dialect. */
int handshake_completion_prepare(struct handshake_completion *w, const uint8_t *hello, size_t hello_len)
	__attribute__((warn_unused_result));

/* Makes eski anew from the seed that was drawn for InitHello. */
void handshake_completion_make_ephemeral(struct handshake_completion *w,
                                         const uint8_t seed[static KYBER512_KEYGEN_SEED_BYTES]);

void handshake_rhi3(struct handshake_completion *w);
void handshake_rhi4(struct handshake_completion *w);
void handshake_rhi5(struct handshake_completion *w,
                    const uint8_t spti[static MCELIECE460896_SHARED_SECRET_BYTES]);
void handshake_rhi6(struct handshake_completion *w);
void handshake_rhi7(struct handshake_completion *w);
void handshake_ici3(struct handshake_completion *w);
void handshake_ici4(struct handshake_completion *w);

/* RHI3 to ICI4: afterwards the responder is authenticated and chain is final, or failed is set. */
void handshake_complete(struct handshake_completion *const ws[], size_t count);

/* --- responder: InitConf --------------------------------------------------------------- */

/*
 * ICR1 to ICR4 with an opened biscuit: chain is final afterwards.
 * -1 when the message does not authenticate; chain is wiped then.
 */
int handshake_confirm(struct chain *chain, enum keyed_hash hash, const struct init_conf *message,
                      const struct biscuit *biscuit) __attribute__((warn_unused_result));

/* --- live ------------------------------------------------------------------------------- */

/* EmptyData's auth: the tag of an empty message under txkr with the counter as nonce. */
void handshake_seal_empty_data(struct empty_data *message, const uint8_t txkr[static CHAIN_BYTES]);
int handshake_open_empty_data(const struct empty_data *message, const uint8_t txkr[static CHAIN_BYTES])
	__attribute__((warn_unused_result));

#endif
