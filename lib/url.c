/* SPDX-License-Identifier: Apache-2.0
 *
 * url.c - http:// and https:// urls, taken apart
 *
 * Process: mcpgw-compile; whoever fetches.  Owns: nothing.
 * Trusts:  nobody: what is no url of ours by the letter is none.
 */
#include <arpa/inet.h>
#include <ctype.h>

#include "lib/num.h"
#include "lib/url.h"

/* Of the path, the query, and a fragment, which goes nowhere, but stands in what is shown and passed on. */
static bool
rest_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f)
			return false;
	return true;
}

static bool
host_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && memchr("-._", s.p[i], 3) == NULL)
			return false;
	return s.n > 0 && s.n <= 253;
}

static bool
is_ipv6(struct span s)
{
	char		text[INET6_ADDRSTRLEN];
	struct in6_addr	a;

	if (s.n == 0 || s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(AF_INET6, text, &a) == 1;
}

static struct span
before_any(struct span s, const char *stops)
{
	size_t	n = 0;

	while (n < s.n && strchr(stops, s.p[n]) == NULL)
		n++;
	return span_part(s, 0, n);
}

const char *
url_parse(struct span text, struct url *u)
{
	struct span	rest, port;
	uint64_t	number;
	size_t		close;
	bool		six;

	*u = (struct url){ .port = 80 };
	if (span_starts(text, SPAN_LIT("https://"))) {
		u->https = true;
		u->port = 443;
	} else if (!span_starts(text, SPAN_LIT("http://"))) {
		return "want http:// or https://";
	}
	rest = span_part(text, u->https ? 8 : 7, text.n);
	u->authority = before_any(rest, "/?#");
	u->target = before_any(span_part(rest, u->authority.n, rest.n), "#");
	if (u->authority.n > 0 && memchr(u->authority.p, '@', u->authority.n) != NULL)
		return "a name and password have no place in a url; use headers";
	if (!rest_ok(span_part(rest, u->authority.n, rest.n)))
		return "holds a blank or a character that must be %-encoded";

	six = u->authority.n > 0 && u->authority.p[0] == '[';
	close = before_any(u->authority, six ? "]" : ":").n;
	u->host = span_part(u->authority, six ? 1 : 0, six ? close - 1 : close);
	port = span_part(u->authority, six ? close + 1 : close, u->authority.n);
	if (six ? close == u->authority.n || !is_ipv6(u->host) : !host_ok(u->host))
		return "names no host";
	if (port.n > 0) {
		if (port.p[0] != ':' || num_u64(span_part(port, 1, port.n), &number) != 0 || number == 0 ||
		    number > 65535)
			return "the port is a number from 1 to 65535";
		if (number == (u->https ? 443 : 80))
			u->authority = span_part(u->authority, 0, u->authority.n - port.n);
		u->port = (uint16_t)number;
	}
	return NULL;
}

bool
url_is_loopback(const struct url *u)
{
	char		text[16];
	struct in_addr	a;

	if (span_eq_nocase(u->host, SPAN_LIT("localhost")) || span_is(u->host, "::1"))
		return true;
	if (u->host.n == 0 || u->host.n >= sizeof(text))
		return false;
	memcpy(text, u->host.p, u->host.n);
	text[u->host.n] = '\0';
	return inet_pton(AF_INET, text, &a) == 1 && ntohl(a.s_addr) >> 24 == 127;
}
