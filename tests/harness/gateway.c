/* SPDX-License-Identifier: Apache-2.0
 *
 * gateway.c - a real gateway in a private folder
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/exposition.h"
#include "tests/harness/gateway.h"

#define START_MS	20000
#define STOP_MS		45000
#define ARGS_MAX	40

static char *
read_file(const char *path)
{
	int	 fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t	 used = 0, room = 1 << 16;
	char	*text = malloc(room + 1);
	ssize_t	 n;

	while (fd != -1 && (n = read(fd, text + used, room - used)) > 0) {
		used += (size_t)n;
		if (used == room)
			text = realloc(text, (room *= 2) + 1);
	}
	if (fd != -1)
		close(fd);
	text[used] = '\0';
	return text;
}

static char *
fill_in(const struct gateway *g, const char *text)
{
	static const char	*const marks[] = { "@TOOLS@", "@DIR@" };
	char			 tools[300];
	const char		*with[] = { tools, g->dir };
	char			*out = strdup(text), *at, *next;

	snprintf(tools, sizeof(tools), "%s/tools", g->dir);
	for (int i = 0; i < 2; i++) {
		while ((at = strstr(out, marks[i])) != NULL) {
			cr_assert(asprintf(&next, "%.*s%s%s", (int)(at - out), out, with[i],
			    at + strlen(marks[i])) > 0);
			free(out);
			out = next;
		}
	}
	return out;
}

void
gateway_write(struct gateway *g, const char *name, const char *text)
{
	char	 path[512], new[520], *filled = fill_in(g, text);
	size_t	 n = strlen(filled);
	int	 fd;

	snprintf(path, sizeof(path), "%s/etc/%s", g->dir, name);
	for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		snprintf(new, sizeof(new), "%s/etc/%.*s", g->dir, (int)(slash - name), name);
		cr_assert(mkdir(new, 0755) == 0 || errno == EEXIST);
	}
	snprintf(new, sizeof(new), "%s.new", path);
	fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	cr_assert(fd != -1, "%s: %s", new, strerror(errno));
	cr_assert(write(fd, filled, n) == (ssize_t)n);
	close(fd);
	cr_assert(rename(new, path) == 0);
	free(filled);
}

char *
gateway_file(const struct gateway *g, const char *name)
{
	char	path[512];

	snprintf(path, sizeof(path), "%s/etc/%s", g->dir, name);
	return read_file(path);
}

char *
gateway_log(const struct gateway *g)
{
	char	path[512];

	snprintf(path, sizeof(path), "%s/log", g->dir);
	return read_file(path);
}

size_t
gateway_log_bytes(const struct gateway *g)
{
	char	*log = gateway_log(g);
	size_t	 n = strlen(log);

	free(log);
	return n;
}

size_t
gateway_logged(const struct gateway *g, const char *text)
{
	char	*log = gateway_log(g);
	size_t	 n = 0;

	for (const char *p = log; (p = strstr(p, text)) != NULL; p += strlen(text))
		n++;
	free(log);
	return n;
}

/* ---- start and stop -------------------------------------------------------------------------------- */

static bool
is_ready(void *arg)
{
	struct gateway	*g = arg;
	char		 path[512];

	if (waitpid(g->pid, &g->status, WNOHANG) != 0) {
		g->pid = 0;
		return true;		/* it ended: told apart by pid */
	}
	snprintf(path, sizeof(path), "%s/run/ready", g->dir);
	return access(path, F_OK) == 0;
}

static void
read_ready(struct gateway *g)
{
	char	path[512], *text, *save = NULL;
	size_t	tls = 0;

	snprintf(path, sizeof(path), "%s/run/ready", g->dir);
	text = read_file(path);
	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		char *address = strchr(line, ' ');

		if (address == NULL)
			continue;
		*address++ = '\0';
		if (strcmp(line, "tls") == 0 && tls < sizeof(g->tls) / sizeof(g->tls[0]))
			snprintf(g->tls[tls++], sizeof(g->tls[0]), "tls:%s", address);
		else if (strcmp(line, "mcp") == 0)
			snprintf(g->mcp, sizeof(g->mcp), "%s", address);
		else if (strcmp(line, "admin") == 0)
			snprintf(g->admin, sizeof(g->admin), "%s", address);
		else if (strcmp(line, "local") == 0)
			snprintf(g->local, sizeof(g->local), "%s", address);
	}
	free(text);
}

int
gateway_forbid_namespaces(void)
{
	struct sock_filter	code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog	program = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

bool
gateway_try_start(struct gateway *g)
{
	char	program[320], conf[320], path[512];
	int	fd;

	snprintf(program, sizeof(program), "%s/bin/mcpgw", g->build);
	snprintf(conf, sizeof(conf), "%s/etc", g->dir);
	snprintf(path, sizeof(path), "%s/run/ready", g->dir);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/log", g->dir);
	g->pid = fork();
	cr_assert(g->pid != -1);
	if (g->pid == 0) {
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
		dup2(fd, 1);
		dup2(fd, 2);
		if ((g->user_ns > 0 && setns(g->user_ns, CLONE_NEWUSER) == -1) ||
		    (g->net_ns > 0 && setns(g->net_ns, CLONE_NEWNET) == -1))
			_exit(126);
		prctl(PR_SET_PDEATHSIG, SIGTERM);	/* a test that crashes leaves nothing running */
		if (g->no_namespaces && gateway_forbid_namespaces() != 0)
			_exit(126);
		execl(program, "mcpgw", "-f", "-c", conf, (char *)NULL);
		_exit(127);
	}
	if (!wait_until(is_ready, g, START_MS) || g->pid == 0)
		return false;
	read_ready(g);
	return true;
}

void
gateway_start_again(struct gateway *g)
{
	char	*log;

	if (gateway_try_start(g))
		return;
	log = gateway_log(g);
	cr_assert(false, "the gateway did not start: %s, status %#x: %s", g->pid == 0 ? "it ended" : "not ready in time",
	    g->status, log);
}

/* Started as root a tool's user cannot reach a build folder below /root, so the tools move. */
static void
copy_tools(const struct gateway *g)
{
	static const char	*const tools[] = { "demo/mcpgw-demo-clock", "demo/mcpgw-demo-notes",
		"tests/lying-server", "tests/listing-server", "tests/objects-server", "tests/asking-server",
		"tests/changing-server", "tests/tasking-server", "tests/escaping-server", "tests/leaving-server",
		"tests/native-tool", "tests/counting-server", "tests/witness-server",
		"tests/reaching-server", "tests/swapping-server", "tests/echoing-server",
		"tests/escape/mcpgw-selftest-attempt" };
	char			 command[1024];

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		snprintf(command, sizeof(command), "install -D -m 755 '%s/%s' '%s/tools/%s'", g->build,
		    tools[i], g->dir, tools[i]);
		cr_assert(system(command) == 0, "%s", command);
	}
	snprintf(command, sizeof(command), "chmod -R a+rX '%s/tools'", g->dir);
	cr_assert(system(command) == 0);
}

void
gateway_make(struct gateway *g)
{
	const char	*tmp = getenv("TMPDIR"), *build = getenv("BUILD");
	char		 path[512];

	*g = (struct gateway){ .pid = 0 };
	cr_assert(realpath(build == NULL ? "build" : build, g->build) != NULL, "no build folder");
	snprintf(g->dir, sizeof(g->dir), "%s/mcpgw-test.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	cr_assert(mkdtemp(g->dir) != NULL);
	/* Started as root the children have users of their own. */
	cr_assert(chmod(g->dir, 0755) == 0);
	snprintf(path, sizeof(path), "%s/etc", g->dir);
	cr_assert(mkdir(path, 0755) == 0);
	copy_tools(g);
}

void
gateway_start(struct gateway *g, const struct gateway_setup *setup)
{
	char	*conf;

	gateway_make(g);
	g->no_namespaces = setup->no_namespaces;
	g->user_ns = setup->user_ns;
	g->net_ns = setup->net_ns;
	cr_assert(asprintf(&conf, "listen = %s\nadmin_listen = 127.0.0.1:0\nworkers = %u\nstate_dir = %s/state\n"
	    "run_dir = %s/run\nwatch = no\n%s", setup->listen == NULL ? "127.0.0.1:0" : setup->listen,
	    setup->workers == 0 ? 2 : setup->workers,
	    g->dir, g->dir, setup->conf == NULL ? "" : setup->conf) > 0);
	gateway_write(g, "mcpgw.conf", conf);
	free(conf);
	gateway_write(g, "servers.json", setup->servers == NULL ? "{\"mcpServers\":{}}" : setup->servers);
	gateway_write(g, "rules.json", setup->rules == NULL ? "{\"agents\":{}}" : setup->rules);
	if (setup->tools != NULL)
		gateway_write(g, "tools.d/native.yaml", setup->tools);
	if (setup->before != NULL)
		setup->before(g);
	gateway_start_again(g);
}

struct ending {
	pid_t	pid;
	int	status;
	bool	ended;
};

static bool
has_ended(void *arg)
{
	struct ending	*e = arg;

	e->ended = waitpid(e->pid, &e->status, WNOHANG) == e->pid;
	return e->ended;
}

void
gateway_stop_keep(struct gateway *g)
{
	struct procs	*procs = malloc(sizeof(*procs));
	struct ending	 e = { .pid = g->pid };
	char		*log;

	gateway_procs(g, procs);
	cr_assert(kill(g->pid, SIGTERM) == 0);
	if (!wait_until(has_ended, &e, STOP_MS)) {
		kill(g->pid, SIGKILL);
		waitpid(g->pid, NULL, 0);
		cr_expect(false, "the gateway did not stop");
	} else {
		cr_expect(WIFEXITED(e.status) && WEXITSTATUS(e.status) == 0, "stopped with status %#x", e.status);
	}
	g->pid = 0;
	cr_expect(procs_wait_gone(procs, 3000), "processes are left");
	free(procs);
	log = gateway_log(g);
	/* Sanitizers speak on stderr; a child's abort is in the log of the master. */
	cr_expect(strstr(log, "Sanitizer") == NULL && strstr(log, "runtime error") == NULL, "%s", log);
	free(log);
}

void
gateway_remove(struct gateway *g)
{
	char	command[300];

	if (getenv("TEST_KEEP") != NULL) {
		cr_log_warn("kept: %s", g->dir);
		return;
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", g->dir);
	cr_expect(system(command) == 0);
}

void
gateway_stop(struct gateway *g)
{
	gateway_stop_keep(g);
	gateway_remove(g);
}

double
gateway_metric(const struct gateway *g, const char *series)
{
	struct answer	a;
	double		value;

	client_once(g->admin, "GET", "/metrics", "", NULL, &a);
	value = exposition_value(a.body, series);
	answer_fini(&a);
	return value;
}

void
gateway_procs(const struct gateway *g, struct procs *out)
{
	procs_below(g->pid, out);
}

size_t
gateway_deaths(const struct procs *before)
{
	static const char	*const names[] = { "mcpgw-worker", "mcpgw-audit", "mcpgw-store", "mcpgw-admin" };
	struct procs		*one = malloc(sizeof(*one));
	const struct proc	*p;
	size_t			 deaths = 0;
	bool			 lasts;

	one->count = 1;
	for (size_t i = 0; i < before->count; i++) {
		p = &before->all[i];
		lasts = i == 0;			/* the master; its forks bear its name until they exec */
		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
			lasts |= strcmp(p->name, names[n]) == 0;
		one->all[0] = *p;
		if (lasts && procs_alive(one) == 0) {
			cr_log_error("%s has died", p->name);
			deaths++;
		}
	}
	free(one);
	return deaths;
}

/* ---- mcpgwctl --------------------------------------------------------------------------------------- */

int
gateway_ctl(const struct gateway *g, char **out, bool both, ...)
{
	const char	*argv[ARGS_MAX + 1] = { "mcpgwctl", "-c" };
	char		 program[320], conf[320], *text = malloc(1), chunk[65536];
	size_t		 n = 2, used = 0;
	int		 pipes[2], status;
	ssize_t		 got;
	pid_t		 pid;
	va_list		 ap;

	snprintf(program, sizeof(program), "%s/bin/mcpgwctl", g->build);
	snprintf(conf, sizeof(conf), "%s/etc", g->dir);
	argv[n++] = conf;
	va_start(ap, both);
	while (n < ARGS_MAX && (argv[n] = va_arg(ap, const char *)) != NULL)
		n++;
	va_end(ap);
	cr_assert(pipe2(pipes, O_CLOEXEC) == 0);
	cr_assert((pid = fork()) != -1);
	if (pid == 0) {
		dup2(pipes[1], 1);
		if (both)
			dup2(pipes[1], 2);
		execv(program, (char *const *)argv);
		_exit(127);
	}
	close(pipes[1]);
	while ((got = read(pipes[0], chunk, sizeof(chunk))) > 0) {
		text = realloc(text, used + (size_t)got + 1);
		memcpy(text + used, chunk, (size_t)got);
		used += (size_t)got;
	}
	close(pipes[0]);
	text[used] = '\0';
	cr_assert(waitpid(pid, &status, 0) == pid);
	if (out != NULL)
		*out = text;
	else
		free(text);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const char *
gateway_key(const struct gateway *g, const char *agent)
{
	static char	 key[256];
	char		*out;
	int		 r = gateway_ctl(g, &out, false, "key", "add", "--agent", agent, "--force", NULL);

	cr_assert(r == 0, "key add: exit %d: %s", r, out);
	snprintf(key, sizeof(key), "%.*s", (int)strcspn(out, "\n"), out);
	cr_assert(strncmp(key, "mgk_", 4) == 0, "key add printed: %s", out);
	free(out);
	return key;
}

static json_object *
audit_of(const struct gateway *g, bool admin)
{
	json_object	*all = json_object_new_array(), *one;
	char		*out, *save = NULL;
	int		 r = gateway_ctl(g, &out, false, "--json", "audit", "list", NULL);

	cr_assert(r == 0, "audit list: exit %d: %s", r, out);
	for (char *line = strtok_r(out, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		one = json_tokener_parse(line);
		cr_assert(one != NULL, "not a line of JSON: %s", line);
		if ((strcmp(json_text_at(one, "kind"), "admin") == 0) == admin)
			json_object_array_add(all, one);
		else
			json_object_put(one);
	}
	free(out);
	return all;
}

json_object *
gateway_audit(const struct gateway *g)
{
	return audit_of(g, false);
}

json_object *
gateway_audit_admin(const struct gateway *g)
{
	return audit_of(g, true);
}

size_t
audit_count(json_object *records, const char *member, const char *value)
{
	size_t	n = 0;

	for (size_t i = 0; i < json_object_array_length(records); i++)
		n += strcmp(json_text_at(json_object_array_get_idx(records, i), member), value) == 0;
	return n;
}

bool
is_sanitized(const struct gateway *g)
{
	return strstr(g->build, "address") != NULL;
}

int
patience(const struct gateway *g, int ms)
{
	return is_sanitized(g) ? ms * 5 : ms;
}

/* ---- what this machine can ------------------------------------------------------------------------- */

bool
jails_possible(void)
{
	pid_t	pid = fork();
	int	status;

	if (pid == 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET) == -1 ||
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
			_exit(1);
		_exit(0);
	}
	return pid != -1 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
