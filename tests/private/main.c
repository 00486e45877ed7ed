/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - a private gateway (ctl/private.h) as a program, for tests of it
 *
 * private-gateway CONFDIR SERVERS.JSON SERVER [TOOL]: prints the folder, then the server's list of tools, then what
 * a call of TOOL answers; with "wait" for a tool it waits to be killed.  What PRIVATE_ALSO names goes with the gateway.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/files/replace.h"
#include "ctl/mcpclient.h"
#include "ctl/private.h"
#include "lib/log.h"

static int
ask(struct private *p, const char *server, const char *method, const char *tool)
{
	char			target[256], params[256] = "";
	struct mcp_question	q = { .target = target, .method = method, .name = tool };
	struct mcp_answer	a;
	int			r;

	if (mcp_server_target(server, target, sizeof(target)) != 0)
		return 64;
	if (tool != NULL)
		snprintf(params, sizeof(params), "\"name\": \"%s\", \"arguments\": {}", tool);
	q.params = span_of(params);
	if ((r = mcp_ask(private_ctl(p), &q, &a)) != 0)
		return r;
	if (a.result.type == JSON_OBJECT)
		printf("%.*s\n", SPAN_FMT(a.result.raw));
	else
		r = mcp_say_error(private_ctl(p), &q, &a);
	mcp_answer_fini(&a);
	return r;
}

int
main(int argc, char **argv)
{
	struct ctl		ctl = { .config_given = argc > 1 ? argv[1] : NULL };
	struct private_setup	setup = { .secrets = &(const struct private_secret){ "WORD", SPAN_LIT("open sesame\n") },
				    .secret_count = 1, .also = getenv("PRIVATE_ALSO") };
	struct private		*p;
	char			*servers;
	size_t			 bytes;
	int			 r;

	log_init("private-gateway", STDERR_FILENO, LOG_FORM_PLAIN);
	signal(SIGPIPE, SIG_IGN);
	if (argc < 4 || where_init(&ctl.where, geteuid() == 0) != 0 || replace_read(argv[2], &servers, &bytes) != 0)
		return 64;
	setup.servers = servers;
	if ((r = private_start(&ctl, &setup, &p)) != 0)
		return r;
	printf("%s\n", private_folder(p));
	fflush(stdout);
	r = ask(p, argv[3], "tools/list", NULL);
	fflush(stdout);
	if (r == 0 && argc > 4 && strcmp(argv[4], "wait") == 0)
		pause();
	else if (r == 0 && argc > 4)
		r = ask(p, argv[3], "tools/call", argv[4]);
	fflush(stdout);
	private_stop(&p);
	free(servers);
	return r;
}
