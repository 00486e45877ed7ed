/* SPDX-License-Identifier: Apache-2.0
 *
 * tell.h - what came of attempts, for people and programs: TAP, JSON lines, or a line that counts
 */
#ifndef TESTS_ESCAPE_TELL_H
#define TESTS_ESCAPE_TELL_H

#include "tests/escape/trial.h"

enum tell_how {
	TELL_TAP,
	TELL_JSON,
	TELL_TERMINAL,	/* what is weaker than expected, and how far we are */
};

struct tell {
	enum tell_how	how;
	unsigned	number, total, weaker, stricter;
};

/* What each layer gives on this machine. */
void	tell_machine(struct tell *t, const struct trial *trial, const struct jail_probe_result *probe);
/* Why nothing can be tried. */
void	tell_skip(struct tell *t, const char *why);
/* got: enum escape, or -1 when there was no jail. */
void	tell_one(struct tell *t, const struct escape_row *row, enum escape_mode mode, enum jail_tier tier,
	    enum escape want, int got, const char *said);
/* The plan, the count; answers the exit code. */
int	tell_end(struct tell *t);

#endif
