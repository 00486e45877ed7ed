/* SPDX-License-Identifier: Apache-2.0
 *
 * sign.c - signatures of our own (Ed25519, RFC 8032)
 *
 * Process: mcpgw-store alone; a worker only verifies (own.c).  Owns: nothing.
 */
#include <openssl/evp.h>

#include "auth/sign.h"
#include "lib/crypt.h"

int
sign_key_make(uint8_t private_key[SIGN_KEY_BYTES], uint8_t public_key[SIGN_KEY_BYTES])
{
	EVP_PKEY	*k;
	size_t		 n = SIGN_KEY_BYTES;
	int		 r;

	if ((r = crypt_random(private_key, SIGN_KEY_BYTES)) != 0)
		return r;
	if ((k = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private_key, SIGN_KEY_BYTES)) == NULL)
		return E_INTERNAL;
	r = EVP_PKEY_get_raw_public_key(k, public_key, &n) == 1 && n == SIGN_KEY_BYTES ? 0 : E_INTERNAL;
	EVP_PKEY_free(k);
	return r;
}

int
sign_text(const uint8_t private_key[SIGN_KEY_BYTES], struct span text, uint8_t signature[SIGN_SIGNATURE_BYTES])
{
	EVP_PKEY	*k = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private_key, SIGN_KEY_BYTES);
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	size_t		 n = SIGN_SIGNATURE_BYTES;
	int		 r = E_INTERNAL;

	if (k != NULL && ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, k) == 1 &&
	    EVP_DigestSign(ctx, signature, &n, (const uint8_t *)text.p, text.n) == 1 && n == SIGN_SIGNATURE_BYTES)
		r = 0;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(k);
	return r;
}
