/* SPDX-License-Identifier: Apache-2.0
 *
 * test_record.c - one audit record, to bytes and back
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/record.h"
#include "lib/sum.h"

static const struct record full = {
	.kind = RECORD_ONCE, .generation = 41, .seq = 7, .wall_ns = 1700000000123000000u, .request = 99,
	.f = {
		.tenant = { "default", 7 }, .principal = { "ci-bot", 6 }, .how = { "key", 3 },
		.agent = { "backend", 7 }, .server = { "postgres", 8 }, .kind = { "tool", 4 },
		.object = { "drop_table", 10 }, .decision = { "deny", 4 },
		.rule = { "agents.backend.deny.tools.postgres[0]", 37 },
		.outcome = { "refused", 7 }, .error = { "DENIED_BY_POLICY", 16 }, .status = 200,
		.latency_us = 131,
	},
};

static size_t
encode(const struct record *r, char room[RECORD_MAX])
{
	size_t	n;

	cr_assert(eq(int, record_encode(r, room, RECORD_MAX, &n), 0));
	cr_assert(eq(sz, n % RECORD_ALIGN, 0));
	return n;
}

static void
expect_text(struct span got, const char *want)
{
	cr_expect(span_is(got, want), "\"%.*s\" for \"%s\"", SPAN_FMT(got), want);
}

Test(record, comes_back_as_it_was)
{
	char		room[RECORD_MAX];
	size_t		n = encode(&full, room), took;
	struct record	r;

	cr_assert(eq(int, record_decode(span_make(room, n), &r, &took), 0));
	cr_expect(eq(sz, took, n));
	cr_expect(eq(int, (int)r.kind, RECORD_ONCE));
	cr_expect(eq(u64, r.generation, 41));
	cr_expect(eq(u64, r.seq, 7));
	cr_expect(eq(u64, r.wall_ns, full.wall_ns));
	cr_expect(eq(u64, r.request, 99));
	cr_expect(eq(u64, r.f.status, 200));
	cr_expect(eq(u64, r.f.latency_us, 131));
	expect_text(r.f.principal, "ci-bot");
	expect_text(r.f.object, "drop_table");
	expect_text(r.f.rule, "agents.backend.deny.tools.postgres[0]");
	expect_text(r.f.error, "DENIED_BY_POLICY");
	expect_text(r.f.client, "");
}

Test(record, leaves_out_what_its_kind_does_not_have)
{
	struct record	begin = full, end = full, r;
	char		room[RECORD_MAX];
	size_t		n, took;

	begin.kind = RECORD_BEGIN;
	n = encode(&begin, room);
	cr_assert(eq(int, record_decode(span_make(room, n), &r, &took), 0));
	expect_text(r.f.object, "drop_table");
	expect_text(r.f.outcome, "");
	end.kind = RECORD_END;
	end.begin_seq = 3;
	n = encode(&end, room);
	cr_expect(n <= RECORD_END_MAX);
	cr_assert(eq(int, record_decode(span_make(room, n), &r, &took), 0));
	expect_text(r.f.object, "");
	expect_text(r.f.outcome, "refused");
	cr_expect(eq(u64, r.begin_seq, 3));
}

Test(record, refuses_every_truncation_and_every_changed_byte)
{
	char		room[RECORD_MAX], copy[RECORD_MAX];
	size_t		n = encode(&full, room), took;
	struct record	r;

	for (size_t cut = 0; cut < n; cut++)
		cr_expect(record_decode(span_make(room, cut), &r, &took) != 0, "cut at %zu", cut);
	for (size_t i = 0; i < n; i++) {
		memcpy(copy, room, n);
		copy[i] = (char)(copy[i] ^ 0x20);
		cr_expect(record_decode(span_make(copy, n), &r, &took) != 0, "byte %zu", i);
	}
}

Test(record, torn_at_every_byte_is_never_taken)
{
	char		room[RECORD_MAX], torn[RECORD_MAX];
	size_t		n = encode(&full, room), took, zeroes = 0;
	struct record	r;

	/* Only the padding at the end may be missing: the file was zero before. */
	while (room[n - 1 - zeroes] == '\0')
		zeroes++;
	for (size_t cut = 0; cut < n - zeroes; cut++) {
		memset(torn, 0, sizeof(torn));
		memcpy(torn, room, cut);
		cr_expect(record_decode(span_make(torn, sizeof(torn)), &r, &took) != 0, "torn at %zu", cut);
	}
}

Test(record, tells_nothing_there_from_more_to_come)
{
	char		room[RECORD_MAX] = { 0 };
	struct record	r;
	size_t		n, took;

	cr_expect(eq(int, record_decode(span_make(room, 100), &r, &took), E_EOF));
	cr_expect(eq(int, record_decode(span_make(room, 3), &r, &took), E_SHORT));
	n = encode(&full, room);
	cr_expect(eq(int, record_decode(span_make(room, n - 1), &r, &took), E_SHORT));
}

Test(record, cuts_long_names_so_that_two_stay_two)
{
	char		a[5000], b[5000], room_a[RECORD_MAX], room_b[RECORD_MAX];
	struct record	ra = full, rb = full, da, db;
	size_t		na, nb, took;

	memset(a, 'x', sizeof(a));
	memset(b, 'x', sizeof(b));
	b[sizeof(b) - 1] = 'y';
#define FIELD(name, id, type, max, when, doc) FIELD_##type(name)
#define FIELD_text(name) ra.f.name = span_make(a, sizeof(a)); rb.f.name = span_make(b, sizeof(b));
#define FIELD_u64(name) ra.f.name = rb.f.name = UINT64_MAX;
#include "tables/auditfields.def"
#undef FIELD
	na = encode(&ra, room_a);
	nb = encode(&rb, room_b);
	cr_assert(na <= RECORD_MAX && nb <= RECORD_MAX);
	cr_assert(eq(int, record_decode(span_make(room_a, na), &da, &took), 0));
	cr_assert(eq(int, record_decode(span_make(room_b, nb), &db, &took), 0));
	cr_expect(eq(sz, da.f.object.n, 256));
	cr_expect(eq(chr, da.f.object.p[256 - 17], '~'));
	cr_expect(span_eq(da.f.object, db.f.object) == false);
	ra.kind = RECORD_END;
	cr_expect(encode(&ra, room_a) <= RECORD_END_MAX);
}

Test(record, cuts_between_characters)
{
	char		name[400], room[RECORD_MAX];
	struct record	r = full, d;
	size_t		n, took;

	for (size_t i = 0; i < sizeof(name); i += 2)
		memcpy(name + i, "\xc3\xa9", 2);
	for (size_t shift = 0; shift < 2; shift++) {
		r.f.object = span_make(name + shift, sizeof(name) - shift);
		name[1] = shift == 1 ? 'a' : '\xa9';
		n = encode(&r, room);
		cr_assert(eq(int, record_decode(span_make(room, n), &d, &took), 0));
		for (size_t i = 0; i < d.f.object.n && d.f.object.p[i] != '~'; i++)
			if (d.f.object.p[i] == '\xc3')
				cr_expect(d.f.object.p[i + 1] == '\xa9', "shift %zu", shift);
	}
}

Test(record, says_when_the_room_is_too_small)
{
	char	room[64];
	size_t	n;

	cr_expect(eq(int, record_encode(&full, room, sizeof(room), &n), E_FULL));
}

Test(record, merge_has_the_begin_and_what_the_end_knew)
{
	struct record	begin = full, end = { .kind = RECORD_END, .seq = 9 }, row;

	begin.kind = RECORD_BEGIN;
	end.f.outcome = audit_outcome_word(AUDIT_OUTCOME_TIMEOUT);
	end.f.agent = SPAN_LIT("somebody else");
	record_merge(&begin, &end, &row);
	cr_expect(eq(int, (int)row.kind, RECORD_ONCE));
	cr_expect(eq(u64, row.seq, 7));
	expect_text(row.f.agent, "backend");
	expect_text(row.f.outcome, "timeout");
	expect_text(row.f.error, "");
}

static void
expect_same(const struct record *got, const struct record *want, const char *what)
{
	cr_expect(eq(int, (int)got->kind, (int)want->kind), "%s", what);
	cr_expect(got->generation == want->generation && got->seq == want->seq &&
	    got->begin_seq == want->begin_seq && got->wall_ns == want->wall_ns &&
	    got->request == want->request, "%s", what);
#define text(name) cr_expect(span_eq(got->f.name, want->f.name), "%s: " #name, what);
#define u64(name) cr_expect(got->f.name == want->f.name, "%s: " #name, what);
#define FIELD(name, id, type, max, when, doc) type(name)
#include "tables/auditfields.def"
#undef FIELD
#undef u64
#undef text
}

/* Joined must be what taking apart, merging and writing anew makes of it, to the byte. */
static void
expect_joined(struct span begin, struct span end, bool plain, const char *what)
{
	struct record_look	lb, le;
	struct record		b, e, want, got;
	char			joined[RECORD_MAX], anew[RECORD_MAX];
	size_t			nj, na, took;

	cr_assert(eq(int, record_check(begin, &lb), 0), "%s", what);
	cr_assert(eq(int, record_check(end, &le), 0), "%s", what);
	cr_expect(plain == (lb.plain && le.plain), "%s", what);
	cr_assert(eq(int, record_decode(begin, &b, &took), 0));
	cr_assert(eq(int, record_decode(end, &e, &took), 0));
	record_merge(&b, &e, &want);
	cr_assert(eq(int, record_encode(&want, anew, sizeof(anew), &na), 0));
	cr_assert(eq(int, record_join(&lb, &le, joined, &nj), 0));
	cr_assert(eq(int, record_decode(span_make(joined, nj), &got, &took), 0), "%s", what);
	expect_same(&got, &want, what);
	cr_expect(span_eq(span_make(joined, nj), span_make(anew, na)), "%s", what);
}

Test(record, joins_begin_and_end_as_if_written_anew)
{
	static char	x[RECORD_MAX];
	struct record	begins[3] = { full, { .seq = 3 }, full }, ends[3] = { full, { .seq = 4 }, full };
	char		b[RECORD_MAX], e[RECORD_MAX], what[32];

	memset(x, 'x', sizeof(x));
#define text(name) begins[2].f.name = ends[2].f.name = span_make(x, sizeof(x));
#define u64(name) begins[2].f.name = ends[2].f.name = UINT64_MAX;
#define FIELD(name, id, type, max, when, doc) type(name)
#include "tables/auditfields.def"
#undef FIELD
#undef u64
#undef text
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < 3; k++) {
			size_t nb, ne;

			begins[i].kind = RECORD_BEGIN;
			ends[k].kind = RECORD_END;
			ends[k].begin_seq = begins[i].seq;
			nb = encode(&begins[i], b);
			ne = encode(&ends[k], e);
			snprintf(what, sizeof(what), "begin %d end %d", i, k);
			expect_joined(span_make(b, nb), span_make(e, ne), true, what);
		}
	}
}

/* A whole record whose fields nobody of ours would write like this; `tail` more bytes are left. */
static struct span
odd(char *to, enum record_kind kind, struct span fields, uint8_t count, size_t tail)
{
	struct record_head	h = { .kind = (uint8_t)kind, .fields = count, .format = RECORD_FORMAT, .seq = 1 };

	memset(to, 0, RECORD_MAX);
	h.bytes = (uint32_t)((sizeof(h) + fields.n + tail + 7) / 8 * 8);
	memcpy(to, &h, sizeof(h));
	memcpy(to + sizeof(h), fields.p, fields.n);
	memset(to + sizeof(h) + fields.n, 'x', tail);
	h.crc = crc32c(span_make(to + 8, h.bytes - 8));
	memcpy(to + 4, &h.crc, 4);
	return span_make(to, h.bytes);
}

static const struct {
	const char	*what;
	struct span	 fields;
	uint8_t		 count;
	size_t		 tail;
} oddities[] = {
	{ "a field of a later release", { "\7\0\1\0q\377\0\2\0zz", 11 }, 2, 0 },
	{ "out of order", { "\7\0\1\0q\1\0\2\0de", 11 }, 2, 0 },
	{ "one twice", { "\7\0\1\0q\7\0\1\0r", 10 }, 2, 0 },
	{ "of another kind", { "\7\0\1\0q\17\0\2\0ok", 11 }, 2, 0 },
	{ "rubbish behind", { "\7\0\1\0q", 5 }, 1, 64 },
};

Test(record, writes_odd_ones_anew)
{
	struct record	end = full, got, want;
	char		b[RECORD_MAX], e[RECORD_MAX], out[RECORD_MAX];
	size_t		n, took;

	end.kind = RECORD_END;
	for (size_t i = 0; i < sizeof(oddities) / sizeof(oddities[0]); i++) {
		struct span bytes = odd(b, RECORD_BEGIN, oddities[i].fields, oddities[i].count, oddities[i].tail);
		struct record_look look;

		expect_joined(bytes, span_make(e, encode(&end, e)), false, oddities[i].what);
		bytes = odd(b, RECORD_ONCE, oddities[i].fields, oddities[i].count, oddities[i].tail);
		cr_assert(eq(int, record_check(bytes, &look), 0));
		cr_assert(eq(int, record_again(&look, out, &n), 0));
		cr_assert(eq(int, record_decode(span_make(out, n), &got, &took), 0));
		cr_assert(eq(int, record_decode(bytes, &want, &took), 0));
		expect_same(&got, &want, oddities[i].what);
		cr_expect(n <= sizeof(struct record_head) + 16, "%s: rubbish is not kept", oddities[i].what);
	}
	/* Rubbish in the place of the zeroes does not go into a row either. */
	{
		struct span bytes = odd(b, RECORD_ONCE, (struct span){ "\7\0\1\0q", 5 }, 1, 3);
		struct record_look look;

		cr_assert(eq(int, record_check(bytes, &look), 0));
		cr_assert(eq(int, record_again(&look, out, &n), 0));
		cr_expect(eq(int, memcmp(out + n - 3, "\0\0\0", 3), 0));
	}
}

Test(record, refuses_fields_that_lie_about_themselves)
{
	static const struct span fields[] = {
		{ "\7\0\377\377q", 5 },		/* goes on behind the record */
		{ "\7\0\1", 3 },			/* so does its head */
		{ "\11\0\11\0allowance", 13 },	/* longer than its row allows */
		{ "\21\0\4\0four", 8 },		/* a number of four bytes */
	};
	struct record_look	look;
	char			b[RECORD_MAX];

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct span bytes = odd(b, RECORD_ONCE, fields[i], i == 1 ? 3 : 1, 0);

		cr_expect(eq(int, record_check(bytes, &look), E_FORMAT), "row %zu", i);
	}
}
