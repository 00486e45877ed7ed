/* SPDX-License-Identifier: Apache-2.0
 *
 * exchange.c - one request and its answer, whatever the wire
 *
 * Process: worker, mcpgw-admin.  Owns: the arena, which holds the exchange itself and a copy of the head.
 * Trusts:  the wire to have checked the head; nothing in it.
 */
#include "http/exchange.h"
#include "http/exchange_priv.h"
#include "http/write.h"
#include "lib/bug.h"

int
exchange_new(struct loop *l, struct block_pool *pool, const struct http_head *head,
    const struct exchange_peer *peer, unsigned listener, const struct exchange_wire *wire,
    void *wire_arg, struct exchange **out)
{
	struct exchange	*x;
	struct span	 bytes;
	gid_t		*groups;
	const size_t	 own = (sizeof(*x) + 15) & ~(size_t)15;

	*out = NULL;
	if ((x = block_get(pool)) == NULL)
		return E_NOMEM;
	memset(x, 0, offsetof(struct exchange, head));
	arena_init(&x->arena, (char *)x + own, HTTP_BLOCK_BYTES - own, EXCHANGE_ARENA_MAX);
	bytes = arena_dup(&x->arena, span_make(head->bytes, head->head_bytes));
	groups = arena_alloc(&x->arena, (peer->group_count + 1) * sizeof(*groups));
	if (bytes.p == NULL || groups == NULL) {
		arena_fini(&x->arena);
		block_put(pool, x);
		return E_NOMEM;
	}
	memcpy(&x->head, head, offsetof(struct http_head, fields) + head->count * sizeof(head->fields[0]));
	http_head_moved(&x->head, bytes.p);
	memset((char *)x + offsetof(struct exchange, peer), 0, sizeof(*x) - offsetof(struct exchange, peer));
	x->magic = EXCHANGE_MAGIC;
	x->refs = 1;
	x->loop = l;
	x->pool = pool;
	x->peer = *peer;
	if (peer->group_count > 0)
		memcpy(groups, peer->groups, peer->group_count * sizeof(*groups));
	x->peer.groups = groups;
	(void)peer_cert_ref(x->peer.cert);
	x->listener = listener;
	x->begun_ns = loop_now_ns(l);
	x->wire = wire;
	x->wire_arg = wire_arg;
	x->body = (struct flow){ .source = &wire->source, .source_arg = wire_arg };
	x->answer = (struct flow){ .sink = &wire->sink, .sink_arg = wire_arg };
	*out = x;
	return 0;
}

void
exchange_ref(struct exchange *x)
{
	MAGIC_CHECK(x, EXCHANGE_MAGIC);
	x->refs++;
}

void
exchange_unref(struct exchange **xp)
{
	struct exchange	*x = *xp;

	*xp = NULL;
	if (x == NULL)
		return;
	MAGIC_CHECK(x, EXCHANGE_MAGIC);
	if (--x->refs > 0)
		return;
	BUG_ON(x->wire != NULL && x->answer.ended == FLOW_OPEN);
	loop_timer_disarm(&x->deadline);
	exchange_collect_fini(x);
	peer_cert_unref(&x->peer.cert);
	x->magic = 0;
	arena_fini(&x->arena);
	block_put(x->pool, x);
}

void
exchange_serve(struct exchange *x, const struct flow_source *source, void *arg)
{
	x->answer.source = source;
	x->answer.source_arg = arg;
}

bool
exchange_has_body(const struct exchange *x)
{
	return x->head.chunked || (x->head.has_length && x->head.length > 0);
}

bool
exchange_answered(const struct exchange *x)
{
	return x->status != 0;
}

bool
exchange_is_gone(const struct exchange *x)
{
	return x->wire == NULL;
}

void
exchange_answer(struct exchange *x, unsigned status, const struct exchange_field *fields, size_t n,
    uint64_t body_bytes)
{
	MAGIC_CHECK(x, EXCHANGE_MAGIC);
	if (x->wire == NULL)
		return;
	BUG_ON(x->status != 0);
	x->status = status;
	x->answer.credit += HTTP_QUEUE_CREDIT;
	/* Out of memory before the first byte: the wire closes, and says so through the flow. */
	if (x->wire->answer(x->wire_arg, x, status, fields, n, body_bytes) != 0)
		exchange_wire_gone(x, FLOW_BROKEN);
}

void
exchange_reply(struct exchange *x, unsigned status, const struct exchange_field *fields, size_t n,
    struct span body)
{
	exchange_answer(x, status, fields, n, body.n);
	flow_give(&x->answer, body);
	flow_end(&x->answer, FLOW_DONE);
}

void
exchange_refuse(struct exchange *x, int err, const struct exchange_field *fields, size_t n)
{
	const struct err_row	*row = err_row(err);
	struct exchange_field	 all[8];
	char			 body[HTTP_ERROR_BYTES];
	bool			 says_when = false;
	size_t			 count = 0;

	for (size_t i = 0; i < n; i++)
		says_when |= span_eq_nocase(fields[i].name, SPAN_LIT("Retry-After"));
	BUG_ON(n + 2 > sizeof(all) / sizeof(all[0]));
	all[count++] = (struct exchange_field){ SPAN_LIT("Content-Type"), SPAN_LIT("application/json") };
	if (row->http_status == 503 && !says_when)
		all[count++] = (struct exchange_field){ SPAN_LIT("Retry-After"), SPAN_LIT("1") };
	for (size_t i = 0; i < n; i++)
		all[count++] = fields[i];
	exchange_reply(x, http_error_status(err), all, count, http_error_body(err, body));
}

void
exchange_rest(struct exchange *x)
{
	x->rest = true;
}

void
exchange_wire_gone(struct exchange *x, enum flow_end why)
{
	MAGIC_CHECK(x, EXCHANGE_MAGIC);
	if (x->wire == NULL)
		return;
	x->wire = NULL;
	/* Neither flow calls into the wire any more. */
	x->answer.sink = NULL;
	x->body.source = NULL;
	loop_timer_disarm(&x->deadline);
	flow_end(&x->body, why);
	flow_stop(&x->answer, why);
}

void
exchange_wire_done(struct exchange *x)
{
	MAGIC_CHECK(x, EXCHANGE_MAGIC);
	BUG_ON(x->answer.ended == FLOW_OPEN);
	x->wire = NULL;
	x->body.source = NULL;
	x->body.sink = NULL;
	flow_end(&x->body, FLOW_CANCELLED);
	loop_timer_disarm(&x->deadline);
}

static void
on_deadline(struct loop_timer *t, void *arg)
{
	struct exchange	*x = arg;

	(void)t;
	MAGIC_CHECK(x, EXCHANGE_MAGIC);
	if (x->answer.ended == FLOW_OPEN)
		x->on_deadline(x, x->deadline_arg);
}

void
exchange_set_deadline(struct exchange *x, uint64_t ms, exchange_deadline_fn *fn, void *arg)
{
	if (x->wire == NULL || x->answer.ended != FLOW_OPEN)
		return;
	loop_timer_disarm(&x->deadline);
	if (ms == 0)
		return;
	x->on_deadline = fn;
	x->deadline_arg = arg;
	if (x->deadline.magic == 0)
		loop_timer_init(x->loop, &x->deadline, on_deadline, x);
	loop_timer_arm(&x->deadline, ms);
}
