/* SPDX-License-Identifier: Apache-2.0
 *
 * reload.h - compile, verify, put in force, wait until every worker has it
 */
#ifndef MASTER_RELOAD_H
#define MASTER_RELOAD_H

#include "lib/loop.h"
#include "lib/span.h"
#include "master/snapset.h"

struct master;

#define RELOAD_EXIT_REFUSED	1

struct reload_result {
	int		 exit_code;	/* 0; RELOAD_EXIT_REFUSED; 75: a process did not do its part */
	uint64_t	 generation, ms;
	uint32_t	 workers;	/* that have it */
};

/* Embedded by who waits.  on_note gets the compiler's lines and ours; on_done comes exactly once,
 * after which the waiter is nobody's. */
struct reload_waiter {
	void			(*on_note)(struct reload_waiter *, unsigned level, struct span line);
	void			(*on_done)(struct reload_waiter *, const struct reload_result *);
	struct reload_waiter	*next;
};

/* Who wants it: enum generation_by, and of a command its uid. */
struct reload_by {
	uint32_t	by, uid;
};
#define RELOAD_WHY	480

enum reload_state { RELOAD_IDLE, RELOAD_DUMPING, RELOAD_COMPILING, RELOAD_OFFERED };

struct reload {
	struct master		*m;
	enum reload_state	 state;
	unsigned		 what;		/* enum compile_what, of this run */
	unsigned		 next_what;	/* asked for while one runs */
	struct reload_waiter	*now, *next;
	struct reload_by	by, next_by;
	int			 dump;		/* the store's, or -1 */
	uint64_t		 ref;		/* of the STORE_DUMP asked */
	uint64_t		 generation, began_ms;
	uint64_t		 rolls_from, rolls_to;	/* generations of a rollback; 0: it is none */
	unsigned		 kinds;		/* offered, 1 << enum snap_kind */
	bool			 refused;	/* by a worker */
	char			 why[RELOAD_WHY];	/* the first error of this run */
	struct loop_timer	 limit;
	struct loop_timer	 keys_again;	/* they are not as the store has them: a run failed */
	uint64_t		 keys_wait_ms;	/* until the next try; 0: they are */
};

void	reload_init(struct reload *r, struct master *m);
void	reload_fini(struct reload *r);

/* Compiles `what` (enum compile_what) anew.  While one runs, all that come are one more run after it, which is the
 * last one's.  waiter may be NULL. */
void	reload_request(struct reload *r, unsigned what, struct reload_by by, struct reload_waiter *waiter);
/* The policy that served before, at once and without a compiler; the waiter hears as of a reload.  0; E_UNTIMELY: a
 * reload is under way; E_NOTFOUND: none is kept; else what rollback_take() says; then the waiter hears nothing. */
must_check int	reload_rollback(struct reload *r, struct reload_by by, struct reload_waiter *waiter);
/* The waiter goes away; on_done will not come. */
void	reload_forget(struct reload *r, struct reload_waiter *waiter);

/* From status.c: an answer of the store, a worker's word or death. */
void	reload_on_dump(struct reload *r, uint64_t ref, int *fd);
/* The store cannot read its keys, and says why. */
void	reload_on_no_dump(struct reload *r, uint64_t ref, struct span why);
void	reload_on_store_death(struct reload *r);
void	reload_on_refused(struct reload *r, const char *who, uint32_t kind, uint64_t generation);
void	reload_look(struct reload *r);

/* Gives a compiled set its place: parameters, status, last good copy.  Used at start, too. */
must_check int	reload_put_in_force(struct master *m, struct snapset *made, unsigned what, struct reload_by by);

#endif
