/* SPDX-License-Identifier: Apache-2.0
 *
 * crypt.c - digest, AEAD, random, constant-time comparison: libcrypto's home
 *
 * Process: all that prove or seal something; not the master.
 * Owns:    one digest and one cipher context per process, made at first use and kept: making them
 *          costs more than what they do on a short text.
 * Trusts:  the caller for the room of its output buffers.
 */
#include <errno.h>
#include <limits.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "lib/crypt.h"

static EVP_MD		*sha256;
static EVP_MD_CTX	*digest_ctx;
static EVP_CIPHER	*aes_gcm;
static EVP_CIPHER_CTX	*cipher_ctx;

static int
digest_ready(void)
{
	if (sha256 == NULL && (sha256 = EVP_MD_fetch(NULL, "SHA256", NULL)) == NULL)
		return E_INTERNAL;
	if (digest_ctx == NULL && (digest_ctx = EVP_MD_CTX_new()) == NULL)
		return E_NOMEM;
	return 0;
}

int
crypt_sha256(struct span bytes, struct crypt_digest *out)
{
	int	r;

	if ((r = digest_ready()) != 0)
		return r;
	if (EVP_DigestInit_ex2(digest_ctx, sha256, NULL) != 1 ||
	    EVP_DigestUpdate(digest_ctx, bytes.n == 0 ? "" : bytes.p, bytes.n) != 1 ||
	    EVP_DigestFinal_ex(digest_ctx, out->bytes, NULL) != 1)
		return E_INTERNAL;
	return 0;
}

int
crypt_random(void *out, size_t n)
{
	char	*to = out;
	ssize_t	 got;

	while (n > 0) {
		if ((got = getrandom(to, n, 0)) == -1) {
			if (errno == EINTR)
				continue;
			return E_SYS;
		}
		to += got;
		n -= (size_t)got;
	}
	return 0;
}

bool
crypt_equal(const void *a, const void *b, size_t n)
{
	return n == 0 || CRYPTO_memcmp(a, b, n) == 0;
}

void
crypt_wipe(void *p, size_t n)
{
	if (n > 0)
		OPENSSL_cleanse(p, n);
}

static int
cipher_ready(void)
{
	if (aes_gcm == NULL && (aes_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL)) == NULL)
		return E_INTERNAL;
	if (cipher_ctx == NULL && (cipher_ctx = EVP_CIPHER_CTX_new()) == NULL)
		return E_NOMEM;
	return 0;
}

int
crypt_prepare(void)
{
	struct crypt_digest	nothing;
	int			r = crypt_sha256(SPAN_NONE, &nothing);

	return r != 0 ? r : cipher_ready();
}

/* The context keeps the key schedule until the next use; both ends of a use clear it. */
static int
cipher_done(int r)
{
	(void)EVP_CIPHER_CTX_reset(cipher_ctx);
	return r;
}

int
crypt_seal(const uint8_t key[CRYPT_KEY_BYTES], const uint8_t nonce[CRYPT_NONCE_BYTES], struct span ad,
    struct span in, uint8_t *out, uint8_t tag[CRYPT_TAG_BYTES])
{
	int	n, r;

	if (in.n > INT_MAX || ad.n > INT_MAX)
		return E_TOOBIG;
	if ((r = cipher_ready()) != 0)
		return r;
	if (EVP_EncryptInit_ex2(cipher_ctx, aes_gcm, key, nonce, NULL) != 1 ||
	    (ad.n > 0 && EVP_EncryptUpdate(cipher_ctx, NULL, &n, (const uint8_t *)ad.p, (int)ad.n) != 1) ||
	    (in.n > 0 && EVP_EncryptUpdate(cipher_ctx, out, &n, (const uint8_t *)in.p, (int)in.n) != 1) ||
	    EVP_EncryptFinal_ex(cipher_ctx, out + in.n, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(cipher_ctx, EVP_CTRL_AEAD_GET_TAG, CRYPT_TAG_BYTES, tag) != 1)
		return cipher_done(E_INTERNAL);
	return cipher_done(0);
}

int
crypt_open(const uint8_t key[CRYPT_KEY_BYTES], const uint8_t nonce[CRYPT_NONCE_BYTES], struct span ad,
    struct span in, const uint8_t tag[CRYPT_TAG_BYTES], uint8_t *out)
{
	uint8_t	want[CRYPT_TAG_BYTES];
	int	n, r;

	if (in.n > INT_MAX || ad.n > INT_MAX)
		return E_TOOBIG;
	if ((r = cipher_ready()) != 0)
		return r;
	memcpy(want, tag, sizeof(want));
	if (EVP_DecryptInit_ex2(cipher_ctx, aes_gcm, key, nonce, NULL) != 1 ||
	    (ad.n > 0 && EVP_DecryptUpdate(cipher_ctx, NULL, &n, (const uint8_t *)ad.p, (int)ad.n) != 1) ||
	    (in.n > 0 && EVP_DecryptUpdate(cipher_ctx, out, &n, (const uint8_t *)in.p, (int)in.n) != 1) ||
	    EVP_CIPHER_CTX_ctrl(cipher_ctx, EVP_CTRL_AEAD_SET_TAG, CRYPT_TAG_BYTES, want) != 1) {
		crypt_wipe(out, in.n);
		return cipher_done(E_INTERNAL);
	}
	if (EVP_DecryptFinal_ex(cipher_ctx, out + in.n, &n) != 1) {
		crypt_wipe(out, in.n);
		return cipher_done(E_DENIED);
	}
	return cipher_done(0);
}
