/* SPDX-License-Identifier: Apache-2.0
 *
 * test_claims.c - what claims say of a bearer, by whatever names
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "auth/claims.h"
#include "lib/nameset.h"

static const char claims_text_[] = "{\"sub\":\"ann\",\"n\":7,\"roles\":[\"ops\",7,\"dev\",\"ops\",\"\"],\"one\":\"solo\","
	"\"scope\":\"b a  a\",\"scp\":[\"x y\",\"z\"],\"realm\":{\"a/b\":{\"m~n\":[\"deep\"]}},\"https://x/roles\":[\"far\"],"
	"\"esc\":\"\\u0041\",\"empty\":[],\"v\":2}";

static struct arena	arena;
static struct jwt	t;

static void
setup(void)
{
	arena_init(&arena, NULL, 0, 1 << 20);
	cr_assert(json_parse(span_of(claims_text_), true, &t.claims, NULL) == 0);
}

#define NAMES(s)	span_make(s "\0", sizeof(s))

Test(claims, are_looked_for_by_each_name_in_turn, .init = setup)
{
	const struct { struct span names; const char *want; } rows[] = {
		{ NAMES("sub"), "ann" }, { NAMES("nobody\0sub"), "ann" }, { NAMES("one\0sub"), "solo" }, { NAMES("n"), "" },
		{ NAMES("n\0sub"), "" }, { NAMES("absent"), "" }, { NAMES("esc"), "A" }, { NAMES("roles"), "" }, { SPAN_NONE, "" },
	};
	struct span	out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert(claims_text(&t, rows[i].names, &arena, &out) == 0);
		cr_expect(span_is(out, rows[i].want), "row %zu: %.*s", i, SPAN_FMT(out));
	}
}

Test(claims, are_sets_of_what_is_text_in_them, .init = setup)
{
	const struct { struct span names; bool words; struct span want; } rows[] = {
		{ NAMES("roles"), false, SPAN_LIT("dev\0ops\0") },
		{ NAMES("one"), false, SPAN_LIT("solo\0") },
		{ NAMES("scope"), true, SPAN_LIT("a\0b\0") },
		{ NAMES("scope"), false, SPAN_LIT("b a  a\0") },
		{ NAMES("scp"), true, SPAN_LIT("x\0y\0z\0") },
		{ NAMES("/realm/a~1b/m~0n"), false, SPAN_LIT("deep\0") },
		{ NAMES("/realm/a/b"), false, SPAN_NONE },
		{ NAMES("/absent/x\0https://x/roles"), false, SPAN_LIT("far\0") },
		{ NAMES("empty\0roles"), false, SPAN_NONE },
		{ NAMES("/"), false, SPAN_NONE }, { NAMES("//"), false, SPAN_NONE }, { NAMES("n"), false, SPAN_NONE },
	};
	struct span	out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert(claims_set(&t, rows[i].names, rows[i].words, &arena, &out) == 0);
		cr_expect(span_eq(out, rows[i].want), "row %zu: %.*s", i, SPAN_FMT(out));
	}
}

Test(claims, that_name_more_than_a_set_holds_are_refused, .init = setup)
{
	char		text[8 * (NAMESET_MAX + 2)];
	int		n = snprintf(text, sizeof(text), "{\"r\":[");
	struct span	out;

	for (int i = 0; i <= NAMESET_MAX; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s\"r%d\"", i > 0 ? "," : "", i);
	snprintf(text + n, sizeof(text) - (size_t)n, "]}");
	cr_assert(json_parse(span_of(text), true, &t.claims, NULL) == 0);
	cr_expect(claims_set(&t, NAMES("r"), false, &arena, &out) == E_FULL);
}

Test(claims, are_one_of_what_is_allowed, .init = setup)
{
	cr_expect(claims_is_one_of(&t, NAMES("v"), NAMES("1\0" "2")));
	cr_expect_not(claims_is_one_of(&t, NAMES("v"), NAMES("1\0" "3")));
	cr_expect(claims_is_one_of(&t, NAMES("sub"), NAMES("ann")));
	cr_expect_not(claims_is_one_of(&t, NAMES("absent"), NAMES("ann")));
	cr_expect_not(claims_is_one_of(&t, NAMES("roles"), NAMES("ops")));
}
