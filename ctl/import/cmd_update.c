/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_update.c - server update: another version of a server's package, fetched, tried, shown, and then in its place
 *
 * Process: mcpgwctl.
 * Owns:    nothing beyond a call.
 * Trusts:  neither the old nor the new package: what their tools say is shown, and decided by whoever reads it.
 */
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/files/filecheck.h"
#include "ctl/files/replace.h"
#include "ctl/files/settings.h"
#include "ctl/files/tenantdirs.h"
#include "ctl/folders.h"
#include "ctl/import/entry.h"
#include "ctl/import/fetch.h"
#include "ctl/import/newer.h"
#include "ctl/import/toollist.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/tool.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "policy/params.h"

#define EVERYBODYS_MAX ((size_t)256 * 1024 * 1024)
#define REFUSED		1
#define BEFORE		"before"	/* the old one, beside the new */

struct update {
	struct ctl		*ctl;
	const char		*name, *to, *from;
	bool			 scripts, dry, yes;
	char			 path[PATH_MAX], pkgs[PATH_MAX];
	char			*text;		/* of servers.json, as it was read */
	size_t			 bytes;
	struct newer		 was;
	struct package_asked	 asked;
	struct package_got	 old, got;
	char			 bin[ENTRY_TEXT];
	struct buf		 now;		/* ... and as it is to be */
	struct newer		 is;
	struct toollist		 lists[2];	/* before, after */
	struct tooldiff		 diff;
};

/* ---- what there is ---------------------------------------------------------------------------------- */

static int
find_file(struct update *u)
{
	struct snap	*settings = NULL;
	struct params	 p;
	const char	*dot;
	int		 r = EX_CONFIG;

	if (settings_read(u->ctl, true, &settings) && settings != NULL && folders_params(u->ctl, settings, &p) == 0 &&
	    p.servers_file.n < sizeof(u->path)) {
		snprintf(u->path, sizeof(u->path), "%.*s", SPAN_FMT(p.servers_file));
		r = 0;
	}
	snap_release(&settings);
	dot = strrchr(u->path, '.');
	if (r == 0 && dot != NULL && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0)) {
		out_error("%s: YAML is not edited; servers_file is to be JSON", u->path);
		r = EX_CONFIG;
	}
	if (r == 0 && snprintf(u->pkgs, sizeof(u->pkgs), "%s/pkgs", folders_state(u->ctl)) >= (int)sizeof(u->pkgs))
		r = EX_CONFIG;
	return r;
}

/* -p PKG BIN is in no record; it is found again by the file. */
static void
find_bin(struct update *u)
{
	const struct conf_node	*bin, *n;
	struct conf_error	 error;
	struct conf		*c = NULL;
	char			*text = NULL, path[512], file[ENTRY_TEXT], why[ENTRY_WHY], dir[PATH_MAX + 600];
	size_t			 bytes, skip;
	int			 fd;

	if (strcmp(u->asked.kind, "pypi") == 0) {
		snprintf(u->bin, sizeof(u->bin), "%s", strrchr(u->was.entry, '/') + 1);
		return;
	}
	snprintf(dir, sizeof(dir), "%s/%s", u->pkgs, u->was.folder);
	snprintf(path, sizeof(path), "node_modules/%s/package.json", u->old.name);
	skip = strlen(dir) + 1 + strlen("node_modules/") + strlen(u->old.name) + 1;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd != -1 && strlen(u->was.entry) > skip && fetch_read(fd, path, &text, &bytes) == 0 &&
	    conf_new(span_make(text, bytes), &c, &error) == 0 && (bin = conf_find(conf_top(c), "bin")) != NULL &&
	    bin->type == JSON_OBJECT)
		for (n = bin->first; n != NULL; n = n->next) {
			char	key[ENTRY_TEXT];

			snprintf(key, sizeof(key), "%.*s", SPAN_FMT(n->key));
			if (entry_npm(conf_top(c), key, file, why) == 0 && strcmp(file, u->was.entry + skip) == 0 &&
			    u->bin[0] == '\0')
				snprintf(u->bin, sizeof(u->bin), "%s", key);
		}
	free(text);
	conf_free(&c);
	fd_close(&fd);
}

static int
find_old(struct update *u)
{
	char		why[NEWER_WHY];
	struct keep	k;
	int		r;

	if (replace_read(u->path, &u->text, &u->bytes) != 0)
		return EX_NOINPUT;
	if (newer_find(span_make(u->text, u->bytes), u->name, u->pkgs, &u->was, why) != 0) {
		out_error("%s: %s: %s", u->path, u->name, why);
		return EX_DATAERR;
	}
	if ((r = keep_open(u->pkgs, &k)) != 0)
		return r;
	if (keep_read(&k, u->was.folder, &u->old, why) != 0 || keep_asked(&k, u->was.folder, &u->asked) != 0) {
		out_error("%s: %s: %s", u->pkgs, u->was.folder, why);
		r = EX_DATAERR;
	}
	keep_close(&k);
	if (r == 0)
		find_bin(u);
	return r;
}

/* ---- the other version ------------------------------------------------------------------------------ */

/* As it was asked for, but for a version: what was pinned is exchanged because somebody says so. */
static int
make_spec(const struct update *u, char to[SPEC_TEXT])
{
	const bool	npm = strcmp(u->asked.kind, "npm") == 0;
	struct spec	s;
	const char	*why = "";

	if ((npm ? spec_npm(u->asked.spec, &s, &why) : spec_pypi(u->asked.spec, &s, &why)) != 0 || s.source) {
		out_error("%s: %s is from no registry; import it again: mcpgwctl import FILE --replace", u->name,
		    u->asked.spec);
		return EX_DATAERR;
	}
	if (u->to != NULL)
		snprintf(to, SPEC_TEXT, npm ? "%.200s@%.250s" : "%.200s==%.250s", s.name, u->to);
	else
		snprintf(to, SPEC_TEXT, "%s", s.exact[0] != '\0' ? s.name : u->asked.spec);
	return 0;
}

static int
fetch(struct update *u)
{
	char			spec[SPEC_TEXT];
	struct package_want	want = { .kind = u->asked.kind, .spec = spec, .bin = u->bin[0] == '\0' ? NULL : u->bin,
				    .scripts = u->scripts || u->asked.scripts, .from = u->from, .fresh = true };
	int			r;

	if (u->asked.from != NULL && u->from == NULL) {
		out_error("%s: it came from %s, not from a registry: --from DIR|ARCHIVE", u->name, u->asked.from);
		return EX_USAGE;
	}
	if ((r = make_spec(u, spec)) != 0 || (r = packages_fetch(u->ctl, &want, &u->got, 1, u->pkgs)) != 0)
		return r;
	if (u->got.why != NULL) {
		out_error("%s", u->got.why);
		return EX_UNAVAILABLE;
	}
	return 0;
}

static const char *
folder_of(const struct update *u)
{
	return strrchr(u->got.dir, '/') + 1;
}

static bool
is_same(const struct update *u)
{
	return strcmp(folder_of(u), u->was.folder) == 0;
}

/* ---- what it changes -------------------------------------------------------------------------------- */

static int
try_both(struct update *u)
{
	int	r;

	u->lists[0] = (struct toollist){ .name = strcmp(u->name, BEFORE) == 0 ? "was" : BEFORE,
	    .member = u->was.server };
	u->lists[1] = (struct toollist){ .name = u->name, .member = u->is.server };
	if (u->was.off)
		return 0;
	if ((r = toollist_ask(u->ctl, u->lists, 2)) != 0)
		return r;
	if (u->lists[1].why[0] == '\0')
		return 0;
	out_error("%s: %s %s does not start: %s", u->name, u->got.name, u->got.version, u->lists[1].why);
	return REFUSED;
}

static void
show(struct update *u)
{
	const struct tooldiff	*d = &u->diff;

	if (!u->ctl->json)
		printf("%s: %s %s -> %s, %u package%s, tree %.12s.\n", u->name, u->got.name, u->old.version,
		    u->got.version, u->got.modules, u->got.modules == 1 ? "" : "s", u->got.tree_hash);
	if (!u->ctl->json)
		for (size_t i = 0; i < u->got.with_scripts_n; i++)
			printf("%s has an install script, which was not run; --scripts runs them.\n",
			    u->got.with_scripts[i]);
	if (u->was.off) {
		if (!u->ctl->json)
			printf("It is switched off, so neither was started.\n");
		return;
	}
	if (u->lists[0].why[0] != '\0' && !u->ctl->json)
		printf("The old one does not start (%s): all of these tools are new.\n", u->lists[0].why);
	toollist_diff(u->name, &u->lists[0], &u->lists[1], !u->ctl->json, &u->diff);
	if (!u->ctl->json)
		printf("%u tool%s as before, %u changed, %u new, %u removed.\n", d->same, d->same == 1 ? "" : "s",
		    d->changed, d->added, d->gone);
}

static bool
is_wanted(const struct update *u)
{
	char	answer[16];

	if (u->dry)
		return false;
	if (u->yes)
		return true;
	if (u->ctl->json || isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1) {
		fprintf(stderr, "Nothing was changed. To change it: mcpgwctl server update %s --yes\n", u->name);
		return false;
	}
	printf("Write this and reload the gateway? [y/N] ");
	fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) != NULL && tolower((unsigned char)answer[0]) == 'y')
		return true;
	printf("Nothing was changed.\n");
	return false;
}

/* ---- in its place ----------------------------------------------------------------------------------- */

static int
put_servers_of(struct ctl *ctl, const char *tenant, struct buf *to)
{
	struct snap	*settings = NULL;
	const char	*of = ctl->tenant;
	struct params	 p;
	char		 path[PATH_MAX], *text;
	size_t		 bytes;
	int		 r = E_NOTFOUND;

	/* folders.c keeps where one tenant's files are, so the others' are put together here. */
	if (strcmp(tenant, TENANT_DEFAULT) != 0) {
		snprintf(path, sizeof(path), "%.3000s/" TENANTS_DIR "/%s/servers.json", folders_config(ctl), tenant);
		r = 0;
	} else {
		ctl->tenant = NULL;
		if (settings_read(ctl, false, &settings) && settings != NULL &&
		    folders_params(ctl, settings, &p) == 0 && p.servers_file.n < sizeof(path)) {
			snprintf(path, sizeof(path), "%.*s", SPAN_FMT(p.servers_file));
			r = 0;
		}
		ctl->tenant = of;
		snap_release(&settings);
	}
	if (r != 0 || (r = replace_read(path, &text, &bytes)) != 0)
		return r;
	r = buf_put(to, span_make(text, bytes));
	free(text);
	return r;
}

/* What all tenants' servers files say: packages are shared. */
static int
put_everybodys(const struct update *u, struct buf *to)
{
	struct tenantdirs	t;
	int			r = buf_put(to, buf_rest(&u->now));

	if (r == 0 && u->ctl->tenant != NULL)
		r = put_servers_of(u->ctl, TENANT_DEFAULT, to);
	if (r != 0 || tenantdirs_read(u->ctl, &t) != 0)
		return r != 0 ? r : E_SYS;
	for (size_t i = 0; i < t.count && r == 0; i++)
		if (u->ctl->tenant == NULL || strcmp(t.names[i], u->ctl->tenant) != 0)
			r = put_servers_of(u->ctl, t.names[i], to);
	tenantdirs_fini(&t);
	return r;
}

/* Of this package the version that was replaced stays, to go back to, and those that servers name; others go. */
static void
tidy(const struct update *u)
{
	struct keep	k;
	struct buf	all;

	if (keep_open(u->pkgs, &k) != 0)
		return;
	buf_init(&all, EVERYBODYS_MAX);
	if (put_everybodys(u, &all) == 0)
		keep_tidy(&k, u->got.name, u->was.folder, buf_rest(&all));
	buf_fini(&all);
	keep_close(&k);
}

/* What nobody wants is not what the next import finds. */
static void
discard(const struct update *u)
{
	struct keep	k;

	if (u->got.dir == NULL || u->got.already || is_same(u) || keep_open(u->pkgs, &k) != 0)
		return;
	keep_drop(&k, folder_of(u));
	keep_close(&k);
}

/* They were looked at just now. */
static int
approve(struct update *u)
{
	const struct conf_node	*command = conf_find(u->is.server, "command");
	struct pin_owner	 owner = { span_of(folders_tenant(u->ctl)), span_of(u->name), SPAN_LIT("") };
	unsigned		 count;

	if (u->was.off || command == NULL || u->diff.same + u->diff.changed + u->diff.added == 0)
		return 0;
	owner.identity = command->text;
	return tool_approve_list(u->ctl, &owner, u->lists[1].tools, SPAN_NONE, &count);
}

static int
put(struct update *u, uint64_t *generation)
{
	struct filecheck	check = { u->ctl, "servers_file" };
	struct msg_CTL_DONE	done = { 0 };
	struct ask		ask;
	int			r;

	if ((r = replace_file(u->path, span_make(u->text, u->bytes), buf_rest(&u->now), filecheck_run, &check)) != 0) {
		out_error("%s: not changed%s", u->path, r == E_FORMAT ? ": it would not compile, as said above" : "");
		return r == E_FORMAT ? EX_CONFIG : EX_CANTCREAT;
	}
	if ((r = approve(u)) != 0)
		return r;
	tidy(u);
	*generation = 0;
	if (ask_open(u->ctl, &ask, false) != 0)
		return 0;
	ask_close(&ask);
	if ((r = ask_simple(u->ctl, CTLCMD_reload, NULL, NULL, NULL, &done)) != 0)
		out_error("%s is written, but not in force: the gateway keeps generation %" PRIu64, u->path,
		    done.generation);
	*generation = done.generation;
	return r;
}

static void
say_json(const struct update *u, bool written, uint64_t generation)
{
	struct buf	added, gone;

	buf_init(&added, CONF_MAX_BYTES);
	buf_init(&gone, CONF_MAX_BYTES);
	if (toollist_put_only(&u->lists[1], &u->lists[0], &added) != 0 ||
	    toollist_put_only(&u->lists[0], &u->lists[1], &gone) != 0)
		fatal(EX_OSERR, "out of memory");
	out_json_begin();
	out_json_text("server", span_of(u->name));
	out_json_text("package", span_of(u->got.name));
	out_json_text("from", span_of(u->old.version));
	out_json_text("to", span_of(u->got.version));
	out_json_text("tree", span_of(u->got.tree_hash));
	out_json_u64("packages", u->got.modules);
	out_json_raw("added", buf_rest(&added));
	out_json_raw("removed", buf_rest(&gone));
	out_json_u64("changed", u->diff.changed);
	out_json_bool("written", written);
	if (generation != 0)
		out_json_u64("generation", generation);
	out_json_end();
	buf_fini(&added);
	buf_fini(&gone);
}

static void
say_end(const struct update *u, uint64_t generation)
{
	if (u->ctl->json) {
		say_json(u, true, generation);
		return;
	}
	if (generation != 0)
		printf("%s changed; in force from generation %" PRIu64 ".", strrchr(u->path, '/') + 1, generation);
	else
		printf("%s changed; the gateway does not run.", strrchr(u->path, '/') + 1);
	printf(" Back: mcpgwctl server update %s --to %s\n", u->name, u->old.version);
	if (u->diff.added > 0)
		printf("What is new is called by those alone whom a rule allows it.\n");
}

static int
change(struct update *u)
{
	char		why[NEWER_WHY];
	uint64_t	generation = 0;
	int		r;

	if (newer_text(span_make(u->text, u->bytes), u->name, u->pkgs, &u->was, folder_of(u), u->got.entry,
	    &u->now) != 0 || newer_find(buf_rest(&u->now), u->name, u->pkgs, &u->is, why) != 0) {
		out_error("%s: %s: cannot be changed", u->path, u->name);
		return EX_DATAERR;
	}
	if ((r = try_both(u)) != 0)
		return r;
	show(u);
	if (!is_wanted(u)) {
		discard(u);
		if (u->ctl->json)
			say_json(u, false, 0);
		return 0;
	}
	if ((r = put(u, &generation)) == 0)
		say_end(u, generation);
	return r;
}

static void
say_newest(const struct update *u)
{
	if (u->ctl->json)
		say_json(u, false, 0);
	else
		printf("%s: %s %s is what it has already.\n", u->name, u->got.name, u->got.version);
}

int
cmd_server_update(struct ctl *ctl, int argc, char **argv)
{
	struct update		u = { .ctl = ctl };
	const struct opt	rows[] = { { "--to", &u.to, NULL }, { "--from", &u.from, NULL },
	    { "--scripts", NULL, &u.scripts }, { "--dry-run", NULL, &u.dry }, { "--yes", NULL, &u.yes },
	    { "--tenant", &ctl->tenant, NULL }, { NULL, NULL, NULL } };
	char			from[PATH_MAX];
	int			r;

	(void)opts_take(rows, argc, argv, 1, 1);
	u.name = argv[0];
	if (u.from != NULL) {
		if (realpath(u.from, from) == NULL)
			fatal(EX_NOINPUT, "--from %s: %m", u.from);
		u.from = from;
	}
	buf_init(&u.now, CONF_MAX_BYTES);
	if ((r = find_file(&u)) == 0 && (r = find_old(&u)) == 0 && (r = fetch(&u)) == 0) {
		if (is_same(&u))
			say_newest(&u);
		else if ((r = change(&u)) != 0)
			discard(&u);
	}
	toollist_fini(u.lists, 2);
	newer_fini(&u.was);
	newer_fini(&u.is);
	packages_free(&u.old, 1);
	packages_free(&u.got, 1);
	keep_asked_free(&u.asked);
	buf_fini(&u.now);
	free(u.text);
	return out_end(r);
}
