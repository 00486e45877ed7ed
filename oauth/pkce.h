/* SPDX-License-Identifier: Apache-2.0
 *
 * pkce.h - what ties an authorization's answer to who asked for it: PKCE with S256 (RFC 7636), state
 */
#ifndef OAUTH_PKCE_H
#define OAUTH_PKCE_H

#include <stdint.h>

#include "lib/b64.h"
#include "lib/err.h"

#define OAUTH_PKCE_BYTES	32
#define OAUTH_PKCE_CHARS	B64URL_CHARS(OAUTH_PKCE_BYTES)

struct oauth_pkce {
	char	verifier[OAUTH_PKCE_CHARS + 1];
	char	challenge[OAUTH_PKCE_CHARS + 1];
	char	state[OAUTH_PKCE_CHARS + 1];
};

/* Of random bytes, half for the verifier and half for the state.  E_INTERNAL. */
must_check int	oauth_pkce_make(const uint8_t random[2 * OAUTH_PKCE_BYTES], struct oauth_pkce *out);
/* The S256 challenge of a verifier; `to` has room for OAUTH_PKCE_CHARS + 1. */
must_check int	oauth_pkce_challenge(struct span verifier, char *to);

#endif
