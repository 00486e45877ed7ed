/* SPDX-License-Identifier: Apache-2.0
 *
 * hosts.c - what may stand in Host and Origin (HOST section)
 *
 * Process: mcpgw-compile.  Owns: nothing.
 *
 * The machine's own names count with any port: the real one may be chosen by the kernel, and a page
 * served by this machine is the operator's own.  Everything else must be listed (DNS rebinding,
 * threats T7).
 */
#include <ctype.h>

#include "policy/compiler/expand.h"
#include "policy/compiler/hosts.h"
#include "policy/compiler/values.h"
#include "policy/listens.h"

static void
host_put(struct job *j, struct span text, bool is_origin)
{
	struct rec_host	h = { .is_origin = is_origin };
	char		*lower = job_alloc(j, text.n + 1);

	for (size_t i = 0; i < text.n; i++)
		lower[i] = (char)tolower((unsigned char)text.p[i]);
	h.text = put_text(j->policy, span_make(lower, text.n));
	put_record(j->policy, SECTION_HOST, &h);
}

static bool
host_ok(struct span word)
{
	for (size_t i = 0; i < word.n; i++)
		if (!isalnum((unsigned char)word.p[i]) && memchr("-._:[]", word.p[i], 6) == NULL)
			return false;
	return word.n > 0;
}

static bool
origin_ok(struct span word)
{
	struct span	rest = word;

	if (span_starts(word, SPAN_LIT("https://")))
		rest = span_part(word, 8, word.n);
	else if (span_starts(word, SPAN_LIT("http://")))
		rest = span_part(word, 7, word.n);
	else
		return false;
	return host_ok(rest);
}

static void
own_put(struct job *j, struct span host)
{
	host_put(j, host, false);
	host_put(j, span_of(job_fmt(j, "http://%.*s", SPAN_FMT(host))), true);
	host_put(j, span_of(job_fmt(j, "https://%.*s", SPAN_FMT(host))), true);
}

static void
listener_put(struct job *j, struct span address)
{
	struct span	host;
	uint64_t	port;

	if (!address_split(address, &host, &port) || span_is(host, "0.0.0.0") ||
	    span_is(host, "::"))
		return;
	own_put(j, span_of(job_fmt(j, memchr(host.p, ':', host.n) != NULL ? "[%.*s]" : "%.*s", SPAN_FMT(host))));
}

/* Who has a certificate for a name is called by it; what is served elsewhere under that name may not call, though. */
static void
certs_put(struct job *j)
{
	const struct rec_certname	*n;
	struct span			 name;

	for (uint64_t i = 0; (n = build_at(j->policy, SECTION_CERTNAME, i)) != NULL; i++) {
		name = job_dup(j, build_text_at(j->policy, n->text));
		if (memchr(name.p, '*', name.n) != NULL)
			continue;
		host_put(j, memchr(name.p, ':', name.n) != NULL ? span_of(job_fmt(j, "[%.*s]", SPAN_FMT(name))) : name,
		    false);
	}
}

bool
url_is_guarded(const struct url *u)
{
	return u->https || span_is(u->host, "localhost") || span_is(u->host, "127.0.0.1") || span_is(u->host, "::1");
}

/* Clients name its host. */
static void
public_put(struct job *j)
{
	const struct span	 text = job_value(j, PARAM_ID_public_url);
	const char		*why;
	struct url		 u;

	if (text.n == 0)
		return;
	why = url_parse(text, &u);
	if (why == NULL && text.n != (size_t)(u.https ? 8 : 7) + u.authority.n)
		why = "want https://HOST[:PORT], without a path, a slash at the end, or the port that it has anyway";
	if (why == NULL && !url_is_guarded(&u))
		why = "want https: over http anybody on the way reads tokens";
	for (size_t i = 0; why == NULL && i < text.n; i++)
		if (isupper((unsigned char)text.p[i]))
			why = "want lower case: clients compare it byte for byte";
	if (why != NULL) {
		setting_error(j, PARAM_ID_public_url, "\"%.*s\": %s", SHOWN(text), why);
		return;
	}
	host_put(j, u.authority, false);
}

void
hosts_put(struct job *j)
{
	static const char *const own[] = { "localhost", "127.0.0.1", "[::1]" };
	struct span		 list, word;
	struct listens_entry	 e;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		own_put(j, span_of(own[i]));
	for (list = job_value(j, PARAM_ID_listen); listens_next(&list, &e); )
		listener_put(j, e.address);
	listener_put(j, job_value(j, PARAM_ID_admin_listen));
	certs_put(j);
	public_put(j);
	for (list = job_value(j, PARAM_ID_allowed_hosts); (word = span_word(&list)).n > 0; ) {
		if (!host_ok(word))
			setting_error(j, PARAM_ID_allowed_hosts, "\"%.*s\": want HOST or HOST:PORT",
			    SHOWN(word));
		host_put(j, word, false);
	}
	for (list = job_value(j, PARAM_ID_allowed_origins); (word = span_word(&list)).n > 0; ) {
		if (!origin_ok(word))
			setting_error(j, PARAM_ID_allowed_origins,
			    "\"%.*s\": want http://HOST[:PORT] or https://HOST[:PORT]", SHOWN(word));
		host_put(j, word, true);
	}
}
