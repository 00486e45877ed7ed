/* SPDX-License-Identifier: Apache-2.0
 *
 * tls_client.c - TLS to a server: whom to believe, sessions to begin with, and what is wrong where it fails
 *
 * Process: worker, scout.  Owns: the context, sessions.
 * Trusts:  no server: a chain is as long as OpenSSL lets it be, and so many anchors are parsed for it and no more.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/x509v3.h>

#include "http/tls_priv.h"
#include "lib/bug.h"
#include "lib/cert.h"

#define ANCHORS_MAX	32		/* parsed for one chain */
#define SAME_NAME_MAX	8
#define SESSION_S	3600		/* what was verified is believed for so long */

struct tls_client {
	SSL_CTX	*ctx;
};

/* ---- whom to trust ----------------------------------------------------------------------------- */

static bool
is_there(STACK_OF(X509) *anchors, X509 *x)
{
	for (int i = 0; i < sk_X509_num(anchors); i++)
		if (X509_cmp(sk_X509_value(anchors, i), x) == 0)
			return true;
	return false;
}

/* The site's anchors that may have signed x. */
static void
add_issuers(const struct tls_site *site, X509 *x, STACK_OF(X509) *anchors)
{
	uint32_t	 hash = cert_name_hash(X509_get_issuer_name(x));
	const uint8_t	*at;
	struct span	 der;
	X509		*found;

	for (size_t i = 0; i < SAME_NAME_MAX && sk_X509_num(anchors) < ANCHORS_MAX; i++) {
		if (!site->anchor(hash, i, &der, site->arg))
			return;
		at = (const uint8_t *)der.p;
		if ((found = d2i_X509(NULL, &at, (long)der.n)) == NULL)
			continue;
		if (is_there(anchors, found) || sk_X509_push(anchors, found) <= 0)
			X509_free(found);
	}
}

/* The anchors that this chain may lead to become all that are trusted, and OpenSSL does the rest. */
static int
on_verify(X509_STORE_CTX *ctx, void *arg)
{
	SSL			*ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_site		*site = tls_of(ssl)->site;
	STACK_OF(X509)		*anchors = sk_X509_new_null(), *chain = X509_STORE_CTX_get0_untrusted(ctx);
	X509			*leaf = X509_STORE_CTX_get0_cert(ctx);
	int			 r;

	(void)arg;
	if (anchors == NULL || leaf == NULL) {
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_OUT_OF_MEM);
		sk_X509_free(anchors);
		return 0;
	}
	add_issuers(site, leaf, anchors);
	for (int i = 0; i < sk_X509_num(chain); i++)
		add_issuers(site, sk_X509_value(chain, i), anchors);
	/* One that is signed by another. */
	for (int i = 0; i < sk_X509_num(anchors); i++)
		add_issuers(site, sk_X509_value(anchors, i), anchors);
	X509_STORE_CTX_set0_trusted_stack(ctx, anchors);
	if ((r = X509_verify_cert(ctx)) > 0)
		site->verified_s = (int64_t)time(NULL);
	sk_X509_pop_free(anchors, X509_free);
	return r > 0;
}

/* ---- sessions ---------------------------------------------------------------------------------- */

static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_site	*site = tls_of(ssl)->site;

	SSL_SESSION_free(site->sessions[TLS_SESSIONS - 1]);
	for (size_t i = TLS_SESSIONS - 1; i > 0; i--)
		site->sessions[i] = site->sessions[i - 1];
	site->sessions[0] = session;
	return 1;			/* ours now */
}

static void
forget_sessions(struct tls_site *s)
{
	for (size_t i = 0; i < TLS_SESSIONS; i++) {
		SSL_SESSION_free(s->sessions[i]);
		s->sessions[i] = NULL;
	}
}

/* A ticket of 1.3 is for one connection, or both could be told to be one client's.  However many sessions came of
 * others: they all rest on one look at a certificate. */
static void
use_session(struct tls *t)
{
	struct tls_site	*s = t->site;
	int64_t		 since = (int64_t)time(NULL) - s->verified_s;
	SSL_SESSION	*session;

	if (since < 0 || since > SESSION_S)
		forget_sessions(s);
	if ((session = s->sessions[0]) == NULL)
		return;
	(void)SSL_set_session(t->ssl, session);
	if (SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION)
		return;
	SSL_SESSION_free(session);
	for (size_t i = 1; i < TLS_SESSIONS; i++)
		s->sessions[i - 1] = s->sessions[i];
	s->sessions[TLS_SESSIONS - 1] = NULL;
}

/* ---- client and site --------------------------------------------------------------------------- */

void
tls_client_prepare(void)
{
	(void)OPENSSL_init_ssl(0, NULL);
}

int
tls_client_new(struct tls_client **out)
{
	static const uint8_t	 alpn[] = "\x08http/1.1";
	struct tls_client	*c;
	SSL_CTX			*ctx;

	*out = NULL;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return E_NOMEM;
	if ((ctx = c->ctx = SSL_CTX_new(TLS_client_method())) == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 || SSL_CTX_set_max_proto_version(ctx, 0) != 1 ||
	    SSL_CTX_set_alpn_protos(ctx, alpn, sizeof(alpn) - 1) != 0) {
		ERR_clear_error();
		tls_client_free(&c);
		return E_INTERNAL;
	}
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* One record at a look: a server that sends nothing but tickets keeps nobody from others' turns. */
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	*out = c;
	return 0;
}

void
tls_client_free(struct tls_client **cp)
{
	struct tls_client	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	SSL_CTX_free(c->ctx);
	free(c);
}

int
tls_site_init(struct tls_site *s, struct span host, tls_anchor_fn *anchor, void *arg)
{
	const char	*end;

	*s = (struct tls_site){ .anchor = anchor, .arg = arg };
	if (host.n > 0 && host.p[0] == '[') {
		end = memchr(host.p, ']', host.n);
		host = span_part(host, 1, end == NULL ? 0 : (size_t)(end - host.p) - 1);
	} else if (host.n > 0 && (end = memchr(host.p, ':', host.n)) != NULL) {
		host = span_part(host, 0, (size_t)(end - host.p));
	}
	/* The root's dot is no part of a certificate's name. */
	if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	/* OpenSSL takes one before a name for whatever is below that. */
	if (host.n == 0 || host.n > TLS_HOST_MAX || host.p[0] == '.' || memchr(host.p, '\0', host.n) != NULL)
		return E_FORMAT;
	memcpy(s->host, host.p, host.n);
	return 0;
}

void
tls_site_fini(struct tls_site *s)
{
	forget_sessions(s);
}

/* ---- what is wrong ----------------------------------------------------------------------------- */

static const char *
why_certificate(long error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "the server's certificate has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "the server's certificate is not valid yet; is this machine's clock right?";
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return "the server's certificate is for another host";
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
		return "the server's certificate is of an unknown issuer; "
		    "\"ca\" and upstream_ca_file say who is trusted";
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return "the server's certificate has a wrong signature";
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return "the server's certificate has a key or a signature that is too weak";
	case X509_V_ERR_INVALID_PURPOSE:
	case X509_V_ERR_INVALID_CA:
		return "the server's certificate is not one for servers, or its issuer's not one for issuers";
	case X509_V_ERR_OUT_OF_MEM:
		return "out of memory";
	default:
		return "the server's certificate is not valid";
	}
}

static const char *
why_handshake(int reason)
{
	switch (reason) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
		return "what answers there speaks no TLS; is it http:// ?";
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
	case SSL_R_VERSION_TOO_LOW:
		return "the server speaks no TLS of version 1.2 or later";
	case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
	case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
		return "the server has no cipher or key that is strong enough";
	case SSL_R_TLSV1_UNRECOGNIZED_NAME:
		return "the server does not know this name";
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
		return "the server wants a certificate of ours";
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return "the server closed the connection in the TLS handshake";
	default:
		return "the TLS handshake failed";
	}
}

static int
on_failed(struct tls *t, int error)
{
	const int	reason = ERR_GET_REASON(ERR_peek_last_error());

	if (error != SSL_ERROR_SSL)
		t->why = "the server closed the connection in the TLS handshake";
	else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
		t->why = why_certificate(SSL_get_verify_result(t->ssl));
	else
		t->why = why_handshake(reason);
	return E_SERVER;
}

/* ---- a connection ------------------------------------------------------------------------------ */

static bool
is_address(const char *host)
{
	uint8_t	bytes[16];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static bool
want_host(SSL *ssl, const char *host)
{
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (is_address(host))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

int
tls_open(struct tls_client *c, struct tls_site *site, int fd, struct tls **out)
{
	struct tls	*t = calloc(1, sizeof(*t));

	*out = NULL;
	if (t == NULL)
		return E_NOMEM;
	t->site = site;
	t->failed = on_failed;
	if (tls_begin(t, c->ctx) != 0 || SSL_set_fd(t->ssl, fd) != 1 || !want_host(t->ssl, site->host)) {
		ERR_clear_error();
		tls_free(&t);
		return E_NOMEM;
	}
	use_session(t);
	SSL_set_connect_state(t->ssl);
	*out = t;
	return 0;
}
