/* SPDX-License-Identifier: Apache-2.0
 *
 * explain.h - a decision in words, for `explain` and for the line behind `call`
 */
#ifndef CTL_EXPLAIN_H
#define CTL_EXPLAIN_H

#include <stdio.h>

#include "policy/decide.h"

struct explain_question {
	struct span	tenant, agent, server, tool;
};

void	explain_decide(const struct snap *s, const struct explain_question *q, struct decision *out);
/* "allowed  rules.json:11  agents.me.allow.tools.docs[0] "query"  explicit allow", no line feed. */
void	explain_print(FILE *f, const struct snap *s, const struct decision *d);

#endif
