/* SPDX-License-Identifier: Apache-2.0
 *
 * bridge.c - mcpgw-stdio as a client starts it: a command with pipes
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/bridge.h"
#include "tests/harness/mcp.h"
#include "tests/harness/procs.h"

#define NOBODY 65534

void
bridge_start(struct bridge *b, const struct gateway *g, const char *arg1, const char *arg2)
{
	char	program[320], conf[320];
	int	in[2], out[2], err[2];

	*b = (struct bridge){ .pid = 0 };
	snprintf(program, sizeof(program), "%s/bin/mcpgw-stdio", g->build);
	snprintf(conf, sizeof(conf), "%s/etc", g->dir);
	signal(SIGPIPE, SIG_IGN);
	cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
	cr_assert((b->pid = fork()) != -1);
	if (b->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		signal(SIGPIPE, SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(program, "mcpgw-stdio", "-c", conf, arg1, arg2, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	b->in = in[1];
	b->out = out[0];
	b->err = err[0];
	fcntl(b->err, F_SETFL, O_NONBLOCK);
}

/* What is there already stays. */
static void
own_folder(const struct gateway *g, const char *name, const char *variable)
{
	char	path[320];

	snprintf(path, sizeof(path), "%s/%s", g->dir, name);
	if (mkdir(path, 0700) == 0 && geteuid() == 0)
		cr_assert(chown(path, NOBODY, NOBODY) == 0);
	setenv(variable, path, 1);
}

static void
environment(const struct gateway *g, char *const env[])
{
	static const char *const xdg[][2] = { { "home", "HOME" }, { "rt", "XDG_RUNTIME_DIR" },
		{ "home/config", "XDG_CONFIG_HOME" }, { "home/state", "XDG_STATE_HOME" },
		{ "home/cache", "XDG_CACHE_HOME" } };

	for (size_t i = 0; i < sizeof(xdg) / sizeof(xdg[0]); i++)
		own_folder(g, xdg[i][0], xdg[i][1]);
	for (; env != NULL && *env != NULL; env++)
		putenv(*env);
}

void
bridge_start_in(struct bridge *b, const struct gateway *g, const char *folder, char *const env[], char *const args[])
{
	char	 program[320], *argv[16] = { program };
	int	 in[2], out[2], err[2];

	*b = (struct bridge){ .pid = 0 };
	snprintf(program, sizeof(program), "%s/bin/mcpgw-stdio", g->build);
	for (size_t i = 0; args != NULL && args[i] != NULL && i < 14; i++)
		argv[i + 1] = args[i];
	signal(SIGPIPE, SIG_IGN);
	cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
	cr_assert((b->pid = fork()) != -1);
	if (b->pid == 0) {
		environment(g, env);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		signal(SIGPIPE, SIG_DFL);
		if (chdir(folder) == -1 || (geteuid() == 0 && (setgroups(0, NULL) == -1 ||
		    setresgid(NOBODY, NOBODY, NOBODY) == -1 || setresuid(NOBODY, NOBODY, NOBODY) == -1)))
			_exit(126);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execv(program, argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	b->in = in[1];
	b->out = out[0];
	b->err = err[0];
	fcntl(b->err, F_SETFL, O_NONBLOCK);
}

static void
write_all(int fd, const char *p, size_t n)
{
	ssize_t	w;

	while (n > 0) {
		if ((w = write(fd, p, n)) == -1 && errno != EINTR)
			return;
		if (w > 0) {
			p += w;
			n -= (size_t)w;
		}
	}
}

void
bridge_say(struct bridge *b, const char *line)
{
	write_all(b->in, line, strlen(line));
	write_all(b->in, "\n", 1);
}

static void
ask(struct bridge *b, const char *id, const char *method, const char *params)
{
	char	*line;

	cr_assert(asprintf(&line, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"%s\"%s%s}", id, method,
	    params == NULL ? "" : ",\"params\":", params == NULL ? "" : params) > 0);
	bridge_say(b, line);
	free(line);
}

void
bridge_ask(struct bridge *b, const char *id, const char *method, const char *params)
{
	ask(b, id, method, params);
}

void
bridge_ask_modern(struct bridge *b, const char *id, const char *method, const char *params)
{
	char	*all;

	cr_assert(asprintf(&all, "{\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" MODERN_VERSION "\","
	    "\"io.modelcontextprotocol/clientCapabilities\":{}}%s%s", params == NULL ? "}" : ",",
	    params == NULL ? "" : params + 1) > 0);
	ask(b, id, method, all);
	free(all);
}

json_object *
bridge_hear(struct bridge *b, int ms)
{
	long	until = now_ms() + ms;

	for (;;) {
		char	*lf = b->heard_bytes == 0 ? NULL : memchr(b->heard, '\n', b->heard_bytes);
		struct pollfd p = { b->out, POLLIN, 0 };
		long	 left = until - now_ms();
		ssize_t	 n;

		if (lf != NULL) {
			json_object *o;

			*lf = '\0';
			o = json_tokener_parse(b->heard);
			if (o == NULL)
				cr_log_error("not JSON: %.300s", b->heard);
			b->heard_bytes -= (size_t)(lf + 1 - b->heard);
			memmove(b->heard, lf + 1, b->heard_bytes);
			return o;
		}
		if (left <= 0 || poll(&p, 1, (int)left) != 1)
			return NULL;
		cr_assert((b->heard = realloc(b->heard, b->heard_bytes + (1 << 20))) != NULL);
		if ((n = read(b->out, b->heard + b->heard_bytes, 1 << 20)) <= 0)
			return NULL;
		b->heard_bytes += (size_t)n;
	}
}

bool
bridge_initialize(struct bridge *b)
{
	json_object	*o;
	bool		 well;

	bridge_ask(b, "0", "initialize", "{\"protocolVersion\":\"" LEGACY_VERSION "\",\"capabilities\":{},"
	    "\"clientInfo\":{\"name\":\"test\",\"version\":\"1\"}}");
	o = bridge_hear(b, 10000);
	well = strcmp(json_text_at(o, "result.protocolVersion"), LEGACY_VERSION) == 0;
	json_object_put(o);
	bridge_say(b, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
	return well;
}

int
bridge_end(struct bridge *b, int ms)
{
	long	until = now_ms() + ms;
	int	status;

	if (b->in != -1)
		close(b->in);
	b->in = -1;
	while (waitpid(b->pid, &status, WNOHANG) == 0) {
		if (now_ms() > until) {
			kill(b->pid, SIGKILL);
			waitpid(b->pid, NULL, 0);
			return -1;
		}
		sleep_ms(5);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

char *
bridge_stderr(struct bridge *b)
{
	char	*text = calloc(1, 65537);
	size_t	 used = 0;
	ssize_t	 n;

	while (used < 65536 && (n = read(b->err, text + used, 65536 - used)) > 0)
		used += (size_t)n;
	return text;
}

void
bridge_fini(struct bridge *b)
{
	if (b->in != -1)
		close(b->in);
	close(b->out);
	close(b->err);
	free(b->heard);
}
