/* SPDX-License-Identifier: Apache-2.0
 *
 * state.c - requestState: what a modern client gives back with its answers
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  a token only after its seal holds and all in it fits the request it came with.
 */
#include <endian.h>

#include "mcp/canon.h"
#include "mcp/sealed.h"
#include "mcp/state.h"

#define WORD	"state"

struct state_wire {
	uint8_t		kind, zero[3];
	uint32_t	issued_s;
	uint64_t	principal, tenant, server, number;
	uint32_t	slot, incarnation, round, approved;
	uint8_t		digest[CRYPT_SHA256_BYTES];
};
_Static_assert(sizeof(struct state_wire) == 88, "a state is 88 bytes, the digest of an approval, and what it wraps");

int
state_digest(const struct rpc_message *m, struct crypt_digest *out)
{
	static const char *const	added[] = { "inputResponses", "requestState", "_meta", NULL };
	struct json_value		params = m->params;

	if (params.type != JSON_OBJECT)
		params = (struct json_value){ JSON_OBJECT, SPAN_LIT("{}") };
	return canon_digest(mcp_method_row(m->method)->text, params, added, 4 * params.raw.n + 4096, out);
}

int
state_seal(const struct keyring *ring, struct span path, const struct state *s, struct buf *to)
{
	struct state_wire	w = {
		.kind = (uint8_t)s->kind, .issued_s = htole32(s->issued_s),
		.principal = htole64(s->principal), .tenant = htole64(s->tenant),
		.server = htole64(s->server), .number = htole64(s->number),
		.slot = htole32(s->slot), .incarnation = htole32(s->incarnation), .round = htole32(s->round),
		.approved = htole32(s->approved),
	};
	const struct span	approval = span_make(s->approval.bytes, s->approved ? sizeof(s->approval.bytes) : 0);
	struct buf		b;
	int			r;

	if (s->inner.n > STATE_INNER_MAX)
		return E_TOOBIG;
	memcpy(w.digest, s->digest.bytes, sizeof(w.digest));
	buf_init(&b, sizeof(w) + sizeof(s->approval.bytes) + STATE_INNER_MAX);
	if ((r = buf_put(&b, span_make(&w, sizeof(w)))) == 0 && (r = buf_put(&b, approval)) == 0 &&
	    (r = buf_put(&b, s->inner)) == 0)
		r = sealed_seal(ring, WORD, path, buf_rest(&b), to);
	buf_fini(&b);
	return r;
}

int
state_open(const struct keyring *ring, struct span path, struct span token, const struct state *expect,
    struct buf *text, struct state *out)
{
	struct state_wire	w;
	struct span		whole;

	*out = (struct state){ 0 };
	buf_clear(text);
	if (sealed_open(ring, WORD, path, token, text) != 0)
		return E_DENIED;
	whole = buf_rest(text);
	if (whole.n < sizeof(w))
		return E_DENIED;
	memcpy(&w, whole.p, sizeof(w));
	*out = (struct state){
		.kind = (enum state_kind)w.kind, .issued_s = le32toh(w.issued_s),
		.principal = le64toh(w.principal), .tenant = le64toh(w.tenant),
		.server = le64toh(w.server), .number = le64toh(w.number),
		.slot = le32toh(w.slot), .incarnation = le32toh(w.incarnation), .round = le32toh(w.round),
		.inner = span_part(whole, sizeof(w), whole.n),
	};
	memcpy(out->digest.bytes, w.digest, sizeof(w.digest));
	if (w.approved != 0) {
		if (out->inner.n < sizeof(out->approval.bytes))
			return E_DENIED;
		out->approved = true;
		memcpy(out->approval.bytes, out->inner.p, sizeof(out->approval.bytes));
		out->inner = span_part(out->inner, sizeof(out->approval.bytes), out->inner.n);
	}
	if (w.kind < STATE_PARK || w.kind > STATE_URL || out->principal != expect->principal ||
	    out->tenant != expect->tenant || !crypt_equal(w.digest, expect->digest.bytes, sizeof(w.digest)) ||
	    expect->issued_s < out->issued_s || expect->issued_s - out->issued_s > STATE_LIVES_S)
		return E_DENIED;
	return 0;
}
