/* SPDX-License-Identifier: Apache-2.0
 *
 * sealed.c - what is given to clients and must be trusted when it comes back
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  the key ring.  A token is nothing until its tag fits.
 */
#include <endian.h>
#include <stdlib.h>

#include "lib/b64.h"
#include "lib/crypt.h"
#include "mcp/sealed.h"

#define FORMAT		1
#define HEAD_BYTES	(2 + CRYPT_NONCE_BYTES)
#define AD_MAX		1024
#define SESSION_WORD	"session"

_Static_assert(SEALED_OVERHEAD == HEAD_BYTES + CRYPT_TAG_BYTES, "what surrounds the middle");

/* The middle of a session token; little-endian. */
struct session_wire {
	uint8_t		id[16];
	uint64_t	principal, tenant, capabilities;
	uint32_t	issued;
	uint16_t	node;
	uint8_t		version;
	uint8_t		zero[17];
};
_Static_assert(sizeof(struct session_wire) == 64, "a session's middle is 64 bytes");
_Static_assert(B64URL_CHARS(64 + SEALED_OVERHEAD) == SEALED_SESSION_CHARS, "its token has 126 characters");

/* Word and path in one; a path begins with a slash and no word has one, so two pairs never meet. */
static int
make_ad(const char *word, struct span path, char to[AD_MAX], struct span *ad)
{
	size_t	n = strlen(word);

	if (n + path.n > AD_MAX)
		return E_TOOBIG;
	memcpy(to, word, n);
	if (path.n > 0)
		memcpy(to + n, path.p, path.n);
	*ad = span_make(to, n + path.n);
	return 0;
}

/* To raw[]: SEALED_OVERHEAD + middle.n bytes. */
static int
seal(const struct keyring *ring, const char *word, struct span path, struct span middle, uint8_t *raw)
{
	const struct keyring_key	*key = &ring->key[ring->newest % KEYRING_KEYS];
	char				 ad_text[AD_MAX];
	struct span			 ad;
	int				 r;

	if ((r = make_ad(word, path, ad_text, &ad)) != 0)
		return r;
	raw[0] = FORMAT;
	raw[1] = key->number;
	if ((r = crypt_random(raw + 2, CRYPT_NONCE_BYTES)) != 0)
		return r;
	return crypt_seal(key->bytes, raw + 2, ad, middle, raw + HEAD_BYTES, raw + HEAD_BYTES + middle.n);
}

/* The middle of raw to `to`, which has room for it; any failure is E_DENIED. */
static int
unseal(const struct keyring *ring, const char *word, struct span path, const uint8_t *raw, size_t bytes,
    uint8_t *to)
{
	const struct keyring_key	*key;
	char				 ad_text[AD_MAX];
	struct span			 ad;
	size_t				 n = bytes - SEALED_OVERHEAD;

	if (raw[0] != FORMAT || (key = keyring_find(ring, raw[1])) == NULL ||
	    make_ad(word, path, ad_text, &ad) != 0 ||
	    crypt_open(key->bytes, raw + 2, ad, span_make(raw + HEAD_BYTES, n), raw + HEAD_BYTES + n, to) != 0)
		return E_DENIED;
	return 0;
}

int
sealed_session_seal(const struct keyring *ring, struct span path, const struct sealed_session *s,
    char to[SEALED_SESSION_CHARS + 1])
{
	struct session_wire	w = {
		.principal = htole64(s->principal),
		.tenant = htole64(s->tenant),
		.capabilities = htole64(s->capabilities),
		.issued = htole32(s->issued),
		.node = htole16(s->node),
		.version = s->version,
	};
	uint8_t			raw[sizeof(w) + SEALED_OVERHEAD];
	int			r;

	memcpy(w.id, s->id, sizeof(w.id));
	if ((r = seal(ring, SESSION_WORD, path, span_make(&w, sizeof(w)), raw)) != 0)
		return r;
	b64url_encode(raw, sizeof(raw), to);
	return 0;
}

int
sealed_session_open(const struct keyring *ring, struct span path, struct span token,
    struct sealed_session *out)
{
	static const uint8_t	zero[sizeof(((struct session_wire *)0)->zero)];
	struct session_wire	w;
	uint8_t			raw[sizeof(w) + SEALED_OVERHEAD];
	size_t			n;

	*out = (struct sealed_session){ 0 };
	if (token.n != SEALED_SESSION_CHARS ||
	    b64url_decode(token, raw, sizeof(raw), &n) != 0 || n != sizeof(raw) ||
	    unseal(ring, SESSION_WORD, path, raw, n, (uint8_t *)&w) != 0 ||
	    memcmp(w.zero, zero, sizeof(zero)) != 0)
		return E_DENIED;
	memcpy(out->id, w.id, sizeof(out->id));
	out->principal = le64toh(w.principal);
	out->tenant = le64toh(w.tenant);
	out->capabilities = le64toh(w.capabilities);
	out->issued = le32toh(w.issued);
	out->node = le16toh(w.node);
	out->version = w.version;
	return 0;
}

int
sealed_seal(const struct keyring *ring, const char *word, struct span path, struct span middle,
    struct buf *to)
{
	uint8_t	*raw;
	size_t	 n = middle.n + SEALED_OVERHEAD;
	char	*text;
	int	 r;

	if (middle.n > SEALED_MIDDLE_MAX)
		return E_TOOBIG;
	if ((raw = malloc(n)) == NULL)
		return E_NOMEM;
	if ((r = seal(ring, word, path, middle, raw)) == 0 &&
	    (r = buf_reserve(to, B64URL_CHARS(n) + 1, &text)) == 0) {
		b64url_encode(raw, n, text);
		buf_commit(to, B64URL_CHARS(n));
	}
	free(raw);
	return r;
}

int
sealed_open(const struct keyring *ring, const char *word, struct span path, struct span token,
    struct buf *to)
{
	size_t	 most = token.n / 4 * 3 + 3, n;
	uint8_t	*raw;
	char	*middle;
	int	 r = E_DENIED;

	if (most > SEALED_MIDDLE_MAX + SEALED_OVERHEAD + 3)
		return E_DENIED;
	if ((raw = malloc(most)) == NULL)
		return E_NOMEM;
	if (b64url_decode(token, raw, most, &n) == 0 && n >= SEALED_OVERHEAD &&
	    (r = buf_reserve(to, n - SEALED_OVERHEAD + 1, &middle)) == 0 &&
	    (r = unseal(ring, word, path, raw, n, (uint8_t *)middle)) == 0)
		buf_commit(to, n - SEALED_OVERHEAD);
	free(raw);
	return r;
}
