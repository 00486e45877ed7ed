/* SPDX-License-Identifier: Apache-2.0
 *
 * tls_tickets.c - the keys of session tickets (RFC 5077, 4), the same in all workers
 *
 * Process: worker.  Owns: the keys, which are on no disk.
 * Trusts:  the master, which makes the ring; of a ticket nothing before its sum holds, which OpenSSL looks at.
 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>

#include "http/tls_tickets.h"
#include "lib/crypt.h"

#define IV_BYTES	16

int
tickets_init(struct tickets *t)
{
	if ((t->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL)) != NULL)
		return 0;
	ERR_clear_error();
	return E_INTERNAL;
}

void
tickets_fini(struct tickets *t)
{
	EVP_CIPHER_free(t->cipher);
	OPENSSL_cleanse(t, sizeof(*t));
}

/* One key of a ring is three: no two uses share one. */
static int
derive(const struct keyring_key *from, struct ticket_key *to)
{
	static const char *const	what[] = { "ticket name", "ticket cipher", "ticket mac" };
	uint8_t				out[3][32];
	unsigned			n;

	for (size_t i = 0; i < 3; i++)
		if (HMAC(EVP_sha256(), from->bytes, sizeof(from->bytes), (const unsigned char *)what[i],
		    strlen(what[i]), out[i], &n) == NULL)
			return E_NOMEM;
	memcpy(to->name, out[0], sizeof(to->name));
	memcpy(to->cipher, out[1], sizeof(to->cipher));
	memcpy(to->mac, out[2], sizeof(to->mac));
	OPENSSL_cleanse(out, sizeof(out));
	return 0;
}

int
tickets_set(struct tickets *t, const struct keyring *ring)
{
	struct ticket_key	made[KEYRING_KEYS];
	size_t			n = 0;
	int			r;

	for (uint32_t i = 0; i < KEYRING_KEYS; i++) {
		const struct keyring_key *k = &ring->key[(ring->newest + KEYRING_KEYS - i) % KEYRING_KEYS];

		if (k->in_use == 1 && (r = derive(k, &made[n++])) != 0)
			return r;
	}
	OPENSSL_cleanse(t->keys, sizeof(t->keys));
	memcpy(t->keys, made, n * sizeof(made[0]));
	t->count = n;
	OPENSSL_cleanse(made, sizeof(made));
	return 0;
}

/* 0: to make one, none is given; to take one, it is not ours, and the handshake a whole one. */
int
tickets_use(const struct tickets *t, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *ctx,
    EVP_MAC_CTX *mac, bool making)
{
	const struct ticket_key	*k;
	OSSL_PARAM		 params[3];
	size_t			 i = 0;

	while (!making && i < t->count && memcmp(name, t->keys[i].name, sizeof(k->name)) != 0)
		i++;
	if (i >= t->count || (making && crypt_random(iv, IV_BYTES) != 0))
		return 0;
	k = &t->keys[i];
	if (making)
		memcpy(name, k->name, sizeof(k->name));
	params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)k->mac, sizeof(k->mac));
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)"sha256", 0);
	params[2] = OSSL_PARAM_construct_end();
	if (EVP_MAC_CTX_set_params(mac, params) != 1 ||
	    EVP_CipherInit_ex(ctx, t->cipher, NULL, k->cipher, iv, making) != 1)
		return -1;
	return i == 0 ? 1 : 2;		/* 2: and a new one is given */
}
