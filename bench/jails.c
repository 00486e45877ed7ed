/* SPDX-License-Identifier: Apache-2.0
 *
 * jails.c - bench-jails PROGRAM [ROUNDS [SECONDS]]: what a jail costs, layer by layer, and how many are built in a
 *           second
 *
 * PROGRAM answers one line with one line, as MCP servers over stdio do.  Rounds of all rows are interleaved, medians
 * are printed.  The jails are those of the spawner in tier runtime without a network, built as it builds them, by an
 * ordinary user.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/fd.h"
#include "policy/compiler/filter.h"
#include "sandbox/confine.h"
#include "sandbox/jail.h"
#include "sandbox/ns.h"

#define NOBODY		65534
#define ROUNDS_MAX	1000
#define BUILDERS	4
#define ASK		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n"

static struct filter	 filter;
static const char	*program;
static char		 folder[64] = "/tmp/bench-jails-XXXXXX";

static double
now_ms(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "bench-jails: %s: %s\n", what, strerror(errno));
	exit(71);
}

/* Writes one line and waits for the answer's end. */
static void
ask(int in, int out)
{
	char	room[4096];
	ssize_t	n;

	if (write(in, ASK, sizeof(ASK) - 1) != sizeof(ASK) - 1)
		die("the program does not read");
	do {
		if ((n = read(out, room, sizeof(room))) <= 0)
			die("the program does not answer");
	} while (room[n - 1] != '\n');
}

/* ---- what is measured: each answers how long the first answer took, or the process lived ---------------- */

static double
bare(const char *path, bool answers)
{
	double	begin = now_ms(), took;
	int	in[2], out[2];
	pid_t	pid;

	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		die("fork");
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	if (answers)
		ask(in[1], out[0]);
	else
		waitpid(pid, NULL, 0);
	took = now_ms() - begin;
	close(in[1]);
	close(out[0]);
	if (answers)
		waitpid(pid, NULL, 0);
	return took;
}

enum { FULL = 0, NO_FILTER = 1, NO_LANDLOCK = 2, HOST_NET = 4 };

static double
jailed(const char *path, bool answers, unsigned without)
{
	static const char *const env[] = { "HOME=" JAIL_HOME, "PATH=/usr/bin:/bin", "LANG=C", NULL };
	const char *const	 argv[] = { path, NULL };
	const struct jail_bind	 view = { folder, folder, JAIL_BIND_EXEC };
	struct jail_spec	 spec = { .program = path, .argv = argv, .envp = env, .state_fd = -1, .binds = &view,
				    .bind_count = 1, .tmp_bytes = 4 << 20,
				    .net = without & HOST_NET ? JAIL_NET_HOST : JAIL_NET_NONE,
				    .landlock_abi_max = without & NO_LANDLOCK ? -1 : 0 };
	struct jail_child	 c;
	double			 begin = now_ms(), took;

	if ((without & NO_FILTER) == 0) {
		spec.filter = (const struct sock_filter *)(const void *)filter.code;
		spec.filter_count = filter.count;
		spec.listener = filter.listener;
	}
	if (jail_start(&spec, &c) != 0) {
		fprintf(stderr, "bench-jails: %s\n", c.failure.text);
		exit(71);
	}
	if (answers)
		ask(c.in, c.out);
	else
		waitpid(c.pid, NULL, 0);
	took = now_ms() - begin;
	if (!answers)
		c.pid = -1;
	jail_child_kill(&c);
	return took;
}

/* A process of new namespaces that ends at once. */
static double
cloned(unsigned long flags)
{
	double	begin = now_ms();
	pid_t	pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == -1)
		die("clone");
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return now_ms() - begin;
}

/* ---- rows ---------------------------------------------------------------------------------------------------- */

enum kind { BARE, JAILED, CLONED };

static const struct row {
	const char	*text;
	enum kind	 kind;
	unsigned long	 arg;		/* of JAILED what it is without, of CLONED the namespaces */
	int		 beside;	/* the row that it is compared with; -1: none */
} rows[] = {
	{ "fork, exec, first answer", BARE, 0, -1 },
	{ "jail, first answer", JAILED, FULL, 0 },
	{ "jail without its filter", JAILED, NO_FILTER, 1 },
	{ "jail without Landlock", JAILED, NO_LANDLOCK, 1 },
	{ "jail on the host's network", JAILED, HOST_NET, 1 },
	{ "fork alone", CLONED, 0, -1 },
	{ "fork, user namespace", CLONED, CLONE_NEWUSER, 5 },
	{ "the same, mounts", CLONED, CLONE_NEWUSER | CLONE_NEWNS, 6 },
	{ "the same, processes", CLONED, CLONE_NEWUSER | CLONE_NEWPID, 6 },
	{ "the same, network", CLONED, CLONE_NEWUSER | CLONE_NEWNET, 6 },
	{ "the same, IPC, host name, cgroups", CLONED,
	    CLONE_NEWUSER | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP, 6 },
};
#define ROWS	(sizeof(rows) / sizeof(rows[0]))

static double	samples[ROWS][ROUNDS_MAX];

static int
by_value(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static double
median(double *of, unsigned n)
{
	qsort(of, n, sizeof(*of), by_value);
	return of[n / 2];
}

static void
measure_rows(unsigned rounds)
{
	double	medians[ROWS];

	for (unsigned i = 0; i < rounds; i++)
		for (size_t r = 0; r < ROWS; r++)
			samples[r][i] = rows[r].kind == BARE ? bare(program, true) : rows[r].kind == JAILED ?
			    jailed(program, true, (unsigned)rows[r].arg) : cloned(rows[r].arg);
	printf("%-36s %10s %12s\n", "one at a time", "median ms", "difference");
	for (size_t r = 0; r < ROWS; r++) {
		medians[r] = median(samples[r], rounds);
		printf("%-36s %10.2f", rows[r].text, medians[r]);
		if (rows[r].beside >= 0)
			printf(" %+12.2f", medians[r] - medians[rows[r].beside]);
		printf("\n");
	}
}

/* ---- many ---------------------------------------------------------------------------------------------------- */

static unsigned long
slab_kib(void)
{
	char		 line[128];
	unsigned long	 kib, sum = 0;
	FILE		*f = fopen("/proc/meminfo", "re");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "SUnreclaim: %lu", &kib) == 1)
			sum += kib;
	if (f != NULL)
		fclose(f);
	return sum;
}

/* Builders build for some seconds; answers how many jails ran /usr/bin/true to its end. */
static unsigned long
build_many(double seconds)
{
	unsigned long	sum = 0, one;
	int		p[2];

	if (pipe2(p, O_CLOEXEC) == -1)
		die("pipe");
	for (int i = 0; i < BUILDERS; i++) {
		pid_t	pid = fork();

		if (pid == -1)
			die("fork");
		if (pid == 0) {
			double	end = now_ms() + seconds * 1e3;

			for (one = 0; now_ms() < end; one++)
				(void)jailed("/usr/bin/true", false, FULL);
			_exit(write(p[1], &one, sizeof(one)) == sizeof(one) ? 0 : 1);
		}
	}
	close(p[1]);
	while (read(p[0], &one, sizeof(one)) == sizeof(one))
		sum += one;
	close(p[0]);
	while (wait(NULL) > 0)
		;
	return sum;
}

/* The kernel frees what namespaces had some time after their end, so what grows is seen over rounds. */
static void
measure_many(double seconds)
{
	unsigned long	count, slab;

	(void)build_many(seconds / 2);
	sleep(2);
	printf("\n%-36s %10s %12s %12s\n", "4 builders at once", "jails", "per second", "slab KiB");
	for (int i = 1; i <= 4; i++) {
		slab = slab_kib();
		count = build_many(seconds);
		sleep(2);
		printf("round %-30d %10lu %12.0f %+12ld\n", i, count, (double)count / seconds,
		    (long)(slab_kib() - slab));
	}
}

static void
copy_program(const char *from)
{
	static char	to[128];
	char		command[1024];

	if (mkdtemp(folder) == NULL || chmod(folder, 0755) == -1)
		die(folder);
	snprintf(to, sizeof(to), "%s/program", folder);
	snprintf(command, sizeof(command), "install -m 755 '%s' '%s'", from, to);
	if (system(command) != 0)
		exit(71);
	program = to;
}

int
main(int argc, char **argv)
{
	unsigned	rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 200;
	double		seconds = argc > 3 ? atof(argv[3]) : 5;
	char		command[128];
	int		status;
	pid_t		pid;

	if (argc < 2 || rounds == 0 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench-jails PROGRAM [ROUNDS [SECONDS]]\n");
		return 64;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	copy_program(argv[1]);
	/* The measuring process cannot remove it: it becomes somebody else, and small. */
	if ((pid = fork()) == 0) {
		if ((geteuid() == 0 && confine_become(NOBODY, NOBODY) != 0) ||
		    filter_make(TIER_RUNTIME, NET_NONE, &filter) != 0 ||
		    confine_process(CONFINE_SPAWNER, NULL, NULL) != 0)
			die("cannot become a spawner");
		measure_rows(rounds);
		measure_many(seconds);
		exit(0);
	}
	waitpid(pid, &status, 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		fprintf(stderr, "bench-jails: %s is left\n", folder);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 71;
}
