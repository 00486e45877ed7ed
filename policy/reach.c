/* SPDX-License-Identifier: Apache-2.0
 *
 * reach.c - hosts a tool may reach: the one parser for what is written and for what is asked
 *
 * Process: all that decide or compile it.  Owns: nothing.
 * Trusts:  nobody: hosts come from tools, and what is checked must be what is used afterwards, byte for byte.
 */
#include <arpa/inet.h>

#include "lib/num.h"
#include "policy/reach.h"

#define LABEL_MAX	63
#define ODD_BYTE	"only letters, digits, hyphens and dots can stand in a host; write others as xn--"
#define OWN_MACHINE	"that is this machine itself; tools reach what is outside of it"
#define NO_ADDRESS	"it ends in a number, and is no IPv4 address"

static int
refuse(const char **why, const char *text)
{
	if (why != NULL)
		*why = text;
	return E_FORMAT;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What is left of the dot, which is taken off as well. */
static struct span
take_label(struct span *rest)
{
	size_t		n = 0;
	struct span	label;

	while (n < rest->n && rest->p[n] != '.')
		n++;
	label = span_part(*rest, 0, n);
	*rest = span_part(*rest, n + 1, rest->n);
	return label;
}

static size_t
count_labels(struct span name)
{
	size_t	n = 1;

	for (size_t i = 0; i < name.n; i++)
		n += name.p[i] == '.';
	return n;
}

/* A number of an IPv4 address as WHATWG URL and inet_aton(3) read it: decimal, 0x and hexadecimal, or 0 and octal. */
static bool
read_number(struct span s, uint64_t *out)
{
	unsigned	base = 10;
	int		digit;

	*out = 0;
	if (s.n == 0)
		return false;
	if (s.n >= 2 && s.p[0] == '0' && lower(s.p[1]) == 'x') {
		base = 16;
		s = span_part(s, 2, s.n);
	} else if (s.n >= 2 && s.p[0] == '0') {
		base = 8;
	}
	for (size_t i = 0; i < s.n; i++) {
		digit = num_hex_digit(s.p[i]);
		if (digit < 0 || (unsigned)digit >= base)
			return false;
		/* Zeros may lead; more than fits stays more than fits. */
		if (*out <= UINT32_MAX)
			*out = *out * base + (unsigned)digit;
	}
	return true;
}

static bool
ends_in_number(struct span name)
{
	struct span	last = name;
	uint64_t	v;
	bool		digits = true;

	for (size_t i = name.n; i > 0; i--)
		if (name.p[i - 1] == '.') {
			last = span_part(name, i, name.n);
			break;
		}
	for (size_t i = 0; i < last.n; i++)
		digits = digits && is_digit(last.p[i]);
	return last.n > 0 && (digits || read_number(last, &v));
}

static int
parse_v4(struct span text, struct addr *out, const char **why)
{
	size_t		count = count_labels(text);
	uint64_t	v, all = 0;

	if (count > 4)
		return refuse(why, NO_ADDRESS);
	for (size_t i = 0; i < count; i++) {
		if (!read_number(take_label(&text), &v))
			return refuse(why, NO_ADDRESS);
		/* The last one fills what is left. */
		if (i + 1 < count ? v > 255 : v >= UINT64_C(1) << (8 * (5 - count)))
			return refuse(why, NO_ADDRESS);
		all |= i + 1 < count ? v << (8 * (3 - i)) : v;
	}
	out->family = AF_INET;
	for (size_t i = 0; i < 4; i++)
		out->bytes[i] = (uint8_t)(all >> (8 * (3 - i)));
	return 0;
}

static int
parse_v6(struct span text, struct addr *out, const char **why)
{
	struct sockaddr_in6	six = { .sin6_family = AF_INET6 };
	char			copy[INET6_ADDRSTRLEN];
	uint16_t		port;

	if (text.n > 0 && text.p[0] == '[') {
		if (text.p[text.n - 1] != ']')
			return refuse(why, "a bracket is missing");
		text = span_part(text, 1, text.n - 2);
	}
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '%')
			return refuse(why, "an address with a zone belongs to one machine");
		else if (num_hex_digit(text.p[i]) < 0 && text.p[i] != ':' && text.p[i] != '.')
			return refuse(why, "it is no IPv6 address");
	if (text.n >= sizeof(copy) || memchr(text.p, ':', text.n) == NULL)
		return refuse(why, "it is no IPv6 address");
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (inet_pton(AF_INET6, copy, &six.sin6_addr) != 1)
		return refuse(why, "it is no IPv6 address");
	return addr_from_sockaddr((struct sockaddr *)&six, sizeof(six), out, &port);
}

static int
parse_name(struct span text, struct reach_host *out, const char **why)
{
	struct span	rest = text, label;

	if (text.n > REACH_NAME_MAX)
		return refuse(why, "a name has at most 253 bytes");
	for (size_t left = count_labels(text); left > 0; left--) {
		label = take_label(&rest);
		if (label.n == 0)
			return refuse(why, "there is nothing between two dots");
		if (label.n > LABEL_MAX)
			return refuse(why, "a label has at most 63 bytes");
		if (label.p[0] == '-' || label.p[label.n - 1] == '-')
			return refuse(why, "a label begins and ends with a letter or a digit");
	}
	for (size_t i = 0; i < text.n; i++)
		out->name[i] = lower(text.p[i]);
	out->name[text.n] = '\0';
	return 0;
}

int
reach_host_parse(struct span text, struct reach_host *out, const char **why)
{
	int	r;

	*out = (struct reach_host){ 0 };
	if (why != NULL)
		*why = NULL;
	if (text.n == 0)
		return refuse(why, "there is no host");
	if (text.p[0] == '[' || memchr(text.p, ':', text.n) != NULL) {
		out->is_address = true;
		r = parse_v6(text, &out->address, why);
		goto out;
	}
	for (size_t i = 0; i < text.n; i++)
		if (!is_digit(text.p[i]) && !(lower(text.p[i]) >= 'a' && lower(text.p[i]) <= 'z') &&
		    text.p[i] != '-' && text.p[i] != '.')
			return refuse(why, ODD_BYTE);
	if (text.p[text.n - 1] == '.')
		text.n--;
	if (text.n == 0)
		return refuse(why, "there is no host");
	out->is_address = ends_in_number(text);
	r = out->is_address ? parse_v4(text, &out->address, why) : parse_name(text, out, why);
 out:
	if (r != 0)
		*out = (struct reach_host){ 0 };
	return r;
}

/* "localhost", and what is below it (RFC 6761). */
static bool
is_own_name(const char *name)
{
	struct span	s = span_of(name), own = SPAN_LIT("localhost");

	if (s.n < own.n || !span_eq(span_part(s, s.n - own.n, own.n), own))
		return false;
	return s.n == own.n || s.p[s.n - own.n - 1] == '.';
}

const char *
reach_port_never(uint16_t port)
{
	/* The ports of sandbox/jail.h that a jail's own services have. */
	switch (port) {
	case 53:
		return "port 53 answers names within the jail and leads nowhere else";
	case 3128:
		return "port 3128 is the proxy within the jail; let the host serve another one";
	default:
		return NULL;
	}
}

const char *
reach_never(const struct addr *a)
{
	const char	*special = addr_special(a);

	if (special == NULL)
		return NULL;
	if (strcmp(special, "loopback") == 0 || strcmp(special, "unspecified") == 0)
		return OWN_MACHINE;
	if (strcmp(special, "link-local") == 0)
		return "link-local addresses are never reached";
	if (strcmp(special, "multicast") == 0 || strcmp(special, "broadcast") == 0)
		return "it is no address of one host";
	if (strcmp(special, "benchmarking") == 0)
		return "198.18.0.0/15 stands for names within a jail";
	return NULL;
}

static int
check_address(const struct addr *a, const char **why)
{
	const char	*never = reach_never(a);

	return never == NULL ? 0 : refuse(why, never);
}

int
reach_rule_parse(struct span text, struct reach_rule *out, const char **why)
{
	size_t		colon = text.n;
	uint64_t	port;
	struct span	host;
	int		r;

	*out = (struct reach_rule){ 0 };
	if (why != NULL)
		*why = NULL;
	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	if (colon == 0 || (text.p[0] == '[' && text.p[text.n - 1] == ']'))
		return refuse(why, "the port is missing: want HOST:PORT");
	host = span_part(text, 0, colon - 1);
	if (num_u64(span_part(text, colon, text.n), &port) != 0 || port == 0 || port > UINT16_MAX)
		return refuse(why, "the port is a number from 1 to 65535");
	if (memchr(host.p, ':', host.n) != NULL && host.p[0] != '[')
		return refuse(why, "an IPv6 address stands in brackets before its port");
	out->kind = REACH_NAME;
	if (span_starts(host, SPAN_LIT("*."))) {
		out->kind = REACH_BELOW;
		host = span_part(host, 2, host.n);
	} else if (host.n > 0 && memchr(host.p, '*', host.n) != NULL) {
		r = refuse(why, "a wildcard is a whole label at the left: *.docs.example");
		goto out;
	}
	if ((r = reach_host_parse(host, &out->host, why)) != 0)
		goto out;
	out->port = (uint16_t)port;
	if (out->host.is_address && out->kind == REACH_BELOW)
		r = refuse(why, "there is nothing below an address");
	else if (out->kind == REACH_BELOW && strchr(out->host.name, '.') == NULL)
		r = refuse(why, "a wildcard is followed by two labels at least");
	else if (!out->host.is_address && is_own_name(out->host.name))
		r = refuse(why, OWN_MACHINE);
	else if (out->host.is_address) {
		out->kind = REACH_ADDRESS;
		r = check_address(&out->host.address, why);
	}
 out:
	if (r != 0)
		*out = (struct reach_rule){ 0 };
	return r;
}

static bool
host_passes(const struct snap *s, const struct rec_reach *rule, const struct reach_host *host)
{
	struct span	name = span_of(host->name), text;
	struct addr	a = { .family = rule->family };

	if (host->is_address) {
		memcpy(a.bytes, rule->bytes, sizeof(a.bytes));
		return rule->kind == REACH_ADDRESS && a.family != 0 && addr_eq(&a, &host->address);
	}
	text = snap_text(s, rule->host);
	if (text.n == 0)
		return false;
	if (rule->kind == REACH_NAME)
		return span_eq(text, name);
	return rule->kind == REACH_BELOW && name.n > text.n + 1 && name.p[name.n - text.n - 1] == '.' &&
	    span_eq(span_part(name, name.n - text.n, text.n), text);
}

static const struct rec_reach *
find(const struct snap *s, uint32_t first, uint32_t count, const struct reach_host *host, uint32_t port)
{
	const struct rec_reach	*rule;

	for (uint32_t i = 0; i < count; i++) {
		if ((rule = SNAP_AT(s, REACH, (uint64_t)first + i)) == NULL)
			return NULL;
		if ((port == 0 || rule->port == port) && host_passes(s, rule, host))
			return rule;
	}
	return NULL;
}

const struct rec_reach *
reach_find(const struct snap *s, uint32_t first, uint32_t count, const struct reach_host *host, uint16_t port)
{
	return port == 0 ? NULL : find(s, first, count, host, port);
}

const struct rec_reach *
reach_find_any_port(const struct snap *s, uint32_t first, uint32_t count, const struct reach_host *host)
{
	return find(s, first, count, host, 0);
}
