/* SPDX-License-Identifier: Apache-2.0
 *
 * options.h - what `mcpgw-audit --query` was asked for
 */
#ifndef AUDIT_AUDITOR_OPTIONS_H
#define AUDIT_AUDITOR_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

struct options {
	uint64_t	since_ns, until_ns;
	uint64_t	limit;			/* the newest so many; 0 = all */
	uint64_t	request;
	bool		follow, verify, group, has_request, has_until;
	struct span	agent, tenant, server, kind, tool, decision, outcome;	/* empty: any */
	const char	*folder;
	const char	*value;			/* of the option that was wrong; NULL: it is none, or lacks one */
};

/* argv behind the program's name.  0, or E_FORMAT with *wrong naming the word that is not understood, and value set
 * where that is an option's.  The texts are borrowed from argv. */
must_check int	options_parse(int argc, char **argv, uint64_t now_ns, struct options *out,
		    const char **wrong);
/* What an option takes, for whoever gave it something else; static storage. */
const char	*options_wanted(const char *option);
/* "7d" and "30min" ago; "2026-11-20", "2026-11-20T10:31", with seconds, with Z: UTC. */
must_check int	options_time(struct span text, uint64_t now_ns, uint64_t *ns);

#endif
