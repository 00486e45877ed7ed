/* SPDX-License-Identifier: Apache-2.0
 *
 * issuers.c - issuers.json: who signs tokens that are accepted, and which agents their bearers are
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  see files.c.
 */
#include "auth/jws.h"
#include "lib/near.h"
#include "lib/num.h"
#include "policy/compiler/files.h"
#include "policy/compiler/hosts.h"
#include "policy/compiler/issuers.h"
#include "policy/compiler/rules.h"
#include "policy/compiler/scopes.h"
#include "policy/compiler/secrets.h"
#include "policy/compiler/typed.h"
#include "policy/compiler/vars.h"

#define ISSUERS_MAX	64
#define SKEW_DEFAULT_S	60
#define SKEW_MAX_S	600
#define AGE_MAX_S	(366 * 24 * 3600)
#define CLAIM_NAME_MAX	200

struct issuer {
	struct job		*j;
	const struct source	*s;
	const struct conf_node	*node;
	struct rec_issuer	 rec;
	uint32_t		 algs;		/* that are accepted */
	bool			 algs_given;
	bool			 has_scopes;	/* the file speaks of scopes */
};

static struct stext
put_member(struct issuer *i, const char *name, const char *otherwise)
{
	const struct conf_node	*n = NULL;

	if (typed_string(i->j, i->s, i->node, name, &n))
		return put_text(i->j->policy, n->text);
	return put_text(i->j->policy, span_of(otherwise));
}

/* A duration as in mcpgw.conf, in seconds. */
static uint32_t
read_seconds(struct issuer *i, const char *name, uint64_t otherwise, uint64_t max)
{
	const struct conf_node	*n = NULL;
	uint64_t		 ms;

	if (!typed_string(i->j, i->s, i->node, name, &n))
		return (uint32_t)otherwise;
	if (num_msec(n->text, &ms) != 0 || ms > max * 1000) {
		job_error(i->j, i->s, n, "\"%.*s\": want a time such as \"60s\" or \"15min\", at most %u s",
		    SHOWN(n->text), (unsigned)max);
		return (uint32_t)otherwise;
	}
	return (uint32_t)((ms + 999) / 1000);
}

static void
put_audience(struct issuer *i, const struct conf_node *n)
{
	struct rec_audience	a = { put_text(i->j->policy, n->text) };

	if (!typed_is(i->j, i->s, n, JSON_STRING))
		return;
	if (n->text.n == 0)
		job_error(i->j, i->s, n, "an audience is not empty");
	put_record(i->j->policy, SECTION_AUDIENCE, &a);
	i->rec.audience_count++;
}

/* One string or several. */
static void
read_audiences(struct issuer *i)
{
	const struct conf_node	*n = conf_find(i->node, "audience"), *e;

	i->rec.audience_first = (uint32_t)build_count(i->j->policy, SECTION_AUDIENCE);
	if (n != NULL && n->type != JSON_ARRAY)
		put_audience(i, n);
	for (e = n != NULL && n->type == JSON_ARRAY ? n->first : NULL; e != NULL; e = e->next)
		put_audience(i, e);
	if (i->rec.audience_count == 0 && (n != NULL || job_value(i->j, PARAM_ID_public_url).n == 0))
		job_error_key(i->j, i->s, i->node,
		    "needs an \"audience\": the URL by which clients know this gateway, such as "
		    "\"https://gw.example/mcp\"; or set public_url in mcpgw.conf");
}

static const char *
alg_name(size_t i, const void *arg)
{
	(void)arg;
	return jws_alg_name((enum jws_alg)i);
}

static void
read_algorithms(struct issuer *i)
{
	const char		*near;
	const struct conf_node	*list = NULL, *n;
	enum jws_alg		 a;

	i->algs = UINT32_MAX;
	if (!typed_list(i->j, i->s, i->node, "algorithms", JSON_ARRAY, true, &list))
		return;
	i->algs = 0;
	i->algs_given = true;
	for (n = list->first; n != NULL; n = n->next) {
		if ((a = jws_alg_of(n->text)) != JWS_ALG_LIMIT) {
			i->algs |= JWS_ALG_BIT(a);
			continue;
		}
		near = near_find(n->text, alg_name, NULL, JWS_ALG_LIMIT);
		job_error(i->j, i->s, n, "\"%.*s\" is no algorithm that signs; %s%s%s", SHOWN(n->text),
		    near == NULL ? "known are " : "did you mean ", near == NULL ? "RS256, RS384, RS512, "
		    "PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, HS256, HS384, HS512" : near,
		    near == NULL ? "" : "?");
	}
}

static void
read_secret(struct issuer *i, const struct conf_node *n)
{
	const uint32_t		hmac = jws_algs_of(JWS_HMAC, 0);
	struct vars_value	v;

	if (!vars_expand(i->j, i->s, n, true, &v))
		return;
	if (v.vault || v.missing) {
		job_error(i->j, i->s, n, "%s", v.vault ? "who may call does not hang on a vault that may be away: use "
		    "${secret:NAME} or ${cred:NAME}" : v.why);
		return;
	}
	/* Without a list: HS256, as of RSA keys RS256. */
	i->rec.secret_algs = i->algs_given ? i->algs & hmac : JWS_ALG_BIT(JWS_ALG_HS256);
	if (i->rec.secret_algs == 0)
		job_error(i->j, i->s, n, "a shared secret is for HS256, HS384 and HS512, and \"algorithms\" has none "
		    "of them");
	for (int a = 0; a < JWS_ALG_LIMIT; a++)
		if ((i->rec.secret_algs & JWS_ALG_BIT(a)) != 0 && !jws_secret_ok((enum jws_alg)a, v.text)) {
			job_error(i->j, i->s, n, "too short for %s: as many bytes as its digest has, such as of "
			    "openssl rand -base64 48", jws_alg_name((enum jws_alg)a));
			return;
		}
	if (!v.secret)
		job_warn(i->j, i->s, n, "the secret stands in this file; better ${secret:NAME}");
	secret_put(i->j, i->j->worker_secrets, SPAN_NONE, i->node->key, v.text);
}

static void
read_keys(struct issuer *i)
{
	const struct conf_node	*file = NULL, *secret = NULL, *inline_set = NULL;
	const uint32_t		 errors = i->j->errors;
	const bool		 fetched = keysource_read(i->j, i->s, i->node, i->algs, i->algs_given);
	uint32_t		 n = 0;
	struct source		 s = { 0 };

	i->rec.verifier_first = (uint32_t)build_count(i->j->policy, SECTION_VERIFIER);
	if (typed_string(i->j, i->s, i->node, "keys_file", &file)) {
		if (source_open(i->j, job_dup(i->j, file->text).p, &s)) {
			if (s.conf == NULL)
				job_error(i->j, i->s, file, "\"%.*s\": no such file", SHOWN(file->text));
			else
				n = keyset_put(i->j, &s, conf_top(s.conf), i->algs, i->algs_given);
			source_close(&s);
		}
	}
	i->rec.verifier_count += n;
	if (typed_list(i->j, i->s, i->node, "keys", JSON_ARRAY, false, &inline_set))
		i->rec.verifier_count += keyset_put(i->j, i->s, i->node, i->algs, i->algs_given);
	if (typed_string(i->j, i->s, i->node, "secret", &secret))
		read_secret(i, secret);
	if (fetched)
		return;
	if (conf_find(i->node, "keys_file") == NULL && conf_find(i->node, "keys") == NULL &&
	    conf_find(i->node, "secret") == NULL)
		job_error_key(i->j, i->s, i->node, "needs \"keys_file\" (a JWK set), \"keys\", \"jwks_url\", "
		    "\"discovery\": true, or \"secret\"");
	else if (i->rec.verifier_count == 0 && i->rec.secret_algs == 0 && i->j->errors == errors)
		job_error_key(i->j, i->s, i->node, "has no key that could prove a token");
}

static bool
agent_known(struct issuer *i, const struct conf_node *n)
{
	if (agent_index(i->j, n->text) != UINT32_MAX)
		return true;
	job_error(i->j, i->s, n, "there are no rules for an agent \"%.*s\"%s", SHOWN(n->text),
		    agent_hint(i->j, n->text));
	return false;
}

/* Of this tenant; roles were read before. */
static bool
has_roles(const struct job *j)
{
	const struct rec_role	*r;

	for (uint64_t n = 0; (r = build_at(j->policy, SECTION_ROLE, n)) != NULL; n++)
		if (r->set.tenant == j->tenant_index)
			return true;
	return false;
}

static void
read_agents(struct issuer *i)
{
	const struct conf_node	*agent = NULL, *claim = NULL, *map = NULL, *n;
	const bool		 has_agent = typed_string(i->j, i->s, i->node, "agent", &agent);
	const bool		 has_claim = typed_string(i->j, i->s, i->node, "agent_claim", &claim);

	i->rec.standin_first = (uint32_t)build_count(i->j->policy, SECTION_STANDIN);
	if (has_agent && has_claim) {
		job_error_key(i->j, i->s, i->node, "has \"agent\" and \"agent_claim\"; want one of them");
		return;
	}
	/* Nobody's agent: roles and workspaces alone decide. */
	if (!has_agent && !has_claim && !has_roles(i->j)) {
		job_error_key(i->j, i->s, i->node, "needs \"agent\", which everybody with its token acts as, or "
		    "\"agent_claim\", such as \"client_id\", which says as whom; without both there have to be roles "
		    "(mcpgw-roles(5))");
		return;
	}
	if (has_agent && agent_known(i, agent))
		i->rec.agent = put_text(i->j->policy, agent->text);
	if (has_claim)
		i->rec.agent_claim = put_text(i->j->policy, claim->text);
	if (!typed_list(i->j, i->s, i->node, "agents", JSON_OBJECT, true, &map))
		return;
	if (!has_claim)
		job_error_key(i->j, i->s, map, "means nothing without \"agent_claim\"");
	for (n = map->first; n != NULL; n = n->next) {
		struct rec_standin	st = { .value = put_text(i->j->policy, n->key) };

		if (!agent_known(i, n))
			continue;
		st.agent = put_text(i->j->policy, n->text);
		put_record(i->j->policy, SECTION_STANDIN, &st);
		i->rec.standin_count++;
	}
}

/* One name or several: what claims_text() and claims_set() look for, in this order. */
static struct stext
put_names(struct issuer *i, const char *name, const char *otherwise, size_t bytes)
{
	const struct conf_node	*n = conf_find(i->node, name), *e;
	size_t			 used = 0;
	char			*all;

	if (n == NULL)
		return put_text(i->j->policy, span_make(otherwise, bytes));
	if (n->type != JSON_ARRAY && n->type != JSON_STRING) {
		job_error(i->j, i->s, n, "want a string, or an array of strings");
		return put_text(i->j->policy, SPAN_NONE);
	}
	all = job_alloc(i->j, (n->count + 1) * (CLAIM_NAME_MAX + 1));
	for (e = n->type == JSON_ARRAY ? n->first : n; e != NULL; e = n->type == JSON_ARRAY ? e->next : NULL) {
		if (!typed_is(i->j, i->s, e, JSON_STRING))
			continue;
		if (e->text.n == 0 || e->text.n > CLAIM_NAME_MAX) {
			job_error(i->j, i->s, e, "want 1 to %d characters", CLAIM_NAME_MAX);
			continue;
		}
		memcpy(all + used, e->text.p, e->text.n);
		used += e->text.n + 1;
	}
	return put_text(i->j->policy, span_make(all, used));
}

#define PUT_NAMES(i, name, otherwise) put_names((i), (name), (otherwise), sizeof(otherwise) - 1)

static void
read_claims(struct issuer *i)
{
	i->rec.subject_claim = PUT_NAMES(i, "subject_claim", "sub\0user_id\0");
	i->rec.email_claim = PUT_NAMES(i, "email_claim", "email\0");
	i->rec.roles_claim = PUT_NAMES(i, "roles_claim", "roles\0");
	i->rec.groups_claim = PUT_NAMES(i, "groups_claim", "groups\0");
	i->rec.workspace_claim = PUT_NAMES(i, "workspace_claim", "workspace\0tenant\0");
	i->rec.scope_claim = PUT_NAMES(i, "scope_claim", "scope\0scp\0");
	i->rec.version_claim = PUT_NAMES(i, "version_claim", "v\0");
	i->rec.versions = PUT_NAMES(i, "versions", "");
}

static bool
is_server_url(struct span name)
{
	struct url	u;

	return url_parse(name, &u) == NULL && url_is_guarded(&u);
}

static void
read_flags(struct issuer *i)
{
	bool	scoped = i->has_scopes, serves = is_server_url(i->node->key) && i->rec.verifier_count > 0;

	if (typed_flag(i->j, i->s, i->node, "scoped", &scoped) && scoped && !i->has_scopes)
		job_error(i->j, i->s, conf_find(i->node, "scoped"), "there are no \"scopes\" in this file, so its "
		    "tokens would be good for nothing");
	(void)typed_flag(i->j, i->s, i->node, "authorization_server", &serves);
	i->rec.flags = (scoped ? ISSUER_FLAG_SCOPED : 0) | (serves ? ISSUER_FLAG_SERVES : 0);
}

static void
read_issuer(struct job *j, const struct source *s, const struct conf_node *node, bool has_scopes)
{
	static const char *const keys[] = { "audience", "keys_file", "keys", "secret", "jwks_url", "discovery",
		"keys_keep", "ca", "algorithms", "type", "max_age", "skew", "subject_claim", "agent", "agent_claim",
		"agents", "description", "email_claim", "roles_claim", "groups_claim", "workspace_claim", "scope_claim",
		"version_claim", "versions", "scoped", "authorization_server", NULL };
	struct issuer	i = { .j = j, .s = s, .node = node, .has_scopes = has_scopes,
			    .rec = { .tenant = j->tenant_index } };

	if (!typed_is(j, s, node, JSON_OBJECT))
		return;
	typed_keys(j, s, node, keys);
	if (node->key.n == 0)
		job_error_key(j, s, node, "an issuer's name is what its tokens say in \"iss\"");
	i.rec.name = put_text(j->policy, node->key);
	i.rec.type = put_member(&i, "type", "");
	i.rec.max_age_s = read_seconds(&i, "max_age", 0, AGE_MAX_S);
	i.rec.skew_s = read_seconds(&i, "skew", SKEW_DEFAULT_S, SKEW_MAX_S);
	read_audiences(&i);
	read_algorithms(&i);
	read_keys(&i);
	read_agents(&i);
	read_claims(&i);
	read_flags(&i);
	put_record(j->policy, SECTION_ISSUER, &i.rec);
	shared_note(j, s, node, span_of(job_fmt(j, "issuer:%.*s", SPAN_FMT(node->key))));
}

void
issuers_read(struct job *j)
{
	static const char *const keys[] = { "issuers", "scopes", "$schema", NULL };
	const struct conf_node	*issuers = NULL, *n;
	struct span		 path = job_value(j, PARAM_ID_issuers_file);
	struct source		 s;
	bool			 has_scopes;

	if (path.n == 0 || !source_open(j, path.p, &s))
		return;
	if (s.conf != NULL && typed_is(j, &s, conf_top(s.conf), JSON_OBJECT)) {
		typed_keys(j, &s, conf_top(s.conf), keys);
		has_scopes = scopes_read(j, &s, conf_top(s.conf), j->tenant_index);
		if (typed_list(j, &s, conf_top(s.conf), "issuers", JSON_OBJECT, false, &issuers)) {
			if (issuers->count > ISSUERS_MAX)
				job_error(j, &s, issuers, "at most %d issuers", ISSUERS_MAX);
			else
				for (n = issuers->first; n != NULL; n = n->next)
					read_issuer(j, &s, n, has_scopes);
		}
	}
	source_close(&s);
}
