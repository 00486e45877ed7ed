/* SPDX-License-Identifier: Apache-2.0
 *
 * test_header.c - values of Mcp-Name: the table of mcp-wire 5, and everything malformed
 */
#include <criterion/criterion.h>

#include "mcp/header.h"

struct header_case {
	const char	*text, *header;
};

/* How each text must be sent. */
static const struct header_case sent[] = {
	{ "us-west1", "us-west1" },
	{ "Hello, \xe4\xb8\x96\xe7\x95\x8c", "=?base64?SGVsbG8sIOS4lueVjA==?=" },
	{ " padded ", "=?base64?IHBhZGRlZCA=?=" },
	{ "=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=" },
	{ "", "=?base64?" "?=" },
	{ "a\tb", "a\tb" },
	{ "a\nb", "=?base64?YQpi?=" },
	{ "=?base64?x", "=?base64?x" },
	{ "x?=", "x?=" },
	{ "=?BASE64?eA==?=", "=?BASE64?eA==?=" },
};

Test(header, sends_every_text_and_knows_it_again)
{
	struct buf	b;

	buf_init(&b, 256);
	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		buf_clear(&b);
		cr_assert(mcp_header_encode(&b, span_of(sent[i].text)) == 0);
		cr_expect(span_is(buf_rest(&b), sent[i].header), "row %zu: %.*s", i, SPAN_FMT(buf_rest(&b)));
		cr_expect(mcp_header_matches(buf_rest(&b), span_of(sent[i].text)) == 0, "row %zu", i);
		cr_expect(mcp_header_matches(buf_rest(&b), SPAN_LIT("other")) == E_MCP_HEADER, "row %zu", i);
	}
	cr_expect(mcp_header_matches(SPAN_LIT(" \tus-west1 "), SPAN_LIT("us-west1")) == 0, "blanks around");
	cr_expect(mcp_header_matches(SPAN_LIT("=?base64?dXM=?="), SPAN_LIT("us")) == 0, "needless base64");
	cr_expect(mcp_header_matches(SPAN_LIT("=?base64?dXM=?="), SPAN_LIT("usa")) == E_MCP_HEADER);
	cr_expect(mcp_header_matches(SPAN_LIT("=?base64?dXNh?="), SPAN_LIT("us")) == E_MCP_HEADER);
	buf_fini(&b);
}

Test(header, refuses_other_spellings_of_base64)
{
	static const char *const values[] = {
		"=?base64?eA?=",		/* no padding */
		"=?base64?eA=?=",
		"=?base64?eA===?=",
		"=?base64?eB==?=",		/* left-over bits */
		"=?base64?eHl=?=",
		"=?base64?e-_=?=",		/* the other alphabet */
		"=?base64?eA==eA==?=",		/* padding inside */
		"=?base64?e A=?=",
		"=?base64?=" "?=",
		"=?base64?====" "?=",
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		cr_expect(mcp_header_matches(span_of(values[i]), SPAN_LIT("x")) == E_MCP_HEADER, "%s", values[i]);
		cr_expect(mcp_header_matches(span_of(values[i]), SPAN_LIT("xy")) == E_MCP_HEADER, "%s", values[i]);
	}
}
