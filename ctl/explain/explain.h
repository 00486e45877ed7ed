/* SPDX-License-Identifier: Apache-2.0
 *
 * explain.h - a decision in words, for `explain` and for the line behind `call`
 */
#ifndef CTL_EXPLAIN_EXPLAIN_H
#define CTL_EXPLAIN_EXPLAIN_H

#include <stdio.h>

#include "ctl/ctl.h"
#include "policy/decide.h"
#include "policy/records.h"
#include "policy/when.h"

struct explain_question {
	struct span		tenant, agent, server, tool;
	enum principal_how	how;
	struct span		subject;
	struct traits		traits;
	struct facts		facts;		/* what of all this is known; the time always is */
};

/* With the time that it is. */
struct explain_question explain_asked(struct span tenant, struct span agent, struct span server, struct span tool);
/* What a call gets that is as the question says; what it does not say counts against it, or, in hope, for it. */
void	explain_decide(const struct snap *s, const struct explain_question *q, struct decision *out);
void	explain_hope(const struct snap *s, const struct explain_question *q, struct decision *out);
/* What it gets of the server as a whole, before the tool is looked at. */
void	explain_server(const struct snap *s, const struct explain_question *q, struct decision *out);

/* explain_rules.c */
/* "rules.json:11  agents.me.allow.tools.docs[0] "query"  explicit allow", no line feed. */
void	explain_rule(FILE *f, const struct snap *s, const struct decision *d);
/* "allowed  rules.json:11  agents.me.allow.tools.docs[0] "query"  explicit allow", no line feed. */
void	explain_print(FILE *f, const struct snap *s, const struct decision *d);
/* The other rules about it, of the agent, its roles and its workspace, which did not decide: one line each, strongest
 * kind first, and their conditions. */
void	explain_beaten(FILE *f, const struct snap *s, const struct explain_question *q, const struct decision *d);
/* Is this rule one of those? */
bool	explain_rule_speaks(const struct snap *s, const struct rec_rule *rule, const struct explain_question *q);

/* explain_when.c */
/* The conditions of a rule, one line each, with what they were compared with. */
void	explain_when(FILE *f, const struct snap *s, const struct explain_question *q, const struct rec_rule *rule);
/* Do they hold?  What is known and cannot be compared counts against the caller; TRUTH_UNKNOWN is for want of facts. */
enum truth explain_holds(const struct snap *s, const struct explain_question *q, const struct rec_rule *rule);
/* Calls fn for each key, as written, that a rule about it asks for and that the question does not say. */
typedef void explain_key_fn(struct span key, void *arg);
void	explain_unsaid(const struct snap *s, const struct explain_question *q, explain_key_fn *fn, void *arg);

/* explain_say.c: what is known of a call, by options. */
struct explain_said {
	const char	*args, *annotations, *user, *roles, *groups, *scopes, *workspace, *issuer, *credential;
	const char	*principal, *address, *time;
};
/* Exits when it is not understood.  What is kept is in the arena. */
void	explain_say(const struct explain_said *said, struct arena *a, struct explain_question *q);

/* explain_remedy.c: what to type so that just this tool is allowed, or what is in the way of that; nothing when it is
 * allowed. */
void	explain_remedy(FILE *f, const struct snap *s, const struct explain_question *q, const struct decision *d);
/* A blank, and the text as a shell takes it for one word. */
void	explain_word(FILE *f, struct span word);

/* explain_request.c: `explain REQUEST`: the exit code. */
int	explain_request(struct ctl *ctl, const char *id);

#endif
