/* SPDX-License-Identifier: Apache-2.0
 *
 * test_url.c - which urls are none, and which are of this machine
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "lib/url.h"

Test(url, is_none_by_any_letter_of_it)
{
	static const struct { struct span text; const char *wrong; } rows[] = {
		{ SPAN_LIT("ftp://a/"), "want http" }, { SPAN_LIT("http:///x"), "names no host" },
		{ SPAN_LIT("http://u:p@h/"), "no place in a url" }, { SPAN_LIT("http://a_b c/"), "names no host" },
		{ SPAN_LIT("http://a/ b"), "%-encoded" }, { SPAN_LIT("http://a?b\r\nc"), "%-encoded" },
		{ SPAN_LIT("http://a/#b\r\nc"), "%-encoded" }, { SPAN_LIT("http://a/\xc3\xa9"), "%-encoded" },
		{ SPAN_LIT("http://a/\0b"), "%-encoded" }, { SPAN_LIT("http://a:0/"), "the port" },
		{ SPAN_LIT("http://a:65536/"), "the port" }, { SPAN_LIT("http://a:b:1/"), "the port" },
		{ SPAN_LIT("http://[::1/"), "names no host" }, { SPAN_LIT("http://[:nn"), "names no host" },
		{ SPAN_LIT("http://[]/"), "names no host" }, { SPAN_LIT("http://[a.example]/"), "names no host" },
		{ SPAN_LIT("http://[::1\0]/"), "%-encoded" }, { SPAN_LIT("http://[::1]x/"), "the port" },
	};
	const char	*wrong;
	struct url	 u;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wrong = url_parse(rows[i].text, &u);
		cr_expect(wrong != NULL && strstr(wrong, rows[i].wrong) != NULL, "%s: %s", rows[i].text.p,
		    wrong == NULL ? "taken" : wrong);
	}
	cr_assert(url_parse(SPAN_LIT("https://[2001:db8::1]:8443/a?b#c"), &u) == NULL);
	cr_expect(span_is(u.host, "2001:db8::1") && u.port == 8443 && span_is(u.target, "/a?b"));
}

Test(url, is_of_this_machine_only_when_no_name_server_says_so)
{
	static const struct { const char *text; bool here; } rows[] = {
		{ "http://127.0.0.1:80/mcp", true }, { "http://127.200.3.4", true }, { "https://localhost:1/", true },
		{ "http://LOCALHOST/", true }, { "http://[::1]:8080/x", true }, { "https://127.evil.example/x", false },
		{ "http://127.0.0.1.example/", false }, { "http://126.0.0.1/", false }, { "http://[::2]/", false },
		{ "http://localhost.example/", false }, { "http://127.1/", false },
	};
	struct url	u;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert(url_parse(span_of(rows[i].text), &u) == NULL, "%s", rows[i].text);
		cr_expect(eq(int, url_is_loopback(&u), rows[i].here), "%s", rows[i].text);
	}
}
