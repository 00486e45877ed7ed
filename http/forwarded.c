/* SPDX-License-Identifier: Apache-2.0
 *
 * forwarded.c - X-Forwarded-For and Forwarded (RFC 7239): whom a reverse proxy speaks for
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  what those addresses wrote that the operator named.  Each proxy adds the address that it saw behind what was
 *          there before, so that is read from its end: the first address that is no such proxy was seen by one that is,
 *          and what stands before it is the client's own word.
 */
#include <string.h>

#include "http/forwarded.h"
#include "lib/num.h"

static bool
is_one_of(const struct addr_net *nets, size_t count, const struct addr *a)
{
	for (size_t i = 0; i < count; i++)
		if (addr_net_has(&nets[i], a))
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

/* Where the quoted string ends whose opening quote stands at `at` (RFC 9110 5.6.4); text.n: it does not. */
static size_t
end_of_quoted(struct span text, size_t at)
{
	for (at++; at < text.n && text.p[at] != '"'; at++)
		if (text.p[at] == '\\')
			at++;
	return at < text.n ? at : text.n;
}

/* The last element of a list, which is cut off; commas within quotes are none, where the header has any.  False: a
 * quote does not close.  What a proxy added behind one that its client left open would be the client's own word. */
static bool
take_last(struct span *list, bool quotes, struct span *last)
{
	size_t	at = 0;

	for (size_t i = 0; i < list->n; i++)
		if (quotes && list->p[i] == '"' && (i = end_of_quoted(*list, i)) == list->n)
			return false;
		else if (list->p[i] == ',')
			at = i + 1;
	*last = span_trim(span_part(*list, at, list->n));
	*list = span_part(*list, 0, at == 0 ? 0 : at - 1);
	return true;
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
				at = end_of_quoted(element, at);
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
forwarded_client(const struct http_head *h, bool rfc7239, const struct addr_net *proxies, size_t count,
    struct addr *client)
{
	const uint16_t	id = rfc7239 ? HTTP_FORWARDED : HTTP_X_FORWARDED_FOR;
	struct span	list, element;

	if (client->family == 0 || !is_one_of(proxies, count, client))
		return;
	for (size_t i = h->count; i > 0; i--) {
		if (h->fields[i - 1].id != id)
			continue;
		for (list = http_field_value(h, i - 1); list.n > 0;) {
			if (!take_last(&list, rfc7239, &element)) {
				*client = (struct addr){ .family = 0 };
				return;
			}
			if (element.n == 0)
				continue;	/* RFC 9110 5.6.1.2 */
			if (rfc7239)
				element = take_for(element);
			if (!read_address(element, client)) {
				*client = (struct addr){ .family = 0 };
				return;
			}
			if (!is_one_of(proxies, count, client))
				return;
		}
	}
}
