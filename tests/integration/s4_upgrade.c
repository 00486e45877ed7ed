/* SPDX-License-Identifier: Apache-2.0
 *
 * s4_upgrade.c - another master takes the place of the one that runs, under load, and nobody notices
 *
 * UPGRADES=20 makes it as many; without, a few.
 */
#include <signal.h>
#include <sys/stat.h>

#include "tests/harness/steady.h"
#include "tests/integration/common.h"

#define RULES "{\"agents\":{\"a\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"*\"]}}}}}"

static unsigned
how_many(const char *variable, unsigned otherwise)
{
	const char	*text = getenv(variable);

	return text == NULL ? otherwise : (unsigned)strtoul(text, NULL, 10);
}

static void
load_on(struct steady *s, const struct gateway *g)
{
	const char	*key = gateway_key(g, "a");

	steady_init(s);
	for (int i = 0; i < 4; i++)
		steady_add(s, STEADY_KEEPS, g->mcp, "/servers/clock/mcp", key, "add", 1500);
	for (int i = 0; i < 3; i++)
		steady_add(s, STEADY_SHORT, g->mcp, "/servers/clock/mcp", key, "add", 4000);
	steady_add(s, STEADY_KEEPS, g->local, "/servers/clock/mcp", key, "add", 10000);
	/* These are found idle by everything that happens. */
	for (int i = 0; i < 3; i++)
		steady_add(s, STEADY_KEEPS, g->mcp, "/servers/clock/mcp", key, "add", 200000);
	for (int i = 0; i < 2; i++)
		steady_add(s, STEADY_LEGACY, g->mcp, "/servers/clock/mcp", key, "add", 20000);
}

static long
pid_in_file(const struct gateway *g)
{
	char	path[300], text[32] = "";
	FILE	*f;

	snprintf(path, sizeof(path), "%s/run/pid", g->dir);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	(void)!fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	return strtol(text, NULL, 10);
}

struct settled {
	const struct gateway	*g;
	char			*said;
};

static bool
no_old_ones(void *arg)
{
	struct settled	*s = arg;
	bool		 settled;

	free(s->said);
	if (gateway_ctl(s->g, &s->said, true, "upgrade", "--status", NULL) != 0)
		return false;
	settled = strstr(s->said, " 0 old ones left") != NULL;
	return settled;
}

Test(upgrade, fails_no_request_of_clients_that_never_retry, .timeout = 300)
{
	const unsigned	 upgrades = how_many("UPGRADES", 3);
	struct gateway	 g;
	struct steady	 s;
	struct settled	 settled = { &g, NULL };
	char		*out;
	long		 before, now;
	json_object	*records;
	unsigned	 well;
	int		 r;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = RULES,
	    .conf = "drain_timeout = 20s\n" });
	load_on(&s, &g);
	steady_start(&s);
	sleep_ms(300);
	for (unsigned i = 0; i < upgrades; i++) {
		well = s.well;
		before = pid_in_file(&g);
		r = gateway_ctl(&g, &out, true, "upgrade", NULL);
		cr_assert(r == 0, "upgrade %u: exit %d: %s", i, r, out);
		cr_expect(strstr(out, "Workers handed over in ") != NULL, "%s", out);
		free(out);
		now = pid_in_file(&g);
		cr_expect(now != before && now != g.pid, "pid %ld, then %ld", before, now);
		sleep_ms(300);
		cr_expect(s.well > well, "nobody is served after upgrade %u", i);
	}
	cr_expect(wait_until(no_old_ones, &settled, 25000), "%s", settled.said);
	steady_end(&s);
	cr_expect(steady_failed(&s) == 0);
	cr_expect(s.well > 300 * upgrades, "too little was seen: %u", s.well);
	/* Each answered call has its record, whoever wrote and imported it, and there is one of each. */
	records = gateway_audit(&g);
	cr_expect(audit_count(records, "outcome", "ok") >= s.well, "%zu records of %u calls",
	    audit_count(records, "outcome", "ok"), s.well);
	cr_expect(audit_count(records, "outcome", "unknown") == 0);
	json_object_put(records);
	cr_expect(gateway_ctl(&g, &out, true, "audit", "verify", NULL) == 0, "%s", out);
	free(out);
	free(settled.said);
	gateway_stop(&g);
}
