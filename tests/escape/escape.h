/* SPDX-License-Identifier: Apache-2.0
 *
 * escape.h - the table of attempts, and what may come of one
 */
#ifndef TESTS_ESCAPE_ESCAPE_H
#define TESTS_ESCAPE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/records.h"

/* Weakest first, as they compare. */
enum escape { ALLOWED, LIMITED, DENIED, KILLED };

#define LIMITED_AT	(-1)
#define ESCAPE_TIERS	(TIER_OFF + 1)
#define ESCAPE_SHM_KEY	0x6d630000	/* and the port */
#define ESCAPE_SAID	96		/* room for what came of one, as text */

/* Ways to be jailed that let other things pass: attempts.def is about ESCAPE_NONE, modes.def about how the
 * others differ. */
enum escape_mode { ESCAPE_NONE, ESCAPE_LOOPBACK, ESCAPE_HOST, ESCAPE_REDUCED, ESCAPE_MODE_LIMIT };

struct escape_row {
	const char	*name, *what;
	int		 number;		/* of the table in the threat model */
	enum escape	 want[ESCAPE_TIERS];
	unsigned	 layers;		/* enum jail_layer: without all of them it is not caught */
	int		 landlock;		/* the ABI from which Landlock is one of them; 0: it is not */
};

extern const struct escape_row	escape_rows[];
extern const size_t		escape_row_count;
extern const char *const	escape_tiers[ESCAPE_TIERS];	/* "runtime"... */
extern const char *const	escape_results[KILLED + 1];	/* "ALLOWED", "limited"... */
extern const char *const	escape_modes[ESCAPE_MODE_LIMIT];	/* their net */

/* What must come of it there, or more, with Landlock of this ABI. */
enum escape	escape_want(const struct escape_row *row, enum escape_mode mode, enum jail_tier tier, int abi);
/* Does what comes of it depend on the net? */
bool		escape_of_net(const struct escape_row *row);
/* What an attempt said, "denied:13", as a result; -1 when it is none. */
int		escape_parse(const char *said);

#endif
