/* SPDX-License-Identifier: Apache-2.0
 *
 * remote.c - a server with a url: where it is, and the headers it wants
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  the operator's words.  All header values go to the workers' SECRET section, whether they
 *          look like secrets or not.
 */
#include <ctype.h>
#include <stdio.h>

#include "lib/url.h"
#include "policy/compiler/secrets.h"
#include "policy/compiler/server.h"
#include "policy/compiler/typed.h"
#include "policy/compiler/vars.h"

/* RFC 9110 5.6.2: token. */
static bool
token_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && memchr("!#$%&'*+-.^_`|~", s.p[i], 15) == NULL)
			return false;
	return s.n > 0;
}

/* Headers of the connection and of the protocol are the gateway's to write. */
static bool
is_reserved(struct span name)
{
	static const char *const names[] = { "host", "connection", "content-length", "content-type",
		"transfer-encoding", "te", "trailer", "upgrade", "keep-alive", "accept", "last-event-id" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_eq_nocase(name, span_of(names[i])))
			return true;
	return span_eq_nocase(span_part(name, 0, 4), SPAN_LIT("mcp-"));
}

static bool
value_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	return s.n == span_trim(s).n;
}

static void
read_headers(struct server *sv, struct digest *d, bool plain)
{
	struct job		*j = sv->job;
	const struct conf_node	*headers = NULL, *n;
	struct vars_value	 v;

	if (!typed_list(j, sv->source, sv->node, "headers", JSON_OBJECT, true, &headers))
		return;
	for (n = headers->first; n != NULL; n = n->next) {
		if (!token_ok(n->key)) {
			job_error_key(j, sv->source, n, "no name of a header");
			continue;
		}
		if (is_reserved(n->key)) {
			job_error_key(j, sv->source, n, "this header is set by the gateway");
			continue;
		}
		if (!vars_expand(j, sv->source, n, true, &v))
			continue;
		if (v.missing) {
			server_down(sv, n, "%s", v.why);
			continue;
		}
		if (!value_ok(v.text)) {
			job_error(j, sv->source, n, "a header's value has no control characters, and no "
			    "blank at its ends");
			continue;
		}
		if (v.secret && plain)
			job_warn(j, sv->source, n, "a secret that travels in clear text: the url is http://");
		secret_put(j, j->worker_secrets, sv->name, n->key, v.text);
		digest_text(d, n->key);
	}
}

void
remote_read(struct server *sv, const struct conf_node *node)
{
	static const char *const types[] = { "http", "streamable-http", "streamableHttp", "sse", NULL };
	struct job		*j = sv->job;
	const struct conf_node	*ca;
	struct digest		 d = { 0 };
	struct vars_value	 v;
	struct url		 u;
	uint32_t		 type = 0;
	const char		*wrong;
	bool			 sse;

	if (!vars_expand(j, sv->source, node, false, &v))
		return;
	if (v.missing) {
		server_down(sv, node, "%s", v.why);
		return;
	}
	if ((wrong = url_parse(v.text, &u)) != NULL) {
		job_error(j, sv->source, node, "\"%.*s\": %s", SHOWN(v.text), wrong);
		return;
	}
	if (u.target.n == 0 || u.target.p[0] != '/')
		u.target = span_of(job_fmt(j, "/%.*s", SPAN_FMT(u.target)));
	(void)typed_word(j, sv->source, sv->node, "type", types, &type);
	(void)typed_word(j, sv->source, sv->node, "transport", types, &type);
	sse = type == 3;
	if (sse && sv->rec.era == ERA_PIN_MODERN)
		job_error(j, sv->source, node, "the sse transport of 2024-11-05 has no modern era");
	sv->rec.transport = sse ? TRANSPORT_SSE : TRANSPORT_AUTO;
	sv->rec.https = u.https;
	sv->rec.port = u.port;
	sv->rec.url_host = put_text(j->policy, u.authority);
	sv->rec.url_path = put_text(j->policy, u.target);
	if ((sv->rec.flags & SERVER_FLAG_DISABLED) == 0)
		located_read(sv, u.host);
	digest_text(&d, span_of(j->tenant));
	digest_text(&d, sv->name);
	digest_text(&d, v.text);
	digest_number(&d, sv->rec.isolation);
	digest_number(&d, sv->rec.era);
	if (sse)
		digest_text(&d, SPAN_LIT("sse"));
	if (u.https)
		anchors_read(sv, node, &d);
	else if ((ca = conf_find(sv->node, "ca")) != NULL)
		job_error_key(j, sv->source, ca, "has no meaning for a url that is not https://");
	read_headers(sv, &d, !u.https && !url_is_loopback(&u));
	auth_read(sv, &d, v.text, !u.https && !url_is_loopback(&u));
	sv->rec.profile = d.sum;
}
