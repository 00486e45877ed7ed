/* SPDX-License-Identifier: Apache-2.0
 *
 * write.c - the gateway's files with what was imported in them
 *
 * Process: mcpgwctl.
 * Owns:    the texts between reading and writing.
 * Trusts:  the files to be the operator's; somebody who changed them meanwhile is not overwritten.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/files/conffile.h"
#include "ctl/files/edit.h"
#include "ctl/files/filecheck.h"
#include "ctl/files/replace.h"
#include "ctl/files/settings.h"
#include "ctl/folders.h"
#include "ctl/import/member.h"
#include "ctl/import/secret.h"
#include "ctl/import/write.h"
#include "ctl/out.h"
#include "ipc/codec.h"
#include "lib/log.h"
#include "policy/params.h"

#define FILE_BYTES	CONF_MAX_BYTES

/* ---- reading --------------------------------------------------------------------------------------- */

static int
find_paths(struct import *im, struct files *f)
{
	struct snap	*settings = NULL;
	struct params	 p;
	int		 r = EX_CONFIG;

	if (settings_read(im->ctl, true, &settings) && settings != NULL && folders_params(im->ctl, settings, &p) == 0) {
		f->servers = import_text(im, p.servers_file);
		f->rules = import_text(im, p.rules_file);
		r = 0;
	}
	snap_release(&settings);
	if (r == 0 && (replace_is_yaml(f->servers) || replace_is_yaml(f->rules))) {
		out_error("%s: YAML is not edited; give import a JSON file: mcpgwctl conf servers_file rules_file",
		    replace_is_yaml(f->servers) ? f->servers : f->rules);
		r = EX_CONFIG;
	}
	return r;
}

int
files_read(struct import *im, struct files *f)
{
	int	r;

	*f = (struct files){ 0 };
	if ((r = find_paths(im, f)) != 0)
		return r;
	if (replace_read(f->servers, &f->servers_text, &f->servers_bytes) != 0 ||
	    replace_read(f->rules, &f->rules_text, &f->rules_bytes) != 0)
		return EX_NOINPUT;
	return 0;
}

void
files_fini(struct files *f)
{
	free(f->servers_text);
	free(f->rules_text);
	f->servers_text = f->rules_text = NULL;
}

static bool
is_blank(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (strchr(" \t\r\n", s.p[i]) == NULL)
			return false;
	return true;
}

static const struct conf_node *
server_list(const struct conf *c)
{
	const struct conf_node	*list = conf_find(conf_top(c), "mcpServers");

	return list != NULL ? list : conf_find(conf_top(c), "servers");
}

/* ${NAME} or ${input:NAME}, somewhere in it; a secret's name stands in those that were complete, too. */
static bool
wants_variable(const struct conf_node *n)
{
	struct span	s = n->type == JSON_STRING ? n->text : SPAN_NONE;

	for (size_t i = 0; i + 2 < s.n; i++)
		if (s.p[i] == '$' && s.p[i + 1] == '{' && !span_starts(span_part(s, i + 2, s.n), SPAN_LIT("secret:")))
			return true;
	for (n = n->first; n != NULL; n = n->next)
		if (wants_variable(n))
			return true;
	return false;
}

/* Was it written off, since a variable was not set that is set now? */
static bool
was_waiting(const struct import_server *s, const struct conf_node *n)
{
	const struct conf_node	*enabled = conf_find(n, "enabled");

	/* Only import begins an entry with it; `server disable` puts it behind what is there. */
	return !s->off && enabled != NULL && enabled == n->first && enabled->type == JSON_FALSE &&
	    conf_find(n, "disabled_reason") == NULL && wants_variable(n);
}

void
files_compare(struct import *im, const struct files *f)
{
	struct span		 text = span_make(f->servers_text, f->servers_bytes);
	struct conf_error	 error;
	struct conf		*c = NULL;
	const struct conf_node	*list = NULL, *n;

	if (!is_blank(text) && conf_new(text, &c, &error) == 0)
		list = server_list(c);
	for (size_t i = 0; i < im->count && list != NULL; i++) {
		struct import_server *s = &im->servers[i];

		if (s->fate == IMPORT_LEFT_OUT || (n = conf_find(list, s->name)) == NULL)
			continue;
		if (member_is(s, n)) {
			s->fate = IMPORT_SAME;
		} else if (im->options.replace || was_waiting(s, n)) {
			s->fate = IMPORT_CHANGED;
		} else {
			s->fate = IMPORT_TAKEN;
			s->why = import_fmt(im, "the name is in use, with something else; --replace takes this one");
		}
	}
	conf_free(&c);
}

/* ---- changing -------------------------------------------------------------------------------------- */

/* How deep members of this object stand. */
static unsigned
level_of(const struct conf_node *at)
{
	unsigned	level = 1;

	for (; at->parent != NULL; at = at->parent)
		level++;
	return level;
}

/* The first member of an empty object gets a line of its own. */
static int
put_indent(struct buf *to, unsigned level)
{
	int	r = buf_put_str(to, "\n");

	for (; r == 0 && level > 0; level--)
		r = buf_put_str(to, "\t");
	return r;
}

/* Sets the member at the end of these names, ended by NULL; those that are missing on the way are made. */
static int
set_at(struct span text, const char *const *names, const char *value, struct buf *out)
{
	const char		*above[EDIT_KEYS_MAX] = { NULL };
	const struct conf_node	*at;
	struct conf_error	 error;
	struct conf		*c = NULL;
	struct buf		 item;
	size_t			 last = 0;
	bool			 empty;
	int			 r;

	if ((r = conf_new(text, &c, &error)) != 0) {
		out_error("line %u:%u: %s", error.line, error.column, error.text);
		return r;
	}
	for (; names[last + 1] != NULL; last++)
		above[last] = names[last];
	buf_init(&item, FILE_BYTES);
	if ((at = edit_find(c, names)) != NULL) {
		r = edit_replace(text, at, span_of(value), out);
	} else {
		empty = (at = edit_find(c, above)) != NULL && at->first == NULL;
		if ((r = empty ? put_indent(&item, level_of(at)) : 0) == 0 &&
		    (r = json_put_string(&item, span_of(names[last]))) == 0 &&
		    (r = buf_put_fmt(&item, ": %s", value)) == 0 && empty)
			r = put_indent(&item, level_of(at) - 1);
		if (r == 0)
			r = edit_put(text, c, above, false, buf_rest(&item), out);
	}
	buf_fini(&item);
	conf_free(&c);
	return r;
}

/* One more element of the list at the end of these names, unless it is there. */
static int
add_at(struct span text, const char *const *names, const char *word, struct buf *out)
{
	const struct conf_node	*n;
	struct conf_error	 error;
	struct conf		*c = NULL;
	struct buf		 item;
	int			 r;

	if ((r = conf_new(text, &c, &error)) != 0)
		return r;
	n = edit_find(c, names);
	for (n = n == NULL ? NULL : n->first; n != NULL && !span_is(n->text, word);)
		n = n->next;
	buf_init(&item, 1024);
	if (n != NULL)
		r = buf_put(out, text);
	else if ((r = json_put_string(&item, span_of(word))) == 0)
		r = edit_put(text, c, names, true, buf_rest(&item), out);
	buf_fini(&item);
	conf_free(&c);
	return r;
}

/* The text of one change becomes that of the next. */
static int
next_text(struct buf *now, struct buf *changed, int r)
{
	if (r == 0) {
		buf_clear(now);
		r = buf_put(now, buf_rest(changed));
	}
	buf_fini(changed);
	return r;
}

static int
set(struct buf *now, const char *const *names, const char *value)
{
	struct buf	changed;

	buf_init(&changed, FILE_BYTES);
	return next_text(now, &changed, set_at(buf_rest(now), names, value, &changed));
}

static int
add(struct buf *now, const char *const *names, const char *word)
{
	struct buf	changed;

	buf_init(&changed, FILE_BYTES);
	return next_text(now, &changed, add_at(buf_rest(now), names, word, &changed));
}

static bool
has(struct span text, const char *const *names)
{
	struct conf_error	 error;
	struct conf		*c = NULL;
	bool			 is_there;

	if (conf_new(text, &c, &error) != 0)
		return false;
	is_there = edit_find(c, names) != NULL;
	conf_free(&c);
	return is_there;
}

static bool
is_written(const struct import_server *s)
{
	return s->fate == IMPORT_NEW || s->fate == IMPORT_CHANGED;
}

/* ---- servers.json ---------------------------------------------------------------------------------- */

static int
make_servers(const struct import *im, const struct files *f, struct buf *now)
{
	struct span	text = span_make(f->servers_text, f->servers_bytes);
	const char	*top[] = { "servers", NULL };
	struct buf	value;
	int		r;

	r = is_blank(text) ? buf_put_str(now, "{\n\t\"mcpServers\": {}\n}\n") : buf_put(now, text);
	if (r == 0 && !has(buf_rest(now), top))
		top[0] = "mcpServers";
	if (r == 0 && !has(buf_rest(now), top))
		r = set(now, top, "{}");
	for (size_t i = 0; i < im->count && r == 0; i++) {
		const struct import_server	*s = &im->servers[i];
		const char			*names[] = { top[0], s->name, NULL };

		if (!is_written(s))
			continue;
		buf_init(&value, MEMBER_BYTES);
		if ((r = member_put(s, &value)) == 0 && (r = buf_put_u8(&value, 0)) == 0)
			r = set(now, names, buf_rest(&value).p);
		buf_fini(&value);
	}
	return r;
}

/* ---- rules.json ------------------------------------------------------------------------------------ */

static int
put_list(struct buf *to, const struct words *w)
{
	int	r = buf_put_str(to, "[");

	for (size_t i = 0; i < w->n && r == 0; i++)
		if ((r = buf_put_str(to, i == 0 ? "" : ", ")) == 0)
			r = json_put_string(to, span_of(w->at[i]));
	return r == 0 ? buf_put_str(to, "]") : r;
}

/* Exactly what was shown: the tools by their names. */
static int
allow(struct buf *now, const char *agent, const struct import_server *s)
{
	const char	*servers[] = { "agents", agent, "allow", "servers", NULL };
	const char	*tools[] = { "agents", agent, "allow", "tools", s->name, NULL };
	struct buf	 list;
	int		 r;

	buf_init(&list, MEMBER_BYTES);
	if ((r = add(now, servers, s->name)) == 0 && (r = put_list(&list, &s->tools)) == 0 &&
	    (r = buf_put_u8(&list, 0)) == 0)
		r = set(now, tools, buf_rest(&list).p);
	buf_fini(&list);
	return r;
}

const char *
files_peer(const struct import *im)
{
	const char	*sudo = getenv("SUDO_USER");

	if (!im->ctl->where.system || sudo == NULL || *sudo == '\0' || strcmp(sudo, "root") == 0 ||
	    strlen(sudo) > 200 || strpbrk(sudo, "\"\\") != NULL)
		return NULL;
	return sudo;
}

/* Personal mode: the owner is the agent "me" anyway.  System mode: who may run this command is root. */
static int
name_peers(const struct import *im, struct buf *now, const char *agent)
{
	const char	*sudo = files_peer(im);
	const char	*peer[] = { "peers", "user:root", NULL }, *user[] = { "peers", NULL, NULL };
	char		 value[80], name[300];
	int		 r = 0;

	if (!im->ctl->where.system || im->options.agent != NULL)
		return 0;
	snprintf(value, sizeof(value), "\"%s\"", agent);
	if (!has(buf_rest(now), peer))
		r = set(now, peer, value);
	if (sudo == NULL)
		return r;
	snprintf(name, sizeof(name), "user:%s", sudo);
	user[1] = name;
	if (r == 0 && !has(buf_rest(now), user))
		r = set(now, user, value);
	return r;
}

static int
make_rules(const struct import *im, const struct files *f, struct buf *now)
{
	struct span	text = span_make(f->rules_text, f->rules_bytes);
	int		r;

	if (is_blank(text))
		r = buf_put_fmt(now, "{\n\t\"agents\": {\n\t\t\"%s\": {\n\t\t\t\"allow\": {\"servers\": [],\n"
		    "\t\t\t\t\"tools\": {}}\n\t\t}\n\t}\n}\n", f->agent);
	else
		r = buf_put(now, text);
	for (size_t i = 0; i < im->count && r == 0; i++)
		if (is_written(&im->servers[i]) && im->servers[i].tried)
			r = allow(now, f->agent, &im->servers[i]);
	return r == 0 ? name_peers(im, now, f->agent) : r;
}

/* ---- writing --------------------------------------------------------------------------------------- */

/* The files of root's gateway are for its compiler to read, and for nobody else. */
static void
close_to_others(const struct import *im, const char *path)
{
	if (im->ctl->where.system && (chown(path, 0, folders_reader_group()) == -1 || chmod(path, 0640) == -1))
		out_error("%s: %s", path, strerror(errno));
	else if (!im->ctl->where.system && chmod(path, 0600) == -1)
		out_error("%s: %s", path, strerror(errno));
}

static int
write_one(struct import *im, const char *path, const char *param, struct span was, struct span now)
{
	const bool	is_new = access(path, F_OK) != 0;
	int		r;

	if (span_eq(was, now))
		return 0;
	if ((r = replace_file(path, was, now, filecheck_run, &(struct filecheck){ im->ctl, param })) == E_FORMAT)
		out_error("%s: not changed, because the files would not compile, as said above", path);
	if (r == 0 && is_new)
		close_to_others(im, path);
	return r == 0 ? 0 : r == E_FORMAT ? EX_CONFIG : EX_CANTCREAT;
}

/* Back to what it was; a file that was not there goes. */
static void
undo(const char *path, struct span was, struct span now)
{
	if (span_eq(was, now))
		return;
	if (was.n == 0)
		(void)unlink(path);
	else if (replace_file(path, now, was, NULL, NULL) != 0)
		out_error("%s: keeps what was imported", path);
}

/* --run-as: what all tools of this gateway, or tenant, run as from now on. */
static int
write_conf(struct import *im)
{
	const char	*path = import_fmt(im, "%s/%s", folders_tenant_dir(im->ctl),
			    im->ctl->tenant == NULL ? "mcpgw.conf" : "tenant.conf");
	char		*text;
	size_t		 bytes;
	struct buf	 now;
	bool		 changed = false;
	int		 r;

	if (im->options.run_as == NULL)
		return 0;
	if (replace_read(path, &text, &bytes) != 0)
		return EX_NOINPUT;
	buf_init(&now, FILE_BYTES);
	r = conffile_set(span_make(text, bytes), SPAN_LIT("tenant_user"), span_of(im->options.run_as), &now, &changed);
	if (r == 0 && changed)
		r = replace_file(path, span_make(text, bytes), buf_rest(&now), NULL, NULL);
	buf_fini(&now);
	free(text);
	return r == 0 ? 0 : EX_CANTCREAT;
}

int
files_write(struct import *im, struct files *f)
{
	struct span	was_servers = span_make(f->servers_text, f->servers_bytes);
	struct span	was_rules = span_make(f->rules_text, f->rules_bytes);
	struct buf	servers, rules;
	int		r;

	buf_init(&servers, FILE_BYTES);
	buf_init(&rules, FILE_BYTES);
	if ((r = make_servers(im, f, &servers)) != 0 || (r = make_rules(im, f, &rules)) != 0) {
		out_error("%s and %s: not changed: %s", f->servers, replace_base_name(f->rules), err_text(r));
		r = EX_CONFIG;
	} else if ((r = import_secrets_write(im)) == 0) {
		r = write_one(im, f->servers, "servers_file", was_servers, buf_rest(&servers));
		if (r == 0 && ((r = write_one(im, f->rules, "rules_file", was_rules, buf_rest(&rules))) != 0 ||
		    (r = write_conf(im)) != 0)) {
			undo(f->rules, was_rules, buf_rest(&rules));
			undo(f->servers, was_servers, buf_rest(&servers));
		}
		if (r != 0)
			import_secrets_unwrite(im);
	}
	buf_fini(&servers);
	buf_fini(&rules);
	return r;
}
