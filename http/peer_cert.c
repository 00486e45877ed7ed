/* SPDX-License-Identifier: Apache-2.0
 *
 * peer_cert.c - the certificate that a client has shown, as far as anybody asks
 *
 * Process: worker.  Owns: the copies.
 * Trusts:  whoever verified it; what stands in it no further than that.
 */
#include <stdlib.h>
#include <string.h>

#include "http/peer_cert.h"
#include "lib/bug.h"

static struct span
copy(char **at, struct span s)
{
	struct span	mine = span_make(*at, s.n);

	if (s.n > 0)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return mine;
}

int
peer_cert_new(struct span der, const struct span *chain, size_t count, uint64_t trust, struct peer_cert **out)
{
	struct peer_cert	*p;
	struct cert_san		 sans[PEER_CERT_SANS];
	struct cert		 c;
	struct cert_names	*names;
	size_t			 bytes = der.n, n = 0;
	char			*at;
	int			 r;

	*out = NULL;
	if (count > PEER_CERT_CHAIN)
		return E_TOOBIG;
	for (size_t i = 0; i < count; i++)
		bytes += chain[i].n;
	if (bytes > PEER_CERT_BYTES)
		return E_TOOBIG;
	if ((r = cert_read(der, &c)) != 0 || (r = cert_names_new(der, &names)) != 0)
		return r;
	while (n < PEER_CERT_SANS && cert_names_at(names, n, &sans[n]))
		bytes += sans[n++].text.n;
	if ((p = calloc(1, sizeof(*p) + bytes)) == NULL) {
		cert_names_free(&names);
		return E_NOMEM;
	}
	p->refs = 1;
	p->trust = trust;
	p->ends_ms = c.ends_ms;
	memcpy(p->issuer, c.issuer, sizeof(p->issuer));
	at = p->text;
	p->der = copy(&at, der);
	for (; p->chain_count < count; p->chain_count++)
		p->chain[p->chain_count] = copy(&at, chain[p->chain_count]);
	for (; p->san_count < n; p->san_count++)
		p->sans[p->san_count] = (struct cert_san){ sans[p->san_count].kind,
		    copy(&at, sans[p->san_count].text) };
	cert_names_free(&names);
	*out = p;
	return 0;
}

struct peer_cert *
peer_cert_ref(struct peer_cert *c)
{
	if (c != NULL)
		c->refs++;
	return c;
}

void
peer_cert_unref(struct peer_cert **cp)
{
	struct peer_cert	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	BUG_ON(c->refs == 0);
	if (--c->refs == 0)
		free(c);
}
