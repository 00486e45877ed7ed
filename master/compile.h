/* SPDX-License-Identifier: Apache-2.0
 *
 * compile.h - one run of mcpgw-compile: notes and sealed snapshots out
 */
#ifndef MASTER_COMPILE_H
#define MASTER_COMPILE_H

#include "master/children.h"
#include "master/options.h"
#include "master/snapset.h"

/* A warning or error of the text; level is an enum log_level.  The line is borrowed. */
typedef void compile_note_fn(unsigned level, struct span line, void *arg);
/* The compiler is gone.  0: `made` holds what it made; E_FORMAT: the text has errors; E_CLOSED: it died
 * or did not finish; E_DENIED: what it made does not verify, which a note said. */
typedef void compile_done_fn(int result, void *arg);

struct compile {
	struct child	 child;
	struct loop_timer limit;	/* it may take as long as this */
	char		*args[SPAWN_ARGS_MAX + 1];
	unsigned	 what;			/* enum compile_what */
	uint64_t	 generation;
	int		 dump;			/* borrowed while it runs, or -1 */
	struct snapset	 made;
	int		 result;
	int		 exit_code;		/* of a compiler that was not done, else 0 */
	bool		 busy, finished;	/* finished: COMPILE_DONE came */
	bool		 late;			/* it was ended for the time it took */
	compile_note_fn	*on_note;
	compile_done_fn	*on_done;
	void		*arg;
};

void	compile_init(struct compile *c, struct master *m);
void	compile_fini(struct compile *c);
/* One at a time.  dump: the store's, or -1 without COMPILE_KEYS; lent until on_done. */
void	compile_start(struct compile *c, unsigned what, uint64_t generation, int dump,
	    compile_note_fn *on_note, compile_done_fn *on_done, void *arg);

/* What to say of a run that ended so, which E_FORMAT needs not; static storage until the next one. */
const char	*compile_why(const struct compile *c, int result);

/* From boot.c and status.c. */
void	compile_boot(struct child *c);
void	compile_on_message(struct compile *c, const struct chan_msg *msg);
void	compile_on_death(struct compile *c, int status);

#endif
