/* SPDX-License-Identifier: Apache-2.0
 *
 * test_splice.c - small changes within a text that passes in pieces
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "mcp/splice.h"

static struct arena	a;
static const char	text[] = "0123456789";

static void
set_up(void)
{
	arena_init(&a, NULL, 0, 4 * 1024 * 1024);
}

TestSuite(splice, .init = set_up);

static struct span
part(size_t at, size_t n)
{
	return span_make(text + at, n);
}

static void
expect(const struct bridge_pieces *p, const char *want)
{
	struct buf	b;

	buf_init(&b, 4096);
	cr_assert(bridge_pieces_write(&b, p) == 0);
	cr_expect(span_is(buf_rest(&b), want), "%.*s", SPAN_FMT(buf_rest(&b)));
	cr_expect(p->bytes == strlen(want), "%zu", p->bytes);
	buf_fini(&b);
}

Test(splice, changes_what_is_in_the_pieces_and_passes_over_the_rest)
{
	struct bridge_pieces	p = { .arena = &a };
	struct splices		s;

	splices_init(&s, &a);
	cr_assert(splices_add(&s, part(0, 0), SPAN_LIT("<")) == 0);
	cr_assert(splices_add(&s, part(1, 2), SPAN_LIT("one")) == 0);
	cr_assert(splices_add(&s, part(4, 1), SPAN_LIT("lost")) == 0);
	cr_assert(splices_add(&s, part(7, 1), SPAN_LIT("")) == 0);
	cr_assert(splices_add(&s, part(8, 0), SPAN_LIT("X")) == 0);
	cr_assert(bridge_pieces_add(&p, part(0, 4)) == 0);
	cr_assert(bridge_pieces_add(&p, SPAN_LIT("[]")) == 0);
	cr_assert(bridge_pieces_add(&p, part(6, 4)) == 0);
	cr_assert(splice_pieces(&p, &s) == 0);
	expect(&p, "<0one3[]6X89");
}

Test(splice, leaves_alone_what_nothing_is_to_be_changed_in)
{
	struct bridge_pieces	p = { .arena = &a };
	struct splices		s;

	splices_init(&s, &a);
	cr_assert(bridge_pieces_add(&p, part(0, 10)) == 0);
	cr_assert(splice_pieces(&p, &s) == 0);
	expect(&p, text);
}

Test(splice, wants_places_in_order_and_not_too_many)
{
	static char	large[40000];
	struct splices	s;
	int		r = 0;

	splices_init(&s, &a);
	cr_assert(splices_add(&s, part(4, 2), SPAN_LIT("")) == 0);
	cr_expect(eq(int, splices_add(&s, part(5, 1), SPAN_LIT("")), E_UNTIMELY));
	cr_expect(eq(int, splices_add(&s, part(2, 1), SPAN_LIT("")), E_UNTIMELY));
	splices_init(&s, &a);
	for (size_t i = 0; r == 0 && i < sizeof(large); i++)
		r = splices_add(&s, span_make(large + i, 0), SPAN_LIT(""));
	cr_expect(eq(int, r, E_TOOBIG));
}

Test(splice, gives_strings_a_beginning)
{
	struct json_value	v;
	struct splices		s;
	struct buf		b;
	const char		*json = "{\"a\":\"x\",\"b\":7,\"c\":\"y\"}";

	buf_init(&b, 4096);
	splices_init(&s, &a);
	cr_assert(json_parse(span_of(json), true, &v, NULL) == 0);
	cr_assert(splices_add_prefix(&s, json_get(v, "a"), SPAN_LIT("p:")) == 0);
	cr_assert(splices_add_prefix(&s, json_get(v, "b"), SPAN_LIT("p:")) == 0);
	cr_assert(splices_add_prefix(&s, json_get(v, "c"), SPAN_LIT("p:")) == 0);
	cr_assert(splice_text(&b, v.raw, &s) == 0);
	cr_expect(span_is(buf_rest(&b), "{\"a\":\"p:x\",\"b\":7,\"c\":\"p:y\"}"));
	buf_fini(&b);
}
