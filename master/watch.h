/* SPDX-License-Identifier: Apache-2.0
 *
 * watch.h - watch = yes: reload by itself when servers_file, rules_file, issuers_file or a file in tools_dir changes
 */
#ifndef MASTER_WATCH_H
#define MASTER_WATCH_H

#include <limits.h>

#include "lib/loop.h"

struct master;

#define WATCH_FILES 5		/* the last two are tools_dir and tenants.d themselves, which may come */
#define WATCH_TOOLS 3

struct watch {
	struct master		*m;
	int			 fd;			/* inotify, or -1 */
	struct loop_io		 io;
	struct loop_timer	 quiet;
	bool			 waits;			/* for it */
	struct {
		int		wd;			/* of its folder */
		uint32_t	events;
		char		name[NAME_MAX + 1];
	} files[WATCH_FILES];
	int			 tenants_wd;		/* of tenants.d; greater ones: of what is in it; -1: none */
	int			 tools_wd;		/* of tools_dir, any of whose files counts; -1: there is none */
};

void	watch_init(struct watch *w, struct master *m);
void	watch_fini(struct watch *w);
/* Watches what the parameters in force name; nothing with watch = no. */
void	watch_files(struct watch *w);

#endif
