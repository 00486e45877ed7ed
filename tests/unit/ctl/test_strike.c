/* SPDX-License-Identifier: Apache-2.0
 *
 * test_strike.c - what is struck out of texts that somebody else may read, and what is not
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/files/strike.h"
#include "ctl/files/tar.h"

static struct strike	s;

static void
teardown(void)
{
	strike_free(&s);
}

enum how { JSON, LINES, YAML, TEXT };

/* In a static buffer. */
static const char *
struck(enum how how, const char *text, int *r)
{
	static char	out[8192];
	struct buf	b;

	buf_init(&b, sizeof(out) - 1);
	*r = how == JSON ? strike_json(&s, span_of(text), &b) : how == TEXT ? strike_text(&s, span_of(text), &b) :
	    strike_lines(&s, span_of(text), how == YAML, &b);
	snprintf(out, sizeof(out), "%.*s", SPAN_FMT(buf_rest(&b)));
	buf_fini(&b);
	return out;
}

Test(strike, places_of_secrets_lose_their_values_and_nothing_else, .fini = teardown)
{
	static const struct {
		enum how	 how;
		const char	*text, *want;
	} rows[] = {
		{ JSON, "{\"env\": {\"A\": \"hidden-a\", \"B\": 12, \"C\": \"${secret:X}\"}, \"x\": \"seen\"}",
		    "{\"env\": {\"A\": \"***\", \"B\": \"***\", \"C\": \"${secret:X}\"}, \"x\": \"seen\"}" },
		{ JSON, "{\"headers\":{\"X\":\"hidden-b\"}} // env", "{\"headers\":{\"X\":\"***\"}} // env" },
		{ JSON, "{ /* {\" */ \"api_key\" : \"hidden-c\" , \"keys\": [\"seen\"],}",
		    "{ /* {\" */ \"api_key\" : \"***\" , \"keys\": [\"seen\"],}" },
		{ JSON, "{\"args\":[\"--api-key\",\"hidden-d\",\"--token=hidden-e\",\"--port\",\"80\",\"KEY=hidden-f\"]}",
		    "{\"args\":[\"--api-key\",\"***\",\"--token=***\",\"--port\",\"80\",\"KEY=***\"]}" },
		{ JSON, "{\"env\":{\"deep\":{\"er\":[\"hidden-g\"]}},\"token\":null}",
		    "{\"env\":{\"deep\":{\"er\":[\"***\"]}},\"token\":null}" },
		{ JSON, "{\"env\":{\"A\":\"hid\\\"den\"}}", "{\"env\":{\"A\":\"***\"}}" },
		{ LINES, "# key = x\nlisten = 127.0.0.1:1\nadmin_token=hidden-h\n",
		    "# key = x\nlisten = 127.0.0.1:1\nadmin_token= ***\n" },
		{ YAML, "tools:\n  - name: x\n    env:\n      A: hidden-i\n      B: |\n        hidden-j\n    command: seen\n",
		    "tools:\n  - name: x\n    env:\n      A: ***\n      B: ***\n***\n    command: seen\n" },
		{ YAML, "env: {A: hidden-k}\nx: seen", "env: ***\nx: seen" },
		{ JSON, "{\"env\":{\"A\":\"${A:-hidden-l}\"}}", "{\"env\":{\"A\":\"***\"}}" },
		{ YAML, "- token: |\n    hidden-m\n    is: hidden-n\n  x: seen", "- token: ***\n***\n***\n  x: seen" },
		{ YAML, "password:\n  hidden-o\nx: seen", "password:\n***\nx: seen" },
		{ YAML, "args:\n  - --token\n  - hidden-p\n  - --key=hidden-q:r\n  - --port\n  - seen",
		    "args:\n  - --token\n  - ***\n  - --key=***\n  - --port\n  - seen" },
		{ YAML, "a: {b: 1, env: {A: hidden-r}}\nargs: [--token, hidden-s]\n- {x: 1, token: hidden-t}\nx: [seen]",
		    "a: ***\nargs: ***\n***\nx: [seen]" },
		{ YAML, "env:\n  A: >\n    some: hidden-u\nx: seen", "env:\n  A: ***\n***\nx: seen" },
		{ LINES, "api_key =\n\thidden-v\nx = seen\n y", "api_key =\n***\nx = seen\n y" },
	};
	int	r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char	*got = struck(rows[i].how, rows[i].text, &r);

		cr_expect(r == 0 && strcmp(got, rows[i].want) == 0, "row %zu: %d: %s", i, r, got);
	}
	/* What stood there is found elsewhere, also where it was written with escapes. */
	cr_expect(strcmp(struck(TEXT, "said hidden-a, hidden-e; hid\"den and hidden-z", &r), "said ***, ***; *** and hidden-z")
	    == 0, "%s", struck(TEXT, "said hidden-a, hidden-e; hid\"den and hidden-z", &r));
}

Test(strike, what_looks_like_a_key_goes_and_names_and_hashes_stay, .fini = teardown)
{
	static const struct {
		const char	*text, *want;
	} rows[] = {
		{ "https://user:pass@host/x", "https://***@host/x" },
		{ "https://host/a@b", "https://host/a@b" },
		{ "Authorization: Bearer abc.def", "Authorization: Bearer ***" },
		{ "GET /x?api_key=abcdef&y=1", "GET /x?api_key=***&y=1" },
		{ "\"X-Api-Key\":\"abcdef12\"", "\"X-Api-Key\":\"***\"" },
		{ "// \"API_KEY\": \"hunter-2\",", "// \"API_KEY\": \"***\"," },
		{ "# token = 'hunter-2'", "# token = '***'" },
		{ "key is ghp_0123456789abcdef.", "key is ***" },
		{ "sk-proj-1234567890", "***" },
		{ "mgk_7f3a0c12 is a name, mgk_7f3a0c12AbCdEfGh is none", "mgk_7f3a0c12 is a name, *** is none" },
		{ "Zm9vYmFyMTIzNDU2Nzg5QUJD", "***" },
		{ "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n",
		    "***-----END RSA PRIVATE KEY-----\n" },
		{ "9f07aa00bb11cc22dd33ee44ff5566778899aabbccddeeff0011223344556677", NULL },
		{ "request r-7Q2K4M9CABCD of tool postgres.drop_table", NULL },
		{ "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", NULL },
		{ "rules.json:15:22: error: agents.backend.deny.tools.postgres[1]", NULL },
		{ "tokens: 12, sort key=name", NULL },
	};
	int	r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char	*got = struck(TEXT, rows[i].text, &r), *want = rows[i].want == NULL ? rows[i].text :
				    rows[i].want;

		cr_expect(r == 0 && strcmp(got, want) == 0, "row %zu: %s", i, got);
	}
}

Test(strike, what_is_not_understood_is_not_shown, .fini = teardown)
{
	static const char *const	texts[] = { "{\"env\":{\"A\":\"x", "{]", "{\"a\":1", "}", "/* ", "{\"a\":?}" };
	int				r;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		(void)struck(JSON, texts[i], &r);
		cr_expect(eq(int, r, E_FORMAT), "row %zu", i);
	}
}

Test(tar, is_read_by_tar)
{
	char	 path[] = "/tmp/mcpgw-tar-XXXXXX", command[128], got[64] = "", large[1000];
	int	 fd = mkstemp(path);
	FILE	*f;

	if (system("command -v tar >/dev/null 2>&1") != 0)
		cr_skip("no tar here");
	memset(large, 'x', sizeof(large));
	cr_assert(fd != -1);
	cr_expect(eq(int, tar_put(fd, "a/empty", SPAN_NONE, 0), 0));
	cr_expect(eq(int, tar_put(fd, "a/large", span_make(large, sizeof(large)), 1700000000000), 0));
	cr_expect(eq(int, tar_put(fd, "a/last", SPAN_LIT("the end\n"), 1700000000000), 0));
	memset(large, 'n', 200);
	large[200] = '\0';
	cr_expect(eq(int, tar_put(fd, large, SPAN_NONE, 0), E_TOOBIG));
	cr_expect(eq(int, tar_end(fd), 0));
	close(fd);
	snprintf(command, sizeof(command), "tar tf %s | wc -l; tar xOf %s a/last", path, path);
	f = popen(command, "r");
	cr_assert(f != NULL);
	(void)!fread(got, 1, sizeof(got) - 1, f);
	cr_expect(eq(int, pclose(f), 0));
	cr_expect(strcmp(got, "3\nthe end\n") == 0, "%s", got);
	unlink(path);
}
