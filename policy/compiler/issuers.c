/* SPDX-License-Identifier: Apache-2.0
 *
 * issuers.c - issuers.json: who signs tokens that are accepted, and which agents their bearers are
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  see files.c.
 */
#include "auth/jws.h"
#include "lib/num.h"
#include "policy/compiler/files.h"
#include "policy/compiler/issuers.h"
#include "policy/compiler/rules.h"
#include "policy/compiler/secrets.h"
#include "policy/compiler/typed.h"
#include "policy/compiler/vars.h"

#define ISSUERS_MAX	64
#define SKEW_DEFAULT_S	60
#define SKEW_MAX_S	600
#define AGE_MAX_S	(366 * 24 * 3600)

struct issuer {
	struct job		*j;
	const struct source	*s;
	const struct conf_node	*node;
	struct rec_issuer	 rec;
	uint32_t		 algs;		/* that are accepted */
	bool			 algs_given;
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
	if (i->rec.audience_count == 0)
		job_error_key(i->j, i->s, i->node,
		    "needs an \"audience\": the URL by which clients know this gateway, such as "
		    "\"https://gw.example/mcp\"");
}

static void
read_algorithms(struct issuer *i)
{
	const struct conf_node	*list = NULL, *n;
	enum jws_alg		 a;

	i->algs = UINT32_MAX;
	if (!typed_list(i->j, i->s, i->node, "algorithms", JSON_ARRAY, true, &list))
		return;
	i->algs = 0;
	i->algs_given = true;
	for (n = list->first; n != NULL; n = n->next)
		if ((a = jws_alg_of(n->text)) == JWS_ALG_LIMIT)
			job_error(i->j, i->s, n, "\"%.*s\" is no algorithm that signs; known are RS256, RS384, RS512, "
			    "PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, HS256, HS384, HS512", SHOWN(n->text));
		else
			i->algs |= JWS_ALG_BIT(a);
}

static void
read_secret(struct issuer *i, const struct conf_node *n)
{
	const uint32_t		hmac = jws_algs_of(JWS_HMAC, 0);
	struct vars_value	v;

	if (!vars_expand(i->j, i->s, n, true, &v))
		return;
	if (v.missing) {
		job_error(i->j, i->s, n, "%s", v.why);
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
	uint32_t		 n = 0;
	struct source		 s = { 0 };

	i->rec.verifier_first = (uint32_t)build_count(i->j->policy, SECTION_VERIFIER);
	if (typed_string(i->j, i->s, i->node, "keys_file", &file)) {
		if (source_open(i->j, job_dup(i->j, file->text).p, &s)) {
			if (s.conf == NULL)
				job_error(i->j, i->s, file, "\"%.*s\": no such file", SHOWN(file->text));
			else
				n = keyset_read(i->j, &s, conf_top(s.conf), i->algs, i->algs_given);
			source_close(&s);
		}
	}
	i->rec.verifier_count += n;
	if (typed_list(i->j, i->s, i->node, "keys", JSON_ARRAY, false, &inline_set))
		i->rec.verifier_count += keyset_read(i->j, i->s, i->node, i->algs, i->algs_given);
	if (typed_string(i->j, i->s, i->node, "secret", &secret))
		read_secret(i, secret);
	if (conf_find(i->node, "keys_file") == NULL && conf_find(i->node, "keys") == NULL &&
	    conf_find(i->node, "secret") == NULL)
		job_error_key(i->j, i->s, i->node, "needs \"keys_file\" (a JWK set), \"keys\" or \"secret\"");
	else if (i->rec.verifier_count == 0 && i->rec.secret_algs == 0 && i->j->errors == errors)
		job_error_key(i->j, i->s, i->node, "has no key that could prove a token");
}

static bool
agent_known(struct issuer *i, const struct conf_node *n)
{
	if (agent_index(i->j, n->text) != UINT32_MAX)
		return true;
	job_error(i->j, i->s, n, "there are no rules for an agent \"%.*s\"", SHOWN(n->text));
	return false;
}

static void
read_agents(struct issuer *i)
{
	const struct conf_node	*agent = NULL, *claim = NULL, *map = NULL, *n;
	const bool		 has_agent = typed_string(i->j, i->s, i->node, "agent", &agent);
	const bool		 has_claim = typed_string(i->j, i->s, i->node, "agent_claim", &claim);

	i->rec.standin_first = (uint32_t)build_count(i->j->policy, SECTION_STANDIN);
	if (has_agent == has_claim) {
		job_error_key(i->j, i->s, i->node, "needs either \"agent\", which everybody with its token acts as, or "
		    "\"agent_claim\", such as \"client_id\", which says as whom");
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

static void
read_issuer(struct job *j, const struct source *s, const struct conf_node *node)
{
	static const char *const keys[] = { "audience", "keys_file", "keys", "secret", "algorithms", "type", "max_age",
		"skew", "subject_claim", "agent", "agent_claim", "agents", "description", NULL };
	struct issuer	i = { .j = j, .s = s, .node = node, .rec = { .tenant = j->tenant_index } };

	if (!typed_is(j, s, node, JSON_OBJECT))
		return;
	typed_keys(j, s, node, keys);
	if (node->key.n == 0)
		job_error_key(j, s, node, "an issuer's name is what its tokens say in \"iss\"");
	i.rec.name = put_text(j->policy, node->key);
	i.rec.type = put_member(&i, "type", "");
	i.rec.subject_claim = put_member(&i, "subject_claim", "sub");
	i.rec.max_age_s = read_seconds(&i, "max_age", 0, AGE_MAX_S);
	i.rec.skew_s = read_seconds(&i, "skew", SKEW_DEFAULT_S, SKEW_MAX_S);
	read_audiences(&i);
	read_algorithms(&i);
	read_keys(&i);
	read_agents(&i);
	put_record(j->policy, SECTION_ISSUER, &i.rec);
}

void
issuers_read(struct job *j)
{
	static const char *const keys[] = { "issuers", "$schema", NULL };
	const struct conf_node	*issuers = NULL, *n;
	struct span		 path = job_value(j, PARAM_ID_issuers_file);
	struct source		 s;

	if (path.n == 0 || !source_open(j, path.p, &s))
		return;
	if (s.conf != NULL && typed_is(j, &s, conf_top(s.conf), JSON_OBJECT)) {
		typed_keys(j, &s, conf_top(s.conf), keys);
		if (typed_list(j, &s, conf_top(s.conf), "issuers", JSON_OBJECT, false, &issuers)) {
			if (issuers->count > ISSUERS_MAX)
				job_error(j, &s, issuers, "at most %d issuers", ISSUERS_MAX);
			else
				for (n = issuers->first; n != NULL; n = n->next)
					read_issuer(j, &s, n);
		}
	}
	source_close(&s);
}
