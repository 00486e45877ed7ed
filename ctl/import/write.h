/* SPDX-License-Identifier: Apache-2.0
 *
 * write.h - the gateway's files with what was imported in them
 */
#ifndef CTL_IMPORT_WRITE_H
#define CTL_IMPORT_WRITE_H

#include "ctl/import/server.h"

struct files {
	const char	*servers, *rules;		/* paths */
	char		*servers_text, *rules_text;	/* malloc'ed, as they were read */
	size_t		 servers_bytes, rules_bytes;
	const char	*agent;				/* whose rules are written */
};

/* Reads them.  0 or an exit code, said. */
must_check int	files_read(struct import *im, struct files *f);
void		files_fini(struct files *f);
/* Decides of each server whether it is new, the same, changed or taken. */
void		files_compare(struct import *im, const struct files *f);
/* Who becomes the agent of root's gateway beside root: who called sudo.  NULL: nobody. */
const char	*files_peer(const struct import *im);
/* Secrets, servers.json, rules.json, and mcpgw.conf for --run-as: all of them, or none.  0 or an exit code, said. */
must_check int	files_write(struct import *im, struct files *f);

#endif
