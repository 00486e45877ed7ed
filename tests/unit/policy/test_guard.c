/* SPDX-License-Identifier: Apache-2.0
 *
 * test_guard.c - where the gateway's own fetches may go
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "policy/guard.h"

struct row {
	const char	*url;
	bool		 operators, learnts;	/* may lead there */
};

static const struct row rows[] = {
	{ "https://auth.example/.well-known/x?y=1#z", true, true },
	{ "https://auth.example:8443/", true, true },
	{ "https://8.8.8.8/", true, true },
	{ "https://[2606:4700::1111]/", true, true },
	{ "http://auth.example/", true, false },
	{ "http://10.0.0.5:8080/mcp", true, false },
	{ "https://10.0.0.5/", true, false },
	{ "https://127.0.0.1/", true, false },
	{ "https://169.254.169.254/latest/meta-data", true, false },
	{ "https://168.63.129.16/", true, false },
	{ "https://100.64.0.1/", true, false },
	{ "https://0.0.0.0/", true, false },
	{ "https://[::1]/", true, false },
	{ "https://[::ffff:127.0.0.1]/", true, false },
	{ "https://[::ffff:a9fe:a9fe]/", true, false },
	{ "https://[64:ff9b::7f00:1]/", true, false },
	{ "https://[2002:7f00:1::]/", true, false },
	{ "https://[fd00::1]/", true, false },
	{ "https://[fe80::1]/", true, false },
	/* Spellings of addresses: what they are, and not how they are written, decides. */
	{ "https://2130706433/", true, false },
	{ "https://0x7f000001/", true, false },
	{ "https://0177.0.0.1/", true, false },
	{ "https://127.1/", true, false },
	{ "https://127.0.0.1.:443/", true, false },
	{ "https://[::1%25lo]/", false, false },
	/* Whose host is it? */
	{ "https://auth.example@127.0.0.1/", false, false },
	{ "https://127.0.0.1\\@auth.example/", false, false },
	{ "https://auth.example\\.evil.example/", false, false },
	{ "https://auth.example\t/", false, false },
	{ "https://auth.example /", false, false },
	{ "https:///path", false, false },
	{ "https:/auth.example/", false, false },
	{ "https://", false, false },
	{ "//auth.example/", false, false },
	{ "", false, false },
	{ "file:///etc/passwd", false, false },
	{ "gopher://auth.example/", false, false },
	{ "HTTPS://auth.example/", false, false },
	{ "https://auth.example:0/", false, false },
	{ "https://auth.example:65536/", false, false },
	{ "https://auth.example:443x/", false, false },
	{ "https://auth.example/a b", false, false },
	{ "https://auth.example/\r\nHost: x", false, false },
	{ "https://\xe2\x93\x94xample.example/", false, false },
};

Test(guard, lets_operators_go_anywhere_and_others_to_public_hosts_over_https)
{
	static char	 long_url[GUARD_URL_MAX + 2];
	struct guard	 g;
	const char	*why;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int learnt = 0; learnt < 2; learnt++) {
			bool	may = learnt ? rows[i].learnts : rows[i].operators;
			int	r = guard_begin(&g, span_of(rows[i].url), learnt, &why);

			cr_expect(eq(int, r, may ? 0 : E_DENIED), "row %zu, %d: %s", i, learnt, rows[i].url);
			cr_expect(may == (why == NULL), "row %zu, %d", i, learnt);
		}
	memset(long_url, 'a', sizeof(long_url) - 1);
	memcpy(long_url, "https://a.example/", 18);
	cr_expect(eq(int, guard_begin(&g, span_of(long_url), false, &why), E_DENIED));
}

static struct addr
address(const char *text)
{
	struct addr	a = { .family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET };

	cr_assert(inet_pton(a.family, text, a.bytes) == 1);
	return a;
}

Test(guard, looks_at_each_address_that_a_learnt_name_has)
{
	static const char *const	never[] = { "127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "0.0.0.0" };
	struct guard			g;
	struct addr			a;
	const char			*why;

	cr_assert(eq(int, guard_begin(&g, SPAN_LIT("https://rebound.example/"), true, &why), 0));
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		a = address(never[i]);
		cr_expect(guard_address(&g, &a) != NULL, "%s", never[i]);
	}
	cr_assert(eq(int, guard_begin(&g, SPAN_LIT("https://inside.example/"), false, &why), 0));
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		a = address(never[i]);
		cr_expect(guard_address(&g, &a) == NULL, "%s", never[i]);
	}
}

struct step {
	const char	*from, *to;
	int		 error;
	bool		 secrets, learnt;
	const char	*url;		/* afterwards; NULL: as to */
};

static const struct step steps[] = {
	{ "https://a.example/x", "https://a.example/y", 0, true, false, NULL },
	{ "https://a.example/x", "/y?z", 0, true, false, "https://a.example/y?z" },
	{ "https://a.example:8443/x", "/y", 0, true, false, "https://a.example:8443/y" },
	{ "https://a.example:443/x", "/y", 0, true, false, "https://a.example:443/y" },
	{ "https://a.example", "/y", 0, true, false, "https://a.example/y" },
	{ "https://a.example?q", "/y", 0, true, false, "https://a.example/y" },
	{ "https://a.example/x", "https://A.Example:443/y", 0, true, false, NULL },
	{ "http://10.0.0.5/x", "/y", 0, true, false, "http://10.0.0.5/y" },
	{ "https://a.example/x", "https://b.example/", 0, false, true, NULL },
	{ "https://a.example/x", "https://a.example:8443/", 0, false, true, NULL },
	{ "https://a.example/x", "http://a.example/", E_DENIED, false, true, NULL },
	{ "http://a.example/x", "https://a.example/", 0, false, true, NULL },
	{ "http://10.0.0.5/x", "http://10.0.0.6/", E_DENIED, false, true, NULL },
	{ "http://10.0.0.5/x", "https://10.0.0.6/", E_DENIED, false, true, NULL },
	{ "https://a.example/x", "https://127.0.0.1/", E_DENIED, false, true, NULL },
	{ "https://a.example/x", "//b.example/", E_DENIED, true, false, NULL },
	{ "https://a.example/x", "/\\b.example/", E_DENIED, true, false, NULL },
	{ "https://a.example/x", "y", E_DENIED, true, false, NULL },
	{ "https://a.example/x", "", E_DENIED, true, false, NULL },
	{ "https://a.example/x", "file:///etc/passwd", E_DENIED, true, false, NULL },
	{ "https://a.example/x", "https://a.example@b.example/", E_DENIED, true, false, NULL },
};

Test(guard, looks_at_each_redirect_anew)
{
	struct guard	g;
	const char	*why;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const struct step	*s = &steps[i];

		cr_assert(eq(int, guard_begin(&g, span_of(s->from), false, &why), 0), "row %zu", i);
		cr_expect(eq(int, guard_redirect(&g, span_of(s->to), &why), s->error), "row %zu: %s", i, why);
		cr_expect(s->error == 0 ? why == NULL : why != NULL, "row %zu", i);
		if (s->error != 0)
			continue;
		cr_expect(g.secrets == s->secrets && g.learnt == s->learnt, "row %zu", i);
		cr_expect(eq(str, g.text, (char *)(uintptr_t)(s->url != NULL ? s->url : s->to)), "row %zu", i);
	}
}

Test(guard, follows_three_redirects_and_gives_no_credential_back)
{
	struct guard	g;
	const char	*why;

	cr_assert(eq(int, guard_begin(&g, SPAN_LIT("https://a.example/"), false, &why), 0));
	cr_expect(eq(int, guard_redirect(&g, SPAN_LIT("https://b.example/"), &why), 0));
	cr_expect(eq(int, guard_redirect(&g, SPAN_LIT("https://a.example/"), &why), 0));
	cr_expect(not(g.secrets));
	cr_expect(g.learnt);
	cr_expect(eq(int, guard_redirect(&g, SPAN_LIT("/z"), &why), 0));
	cr_expect(eq(str, g.text, "https://a.example/z"));
	cr_expect(eq(int, guard_redirect(&g, SPAN_LIT("/z"), &why), E_DENIED));
	cr_expect(eq(str, (char *)(uintptr_t)why, "more than 3 redirects"));
}
