/* SPDX-License-Identifier: Apache-2.0
 *
 * run.c - every attempt, in a jail of its own, in each tier and with each net; TAP
 *
 * Process: a test; as root it goes on as an ordinary user.  Owns: the jails it starts.
 * Trusts:  the table of attempts.  A result weaker than expected fails; a stricter one is a remark.
 *
 * usage: run [ATTEMPT]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/confine.h"
#include "tests/escape/trial.h"

#define NOBODY	65534

static void
attempt(const struct trial *t, unsigned number, const struct escape_row *row, enum escape_mode mode,
    enum jail_tier tier, int abi)
{
	static const enum jail_net	nets[] = { [ESCAPE_NONE] = NET_NONE, [ESCAPE_LOOPBACK] = NET_LOOPBACK,
					    [ESCAPE_HOST] = NET_HOST };
	const struct trial_jail		jail = { .tier = tier, .net = nets[mode] };
	enum escape			want = escape_want(row, mode, tier, abi);
	char				said[ESCAPE_SAID];
	int				got = trial_run(t, &jail, row->name, said, sizeof(said));

	printf("%s %u - %d %s in tier %s, net %s: %s\n", got >= (int)want ? "ok" : "not ok", number, row->number,
	    row->what, escape_tiers[tier], escape_modes[mode], said);
	if (got > (int)want)
		printf("# stricter than expected (%s)\n", escape_results[want]);
	else if (got < (int)want)
		printf("# expected: %s\n", escape_results[want]);
}

int
main(int argc, char **argv)
{
	static struct trial		t;
	struct jail_probe_result	probe;
	const char			*fault = trial_open(&t, "attempt", NOBODY, NOBODY);
	unsigned			number = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (fault != NULL) {
		printf("Bail out! %s\n", fault);
		return 1;
	}
	jail_probe(&probe);
	if (!probe_may_run(probe.result)) {
		printf("1..0 # SKIP %s\n", probe.line);
		trial_close(&t);
		return 0;
	}
	printf("# jail: %s\n", probe.line);
	setenv("MCPGW_SECRET", "planted", 1);
	if (confine_process(CONFINE_SPAWNER, NULL, NULL) != 0) {
		printf("Bail out! cannot be confined as the spawner is\n");
		return 1;
	}
	for (int mode = ESCAPE_NONE; mode <= ESCAPE_HOST; mode++)
		for (int tier = TIER_RUNTIME; tier <= TIER_OFF; tier++)
			for (size_t i = 0; i < escape_row_count; i++) {
				if (argc > 1 && strcmp(argv[1], escape_rows[i].name) != 0)
					continue;
				if (mode != ESCAPE_NONE && !escape_of_net(&escape_rows[i]))
					continue;
				attempt(&t, ++number, &escape_rows[i], (enum escape_mode)mode, (enum jail_tier)tier,
				    probe.landlock_abi);
			}
	printf("1..%u\n", number);
	trial_close(&t);
	return 0;
}
