/* SPDX-License-Identifier: Apache-2.0
 *
 * test_endpoints.c - hosts of URLs, as a jail is to know them
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "ctl/import/endpoints.h"

static char	net[4096], hosts[4096];

static void
put(const struct endpoints *e)
{
	struct buf	b;

	buf_init(&b, sizeof(net));
	cr_assert(eq(int, endpoints_put_net(e, &b), 0));
	snprintf(net, sizeof(net), "%.*s", SPAN_FMT(buf_rest(&b)));
	buf_clear(&b);
	cr_assert(eq(int, endpoints_put_hosts(e, &b), 0));
	snprintf(hosts, sizeof(hosts), "%.*s", SPAN_FMT(buf_rest(&b)));
	buf_fini(&b);
}

Test(endpoints, of_other_machines_stay_as_they_are)
{
	struct endpoints	e = { .count = 0 };
	char			to[URL_TEXT], why[ENDPOINT_WHY];

	cr_assert(eq(int, endpoints_add(&e, "https://192.0.2.7/npm/", to, why), 0), "%s", why);
	cr_expect(eq(str, to, "https://192.0.2.7/npm/"));
	cr_assert(eq(int, endpoints_add(&e, "HTTP://u:p@192.0.2.7:8081", to, why), 0), "%s", why);
	cr_expect(eq(str, to, "http://u:p@192.0.2.7:8081"));
	cr_assert(eq(int, endpoints_add(&e, "https://192.0.2.7:443/other", to, why), 0), "%s", why);
	cr_assert(eq(int, endpoints_add(&e, "http://[2001:db8::1]/x", to, why), 0), "%s", why);
	cr_expect(eq(str, to, "http://[2001:db8::1]/x"));
	put(&e);
	cr_expect(eq(str, net, "[\"192.0.2.7:443\", \"192.0.2.7:8081\", \"[2001:db8::1]:80\"]"));
	cr_expect(eq(str, hosts, "net_hosts="));
	cr_expect(eq(int, e.renamed, 0));
}

Test(endpoints, of_this_machine_have_another_name_within)
{
	struct endpoints	e = { .count = 0 };
	char			to[URL_TEXT], why[ENDPOINT_WHY];

	cr_assert(eq(int, endpoints_add(&e, "http://127.0.0.1:4873/", to, why), 0), "%s", why);
	cr_expect(eq(str, to, "http://host-1.mcpgw.internal:4873/"));
	cr_assert(eq(int, endpoints_add(&e, "http://127.0.0.1:3128", to, why), 0), "%s", why);
	cr_expect(eq(str, to, "http://host-2.mcpgw.internal:18001"));
	cr_assert(eq(int, endpoints_add(&e, "http://10.1.1.1:3128", to, why), 0), "%s", why);
	put(&e);
	cr_expect(eq(str, net, "[\"host-1.mcpgw.internal:4873\", \"host-2.mcpgw.internal:18001\", "
	    "\"host-3.mcpgw.internal:18002\"]"));
	cr_expect(eq(str, hosts, "net_hosts=host-1.mcpgw.internal=127.0.0.1 host-2.mcpgw.internal=127.0.0.1:3128 "
	    "host-3.mcpgw.internal=10.1.1.1:3128 "));
	cr_expect(e.renamed);
	cr_expect(ne(int, endpoints_add(&e, "https://127.0.0.1:4873/", to, why), 0));
	cr_expect(strstr(why, "https would not have it") != NULL, "%s", why);
}

Test(endpoints, that_are_no_urls_are_refused)
{
	static const char *const texts[] = { "", "ftp://h.example/", "//h.example/", "http://", "http://:80/", "http://a b/",
		"http://h.example:0/", "http://h.example:70000/", "http://[::1/", "http://h.example:x", "http://a\\b",
		"http://h_x.example/" };
	struct endpoints	e = { .count = 0 };
	char			to[URL_TEXT], why[ENDPOINT_WHY];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cr_expect(ne(int, endpoints_add(&e, texts[i], to, why), 0), "%s", texts[i]);
		cr_expect(why[0] != '\0');
	}
	cr_expect(eq(sz, e.count, 0));
}
