/* SPDX-License-Identifier: Apache-2.0
 *
 * serverfile.c - one server in the servers file: its text changed, tried, written, put in force
 *
 * Process: mcpgwctl.
 * Owns:    the texts of a struct serverfile.
 * Trusts:  the compiler for what the new text means.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/compare/compiled.h"
#include "ctl/files/replace.h"
#include "ctl/files/serverfile.h"
#include "ctl/folders.h"
#include "ctl/known.h"
#include "ctl/out.h"
#include "policy/params.h"
#include "policy/policy.h"

/* ---- where it stands ------------------------------------------------------------------------------ */

static int
say_unknown(const struct snap *s, const char *tenant, const char *name)
{
	char	hint[KNOWN_HINT];

	out_error("no server \"%s\"%s", name, known_hint(s, KNOWN_SERVER, span_of(tenant), name,
	    "; see mcpgwctl status", hint));
	return EX_DATAERR;
}

static int
find_place(struct serverfile *f)
{
	struct conf_error	 error;
	struct conf		*c = NULL;

	f->keys[0] = "mcpServers";
	f->keys[1] = f->name;
	f->keys[2] = NULL;
	if (f->bytes > 0 && conf_new(span_make(f->text, f->bytes), &c, &error) == 0) {
		if (conf_find(conf_top(c), f->keys[0]) == NULL)
			f->keys[0] = "servers";
		if (edit_find(c, f->keys) != NULL) {
			conf_free(&c);
			return buf_put(&f->now, span_make(f->text, f->bytes)) == 0 ? 0 : EX_OSERR;
		}
	}
	conf_free(&c);
	return EX_DATAERR;
}

int
serverfile_open(struct ctl *ctl, const char *name, struct serverfile *f)
{
	const struct rec_server	*server;
	struct params		 params;
	int			 r;

	*f = (struct serverfile){ .name = name };
	buf_init(&f->now, CONF_MAX_BYTES);
	(void)folders_tenant_dir(ctl);
	if ((r = pending_begin(ctl, &f->pending)) != 0)
		return r;
	server = policy_server_find(f->pending.files, span_of(folders_tenant(ctl)), span_of(name));
	if (server == NULL)
		return say_unknown(f->pending.files, folders_tenant(ctl), name);
	if (folders_params(ctl, f->pending.files, &params) != 0 || params.servers_file.n >= sizeof(f->path))
		return EX_CONFIG;
	snprintf(f->path, sizeof(f->path), "%.*s", SPAN_FMT(params.servers_file));
	if ((server->flags & SERVER_FLAG_NATIVE) != 0 || replace_is_yaml(f->path)) {
		out_error("%.*s:%u: %s; change it there by hand, then: mcpgwctl reload",
		    SPAN_FMT(snap_text(f->pending.files, server->file)), server->line,
		    replace_is_yaml(f->path) ? "YAML is not edited" : "a file of programs is not edited");
		return EX_DATAERR;
	}
	if (replace_read(f->path, &f->text, &f->bytes) != 0)
		return EX_NOINPUT;
	if ((r = find_place(f)) != 0)
		out_error("%s: server %s is not found there", f->path, name);
	return r;
}

void
serverfile_close(struct serverfile *f)
{
	pending_end(&f->pending);
	buf_fini(&f->now);
	free(f->text);
	f->text = NULL;
}

/* ---- changes -------------------------------------------------------------------------------------- */

/* value.p NULL: it goes. */
static int
change(struct serverfile *f, const char *member, struct span value)
{
	const struct conf_node	*server, *n;
	struct conf_error	 error;
	struct conf		*c = NULL;
	struct buf		 next, item;
	int			 r;

	if ((r = conf_new(buf_rest(&f->now), &c, &error)) != 0)
		return r;
	buf_init(&next, CONF_MAX_BYTES);
	buf_init(&item, CONF_MAX_BYTES);
	server = edit_find(c, f->keys);
	n = member == NULL ? server : conf_find(server, member);
	if (value.p == NULL) {
		r = n == NULL ? buf_put(&next, buf_rest(&f->now)) : edit_remove(buf_rest(&f->now), n, &next);
	} else if (n != NULL) {
		r = edit_replace(buf_rest(&f->now), n, value, &next);
	} else if ((r = json_put_string(&item, span_of(member))) == 0 && (r = buf_put_str(&item, ": ")) == 0 &&
	    (r = buf_put(&item, value)) == 0) {
		r = edit_append(buf_rest(&f->now), server, buf_rest(&item), &next);
	}
	if (r == 0) {
		buf_clear(&f->now);
		r = buf_put(&f->now, buf_rest(&next));
	}
	buf_fini(&item);
	buf_fini(&next);
	conf_free(&c);
	return r;
}

int
serverfile_set(struct serverfile *f, const char *member, struct span value)
{
	return change(f, member, value);
}

int
serverfile_unset(struct serverfile *f, const char *member)
{
	return change(f, member, SPAN_NONE);
}

int
serverfile_remove(struct serverfile *f)
{
	return change(f, NULL, SPAN_NONE);
}

bool
serverfile_is(const struct serverfile *f, const char *member, const char *value)
{
	const struct conf_node	*n;
	struct conf_error	 error;
	struct conf		*c = NULL;
	bool			 is;

	if (conf_new(buf_rest(&f->now), &c, &error) != 0)
		return false;
	n = conf_find(edit_find(c, f->keys), member);
	is = n != NULL && span_is(n->text, value);
	conf_free(&c);
	return is;
}

/* ---- trying, showing, writing --------------------------------------------------------------------- */

static int
try_file(const char *path, void *arg)
{
	struct serverfile	*f = arg;
	const struct snap	*before = f->pending.running != NULL ? f->pending.running : f->pending.files;
	struct compiled_plan	 plan = { .what = COMPILE_POLICY, .servers_file = path,
	    .as_running = f->pending.running, .errors = true };
	struct snap		*made = NULL;
	struct compare		 c;

	if (!compiled_read(f->pending.ctl, &plan, &made))
		return E_FORMAT;
	if (f->dry) {
		compare_make(before, made, pending_known, f->pending.ctl, &c);
		c.file = folders_shown(f->pending.ctl, path);
		c.shown = folders_shown(f->pending.ctl, f->path);
		compare_print(f->pending.ctl, &c);
		compare_fini(&c);
	}
	snap_release(&made);
	return f->dry ? E_UNTIMELY : 0;
}

int
serverfile_apply(struct serverfile *f, int error)
{
	const struct span	was = span_make(f->text, f->bytes);

	if (error == 0 && span_eq(was, buf_rest(&f->now))) {
		out_error("%s: that is so already; nothing was changed%s", f->name,
		    f->pending.others ? ", but the files are not in force: mcpgwctl reload" : "");
		return EX_DATAERR;
	}
	if (error == 0)
		error = replace_file(f->path, was, buf_rest(&f->now), try_file, f);
	if (error == E_UNTIMELY && f->dry)
		return 0;
	if (error == 0)
		return pending_apply(&f->pending);
	if (error != E_SYS && error != E_EXISTS)	/* these were said */
		out_error("%s: not changed%s%s", f->path, error == E_FORMAT ? ", as it would not compile" : ": ",
		    error == E_FORMAT ? "" : err_text(error));
	return error == E_FORMAT ? EX_CONFIG : EX_CANTCREAT;
}
