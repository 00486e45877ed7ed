/* SPDX-License-Identifier: Apache-2.0
 *
 * test_reach.c - hosts as they are written and asked for, and what lets them pass
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/fd.h"
#include "policy/build.h"
#include "policy/reach.h"

/* How a host reads: its name, or its address; "" when it is refused, and then says why. */
static const char *
read_host(struct span text)
{
	static char		shown[REACH_NAME_MAX + 1];
	struct reach_host	h;
	const char		*why = NULL;

	if (reach_host_parse(text, &h, &why) != 0) {
		cr_expect(ne(ptr, (void *)why, NULL));
		cr_expect(h.name[0] == '\0' && h.address.family == 0);
		return "";
	}
	if (!h.is_address)
		return strcpy(shown, h.name);
	cr_expect(eq(str, h.name, ""));
	addr_text(&h.address, 0, shown);
	return shown;
}

struct row {
	const char	*text, *want;
};

static void
expect_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		cr_expect(eq(str, (char *)read_host(span_of(rows[i].text)), (char *)rows[i].want), "%s", rows[i].text);
}

Test(reach, makes_names_canonical)
{
	static const struct row	rows[] = {
		{ "api.docs.example", "api.docs.example" }, { "API.Docs.EXAMPLE", "api.docs.example" },
		{ "api.docs.example.", "api.docs.example" }, { "localhost", "localhost" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" }, { "a--b.c", "a--b.c" }, { "1.2.3.com", "1.2.3.com" },
		{ "4chan", "4chan" }, { "0xg", "0xg" }, { "a.0x1g", "a.0x1g" },
	};

	expect_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

Test(reach, refuses_what_is_no_name)
{
	static const struct row	rows[] = {
		{ "", "" }, { ".", "" }, { "..", "" }, { "a..b", "" }, { ".a", "" }, { "a..", "" }, { "a.b..", "" },
		{ "-a.example", "" }, { "a-.example", "" }, { "-", "" }, { "a.-", "" },
		{ "a_b.example", "" }, { "_dmarc.example", "" }, { "b\303\274cher.example", "" },
		{ "a\357\274\216example", "" }, { "a b", "" }, { " a", "" }, { "a ", "" }, { "a\n", "" }, { "a\t", "" },
		{ "a\177", "" }, { "a/b", "" }, { "a@b", "" }, { "a\\b", "" }, { "a%2eb", "" }, { "*.a.example", "" },
		{ "a?b", "" }, { "a#b", "" }, { "a,b", "" },
	};

	expect_rows(rows, sizeof(rows) / sizeof(rows[0]));
	/* The name that one reader ends at the NUL, and another one does not. */
	cr_expect(eq(str, (char *)read_host(SPAN_LIT("evil.example\0.docs.example")), ""));
	cr_expect(eq(str, (char *)read_host(SPAN_LIT("docs.example\0")), ""));
	cr_expect(eq(str, (char *)read_host(SPAN_LIT("\0")), ""));
	cr_expect(eq(str, (char *)read_host(SPAN_LIT("127.0.0.1\0")), ""));
	cr_expect(eq(str, (char *)read_host(SPAN_LIT("[::1]\0")), ""));
	cr_expect(eq(str, (char *)read_host(SPAN_LIT("::1\0:")), ""));
}

Test(reach, takes_every_spelling_of_an_address_for_an_address)
{
	static const struct row	rows[] = {
		{ "127.0.0.1", "127.0.0.1" }, { "127.1", "127.0.0.1" }, { "127.0.1", "127.0.0.1" },
		{ "0177.0.0.1", "127.0.0.1" }, { "0x7f000001", "127.0.0.1" }, { "0X7F000001", "127.0.0.1" },
		{ "2130706433", "127.0.0.1" }, { "017700000001", "127.0.0.1" }, { "0x7f.1", "127.0.0.1" },
		{ "00000000000000000000000000000000177.1", "127.0.0.1" }, { "0", "0.0.0.0" }, { "0x", "0.0.0.0" },
		{ "1.2.3.4.", "1.2.3.4" }, { "4294967295", "255.255.255.255" }, { "1.65535", "1.0.255.255" },
		{ "::1", "::1" }, { "[::1]", "::1" }, { "[0:0::1]", "::1" }, { "[::ffff:127.0.0.1]", "127.0.0.1" },
		{ "::ffff:7f00:1", "127.0.0.1" }, { "[2001:DB8::A]", "2001:db8::a" }, { "::", "::" },
	};

	expect_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

Test(reach, refuses_what_is_neither_name_nor_address)
{
	static const struct row	rows[] = {
		{ "1.2.3.4.5", "" }, { "256.1.1.1", "" }, { "1.2.3.256", "" }, { "4294967296", "" },
		{ "18446744073709551617", "" }, { "0x100000000", "" }, { "08", "" }, { "1.2.3.09", "" },
		{ "a.example.1", "" }, { "a.0x1", "" }, { "1..2", "" }, { "1.2.3.4..", "" }, { "1.16777216", "" },
		{ "fe80::1%eth0", "" }, { "[fe80::1%eth0]", "" }, { "[fe80::1%25eth0]", "" }, { "[::1", "" },
		{ "::1]", "" }, { "[", "" }, { "[]", "" }, { "[127.0.0.1]", "" }, { "[a.example]", "" }, { ":", "" },
		{ "a.example:443", "" }, { "1:2:3:4:5:6:7:8:9", "" }, { "[[::1]]", "" }, { "::1.", "" },
		{ "::ffff:0177.0.0.1", "" }, { "::g", "" },
		{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001", "" },
	};

	expect_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

Test(reach, holds_labels_and_names_to_their_limits)
{
	char	text[300];

	memset(text, 'a', sizeof(text));
	cr_expect(eq(sz, strlen(read_host(span_make(text, 63))), 63));
	cr_expect(eq(sz, strlen(read_host(span_make(text, 64))), 0));
	for (size_t i = 49; i < sizeof(text); i += 50)
		text[i] = '.';
	cr_expect(eq(sz, strlen(read_host(span_make(text, 253))), 253));
	cr_expect(eq(sz, strlen(read_host(span_make(text, 254))), 0));
	text[253] = '.';
	cr_expect(eq(sz, strlen(read_host(span_make(text, 254))), 253));
}

static int
read_rule(const char *text, struct reach_rule *out)
{
	const char	*why;
	int		 r = reach_rule_parse(span_of(text), out, &why);

	cr_expect(eq(int, r == 0, why == NULL), "%s", text);
	return r;
}

Test(reach, reads_what_may_stand_in_a_list)
{
	static const struct {
		const char	*text, *host;
		int		 kind, port;
	} rows[] = {
		{ "api.docs.example:443", "api.docs.example", REACH_NAME, 443 },
		{ "API.docs.example.:1", "api.docs.example", REACH_NAME, 1 },
		{ "*.docs.example:65535", "docs.example", REACH_BELOW, 65535 },
		{ "10.1.2.3:8080", "10.1.2.3", REACH_ADDRESS, 8080 },
		{ "8.8.8.8:53", "8.8.8.8", REACH_ADDRESS, 53 },
		{ "[fd00::1]:443", "fd00::1", REACH_ADDRESS, 443 },
		{ "[2001:db8::1]:443", "2001:db8::1", REACH_ADDRESS, 443 },
		{ "registry:5000", "registry", REACH_NAME, 5000 },
	};
	struct reach_rule	rule;
	char			text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert(eq(int, read_rule(rows[i].text, &rule), 0), "%s", rows[i].text);
		cr_expect(eq(int, (int)rule.kind, rows[i].kind), "%s", rows[i].text);
		cr_expect(eq(int, rule.port, rows[i].port), "%s", rows[i].text);
		addr_text(&rule.host.address, 0, text);
		cr_expect(eq(str, rule.host.is_address ? text : rule.host.name, (char *)rows[i].host), "%s", rows[i].text);
	}
}

Test(reach, refuses_what_may_not_stand_in_a_list)
{
	static const char *const rows[] = {
		"", ":", ":443", "docs.example", "docs.example:", "docs.example:0", "docs.example:65536",
		"docs.example:https", "docs.example: 443", "docs.example:-1", "docs.example:443 ", "https://docs.example:443",
		"docs.example:443/x", "*:443", "*.example:443", "*.:443", "*docs.example:443", "a.*.example:443",
		"a*.docs.example:443", "**.docs.example:443", "*.*.docs.example:443", "docs.*:443", "*.10.1.2.3:443",
		"*.[::1]:443", "2001:db8::1:443", "[2001:db8::1]", "[2001:db8::1]443", "user@docs.example:443",
		/* This machine, in all its spellings. */
		"127.0.0.1:80", "127.1:80", "0x7f000001:80", "2130706433:80", "[::1]:80", "[::ffff:127.0.0.1]:80",
		"[64:ff9b::7f00:1]:80", "[2002:7f00:1::]:80", "localhost:80", "LOCALHOST.:80", "a.localhost:80",
		"*.a.localhost:80", "0.0.0.0:80", "0:80", "[::]:80",
		"169.254.169.254:80", "[fe80::1]:80", "[fe80::1%1]:80", "224.0.0.1:80", "[ff02::1]:80",
		"255.255.255.255:80", "198.18.0.1:80",
	};
	struct reach_rule	rule;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(eq(int, read_rule(rows[i], &rule), E_FORMAT), "%s", rows[i]);
		cr_expect(eq(int, rule.kind, 0), "%s", rows[i]);
	}
}

/* A snapshot of these rules; the first one is in front of the list that is asked. */
static struct snap *
make(const char *const *rules, size_t count)
{
	struct build		*b;
	struct snap		*s;
	struct reach_rule	 rule;
	struct rec_reach	 rec;
	uint64_t		 length;
	int			 fd;

	cr_assert(eq(int, build_new(SNAP_POLICY, "", &b), 0));
	for (size_t i = 0; i < count; i++) {
		cr_assert(eq(int, read_rule(rules[i], &rule), 0), "%s", rules[i]);
		rec = (struct rec_reach){ .kind = rule.kind, .port = rule.port, .family = rule.host.address.family };
		memcpy(rec.bytes, rule.host.address.bytes, sizeof(rec.bytes));
		cr_assert(eq(int, build_text(b, span_of(rule.host.name), &rec.host), 0));
		cr_assert(eq(int, build_text(b, span_of(rules[i]), &rec.path), 0));
		cr_assert(eq(int, build_add(b, SECTION_REACH, &rec, NULL), 0));
	}
	cr_assert(eq(int, build_seal(b, 1, &fd, &length), 0));
	build_free(&b);
	cr_assert(eq(int, snap_map(fd, &s), 0));
	fd_close(&fd);
	return s;
}

static const char *
found(const struct snap *s, const struct rec_reach *r)
{
	return r == NULL ? "" : snap_cstr(s, r->path);
}

Test(reach, lets_pass_what_is_listed_and_nothing_else)
{
	static const char *const rules[] = {
		"before.example:443", "api.docs.example:443", "*.cdn.example:443", "10.1.2.3:8080", "[2001:db8::1]:443",
		"cdn.example:80",
	};
	static const struct {
		const char	*host;
		int		 port;
		const char	*rule;
	} rows[] = {
		{ "api.docs.example", 443, "api.docs.example:443" }, { "API.DOCS.example.", 443, "api.docs.example:443" },
		{ "api.docs.example", 80, "" }, { "docs.example", 443, "" }, { "xapi.docs.example", 443, "" },
		{ "a.api.docs.example", 443, "" }, { "api.docs.example.evil.example", 443, "" }, { "before.example", 443, "" },
		{ "a.cdn.example", 443, "*.cdn.example:443" }, { "a.b.cdn.example", 443, "*.cdn.example:443" },
		{ "cdn.example", 443, "" }, { "cdn.example", 80, "cdn.example:80" }, { "evilcdn.example", 443, "" },
		{ "a.cdn.example.x", 443, "" },
		{ "10.1.2.3", 8080, "10.1.2.3:8080" }, { "0x0a010203", 8080, "10.1.2.3:8080" },
		{ "[::ffff:10.1.2.3]", 8080, "10.1.2.3:8080" }, { "10.1.2.4", 8080, "" }, { "10.1.2.3", 80, "" },
		{ "2001:db8::1", 443, "[2001:db8::1]:443" }, { "2001:db8::2", 443, "" }, { "0.0.0.0", 443, "" },
		{ "api.docs.example", 0, "" },
	};
	struct snap		*s = make(rules, sizeof(rules) / sizeof(rules[0]));
	struct reach_host	 host;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert(eq(int, reach_host_parse(span_of(rows[i].host), &host, NULL), 0), "%s", rows[i].host);
		cr_expect(eq(str, (char *)found(s, reach_find(s, 1, 5, &host, (uint16_t)rows[i].port)),
		    (char *)rows[i].rule), "%s:%d", rows[i].host, rows[i].port);
	}
	cr_assert(eq(int, reach_host_parse(SPAN_LIT("cdn.example"), &host, NULL), 0));
	cr_expect(eq(str, (char *)found(s, reach_find_any_port(s, 1, 5, &host)), "cdn.example:80"));
	cr_expect(eq(ptr, (void *)reach_find_any_port(s, 1, 4, &host), NULL));
	/* Lists that claim more than there is. */
	cr_expect(eq(str, (char *)found(s, reach_find_any_port(s, 1, UINT32_MAX, &host)), "cdn.example:80"));
	cr_expect(eq(ptr, (void *)reach_find_any_port(s, UINT32_MAX, UINT32_MAX, &host), NULL));
	cr_expect(eq(ptr, (void *)reach_find_any_port(s, 0, 0, &host), NULL));
	snap_release(&s);
}
