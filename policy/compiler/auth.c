/* SPDX-License-Identifier: Apache-2.0
 *
 * auth.c - "auth" of a server with a url: how the gateway gets tokens for it
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  the operator's words.  Secrets go to mcpgw-scout's SECRET section and nowhere else; what could send one to
 *          somebody whom no operator named is an error.
 */
#include "auth/jws_sign.h"
#include "lib/url.h"
#include "policy/compiler/secrets.h"
#include "policy/compiler/server.h"
#include "policy/compiler/typed.h"
#include "policy/compiler/vars.h"

#define SCOPES_MAX	64

/* Which grants a member has a meaning for: bits, in order of `grants`. */
enum { CREDENTIALS = 1, CODE = 2, EXCHANGE = 4, BEARER = 8, ANY = 15 };
static const char *const grants[] = { "client_credentials", "authorization_code", "token_exchange", "jwt_bearer",
	NULL };
static const struct {
	const char	*name;
	unsigned	 grants;
} members[] = {
	{ "grant", ANY }, { "per", CODE | EXCHANGE }, { "issuer", ANY }, { "client_id", ANY },
	{ "client_secret", ANY }, { "scopes", ANY },
	{ "private_key", CREDENTIALS | CODE | EXCHANGE }, { "key_id", CREDENTIALS | CODE | EXCHANGE },
	{ "algorithm", CREDENTIALS | CODE | EXCHANGE },
	{ "client_metadata", CODE }, { "register", CODE }, { "redirect_uri", CODE },
	{ "token_endpoint", EXCHANGE }, { "token_endpoint_client_id", EXCHANGE },
	{ "token_endpoint_client_secret", EXCHANGE },
	{ "subject_token", EXCHANGE | BEARER }, { "subject_token_type", EXCHANGE },
	{ "requested_token_type", EXCHANGE }, { "audience", EXCHANGE },
};
#define MEMBERS	(sizeof(members) / sizeof(members[0]))

struct auth {
	struct server		*sv;
	const struct conf_node	*node;
	struct digest		*digest;
	struct rec_auth		 rec;
	unsigned		 grant;		/* its bit */
};

static bool
has(const struct auth *a, const char *member)
{
	return conf_find(a->node, member) != NULL;
}

static void
check_members(struct auth *a)
{
	const char		*names[MEMBERS + 1] = { NULL };
	const struct conf_node	*n;

	for (size_t i = 0; i < MEMBERS; i++)
		names[i] = members[i].name;
	typed_keys(a->sv->job, a->sv->source, a->node, names);
	for (size_t i = 0; i < MEMBERS; i++)
		if ((members[i].grants & a->grant) == 0 && (n = conf_find(a->node, members[i].name)) != NULL)
			job_error_key(a->sv->job, a->sv->source, n, "has no meaning for the grant \"%s\"",
			    grants[a->rec.kind]);
}

/* A text without secrets, expanded. */
static struct stext
text(struct auth *a, const char *member)
{
	struct job		*j = a->sv->job;
	const struct conf_node	*n = NULL;
	struct vars_value	 v;

	if (!typed_string(j, a->sv->source, a->node, member, &n) || !vars_expand(j, a->sv->source, n, false, &v))
		return put_text(j->policy, SPAN_NONE);
	if (v.missing) {
		server_down(a->sv, n, "%s", v.why);
		return put_text(j->policy, SPAN_NONE);
	}
	if (v.text.n == 0)
		job_error(j, a->sv->source, n, "is empty");
	digest_text(a->digest, span_of(member));
	digest_text(a->digest, v.text);
	return put_text(j->policy, v.text);
}

/* https, or this machine.  A redirect is a place of the operator's browser: this machine alone. */
static struct stext
url(struct auth *a, const char *member, bool here)
{
	const struct conf_node	*n = conf_find(a->node, member);
	struct stext		 t = text(a, member);
	const char		*wrong;
	struct url		 u;

	if (n == NULL || n->type != JSON_STRING || n->text.n == 0 || memmem(n->text.p, n->text.n, "${", 2) != NULL)
		return t;
	if ((wrong = url_parse(n->text, &u)) != NULL)
		job_error(a->sv->job, a->sv->source, n, "\"%.*s\": %s", SHOWN(n->text), wrong);
	else if (here && (u.https || !url_is_loopback(&u)))
		job_error(a->sv->job, a->sv->source, n, "\"%.*s\": want http:// and a loopback address, where "
		    "`server login` listens", SHOWN(n->text));
	else if (!here && !u.https && !url_is_loopback(&u))
		job_error(a->sv->job, a->sv->source, n, "\"%.*s\": want https://", SHOWN(n->text));
	return t;
}

/* Into the scout's secrets, by the member's name.  The value, borrowed; empty: none, or not usable. */
static struct span
secret(struct auth *a, const char *member)
{
	struct job		*j = a->sv->job;
	const struct conf_node	*n = NULL;
	struct vars_value	 v;

	if (!typed_string(j, a->sv->source, a->node, member, &n) || !vars_expand(j, a->sv->source, n, true, &v))
		return SPAN_NONE;
	if (v.missing) {
		server_down(a->sv, n, "%s", v.why);
		return SPAN_NONE;
	}
	if (v.text.n == 0)
		job_error(j, a->sv->source, n, "is empty");
	if (!v.secret)
		job_warn(j, a->sv->source, n, "the secret stands in this file; better ${secret:NAME}");
	secret_put(j, j->scout_secrets, a->sv->name, span_of(member), v.text);
	digest_text(a->digest, span_of(member));
	return v.text;
}

static void
read_scopes(struct auth *a)
{
	struct job		*j = a->sv->job;
	const struct conf_node	*list = NULL, *n;
	struct buf		 b;

	if (!typed_list(j, a->sv->source, a->node, "scopes", JSON_ARRAY, true, &list))
		return;
	if (list->count == 0 || list->count > SCOPES_MAX) {
		job_error(j, a->sv->source, list, "want 1 to %d scopes; leave it out to ask for what the server names",
		    SCOPES_MAX);
		return;
	}
	buf_init(&b, CONF_MAX_BYTES);
	for (n = list->first; n != NULL; n = n->next) {
		for (size_t i = 0; i < n->text.n; i++)
			if (n->text.p[i] <= ' ' || n->text.p[i] > '~' || n->text.p[i] == '"' || n->text.p[i] == '\\') {
				job_error(j, a->sv->source, n, "\"%.*s\": no scope", SHOWN(n->text));
				break;
			}
		if ((buf_rest(&b).n > 0 && buf_put_str(&b, " ") != 0) || buf_put(&b, n->text) != 0)
			job_error(j, a->sv->source, n, "too many scopes");
	}
	a->rec.scopes = put_text(j->policy, buf_rest(&b));
	digest_text(a->digest, buf_rest(&b));
	buf_fini(&b);
}

static void
read_key(struct auth *a)
{
	struct job		*j = a->sv->job;
	const struct conf_node	*n = NULL, *alg = NULL;
	struct span		 pem = secret(a, "private_key");
	struct jws_signer	 signer;
	const char		*why;

	a->rec.alg = JWS_ALG_LIMIT;
	if (typed_string(j, a->sv->source, a->node, "algorithm", &alg) &&
	    (a->rec.alg = jws_alg_of(alg->text)) == JWS_ALG_LIMIT)
		job_error(j, a->sv->source, alg, "\"%.*s\" is no algorithm that signs", SHOWN(alg->text));
	a->rec.key_id = text(a, "key_id");
	n = conf_find(a->node, "private_key");
	if (n == NULL) {
		for (const char *const *m = (const char *const[]){ "algorithm", "key_id", NULL }; *m != NULL; m++)
			if ((n = conf_find(a->node, *m)) != NULL)
				job_error_key(j, a->sv->source, n, "means nothing without \"private_key\"");
		return;
	}
	/* A check that may not read secrets knows nothing of this one. */
	if (pem.n <= 1)
		return;
	if (jws_signer_init(&signer, pem, (enum jws_alg)a->rec.alg, &why) == 0)
		jws_signer_fini(&signer);
	else
		job_error(j, a->sv->source, n, "%s", why);
}

/* One user's token is for that user: nobody shares a session with somebody else's. */
static void
read_per(struct auth *a)
{
	static const char *const	whose[] = { "gateway", "user", NULL };
	struct job			*j = a->sv->job;
	const struct conf_node		*n;
	uint32_t			 per = 0;

	if (!typed_word(j, a->sv->source, a->node, "per", whose, &per) || per == 0)
		return;
	a->rec.flags |= AUTH_FLAG_PER_USER;
	a->sv->rec.flags |= SERVER_FLAG_PER_USER;
	if ((n = conf_find(a->sv->node, "isolation")) != NULL && a->sv->rec.isolation != ISOLATION_PRINCIPAL)
		job_error(j, a->sv->source, n, "with \"per\": \"user\" in \"auth\" it is \"principal\"");
	a->sv->rec.isolation = ISOLATION_PRINCIPAL;
}

static void
need(struct auth *a, const char *member, const char *what)
{
	if (!has(a, member))
		job_error_key(a->sv->job, a->sv->source, a->node, "needs \"%s\": %s", member, what);
}

/* What belongs together. */
static void
check_whole(struct auth *a)
{
	struct job		*j = a->sv->job;
	const struct conf_node	*secret_node = conf_find(a->node, "client_secret");
	const struct conf_node	*n = conf_find(a->node, "issuer");
	bool			 key = has(a, "private_key");

	if (secret_node != NULL && key)
		job_error_key(j, a->sv->source, secret_node, "beside \"private_key\"; want one of them");
	if (secret_node != NULL && n == NULL)
		job_error_key(j, a->sv->source, secret_node, "is whose? write the \"issuer\" that gave it; \"*\": "
		    "whoever the server names may see it");
	if (secret_node != NULL || key)
		need(a, "client_id", "whose secret this is");
	if (a->grant == CREDENTIALS) {
		need(a, "client_id", "the client that the authorization server knows");
		if (secret_node == NULL && !key)
			job_error_key(j, a->sv->source, a->node, "needs \"client_secret\" or \"private_key\"");
	}
	if ((a->rec.flags & AUTH_FLAG_PER_USER) != 0 && has(a, "subject_token"))
		job_error_key(j, a->sv->source, conf_find(a->node, "subject_token"), "is each user's own with "
		    "\"per\": \"user\": the token that the gateway knows them by");
	/* A user's token, which is good for the gateway, is shown to nobody whom a server alone names. */
	if (a->grant == EXCHANGE && (a->rec.flags & AUTH_FLAG_PER_USER) != 0 && !has(a, "token_endpoint") &&
	    (n == NULL || (a->rec.flags & AUTH_FLAG_ANY_ISSUER) != 0))
		job_error_key(j, a->sv->source, n != NULL ? n : a->node, "wants the \"issuer\" that users' tokens "
		    "are shown to, by its url");
	if (a->grant == EXCHANGE) {
		if (!has(a, "subject_token") && !key && (a->rec.flags & AUTH_FLAG_PER_USER) == 0)
			job_error_key(j, a->sv->source, a->node, "needs \"subject_token\", or a \"private_key\" by "
			    "which the gateway says itself who it is");
		if (has(a, "requested_token_type"))
			need(a, "token_endpoint", "where the first exchange is made");
		if (has(a, "token_endpoint") && !has(a, "requested_token_type"))
			need(a, "issuer", "whose endpoint that is");
		if (has(a, "token_endpoint_client_secret"))
			need(a, "token_endpoint_client_id", "whose secret that is");
	}
	if (a->grant == BEARER)
		need(a, "subject_token", "what is shown in the place of a grant");
}

void
auth_read(struct server *sv, struct digest *d, struct span server_url, bool clear)
{
	struct job		*j = sv->job;
	const struct conf_node	*n = NULL, *issuer, *header;
	struct auth		 a = { .sv = sv, .digest = d };
	bool			 may_register = true;

	if (!typed_list(j, sv->source, sv->node, "auth", JSON_OBJECT, false, &n))
		return;
	a.node = n;
	if (!has(&a, "grant") || !typed_word(j, sv->source, n, "grant", grants, &a.rec.kind)) {
		if (!has(&a, "grant"))
			job_error_key(j, sv->source, n, "needs a \"grant\": \"client_credentials\", "
			    "\"authorization_code\", \"token_exchange\" or \"jwt_bearer\"");
		return;
	}
	a.grant = 1u << a.rec.kind;
	check_members(&a);
	if (clear)
		job_error_key(j, sv->source, n, "a token would travel in clear text: the url is http://");
	for (header = conf_find(sv->node, "headers"); header != NULL; header = NULL)
		for (const struct conf_node *h = header->first; h != NULL; h = h->next)
			if (span_eq_nocase(h->key, SPAN_LIT("authorization")))
				job_error_key(j, sv->source, h, "beside \"auth\", which sets it; want one of them");
	read_per(&a);
	a.rec.server = sv->rec.order;
	a.rec.url = put_text(j->policy, server_url);
	if ((issuer = conf_find(n, "issuer")) != NULL && issuer->type == JSON_STRING && span_is(issuer->text, "*"))
		a.rec.flags |= AUTH_FLAG_ANY_ISSUER;
	else
		a.rec.issuer = url(&a, "issuer", false);
	a.rec.client_id = text(&a, "client_id");
	(void)secret(&a, "client_secret");
	read_key(&a);
	a.rec.client_metadata = url(&a, "client_metadata", false);
	a.rec.redirect_uri = url(&a, "redirect_uri", true);
	if (a.grant == CODE && (!typed_flag(j, sv->source, n, "register", &may_register) || may_register))
		a.rec.flags |= AUTH_FLAG_REGISTER;
	a.rec.token_endpoint = url(&a, "token_endpoint", false);
	a.rec.token_endpoint_client_id = text(&a, "token_endpoint_client_id");
	(void)secret(&a, "token_endpoint_client_secret");
	(void)secret(&a, "subject_token");
	a.rec.subject_token_type = text(&a, "subject_token_type");
	a.rec.requested_token_type = text(&a, "requested_token_type");
	a.rec.audience = text(&a, "audience");
	read_scopes(&a);
	check_whole(&a);
	digest_number(d, a.rec.kind);
	digest_number(d, a.rec.flags);
	sv->rec.flags |= SERVER_FLAG_AUTH;
	put_record(j->policy, SECTION_AUTH, &a.rec);
}
