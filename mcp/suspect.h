/* SPDX-License-Identifier: Apache-2.0
 *
 * suspect.h - is there something in a tool's text that somebody should look at first?  (tables/suspects.def)
 *
 * A signal for people and no barrier: what is found is a reason not to show the tool to a model by itself, and what
 * is not found proves nothing.
 */
#ifndef MCP_SUSPECT_H
#define MCP_SUSPECT_H

#include "lib/json.h"

#define SUSPECT_BYTES_MAX	(128 * 1024)	/* of a tool's text that are looked through; more is a finding */
#define SUSPECT_NAME_MIN	5		/* bytes of a name that is looked for */
#define SUSPECT_WORDS		96		/* bytes of `words` */

/* Other servers' tools, by names that are no common words: suspect_is_distinct(). */
struct suspect_names;
must_check int	suspect_names_new(struct suspect_names **out);
void		suspect_names_free(struct suspect_names **n);
/* Copied; names that are not distinct are passed over.  0 or E_NOMEM. */
must_check int	suspect_names_add(struct suspect_names *n, struct span tool);
/* Would nobody write this name by chance?  It has a separator, a digit or a capital behind its first letter. */
bool		suspect_is_distinct(struct span tool);

struct suspect {
	const char	*what;			/* static words; NULL: nothing was found */
	char		 words[SUSPECT_WORDS];	/* where: the text around it, cut; may hold anything */
};

/* Is it in the table of what is not seen?  For those who show it all the same. */
bool		suspect_hides(uint32_t code);
/* One decoded text.  The first finding. */
void		suspect_text(struct span text, const struct suspect_names *others, struct suspect *out);
/* Every string and every member's name in a proven value.  The first finding; what cannot be looked at for want of
 * memory is one too. */
void		suspect_value(struct json_value v, const struct suspect_names *others, struct suspect *out);

#endif
