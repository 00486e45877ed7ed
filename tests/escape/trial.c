/* SPDX-License-Identifier: Apache-2.0
 *
 * trial.c - attempts in jails of their own, straight from sandbox/jail.h
 *
 * Process: a tester, or mcpgw-selftest; never root when a jail is built.
 * Owns:    its folder, the jails it starts.  Trusts: nothing that comes out of a jail.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/confine.h"
#include "sandbox/notify.h"
#include "tests/escape/trial.h"

#define PATIENCE_MS	20000
#define START_MS	60000	/* a kernel that takes down hundreds of networks is slow to make another */
#define TMP_BYTES	(16 << 20)
#define DATA_BYTES	(256 << 20)
#define PLACE		"/opt"			/* of the program, in a jail */

/* ---- the folder ---------------------------------------------------------------------------------- */

static int
program_open(const char *name)
{
	char	path[PATH_MAX];
	ssize_t	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char	*slash;

	path[n == -1 ? 0 : n] = '\0';
	if ((slash = strrchr(path, '/')) == NULL ||
	    (size_t)snprintf(slash + 1, sizeof(path) - (size_t)(slash + 1 - path), "%s", name) >=
	    sizeof(path) - (size_t)(slash + 1 - path))
		return -1;
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* As root we could read what an ordinary user cannot reach: its copy is theirs. */
static const char *
program_copy(int from, const char *folder)
{
	static char	block[1 << 16];
	char		path[128];
	ssize_t		n;
	int		to, r = 0;

	snprintf(path, sizeof(path), "%s/bin", folder);
	if (mkdir(path, 0700) == -1)
		return "no folder can be made";
	snprintf(path, sizeof(path), "%s/bin/spare", folder);
	if ((to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) == -1)
		return "no file can be written";
	fd_close(&to);
	snprintf(path, sizeof(path), "%s/bin/attempt", folder);
	if ((to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700)) == -1)
		return "no program can be written";
	while (r == 0 && (n = read(from, block, sizeof(block))) != 0)
		r = n == -1 ? E_SYS : fd_write_all(to, span_make(block, (size_t)n));
	return close(to) == -1 || r != 0 ? "the program of the attempts cannot be copied" : NULL;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	remove(path);
	return 0;
}

static void
filters_drop(struct trial *t)
{
	for (int tier = TIER_RUNTIME; tier <= TIER_STRICT; tier++)
		for (int net = NET_NONE; net < TRIAL_NETS; net++)
			filter_fini(&t->filters[tier][net]);
}

static const char *
filters_make(struct trial *t)
{
	for (int tier = TIER_RUNTIME; tier <= TIER_STRICT; tier++)
		for (int net = NET_NONE; net < TRIAL_NETS; net++)
			if (filter_make((enum jail_tier)tier, (enum jail_net)net, &t->filters[tier][net]) != 0)
				return "no system call filter can be made";
	return NULL;
}

/* So that what is held is held by the jail. */
static void
limits_raise(void)
{
	static const int	raised[] = { RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_NPROC, RLIMIT_FSIZE };

	for (size_t i = 0; i < sizeof(raised) / sizeof(raised[0]); i++) {
		struct rlimit l;

		if (getrlimit((__rlimit_resource_t)raised[i], &l) == -1)
			continue;
		l.rlim_cur = l.rlim_max;
		if (raised[i] == RLIMIT_MEMLOCK && geteuid() == 0)
			l.rlim_cur = l.rlim_max = RLIM_INFINITY;
		(void)!setrlimit((__rlimit_resource_t)raised[i], &l);
	}
}

/* A session keyring of our own, with a key in it; where the kernel has none, there is nothing to find. */
static void
keyring_plant(void)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) != -1)
		syscall(SYS_add_key, "user", "mcpgw-escape", "x", 1, KEY_SPEC_SESSION_KEYRING);
}

const char *
trial_open(struct trial *t, const char *name, uid_t uid, gid_t gid)
{
	const char	*tmp = getenv("TMPDIR"), *fault;
	int		 program = program_open(name);

	*t = (struct trial){ .planted = { .pid = -1, .lifeline = -1 }, .inherited = -1 };
	if (program == -1)
		return "the program of the attempts is not beside this one";
	limits_raise();
	if ((geteuid() == 0 && confine_become(uid, gid) != 0) || geteuid() == 0) {
		fd_close(&program);
		return "cannot become an ordinary user";
	}
	keyring_plant();
	if (snprintf(t->folder, sizeof(t->folder), "%s/mcpgw-escape-XXXXXX", tmp != NULL ? tmp : "/tmp") >=
	    (int)sizeof(t->folder) || mkdtemp(t->folder) == NULL) {
		fd_close(&program);
		t->folder[0] = '\0';
		return "no folder can be made below TMPDIR, or /tmp";
	}
	if ((fault = program_copy(program, t->folder)) == NULL && (fault = filters_make(t)) == NULL)
		fault = planted_start(&t->planted, t->folder);
	fd_close(&program);
	if (fault != NULL)
		trial_close(t);
	else
		t->inherited = open("/dev/null", O_RDONLY);	/* on purpose without close-on-exec */
	return fault;
}

void
trial_close(struct trial *t)
{
	planted_stop(&t->planted);
	filters_drop(t);
	fd_close(&t->inherited);
	if (t->folder[0] != '\0')
		nftw(t->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	t->folder[0] = '\0';
}

/* ---- one jail ------------------------------------------------------------------------------------ */

/* What it said, until its stdout ends. */
static void
hear(struct jail_child *c, char *said, size_t room)
{
	struct notify_event	e;
	size_t			used = 0;
	ssize_t			n;

	while (c->out != -1) {
		struct pollfd p[] = { { c->out, POLLIN, 0 }, { c->listener, POLLIN, 0 } };

		if (poll(p, 2, PATIENCE_MS) <= 0)
			break;
		if (p[1].revents != 0 && notify_take(c->listener, &e) == E_CLOSED)
			fd_close(&c->listener);
		if (p[0].revents == 0)
			continue;
		if (used == room - 1 || (n = read(c->out, said + used, room - 1 - used)) <= 0)
			fd_close(&c->out);
		else
			used += (size_t)n;
	}
	said[used] = '\0';
	said[strcspn(said, "\n")] = '\0';
}

static int
outcome(struct jail_child *c, char *said, size_t room)
{
	int	status, r;

	hear(c, said, room);
	/* Let it end by itself: how it ended is the result of some. */
	poll(&(struct pollfd){ c->pidfd, POLLIN, 0 }, 1, PATIENCE_MS);
	status = jail_child_kill(c);
	if ((r = escape_parse(said)) != -1 && r != KILLED)
		return r;
	if (WIFEXITED(status) && WEXITSTATUS(status) > 128 && WEXITSTATUS(status) != 128 + SIGALRM) {
		snprintf(said, room, "killed:%d", WEXITSTATUS(status) - 128);
		return KILLED;
	}
	/* Nothing said in time, or something else: whatever it is doing, nobody stopped it. */
	snprintf(said, room, "ALLOWED: no word, status %d", status);
	return ALLOWED;
}

/* Where its own things are, in a jail or on the host. */
struct places {
	char	bin[80], data[80], home[80], tmp[80], program[96], home_is[96], tmp_is[96];
};

static void
places_find(const struct trial *t, bool on_host, struct places *p)
{
	snprintf(p->bin, sizeof(p->bin), "%s/bin", t->folder);
	snprintf(p->data, sizeof(p->data), "%s/data", t->folder);
	snprintf(p->home, sizeof(p->home), "%s/home", t->folder);
	snprintf(p->tmp, sizeof(p->tmp), "%s/tmp", t->folder);
	if (on_host) {
		snprintf(p->program, sizeof(p->program), "%s/attempt", p->bin);
		snprintf(p->home_is, sizeof(p->home_is), "HOME=%s", p->home);
		snprintf(p->tmp_is, sizeof(p->tmp_is), "TMPDIR=%s", p->tmp);
	} else {
		snprintf(p->program, sizeof(p->program), PLACE "/attempt");
		snprintf(p->home_is, sizeof(p->home_is), "HOME=" JAIL_HOME);
		snprintf(p->tmp_is, sizeof(p->tmp_is), "TMPDIR=/tmp");
	}
}

int
trial_run(const struct trial *t, const struct trial_jail *j, const char *attempt, char *said, size_t room)
{
	static const enum jail_network	nets[] = { [NET_NONE] = JAIL_NET_NONE,
					    [NET_LOOPBACK] = JAIL_NET_LOOPBACK, [NET_HOST] = JAIL_NET_HOST };
	static const struct jail_rlimit	memory = { RLIMIT_DATA, DATA_BYTES };
	struct places			p;
	char				port[8];
	const char *const		argv[] = { "attempt", attempt, t->folder, port, t->planted.address, NULL };
	const char *const		envp[] = { p.home_is, p.tmp_is, "PATH=/usr/bin:/bin", NULL };
	const struct jail_bind		view[] = { { p.bin, j->reduced ? p.bin : PLACE, JAIL_BIND_EXEC },
					    { p.data, j->reduced ? p.data : "/data", 0 } };
	struct jail_spec		spec = { .program = p.program, .argv = argv, .envp = envp, .workdir = "/",
					    .state_fd = -1, .binds = view, .bind_count = 2, .rlimits = &memory,
					    .rlimit_count = 1, .net = nets[j->net], .tmp_bytes = TMP_BYTES,
					    .start_ms = START_MS, .landlock_abi_max = j->landlock_max, .without = j->without };
	struct jail_child		c;

	places_find(t, j->reduced || (j->without & JAIL_LAYER_ROOT) != 0, &p);
	snprintf(port, sizeof(port), "%u", t->planted.port);
	if (j->reduced) {
		spec.reduced = true;
		spec.home = p.home;
		spec.tmp = p.tmp;
	}
	if (j->tier != TIER_OFF) {
		const struct filter *f = &t->filters[j->tier][j->net];

		spec.filter = (const struct sock_filter *)(const void *)f->code;
		spec.filter_count = f->count;
		spec.listener = f->listener;
	}
	if (jail_start(&spec, &c) != 0) {
		snprintf(said, room, "no jail: %s", c.failure.text);
		return -1;
	}
	return outcome(&c, said, room);
}
