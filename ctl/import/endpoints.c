/* SPDX-License-Identifier: Apache-2.0
 *
 * endpoints.c - hosts that an installer is to reach, as URLs name them, and as a jail can
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.
 * Trusts:  the user's own settings for what they name, and this machine's resolver.
 */
#include <ctype.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "ctl/import/endpoints.h"
#include "lib/json.h"
#include "lib/num.h"
#include "policy/reach.h"

#define OTHER_PORT	18000	/* and on, in the place of one that is the jail's */

/* ---- URLs ----------------------------------------------------------------------------------------- */

static int
take_port(struct span authority, size_t colon, struct source_url *out)
{
	uint64_t	port;

	if (num_u64(span_part(authority, colon + 1, authority.n), &port) != 0 || port == 0 || port > UINT16_MAX)
		return E_FORMAT;
	out->port = (uint16_t)port;
	return 0;
}

static int
take_authority(struct span a, struct source_url *out)
{
	const char	*at = memrchr(a.p, '@', a.n), *colon, *close;
	struct span	 host;

	if (at != NULL) {
		out->user = span_part(a, 0, (size_t)(at - a.p));
		a = span_part(a, (size_t)(at - a.p) + 1, a.n);
	}
	if (a.n > 0 && a.p[0] == '[') {
		if ((close = memchr(a.p, ']', a.n)) == NULL)
			return E_FORMAT;
		host = span_part(a, 1, (size_t)(close - a.p) - 1);
		colon = close + 1 < a.p + a.n ? close + 1 : NULL;
		if (colon != NULL && *colon != ':')
			return E_FORMAT;
	} else {
		colon = memchr(a.p, ':', a.n);
		host = colon == NULL ? a : span_part(a, 0, (size_t)(colon - a.p));
	}
	if (host.n == 0 || host.n >= sizeof(out->host))
		return E_FORMAT;
	for (size_t i = 0; i < host.n; i++)
		out->host[i] = (char)tolower((unsigned char)host.p[i]);
	return colon == NULL || colon + 1 == a.p + a.n ? 0 : take_port(a, (size_t)(colon - a.p), out);
}

int
source_url_parse(const char *text, struct source_url *out)
{
	struct span	s = span_of(text);
	size_t		n;

	*out = (struct source_url){ 0 };
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)text[i] <= 0x20 || text[i] == 0x7f || text[i] == '\\')
			return E_FORMAT;
	if (strncasecmp(text, "https://", 8) == 0) {
		out->tls = true;
		out->port = 443;
		s = span_part(s, 8, s.n);
	} else if (strncasecmp(text, "http://", 7) == 0) {
		out->port = 80;
		s = span_part(s, 7, s.n);
	} else {
		return E_FORMAT;
	}
	for (n = 0; n < s.n && strchr("/?#", s.p[n]) == NULL; n++)
		;
	out->rest = span_part(s, n, s.n);
	return take_authority(span_part(s, 0, n), out);
}

/* ---- hosts ---------------------------------------------------------------------------------------- */

static bool
is_own_machine(const struct reach_host *h)
{
	const char	*special = h->is_address ? addr_special(&h->address) : NULL;
	size_t		 n = strlen(h->name);

	if (h->is_address)
		return special != NULL && strcmp(special, "loopback") == 0;
	return strcmp(h->name, "localhost") == 0 || (n > 10 && strcmp(h->name + n - 10, ".localhost") == 0);
}

/* This machine's resolver, hosts file and all; what it puts first. */
static int
look_up(const char *host, struct addr *out, char why[ENDPOINT_WHY])
{
	const struct addrinfo	 want = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct addrinfo		*list = NULL;
	uint16_t		 port;
	int			 r;

	if ((r = getaddrinfo(host, NULL, &want, &list)) != 0) {
		snprintf(why, ENDPOINT_WHY, "%s: not found: %s", host, gai_strerror(r));
		return E_NOTFOUND;
	}
	r = E_NOTFOUND;
	for (struct addrinfo *a = list; a != NULL && r != 0; a = a->ai_next)
		r = addr_from_sockaddr(a->ai_addr, a->ai_addrlen, out, &port);
	freeaddrinfo(list);
	if (r != 0)
		snprintf(why, ENDPOINT_WHY, "%s: has no address", host);
	return r;
}

static int
place(struct endpoints *e, const struct source_url *u, struct endpoint *p, char why[ENDPOINT_WHY])
{
	struct reach_host	h;
	const char		*reason = NULL;
	bool			 own, taken = reach_port_never(u->port) != NULL;

	if (reach_host_parse(span_of(u->host), &h, &reason) != 0) {
		snprintf(why, ENDPOINT_WHY, "%s: %s", u->host, reason == NULL ? "no host" : reason);
		return E_FORMAT;
	}
	own = is_own_machine(&h);
	*p = (struct endpoint){ .port = u->port, .inside_port = u->port };
	snprintf(p->host, sizeof(p->host), "%s", u->host);
	snprintf(p->inside, sizeof(p->inside), "%s", h.is_address ? u->host : h.name);
	if (taken)
		p->inside_port = (uint16_t)(OTHER_PORT + e->count);
	if (own || (taken && h.is_address)) {
		snprintf(p->inside, sizeof(p->inside), "host-%zu.mcpgw.internal", e->count + 1);
		p->renamed = e->renamed = true;
	}
	if (h.is_address) {
		if (own || taken)
			p->address = h.address;
		return 0;
	}
	return look_up(h.name, &p->address, why);
}

static int
source_url_write(const struct source_url *u, const struct endpoint *p, char to[URL_TEXT])
{
	bool	v6 = strchr(p->inside, ':') != NULL, normal = p->inside_port == (u->tls ? 443 : 80);
	char	port[16] = "";
	int	n;

	if (!normal)
		snprintf(port, sizeof(port), ":%u", p->inside_port);
	n = snprintf(to, URL_TEXT, "%s://%.*s%s%s%s%s%s%.*s", u->tls ? "https" : "http", SPAN_FMT(u->user),
	    u->user.n > 0 ? "@" : "", v6 ? "[" : "", p->inside, v6 ? "]" : "", port, SPAN_FMT(u->rest));
	return n >= URL_TEXT ? E_TOOBIG : 0;
}

int
endpoints_add(struct endpoints *e, const char *url, char to[URL_TEXT], char why[ENDPOINT_WHY])
{
	struct endpoint	*p = NULL;
	struct source_url	 u;
	int		 r;

	why[0] = '\0';
	if (strlen(url) >= URL_TEXT || source_url_parse(url, &u) != 0) {
		snprintf(why, ENDPOINT_WHY, "no URL that begins with https:// or http://");
		return E_FORMAT;
	}
	for (size_t i = 0; i < e->count && p == NULL; i++)
		if (e->list[i].port == u.port && strcmp(e->list[i].host, u.host) == 0)
			p = &e->list[i];
	if (p == NULL) {
		if (e->count == ENDPOINTS_MAX) {
			snprintf(why, ENDPOINT_WHY, "more than %d hosts", ENDPOINTS_MAX);
			return E_TOOBIG;
		}
		if ((r = place(e, &u, &e->list[e->count], why)) != 0)
			return r;
		p = &e->list[e->count++];
	}
	if (u.tls && p->renamed) {
		snprintf(why, ENDPOINT_WHY, "%s:%u: in a jail this is not its name, and https would not have it; "
		    "give it a name of its own, or use http", u.host, u.port);
		return E_FORMAT;
	}
	if ((r = source_url_write(&u, p, to)) != 0)
		snprintf(why, ENDPOINT_WHY, "the URL is too long");
	return r;
}

int
endpoints_put_net(const struct endpoints *e, struct buf *to)
{
	int	r = buf_put_str(to, "[");

	for (size_t i = 0; i < e->count && r == 0; i++) {
		const struct endpoint	*p = &e->list[i];
		bool			 v6 = strchr(p->inside, ':') != NULL;

		r = buf_put_fmt(to, "%s\"%s%s%s:%u\"", i == 0 ? "" : ", ", v6 ? "[" : "", p->inside, v6 ? "]" : "",
		    p->inside_port);
	}
	return r != 0 ? r : buf_put_str(to, "]");
}

int
endpoints_put_hosts(const struct endpoints *e, struct buf *to)
{
	char	text[ADDR_TEXT_MAX];
	int	r = buf_put_str(to, "net_hosts=");

	for (size_t i = 0; i < e->count && r == 0; i++) {
		const struct endpoint *p = &e->list[i];

		if (p->address.family == 0)
			continue;
		addr_text(&p->address, p->inside_port == p->port ? 0 : p->port, text);
		r = buf_put_fmt(to, "%s=%s ", p->inside, text);
	}
	return r;
}
