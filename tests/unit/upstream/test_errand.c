/* SPDX-License-Identifier: Apache-2.0
 *
 * test_errand.c - fetches of the gateway's own: what they bring, where they may lead, and what they cost
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/cert.h"
#include "policy/build.h"
#include "tests/harness/documents.h"
#include "tests/harness/nameserver.h"
#include "upstream/errand.h"

struct rig {
	struct loop		*loop;
	struct resolver		*resolver;
	struct errands		*errands;
	struct nameserver	 dns;
	struct documents	 d;
	struct testca		 ca;
	struct snap		*policy;
};

struct outcome {
	struct errand	*e;
	bool		 done, has_max_age;
	int		 error;
	unsigned	 status;
	uint64_t	 age;
	char		 why[512], body[600], type[64], etag[64], url[256];
	size_t		 bytes;
};

static void
trust(struct rig *r)
{
	struct rec_anchor	 anchor = { .subject = cert_name_hash(X509_get_subject_name(r->ca.cert)) };
	unsigned char		*der = NULL;
	int			 fd, n = i2d_X509(r->ca.cert, &der);
	struct build		*b;
	uint64_t		 length;
	uint32_t		 index;

	cr_assert(build_new(SNAP_POLICY, "", &b) == 0 && build_text(b, span_make(der, (size_t)n), &anchor.der) == 0);
	cr_assert(build_add(b, SECTION_ANCHOR, &anchor, &index) == 0);
	cr_assert(build_seal(b, 1, &fd, &length) == 0 && snap_map(fd, &r->policy) == 0);
	OPENSSL_free(der);
	build_free(&b);
	close(fd);
}

static void
rig_init(struct rig *r, const char *names)
{
	char	servers[64];

	memset(r, 0, sizeof(*r));
	signal(SIGPIPE, SIG_IGN);
	nameserver_start(&r->dns);
	nameserver_say(&r->dns, names);
	testca_new(&r->ca, "the test's own", NULL);
	trust(r);
	documents_start(&r->d, &r->ca, "DNS:keys.example,DNS:other.example,IP:127.0.0.1");
	cr_assert(loop_new(&r->loop) == 0 && resolver_new(r->loop, false, &r->resolver) == 0);
	snprintf(servers, sizeof(servers), "127.0.0.1:%u", r->dns.port);
	cr_assert(resolver_set_servers(r->resolver, span_of(servers)) == 0);
	cr_assert(errands_new(r->loop, r->resolver, &r->errands) == 0);
}

static void
rig_fini(struct rig *r)
{
	errands_free(&r->errands);
	resolver_free(&r->resolver);
	loop_free(&r->loop);
	snap_release(&r->policy);
	testca_free(&r->ca);
	documents_stop(&r->d);
	nameserver_stop(&r->dns);
}

static void
keep(struct span s, char *to, size_t room)
{
	snprintf(to, room, "%.*s", SPAN_FMT(s));
}

static void
on_answer(const struct errand_answer *a, void *arg)
{
	struct outcome	*o = arg;

	cr_assert(o->e == NULL && !o->done);
	o->done = true;
	o->error = a->error;
	o->status = a->status;
	o->has_max_age = a->has_max_age;
	o->age = a->max_age_s;
	o->bytes = a->body.n;
	keep(span_of(a->why == NULL ? "" : a->why), o->why, sizeof(o->why));
	keep(a->body, o->body, sizeof(o->body));
	keep(a->content_type, o->type, sizeof(o->type));
	keep(a->etag, o->etag, sizeof(o->etag));
	keep(a->url, o->url, sizeof(o->url));
}

/* "https://HOST/..." gets our port. */
static const char *
url_of(const struct rig *r, const char *host, const char *target)
{
	static char	text[4][256];
	static unsigned	turn;
	char		*to = text[turn++ % 4];
	const bool	 tls = strncmp(host, "https", 5) == 0;

	snprintf(to, sizeof(text[0]), "%s:%u%s", host, tls ? r->d.front.port : r->d.port, target);
	return to;
}

static int
start(struct rig *r, struct errand_request q, const char *url, struct outcome *o, const char **why)
{
	memset(o, 0, sizeof(*o));
	q.url = span_of(url);
	q.deadline_ms = q.deadline_ms == 0 ? 5000 : q.deadline_ms;
	q.policy = r->policy;
	q.anchor_count = 1;
	return errand_start(r->errands, &q, on_answer, o, &o->e, why);
}

static void
wait_for(struct rig *r, const struct outcome *o)
{
	while (!o->done)
		loop_turn(r->loop, true);
	loop_turn(r->loop, false);
}

static void
fetch(struct rig *r, struct errand_request q, const char *url, struct outcome *o)
{
	const char	*why;

	cr_assert(eq(int, start(r, q, url, o, &why), 0), "%s: %s", url, why);
	cr_assert(o->done == false);
	wait_for(r, o);
}

#define NAMES "keys.example 60 127.0.0.1\nother.example 60 127.0.0.1\npublic.example 60 192.0.2.7\n"

Test(errand, brings_a_document_and_how_long_it_may_be_believed, .timeout = 30)
{
	struct rig	r;
	struct outcome	o;

	rig_init(&r, NAMES);
	documents_say(&r.d, "/keys", "json=300 etag=\"one\"", "{\"keys\": []}");
	fetch(&r, (struct errand_request){ .accept = SPAN_LIT("application/json") },
	    url_of(&r, "https://keys.example", "/keys"), &o);
	cr_expect(o.error == 0 && o.status == 200, "%d %s", o.error, o.why);
	cr_expect(eq(str, o.body, "{\"keys\": []}"));
	cr_expect(eq(str, o.type, "application/json"));
	cr_expect(eq(str, o.etag, "\"one\""));
	cr_expect(o.has_max_age && o.age == 300);
	cr_expect(eq(sz, documents_saw(&r.d, "GET /keys keys.example:"), 1));
	cr_expect(eq(sz, front_saw(&r.d.front, "keys.example"), 1));

	fetch(&r, (struct errand_request){ .etag = SPAN_LIT("\"one\"") }, url_of(&r, "https://127.0.0.1", "/keys"), &o);
	cr_expect(o.error == 0 && o.status == 304 && o.bytes == 0, "%d %s", o.error, o.why);
	fetch(&r, (struct errand_request){ 0 }, url_of(&r, "https://keys.example", "/none"), &o);
	cr_expect(o.error == 0 && o.status == 404 && !o.has_max_age, "%d %s", o.error, o.why);
	rig_fini(&r);
}

Test(errand, posts_a_form_and_follows_no_redirect_of_it, .timeout = 30)
{
	const struct errand_request	q = { .post = true, .content_type = SPAN_LIT("application/x-www-form-urlencoded"),
	    .body = SPAN_LIT("grant_type=x"), .authorization = SPAN_LIT("Basic abc") };
	struct rig	r;
	struct outcome	o;

	rig_init(&r, NAMES);
	documents_say(&r.d, "/token", "json", "{}");
	documents_say(&r.d, "/moved", "", "HTTP/1.1 307 Moved\r\nLocation: /token\r\nContent-Length: 0\r\n\r\n");
	fetch(&r, q, url_of(&r, "https://keys.example", "/token"), &o);
	cr_expect(o.error == 0 && o.status == 200, "%s", o.why);
	cr_expect(eq(sz, documents_saw(&r.d, "Basic abc application/x-www-form-urlencoded grant_type=x"), 1));
	fetch(&r, q, url_of(&r, "https://keys.example", "/moved"), &o);
	cr_expect(eq(int, o.error, E_UPSTREAM));
	cr_expect(eq(sz, documents_saw(&r.d, "POST /token"), 1));
	rig_fini(&r);
}

Test(errand, follows_redirects_and_takes_credentials_to_no_other_origin, .timeout = 30)
{
	struct rig	r;
	struct outcome	o;
	char		there[512];

	rig_init(&r, NAMES);
	documents_say(&r.d, "/end", "json", "{}");
	documents_say(&r.d, "/same", "", "HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n");
	documents_say(&r.d, "/loop", "", "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n");
	snprintf(there, sizeof(there), "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
	    url_of(&r, "https://other.example", "/end"));
	documents_say(&r.d, "/other", "", there);
	fetch(&r, (struct errand_request){ .authorization = SPAN_LIT("Bearer s") },
	    url_of(&r, "https://keys.example", "/same"), &o);
	cr_expect(o.error == 0 && strstr(o.url, "/end") != NULL, "%s", o.why);
	cr_expect(eq(sz, documents_saw(&r.d, "Bearer s"), 2));
	fetch(&r, (struct errand_request){ 0 }, url_of(&r, "https://keys.example", "/loop"), &o);
	cr_expect(eq(int, o.error, E_DENIED));
	cr_expect(eq(sz, documents_saw(&r.d, "GET /loop"), 4));
	/* The other host was named by the wire, and is this machine. */
	documents_forget(&r.d);
	fetch(&r, (struct errand_request){ .authorization = SPAN_LIT("Bearer s") },
	    url_of(&r, "https://keys.example", "/other"), &o);
	cr_expect(o.error == E_DENIED && strstr(o.why, "loopback") != NULL, "%d %s", o.error, o.why);
	cr_expect(eq(sz, documents_saw(&r.d, "GET /end"), 0));
	rig_fini(&r);
}

Test(errand, leads_no_learnt_url_inside_and_no_plain_one_outside, .timeout = 30)
{
	struct rig	r;
	struct outcome	o;
	const char	*why = NULL;

	rig_init(&r, NAMES "half.example 60 192.0.2.7 10.1.1.1\n");
	documents_say(&r.d, "/keys", "json", "{}");
	fetch(&r, (struct errand_request){ .learnt = true }, url_of(&r, "https://keys.example", "/keys"), &o);
	cr_expect(o.error == E_DENIED && strstr(o.why, "loopback") != NULL, "%s", o.why);
	fetch(&r, (struct errand_request){ .learnt = true }, url_of(&r, "https://half.example", "/keys"), &o);
	cr_expect(eq(int, o.error, E_DENIED));
	cr_expect(eq(int, start(&r, (struct errand_request){ .learnt = true }, url_of(&r, "http://keys.example", "/keys"),
	    &o, &why), E_DENIED));
	cr_expect(eq(int, start(&r, (struct errand_request){ .learnt = true }, "https://[::ffff:10.0.0.1]/", &o, &why),
	    E_DENIED));
	cr_expect(eq(int, start(&r, (struct errand_request){ 0 }, "file:///etc/passwd", &o, &why), E_DENIED));
	/* An operator's http:// to this machine, and to no other. */
	fetch(&r, (struct errand_request){ 0 }, url_of(&r, "http://keys.example", "/keys"), &o);
	cr_expect(o.error == 0 && o.status == 200, "%s", o.why);
	fetch(&r, (struct errand_request){ 0 }, url_of(&r, "http://public.example", "/keys"), &o);
	cr_expect(o.error == E_DENIED && strstr(o.why, "this machine alone") != NULL, "%s", o.why);
	cr_expect(eq(sz, documents_saw(&r.d, "GET /keys"), 1));
	rig_fini(&r);
}

Test(errand, goes_where_the_compiler_found_the_host_until_it_is_led_elsewhere, .timeout = 30)
{
	const struct addr	here = { AF_INET, { 127, 0, 0, 1 } };
	struct rig		r;
	struct outcome		o;

	rig_init(&r, "");
	documents_say(&r.d, "/keys", "json", "{}");
	fetch(&r, (struct errand_request){ .addresses = &here, .address_count = 1 },
	    url_of(&r, "https://keys.example", "/keys"), &o);
	cr_expect(o.error == 0 && o.status == 200, "%s", o.why);
	cr_expect(eq(sz, nameserver_asked(&r.dns, "keys.example"), 0));
	fetch(&r, (struct errand_request){ 0 }, url_of(&r, "https://keys.example", "/keys"), &o);
	cr_expect(o.error == E_NET_NAME, "%d %s", o.error, o.why);
	rig_fini(&r);
}

Test(errand, trusts_nobody_whom_the_policy_does_not_name, .timeout = 30)
{
	struct rig		r;
	struct outcome		o;
	struct errand_request	q = { .deadline_ms = 5000 };
	const char		*why;

	rig_init(&r, NAMES);
	documents_say(&r.d, "/keys", "json", "{}");
	memset(&o, 0, sizeof(o));
	q.url = span_of(url_of(&r, "https://keys.example", "/keys"));
	cr_assert(eq(int, errand_start(r.errands, &q, on_answer, &o, &o.e, &why), 0));
	wait_for(&r, &o);
	cr_expect(eq(int, o.error, E_SERVER));
	nameserver_say(&r.dns, "third.example 60 127.0.0.1\n");
	fetch(&r, (struct errand_request){ 0 }, url_of(&r, "https://third.example", "/keys"), &o);
	cr_expect(eq(int, o.error, E_SERVER), "%s", o.why);
	cr_expect(eq(sz, documents_saw(&r.d, "GET"), 0));
	rig_fini(&r);
}

Test(errand, takes_no_more_bytes_nor_time_than_it_was_given, .timeout = 60)
{
	static const struct {
		const char	*words, *text;
		int		 error;
	} rows[] = {
		{ "json fill=10", "{}", 0 },
		{ "", "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", E_TOOBIG },
		{ "fill=500", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", E_TOOBIG },
		{ "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n0123456789", E_UPSTREAM },
		{ "", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n01234", E_UPSTREAM },
		{ "", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n01", E_UPSTREAM },
		{ "", "SSH-2.0-nothing\r\n", E_UPSTREAM },
		{ "", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", E_DENIED },
		{ "wait=20000", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", E_TIMEOUT },
		{ "drip=100", "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n0123456789012345678901234567890123456789",
		    E_TIMEOUT },
	};
	struct rig	r;
	struct outcome	o;

	rig_init(&r, NAMES "silent.example 1 silent\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		documents_say(&r.d, "/it", rows[i].words, rows[i].text);
		fetch(&r, (struct errand_request){ .max_bytes = 100, .deadline_ms =
		    rows[i].error == E_TIMEOUT ? 400 : 10000 }, url_of(&r, "https://keys.example", "/it"), &o);
		cr_expect(eq(int, o.error, rows[i].error), "row %zu: %s", i, o.why);
		cr_expect(rows[i].error == 0 || o.bytes == 0, "row %zu", i);
		cr_expect(eq(int, o.why[0] == 0, rows[i].error == 0), "row %zu", i);
	}
	fetch(&r, (struct errand_request){ .deadline_ms = 300 }, "https://silent.example/", &o);
	cr_expect(o.error == E_TIMEOUT && strstr(o.why, "name server") != NULL, "%s", o.why);
	rig_fini(&r);
}

Test(errand, runs_few_at_once_and_refuses_what_is_too_much, .timeout = 60)
{
	static struct outcome	all[ERRANDS_MAX + 1];
	struct rig		r;
	const char		*why;

	rig_init(&r, NAMES);
	documents_say(&r.d, "/slow", "json wait=300", "{}");
	for (size_t i = 0; i <= ERRANDS_MAX; i++)
		cr_assert(eq(int, start(&r, (struct errand_request){ .deadline_ms = 30000 },
		    url_of(&r, "http://127.0.0.1", "/slow"), &all[i], &why), i < ERRANDS_MAX ? 0 : E_FULL));
	wait_for(&r, &all[0]);
	cr_expect(le(sz, documents_saw(&r.d, "GET /slow"), ERRANDS_RUNNING_MAX * 2));
	/* Those that are cancelled, running or waiting, make room and call nobody. */
	for (size_t i = 16; i < ERRANDS_MAX - 12; i++)
		errand_cancel(&all[i].e);
	for (size_t i = 0; i < ERRANDS_MAX; i++)
		if (i < 16 || i >= ERRANDS_MAX - 12) {
			wait_for(&r, &all[i]);
			cr_expect(all[i].error == 0, "%zu: %s", i, all[i].why);
		} else {
			cr_expect(all[i].e == NULL && !all[i].done);
		}
	cr_assert(eq(int, start(&r, (struct errand_request){ 0 }, url_of(&r, "http://127.0.0.1", "/slow"), &all[0], &why),
	    0));
	loop_turn(r.loop, false);
	rig_fini(&r);
}
