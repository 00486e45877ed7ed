/* SPDX-License-Identifier: Apache-2.0
 *
 * watch.h - watch = yes: reload by itself when servers_file or rules_file changes
 */
#ifndef MASTER_WATCH_H
#define MASTER_WATCH_H

#include <limits.h>

#include "lib/loop.h"

struct master;

#define WATCH_FILES 2

struct watch {
	struct master		*m;
	int			 fd;			/* inotify, or -1 */
	struct loop_io		 io;
	struct loop_timer	 quiet;
	struct {
		int	wd;				/* of its folder */
		char	name[NAME_MAX + 1];
	} files[WATCH_FILES];
};

void	watch_init(struct watch *w, struct master *m);
void	watch_fini(struct watch *w);
/* Watches what the parameters in force name; nothing with watch = no. */
void	watch_files(struct watch *w);

#endif
