/* SPDX-License-Identifier: Apache-2.0
 *
 * test_form.c - what a form says of a name
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "lib/form.h"

Test(form, finds_one_value_and_refuses_two)
{
	static const struct { const char *form; int error; const char *value; } rows[] = {
		{ "", 0, "" }, { "a=1", 0, "1" }, { "b=2&a=1", 0, "1" }, { "a=1&b=2", 0, "1" }, { "a", 0, "" }, { "a=", 0, "" },
		{ "aa=1", 0, "" }, { "&&a=1&&", 0, "1" }, { "a=1&a=1", E_EXISTS, "" }, { "a=1&%61=2", E_EXISTS, "" },
		{ "a=x+y%2Bz%26", 0, "x y+z&" }, { "a=b=c", 0, "b=c" }, { "%61=q", 0, "q" }, { "a=%C3%A9", 0, "\xc3\xa9" },
		{ "a=%", E_FORMAT, "" }, { "a=%1", E_FORMAT, "" }, { "a=%zz", E_FORMAT, "" }, { "a=%00", E_FORMAT, "" },
		{ "b=%2&a=1", 0, "1" }, { "%4=1&a=1", E_FORMAT, "" },
	};
	struct arena	a;
	struct span	value;

	arena_init(&a, NULL, 0, 65536);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(eq(int, form_find(span_of(rows[i].form), "a", &a, &value), rows[i].error), "row %zu", i);
		cr_expect(span_is(value, rows[i].value), "row %zu: %.*s", i, SPAN_FMT(value));
	}
	arena_fini(&a);
}

Test(form, tells_what_is_empty_from_what_is_not_there)
{
	struct arena	a;
	struct span	value;

	arena_init(&a, NULL, 0, 65536);
	cr_assert(form_find(SPAN_LIT("iss="), "iss", &a, &value) == 0);
	cr_expect(value.p != NULL && value.n == 0, "there, and empty");
	cr_assert(form_find(SPAN_LIT("code=a&iss"), "iss", &a, &value) == 0);
	cr_expect(value.p != NULL && value.n == 0, "there, and empty");
	cr_assert(form_find(SPAN_LIT("isss=1"), "iss", &a, &value) == 0);
	cr_expect(value.p == NULL);
	arena_fini(&a);
}

Test(form, is_read_as_it_was_written)
{
	static const char	odd[] = "a b+c&d=%\xc3\xa9/?#";
	struct arena		a;
	struct buf		b;
	struct span		value;

	arena_init(&a, NULL, 0, 65536);
	buf_init(&b, 65536);
	cr_assert(form_put(&b, "none", SPAN_NONE) == 0 && form_put(&b, "a", span_of(odd)) == 0 &&
	    form_put(&b, "b", SPAN_LIT("2")) == 0);
	cr_expect(form_find(buf_rest(&b), "none", &a, &value) == 0 && value.p == NULL);
	cr_expect(form_find(buf_rest(&b), "a", &a, &value) == 0 && span_is(value, odd), "%.*s", SPAN_FMT(buf_rest(&b)));
	cr_expect(form_find(buf_rest(&b), "b", &a, &value) == 0 && span_is(value, "2"));
	buf_fini(&b);
	arena_fini(&a);
}
