/* SPDX-License-Identifier: Apache-2.0
 *
 * test_tls_server.c - TLS to clients: tickets that another worker takes, and what a change of authorities does
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http/tls_server.h"
#include "tests/harness/testca.h"

struct der {
	unsigned char	*p;
	int		 n;
};

struct rig {
	struct testca		 ca, clients;
	struct testcert		 own, client;
	struct der		 cert, key, authority;
	struct tls_server	*servers[2];	/* two workers */
	struct keyring		 ring;
	SSL_CTX			*ctx;
	SSL_SESSION		*session;
};

static struct rig	r;

static struct span
span_of_der(const struct der *d)
{
	return span_make(d->p, (size_t)d->n);
}

static int
set(struct tls_server *s, const struct der *authority, uint64_t crl_ends_ms)
{
	const struct span	  chain = span_of_der(&r.cert), name = SPAN_LIT("a.example");
	const struct span	  ca = authority == NULL ? SPAN_NONE : span_of_der(authority);
	const struct tls_identity id = { .chain = &chain, .chain_count = 1, .key = span_of_der(&r.key), .names = &name,
				    .name_count = 1 };

	return tls_server_set(s, &(struct tls_setup){ .identities = &id, .count = 1, .cas = &ca,
	    .ca_count = authority == NULL ? 0 : 1, .crl_ends_ms = crl_ends_ms });
}

static int
on_session(SSL *ssl, SSL_SESSION *s)
{
	unsigned char		*der = NULL;
	const unsigned char	*at;
	int			 n = i2d_SSL_SESSION(s, &der);

	(void)ssl;
	at = der;
	SSL_SESSION_free(r.session);
	r.session = d2i_SSL_SESSION(NULL, &at, n);
	OPENSSL_free(der);
	return 0;
}

static void
setup(void)
{
	EVP_PKEY	*key;

	testca_new(&r.ca, "ours", NULL);
	testca_new(&r.clients, "clients", NULL);
	testca_issue(&r.ca, "DNS:a.example", 0, 5, &r.own);
	testca_issue(&r.clients, "URI:spiffe://a,DNS:B.example", 0, 5, &r.client);
	r.cert.n = i2d_X509(r.own.cert, &r.cert.p);
	r.authority.n = i2d_X509(r.clients.cert, &r.authority.p);
	key = r.own.key;
	r.key.n = i2d_PrivateKey(key, &r.key.p);
	cr_assert(keyring_make(&r.ring) == 0);
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, tls_server_new(&r.servers[i]), 0));
		cr_assert(eq(int, set(r.servers[i], &r.authority, 0), 0));
		cr_assert(eq(int, tls_server_tickets(r.servers[i], &r.ring), 0));
	}
	r.ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(r.ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(r.ctx, on_session);
}

static void
teardown(void)
{
	for (int i = 0; i < 2; i++)
		tls_server_free(&r.servers[i]);
	SSL_CTX_free(r.ctx);
	SSL_SESSION_free(r.session);
	testcert_free(&r.own);
	testcert_free(&r.client);
	testca_free(&r.ca);
	testca_free(&r.clients);
	OPENSSL_free(r.cert.p);
	OPENSSL_free(r.key.p);
	OPENSSL_free(r.authority.p);
}

/* Both ends, step by step; what it came to, and whether a session was resumed.  *peer: a reference, when there is one. */
static int
shake(struct tls_server *s, enum tls_ask ask, bool *resumed, struct peer_cert **peer)
{
	struct tls	*t;
	SSL		*client = SSL_new(r.ctx);
	char		 bytes[16];
	bool		 writes;
	int		 fds[2], e = E_AGAIN;
	size_t		 got;

	*resumed = false;
	*peer = NULL;
	cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	cr_assert(eq(int, tls_accept(s, fds[0], ask, &t), 0));
	SSL_set_fd(client, fds[1]);
	SSL_set_connect_state(client);
	if (r.session != NULL)
		SSL_set_session(client, r.session);
	for (int i = 0; i < 20 && e == E_AGAIN; i++) {
		(void)SSL_do_handshake(client);
		e = tls_handshake(t, &writes);
	}
	if (e == 0) {
		*resumed = tls_is_resumed(t);
		*peer = peer_cert_ref(tls_peer(t));
		(void)SSL_read(client, bytes, sizeof(bytes));	/* tickets */
		(void)SSL_write(client, "12345678", 8);
		/* In one look at the socket there was more than is wanted now. */
		cr_expect(eq(int, tls_read(t, bytes, 3, &got), 0));
		cr_expect(got == 3 && tls_has_more(t));
		cr_expect(eq(int, tls_read(t, bytes, 16, &got), 0));
		cr_expect(got == 5 && !tls_has_more(t));
		cr_expect(eq(int, tls_read(t, bytes, 16, &got), E_AGAIN));
		cr_expect(not(tls_has_more(t)));
	}
	tls_free(&t);
	SSL_shutdown(client);
	SSL_free(client);
	close(fds[0]);
	close(fds[1]);
	return e;
}

Test(tls_server, takes_a_ticket_that_another_worker_made, .init = setup, .fini = teardown)
{
	struct peer_cert	*peer;
	unsigned char		*der = NULL;
	const unsigned char	*at;
	bool			 resumed;
	int			 n;

	cr_assert(eq(int, shake(r.servers[0], TLS_ASK_NOT, &resumed, &peer), 0));
	cr_expect(not(resumed));
	cr_assert(r.session != NULL);
	for (int i = 0; i < 6; i++) {
		cr_assert(eq(int, shake(r.servers[i % 2], TLS_ASK_NOT, &resumed, &peer), 0));
		cr_expect(resumed, "%d", i);
	}
	/* One key more, and the old one still counts; when it is gone, the handshake is a whole one. */
	n = i2d_SSL_SESSION(r.session, &der);
	for (int i = 0; i < KEYRING_KEYS; i++) {
		at = der;
		SSL_SESSION_free(r.session);
		r.session = d2i_SSL_SESSION(NULL, &at, n);
		cr_assert(keyring_rotate(&r.ring) == 0);
		cr_assert(eq(int, tls_server_tickets(r.servers[0], &r.ring), 0));
		cr_assert(eq(int, shake(r.servers[0], TLS_ASK_NOT, &resumed, &peer), 0));
		cr_expect(resumed == (i < KEYRING_KEYS - 1), "%d", i);
	}
	OPENSSL_free(der);
}

Test(tls_server, resumes_nothing_of_another_kind_of_listener, .init = setup, .fini = teardown)
{
	struct peer_cert	*peer;
	bool			 resumed;

	cr_assert(eq(int, shake(r.servers[0], TLS_ASK_NOT, &resumed, &peer), 0));
	cr_expect(eq(int, shake(r.servers[0], TLS_ASK_MUST, &resumed, &peer), E_SERVER));
	cr_assert(eq(int, shake(r.servers[0], TLS_ASK_MAY, &resumed, &peer), 0));
	cr_expect(peer == NULL && !resumed);
}

Test(tls_server, knows_a_client_by_its_ticket_too_and_asks_anew_when_authorities_change, .init = setup, .fini = teardown)
{
	const uint64_t		 now = (uint64_t)time(NULL) * 1000;
	struct peer_cert	*peer;
	bool			 resumed;

	cr_assert(SSL_CTX_use_certificate(r.ctx, r.client.cert) == 1 && SSL_CTX_use_PrivateKey(r.ctx, r.client.key) == 1);
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, shake(r.servers[i], TLS_ASK_MUST, &resumed, &peer), 0));
		cr_expect(eq(int, resumed, i));
		cr_assert(peer != NULL);
		cr_expect(peer->san_count == 2 && span_is(peer->sans[0].text, "spiffe://a") &&
		    span_is(peer->sans[1].text, "b.example"));
		cr_expect(eq(str, peer->issuer, "clients"));
		cr_expect(tls_server_believes(r.servers[i], peer, now));
		cr_expect(not(tls_server_believes(r.servers[i], peer, peer->ends_ms)), "it has ended");
		/* Whom it leads to is believed still; then nobody is. */
		cr_assert(eq(int, set(r.servers[i], &r.authority, 1), 0));
		cr_expect(not(tls_server_believes(r.servers[i], peer, now)), "the list is too old");
		cr_assert(eq(int, set(r.servers[i], &r.cert, 0), 0));
		cr_expect(not(tls_server_believes(r.servers[i], peer, now)), "of an authority that went");
		cr_assert(eq(int, set(r.servers[i], &r.authority, 0), 0));
		cr_expect(tls_server_believes(r.servers[i], peer, now));
		peer_cert_unref(&peer);
	}
	cr_assert(eq(int, set(r.servers[0], &r.cert, 0), 0));
	cr_expect(eq(int, shake(r.servers[0], TLS_ASK_MUST, &resumed, &peer), E_SERVER), "its ticket says who was believed");
}

Test(tls_server, keeps_what_serves_when_something_else_cannot_be_used, .init = setup, .fini = teardown)
{
	struct peer_cert	*peer;
	struct der		 kept = r.key;
	bool			 resumed;

	r.key = (struct der){ r.cert.p, r.cert.n };
	cr_expect(eq(int, set(r.servers[0], NULL, 0), E_FORMAT));
	r.key = kept;
	cr_expect(tls_server_is_set(r.servers[0]));
	cr_expect(eq(int, shake(r.servers[0], TLS_ASK_NOT, &resumed, &peer), 0));
}

/* A client that takes little at a time gets all of it, in order. */
Test(tls_server, keeps_what_the_kernel_does_not_take, .init = setup, .fini = teardown)
{
	struct block_pool	 blocks;
	struct http_queue	 q;
	struct tls		*t;
	SSL			*client = SSL_new(r.ctx);
	char			 piece[1000], *got = malloc(600000);
	bool			 writes, waited = false;
	size_t			 used = 0;
	int			 fds[2], e = E_AGAIN, n, small = 8192;

	block_pool_init(&blocks, 4);
	http_queue_init(&q, &blocks);
	cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	cr_assert(eq(int, tls_accept(r.servers[0], fds[0], TLS_ASK_NOT, &t), 0));
	SSL_set_fd(client, fds[1]);
	SSL_set_connect_state(client);
	for (int i = 0; i < 20 && e == E_AGAIN; i++) {
		(void)SSL_do_handshake(client);
		e = tls_handshake(t, &writes);
	}
	cr_assert(eq(int, e, 0));
	for (unsigned i = 0; i < 500; i++) {
		snprintf(piece, sizeof(piece), "%999u", i);
		cr_assert(http_queue_put(&q, span_make(piece, sizeof(piece))) == 0);
	}
	for (int i = 0; i < 100000 && (e = tls_write(t, &q)) != 0; i++) {
		cr_assert(eq(int, e, E_AGAIN));
		waited |= tls_unsent(t) > 0;
		if ((n = SSL_read(client, got + used, 3000)) > 0)
			used += (size_t)n;
	}
	cr_assert(eq(int, e, 0));
	cr_expect(waited, "the kernel took all at once");
	cr_expect(eq(sz, tls_unsent(t), 0));
	while ((n = SSL_read(client, got + used, 3000)) > 0)
		used += (size_t)n;
	cr_assert(eq(sz, used, 500 * sizeof(piece)));
	for (unsigned i = 0; i < 500; i++) {
		snprintf(piece, sizeof(piece), "%999u", i);
		cr_assert(memcmp(got + i * sizeof(piece), piece, sizeof(piece)) == 0, "piece %u", i);
	}
	http_queue_fini(&q);
	tls_free(&t);
	SSL_free(client);
	close(fds[0]);
	close(fds[1]);
	block_pool_fini(&blocks);
	free(got);
}
