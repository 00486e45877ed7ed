/* SPDX-License-Identifier: Apache-2.0
 *
 * client.h - one client's file: where it is, and what is to stand there
 */
#ifndef CTL_FILES_CLIENT_H
#define CTL_FILES_CLIENT_H

#include <limits.h>

#include "ctl/ctl.h"
#include "ctl/files/edit.h"
#include "policy/snap.h"

enum client_scope { SCOPE_PROJECT, SCOPE_HOME, SCOPE_CONFIG };

struct client_row {			/* tables/clients.def */
	const char		*word, *shown;
	enum client_scope	 scope;
	const char		*path, *keys, *type, *again;
};

struct client {
	struct ctl		*ctl;
	const struct client_row	*row;
	char			 project[PATH_MAX];	/* absolute, or "" */
	char			 path[PATH_MAX], backup[PATH_MAX + 32];
	char			 keys_text[64];
	const char		*keys[EDIT_KEYS_MAX];
	char			*text;			/* of the file; malloc'ed */
	size_t			 bytes;
	bool			 is_there;
	struct buf		 entry;
	struct snap		*policy;		/* whose servers are the gateway's; NULL: not known */
};

/* Is there such a client in the table? */
bool	client_is_known(const char *word);
/* Its row, path, keys, text.  0, or the exit code, after saying why. */
int	client_find(struct client *cl, const char *word);
/* How mcpgw-stdio is started: its name where the PATH leads to this installation's, else its path. */
void	client_bridge(char path[PATH_MAX]);
/* The entry, into cl->entry. */
void	client_entry(struct client *cl);

#endif
