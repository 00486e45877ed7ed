/* SPDX-License-Identifier: Apache-2.0
 *
 * pin.c - a tool's definition as one digest, and definitions on their way to the store
 *
 * Process: worker, mcpgwctl.  Owns: nothing.
 * Trusts:  that an object was proven; no length in it.
 */
#include "mcp/canon.h"
#include "mcp/pin.h"

#define FINDING_MAX	256

/* Each with its length before it, so that no two owners make one text. */
static int
put_part(struct buf *b, struct span s)
{
	int	r = buf_put_u32(b, (uint32_t)s.n);

	return r != 0 ? r : buf_put(b, s);
}

int
pin_digest(const struct pin_owner *owner, struct json_value tool, struct crypt_digest *out)
{
	struct buf	b;
	int		r;

	/* Numbers may be longer than they were: 1 becomes 1e0. */
	buf_init(&b, 4 * tool.raw.n + owner->tenant.n + owner->server.n + owner->identity.n + 4096);
	if ((r = buf_put_str(&b, "mcpgw tool 1")) == 0 && (r = put_part(&b, owner->tenant)) == 0 &&
	    (r = put_part(&b, owner->server)) == 0 && (r = put_part(&b, owner->identity)) == 0 &&
	    (r = canon_put(&b, tool, NULL)) == 0)
		r = crypt_sha256(buf_rest(&b), out);
	buf_fini(&b);
	return r;
}

int
pin_put(struct buf *to, const struct crypt_digest *digest, unsigned flags, struct span name, struct span object,
    struct span finding)
{
	int	r;

	if (object.n > PIN_OBJECT_MAX)
		object = SPAN_NONE;
	finding = span_part(finding, 0, FINDING_MAX);
	if ((r = buf_put(to, span_make(digest->bytes, sizeof(digest->bytes)))) != 0 ||
	    (r = buf_put_u32(to, flags)) != 0 || (r = put_part(to, name)) != 0 || (r = put_part(to, object)) != 0)
		return r;
	return put_part(to, finding);
}
