/* SPDX-License-Identifier: Apache-2.0
 *
 * b7_daemon.c - in the background: who starts it waits until it serves or hears why not; its pid file, its
 *               environment, and logs that are opened anew
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/common.h"

static struct gateway	g;
static char		said[8192];	/* by the program that ran last: its stderr */
static int		log_ns = -1;	/* where /dev/log is ours; -1: the machine's */
static mode_t		mask = 022;	/* of what runs */

/* The contents of g.dir/NAME; static. */
static const char *
text_of(const char *name)
{
	static char	text[8192];
	char		path[400];
	ssize_t		n = -1;
	int		fd;

	snprintf(path, sizeof(path), "%s/%s", g.dir, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) != -1) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* A folder with a configuration, and nothing that runs. */
static void
prepare(const char *conf)
{
	gateway_start(&g, &(struct gateway_setup){ .conf = conf });
	gateway_stop_keep(&g);
}

/* PROGRAM -c etc WORDS...  A daemon keeps stderr when there is no log daemon, so that goes to a file: the end of a
 * pipe would be the daemon's. */
static int
run(const char *program, const char *const *environment, ...)
{
	const char	*argv[16] = { program, "-c" };
	char		 path[400], conf[400], out[400];
	size_t		 n = 2;
	int		 status, fd;
	pid_t		 pid;
	va_list		 ap;

	snprintf(path, sizeof(path), "%s/bin/%s", g.build, program);
	snprintf(conf, sizeof(conf), "%s/etc", g.dir);
	snprintf(out, sizeof(out), "%s/said", g.dir);
	argv[n++] = conf;
	va_start(ap, environment);
	while ((argv[n] = va_arg(ap, const char *)) != NULL)
		n++;
	va_end(ap);
	cr_assert((pid = fork()) != -1);
	if (pid == 0) {
		fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		dup2(fd, 1);
		dup2(fd, 2);
		close(fd);
		umask(mask);
		for (; environment != NULL && *environment != NULL; environment += 2)
			setenv(environment[0], environment[1], 1);
		if (log_ns != -1 && setns(log_ns, CLONE_NEWNS) == -1)
			_exit(126);
		execv(path, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	cr_assert(waitpid(pid, &status, 0) == pid);
	snprintf(said, sizeof(said), "%s", text_of("said"));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The admin address, as run/ready has it. */
static bool
serves(void)
{
	struct answer	 a;
	char		 address[64] = "";
	const char	*line = strstr(text_of("run/ready"), "admin ");
	bool		 yes;

	if (line == NULL || sscanf(line, "admin %63s", address) != 1)
		return false;
	client_once(address, "GET", "/readyz", "", NULL, &a);
	yes = a.status == 200;
	answer_fini(&a);
	return yes;
}

static void
end(void)
{
	cr_expect(run("mcpgwctl", NULL, "stop", NULL) == 0, "%s", said);
	gateway_remove(&g);
}

Test(daemon, start_returns_when_it_serves_and_its_pid_file_is_locked, .timeout = 60)
{
	char	path[400];
	long	pid;
	int	fd;

	prepare(NULL);
	cr_expect(run("mcpgwctl", NULL, "start", NULL) == 0, "%s", said);
	cr_expect(strstr(said, "started, pid ") != NULL, "%s", said);
	cr_expect(serves(), "it said that it serves");
	pid = strtol(text_of("run/pid"), NULL, 10);
	cr_assert(pid > 1 && kill((pid_t)pid, 0) == 0, "run/pid: %s", text_of("run/pid"));
	cr_expect(getsid((pid_t)pid) == (pid_t)pid, "it has a session of its own");
	snprintf(path, sizeof(path), "%s/run/pid", g.dir);
	cr_assert((fd = open(path, O_RDONLY | O_CLOEXEC)) != -1);
	cr_expect(flock(fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK, "whose lock is its life");

	cr_expect(run("mcpgwctl", NULL, "start", NULL) == 0, "%s", said);
	cr_expect(strstr(said, "already running, pid ") != NULL, "%s", said);
	cr_expect(run("mcpgw", NULL, NULL) == 69, "%s", said);
	cr_expect(strstr(said, "in use by the gateway with pid ") != NULL, "%s", said);
	cr_expect(serves(), "and the one that runs is not disturbed");

	/* What would not start again is not stopped. */
	gateway_write(&g, "rules.json", "{\"agents\": 1}");
	cr_expect(run("mcpgwctl", NULL, "restart", NULL) == 78, "%s", said);
	cr_expect(strstr(said, "rules.json:1:") != NULL && strstr(said, "not stopped") != NULL, "%s", said);
	cr_expect(serves() && kill((pid_t)pid, 0) == 0, "the same one");
	gateway_write(&g, "rules.json", "{}");

	cr_expect(run("mcpgwctl", NULL, "stop", NULL) == 0, "%s", said);
	cr_expect(access(path, F_OK) == -1, "run/pid is left");
	cr_expect(flock(fd, LOCK_EX | LOCK_NB) == 0);
	cr_expect(run("mcpgwctl", NULL, "stop", NULL) == 69, "%s", said);
	close(fd);
	gateway_remove(&g);
}

/* After a crash: a pid file that nobody locks keeps nobody from starting. */
Test(daemon, a_pid_file_of_the_dead_is_taken_over, .timeout = 60)
{
	long	pid;

	prepare(NULL);
	cr_expect(run("mcpgw", NULL, NULL) == 0, "%s", said);
	pid = strtol(text_of("run/pid"), NULL, 10);
	cr_assert(pid > 1 && kill((pid_t)pid, SIGKILL) == 0);
	/* Its lock goes with it, its children a little later. */
	for (int i = 0; i < 500 && run("mcpgwctl", NULL, "start", NULL) != 0; i++)
		sleep_ms(20);
	cr_expect(strstr(said, "started, pid ") != NULL, "%s", said);
	cr_expect(strtol(text_of("run/pid"), NULL, 10) != pid);
	cr_expect(serves());
	end();
}

Test(daemon, that_cannot_start_says_why_and_leaves_nothing, .timeout = 60)
{
	struct sockaddr_in	 sa;
	socklen_t		 bytes = sizeof(sa);
	char			 taken[64], words[320];
	int			 fd;

	prepare(NULL);
	gateway_write(&g, "rules.json", "{\n  \"agents\": {,}\n}\n");
	cr_expect(run("mcpgwctl", NULL, "start", NULL) == 78, "%s", said);
	cr_expect(strstr(said, "rules.json:2:") != NULL, "%s", said);
	gateway_write(&g, "rules.json", "{\"agents\": {}}");

	/* Root's, which the user that compiles may not read. */
	snprintf(words, sizeof(words), "%s/etc/rules.json", g.dir);
	if (geteuid() == 0) {
		cr_assert(chmod(words, 0600) == 0);
		cr_expect(run("mcpgwctl", NULL, "start", NULL) == 78, "%s", said);
		cr_expect(strstr(said, "rules.json: error: user ") != NULL && strstr(said, " may not read it: chgrp ") != NULL &&
		    strstr(said, "/etc/rules.json && chmod 640 /") != NULL, "%s", said);
		cr_assert(chmod(words, 0644) == 0);
	}

	/* A port that somebody has. */
	cr_assert((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) != -1 && listen(fd, 1) == 0 &&
	    getsockname(fd, (struct sockaddr *)&sa, &bytes) == 0);
	snprintf(taken, sizeof(taken), "admin_listen=127.0.0.1:%u", (unsigned)ntohs(sa.sin_port));
	cr_expect(run("mcpgw", NULL, "-o", taken, NULL) == 71, "%s", said);
	snprintf(words, sizeof(words), "%s: in use by ", taken);
	words[strcspn(words, "=")] = ' ';
	cr_expect(strstr(said, words) != NULL, "%s", said);
	cr_expect(strstr(said, "Choose another: mcpgwctl conf -e admin_listen=") != NULL, "%s", said);
	close(fd);

	/* An address of another machine, and a folder that cannot be. */
	cr_expect(run("mcpgw", NULL, "-o", "admin_listen=192.0.2.1:8081", NULL) == 71, "%s", said);
	cr_expect(strstr(said, "admin_listen 192.0.2.1:8081: this machine has no such address") != NULL, "%s", said);
	cr_expect(run("mcpgw", NULL, "-o", "state_dir=/proc/none", NULL) == 73, "%s", said);
	cr_expect(strstr(said, "state_dir /proc/none: ") != NULL && strstr(said, "mcpgwctl conf -e state_dir=") != NULL, "%s",
	    said);

	/* What is wrong in mcpgw.conf is said once, by who starts. */
	gateway_write(&g, "mcpgw.conf", "lisen = 127.0.0.1:1\n");
	cr_expect(run("mcpgwctl", NULL, "start", NULL) == 78, "%s", said);
	cr_expect(strcmp(said, "mcpgw.conf:1:1: error: \"lisen\" is no parameter; did you mean listen?\n") == 0, "%s", said);
	cr_expect(run("mcpgwctl", NULL, "restart", NULL) == 78, "%s", said);
	cr_expect(strcmp(said, "mcpgw.conf:1:1: error: \"lisen\" is no parameter; did you mean listen?\n") == 0, "%s", said);
	gateway_write(&g, "mcpgw.conf", "");

	cr_expect(text_of("run/pid")[0] == '\0', "run/pid is left");
	cr_expect(run("mcpgwctl", NULL, "-o", "run_dir=/proc/none", "status", NULL) == 3, "%s", said);
	gateway_remove(&g);
}

Test(daemon, the_environment_is_above_the_file_and_below_the_command_line, .timeout = 60)
{
	static const char *const environment[] = { "MCPGW_WORKERS", "1", "MCPGW_HEALTH_STATUS", "healthy", "MCPGW_WORKRES",
		"7", NULL };

	prepare("workers = 2\n");
	cr_expect(run("mcpgw", environment, NULL) == 0, "%s", said);
	cr_expect(strstr(said, "workres") != NULL, "a name that means nothing is told: %s", said);
	cr_expect(run("mcpgwctl", NULL, "status", NULL) == 0 && strstr(said, "workers 1/1") != NULL, "%s", said);
	cr_expect(run("mcpgwctl", NULL, "stop", NULL) == 0, "%s", said);
	cr_expect(run("mcpgw", environment, "-o", "workers=3", NULL) == 0, "%s", said);
	cr_expect(run("mcpgwctl", NULL, "status", NULL) == 0 && strstr(said, "workers 3/3") != NULL, "%s", said);
	end();
}

/* As a service manager sets it; what the gateway makes for its tenants and for mcpgwctl is open to them all the same. */
Test(daemon, serves_tools_whatever_its_file_mode_mask_is, .timeout = 60)
{
	struct stat	st;
	char		path[400];
	int		r;

	NEEDS_JAILS();
	gateway_start(&g, &(struct gateway_setup){ .servers = DEMO_SERVERS,
	    .rules = "{\"agents\":{\"me\":{\"allow\":{\"servers\":[\"clock\"],\"tools\":{\"clock\":[\"*\"]}}}}}" });
	gateway_stop_keep(&g);
	mask = 077;
	cr_expect(run("mcpgw", NULL, NULL) == 0, "%s", said);
	mask = 022;
	if (geteuid() == 0)
		r = run("mcpgwctl", NULL, "call", "clock", "add", "a=20", "b=22", "--as", "me", NULL);
	else
		r = run("mcpgwctl", NULL, "call", "clock", "add", "a=20", "b=22", NULL);
	cr_expect(r == 0 && strstr(said, "42") != NULL, "%s", said);
	snprintf(path, sizeof(path), "%s/run/ready", g.dir);
	cr_expect(stat(path, &st) == 0 && (st.st_mode & 0777) == 0644, "mode %o", st.st_mode);
	end();
}

/* ---- logs ------------------------------------------------------------------------------------------- */

/* A log daemon of our own; its socket is g.dir/dev/log. */
static int
log_daemon(void)
{
	struct sockaddr_un	sa = { .sun_family = AF_UNIX };
	int			fd;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%.90s/dev/log", g.dir);
	(void)unlink(sa.sun_path);
	cr_assert((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) != -1);
	cr_assert(bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	cr_assert(chmod(sa.sun_path, 0666) == 0);
	return fd;
}

/* A mount namespace whose /dev is g.dir/dev; -1: this machine makes none for us. */
static int
namespace_of_log(void)
{
	static const char *const	nodes[] = { "null", "zero", "urandom", "random" };
	char				dev[400], path[500], from[64], ns[64];
	int				pair[2], fd = -1;
	char				ok = 0;
	pid_t				pid;

	snprintf(dev, sizeof(dev), "%s/dev", g.dir);
	cr_assert(mkdir(dev, 0755) == 0);
	cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	if ((pid = fork()) == 0) {
		close(pair[0]);
		ok = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
		for (size_t i = 0; ok && i < sizeof(nodes) / sizeof(nodes[0]); i++) {
			snprintf(path, sizeof(path), "%s/%s", dev, nodes[i]);
			snprintf(from, sizeof(from), "/dev/%s", nodes[i]);
			close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
			ok = mount(from, path, NULL, MS_BIND, NULL) == 0;
		}
		ok = ok && mount(dev, "/dev", NULL, MS_BIND | MS_REC, NULL) == 0;
		(void)!write(pair[1], &ok, 1);
		(void)!read(pair[1], &ok, 1);
		_exit(0);
	}
	cr_assert(read(pair[0], &ok, 1) == 1);
	if (ok) {
		snprintf(ns, sizeof(ns), "/proc/%ld/ns/mnt", (long)pid);
		fd = open(ns, O_RDONLY | O_CLOEXEC);
	}
	close(pair[0]);
	close(pair[1]);
	waitpid(pid, NULL, 0);
	return fd;
}

struct line {
	int		 fd;
	const char	*from, *text;
};

/* One of its lines has both; others are passed over. */
static bool
is_said(void *arg)
{
	const struct line	*l = arg;
	char			 text[2048];
	ssize_t			 n;

	while ((n = recv(l->fd, text, sizeof(text) - 1, 0)) > 0) {
		text[n] = '\0';
		if (strstr(text, l->from) != NULL && strstr(text, l->text) != NULL)
			return true;
	}
	return false;
}

static void
expect_line(int fd, const char *from, const char *text)
{
	struct line	l = { fd, from, text };

	cr_expect(wait_until(is_said, &l, patience(&g, 5000)), "no \"%s\" of %s", text, from);
}

/* A request that a worker has a line for. */
static void
make_worker_speak(void)
{
	struct answer	 a;
	char		 address[64] = "";
	const char	*line = strstr(text_of("run/ready"), "mcp ");

	cr_assert(line != NULL && sscanf(line, "mcp %63s", address) == 1);
	client_once(address, "GET", "/mcp", "Authorization: Bearer mgk_00000000_x\r\n", NULL, &a);
	answer_fini(&a);
}

Test(daemon, usr1_opens_the_log_anew_in_each_process, .timeout = 60)
{
	int	fd;
	long	pid;

	if (geteuid() != 0)
		cr_skip_test("needs root, for a /dev/log of its own");
	prepare("workers = 1\n");
	if ((log_ns = namespace_of_log()) == -1) {
		gateway_remove(&g);
		cr_skip_test("no mount namespace on this machine");
	}
	fd = log_daemon();
	cr_expect(run("mcpgw", NULL, NULL) == 0, "%s", said);
	expect_line(fd, "mcpgw[", "ready, generation=");
	pid = strtol(text_of("run/pid"), NULL, 10);
	make_worker_speak();
	expect_line(fd, "mcpgw-worker[", "no answer on /mcp");

	/* It goes, and comes back under the same name: what is connected to it is connected to nothing. */
	close(fd);
	fd = log_daemon();
	cr_assert(pid > 1 && kill((pid_t)pid, SIGUSR1) == 0);
	expect_line(fd, "mcpgw[", "logs reopened");
	for (int i = 0; i < 2; i++) {
		struct line	l = { fd, "mcpgw-worker[", "no answer on /mcp" };

		/* The same words within a second are counted, not said. */
		sleep_ms(1100);
		make_worker_speak();
		if (wait_until(is_said, &l, 2000))
			break;
		cr_expect(i == 0, "the worker still speaks to nobody");
	}
	close(fd);
	end();
	close(log_ns);
}

/* ---- under a service manager ------------------------------------------------------------------------ */

/* What it is told, in order; others may come between. */
static void
expect_told(int fd, const char *state)
{
	struct line	l = { fd, "", state };

	cr_expect(wait_until(is_said, &l, patience(&g, 10000)), "the service manager was not told %s", state);
}

Test(daemon, tells_a_service_manager_what_it_does, .timeout = 60)
{
	struct sockaddr_un	sa = { .sun_family = AF_UNIX };
	char			program[400], conf[400], out[400];
	int			manager, status;
	pid_t			pid;

	prepare(NULL);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%.90s/notify", g.dir);
	cr_assert((manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) != -1 &&
	    bind(manager, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	snprintf(program, sizeof(program), "%s/bin/mcpgw", g.build);
	snprintf(conf, sizeof(conf), "%s/etc", g.dir);
	snprintf(out, sizeof(out), "%s/said", g.dir);
	cr_assert((pid = fork()) != -1);
	if (pid == 0) {
		setenv("NOTIFY_SOCKET", sa.sun_path, 1);
		setenv("WATCHDOG_USEC", "600000", 1);
		dup2(open(out, O_WRONLY | O_CREAT | O_TRUNC, 0644), 2);
		execl(program, "mcpgw", "-f", "-c", conf, (char *)NULL);
		_exit(127);
	}
	expect_told(manager, "READY=1");
	cr_expect(serves(), "READY=1 came before it served");
	for (int i = 0; i < 3; i++)
		expect_told(manager, "WATCHDOG=1");
	cr_expect(waitpid(pid, NULL, WNOHANG) == 0, "it stays in its manager's hand");
	/* ExecReload. */
	cr_expect(run("mcpgwctl", NULL, "reload", NULL) == 0, "%s", said);
	gateway_write(&g, "rules.json", "{,}");
	cr_expect(run("mcpgwctl", NULL, "reload", NULL) == 1, "a refused reload is one that failed: %s", said);
	cr_expect(serves());
	kill(pid, SIGTERM);
	expect_told(manager, "STOPPING=1");
	cr_assert(waitpid(pid, &status, 0) == pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "ended with %#x", status);
	close(manager);
	gateway_remove(&g);
}

static bool
log_has(void *words)
{
	return strstr(text_of("state/mcpgw.log"), words) != NULL;
}

/* `mcpgwctl start 2>&1 | tee x` ends when the gateway serves, and not when it ends. */
Test(daemon, lets_go_of_a_pipe_and_logs_to_a_file_without_a_log_daemon, .timeout = 60)
{
	char	command[1200], path[400], away[400], speaks[] = "no valid credential", again[] = "logs reopened";
	FILE	*f;
	size_t	n;
	long	pid;

	if (access("/dev/log", F_OK) == 0)
		cr_skip_test("the machine has a log daemon");
	prepare(NULL);
	snprintf(command, sizeof(command), "%s/bin/mcpgwctl -c %s/etc start 2>&1", g.build, g.dir);
	cr_assert((f = popen(command, "r")) != NULL);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = '\0';
	cr_expect(pclose(f) == 0, "%s", said);
	cr_expect(strstr(said, "mcpgw.log") != NULL && strstr(said, "started, pid ") != NULL, "%s", said);
	pid = strtol(text_of("run/pid"), NULL, 10);
	cr_assert(pid > 1 && kill((pid_t)pid, 0) == 0);
	make_worker_speak();
	cr_expect(wait_until(log_has, speaks, patience(&g, 5000)), "%s", text_of("state/mcpgw.log"));
	snprintf(path, sizeof(path), "%s/state/mcpgw.log", g.dir);
	snprintf(away, sizeof(away), "%s/state/mcpgw.log.1", g.dir);
	cr_assert(rename(path, away) == 0 && kill((pid_t)pid, SIGUSR1) == 0);
	cr_expect(wait_until(log_has, again, patience(&g, 5000)), "%s", text_of("state/mcpgw.log"));
	make_worker_speak();
	cr_expect(wait_until(log_has, speaks, patience(&g, 5000)), "%s", text_of("state/mcpgw.log"));
	end();
}
