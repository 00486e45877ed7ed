/* SPDX-License-Identifier: Apache-2.0
 *
 * peers.c - PEER and CERTPEER: unix users and groups (day-one 19), and names in clients' certificates, that stand for
 * an agent
 *
 * Process: mcpgw-compile.  Owns: nothing.
 * Trusts:  the machine's user and group files.
 */
#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

#include "lib/cert.h"
#include "lib/num.h"
#include "policy/compiler/rules.h"

static void
peer_put(struct job *j, bool is_group, uint32_t id, uint32_t agent)
{
	struct rec_peer	p = { .is_group = is_group, .id = id, .agent = agent,
			    .order = (uint32_t)build_count(j->policy, SECTION_PEER) };

	put_record(j->policy, SECTION_PEER, &p);
}

static bool
user_find(const char *name, uint32_t *id)
{
	struct passwd	*pw = getpwnam(name);

	if (pw != NULL)
		*id = pw->pw_uid;
	return pw != NULL;
}

static bool
group_find(const char *name, uint32_t *id)
{
	struct group	*gr = getgrnam(name);

	if (gr != NULL)
		*id = gr->gr_gid;
	return gr != NULL;
}

/* "uri:spiffe://corp.example/backend": whether it is one of these, and then it is put. */
static bool
read_certpeer(struct job *j, const struct source *s, const struct conf_node *n)
{
	static const struct { struct span begins; enum cert_san_kind kind; } kinds[] = {
		{ SPAN_LIT("uri:"), CERT_SAN_URI }, { SPAN_LIT("dns:"), CERT_SAN_DNS },
		{ SPAN_LIT("email:"), CERT_SAN_EMAIL },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct rec_certpeer	 p = { .kind = kinds[i].kind };
		struct span		 name = span_part(n->key, kinds[i].begins.n, n->key.n);
		char			*text;

		if (!span_starts(n->key, kinds[i].begins))
			continue;
		if (name.n == 0 || memchr(name.p, '*', name.n) != NULL || memchr(name.p, ' ', name.n) != NULL)
			job_error_key(j, s, n, "want one name as certificates have it, without wildcards");
		if ((p.agent = agent_index(j, n->text)) == UINT32_MAX) {
			job_error(j, s, n, "there are no rules for an agent \"%.*s\"%s", SHOWN(n->text),
		    agent_hint(j, n->text));
			return true;
		}
		text = job_fmt(j, "%.*s", SPAN_FMT(name));
		for (char *c = text; p.kind == CERT_SAN_DNS && *c != '\0'; c++)
			*c = (char)tolower((unsigned char)*c);
		p.text = put_text(j->policy, span_of(text));
		put_record(j->policy, SECTION_CERTPEER, &p);
		shared_note(j, s, n, span_of(job_fmt(j, "%.*s%s", SPAN_FMT(kinds[i].begins), text)));
		return true;
	}
	return false;
}

static void
read_peer(struct job *j, const struct source *s, const struct conf_node *n)
{
	const bool	is_group = span_starts(n->key, SPAN_LIT("group:"));
	struct span	name = span_part(n->key, is_group ? 6 : 5, n->key.n);
	uint32_t	agent = agent_index(j, n->text), id = 0;
	uint64_t	number;
	const char	*cname;

	if (read_certpeer(j, s, n))
		return;
	if ((!is_group && !span_starts(n->key, SPAN_LIT("user:"))) || name.n == 0) {
		job_error_key(j, s, n, "want \"user:NAME\", \"group:NAME\", \"uri:NAME\", \"dns:NAME\" or "
		    "\"email:NAME\"");
		return;
	}
	if (agent == UINT32_MAX) {
		job_error(j, s, n, "there are no rules for an agent \"%.*s\"%s", SHOWN(n->text),
		    agent_hint(j, n->text));
		return;
	}
	cname = job_dup(j, name).p;
	if (num_u64(name, &number) == 0 && number < UINT32_MAX)
		id = (uint32_t)number;
	else if (!(is_group ? group_find(cname, &id) : user_find(cname, &id))) {
		job_warn(j, s, n, "there is no %s \"%s\" on this machine", is_group ? "group" : "user", cname);
		return;
	}
	peer_put(j, is_group, id, agent);
	shared_note(j, s, n, span_of(job_fmt(j, "%s:%u", is_group ? "group" : "user", id)));
}

/* Personal mode: who runs the gateway is the agent "me", unless the file says else. */
static void
owner_put(struct job *j)
{
	const struct rec_peer	*p;
	uint32_t		 me = agent_index(j, SPAN_LIT("me"));

	if (!j->personal || me == UINT32_MAX)
		return;
	for (uint64_t i = 0; (p = build_at(j->policy, SECTION_PEER, i)) != NULL; i++)
		if (!p->is_group && p->id == j->owner && p->agent >= j->agent_first)
			return;
	peer_put(j, false, j->owner, me);
}

static uint32_t
tenant_of(struct build *b, const struct rec_peer *p)
{
	const struct rec_agent	*a = build_at(b, SECTION_AGENT, p->agent);

	return a == NULL ? 0 : a->tenant;
}

static int
peer_cmp(const void *a, const void *b, void *policy)
{
	const struct rec_peer	*x = a, *y = b;
	const uint32_t		 s = tenant_of(policy, x), t = tenant_of(policy, y);

	if (x->is_group != y->is_group)
		return x->is_group < y->is_group ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	if (s != t)
		return s < t ? -1 : 1;
	return x->order < y->order ? -1 : 1;	/* of two for one the first counts */
}

void
peers_sort(struct job *j)
{
	const uint64_t	count = build_count(j->policy, SECTION_PEER);

	if (count > 1)
		qsort_r(build_at(j->policy, SECTION_PEER, 0), count, sizeof(struct rec_peer), peer_cmp, j->policy);
}

void
peers_read(struct job *j, const struct source *s, const struct conf_node *peers)
{
	for (const struct conf_node *n = peers == NULL ? NULL : peers->first; n != NULL; n = n->next)
		read_peer(j, s, n);
	owner_put(j);
}
