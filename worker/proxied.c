/* SPDX-License-Identifier: Apache-2.0
 *
 * proxied.c - whom a reverse proxy speaks for: X-Forwarded-For, or Forwarded (RFC 7239)
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  what those addresses wrote that the operator named.  Each proxy adds the address that it saw behind what was
 *          there before, so that is read from its end: the first address that is no such proxy was seen by one that is,
 *          and what stands before it is the client's own word.
 */
#include <netinet/in.h>
#include <string.h>

#include "lib/num.h"
#include "worker/proxied.h"

static bool
is_trusted(const struct config *config, const struct addr *a)
{
	for (size_t i = 0; i < config->proxy_count; i++)
		if (addr_net_has(&config->proxies[i], a))
			return true;
	return false;
}

/* With or without a port: "192.0.2.1:80", "[2001:db8::1]:80", and also "2001:db8::1". */
static bool
read_address(struct span text, struct addr *out)
{
	const char	*colon = text.n == 0 ? NULL : memrchr(text.p, ':', text.n);
	struct span	 port;
	uint64_t	 number;

	if (addr_parse(text, out) == 0)
		return true;
	if (colon == NULL)
		return false;
	port = span_part(text, (size_t)(colon + 1 - text.p), text.n);
	text = span_part(text, 0, (size_t)(colon - text.p));
	return num_u64(port, &number) == 0 && number <= UINT16_MAX && addr_parse(text, out) == 0;
}

/* The last element of a list, which is cut off; commas within quotes are none. */
static struct span
take_last(struct span *list)
{
	size_t		at = 0;
	bool		quoted = false;
	struct span	last;

	for (size_t i = 0; i < list->n; i++)
		if (list->p[i] == '"' && (i == 0 || list->p[i - 1] != '\\'))
			quoted = !quoted;
		else if (list->p[i] == ',' && !quoted)
			at = i + 1;
	last = span_trim(span_part(*list, at, list->n));
	*list = span_part(*list, 0, at == 0 ? 0 : at - 1);
	return last;
}

/* for=ADDRESS of one element, whatever else is in it; empty: there is none. */
static struct span
take_for(struct span element)
{
	struct span	pair, name;
	const char	*equals;
	size_t		at;

	while (element.n > 0) {
		for (at = 0; at < element.n && element.p[at] != ';'; at++)
			if (element.p[at] == '"')
				while (++at < element.n && element.p[at] != '"')
					;
		pair = span_part(element, 0, at);
		element = span_part(element, at + 1, element.n);
		if (pair.n == 0 || (equals = memchr(pair.p, '=', pair.n)) == NULL)
			continue;
		name = span_trim(span_part(pair, 0, (size_t)(equals - pair.p)));
		pair = span_trim(span_part(pair, (size_t)(equals + 1 - pair.p), pair.n));
		if (!span_eq_nocase(name, SPAN_LIT("for")))
			continue;
		if (pair.n >= 2 && pair.p[0] == '"' && pair.p[pair.n - 1] == '"')
			pair = span_part(pair, 1, pair.n - 2);
		return pair;
	}
	return SPAN_NONE;
}

void
proxied_look(const struct config *config, struct exchange *x)
{
	const bool		rfc = config->params.forwarded_header == FORWARDED_RFC7239;
	const uint16_t		id = rfc ? HTTP_FORWARDED : HTTP_X_FORWARDED_FOR;
	struct exchange_peer	*p = &x->peer;
	struct addr		a;
	struct span		list, element;

	conn_address(p->family, p->address, &a);
	if (a.family == 0 || !is_trusted(config, &a))
		return;
	for (size_t i = x->head.count; i > 0; i--) {
		if (x->head.fields[i - 1].id != id)
			continue;
		for (list = http_field_value(&x->head, i - 1); list.n > 0;) {
			element = take_last(&list);
			if (rfc && element.n > 0)
				element = take_for(element);
			else if (element.n == 0)
				continue;	/* RFC 9110 5.6.1.2 */
			if (!read_address(element, &a))
				a = (struct addr){ .family = AF_UNSPEC };
			p->family = a.family;
			p->port = 0;
			memset(p->address, 0, sizeof(p->address));
			memcpy(p->address, a.bytes, sizeof(a.bytes));
			if (a.family == AF_UNSPEC || !is_trusted(config, &a))
				return;
		}
	}
}
