/* SPDX-License-Identifier: Apache-2.0
 *
 * test_proxied.c - whose word about a client's address counts, and which of several
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "worker/front/proxied.h"

#define X	"X-Forwarded-For: "
#define F	"Forwarded: "

static const struct {
	const char	*from, *fields;
	bool		 rfc;
	const char	*want;		/* "": it is not known */
} rows[] = {
	/* Nobody but the proxies is asked. */
	{ "198.51.100.1", X "192.0.2.1\r\n", false, "198.51.100.1" },
	{ "10.0.0.1", X "192.0.2.1\r\n", false, "192.0.2.1" },
	{ "10.0.0.1", "", false, "10.0.0.1" },
	/* What stands before the last address that is no proxy's is the client's own word. */
	{ "10.0.0.1", X "127.0.0.1, 192.0.2.1\r\n", false, "192.0.2.1" },
	{ "10.0.0.1", X "127.0.0.1, 192.0.2.1, 10.0.0.2\r\n", false, "192.0.2.1" },
	{ "10.0.0.1", X "127.0.0.1\r\n" X "192.0.2.1\r\n" X "10.0.0.2\r\n", false, "192.0.2.1" },
	{ "10.0.0.1", X "10.0.0.3, 10.0.0.2\r\n", false, "10.0.0.3" },
	{ "10.0.0.1", X ", ,192.0.2.1 ,\r\n", false, "192.0.2.1" },
	{ "10.0.0.1", X "192.0.2.1:4711\r\n", false, "192.0.2.1" },
	{ "10.0.0.1", X "[2001:db8::1]:4711\r\n", false, "2001:db8::1" },
	{ "10.0.0.1", X "2001:db8::1\r\n", false, "2001:db8::1" },
	{ "fd00::1", X "192.0.2.1\r\n", false, "192.0.2.1" },
	/* No address is none, and not the one before it. */
	{ "10.0.0.1", X "192.0.2.1, unknown\r\n", false, "" },
	{ "10.0.0.1", X "192.0.2.1, 10.0.0.2:x\r\n", false, "" },
	{ "10.0.0.1", X "192.0.2.1:70000\r\n", false, "" },
	/* One header counts. */
	{ "10.0.0.1", F "for=192.0.2.1\r\n", false, "10.0.0.1" },
	{ "10.0.0.1", X "127.0.0.1\r\n" F "for=192.0.2.1\r\n", true, "192.0.2.1" },
	{ "10.0.0.1", F "for=127.0.0.1, For=\"192.0.2.1:80\";proto=https;by=10.0.0.1\r\n", true, "192.0.2.1" },
	{ "10.0.0.1", F "by=10.0.0.1;for=\"[2001:db8::1]:80\"\r\n", true, "2001:db8::1" },
	{ "10.0.0.1", F "for=192.0.2.1;host=\"a,for=127.0.0.1\"\r\n", true, "192.0.2.1" },
	{ "10.0.0.1", F "for=192.0.2.1;host=\"a;for=127.0.0.1\"\r\n", true, "192.0.2.1" },
	{ "10.0.0.1", F "for=192.0.2.1, for=_hidden\r\n", true, "" },
	/* A quote that the client left open swallows nothing of what the proxy wrote behind it. */
	{ "10.0.0.1", F "for=127.0.0.1;x=\", for=192.0.2.1\r\n", true, "" },
	{ "10.0.0.1", F "for=127.0.0.1;x=\", for=\"[2001:db8::1]:80\"\r\n", true, "" },
	{ "10.0.0.1", F "for=127.0.0.1;x=\"\\\", for=192.0.2.1\r\n", true, "" },
	{ "10.0.0.1", F "for=127.0.0.1;x=\"\r\n" F "for=192.0.2.1\r\n", true, "192.0.2.1" },
	{ "10.0.0.1", F "for=127.0.0.1;x=\"\r\n" F "for=10.0.0.2\r\n", true, "" },
	{ "10.0.0.1", F "for=127.0.0.1;x=\"\\\\\", for=192.0.2.1\r\n", true, "192.0.2.1" },
	{ "10.0.0.1", F "for=127.0.0.1;x=\\\"a\", for=192.0.2.1\r\n", true, "192.0.2.1" },
	{ "10.0.0.1", F "for=192.0.2.1;host=\"a\\\";for=127.0.0.1;b=\\\"\"\r\n", true, "192.0.2.1" },
	{ "10.0.0.1", F "host=\"a\\\";for=127.0.0.1;b=\\\"\";for=192.0.2.1\r\n", true, "192.0.2.1" },
	{ "10.0.0.1", X "127.0.0.1, \", 192.0.2.1\r\n", false, "192.0.2.1" },
	{ "10.0.0.1", F "for=192.0.2.1, proto=https\r\n", true, "" },
};

static void
look(size_t i)
{
	static struct config	config;
	static struct exchange	x;
	char			text[1024], got[ADDR_TEXT_MAX] = "";
	struct addr		a;

	memset(&config, 0, sizeof(config));
	memset(&x, 0, sizeof(x));
	cr_assert(addr_net_parse(SPAN_LIT("10.0.0.0/8"), &config.proxies[0]) == 0);
	cr_assert(addr_net_parse(SPAN_LIT("fd00::/8"), &config.proxies[1]) == 0);
	config.proxy_count = 2;
	config.params.forwarded_header = rows[i].rfc ? FORWARDED_RFC7239 : FORWARDED_X_FOR;
	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", rows[i].fields);
	http_head_init(&x.head, HTTP_REQUEST);
	cr_assert(http_head_parse(&x.head, text, strlen(text)) == 0);
	cr_assert(addr_parse(span_of(rows[i].from), &a) == 0);
	x.peer.family = a.family;
	memcpy(x.peer.address, a.bytes, sizeof(a.bytes));
	proxied_look(&config, &x);
	a.family = x.peer.family;
	memcpy(a.bytes, x.peer.address, sizeof(a.bytes));
	if (a.family != 0)
		addr_text(&a, 0, got);
	cr_expect(strcmp(got, rows[i].want) == 0, "%zu: %s, not %s", i, got, rows[i].want);
}

Test(proxied, believes_proxies_alone_and_the_last_word_of_them)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		look(i);
}
