/* SPDX-License-Identifier: Apache-2.0
 *
 * grant.c - what is kept of a client at one issuer, as bytes: fields {u16 id, u32 bytes, data}
 *
 * Process: mcpgw-scout.  Owns: nothing.
 * Trusts:  no length: the bytes were sealed, and may be an older release's.
 */
#include "oauth/client.h"

#define NUMBERS(X)		\
	X(ends_ms,	32)	\
	X(login_ms,	33)	\
	X(method,	34)	\
	X(registered,	35)

static int
put(struct buf *to, uint16_t id, struct span value)
{
	int	r;

	if (value.n == 0)
		return 0;
	if (value.n > OAUTH_TOKEN_MAX)
		return E_TOOBIG;
	if ((r = buf_put_u16(to, id)) != 0 || (r = buf_put_u32(to, (uint32_t)value.n)) != 0)
		return r;
	return buf_put(to, value);
}

int
oauth_grant_put(struct buf *to, const struct oauth_grant *g)
{
	int	r;

#define X(name, id)				\
	if ((r = put(to, id, g->name)) != 0)	\
		return r;
	OAUTH_GRANT_TEXTS(X)
#undef X
#define X(name, id)							\
	if ((r = put(to, id, span_make(&g->name, sizeof(g->name)))) != 0)	\
		return r;
	NUMBERS(X)
#undef X
	return 0;
}

static int
take_number(struct span value, uint64_t *to)
{
	if (value.n != sizeof(*to))
		return E_FORMAT;
	memcpy(to, value.p, sizeof(*to));
	return 0;
}

int
oauth_grant_read(struct span bytes, struct oauth_grant *out)
{
	struct span	value;
	struct buf	b;
	uint32_t	n;
	uint16_t	id;

	*out = (struct oauth_grant){ 0 };
	buf_init_from(&b, bytes);
	while (buf_rest(&b).n > 0) {
		if (buf_get_u16(&b, &id) != 0 || buf_get_u32(&b, &n) != 0 || buf_get(&b, n, &value) != 0)
			return E_FORMAT;
		switch (id) {
#define X(name, number)			\
		case number:		\
			out->name = value;	\
			break;
		OAUTH_GRANT_TEXTS(X)
#undef X
#define X(name, number)						\
		case number:					\
			if (take_number(value, &out->name) != 0)	\
				return E_FORMAT;		\
			break;
		NUMBERS(X)
#undef X
		default:
			break;
		}
	}
	return out->issuer.n == 0 ? E_FORMAT : 0;
}
