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

/* What urls of one server have in common: "type", and what no url decides. */
static bool
read_transport(struct server *sv, const struct conf_node *node)
{
	static const char *const types[] = { "http", "streamable-http", "streamableHttp", "sse", NULL };
	uint32_t		 type = 0;

	(void)typed_word(sv->job, sv->source, sv->node, "type", types, &type);
	(void)typed_word(sv->job, sv->source, sv->node, "transport", types, &type);
	if (type == 3 && sv->rec.era == ERA_PIN_MODERN)
		job_error(sv->job, sv->source, node, "the sse transport of 2024-11-05 has no modern era");
	return type == 3;
}

/* Takes a url apart; its addresses are left in sv->rec.  False after saying what is wrong. */
static bool
read_url(struct server *sv, const struct conf_node *node, struct url *u, struct span *text)
{
	struct job		*j = sv->job;
	struct vars_value	 v;
	const char		*wrong;

	if (!vars_expand(j, sv->source, node, false, &v))
		return false;
	if (v.missing) {
		server_down(sv, node, "%s", v.why);
		return false;
	}
	if ((wrong = url_parse(v.text, u)) != NULL) {
		job_error(j, sv->source, node, "\"%.*s\": %s", SHOWN(v.text), wrong);
		return false;
	}
	if (u->target.n == 0 || u->target.p[0] != '/')
		u->target = span_of(job_fmt(j, "/%.*s", SPAN_FMT(u->target)));
	*text = v.text;
	sv->rec.address_first = sv->rec.address_count = 0;
	sv->rec.host = put_text(j->policy, SPAN_NONE);
	if ((sv->rec.flags & SERVER_FLAG_DISABLED) == 0)
		located_read(sv, u->host);
	return true;
}

static bool
is_clear(const struct url *u)
{
	return !u->https && !url_is_loopback(u);
}

/* One of several; its own hash is of nothing that another one says. */
static void
put_endpoint(struct server *sv, const struct conf_node *node, const struct url *u, struct span text, uint64_t every)
{
	struct digest		d = { every };
	struct rec_endpoint	e = {
		.url = put_text(sv->job->policy, text), .url_host = put_text(sv->job->policy, u->authority),
		.url_path = put_text(sv->job->policy, u->target), .host = sv->rec.host, .server = sv->rec.order,
		.weight = balance_weight(sv, node), .port = u->port, .https = u->https,
		.address_first = sv->rec.address_first, .address_count = sv->rec.address_count,
		.anchor_first = u->https ? sv->rec.anchor_first : 0,
		.anchor_count = u->https ? sv->rec.anchor_count : 0,
	};
	const struct rec_endpoint *other;
	uint32_t		at;

	digest_text(&d, SPAN_LIT("endpoint"));
	digest_text(&d, text);
	e.profile = d.sum;
	for (uint32_t i = 0; i < sv->rec.endpoint_count; i++) {
		other = build_at(sv->job->policy, SECTION_ENDPOINT, (uint64_t)sv->rec.endpoint_first + i);
		if (other != NULL && other->profile == e.profile)
			job_error(sv->job, sv->source, node, "\"%.*s\" is there twice; give it a \"weight\" instead",
			    SHOWN(text));
	}
	at = put_record(sv->job->policy, SECTION_ENDPOINT, &e);
	if (sv->rec.endpoint_count++ == 0)
		sv->rec.endpoint_first = at;
}

/* All of them, once everything that they have in common is known. */
static void
read_endpoints(struct server *sv, const struct conf_node *first, struct digest *d, uint64_t every, bool https)
{
	const struct rec_server	 one = sv->rec;
	const struct conf_node	*node;
	struct url		 u;
	struct span		 text;

	for (node = first; node != NULL; node = balance_url_next(sv, node)) {
		if (!read_url(sv, node, &u, &text))
			continue;
		if (u.https != https)
			job_error(sv->job, sv->source, node, "\"%.*s\": want %s, as the first one has", SHOWN(text),
			    https ? "https://" : "http://");
		put_endpoint(sv, node, &u, text, every);
		digest_text(d, text);
	}
	sv->rec.address_first = one.address_first;
	sv->rec.address_count = one.address_count;
	sv->rec.host = one.host;
}

/* Does any of them send what is secret over the network in clear text? */
static bool
any_is_clear(struct server *sv, const struct conf_node *first)
{
	const struct conf_node	*node;
	struct url		 u;

	for (node = first; node != NULL; node = balance_url_next(sv, node))
		if (url_parse(node->text, &u) == NULL && is_clear(&u))
			return true;
	return false;
}

void
remote_read(struct server *sv, const struct conf_node *node)
{
	struct job		*j = sv->job;
	const struct conf_node	*ca;
	struct digest		 d = { 0 }, every = { 0 };	/* of all; of what is the same for each url */
	struct span		 text;
	struct url		 u;
	bool			 sse, clear;

	if (!read_url(sv, node, &u, &text))
		return;
	sse = read_transport(sv, node);
	clear = is_clear(&u) || any_is_clear(sv, node);
	sv->rec.transport = sse ? TRANSPORT_SSE : TRANSPORT_AUTO;
	sv->rec.https = u.https;
	sv->rec.port = u.port;
	sv->rec.url_host = put_text(j->policy, u.authority);
	sv->rec.url_path = put_text(j->policy, u.target);
	digest_text(&every, span_of(j->tenant));
	digest_text(&every, sv->name);
	digest_number(&every, sv->rec.isolation);
	digest_number(&every, sv->rec.era);
	if (sse)
		digest_text(&every, SPAN_LIT("sse"));
	if (u.https)
		anchors_read(sv, node, &every);
	else if ((ca = conf_find(sv->node, "ca")) != NULL)
		job_error_key(j, sv->source, ca, "has no meaning for a url that is not https://");
	read_headers(sv, &every, clear);
	auth_read(sv, &every, text, clear);
	digest_number(&d, every.sum);
	digest_text(&d, text);
	if (balance_url_next(sv, node) != NULL)
		read_endpoints(sv, node, &d, every.sum, u.https);
	sv->rec.profile = d.sum;
}
