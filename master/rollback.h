/* SPDX-License-Identifier: Apache-2.0
 *
 * rollback.h - the policy that served before, kept for `mcpgwctl rollback`
 */
#ifndef MASTER_ROLLBACK_H
#define MASTER_ROLLBACK_H

#include "master/snapset.h"

struct master;

struct rollback {
	struct snapset	before;		/* policy, profiles and secrets before those in force; empty: none is kept */
	uint64_t	from, to;	/* in force is the content of generation `to`, in the place of `from`; 0: it is
					 * what the files held */
};

void		rollback_init(struct rollback *b);
void		rollback_fini(struct rollback *b);
/* Before `next` takes the place of what is in force: a copy of that in `was`, empty when there is nothing to keep or it
 * cannot be.  False: next is no other policy, and what is kept stays. */
bool		rollback_save(struct master *m, const struct snapset *next, struct snapset *was);
/* And once it has: this is what is kept from now on; was is empty then. */
void		rollback_kept(struct master *m, struct snapset *was);
/* The policy before as a set of this generation, ready for reload_put_in_force(); of keys there is none in it, so
 * none that ended lives again.  0; E_NOTFOUND: none is kept; E_NOMEM, E_SYS. */
must_check int	rollback_take(struct master *m, uint64_t generation, struct snapset *out);

#endif
