/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_client.c - client: what a client's file must say so that the gateway stands between it and its servers
 *
 * Process: mcpgwctl, as the client's user.
 * Owns:    nothing beyond a call.
 * Trusts:  the client's file to be this user's; it is read, and changed with --write and --restore alone.
 *
 * The file as it was is kept beside it, an empty one where there was none.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/compare/compiled.h"
#include "ctl/files/client.h"
#include "ctl/files/clientfile.h"
#include "ctl/files/pending.h"
#include "ctl/files/replace.h"
#include "ctl/folders.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/log.h"
#include "policy/listens.h"
#include "policy/params.h"
#include "policy/policy.h"

/* Entries that are the gateway's now: it has a server of this name. */
static bool
is_imported(struct span name, const struct conf_node *entry, void *arg)
{
	const struct client	*cl = arg;

	(void)entry;
	return cl->policy != NULL && policy_server_find(cl->policy, SPAN_LIT("default"), name) != NULL;
}

/* What runs, and where nothing does, what the files say. */
static void
read_policy(struct client *cl)
{
	struct compiled_plan	plan = { .what = COMPILE_POLICY };

	if (pending_running(cl->ctl, false, &cl->policy) != 0 && !compiled_read(cl->ctl, &plan, &cl->policy))
		out_error("which servers the gateway has is not known: no gateway runs here, and its files do not "
		    "compile; no entry is taken for one of them");
}

/* ---- --write, --restore --------------------------------------------------------------------------- */

static int
make_folder(const struct client *cl)
{
	char	folder[PATH_MAX], *slash;

	snprintf(folder, sizeof(folder), "%s", cl->path);
	if ((slash = strrchr(folder, '/')) == NULL)
		return 0;
	*slash = '\0';
	if (mkdir(folder, 0755) == 0 || errno == EEXIST)
		return 0;
	out_error("%s: %s", folder, strerror(errno));
	return EX_CANTCREAT;
}

/* With the file's own mode: there may be secrets in it. */
static int
keep_backup(const struct client *cl)
{
	struct stat	st;

	if (access(cl->backup, F_OK) == 0) {
		out_error("%s is there already; mcpgwctl client --for %s --restore first", cl->backup, cl->row->word);
		return EX_DATAERR;
	}
	if (replace_file(cl->backup, SPAN_NONE, span_make(cl->text, cl->bytes), NULL, NULL) != 0)
		return EX_CANTCREAT;
	if (cl->is_there && (stat(cl->path, &st) == -1 || chmod(cl->backup, st.st_mode & 07777) == -1 ||
	    (geteuid() == 0 && chown(cl->backup, st.st_uid, st.st_gid) == -1))) {
		out_error("%s: %s", cl->backup, strerror(errno));
		(void)unlink(cl->backup);
		return EX_CANTCREAT;
	}
	return 0;
}

static void
say_written(const struct client *cl, size_t gone, bool changed)
{
	if (cl->ctl->json) {
		out_json_begin();
		out_json_text("client", span_of(cl->row->word));
		out_json_text("file", span_of(cl->path));
		out_json_bool("changed", changed);
		if (changed) {
			out_json_u64("replaced", gone);
			out_json_text("backup", span_of(cl->backup));
		}
		out_json_end();
		return;
	}
	if (!changed) {
		printf("%s leads to the gateway already.\n", cl->path);
		return;
	}
	printf("%s: one entry \"" CLIENTFILE_ENTRY "\" in the place of %zu.\nNow %s.\nUndo: mcpgwctl client --for %s",
	    cl->path, gone, cl->row->again, cl->row->word);
	if (cl->project[0] != '\0')
		printf(" --project %s", cl->project);
	printf(" --restore\n");
}

static int
say_wrong(const struct client *cl, int r)
{
	if (r == E_FORMAT)
		out_error("%s: not changed: it has another form than %s gives it", cl->path, cl->row->shown);
	else
		out_error("%s: not changed: %s", cl->path, err_text(r));
	return r == E_FORMAT ? EX_DATAERR : EX_CANTCREAT;
}

static int
client_write(struct client *cl)
{
	struct buf	new;
	size_t		gone;
	int		r;

	buf_init(&new, CONF_MAX_BYTES);
	r = clientfile_swap(span_make(cl->text, cl->bytes), cl->keys, buf_rest(&cl->entry), is_imported, cl, &new,
	    &gone);
	if (r == E_EXISTS) {
		say_written(cl, 0, false);
		r = 0;
	} else if (r != 0) {
		r = say_wrong(cl, r);
	} else if ((r = make_folder(cl)) == 0 && (r = keep_backup(cl)) == 0) {
		r = replace_file(cl->path, span_make(cl->text, cl->bytes), buf_rest(&new), NULL, NULL);
		if (r != 0) {
			(void)unlink(cl->backup);
			r = EX_CANTCREAT;
		} else {
			say_written(cl, gone, true);
		}
	}
	buf_fini(&new);
	return r;
}

/* A file that was not there is not there again. */
static int
put_back(const struct client *cl, struct span text, bool exact, bool was_empty)
{
	if (!exact || !was_empty)
		return replace_file(cl->path, span_make(cl->text, cl->bytes), text, NULL, NULL);
	if (unlink(cl->path) == 0)
		return 0;
	out_error("%s: %s", cl->path, strerror(errno));
	return E_SYS;
}

static void
say_restored(const struct client *cl, bool changed, bool exact)
{
	if (cl->ctl->json) {
		out_json_begin();
		out_json_text("client", span_of(cl->row->word));
		out_json_text("file", span_of(cl->path));
		out_json_bool("changed", changed);
		out_json_bool("exact", exact);
		out_json_end();
	} else if (!changed) {
		printf("%s does not lead to the gateway by us; nothing was changed.\n", cl->path);
	} else if (exact) {
		printf("%s is as it was. Now %s.\n", cl->path, cl->row->again);
	} else {
		printf("%s has its own entries again, behind what was changed there meanwhile. Now %s.\n", cl->path,
		    cl->row->again);
	}
}

static int
client_restore(struct client *cl)
{
	struct buf	back;
	char		*was = NULL;
	size_t		 bytes;
	bool		 exact = false;
	int		 r;

	if (access(cl->backup, F_OK) != 0) {
		say_restored(cl, false, false);
		return 0;
	}
	if (replace_read(cl->backup, &was, &bytes) != 0)
		return EX_NOINPUT;
	buf_init(&back, CONF_MAX_BYTES);
	r = clientfile_back(span_make(was, bytes), span_make(cl->text, cl->bytes), cl->keys, &back, &exact);
	if (r == E_NOTFOUND) {
		out_error("%s: has no entry \"" CLIENTFILE_ENTRY "\" any more; how it was stands in %s", cl->path,
		    cl->backup);
		r = EX_DATAERR;
	} else if (r != 0) {
		r = say_wrong(cl, r);
	} else if (put_back(cl, buf_rest(&back), exact, bytes == 0) != 0) {
		r = EX_CANTCREAT;
	} else {
		(void)unlink(cl->backup);
		say_restored(cl, true, exact);
	}
	buf_fini(&back);
	free(was);
	return r;
}

/* ---- showing -------------------------------------------------------------------------------------- */

/* Over HTTP there is an address where one is configured; its key is made once, and shown once. */
static void
show_http(const struct client *cl)
{
	struct params		p;
	struct listens_entry	e;

	if (cl->policy == NULL || params_load(cl->policy, &p) != 0 || !listens_best(p.listen, &e)) {
		printf("Over HTTP, for a client that is not on this machine or starts no commands: set listen, and see "
		    "mcpgw.conf(5).\n");
		return;
	}
	printf("Or over HTTP: {\"type\": \"http\", \"url\": \"%s://%.*s/mcp\", \"headers\": {\"Authorization\": "
	    "\"Bearer KEY\"}}\nA KEY is made, and shown once, by: mcpgwctl key add --agent AGENT\n",
	    e.tls ? "https" : "http", SPAN_FMT(e.address));
}

static void
show_entries(const struct client *cl)
{
	const struct conf_node	*list, *n;
	struct conf_error	 error;
	struct conf		*c = NULL;
	char			 name[256];

	if (cl->bytes == 0 || conf_new(span_make(cl->text, cl->bytes), &c, &error) != 0)
		return;
	list = edit_find(c, cl->keys);
	for (n = list == NULL ? NULL : list->first; n != NULL; n = n->next)
		printf("%s %s\n", is_imported(n->key, n, (void *)(uintptr_t)cl) ? "- is the gateway's now:   " :
		    span_is(n->key, CLIENTFILE_ENTRY) ? "  is the gateway's way in:" : "  stays, unjailed:        ",
		    out_clean(n->key, name, sizeof(name)));
	conf_free(&c);
}

static int
client_show(const struct client *cl)
{
	const struct span	entry = buf_rest(&cl->entry);
	struct buf		keys;
	size_t			depth = 0;

	if (cl->ctl->json) {
		buf_init(&keys, 64 * 1024);
		for (; cl->keys[depth] != NULL; depth++)
			if (buf_put_str(&keys, depth == 0 ? "" : ".") != 0 || buf_put_str(&keys, cl->keys[depth]) != 0)
				fatal(EX_OSERR, "out of memory");
		out_json_begin();
		out_json_text("client", span_of(cl->row->word));
		out_json_text("file", span_of(cl->path));
		out_json_text("place", buf_rest(&keys));
		out_json_text("name", SPAN_LIT(CLIENTFILE_ENTRY));
		out_json_raw("entry", entry);
		out_json_end();
		buf_fini(&keys);
		return 0;
	}
	printf("%s, %s:\n  {", cl->row->shown, cl->path);
	for (; cl->keys[depth] != NULL; depth++)
		printf("\"%s\": {", cl->keys[depth]);
	printf("\"" CLIENTFILE_ENTRY "\": %.*s", SPAN_FMT(entry));
	for (; depth > 0; depth--)
		printf("}");
	printf("}\n");
	show_entries(cl);
	show_http(cl);
	printf("--write puts it there, for the entries that are the gateway's, and keeps a copy; --restore undoes "
	    "it.\n");
	return 0;
}

/* It keeps no file of its own: it is told on its command line. */
static int
show_inspector(struct ctl *ctl, bool change)
{
	char	path[PATH_MAX];

	if (change) {
		out_error("the inspector keeps no file of servers, so there is nothing to write: mcpgwctl client --for "
		    "inspector shows how it is started");
		return EX_USAGE;
	}
	client_bridge(path);
	if (ctl->json) {
		out_json_begin();
		out_json_text("client", SPAN_LIT("inspector"));
		out_json_text("command", span_of(path));
		out_json_end();
		return 0;
	}
	printf("npx @modelcontextprotocol/inspector %s", path);
	if (ctl->where.system != (geteuid() == 0))
		printf(" %s", ctl->where.system ? "--system" : "--user");
	if (ctl->config_given != NULL)
		printf(" -c %s", folders_config(ctl));
	printf("\n");
	return 0;
}

/* ---- the command ---------------------------------------------------------------------------------- */

static _Noreturn void
unknown_client(const char *word)
{
	static const char *const names[] = { "claude-code", "cursor", "vscode", "inspector", "claude-desktop", NULL };
	const char		*near = word == NULL ? NULL : opts_nearest(word, names);

	if (near != NULL)
		fatal(EX_USAGE, "unknown client \"%s\"; did you mean %s?", word, near);
	fatal(EX_USAGE, "--for: want claude-code, cursor, vscode, inspector or claude-desktop");
}

int
cmd_client(struct ctl *ctl, int argc, char **argv)
{
	const char		*client = NULL, *project = NULL;
	bool			 write = false, restore = false;
	const struct opt	 options[] = { { "--for", &client, NULL }, { "--project", &project, NULL },
	    { "--write", NULL, &write }, { "--restore", NULL, &restore }, { NULL, NULL, NULL } };
	struct client		 cl = { .ctl = ctl };
	int			 r;

	(void)opts_take(options, argc, argv, 0, 0);
	if (write && restore)
		fatal(EX_USAGE, "--write and --restore: one of them");
	if (client != NULL && strcmp(client, "inspector") == 0)
		return out_end(show_inspector(ctl, write || restore));
	if (client == NULL || !client_is_known(client))
		unknown_client(client);
	if (project != NULL && realpath(project, cl.project) == NULL)
		fatal(EX_NOINPUT, "--project %s: %s", project, strerror(errno));
	buf_init(&cl.entry, 64 * 1024);
	if ((r = client_find(&cl, client)) == 0) {
		client_entry(&cl);
		if (!restore)
			read_policy(&cl);
		r = write ? client_write(&cl) : restore ? client_restore(&cl) : client_show(&cl);
	}
	snap_release(&cl.policy);
	buf_fini(&cl.entry);
	free(cl.text);
	return out_end(r);
}
