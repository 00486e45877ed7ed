/* SPDX-License-Identifier: Apache-2.0
 *
 * layers.c - every attempt with single layers of the jail left out, to see which of them catch it; TAP
 *
 * Process: a test; as root it goes on as an ordinary user.  Owns: the jails it starts.
 * Trusts:  the column `layers` of attempts.def: with all of those left out an attempt is not caught any
 *          more, and with all of them but one it is, whichever that one.
 *
 * usage: layers [ATTEMPT] | layers --find ATTEMPT
 *
 * --find prints the smallest sets without which it is not caught, of at most three layers.
 */
#include <stdio.h>
#include <string.h>

#include "sandbox/landlock.h"
#include "tests/escape/trial.h"

#define NOBODY		65534
#define OLDEST_ABI	2		/* Debian 12's kernel */

static const char *const names[] = { "root", "pid", "net", "ipc", "uts", "cgroup", "rlimits", "close_range",
	"landlock", "caps", "no_new_privs", "seccomp", "init", "keyring" };
#define LAYERS	(sizeof(names) / sizeof(names[0]))

_Static_assert(1 << LAYERS == JAIL_LAYER_LIMIT, "a layer without a name");

static unsigned	number;

static const char *
list(unsigned layers)
{
	static char	text[160];
	size_t		n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < LAYERS; i++)
		if (layers & (1u << i))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n > 0 ? ", " : "", names[i]);
	return text[0] == '\0' ? "nothing" : text;
}

static int
try(const struct trial *t, const struct escape_row *row, unsigned without, int abi, char *said)
{
	const struct trial_jail	jail = { .tier = TIER_RUNTIME, .without = without, .landlock_max = abi };

	return trial_run(t, &jail, row->name, said, ESCAPE_SAID);
}

/* One of them is enough. */
static bool
is_caught(const struct trial *t, const struct escape_row *row, unsigned without, int abi)
{
	char	said[ESCAPE_SAID];

	if (try(t, row, without, abi, said) >= (int)row->want[TIER_RUNTIME])
		return true;
	printf("# %s without %s, landlock %d: %s\n", row->name, list(without), abi, said);
	return false;
}

static void
prove(const struct trial *t, const struct escape_row *row, int abi)
{
	unsigned	cut = row->layers;
	char		said[ESCAPE_SAID] = "";
	bool		well = true;
	int		got;

	if (row->landlock != 0 && row->landlock <= abi)
		cut |= JAIL_LAYER_LANDLOCK;
	for (unsigned i = 0; i < LAYERS; i++) {
		unsigned one = 1u << i;
		/* The kernel loads no filter without it. */
		unsigned gone = one == JAIL_LAYER_NO_NEW_PRIVS ? one | JAIL_LAYER_SECCOMP : one;

		if (cut == 0 || (cut & ~gone) != 0)
			well &= is_caught(t, row, one, abi);
		/* Of two layers the other is all but one, of three it must be asked for. */
		if ((cut & one) != 0 && __builtin_popcount(cut) > 2)
			well &= is_caught(t, row, cut & ~one, abi);
	}
	/* None of them is left. */
	got = cut == 0 ? -1 : try(t, row, cut, abi, said);
	well &= cut == 0 || got != -1;
	printf("%s %u - %d %s is caught by %s, landlock %d%s%s%s\n", well ? "ok" : "not ok", ++number, row->number,
	    row->name, cut == 0 ? "the kernel" : list(cut), abi, *said != '\0' ? "; without: " : "", said,
	    got >= (int)row->want[TIER_RUNTIME] ? " # SKIP something of this machine catches it besides" : "");
}

/* ---- which are they ------------------------------------------------------------------------------ */

static void
find(const struct trial *t, const struct escape_row *row, int abi)
{
	unsigned	found[64];
	size_t		n = 0;
	char		said[ESCAPE_SAID];

	for (int size = 1; size <= 3; size++)
		for (unsigned set = 1; set < JAIL_LAYER_LIMIT; set++) {
			bool covered = false;

			for (size_t i = 0; i < n; i++)
				covered |= (found[i] & set) == found[i];
			if (covered || __builtin_popcount(set) != size || n == 64 ||
			    try(t, row, set, abi, said) >= (int)row->want[TIER_RUNTIME])
				continue;
			found[n++] = set;
			printf("%s, landlock %d: %s: %s\n", row->name, abi, list(set), said);
		}
	if (n == 0)
		printf("%s, landlock %d: no three layers\n", row->name, abi);
}

int
main(int argc, char **argv)
{
	static struct trial		t;
	struct jail_probe_result	probe;
	const char			*fault = trial_open(&t, "mcpgw-selftest-attempt", NOBODY, NOBODY);
	bool				finding = argc == 3 && strcmp(argv[1], "--find") == 0;
	const char			*only = argc > 1 ? argv[argc - 1] : NULL;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (fault != NULL) {
		printf("Bail out! %s\n", fault);
		return 1;
	}
	jail_probe(&probe);
	if (probe.result != PROBE_FULL) {
		printf("1..0 # SKIP not the whole jail here: %s\n", probe.line);
		trial_close(&t);
		return 0;
	}
	for (size_t i = 0; i < escape_row_count; i++) {
		const struct escape_row *row = &escape_rows[i];
		int abi = landlock_abi(0);

		if (only != NULL && strcmp(only, row->name) != 0)
			continue;
		if (finding) {
			find(&t, row, abi);
			continue;
		}
		prove(&t, row, abi);
		/* What newer kernels' Landlock catches is held by others where the kernel is old. */
		if (row->landlock > OLDEST_ABI && abi > OLDEST_ABI)
			prove(&t, row, OLDEST_ABI);
	}
	if (!finding)
		printf("1..%u\n", number);
	trial_close(&t);
	return 0;
}
