/* SPDX-License-Identifier: Apache-2.0
 *
 * test_batch.c - arrays of messages: taken apart, or refused as a whole
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "mcp/batch.h"

#define ASK(id)		"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"ping\"}"
#define NOTE		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}"
#define ANSWER(id)	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{}}"
#define CLAIM(value)	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"_meta\":{"	\
	"\"io.modelcontextprotocol/protocolVersion\":" value "}}}"

static struct rpc_scan	*scan;
static struct batch	 batch;

static void
set_up(void)
{
	cr_assert(rpc_scan_new(&scan) == 0);
}

static void
tear_down(void)
{
	rpc_scan_free(&scan);
}

TestSuite(batch, .init = set_up, .fini = tear_down);

static int
read_text(const char *text)
{
	batch_read(scan, span_of(text), &batch);
	return batch.error;
}

Test(batch, keeps_each_message_and_the_ids_to_echo)
{
	cr_assert(read_text(" [ " ASK("1") " ," NOTE ",\n" ASK("\"1\\u0041\"") "," ASK("-123456789012345678901")
	    " ]\r\n") == 0);
	cr_expect(batch.count == 4 && batch.requests == 3);
	cr_expect(span_is(batch.part[0].text, ASK("1")) && span_is(batch.part[0].id, "1"));
	cr_expect(span_is(batch.part[1].text, NOTE) && batch.part[1].id.n == 0);
	cr_expect(span_is(batch.part[2].id, "\"1\\u0041\""));
	cr_expect(span_is(batch.part[3].text, ASK("-123456789012345678901")) &&
	    span_is(batch.part[3].id, "-123456789012345678901"));
}

Test(batch, takes_one_message_and_answers_and_notifications)
{
	cr_expect(read_text("[" ASK("1") "]") == 0 && batch.count == 1 && batch.requests == 1);
	cr_expect(read_text("[" NOTE "]") == 0 && batch.count == 1 && batch.requests == 0);
	cr_expect(read_text("[" ANSWER("7") "," NOTE "," ANSWER("8") "]") == 0 && batch.count == 3 &&
	    batch.requests == 0);
	for (size_t i = 0; i < batch.count; i++)
		cr_expect(batch.part[i].id.n == 0, "nobody answers an answer");
}

Test(batch, is_refused_as_a_whole)
{
	static const struct { const char *text, *why; } rows[] = {
		{ "[]", "empty" },
		{ " [ ]\n", "empty" },
		{ "[7]", "object" },
		{ "[null]", "object" },
		{ "[\"a\"]", "object" },
		{ "[" ASK("1") ",{}]", "jsonrpc" },
		{ "[" ASK("1") ",[" ASK("2") "]]", "object" },
		{ "[[]]", "object" },
		{ "[" ASK("null") "]", "id" },
		{ "[" ASK("1.5") "]", "id" },
		{ "[{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}]", "twice" },
		{ "[" NOTE ",{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{}}]", "initialize" },
		{ "[{\"jsonrpc\":\"2.0\",\"method\":\"initialize\"}]", "initialize" },
		{ "[" ASK("1") "," CLAIM("\"2026-07-28\"") "]", "claims" },
		{ "[" CLAIM("\"2025-03-26\"") "]", "claims" },
		{ "[" CLAIM("7") "]", "claims" },
		{ "[" ASK("1") "," ANSWER("2") "]", "not both" },
		{ "[" ANSWER("2") "," NOTE "," ASK("1") "]", "not both" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(read_text(rows[i].text) == E_RPC_BATCH, "%s: %d", rows[i].text, batch.error);
		cr_expect(batch.why != NULL && strstr(batch.why, rows[i].why) != NULL, "%s: %s", rows[i].text,
		    batch.why == NULL ? "(nothing)" : batch.why);
	}
}

Test(batch, has_at_most_a_hundred_messages)
{
	static char	text[64 * 1024];
	size_t		n = 1;

	text[0] = '[';
	for (int i = 0; i < BATCH_MAX; i++)
		n += (size_t)sprintf(text + n, "%s" NOTE, i == 0 ? "" : ",");
	strcpy(text + n, "]");
	cr_expect(read_text(text) == 0 && batch.count == 100);
	strcpy(text + n, "," NOTE "]");
	cr_expect(read_text(text) == E_RPC_BATCH && strstr(batch.why, "too many") != NULL);
	/* What stands behind is not even looked at. */
	strcpy(text + n, "," NOTE ",7]");
	cr_expect(read_text(text) == E_RPC_BATCH && strstr(batch.why, "too many") != NULL);
}
