/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_server_login.c - server login, server logout: somebody gives the gateway a token for a server, or takes it back
 *
 * Process: mcpgwctl.
 * Owns:    the port that the browser comes back to.
 * Trusts:  mcpgw-scout, which asks the authorization server and judges what the browser brings; no token and no secret
 *          ever comes here.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/known.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/redirect.h"
#include "lib/clock.h"
#include "lib/form.h"
#include "lib/log.h"
#include "policy/policy.h"

#define WAIT_MS		(9 * 60000)	/* less than mcpgw-scout waits */
#define URL_BYTES	(16 * 1024)

struct told {
	char	text[URL_BYTES], issuer[2048 + 1];
};

static void
take_told(uint16_t type, const union msg_any *body, int *fds, void *arg)
{
	struct told	*t = arg;

	(void)fds;
	if (type != MSG_TYPE_CTL_LOGIN)
		return;
	snprintf(t->text, sizeof(t->text), "%.*s", SPAN_FMT(body->CTL_LOGIN.text));
	snprintf(t->issuer, sizeof(t->issuer), "%.*s", SPAN_FMT(body->CTL_LOGIN.issuer));
}

static int
tell(struct ctl *ctl, enum ctl_number command, uint64_t what, const char *server, const char *tenant,
    struct span argument, struct told *out)
{
	struct msg_CTL	msg = { .command = command, .a = span_of(server), .b = span_of(tenant), .c = argument,
			    .n = what };
	struct ask	a;
	int		r;

	*out = (struct told){ .text = "" };
	if ((r = ask_open(ctl, &a, true)) != 0)
		return r;
	ask_send(&a, MSG_TYPE_CTL, &msg, NULL, 0);
	r = ask_wait(&a, take_told, out);
	ask_close(&a);
	return r;
}

/* Where the authorization server will send the browser: the operator may have written another place. */
static int
follow(struct redirect *re, const char *url)
{
	const char	*query = strchr(url, '?');
	struct arena	 a;
	struct span	 uri;
	int		 r = EX_PROTOCOL;

	arena_init(&a, NULL, 0, 2 * URL_BYTES);
	if (query != NULL && form_find(span_of(query + 1), "redirect_uri", &a, &uri) == 0 && uri.n > 0)
		r = redirect_move(re, uri);
	arena_fini(&a);
	return r;
}

/* Only where somebody sits, and not as root: a browser is a large program. */
static void
open_browser(char *url)
{
	char *const	argv[] = { (char[]){ "xdg-open" }, url, NULL };
	pid_t		pid;
	int		null;

	if (!isatty(STDOUT_FILENO) || geteuid() == 0)
		return;
	if ((pid = fork()) != 0) {
		if (pid > 0)
			(void)waitpid(pid, NULL, 0);
		return;
	}
	/* Twice, so that nobody has to wait for it. */
	if (fork() == 0 && setsid() != -1 && (null = open("/dev/null", O_RDWR)) != -1) {
		(void)dup2(null, 0);
		(void)dup2(null, 1);
		(void)dup2(null, 2);
		(void)execvp(argv[0], argv);
	}
	_exit(0);
}

static void
print_url(const struct ctl *ctl, const char *server, const struct told *t)
{
	char	shown[URL_BYTES], issuer[sizeof(t->issuer)];

	if (ctl->json) {
		out_json_begin();
		out_json_text("server", span_of(server));
		out_json_text("issuer", span_of(t->issuer));
		out_json_text("url", span_of(t->text));
		out_json_end();
	} else {
		fprintf(stderr, "%s: log in at %s, in a browser on this machine:\n", server,
		    out_clean(span_of(t->issuer), issuer, sizeof(issuer)));
		printf("%s\n", out_clean(span_of(t->text), shown, sizeof(shown)));
	}
	(void)fflush(stdout);
}

/* What comes back may be anybody's until mcpgw-scout says that it belongs to this login. */
static int
wait_for_browser(struct ctl *ctl, struct redirect *re, const char *server, const char *account, const char *tenant)
{
	uint64_t	until = clock_mono_ms() + WAIT_MS;
	struct span	query;
	struct told	t;
	int		r;

	for (;;) {
		if ((r = redirect_wait(re, until, &query)) != 0) {
			out_error("%s: nobody came back from the browser", server);
			return r;
		}
		r = tell(ctl, CTLCMD_server_login, LOGIN_END, account, tenant, query, &t);
		redirect_answer(re, r == 0, r == 0 ? "The gateway is logged in. This page may be closed." :
		    "The gateway is not logged in. Why not is said where the login was begun.");
		if (r != EX_NOPERM)
			break;
	}
	if (r != 0)
		return r;
	if (ctl->json) {
		out_json_begin();
		out_json_text("server", span_of(server));
		out_json_text("issuer", span_of(t.issuer));
		out_json_bool("logged_in", true);
		out_json_end();
	} else {
		printf("%s is logged in, at %s\n", server, out_clean(span_of(t.issuer), t.issuer, sizeof(t.issuer)));
	}
	return 0;
}

/* The server, or one principal's login there, as the scout takes it. */
static const char *
account_of(const char *server, const char *who, char *to, size_t room)
{
	if (who == NULL)
		return server;
	snprintf(to, room, "%s\n%s", server, who);
	return to;
}

/* Of what is in force, before mcpgw-scout is asked, which runs where somebody needs it.  0, or the exit code, said. */
static int
check_server(struct ctl *ctl, const char *tenant, const char *name)
{
	const struct rec_server	*server;
	struct snap		*s = NULL;
	int			 r;

	if (known_missing(ctl, KNOWN_TENANT, "", tenant) || known_missing(ctl, KNOWN_SERVER, tenant, name))
		return EX_DATAERR;
	if ((r = ask_simple(ctl, CTLCMD_explain, NULL, ask_take_snapshot, &s, NULL)) == 0 && s != NULL &&
	    (server = policy_server_find(s, span_of(tenant), span_of(name))) != NULL &&
	    (server->flags & SERVER_FLAG_AUTH) == 0) {
		out_error("%s: nobody has to log in there: it has no \"auth\"; see mcpgw-servers(5)", name);
		r = EX_DATAERR;
	}
	snap_release(&s);
	return r;
}

int
cmd_server_login(struct ctl *ctl, int argc, char **argv)
{
	const char		*tenant = "default", *who = NULL, *account;
	char			 room[2048];
	bool			 no_browser = false;
	const struct opt	 rows[] = { { "--tenant", &tenant, NULL }, { "--as", &who, NULL },
	    { "--no-browser", NULL, &no_browser }, { NULL, NULL, NULL } };
	static struct redirect	 re;
	static struct told	 t;
	int			 r;

	(void)opts_take(rows, argc, argv, 1, 1);
	account = account_of(argv[0], who, room, sizeof(room));
	if ((r = check_server(ctl, tenant, argv[0])) == 0 && (r = redirect_open(&re)) == 0 &&
	    (r = tell(ctl, CTLCMD_server_login, LOGIN_BEGIN, account, tenant, span_of(re.url), &t)) == 0 &&
	    (r = follow(&re, t.text)) == 0) {
		print_url(ctl, argv[0], &t);
		if (!no_browser)
			open_browser(t.text);
		r = wait_for_browser(ctl, &re, argv[0], account, tenant);
	}
	redirect_close(&re);
	return out_end(r);
}

int
cmd_server_logout(struct ctl *ctl, int argc, char **argv)
{
	const char		*tenant = "default", *who = NULL;
	const struct opt	 rows[] = { { "--tenant", &tenant, NULL }, { "--as", &who, NULL },
	    { NULL, NULL, NULL } };
	char			 room[2048];
	static struct told	 t;
	int			 r;

	(void)opts_take(rows, argc, argv, 1, 1);
	if ((r = check_server(ctl, tenant, argv[0])) != 0 || (r = tell(ctl, CTLCMD_server_logout, 0,
	    account_of(argv[0], who, room, sizeof(room)), tenant, SPAN_NONE, &t)) != 0)
		return out_end(r);
	if (ctl->json) {
		out_json_begin();
		out_json_text("server", span_of(argv[0]));
		out_json_bool("logged_in", false);
		out_json_bool("revoked", t.text[0] == '\0');
		if (t.text[0] != '\0')
			out_json_text("why", span_of(t.text));
		out_json_end();
	} else if (t.text[0] == '\0') {
		printf("%s is logged out, here and at the authorization server\n", argv[0]);
	} else {
		printf("%s is logged out here; the authorization server may know the login until it ends there: %s\n",
		    argv[0], out_clean(span_of(t.text), t.text, sizeof(t.text)));
	}
	return out_end(0);
}
