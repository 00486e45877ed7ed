/* SPDX-License-Identifier: Apache-2.0
 *
 * test_clientfile.c - a client's file leads to the gateway, and back, and keeps every byte that is none of ours
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "ctl/files/clientfile.h"

#define ENTRY	SPAN_LIT("{\"command\": \"mcpgw-stdio\"}")
#define WAY_IN	"\"mcpgw\": {\"command\": \"mcpgw-stdio\"}"

static const char *const keys[] = { "mcpServers", NULL };

/* Those with a name of one letter. */
static bool
goes(struct span name, const struct conf_node *entry, void *arg)
{
	(void)entry;
	(void)arg;
	return name.n == 1;
}

static int
swap(const char *text, struct buf *out, size_t *gone)
{
	return clientfile_swap(span_of(text), keys, ENTRY, goes, NULL, out, gone);
}

static const struct {
	const char	*was, *now;
	size_t		 gone;
} rows[] = {
	{ "", "{\"mcpServers\": {" WAY_IN "}\n}\n", 0 },
	{ "{}", "{\"mcpServers\": {" WAY_IN "}}", 0 },
	{ "{\"mcpServers\":{\"a\":{\"command\":\"npx\"}}}", "{\"mcpServers\":{" WAY_IN "}}", 1 },
	{ "{\"x\": [1, 2],\n \"mcpServers\": {\n  \"a\": {\n    \"command\": \"x\"\n  },\n  \"kept\": {}, // why\n  \"b\": {}\n }\n}\n",
	    "{\"x\": [1, 2],\n \"mcpServers\": {\n  \"kept\": {}, // why\n  " WAY_IN "\n }\n}\n", 2 },
	{ "{\n\t\"mcpServers\": {\n\t\t\"a\": {}, /* one */\n\t\t\"b\": {},\n\t},\n}", "{\n\t\"mcpServers\": {\n\t\t" WAY_IN
	    ",\n\t},\n}", 2 },
};

Test(clientfile, has_one_entry_for_those_that_go_and_is_restored_byte_for_byte)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf	out, back, again;
		size_t		gone;
		bool		exact;

		buf_init(&out, 1 << 20);
		buf_init(&back, 1 << 20);
		buf_init(&again, 1 << 20);
		cr_assert(eq(int, swap(rows[i].was, &out, &gone), 0), "row %zu", i);
		cr_expect(eq(sz, gone, rows[i].gone), "row %zu", i);
		cr_expect(span_is(buf_rest(&out), rows[i].now), "row %zu:\n%.*s", i, SPAN_FMT(buf_rest(&out)));
		cr_expect(eq(int, clientfile_swap(buf_rest(&out), keys, ENTRY, goes, NULL, &again, &gone), E_EXISTS));
		cr_assert(eq(int, clientfile_back(span_of(rows[i].was), buf_rest(&out), keys, &back, &exact), 0));
		cr_expect(exact && span_is(buf_rest(&back), rows[i].was), "row %zu:\n%.*s", i, SPAN_FMT(buf_rest(&back)));
		buf_fini(&out);
		buf_fini(&back);
		buf_fini(&again);
	}
}

Test(clientfile, keeps_what_was_changed_meanwhile)
{
	static const char	was[] = "{\"mcpServers\": {\"a\": {\"env\": {\"X\":  \"1\"}}, \"kept\": 1}}";
	static const char	now[] = "{\"mcpServers\": {\"kept\": 2, " WAY_IN ", \"fresh\": {}}}";
	struct buf		back;
	bool			exact;

	buf_init(&back, 1 << 20);
	cr_assert(eq(int, clientfile_back(span_of(was), span_of(now), keys, &back, &exact), 0));
	cr_expect(eq(int, exact, 0));
	cr_expect(span_is(buf_rest(&back), "{\"mcpServers\": {\"kept\": 2, \"fresh\": {}, \"a\": {\"env\": {\"X\":  \"1\"}}}}"),
	    "%.*s", SPAN_FMT(buf_rest(&back)));
	buf_clear(&back);
	cr_expect(eq(int, clientfile_back(span_of(was), SPAN_LIT("{\"mcpServers\": {}}"), keys, &back, &exact), E_NOTFOUND));
	cr_expect(eq(int, clientfile_back(span_of(was), SPAN_LIT("[]"), keys, &back, &exact), E_FORMAT));
	buf_fini(&back);
}

Test(clientfile, of_another_form_is_left_alone)
{
	static const char *const texts[] = { "[]", "{\"mcpServers\": []}", "{", "null", "{\"mcpServers\": {\"a\": 1,,}}" };
	struct buf		out;
	size_t			gone;

	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect(eq(int, swap(texts[i], &out, &gone), E_FORMAT), "row %zu", i);
	buf_fini(&out);
}
