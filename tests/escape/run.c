/* SPDX-License-Identifier: Apache-2.0
 *
 * run.c - mcpgw-selftest: every attempt, in a jail of its own, in each tier and with each net
 *
 * usage: mcpgw-selftest [--json] [--reduced] [--user NAME] [ATTEMPT]
 *
 * --reduced tries jails without namespaces (jail_fallback), even where there are whole ones.
 *
 * TAP, or JSON lines, or on a terminal what is weaker than expected.  Exit 0: all as expected, or nothing can
 * be tried here; 1: something was weaker, or the test itself failed.
 *
 * Process: mcpgw-selftest, started by mcpgwctl or by the tests; as root it goes on as the user NAME, or nobody.
 * Owns:    the jails it starts.
 * Trusts:  the table of attempts.  A result weaker than expected fails; a stricter one is a remark.
 */
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/confine.h"
#include "sandbox/landlock.h"
#include "tests/escape/tell.h"

#define NOBODY		65534
#define ATTEMPT_PROGRAM	"mcpgw-selftest-attempt"

struct order {
	bool		 json, reduced, by_root;
	const char	*user, *only;
};

/* Who is interrupted still removes its folder. */
static volatile sig_atomic_t	interrupted;

static void
on_signal(int number)
{
	interrupted = number;
}

static void
signals_take(void)
{
	static const int	ends[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction	sa = { .sa_handler = on_signal };

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &sa, NULL);
}

static bool
order_take(struct order *o, int argc, char **argv)
{
	*o = (struct order){ .by_root = geteuid() == 0 };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			o->json = true;
		else if (strcmp(argv[i], "--reduced") == 0)
			o->reduced = true;
		else if (strcmp(argv[i], "--user") == 0 && i + 1 < argc)
			o->user = argv[++i];
		else if (argv[i][0] == '-' || o->only != NULL)
			return false;
		else
			o->only = argv[i];
	}
	return true;
}

static bool
is_known(const char *name)
{
	for (size_t i = 0; i < escape_row_count; i++)
		if (strcmp(name, escape_rows[i].name) == 0)
			return true;
	return false;
}

static bool
is_tried(const struct escape_row *row, enum escape_mode mode, const char *only)
{
	return (only == NULL || strcmp(only, row->name) == 0) &&
	    (mode == ESCAPE_NONE || mode == ESCAPE_REDUCED || escape_of_net(row));
}

/* In each tier, in these modes. */
static void
try_all(const struct trial *trial, struct tell *t, const struct order *o, int abi)
{
	static const enum jail_net	nets[] = { [ESCAPE_NONE] = NET_NONE, [ESCAPE_LOOPBACK] = NET_LOOPBACK,
					    [ESCAPE_HOST] = NET_HOST, [ESCAPE_REDUCED] = NET_NONE };
	enum escape_mode		first = o->reduced ? ESCAPE_REDUCED : ESCAPE_NONE,
					last = o->reduced ? ESCAPE_REDUCED : ESCAPE_HOST;
	/* Nobody gets a reduced one without a filter. */
	enum jail_tier			most = o->reduced ? TIER_STRICT : TIER_OFF;
	char				said[ESCAPE_SAID];

	for (enum escape_mode mode = first; mode <= last; mode++)
		for (size_t i = 0; i < escape_row_count; i++)
			t->total += is_tried(&escape_rows[i], mode, o->only) ? (unsigned)most + 1 : 0;
	for (enum escape_mode mode = first; mode <= last; mode++)
		for (enum jail_tier tier = TIER_RUNTIME; tier <= most; tier++)
			for (size_t i = 0; i < escape_row_count; i++) {
				const struct escape_row *row = &escape_rows[i];
				const struct trial_jail jail = { .tier = tier, .net = nets[mode],
				    .reduced = o->reduced };

				if (interrupted == 0 && is_tried(row, mode, o->only))
					tell_one(t, row, mode, tier, escape_want(row, mode, tier, abi),
					    trial_run(trial, &jail, row->name, said, sizeof(said)), said);
			}
}

/* Can they be built here?  A reduced one is tried whether or not a whole one can. */
static bool
probe(const struct order *o, struct jail_probe_result *out)
{
	jail_probe(out);
	if (!o->reduced)
		return probe_may_run(out->result);
	out->landlock_abi = landlock_abi(0);
	out->result = PROBE_REDUCED;
	if (!o->by_root) {
		snprintf(out->line, sizeof(out->line), "reduced jails are for a gateway that root starts: try them "
		    "as root");
		return false;
	}
	snprintf(out->line, sizeof(out->line), out->landlock_abi > 0 ? "reduced, landlock %d" :
	    "none: a reduced one is made of Landlock, which this kernel does not have (%d)", out->landlock_abi);
	return out->landlock_abi > 0;
}

/* The plan, or why there is none. */
static int
run(const struct trial *trial, struct tell *t, const struct order *o)
{
	struct jail_probe_result	found;

	if (!probe(o, &found)) {
		tell_skip(t, found.line);
		return 0;
	}
	tell_machine(t, trial, &found);
	setenv("MCPGW_SECRET", "planted", 1);
	if (confine_process(CONFINE_SPAWNER, NULL, NULL) != 0) {
		printf("Bail out! cannot be confined as the spawner is\n");
		return 1;
	}
	try_all(trial, t, o, found.landlock_abi);
	return interrupted != 0 ? 128 + interrupted : tell_end(t);
}

int
main(int argc, char **argv)
{
	static struct trial	 trial;
	struct tell		 t = { .how = TELL_TAP };
	struct order		 o;
	const struct passwd	*as;
	const char		*fault;
	int			 r;

	if (!order_take(&o, argc, argv)) {
		fprintf(stderr, "usage: mcpgw-selftest [--json] [--reduced] [--user NAME] [ATTEMPT]\n");
		return 64;
	}
	if (o.only != NULL && !is_known(o.only)) {
		fprintf(stderr, "mcpgw-selftest: no such attempt: %s\n", o.only);
		return 64;
	}
	signals_take();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (o.json)
		t.how = TELL_JSON;
	else if (isatty(STDOUT_FILENO))
		t.how = TELL_TERMINAL;
	as = o.user != NULL && geteuid() == 0 ? getpwnam(o.user) : NULL;
	if (as != NULL && as->pw_uid == 0)
		as = NULL;
	fault = trial_open(&trial, ATTEMPT_PROGRAM, as != NULL ? as->pw_uid : NOBODY, as != NULL ? as->pw_gid : NOBODY);
	if (fault != NULL) {
		printf(o.json ? "{\"error\":\"%s\"}\n" : "Bail out! %s\n", fault);
		return 1;
	}
	r = run(&trial, &t, &o);
	trial_close(&trial);
	return r;
}
