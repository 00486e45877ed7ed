/* SPDX-License-Identifier: Apache-2.0
 *
 * test_cursor.c - where a page ended, and for whom
 */
#include <criterion/criterion.h>

#include "mcp/cursor.h"

static const struct cursor	given = { .kind = CATALOGUE_PROMPTS, .server = 3, .item = 70000, .server_sum = 5,
				    .item_sum = UINT64_MAX, .generation = 9, .principal = 11 };

Test(cursor, comes_back_whole)
{
	struct keyring	ring;
	struct cursor	back = { .kind = CATALOGUE_PROMPTS, .principal = 11 };
	struct buf	b;

	cr_assert(keyring_make(&ring) == 0);
	buf_init(&b, 4096);
	cr_assert(cursor_seal(&ring, SPAN_LIT("/mcp"), &given, &b) == 0);
	cr_assert(cursor_open(&ring, SPAN_LIT("/mcp"), buf_rest(&b), &back) == 0);
	cr_expect(back.server == 3 && back.item == 70000 && back.server_sum == 5 && back.item_sum == UINT64_MAX &&
	    back.generation == 9 && back.kind == CATALOGUE_PROMPTS && back.principal == 11);
	buf_fini(&b);
}

Test(cursor, is_nothing_elsewhere)
{
	static const struct { const char *path; enum catalogue_kind kind; uint64_t principal; } rows[] = {
		{ "/mcp/catalog", CATALOGUE_PROMPTS, 11 }, { "/mcp", CATALOGUE_RESOURCES, 11 },
		{ "/mcp", CATALOGUE_PROMPTS, 12 },
	};
	struct keyring	ring;
	struct buf	b, other;

	cr_assert(keyring_make(&ring) == 0);
	buf_init(&b, 4096);
	buf_init(&other, 4096);
	cr_assert(cursor_seal(&ring, SPAN_LIT("/mcp"), &given, &b) == 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cursor back = { .kind = rows[i].kind, .principal = rows[i].principal };

		cr_expect(cursor_open(&ring, span_of(rows[i].path), buf_rest(&b), &back) == E_DENIED, "row %zu", i);
	}
	/* Sealed by us, and yet no cursor. */
	cr_assert(sealed_seal(&ring, "cursor", SPAN_LIT("/mcp"), SPAN_LIT("short"), &other) == 0);
	cr_expect(cursor_open(&ring, SPAN_LIT("/mcp"), buf_rest(&other), &(struct cursor){ .kind = CATALOGUE_PROMPTS,
	    .principal = 11 }) == E_DENIED);
	cr_expect(cursor_open(&ring, SPAN_LIT("/mcp"), SPAN_LIT(""), &(struct cursor){ .kind = CATALOGUE_PROMPTS }) ==
	    E_DENIED);
	buf_fini(&b);
	buf_fini(&other);
}
