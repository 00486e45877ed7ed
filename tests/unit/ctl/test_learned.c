/* SPDX-License-Identifier: Apache-2.0
 *
 * test_learned.c - what is made of the audit of a server that was learnt
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/show/learned.h"

static void
take(struct learned *l, const char *line)
{
	learned_take(span_of(line), l);
}

Test(learned, no_more_is_kept_than_a_list_may_have)
{
	const uint16_t		 had[] = { 443, 80, 443 };
	struct learned		*l = calloc(1, sizeof(*l));
	struct learned_lost	 lost;
	char			 line[128];

	cr_assert(l != NULL);
	take(l, "{\"address\":\"11.0.0.1:53\",\"object\":\"a.example:53\"}");
	take(l, "{\"address\":\"11.0.0.1:3128\",\"object\":\"a.example:3128\"}");
	for (int i = 0; i < 40; i++) {
		snprintf(line, sizeof(line), "{\"address\":\"11.0.0.1:1\",\"object\":\"a.example:%d\"}", 1000 + i);
		take(l, line);
	}
	take(l, "{\"address\":\"11.0.0.1:443\",\"object\":\"b.example:443\"}");
	learned_fit(l, had, 3, &lost);
	cr_expect(eq(sz, lost.own_port, 2));
	cr_expect(eq(sz, lost.ports, 10));
	cr_expect(eq(sz, lost.hosts, 0));
	cr_assert(eq(sz, l->count, 31));
	cr_expect(eq(str, l->host[0].text, "a.example:1000"));
	cr_expect(eq(str, l->host[30].text, "b.example:443"));

	l->count = 0;
	for (int i = 0; i < LEARNED_MAX; i++) {
		snprintf(line, sizeof(line), "{\"address\":\"11.0.0.1:1\",\"object\":\"a%d.example:443\"}", i);
		take(l, line);
	}
	learned_fit(l, had, 3, &lost);
	cr_expect(eq(sz, lost.hosts, 3));
	cr_expect(eq(sz, l->count, REACH_HOSTS_MAX - 3));
	free(l);
}

Test(learned, connections_are_counted_by_host_and_port)
{
	struct learned	*l = calloc(1, sizeof(*l));

	cr_assert(l != NULL);
	take(l, "{\"address\":\"11.0.0.1:443\",\"object\":\"api.docs.example:443\",\"bytes_out\":1000,\"bytes_in\":40000}");
	take(l, "{\"address\":\"11.0.0.1:443\",\"object\":\"API.docs.example.:443\",\"bytes_in\":1}");
	take(l, "{\"address\":\"11.0.0.1:443\",\"object\":\"api.docs.example:80\"}");
	take(l, "{\"address\":\"11.0.0.1:443\",\"object\":\"[2001:db8::0:1]:443\",\"bytes_out\":5}");
	take(l, "{\"address\":\"11.0.0.1:443\",\"object\":\"93.184.216.34:443\"}");
	/* Refused in the end: it went nowhere. */
	take(l, "{\"address\":\"10.0.0.1:443\",\"outcome\":\"refused\",\"object\":\"private.example:443\"}");
	take(l, "{\"object\":\"private.example:443\"}");
	cr_assert(eq(int, (int)l->count, 4));
	cr_expect(eq(str, l->host[0].text, "api.docs.example:443"));
	cr_expect(eq(u64, l->host[0].connections, 2));
	cr_expect(eq(u64, l->host[0].bytes, 41001));
	cr_expect(eq(str, l->host[1].text, "api.docs.example:80"));
	cr_expect(eq(str, l->host[2].text, "[2001:db8::1]:443"));
	cr_expect(eq(str, l->host[3].text, "93.184.216.34:443"));
	free(l);
}

/* A tool says where it goes, and must not write the configuration. */
Test(learned, what_is_no_host_and_port_is_passed_over)
{
	static const char *const	lines[] = {
		"", "x", "[]", "{}", "{\"address\":\"11.0.0.1:443\",\"object\":1}", "{\"address\":\"11.0.0.1:443\",\"object\":\"\"}", "{\"address\":\"11.0.0.1:443\",\"object\":\"a.example\"}",
		"{\"address\":\"11.0.0.1:443\",\"object\":\"*.example.com:443\"}", "{\"address\":\"11.0.0.1:443\",\"object\":\"a\\\"], \\\"command\\\": \\\"/bin/sh:443\"}",
		"{\"address\":\"11.0.0.1:443\",\"object\":\"a b.example:443\"}", "{\"address\":\"11.0.0.1:443\",\"object\":\"127.0.0.1:80\"}", "{\"address\":\"11.0.0.1:443\",\"object\":\"169.254.169.254:80\"}",
		"{\"address\":\"11.0.0.1:443\",\"object\":\"localhost:80\"}", "{\"address\":\"11.0.0.1:443\",\"object\":\"a.example:0\"}",
	};
	struct learned			*l = calloc(1, sizeof(*l));

	cr_assert(l != NULL);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		take(l, lines[i]);
		cr_expect(eq(int, (int)l->count, 0), "%s", lines[i]);
	}
	free(l);
}

Test(learned, no_more_hosts_are_taken_than_a_list_has)
{
	struct learned	*l = calloc(1, sizeof(*l));
	char		 line[64];

	cr_assert(l != NULL);
	for (int i = 0; i < LEARNED_MAX + 2; i++) {
		snprintf(line, sizeof(line), "{\"address\":\"11.0.0.1:443\",\"object\":\"h%d.example:443\"}", i);
		take(l, line);
	}
	cr_expect(eq(int, (int)l->count, LEARNED_MAX));
	cr_expect(l->more);
	free(l);
}
