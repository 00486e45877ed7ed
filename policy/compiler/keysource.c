/* SPDX-License-Identifier: Apache-2.0
 *
 * keysource.c - KEYSOURCE: an issuer whose keys mcpgw-scout fetches, by the set's url or by the issuer's metadata
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  the operator's urls, wherever they lead; what they answer is the scout's to judge.
 */
#include "lib/num.h"
#include "lib/url.h"
#include "policy/compiler/issuers.h"
#include "policy/compiler/server.h"
#include "policy/compiler/typed.h"
#include "policy/compiler/vars.h"

#define ADDRESSES_MAX	8		/* as many as an errand takes */
#define KEEP_MAX_MS	(366ull * 24 * 3600 * 1000)

static void
read_keep(struct job *j, const struct source *s, const struct conf_node *issuer, uint64_t *out)
{
	const struct conf_node	*n = NULL;
	uint64_t		 ms;

	*out = job_number(j, PARAM_ID_jwks_keep);
	if (!typed_string(j, s, issuer, "keys_keep", &n))
		return;
	if (num_msec(n->text, &ms) != 0 || ms > KEEP_MAX_MS)
		job_error(j, s, n, "\"%.*s\": want a time such as \"12h\" or \"7d\", at most 366 days", SHOWN(n->text));
	else
		*out = ms;
}

/* Of the url, or of the member that means the issuer's own; false: there is none that would do. */
static bool
read_url(struct job *j, const struct source *s, const struct conf_node *at, struct span text, struct url *u)
{
	const char	*wrong = url_parse(text, u);

	if (wrong == NULL)
		return true;
	job_error(j, s, at, "\"%.*s\": %s", SHOWN(text), wrong);
	return false;
}

/* http:// only to this machine: whoever can answer there could make tokens. */
static void
look_at_scheme(const struct server *sv, const struct conf_node *at, const struct url *u)
{
	struct addr	a = { 0 };
	bool		inside = sv->rec.address_count > 0;

	for (uint32_t i = 0; i < sv->rec.address_count; i++) {
		const struct rec_address	*r = build_at(sv->job->policy, SECTION_ADDRESS,
						    sv->rec.address_first + i);
		const char			*what;

		a.family = r->family;
		memcpy(a.bytes, r->bytes, sizeof(a.bytes));
		what = addr_special(&a);
		inside = inside && what != NULL && strcmp(what, "loopback") == 0;
	}
	if (!u->https && !inside)
		job_error(sv->job, sv->source, at, "want https://: whoever answers for these keys makes tokens; "
		    "http:// is for this machine alone");
}

static void
put(struct job *j, const struct source *s, const struct conf_node *issuer, const struct conf_node *at, struct span url,
    struct rec_keysource *rec)
{
	struct server		 sv = { .job = j, .source = s, .node = issuer, .name = issuer->key, .enabled = true };
	struct digest		 d = { 0 };
	const struct conf_node	*ca;
	struct url		 u;

	if (!read_url(j, s, at, url, &u))
		return;
	digest_text(&d, issuer->key);
	digest_text(&d, url);
	digest_number(&d, rec->discovery);
	digest_number(&d, rec->algs);
	digest_number(&d, rec->algs_given);
	located_read(&sv, u.host);
	look_at_scheme(&sv, at, &u);
	if (u.https)
		anchors_read(&sv, at, &d);
	else if ((ca = conf_find(issuer, "ca")) != NULL)
		job_error_key(j, s, ca, "has no meaning for a url that is not https://");
	rec->id = d.sum == 0 ? 1 : d.sum;
	rec->url = put_text(j->policy, url);
	rec->address_first = sv.rec.address_first;
	rec->address_count = sv.rec.address_count < ADDRESSES_MAX ? sv.rec.address_count : ADDRESSES_MAX;
	rec->anchor_first = sv.rec.anchor_first;
	rec->anchor_count = sv.rec.anchor_count;
	put_record(j->policy, SECTION_KEYSOURCE, rec);
}

bool
keysource_read(struct job *j, const struct source *s, const struct conf_node *issuer, uint32_t algs, bool algs_given)
{
	static const char *const others[] = { "keys_keep", "ca" };
	struct rec_keysource	 rec = { .issuer = (uint32_t)build_count(j->policy, SECTION_ISSUER), .algs = algs,
				    .algs_given = algs_given };
	const struct conf_node	*url = NULL, *n;
	struct vars_value	 v = { 0 };
	bool			 discovery = false;

	(void)typed_flag(j, s, issuer, "discovery", &discovery);
	(void)typed_string(j, s, issuer, "jwks_url", &url);
	if (url == NULL && !discovery) {
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
			if ((n = conf_find(issuer, others[i])) != NULL)
				job_error_key(j, s, n, "means nothing without \"jwks_url\" or \"discovery\": true");
		return conf_find(issuer, "jwks_url") != NULL;
	}
	if (url != NULL && discovery) {
		job_error_key(j, s, url, "want either \"jwks_url\" or \"discovery\", which finds it");
		return true;
	}
	rec.discovery = discovery;
	read_keep(j, s, issuer, &rec.keep_ms);
	if (discovery)
		put(j, s, issuer, conf_find(issuer, "discovery"), issuer->key, &rec);
	else if (vars_expand(j, s, url, false, &v)) {
		if (v.missing)
			job_error(j, s, url, "%s", v.why);
		else
			put(j, s, issuer, url, v.text, &rec);
	}
	return true;
}
