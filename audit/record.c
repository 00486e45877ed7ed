/* SPDX-License-Identifier: Apache-2.0
 *
 * record.c - one audit record, to bytes and back
 *
 * Process: worker (writes), mcpgw-audit (reads).
 * Owns:    nothing.
 * Trusts:  no byte it decodes: a worker may be an enemy, and a crash tears records.
 */
#include <stddef.h>

#include "audit/record.h"
#include "lib/bug.h"
#include "lib/crypt.h"
#include "lib/num.h"
#include "lib/sum.h"

#define CUT_DIGITS	16
#define FIELD_HEAD	4
#define CRC_FROM	(offsetof(struct record_head, crc) + sizeof(uint32_t))

enum { TYPE_text, TYPE_u64 };
enum { WHEN_START = 1, WHEN_FINISH = 2 };
enum { MAX_u64 = 8 };

struct field_row {
	uint16_t	id, max;
	uint8_t		type, when;
	uint16_t	at;		/* into struct audit_fields */
};

static const struct field_row rows[] = {
#define FIELD(name, id, type, max, when, doc) \
	{ id, max, TYPE_##type, WHEN_##when, offsetof(struct audit_fields, name) },
#include "tables/auditfields.def"
#undef FIELD
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* The promises that spool.c builds on. */
#define FIELD(name, id, type, max, when, doc) + FIELD_HEAD + (max)
_Static_assert(sizeof(struct record_head)
#include "tables/auditfields.def"
    + RECORD_ALIGN <= RECORD_MAX, "every record fits RECORD_MAX");
#undef FIELD
#define FIELD(name, id, type, max, when, doc) + (WHEN_##when == WHEN_FINISH ? FIELD_HEAD + (max) : 0)
_Static_assert(sizeof(struct record_head)
#include "tables/auditfields.def"
    + RECORD_ALIGN <= RECORD_END_MAX, "every end fits RECORD_END_MAX");
#undef FIELD

static const uint8_t kind_fields[RECORD_KIND_LIMIT] = {
	[RECORD_BEGIN] = WHEN_START,
	[RECORD_END] = WHEN_FINISH,
	[RECORD_ONCE] = WHEN_START | WHEN_FINISH,
	[RECORD_MARK] = WHEN_FINISH,
};

struct span
audit_outcome_word(enum audit_outcome o)
{
	static const struct span words[AUDIT_OUTCOME_LIMIT] = {
#define X(name, word) [AUDIT_OUTCOME_##name] = { word, sizeof(word) - 1 },
		AUDIT_OUTCOMES(X)
#undef X
	};

	BUG_ON(o >= AUDIT_OUTCOME_LIMIT);
	return words[o];
}

/* The front of a long text that does not end inside a UTF-8 sequence, "~", and digits that tell two
 * long texts apart. */
static int
put_cut(char *to, size_t max, struct span s, size_t *bytes)
{
	struct crypt_digest	digest;
	char			hex[2 * CUT_DIGITS / 2 + 1];
	size_t			keep = max - CUT_DIGITS - 1;
	int			r;

	if ((r = crypt_sha256(s, &digest)) != 0)
		return r;
	while (keep > 0 && ((unsigned char)s.p[keep] & 0xc0) == 0x80)
		keep--;
	num_hex(digest.bytes, CUT_DIGITS / 2, hex);
	memcpy(to, s.p, keep);
	to[keep] = '~';
	memcpy(to + keep + 1, hex, CUT_DIGITS);
	*bytes = keep + 1 + CUT_DIGITS;
	return 0;
}

static int
put_text(char *to, size_t max, struct span s, size_t *bytes)
{
	if (s.n > max && max > CUT_DIGITS + 1)
		return put_cut(to, max, s, bytes);
	if (s.n > max)
		s.n = max;			/* our own words only: how, kind, decision, outcome */
	memcpy(to, s.p, s.n);
	*bytes = s.n;
	return 0;
}

static int
put_field(char *to, const struct field_row *row, const struct audit_fields *f, size_t *took)
{
	const char	*member = (const char *)f + row->at;
	uint16_t	 n16;
	size_t		 n = 0;
	int		 r;

	*took = 0;
	if (row->type == TYPE_u64) {
		uint64_t v;

		memcpy(&v, member, sizeof(v));
		if (v == 0)
			return 0;
		n = sizeof(v);
		memcpy(to + FIELD_HEAD, &v, n);
	} else {
		struct span s;

		memcpy(&s, member, sizeof(s));
		if (s.n == 0)
			return 0;
		if ((r = put_text(to + FIELD_HEAD, row->max, s, &n)) != 0)
			return r;
	}
	n16 = (uint16_t)n;
	memcpy(to, &row->id, 2);
	memcpy(to + 2, &n16, 2);
	*took = FIELD_HEAD + n;
	return 0;
}

/* Zeroes up to the next multiple, and a head that vouches for all of it. */
static size_t
seal(char *record, struct record_head *head, size_t at)
{
	while (at % RECORD_ALIGN != 0)
		record[at++] = 0;
	head->bytes = (uint32_t)at;
	memcpy(record, head, sizeof(*head));
	head->crc = crc32c(span_make(record + CRC_FROM, at - CRC_FROM));
	memcpy(record + offsetof(struct record_head, crc), &head->crc, sizeof(head->crc));
	return at;
}

int
record_encode(const struct record *r, char *to, size_t room, size_t *bytes)
{
	char			out[RECORD_MAX];
	struct record_head	head = { .kind = (uint8_t)r->kind, .format = RECORD_FORMAT,
	    .generation = r->generation, .seq = r->seq, .begin_seq = r->begin_seq,
	    .wall_ns = r->wall_ns, .request = r->request };
	size_t			at = sizeof(head), took;
	int			e;

	BUG_ON(r->kind < RECORD_BEGIN || r->kind >= RECORD_KIND_LIMIT);
	*bytes = 0;
	for (size_t i = 0; i < ROWS; i++) {
		if ((rows[i].when & kind_fields[r->kind]) == 0)
			continue;
		if ((e = put_field(out + at, &rows[i], &r->f, &took)) != 0)
			return e;
		at += took;
		head.fields = (uint8_t)(head.fields + (took > 0));
	}
	at = seal(out, &head, at);
	if (at > room)
		return E_FULL;
	memcpy(to, out, at);
	*bytes = at;
	return 0;
}

static const struct field_row *
row_find(uint16_t id)
{
	/* ids are 1 .. ROWS today; after a row went away the search below takes over. */
	if (id >= 1 && id <= ROWS && rows[id - 1].id == id)
		return &rows[id - 1];
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].id == id)
			return &rows[i];
	return NULL;
}

/* Every field lies inside and is what its row says.  A field of a later release is passed over: its
 * record is kept whole all the same. */
static int
fields_check(struct record_look *look)
{
	const struct field_row	*row;
	const char		*p = look->all.p + sizeof(look->head), *end = look->all.p + look->all.n;
	uint16_t		 id, n, last = 0;
	uint8_t			 when = kind_fields[look->head.kind];

	look->plain = true;
	for (unsigned i = 0; i < look->head.fields; i++) {
		if (end - p < FIELD_HEAD)
			return E_FORMAT;
		memcpy(&id, p, 2);
		memcpy(&n, p + 2, 2);
		p += FIELD_HEAD;
		if (n > end - p)
			return E_FORMAT;
		if ((row = row_find(id)) == NULL)
			look->plain = false;
		else if (row->type == TYPE_u64 ? n != sizeof(uint64_t) : n > row->max)
			return E_FORMAT;
		else if (id <= last || (row->when & when) == 0)
			look->plain = false;
		last = id;
		p += n;
	}
	look->fields_bytes = (uint32_t)(p - look->all.p - (ptrdiff_t)sizeof(look->head));
	if (look->head.spare != 0 || end - p >= RECORD_ALIGN)
		look->plain = false;
	return 0;
}

int
record_check(struct span bytes, struct record_look *out)
{
	struct record_head	*head = &out->head;

	out->all = SPAN_NONE;
	if (bytes.n < sizeof(head->bytes))
		return E_SHORT;
	memcpy(&head->bytes, bytes.p, sizeof(head->bytes));
	if (head->bytes == 0)
		return E_EOF;
	if (head->bytes < sizeof(*head) || head->bytes > RECORD_MAX || head->bytes % RECORD_ALIGN != 0)
		return E_FORMAT;
	if (head->bytes > bytes.n)
		return E_SHORT;
	memcpy(head, bytes.p, sizeof(*head));
	if (head->crc != crc32c(span_make(bytes.p + CRC_FROM, head->bytes - CRC_FROM)))
		return E_FORMAT;
	if (head->format != RECORD_FORMAT)
		return E_VERSION;
	if (head->kind < RECORD_BEGIN || head->kind >= RECORD_KIND_LIMIT || head->seq == 0)
		return E_FORMAT;
	out->all = span_part(bytes, 0, head->bytes);
	return fields_check(out);
}

/* Of a record that was checked. */
static void
take_apart(const struct record_look *look, struct record *out)
{
	const struct record_head	*head = &look->head;
	const struct field_row		*row;
	const char			*p = look->all.p + sizeof(*head);
	uint16_t			 id, n;

	*out = (struct record){ .kind = head->kind, .generation = head->generation, .seq = head->seq,
	    .begin_seq = head->begin_seq, .wall_ns = head->wall_ns, .request = head->request };
	for (unsigned i = 0; i < head->fields; i++, p += n) {
		memcpy(&id, p, 2);
		memcpy(&n, p + 2, 2);
		p += FIELD_HEAD;
		if ((row = row_find(id)) == NULL)
			continue;
		if (row->type == TYPE_u64)
			memcpy((char *)&out->f + row->at, p, n);
		else
			memcpy((char *)&out->f + row->at, &(struct span){ p, n }, sizeof(struct span));
	}
}

int
record_decode(struct span bytes, struct record *out, size_t *took)
{
	struct record_look	look;
	int			r;

	*out = (struct record){ .kind = 0 };
	*took = 0;
	if ((r = record_check(bytes, &look)) != 0)
		return r;
	take_apart(&look, out);
	*took = look.all.n;
	return 0;
}

void
record_merge(const struct record *begin, const struct record *end, struct record *out)
{
	*out = *begin;
	out->kind = RECORD_ONCE;
#define FIELD(name, id, type, max, when, doc)			\
	if (WHEN_##when == WHEN_FINISH)				\
		out->f.name = end->f.name;
#include "tables/auditfields.def"
#undef FIELD
}

int
record_join(const struct record_look *begin, const struct record_look *end, char *to, size_t *bytes)
{
	size_t			 at = sizeof(begin->head) + begin->fields_bytes;
	struct record_head	 head = begin->head;
	struct record		 b, e, row;

	/* A begin has START fields only and an end only FINISH ones, whose ids are higher. */
	if (begin->plain && end->plain && at + end->fields_bytes + RECORD_ALIGN <= RECORD_MAX) {
		memcpy(to, begin->all.p, at);
		memcpy(to + at, end->all.p + sizeof(end->head), end->fields_bytes);
		head.kind = RECORD_ONCE;
		head.fields = (uint8_t)(head.fields + end->head.fields);
		*bytes = seal(to, &head, at + end->fields_bytes);
		return 0;
	}
	take_apart(begin, &b);
	take_apart(end, &e);
	record_merge(&b, &e, &row);
	return record_encode(&row, to, RECORD_MAX, bytes);
}

int
record_again(const struct record_look *r, char *to, size_t *bytes)
{
	static const char	zeroes[RECORD_ALIGN];
	size_t			at = sizeof(r->head) + r->fields_bytes;
	struct record		row;

	if (r->plain && memcmp(r->all.p + at, zeroes, r->all.n - at) == 0) {
		memcpy(to, r->all.p, r->all.n);
		*bytes = r->all.n;
		return 0;
	}
	take_apart(r, &row);
	return record_encode(&row, to, RECORD_MAX, bytes);
}
