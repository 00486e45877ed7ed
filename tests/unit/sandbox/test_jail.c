/* SPDX-License-Identifier: Apache-2.0
 *
 * test_jail.c - each layer of a jail, seen from inside
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/sandbox/cell.h"

static char *
private_folder(void)
{
	static char	path[] = "/tmp/jail-test-XXXXXX";

	cr_assert(mkdtemp(path) != NULL);
	return path;
}

static void
remove_folder(const char *path)
{
	char	command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	cr_assert(eq(int, system(command), 0));
}

static void
expect_out(const char *script, const char *want)
{
	struct cell	c;

	cell_init(&c, script);
	cr_assert(eq(int, cell_run(&c), 0), "%s", c.child.failure.text);
	cr_expect(eq(str, c.out, (char *)(uintptr_t)want), "%s", script);
	cr_expect(eq(int, WIFEXITED(c.status), 1));
}

JAIL_TEST(jail, is_a_user_of_its_own_with_a_home)
{
	expect_out("id -un; id -u; hostname 2>/dev/null || cat /etc/hostname; cd; pwd", "tool\n1000\njail\n"
	    JAIL_HOME "\n");
}

JAIL_TEST(jail, shows_no_foreign_process)
{
	struct cell	c;

	cell_init(&c, "ls /proc | grep '^[0-9]' | sort -n | tail -1");
	cr_assert(eq(int, cell_run(&c), 0));
	if (c.child.no_proc)
		cr_skip("the kernel refuses /proc here");
	cr_expect(atoi(c.out) > 1);
	cr_expect(atoi(c.out) < 20, "%s", c.out);
}

JAIL_TEST(jail, shows_no_file_that_was_not_asked_for)
{
	expect_out("for f in /etc/shadow /root /var /sys /boot /run /home/*/.ssh /proc/sys /proc/kallsyms"
	    " /proc/net /dev/tty /dev/sda /dev/mem; do [ -e $f ] && echo $f; done;"
	    " ls /home / | grep -vE '^lib(x?32|64)$'",	/* which of those a machine has differs */
	    "/:\nbin\ndev\netc\nhome\nlib\nproc\nsbin\ntmp\nusr\n\n/home:\ntool\n");
}

JAIL_TEST(jail, can_write_in_its_home_and_tmp_only)
{
	/* By Landlock, and by the mounts alone. */
	for (int abi = 0; abi >= -1; abi--) {
		struct cell	c;

		cell_init(&c, "for f in / /usr /usr/bin /etc /dev /proc /home /tmp ~; do"
		    " (: > $f/x) 2>/dev/null && echo $f; done; exit 0");
		c.spec.landlock_abi_max = abi;
		cr_assert(eq(int, cell_run(&c), 0), "%s", c.child.failure.text);
		cr_expect(eq(str, c.out, "/tmp\n" JAIL_HOME "\n"), "landlock %d", abi);
	}
}

JAIL_TEST(jail, bounds_tmp)
{
	expect_out("head -c 8000000 /dev/zero > /tmp/x 2>/dev/null || echo full", "full\n");
}

JAIL_TEST(jail, holds_no_descriptor_but_three)
{
	struct cell	c;
	int		fd;

	/* Of ours, without close-on-exec, and some high. */
	for (int i = 0; i < 20; i++)
		cr_assert(open("/dev/null", O_RDONLY) != -1);
	fd = fcntl(0, F_DUPFD, 200);
	cr_assert(fd != -1);
	cell_init(&c, "i=3; while [ $i -lt 256 ]; do [ -e /proc/$$/fd/$i ] && echo $i; i=$((i + 1)); done; echo end");
	cr_assert(eq(int, cell_run(&c), 0));
	if (c.child.no_proc)
		cr_skip("the kernel refuses /proc here");
	cr_expect(eq(str, c.out, "end\n"));
}

JAIL_TEST(jail, has_no_capability_and_gets_no_privilege)
{
	struct cell	c;

	cell_init(&c, "grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs)' /proc/self/status");
	cr_assert(eq(int, cell_run(&c), 0));
	if (c.child.no_proc)
		cr_skip("the kernel refuses /proc here");
	cr_expect(eq(str, c.out, "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"
	    "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\n"
	    "NoNewPrivs:\t1\n"));
}

JAIL_TEST(jail, has_the_limits_it_was_given)
{
	static const struct jail_rlimit	limits[] = { { RLIMIT_NPROC, 20 }, { RLIMIT_NOFILE, 100 } };
	struct cell			c;

	cell_init(&c, "ulimit -n; ulimit -c; ulimit -n 200 2>/dev/null || echo no");
	c.spec.rlimits = limits;
	c.spec.rlimit_count = 2;
	cr_assert(eq(int, cell_run(&c), 0));
	cr_expect(eq(str, c.out, "100\n0\nno\n"));
}

JAIL_TEST(jail, leaves_the_cpu_to_those_who_serve_all)
{
	int	nice_here = getpriority(PRIO_PROCESS, 0);
	char	want[16];

	snprintf(want, sizeof(want), "%d\n", nice_here < 14 ? nice_here + 5 : 19);
	expect_out("nice", want);
}

/* The kernel counts all but root's; the spawner refuses to be root. */
Test(jail, counts_its_own_processes_only)
{
	static const struct jail_rlimit	limits[] = { { RLIMIT_NPROC, 12 } };
	struct cell			c;

	cell_as_nobody();
	cell_wanted();
	/* Until it cannot fork any more; the host's processes would make that at once. */
	cell_init(&c, "i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i + 1)); printf .; done");
	c.spec.rlimits = limits;
	c.spec.rlimit_count = 1;
	cr_assert(eq(int, cell_run(&c), 0));
	cr_expect(strspn(c.out, ".") >= 5 && strspn(c.out, ".") <= 12, "%s", c.out);
}

JAIL_TEST(jail, keeps_the_state_folder)
{
	struct cell	c;
	struct stat	st;
	char		*path = private_folder(), file[128];

	cell_init(&c, "echo kept > ~/file; ls ~");
	c.spec.state_fd = open(path, O_PATH | O_DIRECTORY);
	cr_assert(eq(int, cell_run(&c), 0), "%s", c.child.failure.text);
	cr_expect(eq(str, c.out, "file\n"));
	snprintf(file, sizeof(file), "%s/file", path);
	cr_expect(eq(int, stat(file, &st), 0));
	cr_expect(eq(int, (int)st.st_uid, (int)geteuid()));
	remove_folder(path);
}

JAIL_TEST(jail, shows_paths_as_they_were_asked_for)
{
	struct cell	c;
	char		*path = private_folder(), sub[128], gone[128];

	snprintf(sub, sizeof(sub), "%s/sub", path);
	snprintf(gone, sizeof(gone), "%s/gone", path);
	cr_assert(eq(int, mkdir(sub, 0755), 0));

	const struct jail_bind	binds[] = {
		{ path, "/data", 0 },
		{ sub, "/data/sub", JAIL_BIND_WRITABLE },
		{ gone, "/gone", JAIL_BIND_OPTIONAL },
	};

	cell_init(&c, "cd /data; (: > x) 2>/dev/null && echo bad; cp /usr/bin/true sub/t && echo wrote;"
	    "sub/t 2>/dev/null || echo noexec; ls /gone 2>/dev/null; echo end");
	c.spec.binds = binds;
	c.spec.bind_count = 3;
	cr_assert(eq(int, cell_run(&c), 0), "%s", c.child.failure.text);
	cr_expect(eq(str, c.out, "wrote\nnoexec\nend\n"));
	remove_folder(path);
}

JAIL_TEST(jail, runs_programs_from_tmp_only_when_told)
{
	static const char	script[] = "cp /usr/bin/true /tmp/t; /tmp/t 2>/dev/null && echo ran; echo end";
	struct cell		c;

	expect_out(script, "end\n");
	cell_init(&c, script);
	c.spec.exec_tmp = true;
	cr_assert(eq(int, cell_run(&c), 0));
	cr_expect(eq(str, c.out, "ran\nend\n"));
}

#define CONNECT_SELF \
	"perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0) or die \"socket\\n\";" \
	"bind(S, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die \"bind\\n\"; listen(S, 1) or die \"listen\\n\";" \
	"socket(C, PF_INET, SOCK_STREAM, 0); connect(C, getsockname(S)) or die \"connect\\n\"; print \"met\\n\"' 2>&1"

JAIL_TEST(jail, reaches_lo_only_with_loopback)
{
	static const struct {
		enum jail_network	 net;
		const char		*want;
	} rows[] = {
		{ JAIL_NET_NONE, "bind\n" },	/* no lo, so not even its address */
		{ JAIL_NET_LOOPBACK, "met\n" },
		{ JAIL_NET_HOST, "met\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cell	c;

		cell_init(&c, CONNECT_SELF);
		c.spec.net = rows[i].net;
		cr_assert(eq(int, cell_run(&c), 0), "row %zu: %s", i, c.child.failure.text);
		cr_expect(eq(str, c.out, (char *)(uintptr_t)rows[i].want), "row %zu", i);
	}
}

JAIL_TEST(jail, dies_whole_with_its_lifeline)
{
	struct cell	c;
	struct pollfd	p;
	char		byte;

	/* A daemon in a session of its own, deaf to TERM, holds stdout: EOF comes when it is dead. */
	cell_init(&c, "setsid sh -c 'trap \"\" TERM HUP; echo up; while :; do sleep 1; done' & sleep 100");
	cr_assert(eq(int, cell_start(&c), 0));
	cr_assert(eq(int, (int)read(c.child.out, &byte, 1), 1));
	close(c.child.lifeline);
	c.child.lifeline = -1;
	p = (struct pollfd){ .fd = c.child.pidfd, .events = POLLIN };
	cr_expect(eq(int, poll(&p, 1, 5000), 1), "the init lives on");
	cell_finish(&c);
	cr_expect(eq(str, c.out, "p\n"));
}

JAIL_TEST(jail, dies_whole_with_its_tool)
{
	struct cell	c;
	char		byte;

	cell_init(&c, "setsid sh -c 'trap \"\" TERM HUP; echo up; while :; do sleep 1; done' & sleep 0.3; exit 3");
	cr_assert(eq(int, cell_start(&c), 0));
	cr_assert(eq(int, (int)read(c.child.out, &byte, 1), 1));
	cell_finish(&c);
	cr_expect(eq(int, WEXITSTATUS(c.status), 3));
}

JAIL_TEST(jail, passes_a_request_to_stop_on)
{
	struct cell	c;
	char		byte;

	cell_init(&c, "trap 'echo asked; exit 7' TERM; echo up; while :; do sleep 0.05; done");
	cr_assert(eq(int, cell_start(&c), 0));
	cr_assert(eq(int, (int)read(c.child.out, &byte, 1), 1));
	cr_assert(eq(int, (int)write(c.child.lifeline, "T", 1), 1));
	cell_finish(&c);
	cr_expect(eq(int, WIFEXITED(c.status), 1));
	cr_expect(eq(int, WEXITSTATUS(c.status), 7));
	cr_expect(strstr(c.out, "asked") != NULL);
}

JAIL_TEST(jail, tells_a_signal_by_its_exit_code)
{
	struct cell	c;

	cell_init(&c, "kill -9 $$");
	cr_assert(eq(int, cell_run(&c), 0));
	cr_expect(eq(int, WEXITSTATUS(c.status), 128 + 9));
}

/* Does the process have this address?  -1 when it is not for us to look at. */
static int
has_memory(pid_t pid, const void *at)
{
	char	path[64], line[512];
	FILE	*maps;
	bool	found = false, any = false;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	if ((maps = fopen(path, "r")) == NULL)
		return -1;
	while (fgets(line, sizeof(line), maps) != NULL) {
		unsigned long from, to;

		any = true;
		if (sscanf(line, "%lx-%lx", &from, &to) == 2)
			found = found || (from <= (unsigned long)at && (unsigned long)at < to);
	}
	fclose(maps);
	return any ? found : -1;
}

JAIL_TEST(jail, leaves_no_memory_of_the_spawner_in_the_init)
{
	struct cell	c;
	char		up;
	size_t		bytes = 1 << 20;
	void		*room;

	room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert(room != MAP_FAILED);
	memset(room, 'S', bytes);
	cell_init(&c, "echo up; sleep 100");
	c.spec.private_memory = room;
	c.spec.private_bytes = bytes;
	cr_assert(eq(int, cell_start(&c), 0));
	cr_assert(eq(int, (int)read(c.child.out, &up, 1), 1));
	cr_assert(eq(int, has_memory(getpid(), room), 1));
	/* The init is not dumpable: its own user may not look, root may. */
	cr_expect(eq(int, has_memory(c.child.pid, room), geteuid() == 0 ? 0 : -1));
	jail_child_kill(&c.child);
}

JAIL_TEST(jail, names_the_step_and_the_setting)
{
	static const struct jail_rlimit	few[] = { { RLIMIT_NPROC, 4 } };
	static const struct jail_bind	gone[] = { { "/nowhere/at/all", "/data", 0 } };
	static const struct jail_bind	through_link[] = { { "/usr/bin", "/bin/below", 0 } };
	static const struct sock_filter	broken[] = { { 0xffff, 0, 0, 0 } };
	static const struct {
		const char		*program, *workdir;
		const struct jail_bind	*bind;
		const struct jail_rlimit *limit;
		enum jail_network	 net;
		size_t			 ports;
		const struct sock_filter *filter;
		enum jail_step		 step;
		int			 os_error;
		const char		*says;
	} rows[] = {
		{ .program = "/opt/none", .step = JAIL_STEP_EXEC, .os_error = ENOENT, .says = "\"read\"" },
		{ .program = "/etc/passwd", .step = JAIL_STEP_EXEC, .os_error = EACCES, .says = "\"exec_tmp\"" },
		{ .program = "relative", .step = JAIL_STEP_EXEC, .os_error = EINVAL, .says = "absolute" },
		{ .workdir = "/srv/none", .step = JAIL_STEP_WORKDIR, .os_error = ENOENT, .says = "\"workdir\"" },
		{ .bind = gone, .step = JAIL_STEP_BIND, .os_error = ENOENT, .says = "/nowhere/at/all" },
		{ .bind = through_link, .step = JAIL_STEP_BIND, .os_error = ELOOP, .says = "link" },
		{ .limit = few, .step = JAIL_STEP_RLIMIT, .os_error = EINVAL, .says = "8 processes" },
		{ .net = JAIL_NET_LIST, .ports = 1000, .step = JAIL_STEP_NETWORK, .os_error = EINVAL,
		    .says = "ports" },
		{ .filter = broken, .step = JAIL_STEP_SECCOMP, .os_error = EINVAL, .says = "tier" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cell	c;

		cell_init(&c, "exit 0");
		if (rows[i].program != NULL)
			c.spec.program = rows[i].program;
		c.spec.workdir = rows[i].workdir;
		c.spec.binds = rows[i].bind;
		c.spec.bind_count = rows[i].bind != NULL;
		c.spec.rlimits = rows[i].limit;
		c.spec.rlimit_count = rows[i].limit != NULL;
		c.spec.net = rows[i].net;
		c.spec.port_count = rows[i].ports;
		c.spec.filter = rows[i].filter;
		c.spec.filter_count = 1;
		cr_expect(eq(int, cell_run(&c), E_JAIL), "row %zu", i);
		cr_expect(eq(int, c.child.failure.step, rows[i].step), "row %zu: %s", i, c.child.failure.text);
		cr_expect(eq(int, c.child.failure.os_error, rows[i].os_error), "row %zu: %s", i,
		    c.child.failure.text);
		cr_expect(strstr(c.child.failure.text, rows[i].says) != NULL, "row %zu: %s", i,
		    c.child.failure.text);
		cr_expect(eq(int, waitpid(-1, NULL, WNOHANG), -1), "row %zu: a child is left", i);
	}
}

JAIL_TEST(jail, runs_without_landlock_and_with_its_first_version)
{
	static const int	ceilings[] = { -1, 1, 2, 3, 0 };

	for (size_t i = 0; i < sizeof(ceilings) / sizeof(ceilings[0]); i++) {
		struct cell	c;

		cell_init(&c, "echo x > ~/a; mkdir ~/d; rm ~/a; cat /etc/hostname; (: > /usr/x) 2>/dev/null || echo no");
		c.spec.landlock_abi_max = ceilings[i];
		cr_assert(eq(int, cell_run(&c), 0), "row %zu: %s", i, c.child.failure.text);
		cr_expect(eq(str, c.out, "jail\nno\n"), "row %zu", i);
		if (ceilings[i] != 0)
			cr_expect(c.child.landlock_abi <= (ceilings[i] < 0 ? 0 : ceilings[i]), "row %zu", i);
	}
}

/* What Landlock leaves open on Debian 12's kernel, the namespaces hold. */
JAIL_TEST(jail, holds_signals_and_abstract_sockets_without_landlocks_scopes)
{
	struct cell	c;
	char		script[512];

	snprintf(script, sizeof(script), "kill -0 %ld 2>/dev/null && echo host; kill -9 1; kill -0 1 2>/dev/null;"
	    " perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0) or die; connect(S, pack_sockaddr_un(\"\\0jail-test\"))"
	    " and print \"met\\n\"' 2>/dev/null; echo end", (long)getpid());
	cell_init(&c, script);
	c.spec.landlock_abi_max = 2;
	cr_assert(eq(int, cell_run(&c), 0), "%s", c.child.failure.text);
	cr_expect(eq(str, c.out, "end\n"));
	cr_expect(eq(int, WIFEXITED(c.status) ? WEXITSTATUS(c.status) : -1, 0));
}
