/* SPDX-License-Identifier: Apache-2.0
 *
 * test_url.c - which urls are of this machine
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "lib/url.h"

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
