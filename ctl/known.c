/* SPDX-License-Identifier: Apache-2.0
 *
 * known.c - names that a policy speaks of, and the one that was meant by a word that it does not
 *
 * Process: mcpgwctl.  Owns: nothing.
 * Trusts:  the policy, which snap_map() has verified.
 */
#include <stdio.h>

#include "ctl/ask.h"
#include "ctl/known.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/glob.h"
#include "lib/nameset.h"
#include "policy/policy.h"
#include "policy/when.h"

#define NAME_BYTES	128

struct look {
	const char	*word;
	bool		 found;
	char		 near[KNOWN_HINT];	/* what looks most like it; empty: nothing does */
};

void
known_near(const char *word, const char *name, char near[KNOWN_HINT])
{
	const char	*list[3] = { name, NULL, NULL };

	if (near[0] != '\0') {
		list[0] = near;
		list[1] = name;
	}
	if (opts_nearest(word, list) == name)
		snprintf(near, KNOWN_HINT, "%s", name);
}

/* One name that is known, or a pattern of several. */
static void
see(struct look *l, struct span name)
{
	char	text[NAME_BYTES];

	if (name.n == 0 || name.n >= sizeof(text))
		return;
	l->found = l->found || span_is(name, l->word) || glob_match(name, span_of(l->word));
	if (!glob_is_exact(name))
		return;
	out_clean(name, text, sizeof(text));
	known_near(l->word, text, l->near);
}

static void
see_all(struct look *l, struct span set)
{
	struct span	one;

	while ((one = nameset_take(&set)).n > 0)
		see(l, one);
}

/* What conditions ask for, whoever's rule it is. */
static void
see_conditions(struct look *l, const struct snap *s, enum when_key key)
{
	const struct rec_condition	*c;
	const struct rec_operand	*o;

	for (uint64_t i = 0; (c = SNAP_AT(s, CONDITION, i)) != NULL; i++)
		for (uint32_t k = 0; c->about == key && k < c->operand_count; k++)
			if ((o = SNAP_AT(s, OPERAND, (uint64_t)c->operand_first + k)) != NULL)
				see(l, snap_text(s, o->text));
}

static void
see_roles(struct look *l, const struct snap *s, struct span tenant, enum role_kind kind)
{
	const struct rec_role	*role;

	for (uint64_t i = 0; (role = SNAP_AT(s, ROLE, i)) != NULL; i++)
		if (role->kind == (uint32_t)kind && span_eq(policy_tenant_name(s, role->set.tenant), tenant))
			see(l, snap_text(s, role->set.name));
}

static void
see_wanted(struct look *l, const struct snap *s)
{
	const struct rec_change	*c;

	for (uint64_t i = 0; (c = SNAP_AT(s, CHANGE, i)) != NULL; i++)
		see_all(l, snap_text(s, c->roles));
}

static void
see_scopes(struct look *l, const struct snap *s, struct span tenant)
{
	const struct rec_scope	*sc;

	for (uint64_t i = 0; (sc = SNAP_AT(s, SCOPE, i)) != NULL; i++)
		if (span_eq(policy_tenant_name(s, sc->tenant), tenant))
			see(l, snap_text(s, sc->name));
}

static void
see_names(struct look *l, const struct snap *s, enum known_kind kind, struct span tenant)
{
	const struct rec_tenant	*t;
	const struct rec_agent	*a;
	const struct rec_server	*server;

	for (uint64_t i = 0; kind == KNOWN_TENANT && (t = SNAP_AT(s, TENANT, i)) != NULL; i++)
		see(l, snap_text(s, t->name));
	if ((t = policy_tenant_find(s, tenant)) == NULL)
		return;
	for (uint64_t i = 0; kind == KNOWN_AGENT && i < t->agent_count &&
	    (a = SNAP_AT(s, AGENT, t->agent_first + i)) != NULL; i++)
		see(l, snap_text(s, a->name));
	for (uint64_t i = 0; kind == KNOWN_SERVER && (server = policy_server_of(s, t, i)) != NULL; i++)
		see(l, snap_text(s, server->name));
}

static void
look(struct look *l, const struct snap *s, enum known_kind kind, struct span tenant)
{
	switch (kind) {
	case KNOWN_ROLE:
		see_roles(l, s, tenant, ROLE_ROLE);
		see_wanted(l, s);
		see_conditions(l, s, WHEN_ROLES);
		break;
	case KNOWN_GROUP:
		see_conditions(l, s, WHEN_GROUPS);
		break;
	case KNOWN_SCOPE:
		see_scopes(l, s, tenant);
		see_conditions(l, s, WHEN_SCOPES);
		break;
	case KNOWN_WORKSPACE:
		see_roles(l, s, tenant, ROLE_WORKSPACE);
		see_conditions(l, s, WHEN_WORKSPACE);
		break;
	case KNOWN_TENANT:
	case KNOWN_AGENT:
	case KNOWN_SERVER:
		see_names(l, s, kind, tenant);
		break;
	}
}

bool
known_is(const struct snap *s, enum known_kind kind, struct span tenant, const char *word)
{
	struct look	l = { .word = word };

	look(&l, s, kind, tenant);
	return l.found;
}

/* Another tenant that has a server of this name; SPAN_NONE: none does. */
static struct span
tenant_with(const struct snap *s, struct span tenant, const char *server)
{
	const struct rec_tenant	*t;
	const struct rec_server	*one;

	for (uint64_t i = 0; (t = SNAP_AT(s, TENANT, i)) != NULL; i++) {
		if (span_eq(snap_text(s, t->name), tenant))
			continue;
		for (uint64_t k = 0; (one = policy_server_of(s, t, k)) != NULL; k++)
			if (span_is(snap_text(s, one->name), server))
				return snap_text(s, t->name);
	}
	return SPAN_NONE;
}

const char *
known_hint(const struct snap *s, enum known_kind kind, struct span tenant, const char *word, const char *otherwise,
    char to[KNOWN_HINT])
{
	struct look	l = { .word = word };
	struct span	theirs = s != NULL && kind == KNOWN_SERVER ? tenant_with(s, tenant, word) : SPAN_NONE;

	if (theirs.n > 0) {
		snprintf(to, KNOWN_HINT, "; tenant %.*s has one: --tenant %.*s", SPAN_FMT(theirs), SPAN_FMT(theirs));
		return to;
	}
	if (s != NULL)
		look(&l, s, kind, tenant);
	if (l.near[0] == '\0')
		return otherwise;
	snprintf(to, KNOWN_HINT, "; did you mean %.*s?", KNOWN_HINT - 32, l.near);
	return to;
}

bool
known_missing(struct ctl *ctl, enum known_kind kind, const char *tenant, const char *word)
{
	static const struct {
		const char	*noun, *see;
	} words[] = {
		[KNOWN_TENANT] = { "tenant", "; see mcpgwctl tenant list" },
		[KNOWN_AGENT] = { "agent", " in the rules" },
		[KNOWN_SERVER] = { "server", "; see mcpgwctl server list" },
		[KNOWN_ROLE] = { "role", " in the rules" },
		[KNOWN_GROUP] = { "group", " in the rules" },
		[KNOWN_SCOPE] = { "scope", "; see mcpgw-issuers(5)" },
		[KNOWN_WORKSPACE] = { "workspace", " in the rules" },
	};
	struct snap	*s = NULL;
	struct ask	 a;
	char		 hint[KNOWN_HINT];
	bool		 missing = false;

	if (ask_open(ctl, &a, false) != 0)
		return false;
	ask_command(&a, CTLCMD_explain, NULL);
	if (ask_wait(&a, ask_take_snapshot, &s) == 0 && s != NULL &&
	    (missing = !known_is(s, kind, span_of(tenant), word)))
		out_error("no %s \"%s\"%s", words[kind].noun, word,
		    known_hint(s, kind, span_of(tenant), word, words[kind].see, hint));
	ask_close(&a);
	snap_release(&s);
	return missing;
}
