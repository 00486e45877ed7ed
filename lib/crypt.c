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

static const char b64url[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
crypt_b64url(const void *bytes, size_t n, char *to)
{
	const uint8_t	*p = bytes;

	for (; n >= 3; n -= 3, p += 3) {
		*to++ = b64url[p[0] >> 2];
		*to++ = b64url[(p[0] & 3) << 4 | p[1] >> 4];
		*to++ = b64url[(p[1] & 15) << 2 | p[2] >> 6];
		*to++ = b64url[p[2] & 63];
	}
	if (n >= 1) {
		*to++ = b64url[p[0] >> 2];
		*to++ = b64url[(p[0] & 3) << 4 | (n == 2 ? p[1] >> 4 : 0)];
	}
	if (n == 2)
		*to++ = b64url[(p[1] & 15) << 2];
	*to = '\0';
}

/* 0..63, or -1. */
static int
b64url_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int
crypt_b64url_decode(struct span text, uint8_t *to, size_t room, size_t *got)
{
	uint32_t	bits = 0;
	int		have = 0, v;
	size_t		n = text.n / 4 * 3 + (text.n % 4 == 0 ? 0 : text.n % 4 - 1);

	*got = 0;
	if (text.n % 4 == 1)
		return E_FORMAT;
	if (n > room)
		return E_TOOBIG;
	for (size_t i = 0; i < text.n; i++) {
		if ((v = b64url_value(text.p[i])) == -1)
			return E_FORMAT;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			*to++ = (uint8_t)(bits >> have);
		}
	}
	/* Left-over bits must be zero: one text per value, or a token could be spelled two ways. */
	if ((bits & ((1u << have) - 1)) != 0)
		return E_FORMAT;
	*got = n;
	return 0;
}
