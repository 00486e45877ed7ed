/* SPDX-License-Identifier: Apache-2.0
 *
 * explain.h - a decision in words, for `explain` and for the line behind `call`
 */
#ifndef CTL_EXPLAIN_H
#define CTL_EXPLAIN_H

#include <stdio.h>

#include "ctl/ctl.h"
#include "policy/decide.h"
#include "policy/records.h"

struct explain_question {
	struct span	tenant, agent, server, tool;
};

void	explain_decide(const struct snap *s, const struct explain_question *q, struct decision *out);
/* The other rules about it, which decided nothing: one line each, strongest kind first. */
void	explain_beaten(FILE *f, const struct snap *s, const struct explain_question *q, const struct decision *d);
/* What to type so that just this tool is allowed, or which rule is in the way of that; nothing when it is allowed. */
void	explain_remedy(FILE *f, const struct snap *s, const struct explain_question *q, const struct decision *d);
/* Does this rule of an agent speak about that tool, or its server? */
bool	explain_rule_speaks(const struct snap *s, const struct rec_rule *rule, uint32_t agent,
	    const struct explain_question *q);
/* `explain REQUEST`: the exit code. */
int	explain_request(struct ctl *ctl, const char *id);
/* "rules.json:11  agents.me.allow.tools.docs[0] "query"  explicit allow", no line feed. */
void	explain_rule(FILE *f, const struct snap *s, const struct decision *d);
/* "allowed  rules.json:11  agents.me.allow.tools.docs[0] "query"  explicit allow", no line feed. */
void	explain_print(FILE *f, const struct snap *s, const struct decision *d);

#endif
