/* SPDX-License-Identifier: Apache-2.0
 *
 * pindb.c - the store: definitions of tools, and what was decided about each
 *
 * Process: mcpgw-store; without a master, the same program run by mcpgwctl.
 * Owns:    nothing; the environment is keydb.c's.
 * Trusts:  its caller for who may ask; no length in what a worker says, and no byte of a definition.
 */
#include <stdlib.h>

#include "lib/crypt.h"
#include "lib/num.h"
#include "store/keydb_priv.h"
#include "store/pindb.h"

#define HASH_BYTES	CRYPT_SHA256_BYTES
#define TOOL_KEY	(2 * HASH_BYTES)
#define PIN_KEY		(3 * HASH_BYTES)
#define TOOL_MAX	512
#define OBJECT_MAX	(64 * 1024)
#define FINDING_MAX	256
#define IDENTITY_MAX	4096
#define VALUE_MAX	(OBJECT_MAX + 16 * 1024)
#define ITEMS_MAX	10000

/* What is to be known of a row to decide about it. */
struct mark {
	char		key[PIN_KEY];
	uint64_t	state, seen_ms, decided_ms;
};

struct marks {
	struct mark	*at;
	size_t		 count, room;
};

/* --- rows ------------------------------------------------------------------------------------- */

static int
put_text(struct buf *b, uint16_t id, struct span value)
{
	int	r;

	if ((r = buf_put_u16(b, id)) != 0 || (r = buf_put_u32(b, (uint32_t)value.n)) != 0)
		return r;
	return buf_put(b, value);
}

static int
put_u64(struct buf *b, uint16_t id, uint64_t value)
{
	return put_text(b, id, span_make(&value, sizeof(value)));
}

static int
get_text(struct span value, struct span *out)
{
	*out = value;
	return 0;
}

static int
get_u64(struct span value, uint64_t *out)
{
	if (value.n != sizeof(*out))
		return E_FORMAT;
	memcpy(out, value.p, sizeof(*out));
	return 0;
}

static int
pin_encode(struct buf *b, const struct pindb_pin *pin)
{
	int	r;

#define X(member, id, type)					\
	if ((r = put_##type(b, id, pin->member)) != 0)		\
		return r;
	PINDB_FIELDS(X)
#undef X
	return 0;
}

static int
pin_decode(struct span key, struct span value, struct pindb_pin *out)
{
	struct buf	b;

	*out = (struct pindb_pin){ .state = 0 };
	if (key.n != PIN_KEY)
		return E_FORMAT;
	out->digest = span_part(key, TOOL_KEY, HASH_BYTES);
	buf_init_from(&b, value);
	while (buf_rest(&b).n > 0) {
		uint16_t	id;
		uint32_t	n;
		struct span	v;
		int		r = 0;

		if (buf_get_u16(&b, &id) != 0 || buf_get_u32(&b, &n) != 0 || buf_get(&b, n, &v) != 0)
			return E_FORMAT;
		switch (id) {
#define X(member, id_, type)				\
		case id_:				\
			r = get_##type(v, &out->member);	\
			break;
		PINDB_FIELDS(X)
#undef X
		default:
			break;		/* of a later release */
		}
		if (r != 0)
			return r;
	}
	return out->state >= PIN_APPROVED && out->state < PIN_STATE_LIMIT && out->tool.n > 0 ? 0 : E_FORMAT;
}

static int
server_key(struct span tenant, struct span server, char to[HASH_BYTES])
{
	char			text[KEYDB_TENANT_MAX + 1 + KEYDB_NAME_MAX];
	struct crypt_digest	d;
	int			r;

	if (tenant.n == 0 || tenant.n > KEYDB_TENANT_MAX || server.n == 0 || server.n > KEYDB_NAME_MAX)
		return E_FORMAT;
	memcpy(text, tenant.p, tenant.n);
	text[tenant.n] = '\0';
	memcpy(text + tenant.n + 1, server.p, server.n);
	if ((r = crypt_sha256(span_make(text, tenant.n + 1 + server.n), &d)) == 0)
		memcpy(to, d.bytes, HASH_BYTES);
	return r;
}

static int
tool_key(struct span tool, char to[HASH_BYTES])
{
	struct crypt_digest	d;
	int			r;

	if (tool.n == 0 || tool.n > TOOL_MAX)
		return E_FORMAT;
	if ((r = crypt_sha256(tool, &d)) == 0)
		memcpy(to, d.bytes, HASH_BYTES);
	return r;
}

static int
row_put(struct kv_txn *t, struct span key, const struct pindb_pin *pin)
{
	struct buf	b;
	int		r;

	buf_init(&b, VALUE_MAX);
	if ((r = pin_encode(&b, pin)) == 0)
		r = kv_put(t, DB_PIN, key, buf_rest(&b));
	buf_fini(&b);
	return r;
}

/* Those whose key begins so. */
static int
marks_read(struct kv_txn *t, struct span prefix, struct marks *m)
{
	struct kv_cursor	*c;
	struct pindb_pin	 pin;
	struct mark		*more;
	struct span		 k, v;
	int			 r;

	m->count = 0;
	if ((r = kv_cursor_open(t, DB_PIN, &c)) != 0)
		return r;
	for (r = kv_cursor_seek(c, prefix, &k, &v); r == 0 && span_starts(k, prefix);
	    r = kv_cursor_move(c, KV_NEXT, &k, &v)) {
		if ((r = pin_decode(k, v, &pin)) != 0)
			break;
		if (m->count == m->room) {
			if ((more = realloc(m->at, (2 * m->room + 16) * sizeof(*more))) == NULL) {
				r = E_NOMEM;
				break;
			}
			m->at = more;
			m->room = 2 * m->room + 16;
		}
		memcpy(m->at[m->count].key, k.p, PIN_KEY);
		m->at[m->count].state = pin.state;
		m->at[m->count].seen_ms = pin.seen_ms;
		m->at[m->count++].decided_ms = pin.decided_ms;
	}
	kv_cursor_close(&c);
	return r == E_NOTFOUND ? 0 : r;
}

static int
generation_read(struct kv_txn *t, uint64_t *generation)
{
	struct span	v;
	int		r;

	*generation = 0;
	if ((r = kv_get(t, DB_META, SPAN_LIT("pins"), &v)) == E_NOTFOUND)
		return 0;
	if (r == 0 && v.n != 8)
		return E_FORMAT;
	if (r == 0)
		*generation = kv_get_be64(v.p);
	return r;
}

static int
generation_next(struct kv_txn *t)
{
	uint64_t	generation;
	char		at[8];
	int		r;

	if ((r = generation_read(t, &generation)) != 0)
		return r;
	kv_put_be64(at, generation + 1);
	return kv_put(t, DB_META, SPAN_LIT("pins"), span_make(at, 8));
}

/* Of one tool's: where more are than may be, the oldest of this state goes. */
static int
make_room(struct kv_txn *t, const struct marks *of, size_t first, size_t count, uint64_t state, size_t most)
{
	const struct mark	*oldest = NULL;
	size_t			 n = 0;

	for (size_t i = first; i < first + count; i++) {
		const struct mark	*m = &of->at[i];

		if (m->state != state)
			continue;
		n++;
		if (oldest == NULL || (state == PIN_APPROVED ? m->decided_ms < oldest->decided_ms :
		    m->seen_ms < oldest->seen_ms))
			oldest = m;
	}
	return n < most ? 0 : kv_del(t, DB_PIN, span_make(oldest->key, PIN_KEY));
}

/* --- what is seen ----------------------------------------------------------------------------- */

struct item {
	struct span	digest, tool, object, finding;
	uint32_t	flags;
};

static int
get_part(struct buf *b, size_t most, struct span *out)
{
	uint32_t	n;

	if (buf_get_u32(b, &n) != 0 || n > most || buf_get(b, n, out) != 0)
		return E_FORMAT;
	return 0;
}

static int
item_read(struct buf *b, struct item *out)
{
	if (buf_get(b, PINDB_DIGEST_BYTES, &out->digest) != 0 || buf_get_u32(b, &out->flags) != 0 ||
	    get_part(b, TOOL_MAX, &out->tool) != 0 || get_part(b, OBJECT_MAX, &out->object) != 0 ||
	    get_part(b, FINDING_MAX, &out->finding) != 0 || out->tool.n == 0)
		return E_FORMAT;
	return 0;
}

struct seeing {
	const struct pindb_seen	*what;
	char			 server[HASH_BYTES];
	uint32_t		 changed;
	uint64_t		 of_server, all;	/* rows there are; not less */
	struct marks		 marks;
};

/* By the order of mcp/pin.h's flags. */
#define FLAG_SUSPECT	1u
#define FLAG_OWN	2u

static int
see_one(struct kv_txn *t, struct seeing *s, const struct item *item)
{
	const struct pindb_seen	*w = s->what;
	struct pindb_pin	 pin = { .digest = item->digest, .tenant = w->tenant, .server = w->server,
	    .tool = item->tool, .identity = w->identity, .object = item->object, .finding = item->finding,
	    .seen_ms = w->now_ms, .state = PIN_HELD };
	char			 key[PIN_KEY];
	bool			 known = false, approve;
	int			 r;

	memcpy(key, s->server, HASH_BYTES);
	if ((r = tool_key(item->tool, key + HASH_BYTES)) != 0)
		return r;
	memcpy(key + TOOL_KEY, item->digest.p, HASH_BYTES);
	if ((r = marks_read(t, span_make(key, TOOL_KEY), &s->marks)) != 0)
		return r;
	/* What the operator wrote, or shows us to approve, is so even where it was decided otherwise before. */
	approve = (item->flags & FLAG_OWN) != 0 || w->mode == PIN_MODE_APPROVE;
	for (size_t i = 0; i < s->marks.count; i++)
		if (memcmp(s->marks.at[i].key, key, PIN_KEY) == 0) {
			if (!approve || s->marks.at[i].state == PIN_APPROVED)
				return 0;
			pin.seen_ms = s->marks.at[i].seen_ms;
			known = true;
		}
	if (approve || (s->marks.count == 0 && w->mode == PIN_MODE_FIRST_SEEN && (item->flags & FLAG_SUSPECT) == 0)) {
		pin.state = PIN_APPROVED;
		pin.decided_ms = w->now_ms;
		pin.by = w->mode == PIN_MODE_APPROVE ? w->by : 0;
	}
	/* Not E_FULL, which is the map's. */
	if (!known && (++s->of_server > PINDB_SERVER_MAX || ++s->all > PINDB_MAX))
		return E_RANGE;
	if ((r = make_room(t, &s->marks, 0, s->marks.count, pin.state, pin.state == PIN_APPROVED ?
	    PINDB_APPROVED_MAX : PINDB_HELD_MAX)) != 0)
		return r;
	s->changed++;
	return row_put(t, span_make(key, PIN_KEY), &pin);
}

static int
txn_seen(struct kv_txn *t, void *arg)
{
	struct seeing	*s = arg;
	struct item	 item;
	struct buf	 b;
	uint32_t	 n = 0;
	int		 r;

	s->changed = 0;
	if ((r = kv_count(t, DB_PIN, &s->all)) != 0 ||
	    (r = marks_read(t, span_make(s->server, HASH_BYTES), &s->marks)) != 0)
		return r;
	s->of_server = s->marks.count;
	buf_init_from(&b, s->what->batch);
	while (buf_rest(&b).n > 0) {
		if (++n > ITEMS_MAX)
			return E_FORMAT;
		if ((r = item_read(&b, &item)) != 0 || (r = see_one(t, s, &item)) != 0)
			return r;
	}
	return s->changed > 0 ? generation_next(t) : 0;
}

int
pindb_seen(struct keydb *db, const struct pindb_seen *what, uint32_t *changed)
{
	struct seeing	s = { .what = what };
	int		r;

	*changed = 0;
	if (what->batch.n > PINDB_BATCH_MAX || what->identity.n > IDENTITY_MAX)
		return E_FORMAT;
	if ((r = server_key(what->tenant, what->server, s.server)) == 0)
		r = keydb_write(db, txn_seen, &s);
	free(s.marks.at);
	if (r == 0)
		*changed = s.changed;
	return r == E_RANGE ? E_FULL : r;
}

/* --- what is decided -------------------------------------------------------------------------- */

struct deciding {
	const struct pindb_decision	*what;
	char				 prefix[TOOL_KEY];
	size_t				 prefix_bytes;
	uint32_t			 count;
	bool				 several;
	struct marks			 marks;
};

static bool
has_hash(const struct mark *m, struct span hash)
{
	char	hex[2 * HASH_BYTES + 1];

	num_hex((const uint8_t *)m->key + TOOL_KEY, HASH_BYTES, hex);
	return span_starts(span_make(hex, 2 * HASH_BYTES), hash);
}

static int
decide_row(struct kv_txn *t, struct deciding *d, const struct mark *m)
{
	const struct pindb_decision	*w = d->what;
	struct span			 key = span_make(m->key, PIN_KEY), value;
	struct pindb_pin		 pin;
	int				 r;

	d->count++;
	if (w->what == PIN_FORGET)
		return kv_del(t, DB_PIN, key);
	if ((r = kv_get(t, DB_PIN, key, &value)) != 0 || (r = pin_decode(key, value, &pin)) != 0)
		return r;
	pin.state = w->what == PIN_APPROVE ? PIN_APPROVED : PIN_REJECTED;
	pin.decided_ms = w->now_ms;
	pin.by = w->by;
	return row_put(t, key, &pin);
}

static size_t
count_state(const struct deciding *d, size_t first, size_t count, uint64_t state)
{
	size_t	n = 0;

	for (size_t i = first; i < first + count; i++)
		n += d->marks.at[i].state == state && has_hash(&d->marks.at[i], d->what->hash);
	return n;
}

/* Which of one tool's definitions is meant: held ones; else, of one tool, those decided otherwise. */
static int
decide_tool(struct kv_txn *t, struct deciding *d, size_t first, size_t count)
{
	const struct pindb_decision	*w = d->what;
	const uint64_t			 other = w->what == PIN_APPROVE ? PIN_REJECTED : PIN_APPROVED;
	uint64_t			 state = PIN_HELD;
	size_t				 n = count_state(d, first, count, state), kept = 0;
	int				 r;

	if (n == 0 && w->tool.n > 0) {
		state = other;
		n = count_state(d, first, count, state);
	}
	if (w->what == PIN_FORGET)
		n = 1;
	/* All approved ones are withdrawn together; of others one must be meant. */
	if (n > 1 && !w->all && state != PIN_APPROVED) {
		d->several = true;
		return 0;
	}
	for (size_t i = first; i < first + count; i++) {
		if (w->what != PIN_FORGET && d->marks.at[i].state != state)
			continue;
		if (!has_hash(&d->marks.at[i], w->hash))
			continue;
		kept = w->what == PIN_APPROVE ? PINDB_APPROVED_MAX : PINDB_HELD_MAX;
		if (w->what != PIN_FORGET && (r = make_room(t, &d->marks, first, count,
		    w->what == PIN_APPROVE ? PIN_APPROVED : PIN_REJECTED, kept)) != 0 && r != E_NOTFOUND)
			return r;
		if ((r = decide_row(t, d, &d->marks.at[i])) != 0)
			return r;
	}
	return 0;
}

static int
txn_decide(struct kv_txn *t, void *arg)
{
	struct deciding	*d = arg;
	size_t		 end;
	int		 r;

	d->count = 0;
	d->several = false;
	if ((r = marks_read(t, span_make(d->prefix, d->prefix_bytes), &d->marks)) != 0)
		return r;
	for (size_t i = 0; i < d->marks.count; i = end) {
		for (end = i + 1; end < d->marks.count &&
		    memcmp(d->marks.at[end].key, d->marks.at[i].key, TOOL_KEY) == 0; end++)
			;
		if ((r = decide_tool(t, d, i, end - i)) != 0)
			return r;
	}
	if (d->several)
		return E_RANGE;
	return d->count == 0 ? E_NOTFOUND : generation_next(t);
}

int
pindb_decide(struct keydb *db, const struct pindb_decision *what, uint32_t *count)
{
	struct deciding	d = { .what = what, .prefix_bytes = HASH_BYTES };
	int		r;

	*count = 0;
	if (server_key(what->tenant, what->server, d.prefix) != 0)
		return E_NOTFOUND;
	if (what->tool.n > 0) {
		if (tool_key(what->tool, d.prefix + HASH_BYTES) != 0)
			return E_NOTFOUND;
		d.prefix_bytes = TOOL_KEY;
	}
	r = keydb_write(db, txn_decide, &d);
	free(d.marks.at);
	if (r == 0)
		*count = d.count;
	return r;
}

/* --- reading ---------------------------------------------------------------------------------- */

int
pindb_each(struct keydb *db, pindb_fn *fn, void *arg)
{
	struct kv_txn		*t;
	struct kv_cursor	*c;
	struct pindb_pin	 pin;
	struct span		 k, v;
	int			 r;

	if ((r = kv_begin(db->kv, false, &t)) != 0)
		return r;
	if ((r = kv_cursor_open(t, DB_PIN, &c)) == 0) {
		for (r = kv_cursor_move(c, KV_FIRST, &k, &v); r == 0; r = kv_cursor_move(c, KV_NEXT, &k, &v))
			if ((r = pin_decode(k, v, &pin)) != 0 || (r = fn(&pin, arg)) != 0)
				break;
		kv_cursor_close(&c);
	}
	kv_abort(&t);
	return r == E_NOTFOUND ? 0 : r;
}

int
pindb_generation(struct keydb *db, uint64_t *generation)
{
	struct kv_txn	*t;
	int		 r;

	if ((r = kv_begin(db->kv, false, &t)) != 0)
		return r;
	r = generation_read(t, generation);
	kv_abort(&t);
	return r;
}
