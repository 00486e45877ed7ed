/* SPDX-License-Identifier: Apache-2.0
 *
 * tls_server.c - TLS to clients: a context for each certificate, made anew with each policy
 *
 * Process: worker.  Owns: the contexts, parsed authorities and lists.
 * Trusts:  the snapshots, verified when they were mapped; no client.
 *
 * A connection holds the context it began with, so that a reload concerns new handshakes only.  Sessions are in tickets
 * alone, which name what clients' certificates were verified by: where that has changed, a handshake is a whole one.
 */
#include <limits.h>
#include <stdlib.h>

#include <openssl/x509v3.h>

#include "http/sni.h"
#include "http/tls_priv.h"
#include "http/tls_server.h"
#include "http/tls_tickets.h"
#include "lib/sum.h"

#define TICKET_S	3600
#define CHAIN_MAX	(32 * 1024)	/* bytes of a client's */

#define CIPHERS_1_2	"ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS		"X25519:P-256:P-384"

/* What is in force; connections that began with it hold its contexts. */
struct tls_force {
	SSL_CTX		**ctx;
	size_t		 count;
	struct sni	*sni;
	X509_STORE	*store;		/* whose certificates are believed; NULL: nobody's */
	uint64_t	 trust;		/* of what is in it: never 0 */
	uint64_t	 crl_ends_ms;
};

struct tls_server {
	struct tls_force	force;
	struct tickets		tickets;
};

/* In 1.3 a ticket is for one connection (RFC 8446, C.4): who came by one gets another. */
static int
on_ticket(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *ctx, EVP_MAC_CTX *mac, int making)
{
	const struct tls	*t = tls_of(ssl);
	int			 r;

	if (making && t->no_ticket)
		return 0;
	r = tickets_use(&t->server->tickets, name, iv, ctx, mac, making != 0);
	return r == 1 && !making && SSL_version(ssl) == TLS1_3_VERSION ? 2 : r;
}

int
tls_server_tickets(struct tls_server *s, const struct keyring *ring)
{
	return tickets_set(&s->tickets, ring);
}

/* ---- the handshake ----------------------------------------------------------------------------- */

static int
on_name(SSL *ssl, int *alert, void *arg)
{
	struct tls_force	*f = &tls_of(ssl)->server->force;
	const char		*name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	size_t			 cert;

	(void)alert;
	(void)arg;
	if (name == NULL || f->count == 0 || !sni_find(f->sni, name, &cert) || cert == 0)
		return SSL_TLSEXT_ERR_OK;
	return SSL_set_SSL_CTX(ssl, f->ctx[cert]) == NULL ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_OK;
}

static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *bytes, const unsigned char *in, unsigned in_bytes,
    void *arg)
{
	static const unsigned char	ours[] = "\x08http/1.1";

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, bytes, ours, sizeof(ours) - 1, in, in_bytes) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

/* A ticket keeps a client's own certificate, not those that lead to it, which may be asked for again. */
static int
on_verify(X509_STORE_CTX *ctx, void *arg)
{
	SSL	*ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());

	(void)arg;
	if (sk_X509_num(X509_STORE_CTX_get0_untrusted(ctx)) > 1) {
		tls_of(ssl)->no_ticket = true;
		(void)SSL_set_num_tickets(ssl, 0);
	}
	return X509_verify_cert(ctx) > 0;
}

static const char *
why_certificate(long error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "the client's certificate has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "the client's certificate is not valid yet";
	case X509_V_ERR_CERT_REVOKED:
		return "the client's certificate is revoked";
	case X509_V_ERR_CRL_HAS_EXPIRED:
		return "the list of revoked certificates is too old; fetch a new one (tls_client_crl)";
	case X509_V_ERR_UNABLE_TO_GET_CRL:
		return "no list of revoked certificates is of the issuer of the client's (tls_client_crl)";
	case X509_V_ERR_INVALID_PURPOSE:
		return "the client's certificate is not one for clients";
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return "the client's certificate is of an unknown issuer";
	default:
		return "the client's certificate is not valid";
	}
}

static int
on_failed(struct tls *t, int error)
{
	const int	reason = ERR_GET_REASON(ERR_peek_last_error());

	t->why = "the TLS handshake failed";
	if (error != SSL_ERROR_SSL) {
		t->why = "the client closed the connection in the TLS handshake";
		return E_CLOSED;
	}
	switch (reason) {
	case SSL_R_HTTP_REQUEST:
		t->why = "plain HTTP where TLS is spoken";
		return E_HTTP_TLS;
	case SSL_R_CERTIFICATE_VERIFY_FAILED:
		t->why = why_certificate(SSL_get_verify_result(t->ssl));
		break;
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		t->why = "the client shows no certificate";
		break;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
		t->why = "the client speaks no version of TLS that is allowed (tls_min_version)";
		break;
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
		t->why = "the client knows no cipher or signature that is allowed";
		break;
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
		t->why = "the client does not believe our certificate";
		break;
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		t->why = "the client closed the connection in the TLS handshake";
		return E_CLOSED;
	default:
		break;
	}
	return E_SERVER;
}

/* ---- what is in force -------------------------------------------------------------------------- */

static void
force_fini(struct tls_force *f)
{
	for (size_t i = 0; i < f->count; i++)
		SSL_CTX_free(f->ctx[i]);
	free(f->ctx);
	sni_free(&f->sni);
	X509_STORE_free(f->store);
	*f = (struct tls_force){ 0 };
}

static X509 *
cert_of(struct span der)
{
	const uint8_t	*at = (const uint8_t *)der.p;

	return der.n > LONG_MAX ? NULL : d2i_X509(NULL, &at, (long)der.n);
}

static int
store_add_list(X509_STORE *store, struct span der)
{
	const uint8_t	*at = (const uint8_t *)der.p;
	X509_CRL	*crl = der.n > LONG_MAX ? NULL : d2i_X509_CRL(NULL, &at, (long)der.n);
	int		 r = crl != NULL && X509_STORE_add_crl(store, crl) == 1 ? 0 : E_FORMAT;

	X509_CRL_free(crl);
	return r;
}

static int
force_trust(struct tls_force *f, const struct tls_setup *setup)
{
	X509	*x;
	int	 r = 0;

	f->trust = sum64(SPAN_LIT("whose certificates are believed"));
	f->crl_ends_ms = setup->crl_ends_ms;
	if (setup->ca_count == 0)
		return 0;
	if ((f->store = X509_STORE_new()) == NULL)
		return E_NOMEM;
	for (size_t i = 0; r == 0 && i < setup->ca_count; i++) {
		f->trust = sum64_more(f->trust, setup->cas[i]);
		if ((x = cert_of(setup->cas[i])) == NULL || X509_STORE_add_cert(f->store, x) != 1)
			r = E_FORMAT;
		X509_free(x);
	}
	for (size_t i = 0; r == 0 && i < setup->crl_count; i++) {
		f->trust = sum64_more(f->trust, setup->crls[i]);
		r = store_add_list(f->store, setup->crls[i]);
	}
	if (r == 0 && setup->crl_count > 0 &&
	    X509_STORE_set_flags(f->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) != 1)
		r = E_NOMEM;
	/* An authority may stand in the file without the one that signed it. */
	if (r == 0 && X509_STORE_set_flags(f->store, X509_V_FLAG_PARTIAL_CHAIN) != 1)
		r = E_NOMEM;
	f->trust |= 1;
	return r;
}

/* Their names go to clients, which choose by them. */
static int
ctx_trust(SSL_CTX *ctx, const struct tls_force *f, const struct tls_setup *setup)
{
	X509	*x;
	int	 r = 0;

	if (f->store == NULL)
		return 0;
	if (SSL_CTX_set1_verify_cert_store(ctx, f->store) != 1)
		return E_NOMEM;
	for (size_t i = 0; r == 0 && i < setup->ca_count; i++) {
		if ((x = cert_of(setup->cas[i])) == NULL || SSL_CTX_add_client_CA(ctx, x) != 1)
			r = E_FORMAT;
		X509_free(x);
	}
	return r;
}

static int
ctx_identity(SSL_CTX *ctx, const struct tls_identity *id)
{
	const uint8_t	*at = (const uint8_t *)id->key.p;
	EVP_PKEY	*key = id->key.n > LONG_MAX ? NULL : d2i_AutoPrivateKey(NULL, &at, (long)id->key.n);
	X509		*x;
	int		 r = key == NULL || id->chain_count == 0 ? E_FORMAT : 0;

	for (size_t i = 0; r == 0 && i < id->chain_count; i++) {
		if ((x = cert_of(id->chain[i])) == NULL ||
		    (i == 0 ? SSL_CTX_use_certificate(ctx, x) : SSL_CTX_add1_chain_cert(ctx, x)) != 1)
			r = E_FORMAT;
		X509_free(x);
	}
	if (r == 0 && (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1))
		r = E_FORMAT;
	EVP_PKEY_free(key);
	return r;
}

static int
ctx_new(const struct tls_setup *setup, SSL_CTX **out)
{
	SSL_CTX	*ctx = *out = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, setup->with_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, CIPHERS_1_2) != 1 || SSL_CTX_set1_groups_list(ctx, GROUPS) != 1 ||
	    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket) != 1)
		return E_NOMEM;
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* A record's head and its body in one look at the socket: tls_has_more() says what that leaves. */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ctx, TICKET_S);
	SSL_CTX_set_max_cert_list(ctx, CHAIN_MAX);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
	return 0;
}

static int
force_identity(struct tls_force *f, const struct tls_setup *setup, size_t i)
{
	const struct tls_identity	*id = &setup->identities[i];
	int				 r;

	f->count = i + 1;		/* what there is of it is freed with the others */
	if ((r = ctx_new(setup, &f->ctx[i])) != 0 || (r = ctx_identity(f->ctx[i], id)) != 0 ||
	    (r = ctx_trust(f->ctx[i], f, setup)) != 0)
		return r;
	for (size_t n = 0; r == 0 && n < id->name_count; n++)
		r = sni_add(f->sni, id->names[n], i);
	return r;
}

int
tls_server_set(struct tls_server *s, const struct tls_setup *setup)
{
	struct tls_force	f = { 0 };
	int			r;

	if ((r = sni_new(&f.sni)) == 0 && (f.ctx = calloc(setup->count + 1, sizeof(f.ctx[0]))) == NULL)
		r = E_NOMEM;
	if (r == 0)
		r = force_trust(&f, setup);
	for (size_t i = 0; r == 0 && i < setup->count; i++)
		r = force_identity(&f, setup, i);
	ERR_clear_error();
	if (r != 0) {
		force_fini(&f);
		return r;
	}
	sni_done(f.sni);
	force_fini(&s->force);
	s->force = f;
	return 0;
}

bool
tls_server_is_set(const struct tls_server *s)
{
	return s->force.count > 0;
}

int
tls_server_new(struct tls_server **out)
{
	struct tls_server	*s = calloc(1, sizeof(*s));
	int			 r;

	if ((*out = s) == NULL)
		return E_NOMEM;
	if ((r = tickets_init(&s->tickets)) != 0)
		tls_server_free(out);
	return r;
}

void
tls_server_free(struct tls_server **sp)
{
	struct tls_server	*s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	force_fini(&s->force);
	tickets_fini(&s->tickets);
	free(s);
}

/* ---- a connection ------------------------------------------------------------------------------ */

/* Tickets of one kind of listener, and of one set of authorities and lists, are for no other. */
static int
set_context(struct tls *t, const struct tls_force *f, enum tls_ask ask)
{
	struct {
		uint64_t	trust;
		uint32_t	ask, spare;
	} id = { ask == TLS_ASK_NOT ? 0 : f->trust, ask, 0 };

	return SSL_set_session_id_context(t->ssl, (const unsigned char *)&id, sizeof(id)) == 1 ? 0 : E_INTERNAL;
}

static int
chain_der(STACK_OF(X509) *chain, uint8_t *der[PEER_CERT_CHAIN], struct span spans[PEER_CERT_CHAIN], size_t *count)
{
	int	n;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		if (*count == PEER_CERT_CHAIN)
			return E_TOOBIG;
		der[*count] = NULL;
		if ((n = i2d_X509(sk_X509_value(chain, i), &der[*count])) <= 0)
			return E_NOMEM;
		spans[*count] = span_make(der[*count], (size_t)n);
		(*count)++;
	}
	return 0;
}

/* The handshake is done: whose it is. */
static int
take_peer(struct tls *t)
{
	X509		*x = SSL_get0_peer_certificate(t->ssl);
	uint8_t		*own = NULL, *der[PEER_CERT_CHAIN];
	struct span	 spans[PEER_CERT_CHAIN];
	size_t		 count = 0;
	int		 n, r = E_NOMEM;

	if (x == NULL || SSL_get_verify_result(t->ssl) != X509_V_OK ||
	    (SSL_get_verify_mode(t->ssl) & SSL_VERIFY_PEER) == 0)
		return 0;
	if ((n = i2d_X509(x, &own)) > 0 &&
	    (r = chain_der(SSL_get_peer_cert_chain(t->ssl), der, spans, &count)) == 0)
		r = peer_cert_new(span_make(own, (size_t)n), spans, count, t->trust, &t->cert);
	OPENSSL_free(own);
	while (count > 0)
		OPENSSL_free(der[--count]);
	return r;
}

int
tls_accept(struct tls_server *s, int fd, enum tls_ask ask, struct tls **out)
{
	struct tls	*t;
	int		 r;

	*out = NULL;
	if (s->force.count == 0)
		return E_NOTFOUND;
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return E_NOMEM;
	t->server = s;
	t->trust = s->force.trust;
	t->failed = on_failed;
	t->took = take_peer;
	if ((r = tls_begin(t, s->force.ctx[0])) != 0 || (r = tls_wire_begin(t, fd)) != 0 ||
	    (r = set_context(t, &s->force, ask)) != 0) {
		tls_free(&t);
		return r;
	}
	if (ask != TLS_ASK_NOT && s->force.store != NULL)
		SSL_set_verify(t->ssl, SSL_VERIFY_PEER | (ask == TLS_ASK_MUST ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
		    NULL);
	SSL_set_accept_state(t->ssl);
	*out = t;
	return 0;
}

struct peer_cert *
tls_peer(const struct tls *t)
{
	return t->cert;
}

static bool
verify_again(const struct tls_force *f, const struct peer_cert *c)
{
	X509_STORE_CTX	*ctx = X509_STORE_CTX_new();
	STACK_OF(X509)	*chain = sk_X509_new_null();
	X509		*leaf = cert_of(c->der), *x;
	bool		 ok = ctx != NULL && chain != NULL && leaf != NULL;

	for (size_t i = 0; ok && i < c->chain_count; i++)
		if ((x = cert_of(c->chain[i])) == NULL || sk_X509_push(chain, x) <= 0) {
			X509_free(x);
			ok = false;
		}
	ok = ok && X509_STORE_CTX_init(ctx, f->store, leaf, chain) == 1 &&
	    X509_STORE_CTX_set_default(ctx, "ssl_client") == 1 && X509_verify_cert(ctx) == 1;
	X509_STORE_CTX_free(ctx);
	sk_X509_pop_free(chain, X509_free);
	X509_free(leaf);
	ERR_clear_error();
	return ok;
}

bool
tls_server_believes(const struct tls_server *s, struct peer_cert *c, uint64_t wall_ms)
{
	const struct tls_force	*f = &s->force;

	if (f->store == NULL || c->ends_ms <= wall_ms || (f->crl_ends_ms != 0 && f->crl_ends_ms <= wall_ms))
		return false;
	if (c->trust == f->trust)
		return true;
	if (!verify_again(f, c))
		return false;
	c->trust = f->trust;
	return true;
}
