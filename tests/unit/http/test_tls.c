/* SPDX-License-Identifier: Apache-2.0
 *
 * test_tls.c - TLS to a server: which servers are believed, and what passes
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/tls.h"
#include "lib/cert.h"
#include "tests/harness/testca.h"

#define TRUSTED_MAX	4

struct rig {
	struct testca		 trusted[TRUSTED_MAX];
	unsigned		 count, asked;
	unsigned char		*der[TRUSTED_MAX];
	int			 der_bytes[TRUSTED_MAX];
	struct tls_client	*client;
	struct tls_site		 site;
	struct block_pool	 blocks;
	SSL_CTX			*ctx;
	SSL			*server;
	struct tls		*tls;
	int			 fds[2];
	const char		*why;
};

static bool
on_anchor(uint32_t subject, size_t nth, struct span *der, void *arg)
{
	struct rig	*r = arg;

	r->asked++;
	for (unsigned i = 0; i < r->count; i++)
		if (cert_name_hash(X509_get_subject_name(r->trusted[i].cert)) == subject && nth-- == 0) {
			*der = span_make(r->der[i], (size_t)r->der_bytes[i]);
			return true;
		}
	return false;
}

static void
rig_init(struct rig *r, const char *host)
{
	memset(r, 0, sizeof(*r));
	block_pool_init(&r->blocks, 4);
	cr_assert(eq(int, tls_client_new(&r->client), 0));
	cr_assert(eq(int, tls_site_init(&r->site, span_of(host), on_anchor, r), 0));
	testca_new(&r->trusted[0], "the test's own", NULL);
	r->count = 1;
	r->der_bytes[0] = i2d_X509(r->trusted[0].cert, &r->der[0]);
	r->ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_session_id_context(r->ctx, (const unsigned char *)"t", 1);
}

static void
rig_trust(struct rig *r, const char *name, const struct testca *by)
{
	testca_new(&r->trusted[r->count], name, by);
	r->der_bytes[r->count] = i2d_X509(r->trusted[r->count].cert, &r->der[r->count]);
	r->count++;
}

static void
rig_serve(struct rig *r, const struct testcert *c, const struct testca *between)
{
	cr_assert(SSL_CTX_use_certificate(r->ctx, c->cert) == 1 && SSL_CTX_use_PrivateKey(r->ctx, c->key) == 1);
	SSL_CTX_clear_chain_certs(r->ctx);
	if (between != NULL)
		cr_assert(SSL_CTX_add1_chain_cert(r->ctx, between->cert) == 1);
}

static void
rig_end(struct rig *r)
{
	tls_free(&r->tls);
	SSL_free(r->server);
	r->server = NULL;
	if (r->fds[0] > 0) {
		close(r->fds[0]);
		close(r->fds[1]);
	}
	r->fds[0] = 0;
}

static void
rig_fini(struct rig *r)
{
	rig_end(r);
	tls_site_fini(&r->site);
	tls_client_free(&r->client);
	SSL_CTX_free(r->ctx);
	for (unsigned i = 0; i < r->count; i++) {
		testca_free(&r->trusted[i]);
		OPENSSL_free(r->der[i]);
	}
	block_pool_fini(&r->blocks);
}

/* Both ends, step by step: what the handshake came to. */
static int
rig_shake(struct rig *r)
{
	bool	writes;
	int	e = E_AGAIN;

	rig_end(r);
	cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, r->fds) == 0);
	r->server = SSL_new(r->ctx);
	SSL_set_fd(r->server, r->fds[1]);
	SSL_set_accept_state(r->server);
	cr_assert(eq(int, tls_open(r->client, &r->site, r->fds[0], &r->tls), 0));
	for (int i = 0; i < 20 && e == E_AGAIN; i++) {
		e = tls_handshake(r->tls, &writes);
		(void)SSL_do_handshake(r->server);
	}
	r->why = tls_why(r->tls);
	return e;
}

static int
rig_hear(struct rig *r, char *to, size_t room)
{
	size_t	n;
	int	e = tls_read(r->tls, to, room, &n);

	return e == 0 ? (int)n : e;
}

struct row {
	const char	*host, *names;
	int		 from, until;
	unsigned	 by;		/* 0: the one that is trusted */
	const char	*why;		/* NULL: well */
};

static const struct row rows[] = {
	{ "mcp.example", "DNS:mcp.example", 0, 30, 0, NULL },
	{ "mcp.example:8443", "DNS:mcp.example", 0, 30, 0, NULL },
	{ "MCP.example.", "DNS:mcp.example", 0, 30, 0, NULL },
	{ "a.mcp.example", "DNS:*.mcp.example", 0, 30, 0, NULL },
	{ "127.0.0.1:1", "IP:127.0.0.1", 0, 30, 0, NULL },
	{ "[::1]:443", "IP:::1", 0, 30, 0, NULL },
	{ "a.b.mcp.example", "DNS:*.mcp.example", 0, 30, 0, "another host" },
	{ "xa.mcp.example", "DNS:x*.mcp.example", 0, 30, 0, "another host" },
	{ "mcp.example", "DNS:other.example", 0, 30, 0, "another host" },
	{ "127.0.0.1", "IP:127.0.0.2", 0, 30, 0, "another host" },
	{ "127.0.0.1", "DNS:127.0.0.1", 0, 30, 0, "another host" },
	{ "a server", "DNS:mcp.example", 0, 30, 0, "another host" },	/* its common name */
	{ "mcp.example", "DNS:mcp.example", -30, -1, 0, "has expired" },
	{ "mcp.example", "DNS:mcp.example", 2, 30, 0, "not valid yet" },
	{ "mcp.example", "DNS:mcp.example", 0, 30, 1, "unknown issuer" },
};

Test(tls, believes_who_is_vouched_for_and_nobody_else, .timeout = 60)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct testca	other;
		struct testcert	c;
		struct rig	r;
		int		e;

		rig_init(&r, rows[i].host);
		testca_new(&other, "the test's own", NULL);	/* the same name, another key */
		testca_issue(rows[i].by == 0 ? &r.trusted[0] : &other, rows[i].names, rows[i].from, rows[i].until, &c);
		rig_serve(&r, &c, NULL);
		e = rig_shake(&r);
		cr_expect(eq(int, e, rows[i].why == NULL ? 0 : E_SERVER), "row %zu: %s", i, r.why);
		if (rows[i].why != NULL && rows[i].by == 0)
			cr_expect(strstr(r.why, rows[i].why) != NULL, "row %zu: %s", i, r.why);
		testcert_free(&c);
		testca_free(&other);
		rig_fini(&r);
	}
}

Test(tls, names_an_issuer_it_has_never_heard_of)
{
	struct testca	other;
	struct testcert	c;
	struct rig	r;

	rig_init(&r, "mcp.example");
	testca_new(&other, "somebody", NULL);
	testca_issue(&other, "DNS:mcp.example", 0, 30, &c);
	rig_serve(&r, &c, &other);
	cr_expect(eq(int, rig_shake(&r), E_SERVER));
	cr_expect(strstr(r.why, "unknown issuer") != NULL, "%s", r.why);
	/* One that vouches for itself is nobody's either. */
	rig_serve(&r, &(struct testcert){ other.key, other.cert }, NULL);
	cr_expect(eq(int, rig_shake(&r), E_SERVER));
	cr_expect(strstr(r.why, "unknown issuer") != NULL, "%s", r.why);
	testcert_free(&c);
	testca_free(&other);
	rig_fini(&r);
}

Test(tls, follows_a_chain_through_what_the_server_sends_and_what_is_trusted)
{
	struct testca	between;
	struct testcert	c;
	struct rig	r;

	rig_init(&r, "mcp.example");
	testca_new(&between, "between", &r.trusted[0]);
	testca_issue(&between, "DNS:mcp.example", 0, 30, &c);
	rig_serve(&r, &c, &between);
	cr_expect(eq(int, rig_shake(&r), 0), "%s", r.why);
	testcert_free(&c);
	testca_free(&between);

	/* Not sent, but among the anchors, as is the one above it. */
	rig_trust(&r, "trusted between", &r.trusted[0]);
	testca_issue(&r.trusted[1], "DNS:mcp.example", 0, 30, &c);
	rig_serve(&r, &c, NULL);
	cr_expect(eq(int, rig_shake(&r), 0), "%s", r.why);
	testcert_free(&c);
	rig_fini(&r);
}

Test(tls, begins_again_with_a_session_and_uses_each_of_them_once)
{
	struct testcert	c;
	char		byte[16];
	struct rig	r;

	rig_init(&r, "mcp.example");
	testca_issue(&r.trusted[0], "DNS:mcp.example", 0, 30, &c);
	rig_serve(&r, &c, NULL);
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, rig_shake(&r), 0), "%s", r.why);
		cr_expect(eq(int, tls_is_resumed(r.tls), i > 0));
		cr_expect(eq(int, rig_hear(&r, byte, sizeof(byte)), E_AGAIN), "tickets are no bytes of anybody's");
	}
	tls_site_fini(&r.site);
	cr_assert(eq(int, rig_shake(&r), 0), "%s", r.why);
	cr_expect(not(tls_is_resumed(r.tls)));
	cr_expect(eq(int, rig_hear(&r, byte, sizeof(byte)), E_AGAIN));

	/* Nor for longer than what was looked at is believed. */
	r.site.verified_s -= 3700;
	cr_assert(eq(int, rig_shake(&r), 0), "%s", r.why);
	cr_expect(not(tls_is_resumed(r.tls)));
	r.site.verified_s += 3700;	/* the clock was put back */
	cr_assert(eq(int, rig_shake(&r), 0), "%s", r.why);
	cr_expect(not(tls_is_resumed(r.tls)));

	SSL_CTX_set_max_proto_version(r.ctx, TLS1_2_VERSION);
	tls_site_fini(&r.site);
	for (int i = 0; i < 3; i++) {
		cr_assert(eq(int, rig_shake(&r), 0), "%s", r.why);
		cr_expect(eq(int, tls_is_resumed(r.tls), i > 0));
	}
	testcert_free(&c);
	rig_fini(&r);
}

/* Each is a record without a byte for us; somebody could go on with them for ever. */
Test(tls, looks_at_one_record_where_there_are_no_bytes)
{
	struct testcert	c;
	char		byte[16];
	struct rig	r;
	int		left = 0, looks = 0;

	rig_init(&r, "mcp.example");
	testca_issue(&r.trusted[0], "DNS:mcp.example", 0, 30, &c);
	rig_serve(&r, &c, NULL);
	cr_assert(eq(int, rig_shake(&r), 0), "%s", r.why);
	for (int i = 0; i < 20; i++)
		cr_assert(SSL_new_session_ticket(r.server) == 1 && SSL_do_handshake(r.server) == 1);
	cr_assert(SSL_write(r.server, "x", 1) == 1);
	cr_expect(eq(int, rig_hear(&r, byte, sizeof(byte)), E_AGAIN));
	cr_assert(ioctl(r.fds[0], FIONREAD, &left) == 0 && left > 0);
	while (rig_hear(&r, byte, sizeof(byte)) == E_AGAIN && looks < 100)
		looks++;
	cr_expect(looks >= 19 && looks < 100 && byte[0] == 'x', "%d", looks);
	testcert_free(&c);
	rig_fini(&r);
}

Test(tls, refuses_versions_that_are_too_old_and_what_is_no_TLS)
{
	struct testcert	c;
	struct rig	r;
	bool		writes;

	rig_init(&r, "mcp.example");
	testca_issue(&r.trusted[0], "DNS:mcp.example", 0, 30, &c);
	rig_serve(&r, &c, NULL);
	SSL_CTX_set_security_level(r.ctx, 0);
	SSL_CTX_set_min_proto_version(r.ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(r.ctx, TLS1_1_VERSION);
	cr_expect(eq(int, rig_shake(&r), E_SERVER));
	cr_expect(strstr(r.why, "1.2 or later") != NULL, "%s", r.why);
	rig_end(&r);

	cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, r.fds) == 0);
	cr_assert(eq(int, tls_open(r.client, &r.site, r.fds[0], &r.tls), 0));
	cr_expect(eq(int, tls_handshake(r.tls, &writes), E_AGAIN));
	cr_expect(not(writes));
	cr_assert(write(r.fds[1], "HTTP/1.1 400 Bad Request\r\n\r\n", 28) == 28);
	cr_expect(eq(int, tls_handshake(r.tls, &writes), E_SERVER));
	cr_expect(strstr(tls_why(r.tls), "speaks no TLS") != NULL, "%s", tls_why(r.tls));
	rig_end(&r);

	cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, r.fds) == 0);
	cr_assert(eq(int, tls_open(r.client, &r.site, r.fds[0], &r.tls), 0));
	cr_expect(eq(int, tls_handshake(r.tls, &writes), E_AGAIN));
	shutdown(r.fds[1], SHUT_WR);
	cr_expect(eq(int, tls_handshake(r.tls, &writes), E_SERVER));
	cr_expect(strstr(tls_why(r.tls), "closed the connection") != NULL, "%s", tls_why(r.tls));
	testcert_free(&c);
	rig_fini(&r);
}

Test(tls, passes_bytes_both_ways_and_tells_an_end_from_a_cut)
{
	static char		big[300000], got[64 * 1024];
	struct http_queue	q;
	struct testcert		c;
	struct rig		r;
	size_t			sent = 0, heard = 0, n;
	int			e = E_AGAIN, k;

	rig_init(&r, "mcp.example");
	testca_issue(&r.trusted[0], "DNS:mcp.example", 0, 30, &c);
	rig_serve(&r, &c, NULL);
	cr_assert(eq(int, rig_shake(&r), 0), "%s", r.why);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7);

	http_queue_init(&q, &r.blocks);
	cr_assert(eq(int, http_queue_put(&q, span_make(big, sizeof(big))), 0));
	for (int i = 0; i < 10000 && heard < sizeof(big); i++) {
		if (e == E_AGAIN)
			e = tls_write(r.tls, &q);
		if ((k = SSL_read(r.server, got, sizeof(got))) > 0) {
			cr_assert(memcmp(got, big + heard, (size_t)k) == 0);
			heard += (size_t)k;
		}
	}
	cr_expect(e == 0 && heard == sizeof(big) && q.bytes == 0);
	cr_expect(tls_written(r.tls) > sizeof(big));

	heard = 0;
	for (int i = 0; i < 10000 && heard < sizeof(big); i++) {
		if (sent < sizeof(big) && (k = SSL_write(r.server, big + sent, (int)(sizeof(big) - sent))) > 0)
			sent += (size_t)k;
		if ((e = tls_read(r.tls, got, sizeof(got), &n)) == 0) {
			cr_assert(n > 0 && memcmp(got, big + heard, n) == 0);
			heard += n;
		} else {
			cr_assert(eq(int, e, E_AGAIN));
		}
	}
	cr_expect(heard == sizeof(big));

	/* The last bytes and the end come together; the end is kept for the next reader. */
	cr_assert(SSL_write(r.server, "bye", 3) == 3);
	SSL_shutdown(r.server);
	cr_expect(eq(int, rig_hear(&r, got, sizeof(got)), 3));
	cr_expect(tls_has_ended(r.tls));
	cr_expect(eq(int, rig_hear(&r, got, sizeof(got)), E_EOF));
	cr_expect(eq(int, rig_hear(&r, got, sizeof(got)), E_EOF));

	cr_assert(eq(int, rig_shake(&r), 0), "%s", r.why);
	cr_assert(SSL_write(r.server, "cut", 3) == 3);
	shutdown(r.fds[1], SHUT_WR);
	while ((e = rig_hear(&r, got, sizeof(got))) == E_AGAIN)
		;		/* tickets */
	cr_expect(eq(int, e, 3));
	cr_expect(eq(int, rig_hear(&r, got, sizeof(got)), E_CLOSED));
	testcert_free(&c);
	rig_fini(&r);
}

Test(tls, has_names_only_that_can_be_asked_for)
{
	static const char *const	bad[] = { "", ":443", "[]", "[::1" };
	char				long_name[300];
	struct tls_site			s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect(eq(int, tls_site_init(&s, span_of(bad[i]), on_anchor, NULL), E_FORMAT), "row %zu", i);
	memset(long_name, 'a', sizeof(long_name));
	cr_expect(eq(int, tls_site_init(&s, span_make(long_name, 254), on_anchor, NULL), E_FORMAT));
	cr_expect(eq(int, tls_site_init(&s, span_make(long_name, 253), on_anchor, NULL), 0));
}
