/* SPDX-License-Identifier: Apache-2.0
 *
 * account.c - what a connection leaves in the audit
 *
 * Process: mcpgw-egress.  Owns: nothing.
 * Trusts:  no host's name: fields are cut by audit/record.c, and what is no name was made printable before.
 */
#include "sandbox/egress/account.h"
#include "sandbox/egress/spawners.h"

static struct span
jail_word(const struct rec_server *s)
{
	switch (s->tier) {
	case TIER_RUNTIME:
		return SPAN_LIT("runtime/list");
	case TIER_STRICT:
		return SPAN_LIT("strict/list");
	default:
		return SPAN_LIT("off");
	}
}

void
account_start(const struct jail *j, struct span object, const char *method, const struct verdict *v,
    struct audit_fields *f)
{
	*f = (struct audit_fields){
		.tenant = spawner_tenant(j->owner),
		.server = snap_text(j->policy, j->server->name),
		.kind = SPAN_LIT("net"),
		.object = object,
		.method = span_of(method),
		.decision = !v->pass ? SPAN_LIT("deny") : v->learned ? SPAN_LIT("learn") : SPAN_LIT("allow"),
		.rule = v->rule,
		.jail = jail_word(j->server),
	};
}

void
account_finish(enum audit_outcome outcome, int error, struct audit_fields *f)
{
	f->outcome = audit_outcome_word(outcome);
	f->error = error == 0 ? SPAN_NONE : span_of(err_row(error)->symbol);
}

uint64_t
account_generation(const struct jail *j)
{
	return snap_head(j->policy)->generation;
}
