/* SPDX-License-Identifier: Apache-2.0
 *
 * test_addr.c - addresses, and which of them are special
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "lib/addr.h"

static struct addr
addr(const char *text)
{
	struct addr	a = { .family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET };

	cr_assert(eq(int, inet_pton(a.family, text, a.bytes), 1), "%s", text);
	return a;
}

Test(addr, names_every_special_block_at_both_its_ends)
{
	static const struct {
		const char	*first, *last, *why;
	} rows[] = {
		{ "0.0.0.0", "0.255.255.255", "unspecified" },
		{ "10.0.0.0", "10.255.255.255", "private" },
		{ "100.64.0.0", "100.127.255.255", "shared (CGNAT)" },
		{ "127.0.0.0", "127.255.255.255", "loopback" },
		{ "169.254.0.0", "169.254.255.255", "link-local" },
		{ "172.16.0.0", "172.31.255.255", "private" },
		{ "192.0.0.0", "192.0.0.255", "reserved" },
		{ "192.0.2.0", "192.0.2.255", "documentation" },
		{ "192.88.99.0", "192.88.99.255", "reserved" },
		{ "168.63.129.16", "168.63.129.16", "metadata" },
		{ "192.168.0.0", "192.168.255.255", "private" },
		{ "198.18.0.0", "198.19.255.255", "benchmarking" },
		{ "198.51.100.0", "198.51.100.255", "documentation" },
		{ "203.0.113.0", "203.0.113.255", "documentation" },
		{ "224.0.0.0", "239.255.255.255", "multicast" },
		{ "240.0.0.0", "255.255.255.254", "reserved" },
		{ "255.255.255.255", "255.255.255.255", "broadcast" },
		{ "::", "::", "unspecified" },
		{ "::1", "::1", "loopback" },
		{ "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "private" },
		{ "100::", "100::ffff:ffff:ffff:ffff", "discard" },
		{ "100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff", "discard" },
		{ "2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved" },
		{ "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation" },
		{ "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "documentation" },
		{ "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved" },
		{ "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private" },
		{ "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local" },
		{ "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private" },
		{ "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast" },
		/* Not given out. */
		{ "4000::", "5eff::", "reserved" },
		{ "8000::", "fbff::", "reserved" },
		{ "::ffff:0:8.8.8.8", "::2:0:0", "reserved" },
	};
	struct addr	a;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		a = addr(rows[i].first);
		cr_expect(addr_special(&a) != NULL && strcmp(addr_special(&a), rows[i].why) == 0, "%s: %s",
		    rows[i].first, addr_special(&a));
		a = addr(rows[i].last);
		cr_expect(addr_special(&a) != NULL && strcmp(addr_special(&a), rows[i].why) == 0, "%s: %s",
		    rows[i].last, addr_special(&a));
	}
}

Test(addr, lets_public_addresses_beside_the_blocks_be)
{
	static const char *const rows[] = {
		"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0",
		"192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
		"198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
		"2000::1", "2001:200::1", "2001:db7::1", "2001:db9::1", "2606:4700::1111", "2a00::1", "3ffe::1",
		"3fff:1000::1",
	};
	struct addr	a;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		a = addr(rows[i]);
		cr_expect(addr_special(&a) == NULL, "%s: %s", rows[i], addr_special(&a));
	}
}

Test(addr, looks_at_the_ipv4_address_inside)
{
	static const struct {
		const char	*text, *why;
	} rows[] = {
		{ "::ffff:127.0.0.1", "loopback" }, { "::ffff:10.1.2.3", "private" }, { "::ffff:8.8.8.8", NULL },
		{ "::10.1.2.3", "private" }, { "::169.254.169.254", "link-local" }, { "::8.8.8.8", "reserved" },
		{ "64:ff9b::127.0.0.1", "loopback" }, { "64:ff9b::192.168.0.1", "private" },
		{ "64:ff9b::8.8.8.8", NULL },
		{ "2002:7f00:1::1", "loopback" }, { "2002:a9fe:a9fe::1", "link-local" }, { "2002:808:808::1", NULL },
		/* Teredo: the server as it is, the client turned over. */
		{ "2001:0:a01:203:0:0:f7f7:f7f7", "private" },
		{ "2001:0:808:808:0:0:80ff:fffe", "loopback" },
		{ "2001:0:808:808:0:0:f7f7:f7f7", NULL },
	};
	struct addr	 a;
	const char	*got;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		a = addr(rows[i].text);
		got = addr_special(&a);
		cr_expect(got == NULL ? rows[i].why == NULL : rows[i].why != NULL && strcmp(got, rows[i].why) == 0,
		    "%s: %s", rows[i].text, got);
	}
}

Test(addr, no_family_is_special)
{
	struct addr	a = { 0 };

	cr_expect(ne(ptr, (void *)addr_special(&a), NULL));
}

Test(addr, survives_the_way_through_a_sockaddr)
{
	static const struct {
		const char	*text, *shown;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1:443" }, { "2001:db8::1", "[2001:db8::1]:443" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:443" },
	};
	struct sockaddr_storage	ss;
	struct addr		a, b;
	uint16_t		port;
	char			text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		a = addr(rows[i].text);
		cr_assert(eq(int, addr_from_sockaddr((struct sockaddr *)&ss, addr_to_sockaddr(&a, 443, &ss), &b, &port), 0));
		cr_expect(addr_eq(&a, &b));
		cr_expect(eq(int, port, 443));
		addr_text(&b, port, text);
		cr_expect(eq(str, text, (char *)rows[i].shown));
		addr_text(&b, 0, text);
		cr_expect(eq(str, text, (char *)rows[i].text));
	}
}

Test(addr, takes_mapped_ones_for_ipv4_and_nothing_else_for_an_address)
{
	struct sockaddr_storage	ss;
	struct addr		a = addr("::ffff:192.0.2.1"), b, want = addr("192.0.2.1");
	uint16_t		port;
	socklen_t		n = addr_to_sockaddr(&a, 1, &ss);

	cr_assert(eq(int, addr_from_sockaddr((struct sockaddr *)&ss, n, &b, &port), 0));
	cr_expect(addr_eq(&b, &want));
	cr_expect(eq(int, addr_from_sockaddr((struct sockaddr *)&ss, n - 1, &b, &port), E_FORMAT));
	ss.ss_family = AF_UNIX;
	cr_expect(eq(int, addr_from_sockaddr((struct sockaddr *)&ss, sizeof(ss), &b, &port), E_FORMAT));
}
