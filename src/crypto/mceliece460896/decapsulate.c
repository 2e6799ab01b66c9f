#include "crypto/mceliece460896.h"

#include <assert.h>

#include "crypto/ct.h"
#include "crypto/mceliece460896/backend.h"
#include "crypto/mceliece460896/secret_key.h"
#include "crypto/mceliece460896/session_key.h"

void mceliece460896_decapsulate(uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES], const uint8_t *ct,
                                size_t ct_len, const uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES])
{
	uint8_t e[MCELIECE_ERROR_BYTES];
	uint8_t confirmation[MCELIECE_CONFIRMATION_BYTES];
	uint64_t valid;

	assert(ct_len == MCELIECE460896_CIPHERTEXT_156_BYTES ||
	       ct_len == MCELIECE460896_CIPHERTEXT_188_BYTES);

	valid = mceliece_backend()->decode(e, ct, sk + MCELIECE_SECRET_KEY_GOPPA,
	                                   sk + MCELIECE_SECRET_KEY_BENES);
	if (ct_len == MCELIECE460896_CIPHERTEXT_188_BYTES) {
		mceliece_session_key_confirm(confirmation, e);
		valid &= ct_equal(confirmation, ct + MCELIECE_SYNDROME_BYTES, sizeof confirmation);
		ct_wipe(confirmation, sizeof confirmation);
	}
	ct_select(e, e, sk + MCELIECE_SECRET_KEY_S, sizeof e, valid);
	mceliece_session_key_derive(ss, (uint8_t)(valid & 1), e, ct, ct_len);

	ct_wipe(e, sizeof e);
	ct_wipe(&valid, sizeof valid);
}
