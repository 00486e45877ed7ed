/* SPDX-License-Identifier: Apache-2.0
 *
 * roles.c - what roles and workspaces may use, and what the operator says of single tools
 *
 * Process: worker; mcpgwctl's queries through one.  Owns: nothing.
 * Trusts:  nothing of the object's name, as decide.c.
 *
 * Seed 002 (seed-contracts 3.3): a principal may use what any of its roles allows; a workspace with a list of its own
 * puts that in the place of the roles'; what is denied is taken away, unless the role admin holds everything.  A role's
 * allow counts on servers that the role itself allows.  Here a deny of any of them counts, and always wins, whatever
 * rules_precedence says of agents.
 */
#include "lib/nameset.h"
#include "policy/decide_priv.h"

/* Those that speak for a principal, one after the other. */
struct sets {
	const struct rec_role	*workspace;
	bool			 replaced;	/* by the workspace's list: roles only deny */
	bool			 excused;	/* of what the workspace denies, and of roles that tools want */
	struct span		 rest;		/* of the principal's roles */
	bool			 workspace_done;
};

static void
sets_begin(const struct snap *s, const struct principal *who, struct sets *x)
{
	static const struct span	 admin_name = SPAN_LIT("admin");
	const struct rec_role		*admin = !nameset_has(who->traits.roles, admin_name) ? NULL :
					    policy_role_find(s, who->tenant, ROLE_ROLE, admin_name);

	*x = (struct sets){ .rest = who->traits.roles };
	if (who->traits.workspace.n > 0)
		x->workspace = policy_role_find(s, who->tenant, ROLE_WORKSPACE, who->traits.workspace);
	x->replaced = x->workspace != NULL && (x->workspace->flags & ROLE_FLAG_REPLACES) != 0;
	x->excused = admin != NULL && (admin->flags & ROLE_FLAG_EVERYTHING) != 0 &&
	    (!x->replaced || (x->workspace->flags & ROLE_FLAG_EVERYTHING) != 0);
	x->replaced = x->replaced && !x->excused;
}

/* Sets q to the next one's rules; false: there is none. */
static bool
sets_next(struct sets *x, struct asked *q)
{
	const struct rec_role	*role = NULL;
	struct span		 name;

	while (role == NULL && x->rest.n > 0) {
		name = nameset_take(&x->rest);
		role = policy_role_find(q->snap, q->who->tenant, ROLE_ROLE, name);
	}
	if (role == NULL && !x->workspace_done) {
		x->workspace_done = true;
		role = x->workspace;
	}
	if (role == NULL)
		return false;
	q->agent = &role->set;
	q->agent_index = ROLE_OWNER | (uint32_t)(role - SNAP_AT(q->snap, ROLE, 0));
	q->denies_only = role->kind == ROLE_ROLE && x->replaced;
	return true;
}

/* Is this one's deny none? */
static bool
is_excused(const struct sets *x, const struct asked *q)
{
	return x->excused && x->workspace != NULL && q->agent == &x->workspace->set;
}

/* The stronger one stays: denies before allows, named ones first. */
static void
merge(struct best *to, const struct best *from)
{
	if (from->rule != NULL && (to->rule == NULL || from->rank < to->rank)) {
		to->rule = from->rule;
		to->index = from->index;
		to->rank = from->rank;
	}
	if (from->shadow != NULL && (to->shadow == NULL || from->shadow_rank < to->shadow_rank)) {
		to->shadow = from->shadow;
		to->shadow_index = from->shadow_index;
		to->shadow_rank = from->shadow_rank;
	}
}

bool
roles_speak(const struct snap *s, const struct principal *who)
{
	return policy_has_roles(s, who->tenant) &&
	    (who->traits.roles.n > 0 || who->traits.workspace.n > 0 || who->agent.n == 0);
}

static void
look(struct asked *q, struct best *server, struct best *inside)
{
	struct sets	x;
	struct best	own, within;

	sets_begin(q->snap, q->who, &x);
	while (sets_next(&x, q)) {
		own = within = (struct best){ 0 };
		if (is_excused(&x, q))
			continue;	/* what it allows adds nothing to everything */
		decide_look(q, false, &own);
		merge(server, &own);
		if (q->what->kind == OBJECT_SERVER)
			continue;
		q->denies_only |= own.rule == NULL || own.rule->deny != 0;
		decide_look(q, true, &within);
		merge(inside, &within);
	}
}

void
roles_decide(struct asked *q, bool beside, struct decision *out)
{
	struct best	server = { 0 }, inside = { 0 };
	struct decision	said;

	decide_answer_none(q->snap, &said);
	q->deny_first = true;
	look(q, &server, &inside);
	q->denies_only = false;
	if (server.rule != NULL)
		decide_answer(q, &server, &said);
	if (server.rule != NULL && said.allow && q->what->kind != OBJECT_SERVER) {
		if (inside.rule != NULL)
			decide_answer(q, &inside, &said);
		else
			decide_answer_none(q->snap, &said);
		decide_answer_shadow(q, &inside, &said);
	}
	if (!said.shadow)
		decide_answer_shadow(q, &server, &said);
	said.approval |= beside && said.allow && out->approval;	/* whoever of both wants it */
	if (!beside || !said.allow || said.shadow)
		*out = said;
	out->approval = said.approval;
	out->by_roles = !out->allow;
	if (out->by_roles && out->rule == 0)
		out->class_text = "no role or workspace allows it";
}

/* --- single tools ------------------------------------------------------------------------------ */

static bool
is_met(const struct asked *q, const struct rec_change *c)
{
	const struct span	wanted = c == NULL ? SPAN_NONE : snap_text(q->snap, c->roles);

	return wanted.n == 0 || nameset_meets(wanted, q->who->traits.roles);
}

static void
deny(const struct snap *s, const struct rec_change *c, bool hidden, struct decision *out)
{
	decide_answer_none(s, out);
	out->by_roles = !hidden;
	out->rule_class = RULE_EXPLICIT_DENY;
	out->class_text = hidden ? "hidden" : "wants a role";
	out->hide = out->hide || hidden;
	out->path = snap_text(s, hidden ? c->hide_path : c->roles_path);
	out->file = snap_text(s, c->file);
	out->line = hidden ? c->hide_line : c->roles_line;
}

void
roles_demand(const struct asked *q, struct decision *out)
{
	const struct rec_server	*server;
	const struct rec_change	*here, *every;
	struct sets		 x;

	if (q->what->kind != OBJECT_TOOL || snap_count(q->snap, SECTION_CHANGE) == 0 ||
	    (server = policy_server_find(q->snap, q->who->tenant, q->server)) == NULL)
		return;
	here = policy_change_find(q->snap, server, q->tool);
	every = policy_change_every(q->snap, server->tenant, q->tool);
	if (is_met(q, here) && is_met(q, every))
		return;
	sets_begin(q->snap, q->who, &x);
	if (!x.excused)
		deny(q->snap, is_met(q, here) ? every : here, false, out);
}

bool
roles_hide(const struct snap *s, const struct principal *who, const struct object *what, struct decision *out)
{
	const struct rec_server	*server;
	const struct rec_change	*c;

	if (what->kind != OBJECT_TOOL || snap_count(s, SECTION_CHANGE) == 0 ||
	    (server = policy_server_find(s, who->tenant, what->server)) == NULL ||
	    (c = policy_change_find(s, server, what->name)) == NULL || (c->flags & CHANGE_FLAG_HIDE) == 0)
		return false;
	deny(s, c, true, out);
	return true;
}
