/* SPDX-License-Identifier: Apache-2.0
 *
 * install.h - installers run as programs of the gateway (mcpgw-tools(5)), in its jail, by a gateway of our own
 *
 * So there is one jail in this program, and what holds tools holds npm and pip.  They see /usr, what is listed here,
 * and a folder that they write to; they reach the hosts that are listed, and nobody else.
 */
#ifndef CTL_IMPORT_INSTALL_H
#define CTL_IMPORT_INSTALL_H

#include "ctl/import/endpoints.h"
#include "ctl/private.h"

#define INSTALL_WHY	1024
#define INSTALL_TOOLS	128	/* of one gateway */
#define INSTALL_NAME	32

struct install_env {
	const char	*name, *value;
};

struct install_view {
	const char		*folder;	/* that is written to */
	bool			 runs;		/* what lies there may be executed */
	const char		*const *read;	/* NULL at the end */
	const struct endpoints	*hosts;		/* NULL: no network */
	const struct install_env *env;		/* .name NULL at the end */
	const char		*settings;	/* a folder that may hold tokens: however we end, it goes */
};

struct install {
	struct buf	 tools;
	unsigned	 count;
	struct private	*gateway;
	struct buf	 hosts;		/* settings of it, as long as it lives */
	char		 user[160];
	const char	*options[4];
	uid_t		 uid;		/* whom they run as */
	gid_t		 gid;
};

/* Whom installers run as: we, or a user of their own when we are root.  0, or an exit code, said. */
must_check int	install_init(struct install *in, struct ctl *ctl);
/* One program with its arguments (NULL at the end), none of which a client may change. */
void		install_tool(struct install *in, const char *name, const char *const *argv);
/* All are known: the gateway is started.  0, or an exit code, said: without jails nothing is installed. */
must_check int	install_start(struct install *in, struct ctl *ctl, const struct install_view *view);
/* Runs one.  0; E_CLOSED: it failed, and why[] has what it said; any other error: it could not be run. */
must_check int	install_run(struct install *in, const char *name, char why[INSTALL_WHY]);
void		install_fini(struct install *in);

/* What is worth telling of an installer's words: its first line that says what is wrong.  In why, for a terminal. */
void		install_gist(struct span words, char why[INSTALL_WHY]);

#endif
