/* SPDX-License-Identifier: Apache-2.0
 *
 * test_pending.c - begins of one transaction that wait for their end
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "audit/pending.h"

static int
add(struct pending *p, uint64_t seq)
{
	struct record		r = { .kind = RECORD_BEGIN, .seq = seq, .request = seq * 3 };
	struct record_look	look;
	char			bytes[RECORD_MAX];
	size_t			n;

	r.f.object = SPAN_LIT("query");
	cr_assert(eq(int, record_encode(&r, bytes, sizeof(bytes), &n), 0));
	cr_assert(eq(int, record_check(span_make(bytes, n), &look), 0));
	return pending_add(p, &look);
}

static int
end(struct pending *p, uint64_t seq)
{
	struct record_look	kept, fresh;
	int			r;

	if ((r = pending_end(p, seq, &kept)) != 0)
		return r;
	cr_assert(eq(int, record_check(kept.all, &fresh), 0));
	cr_expect(eq(u64, kept.head.seq, seq));
	cr_expect(eq(u64, kept.head.request, seq * 3));
	cr_expect(eq(uint, kept.fields_bytes, fresh.fields_bytes));
	cr_expect(kept.plain == fresh.plain);
	return 0;
}

static unsigned
left(const struct pending *p)
{
	struct span	begin;
	unsigned	n = 0;
	uint64_t	seq;

	for (size_t place = 0; pending_next(p, &place, &seq, &begin); ) {
		struct record_look look;

		cr_assert(eq(int, record_check(begin, &look), 0));
		cr_expect(eq(u64, look.head.seq, seq));
		n++;
	}
	return n;
}

Test(pending, gives_each_begin_once)
{
	static const uint64_t seqs[] = { 5, 6, 9, 10, 4000, 4001 };
	struct pending	p = { .v = NULL };

	for (int again = 0; again < 2; again++) {
		cr_expect(eq(int, end(&p, 5), E_NOTFOUND));
		for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++)
			cr_expect(eq(int, add(&p, seqs[i]), 0));
		cr_expect(eq(uint, left(&p), 6));
		cr_expect(eq(int, end(&p, 9), 0));
		cr_expect(eq(int, end(&p, 9), E_NOTFOUND));
		cr_expect(eq(int, end(&p, 4001), 0));
		cr_expect(eq(int, end(&p, 5), 0));
		cr_expect(eq(int, end(&p, 0), E_NOTFOUND));
		cr_expect(eq(int, end(&p, 7), E_NOTFOUND));
		cr_expect(eq(int, end(&p, 4002), E_NOTFOUND));
		cr_expect(eq(int, end(&p, UINT64_MAX), E_NOTFOUND));
		cr_expect(eq(uint, left(&p), 3));
		pending_clear(&p);
		cr_expect(eq(uint, left(&p), 0));
	}
	pending_fini(&p);
}

Test(pending, refuses_what_is_out_of_order_or_far)
{
	struct pending	p = { .v = NULL };

	cr_expect(eq(int, add(&p, UINT64_MAX - 1), 0));
	cr_expect(eq(int, add(&p, UINT64_MAX - 1), E_RANGE));
	cr_expect(eq(int, add(&p, 1), E_RANGE));
	cr_expect(eq(int, add(&p, UINT64_MAX), 0));
	cr_expect(eq(uint, left(&p), 2));
	pending_clear(&p);
	cr_expect(eq(int, add(&p, 1), 0));
	cr_expect(eq(int, add(&p, UINT64_C(1) << 40), E_RANGE));
	cr_expect(eq(int, add(&p, 2), 0));
	cr_expect(eq(int, end(&p, 2), 0));
	pending_fini(&p);
}
