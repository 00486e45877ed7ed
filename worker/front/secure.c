/* SPDX-License-Identifier: Apache-2.0
 *
 * secure.c - TLS of this worker's listeners: from the policy and its secrets to what handshakes need
 *
 * Process: worker.  Owns: nothing; http/tls_server.c has copies of all.
 * Trusts:  the snapshots, which hold private keys: the process cannot be dumped, nor open the files.
 */
#include <stdlib.h>
#include <string.h>

#include "http/tls_server.h"
#include "lib/log.h"
#include "policy/tenants.h"
#include "worker/front/secure.h"

/* Where the arrays of a setup lie. */
struct parts {
	struct tls_identity	*identities;
	struct span		*spans;		/* chains, names, authorities, lists */
	size_t			 used;
};

static enum tls_ask
ask_of(unsigned listener)
{
	return listener == LISTEN_TLS_MUST ? TLS_ASK_MUST : listener == LISTEN_TLS_MAY ? TLS_ASK_MAY : TLS_ASK_NOT;
}

static int
on_open(void *arg, int fd, unsigned listener, struct tls **out)
{
	struct worker	*w = arg;
	int		 r = tls_accept(w->tls, fd, ask_of(listener), out);

	if (r == E_NOTFOUND)
		log_warn_repeat(NULL, "TLS: no certificate can be used, so connections are closed: mcpgwctl reload");
	return r;
}

int
secure_new(struct worker *w)
{
	const struct conn_tls	over = {
		.listeners = 1u << LISTEN_TLS | 1u << LISTEN_TLS_MAY | 1u << LISTEN_TLS_MUST, .arg = w, .open = on_open,
		.handshake = tls_handshake, .read = tls_read, .write = tls_write, .has_more = tls_has_more,
		.unsent = tls_unsent,
		.is_resumed = tls_is_resumed, .why = tls_why, .peer = tls_peer, .free = tls_free,
	};
	int			r = tls_server_new(&w->tls);

	if (r == 0)
		conn_set_tls(w->conns, &over);
	return r;
}

struct key_want {
	struct span	name, key;
};

static void
take_key(struct span name, struct span value, void *arg)
{
	struct key_want	*want = arg;

	if (span_eq(name, want->name))
		want->key = value;
}

static const struct span *
take_chain(struct parts *p, const struct snap *s, const struct rec_cert *c, size_t *count)
{
	const struct span	*first = &p->spans[p->used];
	const struct rec_chain	*x;

	for (*count = 0; *count < c->chain_count; (*count)++) {
		if ((x = SNAP_AT(s, CHAIN, (uint64_t)c->chain_first + *count)) == NULL)
			break;
		p->spans[p->used++] = snap_text(s, x->der);
	}
	return first;
}

static const struct span *
take_names(struct parts *p, const struct snap *s, const struct rec_cert *c, size_t *count)
{
	const struct span		*first = &p->spans[p->used];
	const struct rec_certname	*n;

	*count = 0;
	for (uint32_t i = 0; i < c->name_count; i++)
		if ((n = SNAP_AT(s, CERTNAME, (uint64_t)c->name_first + i)) != NULL && n->kind == CERT_SAN_DNS) {
			p->spans[p->used++] = snap_text(s, n->text);
			(*count)++;
		}
	return first;
}

static const struct span *
take_trust(struct parts *p, const struct snap *s, bool lists, size_t *count, uint64_t *ends_ms)
{
	const struct span	*first = &p->spans[p->used];
	const struct rec_trust	*t;

	*count = 0;
	for (uint64_t i = 0; (t = SNAP_AT(s, TRUST, i)) != NULL; i++) {
		if ((t->is_crl != 0) != lists)
			continue;
		p->spans[p->used++] = snap_text(s, t->der);
		(*count)++;
		if (lists && t->ends_ms != 0 && (*ends_ms == 0 || t->ends_ms < *ends_ms))
			*ends_ms = t->ends_ms;
	}
	return first;
}

/* The records of a snapshot may claim more than there is: no more is counted than it has. */
static int
parts_new(struct parts *p, const struct snap *s)
{
	const uint64_t	certs = snap_count(s, SECTION_CERT);
	uint64_t	room = snap_count(s, SECTION_TRUST);

	for (uint64_t i = 0; i < certs; i++) {
		const struct rec_cert *c = SNAP_AT(s, CERT, i);

		room += c == NULL ? 0 : (c->chain_count < snap_count(s, SECTION_CHAIN) ? c->chain_count :
		    snap_count(s, SECTION_CHAIN)) + (c->name_count < snap_count(s, SECTION_CERTNAME) ? c->name_count :
		    snap_count(s, SECTION_CERTNAME));
	}
	p->used = 0;
	p->identities = calloc(certs + 1, sizeof(*p->identities));
	p->spans = calloc(room + 1, sizeof(*p->spans));
	return p->identities == NULL || p->spans == NULL ? E_NOMEM : 0;
}

static int
set(struct worker *w, const struct config *c, struct parts *p)
{
	struct tls_setup	setup = { .with_1_2 = c->params.tls_min_version == TLS_VERSION_1_2,
				    .identities = p->identities };
	const struct rec_cert	*cert;
	uint64_t		 none = 0;

	for (uint64_t i = 0; (cert = SNAP_AT(c->policy, CERT, i)) != NULL; i++) {
		struct tls_identity	*id = &p->identities[setup.count++];
		struct key_want		 want = { .name = snap_text(c->policy, cert->name) };

		id->chain = take_chain(p, c->policy, cert, &id->chain_count);
		id->names = take_names(p, c->policy, cert, &id->name_count);
		if (c->secrets != NULL)
			policy_secrets_each(c->secrets, SPAN_LIT(TENANT_DEFAULT), SPAN_LIT(SECRET_OF_TLS), take_key,
			    &want);
		id->key = want.key;
	}
	setup.cas = take_trust(p, c->policy, false, &setup.ca_count, &none);
	setup.crls = take_trust(p, c->policy, true, &setup.crl_count, &setup.crl_ends_ms);
	return tls_server_set(w->tls, &setup);
}

void
secure_policy_changed(struct worker *w)
{
	struct parts	p;
	int		r;

	if ((r = parts_new(&p, w->config->policy)) == 0)
		r = set(w, w->config, &p);
	if (r != 0)
		log_err(NULL, "TLS: the certificates of generation %llu cannot be used (%s); %s",
		    (unsigned long long)w->config->generation, err_text(r),
		    tls_server_is_set(w->tls) ? "those before serve" : "there are none");
	free(p.identities);
	free(p.spans);
}

int
secure_take_tickets(struct worker *w, int fd)
{
	struct keyring	ring;
	int		r;

	if ((r = keyring_read(fd, &ring)) == 0)
		r = tls_server_tickets(w->tls, &ring);
	explicit_bzero(&ring, sizeof(ring));
	return r;
}

void
secure_judge(const struct worker *w, const struct exchange *x, struct auth_in *in)
{
	in->cert.holds = x->peer.cert != NULL &&
	    (x->peer.cert->trust == 0 || tls_server_believes(w->tls, x->peer.cert, in->wall_ms));
}
