/* SPDX-License-Identifier: Apache-2.0
 *
 * f5_personal.c - a user's own gateway: their folders, their socket, the agent "me"; and what they are told
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/integration/common.h"

#define ME_RULES								\
	"{\"agents\":{\"me\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"clock\":[\"now\"]}}}}}"

/* Somebody with a home of their own below the test's folder; root makes two users of these. */
struct person {
	const struct gateway	*g;
	char			 home[300];
	uid_t			 uid;		/* 0: as we are */
	const char		*runtime;	/* XDG_RUNTIME_DIR: "" none, NULL home/run */
	const char		*path;		/* PATH, or NULL */
};

static void
give(const struct person *p, const char *path)
{
	if (p->uid != 0)
		cr_assert(chown(path, p->uid, p->uid) == 0, "%s: %s", path, strerror(errno));
}

static void
put(const struct person *p, const char *name, const char *text, mode_t mode)
{
	char	 path[700], *slash;
	FILE	*f;

	snprintf(path, sizeof(path), "%s/%s", p->home, name);
	for (slash = path + strlen(p->home) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		if (mkdir(path, 0700) == 0)
			give(p, path);
		*slash = '/';
	}
	cr_assert((f = fopen(path, "w")) != NULL, "%s: %s", path, strerror(errno));
	fputs(text, f);
	cr_assert(fclose(f) == 0 && chmod(path, mode) == 0);
	give(p, path);
}

static void
person_init(struct person *p, const struct gateway *g, const char *name, uid_t uid)
{
	char	servers[600];

	*p = (struct person){ .g = g, .uid = geteuid() == 0 ? uid : 0 };
	snprintf(p->home, sizeof(p->home), "%s/%s", g->dir, name);
	cr_assert(mkdir(p->home, 0700) == 0);
	give(p, p->home);
	snprintf(servers, sizeof(servers), "{\"mcpServers\":{\"clock\":{\"command\":\"%s/tools/demo/mcpgw-demo-clock\"}}}",
	    g->dir);
	put(p, ".config/mcpgw/servers.json", servers, 0600);
	put(p, ".config/mcpgw/rules.json", ME_RULES, 0600);
	put(p, "run/.keep", "", 0600);
	put(p, ".local/state/.keep", "", 0600);
}

static _Noreturn void
become(const struct person *p, char **argv)
{
	char	runtime[400];

	clearenv();
	snprintf(runtime, sizeof(runtime), "%s/run", p->home);
	setenv("HOME", p->home, 1);
	setenv("PATH", p->path != NULL ? p->path : "/usr/bin:/bin", 1);
	if (p->runtime == NULL || p->runtime[0] != '\0')
		setenv("XDG_RUNTIME_DIR", p->runtime != NULL ? p->runtime : runtime, 1);
	if (chdir("/") == -1 || (p->uid != 0 && (setgroups(0, NULL) == -1 || setresgid(p->uid, p->uid, p->uid) == -1 ||
	    setresuid(p->uid, p->uid, p->uid) == -1)))
		_exit(126);
	execv(argv[0], argv);
	_exit(127);
}

/* mcpgwctl as them, the last argument NULL: its exit code; *out (malloc'ed) is all it said.  To a file, since a
 * gateway in the background may hold its stderr. */
static int
ctl(const struct person *p, char **out, ...)
{
	char	 program[320], log[400], *argv[16] = { program }, *text = calloc(1, 65537);
	va_list	 ap;
	size_t	 n = 1;
	pid_t	 pid;
	int	 fd, status;

	snprintf(program, sizeof(program), "%s/bin/mcpgwctl", p->g->build);
	snprintf(log, sizeof(log), "%s/said", p->g->dir);
	va_start(ap, out);
	while (n < 15 && (argv[n] = va_arg(ap, char *)) != NULL)
		n++;
	va_end(ap);
	cr_assert((fd = open(log, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) != -1);
	cr_assert((pid = fork()) != -1);
	if (pid == 0) {
		dup2(fd, 1);
		dup2(fd, 2);
		become(p, argv);
	}
	cr_assert(waitpid(pid, &status, 0) == pid);
	cr_assert(pread(fd, text, 65536, 0) >= 0);
	close(fd);
	*out = text;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define SAYS(p, code, text, ...) do {							\
	char *out_;									\
	int got_ = ctl((p), &out_, __VA_ARGS__, (char *)NULL);				\
	cr_expect(got_ == (code) && strstr(out_, (text)) != NULL, "exit %d, not %d with \"%s\": %s", got_, (code),	\
	    (text), out_);								\
	free(out_);									\
} while (0)

static pid_t
pid_in(const char *path)
{
	FILE	*f = fopen(path, "r");
	int	 pid = 0;

	if (f == NULL || fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f != NULL)
		fclose(f);
	return pid;
}

Test(personal, serves_its_owner_as_me_from_a_closed_home, .timeout = 120)
{
	struct gateway	 g;
	struct person	 p;
	char		 path[400], *text;

	NEEDS_JAILS();
	gateway_make(&g);
	person_init(&p, &g, "me", 65534);
	snprintf(path, sizeof(path), "%s/run/mcpgw/ctl.sock", p.home);
	SAYS(&p, EX_UNAVAILABLE, "). Start it: mcpgwctl start", "reload");
	SAYS(&p, EX_UNAVAILABLE, path, "reload");
	SAYS(&p, 0, "started, pid ", "start");
	SAYS(&p, 0, "already running", "start");
	SAYS(&p, 0, "allowed  rules.json:1  agents.me.allow.tools.clock[0]", "call", "clock", "now");
	cr_expect(ctl(&p, &text, "call", "clock", "add", "a=1", "b=2", (char *)NULL) != 0 &&
	    strstr(text, "not allowed: clock.add") != NULL, "%s", text);
	free(text);
	/* The socket alone. */
	snprintf(path, sizeof(path), "%s/run/mcpgw/ready", p.home);
	cr_expect(access(path, R_OK) == 0);
	snprintf(path, sizeof(path), "test \"$(cut -d' ' -f1 '%s/run/mcpgw/ready')\" = local", p.home);
	cr_expect(system(path) == 0, "it listens on more than its socket");
	snprintf(path, sizeof(path), "%s/.local/state/mcpgw/audit/db", p.home);
	cr_expect(access(path, F_OK) == 0);
	SAYS(&p, 0, "stopped", "stop");
	gateway_remove(&g);
}

Test(personal, takes_rules_as_they_are_saved, .timeout = 120)
{
	struct gateway	g;
	struct person	p;
	char		*text = NULL;
	int		code = 1;

	NEEDS_JAILS();
	gateway_make(&g);
	person_init(&p, &g, "me", 65534);
	SAYS(&p, 0, "started", "start");
	put(&p, ".config/mcpgw/rules.json",
	    "{\"agents\":{\"me\":{\"allow\":{\"servers\":[\"*\"],\"tools\":{\"clock\":[\"*\"]}}}}}", 0600);
	for (int i = 0; i < 100 && code != 0; i++) {
		free(text);
		code = ctl(&p, &text, "call", "clock", "add", "a=1", "b=2", (char *)NULL);
		sleep_ms(100);
	}
	cr_expect(code == 0, "%s", text);
	free(text);
	SAYS(&p, 0, "stopped", "stop");
	gateway_remove(&g);
}

Test(personal, starts_again_after_it_was_killed, .timeout = 120)
{
	struct procs	*procs = malloc(sizeof(*procs));
	struct gateway	 g;
	struct person	 p;
	char		 path[400];
	pid_t		 pid;

	gateway_make(&g);
	person_init(&p, &g, "me", 65534);
	snprintf(path, sizeof(path), "%s/run/mcpgw/pid", p.home);
	for (int i = 0; i < 2; i++) {
		SAYS(&p, 0, "started", "start");
		cr_assert((pid = pid_in(path)) > 0);
		procs_below(pid, procs);
		if (i == 0) {
			cr_assert(kill(pid, SIGKILL) == 0);
			cr_expect(procs_wait_gone(procs, patience(&g, 5000)), "processes are left");
			SAYS(&p, EX_UNAVAILABLE, "not running", "reload");
		}
	}
	SAYS(&p, 0, "stopped", "stop");
	cr_expect(procs_alive(procs) == 0, "processes are left");
	free(procs);
	gateway_remove(&g);
}

Test(personal, keeps_two_users_apart, .timeout = 120)
{
	static char	 local[] = "--socket";
	struct gateway	 g;
	struct person	 ann, bob;
	char		 path[400], bin[320], *argv[] = { bin, local, path, NULL };
	pid_t		 pid;
	int		 status;

	if (geteuid() != 0)
		cr_skip_test("only root can be two users");
	gateway_make(&g);
	person_init(&ann, &g, "ann", 65534);
	person_init(&bob, &g, "bob", 65533);
	SAYS(&ann, 0, "started", "start");
	SAYS(&bob, 0, "started", "start");
	SAYS(&ann, 0, "up ", "status");
	/* Her home is closed; and were it open, the socket is hers alone. */
	cr_assert(chmod(ann.home, 0755) == 0);
	snprintf(path, sizeof(path), "%s/run", ann.home);
	cr_assert(chmod(path, 0755) == 0);
	snprintf(path, sizeof(path), "%s/run/mcpgw", ann.home);
	cr_assert(chmod(path, 0755) == 0);
	snprintf(path, sizeof(path), "%s/run/mcpgw/mcp.sock", ann.home);
	snprintf(bin, sizeof(bin), "%s/bin/mcpgw-stdio", g.build);
	cr_assert((pid = fork()) != -1);
	if (pid == 0) {
		close(0);		/* whatever takes its place is not the client */
		become(&bob, argv);
	}
	cr_assert(waitpid(pid, &status, 0) == pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == EX_NOPERM, "status %#x", (unsigned)status);
	SAYS(&ann, 0, "stopped", "stop");
	SAYS(&bob, 0, "stopped", "stop");
	gateway_remove(&g);
}

Test(personal, does_not_share_its_folders_with_a_second_one, .timeout = 60)
{
	struct gateway	g;
	struct person	p;
	char		other[400];

	gateway_make(&g);
	person_init(&p, &g, "me", 65534);
	put(&p, "other/servers.json", "{}", 0600);
	SAYS(&p, 0, "started", "start");
	snprintf(other, sizeof(other), "%s/other", p.home);
	SAYS(&p, 0, "already running", "-c", other, "start");
	SAYS(&p, EX_UNAVAILABLE, "in use by the gateway with pid", "-c", other, "-o", "run_dir=/nonexistent/../tmp/none",
	    "-o", "run_dir=$state_dir/run2", "start");
	SAYS(&p, 0, "stopped", "stop");
	gateway_remove(&g);
}

Test(personal, says_who_has_its_port_and_what_to_type, .timeout = 60)
{
	struct gateway	 g, other;
	struct person	 p;
	const char	*port;
	char		 listen[80], want[160];

	gateway_make(&g);
	person_init(&p, &g, "me", 65534);
	gateway_start(&other, &(struct gateway_setup){ .workers = 1 });
	cr_assert((port = strrchr(other.mcp, ':')) != NULL);
	snprintf(listen, sizeof(listen), "listen=127.0.0.1%s", port);
	/* Another user's descriptors cannot be looked at, so only root's own and the same user's are named. */
	snprintf(want, sizeof(want), "listen 127.0.0.1%s: in use", port);
	SAYS(&p, EX_OSERR, want, "-o", listen, "start");
	SAYS(&p, EX_OSERR, ". Choose another: mcpgwctl conf -e listen=127.0.0.1:", "-o", listen, "start");
	gateway_stop(&other);
	gateway_remove(&g);
}

/* A stand-in for systemd-run: notes its arguments and that it had our environment, and starts what stands behind
 * "--" in the background. */
#define FAKE_RUN									\
	"#!/bin/sh\n"									\
	"echo \"$*\" > \"$HOME/asked\"\n"						\
	"while [ \"$1\" != -- ]; do shift; done\n"					\
	"shift\n"									\
	"\"$@\" < /dev/null > \"$HOME/log\" 2>&1 &\n"					\
	"while ! [ -e \"$XDG_RUNTIME_DIR/mcpgw/ready\" ]; do sleep 0.05; done\n"

Test(personal, is_started_by_the_users_manager_where_there_is_one, .timeout = 60)
{
	struct gateway	g;
	struct person	p;
	char		path[1000];

	gateway_make(&g);
	person_init(&p, &g, "me", 65534);
	put(&p, "run/systemd/private", "", 0600);
	put(&p, "bin/systemd-run", FAKE_RUN, 0700);
	snprintf(path, sizeof(path), "%s/bin:/usr/bin:/bin", p.home);
	p.path = path;
	SAYS(&p, 0, "systemctl --user status mcpgw", "start");
	snprintf(path, sizeof(path), "grep -q -e '--unit=mcpgw .*--setenv=HOME.* -- .*/mcpgw -f -c ' '%s/asked'", p.home);
	cr_expect(system(path) == 0, "not asked as it should be");
	p.path = NULL;
	SAYS(&p, 0, "stopped", "stop");
	/* One that refuses costs a line, not the start. */
	put(&p, "bin/systemd-run", "#!/bin/sh\nexit 1\n", 0700);
	snprintf(path, sizeof(path), "%s/bin:/usr/bin:/bin", p.home);
	p.path = path;
	SAYS(&p, 0, "starting it without", "start");
	SAYS(&p, 0, "stopped", "stop");
	gateway_remove(&g);
}

Test(personal, finds_a_place_where_no_runtime_folder_is, .timeout = 60)
{
	struct gateway	g;
	struct person	p;

	if (geteuid() != 0)
		cr_skip_test("would be in the way of the user's own gateway");
	if (access("/run/user/65533", F_OK) == 0 || access("/tmp/mcpgw-run-65533", F_OK) == 0)
		cr_skip_test("somebody else uses /tmp/mcpgw-run-65533");
	gateway_make(&g);
	person_init(&p, &g, "me", 65533);
	p.runtime = "";
	SAYS(&p, 0, "started", "start");
	cr_expect(access("/tmp/mcpgw-run-65533/mcpgw/ctl.sock", F_OK) == 0);
	SAYS(&p, 0, "stopped", "stop");
	cr_expect(system("rm -r /tmp/mcpgw-run-65533") == 0);
	gateway_remove(&g);
}

Test(personal, is_not_what_root_or_system_means, .timeout = 30)
{
	struct gateway	g;
	struct person	p;

	gateway_make(&g);
	person_init(&p, &g, "me", 65534);
	SAYS(&p, EX_NOPERM, "start --system: only root can", "--system", "start");
	if (geteuid() == 0) {
		p.uid = 0;
		SAYS(&p, EX_NOPERM, "start --user: root has no gateway of its own", "--user", "start");
	}
	gateway_remove(&g);
}
