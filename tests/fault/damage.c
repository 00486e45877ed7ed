/* SPDX-License-Identifier: Apache-2.0
 *
 * damage.c - F10: the stores' files are damaged, at rest and under a gateway that runs
 *
 * A start refuses with a message, or what it serves is right: nobody may do what he might not do before.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fault/stores.h"
#include "tests/integration/common.h"

#define KEYS		24
#define CALLS		300
#define FLIPS		12		/* runs of each store with bytes flipped; FLIPS=n in the environment: other many */
#define PAGE		4096
#define SIGNER_ROW	"signer:"	/* the key of such a row is this and so many characters */
#define SIGNER_KID	12

struct damaging {
	struct gateway	*g;
	char		 path[512];	/* the data file */
	uint64_t	 random;
	unsigned	 served, refused, signals;	/* starts; ends by a signal */
};

static unsigned
next_random(uint64_t *state, unsigned n)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((*state >> 33) % n);
}

/* --- how ---------------------------------------------------------------------------------------- */

static void
overwrite(struct damaging *d, off_t at, const void *bytes, size_t n)
{
	int	fd = open(d->path, O_WRONLY | O_CLOEXEC);

	cr_assert(fd != -1 && pwrite(fd, bytes, n, at) == (ssize_t)n);
	close(fd);
}

static void
flip(struct damaging *d)
{
	const off_t	size = stores_bytes(d->path);
	unsigned char	byte;
	int		fd = open(d->path, O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 40; i++) {
		off_t at = (off_t)next_random(&d->random, (unsigned)size);

		cr_assert(pread(fd, &byte, 1, at) == 1);
		byte ^= (unsigned char)(1 << next_random(&d->random, 8));
		cr_assert(pwrite(fd, &byte, 1, at) == 1);
	}
	close(fd);
}

static void
be_empty(struct damaging *d)
{
	cr_assert(truncate(d->path, 0) == 0);
}

static void
be_half(struct damaging *d)
{
	cr_assert(truncate(d->path, stores_bytes(d->path) / 2 / PAGE * PAGE) == 0);
}

static void
be_short(struct damaging *d)
{
	cr_assert(truncate(d->path, stores_bytes(d->path) - 100) == 0);
}

static void
be_zero(struct damaging *d)
{
	static const char	zero[PAGE];

	for (off_t at = 0; at + PAGE <= stores_bytes(d->path); at += PAGE)
		overwrite(d, at, zero, PAGE);
}

/* The two pages that say where everything is. */
static void
lose_the_beginning(struct damaging *d)
{
	static const char	noise[2 * PAGE] = "\x01\x02\x03";

	overwrite(d, 0, noise, sizeof(noise));
}

/* LMDB's version stands behind its magic number, which follows the head of 16 bytes of each of the two pages. */
static void
be_of_another_version(struct damaging *d)
{
	static const uint32_t	version = 7;

	overwrite(d, 16 + 4, &version, 4);
	overwrite(d, PAGE + 16 + 4, &version, 4);
}

static void
be_noise(struct damaging *d)
{
	char	noise[PAGE];

	for (off_t at = 2 * PAGE; at + PAGE <= stores_bytes(d->path); at += PAGE) {
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (char)next_random(&d->random, 256);
		overwrite(d, at, noise, sizeof(noise));
	}
}

static const struct {
	const char	*what;
	void		(*fn)(struct damaging *d);
	unsigned	 times;
	bool		 must_refuse;
} damages[] = {
	{ "cut in half",		be_half,		1,	true },
	{ "a hundred bytes short",	be_short,		1,	false },
	{ "all zero",			be_zero,		1,	true },
	{ "without a beginning",	lose_the_beginning,	1,	true },
	{ "of another version",		be_of_another_version,	1,	true },
	{ "noise",			be_noise,		1,	true },
	{ "empty",			be_empty,		1,	false },	/* as at the first start */
	{ "with flipped bits",		flip,			FLIPS,	false },
};

/* --- what then ---------------------------------------------------------------------------------- */

/* Whoever reads the file is named, or its folder is.  LMDB trusts its pages, so what the look at a start did not see may
 * end its reader by a signal: that process alone, and whatever it is asked then fails. */
static void
expect_log(struct damaging *d, size_t from, bool refused, const char *folder, const char *what)
{
	const struct gateway	*g = d->g;
	const char	*reader_of = strncmp(folder, "audit", 5) == 0 ? "mcpgw-audit" : "mcpgw-store", *line;
	char		*log = gateway_log(g);

	if (refused)
		cr_expect(strstr(log + from, folder) != NULL || strstr(log + from, reader_of) != NULL,
		    "%s: the log names neither %s nor %s: %s", what, folder, reader_of, log + from);
	for (const char *at = log + from; (at = strstr(at, "killed by signal")) != NULL; at++) {
		for (line = at; line > log && line[-1] != '\n'; line--)
			;
		cr_expect(memmem(line, (size_t)(at - line), reader_of, strlen(reader_of)) != NULL, "%s: %.200s", what, line);
		d->signals++;
	}
	free(log);
}

static void
damage_one(struct damaging *d, size_t i, const char *folder)
{
	struct gateway	*g = d->g;
	size_t		 from;
	char		 what[128];

	snprintf(what, sizeof(what), "%s, %s (random %llx)", folder, damages[i].what, (unsigned long long)d->random);
	stores_put_back(g);
	from = gateway_log_bytes(g);
	damages[i].fn(d);
	if (gateway_try_start(g)) {
		cr_expect(!damages[i].must_refuse, "%s: it serves", what);
		stores_expect_no_more(g, what);
		expect_log(d, from, false, folder, what);
		d->served++;
		gateway_stop_keep(g);
		return;
	}
	cr_expect(g->pid == 0, "%s: it neither serves nor ends", what);
	cr_expect(g->pid != 0 || (WIFEXITED(g->status) && WEXITSTATUS(g->status) != 0), "%s: status %#x", what, g->status);
	expect_log(d, from, true, folder, what);
	d->refused++;
	if (g->pid != 0) {
		kill(g->pid, SIGKILL);
		waitpid(g->pid, NULL, 0);
		g->pid = 0;
	}
}

static void
make_state(struct gateway *g)
{
	struct mcp	m;
	struct answer	a;

	stores_begin(g, NULL);
	for (int i = 0; i < KEYS; i++)
		(void)gateway_key(g, i % 2 == 0 ? "reader" : "writer");
	mcp_init(&m, g->mcp, "/servers/notes/mcp", stores_writer);
	for (int i = 0; i < CALLS; i++) {
		mcp_call(&m, i % 3 == 0 ? "drop_all" : "list_notes", "{}", &a);
		answer_fini(&a);
	}
	mcp_fini(&m);
	gateway_stop_keep(g);
	stores_keep(g);
}

static void
damage_all(const char *folder)
{
	struct gateway	g;
	struct damaging	d = { .g = &g, .random = 20261130 };
	const char	*flips = getenv("FLIPS");
	unsigned	 times;

	make_state(&g);
	snprintf(d.path, sizeof(d.path), "%s/state/%s/data.mdb", g.dir, folder);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		times = damages[i].fn == flip && flips != NULL ? (unsigned)strtoul(flips, NULL, 10) : damages[i].times;
		for (unsigned n = 0; n < times; n++)
			damage_one(&d, i, folder);
	}
	cr_log_info("%s: %u starts served, %u refused, %u ends by a signal", folder, d.served, d.refused, d.signals);
	cr_expect(d.signals == 0, "the look at a start did not see what ends its reader");
	stores_put_back(&g);
	gateway_start_again(&g);
	cr_expect(stores_call(&g, stores_writer, "list_notes"), "whole again, and it does not serve");
	gateway_stop(&g);
}

Test(damage, to_the_store_at_rest_is_refused_or_gives_nobody_more, .timeout = 240)
{
	NEEDS_JAILS();
	damage_all("store");
}

Test(damage, to_the_audit_at_rest_is_refused_or_gives_nobody_more, .timeout = 240)
{
	NEEDS_JAILS();
	damage_all("audit/db");
}

/* --- while it runs ------------------------------------------------------------------------------ */

static void
copy_file(const char *from, const char *to)
{
	char	command[1200];

	/* Into the file that is there: whoever has it open sees it. */
	snprintf(command, sizeof(command), "cat '%s' >'%s'", from, to);
	cr_assert(system(command) == 0, "%s", command);
}

/* Writes noise over what a stopped writer has, and ends that, so that the next one finds it. */
static void
damage_under(struct damaging *d, const char *program, const char *copy)
{
	pid_t	pid = stores_pid(d->g, program);

	cr_assert(pid > 0 && kill(pid, SIGSTOP) == 0);
	copy_file(d->path, copy);
	be_noise(d);
	cr_assert(kill(pid, SIGKILL) == 0);
}

Test(damage, to_the_store_of_a_running_gateway_stops_no_call, .timeout = 120)
{
	struct gateway	 g;
	struct damaging	 d = { .g = &g, .random = 7 };
	char		 copy[512], *out;
	int		 code;

	NEEDS_JAILS();
	stores_begin(&g, NULL);
	snprintf(d.path, sizeof(d.path), "%s/state/store/data.mdb", g.dir);
	snprintf(copy, sizeof(copy), "%s/copy", g.dir);
	damage_under(&d, "mcpgw-store", copy);
	for (int i = 0; i < 20; i++) {
		cr_expect(stores_call(&g, stores_writer, "list_notes"), "call %d after the damage", i);
		sleep_ms(50);
	}
	stores_expect_no_more(&g, "a damaged store");
	code = gateway_ctl(&g, &out, true, "key", "add", "--agent", "reader", NULL);
	cr_expect(code != 0 && out[0] != '\0', "key add: exit %d: %s", code, out);
	free(out);
	code = gateway_ctl(&g, &out, true, "reload", NULL);
	cr_expect(code == 0, "a reload needs no store: exit %d: %s", code, out);
	free(out);
	cr_expect(stores_call(&g, stores_writer, "list_notes"), "after a reload");
	copy_file(copy, d.path);
	cr_expect(wait_until(stores_take_keys, &g, 65000), "the store is whole again, and does not come back");
	gateway_stop(&g);
}

/* The row of a signer of tokens (store/tokendb.c) is none any more, in a store that LMDB has nothing against.  What is on
 * disk is what is in memory. */
static void
damage_row(struct damaging *d)
{
	static const char	 prefix[] = SIGNER_ROW;
	const size_t		 n = (size_t)stores_bytes(d->path);
	char			*all = malloc(n), *at = all + 2 * PAGE;
	int			 fd = open(d->path, O_RDONLY | O_CLOEXEC), found = 0;

	cr_assert(fd != -1 && read(fd, all, n) == (ssize_t)n);
	close(fd);
	for (; (at = memmem(at, n - (size_t)(at - all), prefix, strlen(prefix))) != NULL; at++, found++)
		overwrite(d, at - all + (off_t)strlen(prefix) + SIGNER_KID, "\x77", 1);
	cr_assert(found > 0, "no signer in %s", d->path);
	free(all);
}

Test(damage, to_a_row_of_the_store_does_not_hold_who_changes_keys, .timeout = 60)
{
	struct gateway	 g;
	struct damaging	 d = { .g = &g };
	char		*out;
	int		 code;

	NEEDS_JAILS();
	stores_begin(&g, NULL);
	snprintf(d.path, sizeof(d.path), "%s/state/store/data.mdb", g.dir);
	cr_assert(gateway_ctl(&g, NULL, true, "token", "--agent", "writer", NULL) == 0);
	damage_row(&d);
	/* A key is added, and then all that proves who somebody is must be read. */
	code = gateway_ctl(&g, &out, true, "key", "add", "--agent", "reader", NULL);
	cr_expect(code != 0 && strstr(out, "damaged") != NULL, "key add: exit %d: %s", code, out);
	free(out);
	code = gateway_ctl(&g, &out, true, "reload", NULL);
	cr_expect(code == 0, "reload: exit %d: %s", code, out);
	free(out);
	cr_expect(stores_call(&g, stores_writer, "list_notes"), "after the damage");
	stores_expect_no_more(&g, "a damaged row");
	gateway_stop_keep(&g);
	cr_expect(!gateway_try_start(&g) && g.pid == 0 && WIFEXITED(g.status), "it starts with a damaged row: %#x", g.status);
	gateway_remove(&g);
}

Test(damage, to_the_audit_of_a_running_gateway_loses_no_record, .timeout = 120)
{
	struct gateway	 g;
	struct damaging	 d = { .g = &g, .random = 7 };
	struct stores_records w = { .g = &g, .count = 1 };
	char		 copy[512], *out;

	NEEDS_JAILS();
	stores_begin(&g, NULL);
	snprintf(d.path, sizeof(d.path), "%s/state/audit/db/data.mdb", g.dir);
	snprintf(copy, sizeof(copy), "%s/copy", g.dir);
	for (int i = 0; i < 100; i++) {
		if (i == 30)
			damage_under(&d, "mcpgw-audit", copy);
		cr_expect(stores_call(&g, stores_writer, "list_notes"), "call %d", i);
		w.count++;
		sleep_ms(10);
	}
	cr_expect(gateway_ctl(&g, &out, true, "status", NULL) != 127 && strstr(out, "audit") != NULL, "%s", out);
	free(out);
	copy_file(copy, d.path);
	cr_expect(wait_until(stores_recorded, &w, 65000), "the audit is whole again, and not all calls are in it");
	gateway_stop(&g);
}
