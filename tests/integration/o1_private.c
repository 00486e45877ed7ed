/* SPDX-License-Identifier: Apache-2.0
 *
 * o1_private.c - a gateway for the length of one command serves, and leaves nothing however that ends
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/common.h"

#define ENDS_MS	20000

TestSuite(private, .timeout = 120);

/* Starts tests/private-gateway about a real gateway's folder, and reads the first line: its folder. */
static pid_t
run(const struct gateway *g, const char *what, FILE **out, char *folder, size_t room)
{
	char	program[400], etc[300], servers[300], *argv[] = { program, etc, servers, (char[]){ "clock" },
		    (char *)what, NULL };
	int	pipes[2];
	pid_t	pid;

	snprintf(program, sizeof(program), "%s/tests/private-gateway", g->build);
	snprintf(etc, sizeof(etc), "%s/etc", g->dir);
	snprintf(servers, sizeof(servers), "%s/etc/private.json", g->dir);
	cr_assert(pipe(pipes) == 0);
	if ((pid = fork()) == 0) {
		dup2(pipes[1], 1);
		dup2(pipes[1], 2);
		close(pipes[0]);
		close(pipes[1]);
		execv(program, argv);
		_exit(127);
	}
	close(pipes[1]);
	*out = fdopen(pipes[0], "r");
	cr_assert(fgets(folder, (int)room, *out) != NULL, "nothing was printed");
	folder[strcspn(folder, "\n")] = '\0';
	return pid;
}

static bool
is_gone(void *folder)
{
	return access(folder, F_OK) != 0;
}

static const char	servers[] = "{\"mcpServers\": {\"clock\": {\"command\": \"@TOOLS@/demo/mcpgw-demo-clock\", "
			    "\"env\": {\"WORD\": \"${secret:WORD}\"}}}}";

static void
setup(struct gateway *g)
{
	const struct gateway_setup	nothing = { .workers = 1 };

	gateway_start(g, &nothing);
	gateway_write(g, "private.json", servers);
}

Test(private, serves_beside_the_real_one_and_leaves_nothing)
{
	struct gateway	g;
	char		folder[512], line[65536];
	FILE		*out;
	int		 status;
	pid_t		 pid;

	NEEDS_JAILS();
	setup(&g);
	pid = run(&g, "now", &out, folder, sizeof(folder));
	cr_assert(strncmp(folder, g.dir, strlen(g.dir)) == 0, "not beside the real one's state: %s", folder);
	cr_assert(fgets(line, sizeof(line), out) != NULL && strstr(line, "\"name\":\"now\"") != NULL, "%s", line);
	cr_assert(fgets(line, sizeof(line), out) != NULL && strstr(line, "\"utc\"") != NULL, "%s", line);
	fclose(out);
	cr_assert(waitpid(pid, &status, 0) == pid);
	cr_expect(eq(int, status, 0));
	cr_expect(is_gone(folder));
	gateway_stop(&g);
}

Test(private, ends_with_a_command_that_was_killed)
{
	struct gateway	g;
	struct procs	*procs = malloc(sizeof(*procs));
	char		folder[512], line[65536], also[300], file[320];
	FILE		*out;
	pid_t		 pid;

	NEEDS_JAILS();
	setup(&g);
	snprintf(also, sizeof(also), "%s/also", g.dir);
	snprintf(file, sizeof(file), "%s/token", also);
	cr_assert(mkdir(also, 0700) == 0 && (out = fopen(file, "we")) != NULL && fclose(out) == 0);
	setenv("PRIVATE_ALSO", also, 1);
	pid = run(&g, "wait", &out, folder, sizeof(folder));
	cr_assert(fgets(line, sizeof(line), out) != NULL && strstr(line, "\"name\":\"now\"") != NULL, "%s", line);
	procs_below(pid, procs);
	cr_assert(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	cr_expect(procs->count > 5, "%zu processes", procs->count);
	cr_expect(procs_wait_gone(procs, patience(&g, ENDS_MS)), "processes are left");
	cr_expect(wait_until(is_gone, folder, patience(&g, ENDS_MS)), "%s is left", folder);
	cr_expect(wait_until(is_gone, also, patience(&g, ENDS_MS)), "what goes with it is left");
	fclose(out);
	free(procs);
	gateway_stop(&g);
}

Test(private, says_why_it_does_not_start)
{
	struct gateway	g;
	char		line[4096];
	FILE		*out;
	int		 status;
	pid_t		 pid;

	setup(&g);
	gateway_write(&g, "private.json", "{\"mcpServers\": {\"clock\": {\"comand\": \"x\"}}}");
	pid = run(&g, NULL, &out, line, sizeof(line));
	cr_expect(strstr(line, "servers.json:1:") != NULL && strstr(line, "comand") != NULL, "%s", line);
	fclose(out);
	cr_assert(waitpid(pid, &status, 0) == pid);
	cr_expect(eq(int, WEXITSTATUS(status), 69));
	gateway_stop(&g);
}
