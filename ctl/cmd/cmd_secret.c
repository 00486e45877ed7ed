/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_secret.c - secret set, secret list, secret remove: values that stand in no configuration file
 *
 * Process: mcpgwctl.
 * Owns:    a value, until it is in its file; then it is wiped.
 * Trusts:  nobody with a value: it comes from stdin or from a terminal that does not show it, never from the command
 *          line, and is never printed.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/files/pending.h"
#include "ctl/files/secrets.h"
#include "ctl/files/secretuse.h"
#include "ctl/files/settings.h"
#include "ctl/folders.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/secretfile.h"

/* ---- the value ------------------------------------------------------------------------------------ */

static struct termios	 shown;		/* the terminal as it was, while it shows nothing */
static volatile sig_atomic_t is_hidden;

static void
show_again(void)
{
	if (is_hidden)
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	is_hidden = 0;
}

static void
on_signal(int number)
{
	show_again();
	signal(number, SIG_DFL);
	raise(number);
}

/* One line that is not shown. */
static void
hide(const char *name)
{
	struct termios	hidden;

	fprintf(stderr, "Value of %s (not shown): ", name);
	if (tcgetattr(STDIN_FILENO, &shown) == -1)
		return;
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	is_hidden = 1;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
}

/* Answers its length, without the end of its line. */
static size_t
value_read(const char *name, char value[SECRETS_VALUE_MAX + 2])
{
	const bool	terminal = isatty(STDIN_FILENO);
	size_t		used = 0;
	ssize_t		n = 1;

	if (terminal)
		hide(name);
	while (n > 0 && used < SECRETS_VALUE_MAX + 2) {
		if ((n = read(STDIN_FILENO, value + used, SECRETS_VALUE_MAX + 2 - used)) == -1 && errno == EINTR)
			n = 1;
		else if (n > 0 && terminal && memchr(value + used, '\n', (size_t)n) != NULL)
			used += (size_t)n, n = 0;
		else if (n > 0)
			used += (size_t)n;
	}
	if (terminal) {
		show_again();
		fprintf(stderr, "\n");
	}
	if (n == -1)
		fatal(EX_IOERR, "standard input: %s", strerror(errno));
	if (used > 0 && value[used - 1] == '\n')
		used--;
	if (used > 0 && value[used - 1] == '\r')
		used--;
	if (used > SECRETS_VALUE_MAX)
		fatal(EX_DATAERR, "the value is longer than %u bytes", SECRETS_VALUE_MAX);
	if (used == 0)
		fatal(EX_DATAERR, "the value is empty; it comes from standard input: mcpgwctl secret set %s < FILE",
		    name);
	if (memchr(value, '\0', used) != NULL)
		fatal(EX_DATAERR, "the value holds a NUL, which no variable and no header may have");
	return used;
}

/* ---- who uses it ---------------------------------------------------------------------------------- */

static void
uses_read(struct ctl *ctl, struct secretuse *u)
{
	struct snap	*settings = NULL;

	(void)settings_read(ctl, false, &settings);
	secretuse_read(ctl, settings, u);
	snap_release(&settings);
}

struct running {
	const char	*server, *tenant;
	uint32_t	 instances;
};

static void
count_instances(uint16_t type, const union msg_any *body, int *fds, void *arg)
{
	struct running	*w = arg;

	(void)fds;
	if (type == MSG_TYPE_CTL_SERVER && span_is(body->CTL_SERVER.name, w->server) &&
	    span_is(body->CTL_SERVER.tenant, w->tenant))
		w->instances += body->CTL_SERVER.instances;
}

/* Tools of it that run have the old value. */
static bool
runs(struct ctl *ctl, const char *server)
{
	struct running	w = { server, folders_tenant(ctl), 0 };

	return ask_simple(ctl, CTLCMD_status, NULL, count_instances, &w, NULL) == 0 && w.instances > 0;
}

static int
restart_one(struct ctl *ctl, const char *server)
{
	struct msg_CTL	msg = { .command = CTLCMD_server_restart, .a = span_of(server),
	    .b = span_of(folders_tenant(ctl)) };

	return ask_told(ctl, &msg);
}

/* words NULL: for programs alone. */
static void
say_server(const struct ctl *ctl, const char *server, const char *what, const char *words)
{
	if (ctl->json) {
		out_json_begin();
		out_json_text("server", span_of(server));
		out_json_text("value", span_of(what));
		out_json_end();
		return;
	}
	if (words != NULL)
		printf("%s: %s\n", server, words);
}

/* Tools that run have the old value until they start anew. */
static int
tell_uses(struct ctl *ctl, const struct secretuse *u, const char *name, bool in_force, bool restart)
{
	char	words[160];
	int	r = 0, one;

	for (size_t i = 0; i < u->count; i++) {
		if (strcmp(u->uses[i].secret, name) != 0)
			continue;
		if (!in_force) {
			say_server(ctl, u->uses[i].server, "waiting", "gets it when the files are in force");
		} else if (!u->uses[i].jailed || !runs(ctl, u->uses[i].server)) {
			say_server(ctl, u->uses[i].server, "new", NULL);
		} else if (!restart) {
			snprintf(words, sizeof(words), "keeps the old value until: mcpgwctl server restart %s%s%s",
			    u->uses[i].server, ctl->tenant == NULL ? "" : " --tenant ",
			    ctl->tenant == NULL ? "" : ctl->tenant);
			say_server(ctl, u->uses[i].server, "old", words);
		} else if ((one = restart_one(ctl, u->uses[i].server)) == 0) {
			say_server(ctl, u->uses[i].server, "new", "starts anew with it");
		} else {
			r = one;
		}
	}
	return r;
}

/* Nothing is lost when it cannot be put in force: the value is in its file. */
static int
put_in_force(struct ctl *ctl, bool *in_force)
{
	struct pending	p;
	int		r;

	*in_force = false;
	if ((r = pending_begin(ctl, &p)) != 0)
		return r;
	*in_force = p.running != NULL && !p.others;
	p.quiet = true;
	r = p.running == NULL ? 0 : pending_apply(&p);
	pending_end(&p);
	return r;
}

/* ---- the commands --------------------------------------------------------------------------------- */

int
cmd_secret_set(struct ctl *ctl, int argc, char **argv)
{
	static char		value[SECRETS_VALUE_MAX + 2];
	bool			restart = false, in_force;
	const struct opt	rows[] = { { "--restart", NULL, &restart },
				    { "--tenant", &ctl->tenant, NULL }, { NULL, NULL, NULL } };
	struct secretuse	u;
	size_t			bytes;
	int			r;

	(void)opts_take(rows, argc, argv, 1, 1);
	bytes = value_read(argv[0], value);
	r = secrets_write(folders_tenant_dir(ctl), argv[0], span_make(value, bytes));
	explicit_bzero(value, sizeof(value));
	if (r != 0)
		return r == E_FORMAT ? EX_USAGE : r == E_DENIED ? EX_NOPERM : EX_CANTCREAT;
	if (!ctl->json && isatty(STDERR_FILENO))
		out_note(LOG_LEVEL_NOTICE, SPAN_LIT("It is kept, for its owner alone."));
	uses_read(ctl, &u);
	if ((r = put_in_force(ctl, &in_force)) == 0)
		r = tell_uses(ctl, &u, argv[0], in_force, restart);
	secretuse_fini(&u);
	return out_end(r);
}

struct listing {
	const struct ctl	*ctl;
	const struct secretuse	*uses;
	struct out_table	*table;
	size_t			 count;
};

static void
list_one(const char *name, uint64_t changed_ms, const char *why_not, void *arg)
{
	struct listing	*l = arg;
	char		 users[256] = "", when[OUT_TIME];
	size_t		 used = 0;

	for (size_t i = 0; i < l->uses->count; i++)
		if (strcmp(l->uses->uses[i].secret, name) == 0 && used < sizeof(users))
			used += (size_t)snprintf(users + used, sizeof(users) - used, "%s%s", used == 0 ? "" : ", ",
			    l->uses->uses[i].server);
	l->count++;
	if (l->ctl->json) {
		out_json_begin();
		out_json_text("name", span_of(name));
		out_json_text("changed", span_of(out_utc_ms(changed_ms, when)));
		out_json_text("used_by", span_of(users));
		out_json_bool("readable", why_not == NULL);
		if (why_not != NULL)
			out_json_text("why_not", span_of(why_not));
		out_json_end();
		return;
	}
	out_cell(l->table, "%s", name);
	out_cell(l->table, "%s", out_when_ms(changed_ms, when));
	out_cell(l->table, "%s", used == 0 ? "-" : users);
	out_cell(l->table, "%s", why_not == NULL ? "-" : why_not);
}

/* A secret that is asked for and not there. */
static void
list_missing(struct ctl *ctl, const struct secretuse *u)
{
	const char	*why;
	int		 fd;

	for (size_t i = 0; i < u->count; i++) {
		if (secretfile_open(folders_tenant_dir(ctl), span_of(u->uses[i].secret), &fd, &why) == E_NOTFOUND)
			out_error("%s: asked for by %s, and not there: mcpgwctl secret set %s", u->uses[i].secret,
			    u->uses[i].server, u->uses[i].secret);
		fd_close(&fd);
	}
}

int
cmd_secret_list(struct ctl *ctl, int argc, char **argv)
{
	const struct opt		options[] = { { "--tenant", &ctl->tenant, NULL }, { NULL, NULL, NULL } };
	static const struct out_column	columns[] = { { "NAME", false, true }, { "CHANGED", false, false },
		{ "USED BY", false, false }, { "WRONG", false, false } };
	struct secretuse		u;
	struct listing			l = { .ctl = ctl, .uses = &u };
	int				r;

	(void)opts_take(options, argc, argv, 0, 0);
	uses_read(ctl, &u);
	l.table = out_table_new(columns, 4);
	r = secrets_each(folders_tenant_dir(ctl), list_one, &l);
	if (r == 0 && !ctl->json && l.count > 0)
		out_table_end(&l.table);
	out_table_free(&l.table);
	if (r == 0 && l.count == 0)
		out_note(LOG_LEVEL_NOTICE, SPAN_LIT("there are no secrets"));
	list_missing(ctl, &u);
	secretuse_fini(&u);
	return out_end(r == 0 ? 0 : EX_NOPERM);
}

int
cmd_secret_remove(struct ctl *ctl, int argc, char **argv)
{
	bool			force = false;
	const struct opt	rows[] = { { "--force", NULL, &force },
				    { "--tenant", &ctl->tenant, NULL }, { NULL, NULL, NULL } };
	struct secretuse	u;
	int			r;

	(void)opts_take(rows, argc, argv, 1, 1);
	uses_read(ctl, &u);
	for (size_t i = 0; i < u.count && !force; i++)
		if (strcmp(u.uses[i].secret, argv[0]) == 0) {
			out_error("%s: server %s uses it, and the files do not compile without it; --force removes it",
			    argv[0], u.uses[i].server);
			secretuse_fini(&u);
			return EX_DATAERR;
		}
	secretuse_fini(&u);
	r = secrets_remove(folders_tenant_dir(ctl), argv[0]);
	if (r == E_NOTFOUND)
		out_error("%s: no such secret; see mcpgwctl secret list", argv[0]);
	if (r != 0)
		return r == E_NOTFOUND ? EX_DATAERR : r == E_FORMAT ? EX_USAGE : EX_NOPERM;
	if (!ctl->json)
		printf("%s is removed.\n", argv[0]);
	return out_end(0);
}
