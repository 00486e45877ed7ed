/* SPDX-License-Identifier: Apache-2.0
 *
 * test_addr_net.c - networks of IP addresses
 */
#include <criterion/criterion.h>

#include "lib/addr_net.h"

Test(addr_net, reads_addresses_and_nothing_else)
{
	static const struct { const char *text; int r; uint16_t family; } rows[] = {
		{ "192.0.2.1", 0, AF_INET }, { "2001:db8::1", 0, AF_INET6 }, { "[2001:db8::1]", 0, AF_INET6 },
		{ "::ffff:192.0.2.1", 0, AF_INET }, { "", E_FORMAT, 0 }, { "192.0.2", E_FORMAT, 0 }, { "192.0.2.1 ", E_FORMAT, 0 },
		{ "[192.0.2.1]", E_FORMAT, 0 }, { "unknown", E_FORMAT, 0 }, { "192.0.2.256", E_FORMAT, 0 },
		{ "fe80::1%eth0", E_FORMAT, 0 }, { "[]", E_FORMAT, 0 }, { "[2001:db8::1", E_FORMAT, 0 },
		{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", E_FORMAT, 0 },
	};
	struct addr	a;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(addr_parse(span_of(rows[i].text), &a) == rows[i].r, "%s", rows[i].text);
		cr_expect(rows[i].r != 0 || a.family == rows[i].family, "%s", rows[i].text);
	}
}

Test(addr_net, knows_what_is_in_it)
{
	static const struct { const char *net, *address; bool in; } rows[] = {
		{ "10.0.0.0/8", "10.255.0.1", true }, { "10.0.0.0/8", "11.0.0.1", false },
		{ "192.0.2.128/25", "192.0.2.128", true }, { "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.7", "192.0.2.7", true }, { "192.0.2.7", "192.0.2.6", false }, { "0.0.0.0/0", "1.2.3.4", true },
		{ "0.0.0.0/0", "2001:db8::1", false }, { "2001:db8::/33", "2001:db8:7fff::", true },
		{ "2001:db8::/33", "2001:db8:8000::", false }, { "10.0.0.0/8", "::ffff:10.1.1.1", true },
	};
	struct addr_net	n;
	struct addr	a;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert(addr_net_parse(span_of(rows[i].net), &n) == 0 && addr_parse(span_of(rows[i].address), &a) == 0);
		cr_expect(addr_net_has(&n, &a) == rows[i].in, "%s %s", rows[i].net, rows[i].address);
	}
	cr_expect(addr_net_parse(SPAN_LIT("10.0.0.1/8"), &n) == E_RANGE && n.bits == 8);
	cr_expect(addr_net_parse(SPAN_LIT("10.0.0.0/33"), &n) == E_FORMAT);
	cr_expect(addr_net_parse(SPAN_LIT("10.0.0.0/"), &n) == E_FORMAT);
	cr_expect(addr_net_parse(SPAN_LIT("/8"), &n) == E_FORMAT);
}
