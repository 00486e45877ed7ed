/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_guard.c - urls and redirects: what was learnt leads over https to public hosts, and credentials stay where they
 *                were
 *
 * The first byte chooses whether it was learnt; then a url, and redirects, a line each.
 */
#include <stdint.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/bug.h"
#include "policy/guard.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct span
line(struct span *rest)
{
	const char	*end = rest->n == 0 ? NULL : memchr(rest->p, '\n', rest->n);
	size_t		 n = end != NULL ? (size_t)(end - rest->p) : rest->n;
	struct span	 first = span_part(*rest, 0, n);

	*rest = span_part(*rest, end != NULL ? n + 1 : n, rest->n);
	return first;
}

static bool
is_within(const struct guard *g, struct span s)
{
	return s.n == 0 || (s.p >= g->text && s.p + s.n <= g->text + strlen(g->text));
}

static void
passed(const struct guard *g)
{
	const struct url	*u = &g->url;

	BUG_ON(strlen(g->text) > GUARD_URL_MAX);
	BUG_ON(!is_within(g, u->host) || !is_within(g, u->authority) || !is_within(g, u->target));
	BUG_ON(u->host.n == 0 || u->port == 0 || (u->target.n > 0 && u->target.p[0] != '/' && u->target.p[0] != '?'));
	for (size_t i = 0; i < u->authority.n; i++)
		BUG_ON((uint8_t)u->authority.p[i] <= ' ' || (uint8_t)u->authority.p[i] >= 0x7f || u->authority.p[i] == '@');
	for (size_t i = 0; i < u->target.n; i++)
		BUG_ON((uint8_t)u->target.p[i] <= ' ' || (uint8_t)u->target.p[i] >= 0x7f || u->target.p[i] == '#');
	if (!g->learnt)
		return;
	BUG_ON(!u->https);
	BUG_ON(g->host.is_address && addr_special(&g->host.address) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span		 rest = span_make(data, n);
	static struct guard	 g;
	struct reach_host	 first;
	const char		*why;
	uint16_t		 port;
	bool			 https;

	if (n == 0)
		return 0;
	rest = span_part(rest, 1, rest.n);
	if (guard_begin(&g, line(&rest), (data[0] & 1) != 0, &why) != 0) {
		BUG_ON(why == NULL);
		return 0;
	}
	passed(&g);
	first = g.host;
	port = g.url.port;
	https = g.url.https;
	while (rest.n > 0) {
		struct span	to = line(&rest);

		if (guard_redirect(&g, to, &why) != 0) {
			BUG_ON(why == NULL);
			return 0;
		}
		passed(&g);
		BUG_ON(g.redirects > GUARD_REDIRECTS_MAX || (data[0] & 1 && !g.learnt));
		BUG_ON(g.secrets && (g.url.https != https || g.url.port != port ||
		    g.host.is_address != first.is_address || (first.is_address ?
		    !addr_eq(&g.host.address, &first.address) : strcmp(g.host.name, first.name) != 0)));
		BUG_ON(!g.secrets && !g.learnt);
	}
	return 0;
}
