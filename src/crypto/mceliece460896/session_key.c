#include "crypto/mceliece460896/session_key.h"

#include "crypto/ct.h"
#include "crypto/keccak.h"

#define CONFIRMATION_PREFIX 2

static void absorb(struct keccak_shake *shake, uint8_t prefix, const uint8_t e[static MCELIECE_ERROR_BYTES])
{
	keccak_shake256_init(shake);
	keccak_shake_absorb(shake, &prefix, 1);
	keccak_shake_absorb(shake, e, MCELIECE_ERROR_BYTES);
}

void mceliece_session_key_confirm(uint8_t confirmation[static MCELIECE_CONFIRMATION_BYTES],
                                  const uint8_t e[static MCELIECE_ERROR_BYTES])
{
	struct keccak_shake shake;

	absorb(&shake, CONFIRMATION_PREFIX, e);
	keccak_shake_finish(&shake);
	keccak_shake_squeeze(&shake, confirmation, MCELIECE_CONFIRMATION_BYTES);
	ct_wipe(&shake, sizeof shake);
}

void mceliece_session_key_derive(uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES], uint8_t b,
                                 const uint8_t e[static MCELIECE_ERROR_BYTES], const uint8_t *ct,
                                 size_t ct_len)
{
	struct keccak_shake shake;

	absorb(&shake, b, e);
	keccak_shake_absorb(&shake, ct, ct_len);
	keccak_shake_finish(&shake);
	keccak_shake_squeeze(&shake, ss, MCELIECE460896_SHARED_SECRET_BYTES);
	ct_wipe(&shake, sizeof shake);
}
