/* SPDX-License-Identifier: Apache-2.0
 *
 * test_form.c - what a form says of a name
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "http/form.h"

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
