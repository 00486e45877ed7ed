/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_rule.c - rule allow, rule deny: one rule of the rules file, written or taken out, and put in force
 *
 * Process: mcpgwctl.
 * Owns:    nothing beyond a call.
 * Trusts:  the compiler for what the new text means: nothing is written that does not bring about what was asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/compare/compiled.h"
#include "ctl/files/pending.h"
#include "ctl/files/replace.h"
#include "ctl/files/ruletext.h"
#include "ctl/folders.h"
#include "ctl/known.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/conf.h"
#include "lib/glob.h"
#include "lib/log.h"
#include "policy/params.h"
#include "policy/policy.h"

#define NOT_YET	E_UNTIMELY		/* of a try: it is not decided as wished, or was only to be looked at */

struct wish {
	struct ctl	*ctl;
	struct pending	 pending;
	const char	*agent, *server, *tool;		/* tool NULL: the server, with all its tools */
	bool		 allow, dry, is_new;
	char		 file[4096];			/* rules_file */
	char		*text;				/* of it */
	size_t		 bytes;
	struct buf	 now;				/* the new text */
	/* of the last try */
	struct snap	*made;
	struct decision	 decision;
	bool		 server_allowed;
	bool		 good;			/* it does, and was shown: only --dry-run keeps it from being written */
};

/* ---- what is decided ------------------------------------------------------------------------------ */

static void
ask(const struct wish *w, const struct snap *s, enum object_kind kind, struct decision *d)
{
	const struct principal	who = { .tenant = span_of(folders_tenant(w->ctl)), .agent = span_of(w->agent) };
	const struct object	what = { .kind = kind, .server = span_of(w->server),
	    .name = span_of(w->tool == NULL ? "*" : w->tool) };

	decide(s, &who, &what, d);
}

/* Of a whole server the question is its deny; or, for an allow, every tool that no rule names. */
static bool
is_decided(const struct wish *w, const struct snap *s, struct decision *d)
{
	ask(w, s, w->tool == NULL && !w->allow ? OBJECT_SERVER : OBJECT_TOOL, d);
	/* What is only watched is what the rules say all the same. */
	return (d->allow && !d->shadow) == w->allow;
}

/* The rule of the last try, or of the files as they are. */
static void
print_rule(const struct wish *w, const struct decision *d, char *to, size_t room)
{
	const struct snap	*s = w->made != NULL ? w->made : w->pending.files;
	const struct rec_rule	*rule = d->rule == 0 ? NULL : SNAP_AT(s, RULE, d->rule - 1);

	if (rule == NULL)
		snprintf(to, room, "%s", d->class_text);
	else
		snprintf(to, room, "%.200s:%u %.*s \"%.*s\" (%s)", folders_shown(w->ctl, w->file), d->line,
		    SPAN_FMT(d->path), SPAN_FMT(snap_text(s, rule->pattern)), d->class_text);
}

/* ---- names ---------------------------------------------------------------------------------------- */

static void
check_names(const struct wish *w)
{
	const struct snap	*s = w->pending.files;
	const struct span	 tenant = span_of(folders_tenant(w->ctl));
	const char		*wrong = w->tool == NULL ? NULL : glob_check(span_of(w->tool));
	char			 hint[KNOWN_HINT] = "";

	if (wrong != NULL)
		fatal(EX_USAGE, "\"%s\": %s", w->tool, wrong);
	if (policy_server_find(s, tenant, span_of(w->server)) == NULL)
		fatal(EX_DATAERR, "no server \"%s\"%s", w->server, known_hint(s, KNOWN_SERVER, tenant, w->server,
		    "; see mcpgwctl status", hint));
	if (policy_agent_find(s, tenant, span_of(w->agent)) == NULL && !w->is_new)
		fatal(EX_DATAERR, "no agent \"%s\" in the rules%s%s", w->agent, known_hint(s, KNOWN_AGENT, tenant,
		    w->agent, "; --new makes one", hint), hint[0] != '\0' ? " --new makes a new one" : "");
}

/* ---- the new text --------------------------------------------------------------------------------- */

/* One change of w->now; what is there already, or is not there, is no change. */
static int
change(struct wish *w, int (*fn)(struct span, const struct ruletext *, struct buf *), const char *section,
    const char *tool)
{
	const struct ruletext	rule = { section, w->agent, w->server, tool };
	struct buf		next;
	int			r;

	buf_init(&next, CONF_MAX_BYTES);
	if ((r = fn(buf_rest(&w->now), &rule, &next)) == 0) {
		buf_clear(&w->now);
		r = buf_put(&w->now, buf_rest(&next));
	}
	buf_fini(&next);
	return r == E_EXISTS || r == E_NOTFOUND ? 0 : r;
}

/* The opposite of this very rule says nothing any more, or would beat it. */
static int
take_opposite(struct wish *w)
{
	int	r;

	if (!w->allow)
		return change(w, ruletext_remove, "allow", w->tool);
	if ((r = change(w, ruletext_remove, "deny", w->tool)) != 0)
		return r;
	return change(w, ruletext_remove, "hide", w->tool);
}

static int
put_rule(struct wish *w)
{
	int	r = 0;

	if (!w->allow)
		return change(w, ruletext_add, "deny", w->tool);
	if (!w->server_allowed)
		r = change(w, ruletext_add, "allow", NULL);
	return r != 0 ? r : change(w, ruletext_add, "allow", w->tool == NULL ? "*" : w->tool);
}

/* ---- trying, showing, writing --------------------------------------------------------------------- */

static void
show(struct wish *w, const char *tried)
{
	const struct span	 tenant = span_of(folders_tenant(w->ctl)), server = span_of(w->server);
	const struct snap	*before = w->pending.running;
	struct compare		 c;

	/* Of a server that is new itself nothing is decided in what runs. */
	if (before == NULL || policy_server_find(before, tenant, server) == NULL)
		before = w->pending.files;

	compare_make(before, w->made, pending_known, w->ctl, &c);
	c.file = folders_shown(w->ctl, tried);
	c.shown = folders_shown(w->ctl, w->file);
	compare_print(w->ctl, &c);
	compare_fini(&c);
	fflush(stdout);
}

/* A replace_check_fn: does this file bring about what is wished? */
static int
try_file(const char *path, void *arg)
{
	struct wish		*w = arg;
	struct compiled_plan	 plan = { .what = COMPILE_POLICY, .rules_file = path, .as_running = w->pending.running,
	    .errors = true };
	struct decision		 server;

	snap_release(&w->made);
	if (!compiled_read(w->ctl, &plan, &w->made))
		return E_FORMAT;
	ask(w, w->made, OBJECT_SERVER, &server);
	w->server_allowed = server.allow;
	if (!is_decided(w, w->made, &w->decision))
		return NOT_YET;
	w->good = true;
	show(w, path);
	return w->dry ? NOT_YET : 0;
}

static int
try_text(struct wish *w)
{
	const struct span	was = span_make(w->text, w->bytes);

	if (span_eq(was, buf_rest(&w->now)))
		return NOT_YET;
	return replace_file(w->file, was, buf_rest(&w->now), try_file, w);
}

static int
refuse(struct wish *w)
{
	char	rule[1024];

	print_rule(w, &w->decision, rule, sizeof(rule));
	out_error("%s: not changed: %s.%s would still be %s by %s; nothing but a change to that rule helps",
	    w->file, w->server, w->tool == NULL ? "*" : w->tool, w->allow ? "denied" : "allowed", rule);
	return EX_DATAERR;
}

static int
make_change(struct wish *w)
{
	struct decision	server;
	int		r;

	if ((r = buf_put(&w->now, span_make(w->text, w->bytes))) != 0 || (r = take_opposite(w)) != 0)
		goto out;
	/* It may be enough to take away what denied it; a deny is always written. */
	ask(w, w->pending.files, OBJECT_SERVER, &server);
	w->server_allowed = server.allow;
	r = w->allow ? try_text(w) : NOT_YET;
	if (r == NOT_YET && !w->good && (r = put_rule(w)) == 0)
		r = try_text(w);
 out:
	if (w->good && (r == 0 || r == NOT_YET))
		return 0;
	if (r == NOT_YET)
		return refuse(w);
	if (r == E_FORMAT)
		out_error("%s: not changed, as it would not compile, or is of another form than mcpgw-rules(5) has it",
		    w->file);
	else if (r != E_SYS && r != E_EXISTS)		/* these were said */
		out_error("%s: not changed: %s", w->file, err_text(r));
	return r == E_FORMAT ? EX_CONFIG : EX_CANTCREAT;
}

/* ---- the command ---------------------------------------------------------------------------------- */

static int
find_file(struct wish *w)
{
	struct params	params;

	if (folders_params(w->ctl, w->pending.files, &params) != 0 || params.rules_file.n == 0 ||
	    params.rules_file.n >= sizeof(w->file)) {
		out_error("rules_file names no file; see mcpgwctl conf rules_file");
		return EX_CONFIG;
	}
	snprintf(w->file, sizeof(w->file), "%.*s", SPAN_FMT(params.rules_file));
	if (replace_is_yaml(w->file)) {
		out_error("%s: YAML is not edited; add \"%s\" to agents.%s.%s.tools.%s by hand, then: mcpgwctl reload",
		    w->file, w->tool == NULL ? "*" : w->tool, w->agent, w->allow ? "allow" : "deny", w->server);
		return EX_DATAERR;
	}
	return replace_read(w->file, &w->text, &w->bytes) == 0 ? 0 : EX_NOINPUT;
}

static int
run(struct wish *w)
{
	struct decision	d;
	char		rule[1024];
	int		r;

	(void)folders_tenant_dir(w->ctl);
	if ((r = pending_begin(w->ctl, &w->pending)) != 0)
		return r;
	check_names(w);
	if ((r = find_file(w)) != 0)
		return r;
	if (is_decided(w, w->pending.files, &d)) {
		print_rule(w, &d, rule, sizeof(rule));
		out_error("%s.%s is %s already, by %s; nothing was changed%s", w->server,
		    w->tool == NULL ? "*" : w->tool, w->allow ? "allowed" : "denied", rule,
		    w->pending.others ? ", but the files are not in force: mcpgwctl reload" : "");
		return EX_DATAERR;
	}
	w->decision = d;
	if ((r = make_change(w)) != 0 || w->dry)
		return r;
	return pending_apply(&w->pending);
}

static int
rule_command(struct ctl *ctl, int argc, char **argv, bool allow)
{
	struct wish		w = { .ctl = ctl, .allow = allow };
	const struct opt	rows[] = { { "--dry-run", NULL, &w.dry }, { "--new", NULL, &w.is_new },
	    { "--tenant", &ctl->tenant, NULL }, { NULL, NULL, NULL } };
	int			r;

	argc = opts_take(rows, argc, argv, 2, 3);
	w.agent = argv[0];
	w.server = argv[1];
	w.tool = argc == 3 ? argv[2] : NULL;
	buf_init(&w.now, CONF_MAX_BYTES);
	r = run(&w);
	buf_fini(&w.now);
	free(w.text);
	snap_release(&w.made);
	pending_end(&w.pending);
	return out_end(r);
}

int
cmd_rule_allow(struct ctl *ctl, int argc, char **argv)
{
	return rule_command(ctl, argc, argv, true);
}

int
cmd_rule_deny(struct ctl *ctl, int argc, char **argv)
{
	return rule_command(ctl, argc, argv, false);
}
