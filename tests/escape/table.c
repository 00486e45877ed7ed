/* SPDX-License-Identifier: Apache-2.0
 *
 * table.c - attempts.def and modes.def as arrays
 *
 * Process: tests; mcpgw-selftest.  Owns: nothing.  Trusts: nobody.
 */
#include <string.h>

#include "sandbox/jail.h"
#include "tests/escape/escape.h"

#define L(layer)	JAIL_LAYER_##layer

const struct escape_row escape_rows[] = {
#define ATTEMPT(attempt, row, runtime, strict, off, layers, landlock, what) { #attempt, what, row,	\
	{ [TIER_RUNTIME] = runtime, [TIER_STRICT] = strict, [TIER_OFF] = off }, layers, landlock },
#include "tests/escape/attempts.def"
#undef ATTEMPT
};
const size_t	escape_row_count = sizeof(escape_rows) / sizeof(escape_rows[0]);

static const struct {
	const char		*name;
	enum escape_mode	 mode;
	enum escape		 want[ESCAPE_TIERS];
	int			 landlock;
} differs[] = {
#define DIFFERS(mode, attempt, runtime, strict, off, landlock) { #attempt, ESCAPE_##mode,	\
	{ [TIER_RUNTIME] = runtime, [TIER_STRICT] = strict, [TIER_OFF] = off }, landlock },
#include "tests/escape/modes.def"
#undef DIFFERS
};

const char *const escape_tiers[] = { [TIER_RUNTIME] = "runtime", [TIER_STRICT] = "strict", [TIER_OFF] = "off" };
const char *const escape_results[] = { [ALLOWED] = "ALLOWED", [LIMITED] = "limited", [DENIED] = "denied",
	[KILLED] = "killed" };
const char *const escape_modes[] = { [ESCAPE_NONE] = "none", [ESCAPE_LOOPBACK] = "loopback",
	[ESCAPE_HOST] = "host", [ESCAPE_REDUCED] = "none" };

enum escape
escape_want(const struct escape_row *row, enum escape_mode mode, enum jail_tier tier, int abi)
{
	for (size_t i = 0; i < sizeof(differs) / sizeof(differs[0]); i++)
		if (differs[i].mode == mode && strcmp(differs[i].name, row->name) == 0 &&
		    (differs[i].landlock == 0 || abi < differs[i].landlock))
			return differs[i].want[tier];
	return row->want[tier];
}

bool
escape_of_net(const struct escape_row *row)
{
	return row->number >= 20 && row->number <= 23;
}

int
escape_parse(const char *said)
{
	for (int r = ALLOWED; r <= KILLED; r++) {
		size_t n = strlen(escape_results[r]);

		if (strncmp(said, escape_results[r], n) == 0 && (said[n] == '\0' || said[n] == ':'))
			return r;
	}
	return -1;
}
