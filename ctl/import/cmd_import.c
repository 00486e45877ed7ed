/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_import.c - import: the servers of a client's file, behind the gateway
 *
 * Process: mcpgwctl.
 * Owns:    the import, for the length of the command.
 * Trusts:  its caller.  Files of clients are read, and never written.
 *
 * Nothing of the configuration is written before the plan was shown and somebody said yes.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/files/filecheck.h"
#include "ctl/folders.h"
#include "ctl/import/after.h"
#include "ctl/import/plan.h"
#include "ctl/import/profile.h"
#include "ctl/import/read.h"
#include "ctl/import/record.h"
#include "ctl/import/resolve.h"
#include "ctl/import/shape.h"
#include "ctl/import/try.h"
#include "ctl/import/view.h"
#include "ctl/import/write.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/log.h"

#define AGENT_PERSONAL	"me"
#define AGENT_SYSTEM	"operator"
#define AGENT_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

/* ---- options --------------------------------------------------------------------------------------- */

/* Takes `--name VALUE` and `--name=VALUE` out of argv, as often as they come. */
static int
take_repeated(struct import *im, int argc, char **argv, const char *name, struct words *to)
{
	const size_t	n = strlen(name);
	int		kept = 0;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], name) == 0) {
			if (++i == argc)
				fatal(EX_USAGE, "%s needs a value", name);
			words_add(im, to, argv[i]);
		} else if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=') {
			words_add(im, to, argv[i] + n + 1);
		} else {
			argv[kept++] = argv[i];
		}
	}
	return kept;
}

static void
want_pairs(const struct words *w, const char *name, const char *form)
{
	for (size_t i = 0; i < w->n; i++)
		if (strchr(w->at[i], ':') == NULL || w->at[i][0] == ':')
			fatal(EX_USAGE, "%s %s: want %s", name, w->at[i], form);
}

static int
take_options(struct import *im, int argc, char **argv)
{
	struct import_options	*o = &im->options;
	const struct opt	 rows[] = { { "--yes", NULL, &o->yes }, { "--replace", NULL, &o->replace },
	    { "--allow-source", NULL, &o->allow_source }, { "--allow-plain", NULL, &o->allow_plain },
	    { "--agent", &o->agent, NULL }, { "--run-as", &o->run_as, NULL }, { "--tenant", &im->ctl->tenant, NULL },
	    { NULL, NULL, NULL } };

	argc = take_repeated(im, argc, argv, "--write", &o->write);
	argc = take_repeated(im, argc, argv, "--net", &o->net);
	argc = take_repeated(im, argc, argv, "--from", &o->from);
	argc = take_repeated(im, argc, argv, "--scripts", &o->scripts);
	argc = take_repeated(im, argc, argv, "--allow-shell", &o->allow_shell);
	want_pairs(&o->write, "--write", "NAME:PATH");
	want_pairs(&o->net, "--net", "NAME:HOST:PORT");
	argc = opts_take(rows, argc, argv, 1, 64);
	if (o->run_as != NULL && !im->ctl->where.system)
		fatal(EX_USAGE, "--run-as is for root's gateway; yours runs all as you");
	if (o->agent != NULL && (*o->agent == '\0' || o->agent[strspn(o->agent, AGENT_CHARACTERS)] != '\0'))
		fatal(EX_USAGE, "--agent %s: want letters, digits, _ . -", o->agent);
	return argc;
}

/* A name that an option speaks of must be one of a server. */
static void
check_names(const struct import *im, const struct words *w, const char *option, bool pairs)
{
	for (size_t i = 0; i < w->n; i++) {
		size_t	n = pairs ? strcspn(w->at[i], ":") : strlen(w->at[i]);
		bool	found = false;

		for (size_t k = 0; k < im->count; k++)
			found |= strlen(im->servers[k].name) == n && strncmp(im->servers[k].name, w->at[i], n) == 0;
		if (!found)
			fatal(EX_USAGE, "%s %s: no server \"%.*s\" in these files", option, w->at[i], (int)n, w->at[i]);
	}
}

/* --from PATH is for the one package there is; --from NAME:PATH for that one. */
static void
settle_from(struct import *im)
{
	struct words	*from = &im->options.from;

	for (size_t i = 0; i < from->n; i++) {
		const char	*colon = strchr(from->at[i], ':'), *slash = strchr(from->at[i], '/');

		if (colon != NULL && (slash == NULL || colon < slash))
			continue;
		if (im->count != 1)
			fatal(EX_USAGE, "--from %s: the files name %zu servers; say which one: --from NAME:PATH",
			    from->at[i], im->count);
		from->at[i] = import_fmt(im, "%s:%s", im->servers[0].name, from->at[i]);
	}
	for (size_t i = 0; i < from->n; i++) {
		const char	*path = strchr(from->at[i], ':') + 1;
		char		*real = realpath(path, NULL);

		if (real == NULL)
			fatal(EX_NOINPUT, "--from %s: %m", path);
		from->at[i] = import_fmt(im, "%.*s:%s", (int)(path - from->at[i] - 1), from->at[i], real);
		free(real);
	}
}

/* ---- steps ----------------------------------------------------------------------------------------- */

static int
read_files(struct import *im, int argc, char **argv)
{
	const char	*about;
	int		 r;

	for (int i = 0; i < argc; i++) {
		if ((r = read_file(im, argv[i], &about)) != 0)
			return r;
		if (!im->ctl->json)
			printf("Read %s.\n", about);
	}
	fflush(stdout);
	return 0;
}

static void
take_fetched(struct import *im, struct import_server *s)
{
	const struct package_got	*g = &s->got;
	const char			*list = "";

	if (g->why != NULL || g->entry == NULL) {
		server_leave_out(im, s, "%s", g->why != NULL ? g->why : "its package has no program");
		return;
	}
	s->runs = import_fmt(im, "%s", s->runs);
	for (size_t i = 0; i < g->with_scripts_n && i < 5; i++)
		list = import_fmt(im, "%s%s%s", list, i == 0 ? "" : ", ", g->with_scripts[i]);
	if (g->with_scripts_n > 0 && !s->want.scripts)
		server_note(im, s, "install scripts were not run: %s%s. If it misses what they make: --scripts %s.",
		    list, g->with_scripts_n > 5 ? " ..." : "", s->name);
}

static int
fetch(struct import *im)
{
	struct package_want	 want[IMPORT_SERVERS_MAX];
	struct package_got	 got[IMPORT_SERVERS_MAX];
	struct import_server	*of[IMPORT_SERVERS_MAX];
	size_t			 n = 0;
	int			 r;

	for (size_t i = 0; i < im->count; i++)
		if (im->servers[i].want.kind != NULL && server_stays(&im->servers[i])) {
			of[n] = &im->servers[i];
			want[n++] = im->servers[i].want;
		}
	if (n == 0)
		return 0;
	memset(got, 0, n * sizeof(got[0]));
	folders_make_state(im->ctl);
	if ((r = packages_fetch(im->ctl, want, got, n, import_fmt(im, "%s/pkgs", folders_state(im->ctl)))) != 0) {
		packages_free(got, n);
		return r;
	}
	for (size_t i = 0; i < n; i++) {
		of[i]->got = got[i];
		take_fetched(im, of[i]);
	}
	return 0;
}

/* A package's view came with its profile. */
static void
look_at(struct import *im, struct import_server *s)
{
	shape_program(im, s);
	if (s->command != NULL && s->want.kind == NULL && server_stays(s)) {
		view_options(im, s);
		view_arguments(im, s);
	}
	view_access(im, s);
	if (s->bare != NULL && server_stays(s))
		server_note(im, s, s->command != NULL ? "the value of ${%s} is in its arguments: in servers.json, and "
		    "where processes are listed. If it can be given in \"env\", it is kept as a secret." :
		    "the value of ${%s} is in its url, so in servers.json. If it can be given in \"headers\", it is "
		    "kept as a secret.", s->bare);
}

static int
make_plan(struct import *im, struct files *f)
{
	int	r;

	for (size_t i = 0; i < im->count; i++) {
		resolve_server(im, &im->servers[i]);
		shape_server(im, &im->servers[i]);
		profile_apply(im, &im->servers[i]);
	}
	/* Whose files are wrong already has no use for a plan; nor is a server to blame for them. */
	if ((r = files_read(im, f)) != 0)
		return r;
	if (filecheck_run(f->servers, &(struct filecheck){ im->ctl, "servers_file" }) != 0) {
		out_error("the gateway's files would not compile as they are, as said above; mend them first");
		return EX_CONFIG;
	}
	if ((r = fetch(im)) != 0)
		return r;
	for (size_t i = 0; i < im->count; i++)
		look_at(im, &im->servers[i]);
	files_compare(im, f);
	return try_servers(im);
}

/* ---- the question ---------------------------------------------------------------------------------- */

static bool
runs_already(struct ctl *ctl)
{
	struct ask	a;

	if (ask_open(ctl, &a, false) != 0)
		return false;
	ask_close(&a);
	return true;
}

static void
say_who(struct import *im, const char *agent, size_t tools)
{
	const char	*who = "";

	if (tools == 0)
		return;
	if (!im->ctl->where.system)
		who = import_fmt(im, " (you, uid %u)", (unsigned)geteuid());
	else if (im->options.agent == NULL)
		who = files_peer(im) == NULL ? " (root)" : import_fmt(im, " (root and %s)", files_peer(im));
	plan_words(im, import_fmt(im, "Agent \"%s\"%s may call %s. Nobody else may call any.", agent, who,
	    tools == 1 ? "this tool" : import_fmt(im, "these %zu tools", tools)));
	if (im->options.run_as != NULL)
		printf("All tools of %s run as %s then (tenant_user).\n", im->ctl->tenant == NULL ? "this gateway" :
		    import_fmt(im, "tenant %s", im->ctl->tenant), im->options.run_as);
}

/* On a terminal alone, and only "y" is a yes. */
static bool
is_wanted(const struct import *im, bool running)
{
	char	answer[16];

	if (im->options.yes)
		return true;
	if (im->ctl->json || isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1) {
		fflush(stdout);
		fprintf(stderr, "Nothing was written. To write this and %s the gateway: the same with --yes\n",
		    running ? "reload" : "start");
		return false;
	}
	printf("Write this and %s the gateway? [y/N] ", running ? "reload" : "start");
	fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) == NULL || tolower((unsigned char)answer[0]) != 'y') {
		printf("Nothing was written.\n");
		return false;
	}
	return true;
}

static int
run(struct import *im, struct files *f, int argc, char **argv)
{
	bool	running;
	int	r;

	if ((r = profiles_read(im)) != 0 || (r = read_files(im, argc, argv)) != 0)
		return r;
	check_names(im, &im->options.write, "--write", true);
	check_names(im, &im->options.net, "--net", true);
	check_names(im, &im->options.scripts, "--scripts", false);
	check_names(im, &im->options.allow_shell, "--allow-shell", false);
	settle_from(im);
	check_names(im, &im->options.from, "--from", true);
	if ((r = make_plan(im, f)) != 0)
		return r;
	f->agent = im->options.agent;
	if (f->agent == NULL)
		f->agent = im->ctl->where.system ? AGENT_SYSTEM : AGENT_PERSONAL;
	running = runs_already(im->ctl);
	if (im->ctl->json)
		plan_json(im);
	else
		plan_print(im);
	if (plan_changes(im) == 0) {
		if (!im->ctl->json)
			printf("Nothing to write.\n");
		if (im->options.yes)
			records_write(im);
		return running || !im->options.yes ? 0 : after_start(im);
	}
	if (!im->ctl->json)
		say_who(im, f->agent, plan_tools(im));
	if (!is_wanted(im, running))
		return 0;
	if ((r = files_write(im, f)) != 0)
		return r;
	return after_written(im, f, running);
}

int
cmd_import(struct ctl *ctl, int argc, char **argv)
{
	static struct import	im;
	struct files		f = { 0 };
	char			setting[256];
	int			r;

	if (ctl->where.system != (geteuid() == 0)) {
		out_error(ctl->where.system ? "import --system: only root can" :
		    "import --user: root has no gateway of its own; import as that user");
		return EX_NOPERM;
	}
	import_init(&im, ctl);
	argc = take_options(&im, argc, argv);
	(void)folders_tenant_dir(ctl);
	if (im.options.run_as != NULL) {
		if (ctl->setting_count == CTL_SETTINGS_MAX)
			fatal(EX_USAGE, "too many -o");
		folders_setting(ctl, "tenant_user", im.options.run_as, setting, sizeof(setting));
		ctl->settings[ctl->setting_count++] = import_fmt(&im, "%s", setting);
	}
	r = run(&im, &f, argc, argv);
	files_fini(&f);
	import_fini(&im);
	return out_end(r);
}
