/* SPDX-License-Identifier: Apache-2.0
 *
 * users.c - whose token a server with "per": "user" is shown
 *
 * Process: worker, mcpgw-scout.  Owns: nothing.
 * Trusts:  nobody's names: a digest stands for them.
 */
#include <stdio.h>
#include <string.h>

#include "lib/crypt.h"
#include "auth/users.h"

int
users_who(const struct principal *p, char to[USERS_WHO_MAX + 1])
{
	int	n;

	if (p->how == HOW_NONE || p->how == HOW_ANONYMOUS || p->subject.n == 0)
		return E_TOKEN;
	n = snprintf(to, USERS_WHO_MAX + 1, "%s:%.*s:%.*s", decide_how(p->how), SPAN_FMT(p->agent),
	    SPAN_FMT(p->subject));
	return n < 0 || n > USERS_WHO_MAX ? E_TOOBIG : 0;
}

int
users_id(struct span who, char to[USERS_ID_CHARS + 1])
{
	struct crypt_digest	d;
	int			r;

	if ((r = crypt_sha256(who, &d)) != 0)
		return r;
	for (size_t i = 0; i < USERS_ID_CHARS / 2; i++)
		snprintf(to + 2 * i, 3, "%02x", d.bytes[i]);
	return 0;
}

int
users_token_key(uint64_t server_key, const char *id, uint64_t *out)
{
	char			text[sizeof(server_key) + USERS_ID_CHARS];
	struct crypt_digest	d;
	int			r;

	memcpy(text, &server_key, sizeof(server_key));
	memcpy(text + sizeof(server_key), id, USERS_ID_CHARS);
	if ((r = crypt_sha256(span_make(text, sizeof(text)), &d)) != 0)
		return r;
	memcpy(out, d.bytes, sizeof(*out));
	if (*out == 0)
		*out = 1;
	return 0;
}
