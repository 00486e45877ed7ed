/* SPDX-License-Identifier: Apache-2.0
 *
 * test_state.c - a requestState counts for the one request it was given out for
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "mcp/state.h"

static struct keyring	ring;
static struct state	given = {
	.kind = STATE_WRAP, .principal = 11, .tenant = 22, .issued_s = 1000, .server = 33, .number = 44,
	.slot = 5, .incarnation = 6, .round = 7, .inner = { "\"their own\"", 11 },
};
static struct buf	token, text;

static void
set_up(void)
{
	cr_assert(keyring_make(&ring) == 0);
	buf_init(&token, 128 * 1024);
	buf_init(&text, 128 * 1024);
	memset(given.digest.bytes, 0xd1, sizeof(given.digest.bytes));
	cr_assert(state_seal(&ring, SPAN_LIT("/mcp"), &given, &token) == 0);
}

TestSuite(state, .init = set_up);

Test(state, comes_back_as_it_was)
{
	struct state	got;

	cr_assert(eq(int, state_open(&ring, SPAN_LIT("/mcp"), buf_rest(&token), &given, &text, &got), 0));
	cr_expect(got.kind == STATE_WRAP && got.server == 33 && got.number == 44 && got.slot == 5 &&
	    got.incarnation == 6 && got.round == 7 && span_is(got.inner, "\"their own\""));
}

/* Whose round it is, beside what the upstream's own state is. */
Test(state, says_which_approved_call_it_is_of)
{
	static const struct span	inners[] = { { "\"their own\"", 11 }, { NULL, 0 } };
	struct state			got, approved = given;

	cr_assert(state_open(&ring, SPAN_LIT("/mcp"), buf_rest(&token), &given, &text, &got) == 0);
	cr_expect(got.approved == false);
	approved.approved = true;
	memset(approved.approval.bytes, 0xa9, sizeof(approved.approval.bytes));
	for (size_t i = 0; i < 2; i++) {
		approved.inner = inners[i];
		buf_clear(&token);
		cr_assert(state_seal(&ring, SPAN_LIT("/mcp"), &approved, &token) == 0);
		cr_assert(state_open(&ring, SPAN_LIT("/mcp"), buf_rest(&token), &given, &text, &got) == 0);
		cr_expect(got.approved && memcmp(&got.approval, &approved.approval, sizeof(got.approval)) == 0);
		cr_expect(got.number == 44 && span_eq(got.inner, inners[i]));
	}
}

Test(state, fits_nothing_else)
{
	struct state	other[6], got;

	for (size_t i = 0; i < 6; i++)
		other[i] = given;
	other[0].principal++;
	other[1].tenant++;
	other[2].digest.bytes[31] ^= 1;
	other[3].issued_s += STATE_LIVES_S + 1;
	other[4].issued_s--;			/* from the future */
	cr_expect(eq(int, state_open(&ring, SPAN_LIT("/servers/a/mcp"), buf_rest(&token), &given, &text, &got), E_DENIED));
	for (size_t i = 0; i < 5; i++)
		cr_expect(eq(int, state_open(&ring, SPAN_LIT("/mcp"), buf_rest(&token), &other[i], &text, &got), E_DENIED),
		    "row %zu", i);
	other[5].issued_s += STATE_LIVES_S;
	cr_expect(eq(int, state_open(&ring, SPAN_LIT("/mcp"), buf_rest(&token), &other[5], &text, &got), 0));
}

Test(state, does_not_survive_a_changed_character)
{
	struct state	got;

	for (size_t i = 0; i < token.used; i += 7) {
		char was = token.data[i];

		token.data[i] = was == 'A' ? 'B' : 'A';
		cr_expect(eq(int, state_open(&ring, SPAN_LIT("/mcp"), buf_rest(&token), &given, &text, &got), E_DENIED));
		token.data[i] = was;
	}
	cr_expect(eq(int, state_open(&ring, SPAN_LIT("/mcp"), span_part(buf_rest(&token), 0, token.used - 1), &given, &text,
	    &got), E_DENIED));
	cr_expect(eq(int, state_open(&ring, SPAN_LIT("/mcp"), SPAN_LIT(""), &given, &text, &got), E_DENIED));
}

Test(state, holds_a_large_state_of_an_upstream_and_no_larger)
{
	struct state	got, large = given;
	char		*inner = malloc(STATE_INNER_MAX + 1);

	memset(inner, 'x', STATE_INNER_MAX + 1);
	large.inner = span_make(inner, STATE_INNER_MAX);
	large.approved = true;		/* takes nothing of its room */
	buf_clear(&token);
	cr_assert(eq(int, state_seal(&ring, SPAN_LIT("/mcp"), &large, &token), 0));
	cr_assert(eq(int, state_open(&ring, SPAN_LIT("/mcp"), buf_rest(&token), &large, &text, &got), 0));
	cr_expect(eq(sz, got.inner.n, STATE_INNER_MAX));
	large.inner.n++;
	cr_expect(eq(int, state_seal(&ring, SPAN_LIT("/mcp"), &large, &token), E_TOOBIG));
	free(inner);
}

static struct crypt_digest
digest_of(const char *json)
{
	struct rpc_scan		*scan;
	struct rpc_message	 m;
	struct arena		 a;
	struct crypt_digest	 d;

	arena_init(&a, NULL, 0, 65536);
	cr_assert(rpc_scan_new(&scan) == 0);
	cr_assert(eq(int, rpc_scan_whole(scan, span_of(json), &a, &m), 0), "%s", json);
	cr_assert(state_digest(&m, &d) == 0);
	rpc_scan_free(&scan);
	arena_fini(&a);
	return d;
}

#define CALL(members) "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{" members "}}"

Test(state, digest_is_of_what_is_asked_alone)
{
	struct crypt_digest	one = digest_of(CALL("\"name\":\"t\",\"arguments\":{\"a\":1,\"b\":[2]}")), other;

	other = digest_of(CALL("\"arguments\":{\"b\":[2.0],\"a\":1},\"name\":\"t\",\"requestState\":\"x\","
	    "\"inputResponses\":{\"k\":{}},\"_meta\":{\"progressToken\":7}"));
	cr_expect(memcmp(&one, &other, sizeof(one)) == 0);
	other = digest_of(CALL("\"name\":\"t\",\"arguments\":{\"a\":1,\"b\":[3]}"));
	cr_expect(memcmp(&one, &other, sizeof(one)) != 0);
	other = digest_of(CALL("\"name\":\"u\",\"arguments\":{\"a\":1,\"b\":[2]}"));
	cr_expect(memcmp(&one, &other, sizeof(one)) != 0);
	other = digest_of("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"prompts/get\",\"params\":{\"name\":\"t\","
	    "\"arguments\":{\"a\":1,\"b\":[2]}}}");
	cr_expect(memcmp(&one, &other, sizeof(one)) != 0);
}
