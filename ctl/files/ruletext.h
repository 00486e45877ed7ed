/* SPDX-License-Identifier: Apache-2.0
 *
 * ruletext.h - one rule of a rules file: written into its text, or taken out of it
 */
#ifndef CTL_FILES_RULETEXT_H
#define CTL_FILES_RULETEXT_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/err.h"

/* A rule: agents.AGENT.SECTION.tools.SERVER has TOOL; without a tool, agents.AGENT.SECTION.servers has SERVER. */
struct ruletext {
	const char	*section;		/* "allow", "deny", "hide" */
	const char	*agent, *server, *tool;
};

/* Whether this very rule stands there. */
bool		ruletext_has(struct span text, const struct ruletext *rule);
/* `out` gets the text with it; comments and layout stay.  An empty text is an empty file.  0; E_EXISTS: it stands
 * there already; E_FORMAT: the text has another form; E_NOMEM. */
must_check int	ruletext_add(struct span text, const struct ruletext *rule, struct buf *out);
/* The text without it, wherever it stands in that list.  0, or E_NOTFOUND, E_FORMAT, E_NOMEM. */
must_check int	ruletext_remove(struct span text, const struct ruletext *rule, struct buf *out);

#endif
