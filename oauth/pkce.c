/* SPDX-License-Identifier: Apache-2.0
 *
 * pkce.c - what ties an authorization's answer to who asked for it
 *
 * Process: mcpgw-scout.  Owns: nothing.  Trusts: the caller for random bytes.
 */
#include "lib/crypt.h"
#include "oauth/pkce.h"

int
oauth_pkce_challenge(struct span verifier, char *to)
{
	struct crypt_digest	d;
	int			r;

	if ((r = crypt_sha256(verifier, &d)) == 0)
		b64url_encode(d.bytes, sizeof(d.bytes), to);
	return r;
}

int
oauth_pkce_make(const uint8_t random[2 * OAUTH_PKCE_BYTES], struct oauth_pkce *out)
{
	b64url_encode(random, OAUTH_PKCE_BYTES, out->verifier);
	b64url_encode(random + OAUTH_PKCE_BYTES, OAUTH_PKCE_BYTES, out->state);
	return oauth_pkce_challenge(span_of(out->verifier), out->challenge);
}
