/* SPDX-License-Identifier: Apache-2.0
 *
 * test_sealed.c - tokens come back whole, or not at all
 */
#include <criterion/criterion.h>

#include "mcp/sealed.h"

static struct keyring	ring;
static const struct sealed_session session = {
	.id = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
	.principal = 0x1122334455667788, .tenant = 0x99aabbccddeeff00, .capabilities = 0xa5,
	.issued = 1767225600, .node = 0xbeef, .version = 4,
};
static char	token[SEALED_SESSION_CHARS + 1];

static void
set_up(void)
{
	cr_assert(keyring_make(&ring) == 0);
	cr_assert(sealed_session_seal(&ring, SPAN_LIT("/mcp"), &session, token) == 0);
}

TestSuite(sealed, .init = set_up);

Test(sealed, gives_a_session_back_as_it_was)
{
	struct sealed_session	got;

	cr_expect(strlen(token) == 126);
	for (size_t i = 0; i < strlen(token); i++)
		cr_expect(token[i] >= 0x21 && token[i] <= 0x7e, "a header can carry it");
	cr_assert(sealed_session_open(&ring, SPAN_LIT("/mcp"), span_of(token), &got) == 0);
	cr_expect(memcmp(got.id, session.id, 16) == 0 && got.principal == session.principal &&
	    got.tenant == session.tenant && got.capabilities == session.capabilities &&
	    got.issued == session.issued && got.node == session.node && got.version == session.version);
}

Test(sealed, refuses_a_token_with_any_character_changed_added_or_cut)
{
	struct sealed_session	got;
	char			bad[SEALED_SESSION_CHARS + 2];

	for (size_t i = 0; i < SEALED_SESSION_CHARS; i++) {
		strcpy(bad, token);
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		cr_expect(sealed_session_open(&ring, SPAN_LIT("/mcp"), span_of(bad), &got) == E_DENIED, "at %zu", i);
		cr_expect(sealed_session_open(&ring, SPAN_LIT("/mcp"), span_make(token, i), &got) == E_DENIED);
	}
	strcpy(bad, token);
	strcat(bad, "A");
	cr_expect(sealed_session_open(&ring, SPAN_LIT("/mcp"), span_of(bad), &got) == E_DENIED);
	cr_expect(got.principal == 0 && got.version == 0, "nothing is left of it");
}

Test(sealed, is_worth_nothing_elsewhere)
{
	struct sealed_session	got;
	struct keyring		other;
	struct buf		b;

	cr_expect(sealed_session_open(&ring, SPAN_LIT("/mcp/catalog"), span_of(token), &got) == E_DENIED);
	cr_expect(sealed_session_open(&ring, SPAN_LIT("/mcq"), span_of(token), &got) == E_DENIED);
	cr_expect(sealed_session_open(&ring, SPAN_NONE, span_of(token), &got) == E_DENIED);
	cr_assert(keyring_make(&other) == 0);
	cr_expect(sealed_session_open(&other, SPAN_LIT("/mcp"), span_of(token), &got) == E_DENIED);
	buf_init(&b, 1024);
	cr_expect(sealed_open(&ring, "cursor", SPAN_LIT("/mcp"), span_of(token), &b) == E_DENIED);
	cr_expect(b.used == 0);
	cr_expect(sealed_open(&ring, "session", SPAN_LIT("/mcp"), span_of(token), &b) == 0 && b.used == 64);
	buf_fini(&b);
}

/* Bytes that a later release gives a meaning are not silently lost in this one. */
Test(sealed, refuses_a_session_with_spare_bytes_in_use)
{
	struct sealed_session	got;
	struct buf		b;
	char			middle[64] = { 0 };

	buf_init(&b, 1024);
	for (int last = 0; last <= 1; last++) {
		middle[63] = (char)last;
		buf_clear(&b);
		cr_assert(sealed_seal(&ring, "session", SPAN_LIT("/mcp"), span_make(middle, 64), &b) == 0);
		cr_expect(sealed_session_open(&ring, SPAN_LIT("/mcp"), buf_rest(&b), &got) == (last ? E_DENIED : 0));
	}
	buf_fini(&b);
}

Test(sealed, differs_each_time)
{
	char	again[SEALED_SESSION_CHARS + 1];

	cr_assert(sealed_session_seal(&ring, SPAN_LIT("/mcp"), &session, again) == 0);
	cr_expect(strcmp(token, again) != 0);
}

Test(sealed, lives_as_long_as_its_key)
{
	struct sealed_session	got;

	for (int i = 1; i < KEYRING_KEYS; i++) {
		cr_assert(keyring_rotate(&ring) == 0);
		cr_expect(sealed_session_open(&ring, SPAN_LIT("/mcp"), span_of(token), &got) == 0, "rotation %d", i);
	}
	cr_assert(keyring_rotate(&ring) == 0);
	cr_expect(sealed_session_open(&ring, SPAN_LIT("/mcp"), span_of(token), &got) == E_DENIED);
}

Test(sealed, carries_middles_of_any_length)
{
	static char	middle[SEALED_MIDDLE_MAX + 1];
	struct buf	t, back;

	buf_init(&t, 2 * SEALED_MIDDLE_MAX);
	buf_init(&back, 2 * SEALED_MIDDLE_MAX);
	for (size_t n = 0; n <= SEALED_MIDDLE_MAX; n += n < 70 ? 1 : 6711) {
		buf_clear(&t);
		buf_clear(&back);
		memset(middle, (int)n, n);
		cr_assert(sealed_seal(&ring, "cursor", SPAN_LIT("/mcp"), span_make(middle, n), &t) == 0);
		cr_expect(sealed_open(&ring, "cursor", SPAN_LIT("/mcp"), buf_rest(&t), &back) == 0, "%zu", n);
		cr_expect(span_eq(buf_rest(&back), span_make(middle, n)), "%zu", n);
		buf_clear(&back);
		cr_expect(sealed_open(&ring, "cursor", SPAN_LIT("/mcp"), span_part(buf_rest(&t), 1, n),
		    &back) == E_DENIED);
	}
	cr_expect(sealed_seal(&ring, "cursor", SPAN_NONE, span_make(middle, sizeof(middle)), &t) == E_TOOBIG);
	cr_expect(sealed_open(&ring, "cursor", SPAN_NONE, SPAN_NONE, &back) == E_DENIED);
	buf_fini(&t);
	buf_fini(&back);
}
