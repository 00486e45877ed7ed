/* SPDX-License-Identifier: Apache-2.0
 *
 * cursor.c - where a page of a list ended
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  a cursor only after its seal, kind and principal hold.
 */
#include <endian.h>

#include "mcp/cursor.h"

#define WORD	"cursor"

/* Little-endian. */
struct cursor_wire {
	uint32_t	kind, server, item, zero;
	uint64_t	server_sum, item_sum, generation, principal;
};
_Static_assert(sizeof(struct cursor_wire) == 48, "a cursor's middle is 48 bytes");

int
cursor_seal(const struct keyring *ring, struct span path, const struct cursor *c, struct buf *to)
{
	const struct cursor_wire w = {
		.kind = htole32(c->kind), .server = htole32(c->server), .item = htole32(c->item),
		.server_sum = htole64(c->server_sum), .item_sum = htole64(c->item_sum),
		.generation = htole64(c->generation), .principal = htole64(c->principal),
	};

	return sealed_seal(ring, WORD, path, span_make(&w, sizeof(w)), to);
}

int
cursor_open(const struct keyring *ring, struct span path, struct span token, struct cursor *out)
{
	enum catalogue_kind	kind = out->kind;
	uint64_t		principal = out->principal;
	struct cursor_wire	w;
	struct buf		middle;
	int			r;

	buf_init(&middle, SEALED_MIDDLE_MAX + 64);
	if ((r = sealed_open(ring, WORD, path, token, &middle)) == 0 && buf_rest(&middle).n != sizeof(w))
		r = E_DENIED;
	if (r == 0)
		memcpy(&w, buf_rest(&middle).p, sizeof(w));
	buf_fini(&middle);
	if (r != 0)
		return r;
	if (le32toh(w.kind) != (uint32_t)kind || le64toh(w.principal) != principal)
		return E_DENIED;
	*out = (struct cursor){ .kind = kind, .server = le32toh(w.server), .item = le32toh(w.item),
	    .server_sum = le64toh(w.server_sum), .item_sum = le64toh(w.item_sum),
	    .generation = le64toh(w.generation), .principal = principal };
	return 0;
}
