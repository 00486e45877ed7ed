/* SPDX-License-Identifier: Apache-2.0
 *
 * run.c - every attempt, in a jail of its own, in each tier; TAP
 *
 * Process: a test; as root it goes on as an ordinary user.  Owns: the jails it starts.
 * Trusts:  the table of attempts.  A result weaker than expected fails; a stricter one is a remark.
 *
 * usage: run [ATTEMPT]
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fd.h"
#include "policy/compiler/filter.h"
#include "sandbox/confine.h"
#include "sandbox/jail.h"
#include "sandbox/notify.h"
#include "tests/escape/escape.h"

#define NOBODY		65534
#define PATIENCE_MS	20000
#define TMP_BYTES	(16 << 20)

static const struct row {
	const char	*name, *what;
	int		 number;
	enum escape	 want[TIER_OFF + 1];
} rows[] = {
#define ATTEMPT(attempt, row, in_runtime, in_strict, in_off, about) { #attempt, about, row,	\
	{ [TIER_RUNTIME] = in_runtime, [TIER_STRICT] = in_strict, [TIER_OFF] = in_off } },
#include "tests/escape/attempts.def"
#undef ATTEMPT
};
#define ROWS	(sizeof(rows) / sizeof(rows[0]))

static const char *const tiers[] = { [TIER_RUNTIME] = "runtime", [TIER_STRICT] = "strict", [TIER_OFF] = "off" };
static const char *const results[] = { [ALLOWED] = "ALLOWED", [LIMITED] = "limited", [DENIED] = "denied",
	[KILLED] = "killed" };

/* The attempt's program, beside us; copied where an ordinary user can read it. */
static void
program_copy(char *to, size_t room)
{
	char	own[PATH_MAX], from[PATH_MAX + 32], command[2 * PATH_MAX + 64];
	ssize_t	n = readlink("/proc/self/exe", own, sizeof(own) - 1);

	own[n == -1 ? 0 : n] = '\0';
	if (strrchr(own, '/') != NULL)
		*strrchr(own, '/') = '\0';
	snprintf(from, sizeof(from), "%s/attempt", own);
	snprintf(to, room, "/tmp/escape-XXXXXX");
	if (mkdtemp(to) == NULL || chmod(to, 0755) == -1) {
		printf("Bail out! no folder in /tmp: %s\n", strerror(errno));
		exit(1);
	}
	snprintf(command, sizeof(command), "install -m 755 '%s' '%s/attempt'", from, to);
	if (system(command) != 0 || (geteuid() == 0 && chown(to, NOBODY, NOBODY) == -1)) {
		printf("Bail out! %s cannot be copied\n", from);
		exit(1);
	}
}

static void
program_remove(const char *folder)
{
	char	command[PATH_MAX + 16];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		printf("# %s is left\n", folder);
}

/* What one jail said and how it ended. */
static enum escape
outcome(struct jail_child *c, char *said, size_t room)
{
	struct notify_event	e;
	size_t			used = 0;
	ssize_t			n;
	int			status;

	while (c->out != -1) {
		struct pollfd p[] = { { c->out, POLLIN, 0 }, { c->listener, POLLIN, 0 } };

		if (poll(p, 2, PATIENCE_MS) <= 0)
			break;
		if (p[1].revents != 0 && notify_take(c->listener, &e) == E_CLOSED)
			fd_close(&c->listener);
		if (p[0].revents == 0)
			continue;
		if ((n = read(c->out, said + used, room - 1 - used)) <= 0)
			fd_close(&c->out);
		else
			used += (size_t)n;
	}
	/* Let it end by itself: how it ended is the result of some. */
	poll(&(struct pollfd){ c->pidfd, POLLIN, 0 }, 1, PATIENCE_MS);
	said[used] = '\0';
	said[strcspn(said, "\n")] = '\0';
	status = jail_child_kill(c);
	if (strncmp(said, "denied:", 7) == 0)
		return DENIED;
	if (strcmp(said, "limited") == 0)
		return LIMITED;
	if (strcmp(said, "ALLOWED") == 0)
		return ALLOWED;
	if (WIFEXITED(status) && WEXITSTATUS(status) > 128) {
		snprintf(said, room, "killed:%d", WEXITSTATUS(status) - 128);
		return KILLED;
	}
	/* Nothing said and not killed: the attempt became another program. */
	snprintf(said, room, "ALLOWED");
	return ALLOWED;
}

static void
attempt(unsigned number, const struct row *row, enum jail_tier tier, const struct filter *f, const char *folder)
{
	static const char *const	envp[] = { "HOME=/home/tool", "PATH=/usr/bin:/bin", NULL };
	const char *const		argv[] = { "attempt", row->name, NULL };
	const struct jail_bind		view = { folder, "/opt", JAIL_BIND_EXEC };
	struct jail_spec		spec = { .program = "/opt/attempt", .argv = argv, .envp = envp,
					    .state_fd = -1, .binds = &view, .bind_count = 1,
					    .tmp_bytes = TMP_BYTES };
	struct jail_child		c;
	char				said[64];
	enum escape			got;

	if (f->code != NULL) {
		spec.filter = (const struct sock_filter *)(const void *)f->code;
		spec.filter_count = f->count;
		spec.listener = f->listener;
	}
	if (jail_start(&spec, &c) != 0) {
		printf("not ok %u - %s in tier %s # no jail: %s\n", number, row->name, tiers[tier],
		    c.failure.text);
		return;
	}
	got = outcome(&c, said, sizeof(said));
	printf("%s %u - %d %s in tier %s: %s\n", got >= row->want[tier] ? "ok" : "not ok", number, row->number,
	    row->what, tiers[tier], said);
	if (got > row->want[tier])
		printf("# stricter than expected (%s)\n", results[row->want[tier]]);
}

/* Something to reach, in the host's network namespace. */
static void
listen_abstract(void)
{
	struct sockaddr_un	at = { .sun_family = AF_UNIX };
	int			fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(at.sun_path + 1, "mcpgw-escape", 12);
	if (fd == -1 || bind(fd, (void *)&at, (socklen_t)(sizeof(sa_family_t) + 13)) == -1 || listen(fd, 8) == -1)
		printf("# nobody listens on the abstract socket: %s\n", strerror(errno));
}

int
main(int argc, char **argv)
{
	struct jail_probe_result	probe;
	struct filter			filters[TIER_OFF + 1] = { 0 };
	char				folder[PATH_MAX];
	unsigned			number = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	program_copy(folder, sizeof(folder));
	if (geteuid() == 0 && confine_become(NOBODY, NOBODY) != 0) {
		printf("1..0 # SKIP cannot become an ordinary user\n");
		program_remove(folder);
		return 0;
	}
	jail_probe(&probe);
	if (!probe_may_run(probe.result)) {
		printf("1..0 # SKIP %s\n", probe.line);
		program_remove(folder);
		return 0;
	}
	printf("# jail: %s\n", probe.line);
	setenv("MCPGW_SECRET", "planted", 1);
	listen_abstract();
	for (int tier = TIER_RUNTIME; tier <= TIER_STRICT; tier++)
		if (filter_make((enum jail_tier)tier, NET_NONE, &filters[tier]) != 0) {
			printf("Bail out! no filter for tier %s\n", tiers[tier]);
			return 1;
		}
	if (confine_process(CONFINE_SPAWNER, NULL, NULL) != 0) {
		printf("Bail out! cannot be confined as the spawner is\n");
		return 1;
	}
	for (int tier = TIER_RUNTIME; tier <= TIER_OFF; tier++) {
		for (size_t i = 0; i < ROWS; i++)
			if (argc < 2 || strcmp(argv[1], rows[i].name) == 0)
				attempt(++number, &rows[i], (enum jail_tier)tier, &filters[tier], folder);
		filter_fini(&filters[tier]);
	}
	printf("1..%u\n", number);
	program_remove(folder);
	return 0;
}
