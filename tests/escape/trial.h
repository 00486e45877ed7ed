/* SPDX-License-Identifier: Apache-2.0
 *
 * trial.h - attempts in jails of their own, straight from sandbox/jail.h
 */
#ifndef TESTS_ESCAPE_TRIAL_H
#define TESTS_ESCAPE_TRIAL_H

#include <limits.h>

#include "policy/compiler/filter.h"
#include "sandbox/jail.h"
#include "tests/escape/escape.h"
#include "tests/escape/planted.h"

#define TRIAL_NETS	(NET_HOST + 1)

struct trial {
	char		folder[64];	/* private; the program and what is planted are in it */
	struct planted	planted;
	struct filter	filters[TIER_STRICT + 1][TRIAL_NETS];
	int		inherited;	/* a descriptor that is not close-on-exec */
};

/* One jail to try in. */
struct trial_jail {
	enum jail_tier	tier;
	enum jail_net	net;
	bool		reduced;	/* without namespaces */
	unsigned	without;	/* enum jail_layer */
	int		landlock_max;	/* as jail_spec.landlock_abi_max */
};

/* Goes on as `uid` and `gid` when root calls it, copies the program `name`, which is beside this one, into a
 * new folder below TMPDIR or /tmp, and plants.  NULL, or what is wrong; static, and nothing is left behind. */
const char	*trial_open(struct trial *t, const char *name, uid_t uid, gid_t gid);
void		 trial_close(struct trial *t);

/* One attempt.  `said` is what it said, or how it ended: "denied:1", "killed:31".  A jail that could not be
 * built is -1, with the reason in `said`. */
int		 trial_run(const struct trial *t, const struct trial_jail *j, const char *attempt, char *said,
		    size_t room);

#endif
