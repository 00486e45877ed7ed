/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_conf.c - parameters: show them, change them (the work of postconf(1))
 *
 * Process: mcpgwctl.
 * Owns:    nothing.
 * Trusts:  mcpgw-compile for what a value means; a value that it refuses is never written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/files/conffile.h"
#include "ctl/files/replace.h"
#include "ctl/files/settings.h"
#include "ctl/folders.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/log.h"
#include "policy/params.h"

#define TEXT_MAX	(64u << 20)

struct wish {			/* what was typed */
	bool		 set, unset, changed_only, defaults;
	int		 count;
	char		**words;
};

/* The parameter, or the end of the program with the nearest name. */
static unsigned
param_of(struct span name)
{
	const char	*names[PARAM_ID_LIMIT + 1], *near;
	char		 typed[128];
	int		 id;

	if ((id = param_find(name)) >= 0)
		return (unsigned)id;
	for (unsigned i = 0; i < PARAM_ID_LIMIT; i++)
		names[i] = param_row(i)->name;
	names[PARAM_ID_LIMIT] = NULL;
	snprintf(typed, sizeof(typed), "%.*s", SPAN_FMT(name));
	if ((near = opts_nearest(typed, names)) != NULL)
		fatal(EX_USAGE, "\"%s\" is no parameter; did you mean %s?", typed, near);
	fatal(EX_USAGE, "\"%s\" is no parameter; mcpgwctl conf lists them", typed);
}

/* ---- showing ----------------------------------------------------------------------------------- */

static const char *
default_of(const struct ctl *ctl, const struct param_row *row)
{
	return ctl->where.system || row->personal == NULL ? row->normal : row->personal;
}

/* By what it comes into force; the later one has in it what the earlier ones do. */
static const char *const	 effects[] = {
	[PARAM_EFFECT_NEXT_REQUEST] = "reload", [PARAM_EFFECT_NEXT_CONNECTION] = "reload",
	[PARAM_EFFECT_NEXT_START] = "reload", [PARAM_EFFECT_UPGRADE] = "upgrade",
	[PARAM_EFFECT_RESTART] = "restart",
};

static void
show_one(const struct ctl *ctl, const struct snap *s, unsigned id, bool defaults)
{
	const struct param_row		*row = param_row(id);
	const struct rec_param		*p = SNAP_AT(s, PARAM, id);
	struct span			 value = p == NULL ? SPAN_NONE : snap_text(s, p->text);

	if (ctl->json) {
		out_json_begin();
		out_json_text("name", span_of(row->name));
		out_json_text("value", value);
		out_json_text("default", span_of(default_of(ctl, row)));
		out_json_text("source", p == NULL ? SPAN_NONE : snap_text(s, p->source));
		out_json_text("takes_effect", span_of(effects[row->effect]));
		out_json_text("doc", span_of(row->doc));
		out_json_end();
		return;
	}
	if (defaults)
		value = span_of(default_of(ctl, row));
	printf("%s =%s%.*s\n", row->name, value.n > 0 ? " " : "", SPAN_FMT(value));
}

static bool
is_default(const struct snap *s, unsigned id)
{
	const struct rec_param	*p = SNAP_AT(s, PARAM, id);

	return p == NULL || span_is(snap_text(s, p->source), "default");
}

static int
show(struct ctl *ctl, const struct wish *w)
{
	struct snap	*s = NULL;
	bool		 good = settings_read(ctl, true, &s);

	if (s == NULL) {
		out_error("mcpgw.conf has errors; mcpgwctl check lists them");
		return EX_CONFIG;
	}
	for (int i = 0; i < w->count; i++)
		show_one(ctl, s, param_of(span_of(w->words[i])), w->defaults);
	/* config_dir is not the operator's to set, so it is never what differs. */
	for (unsigned id = 0; w->count == 0 && id < PARAM_ID_LIMIT; id++)
		if (!w->changed_only || (!is_default(s, id) && id != PARAM_ID_config_dir))
			show_one(ctl, s, id, w->defaults);
	snap_release(&s);
	return good ? 0 : EX_CONFIG;
}

/* ---- changing ---------------------------------------------------------------------------------- */

/* "name = value" of the command line; unset: a name alone. */
static void
word_take(const struct wish *w, int i, struct span *name, struct span *value)
{
	const char	*word = w->words[i], *eq = strchr(word, '=');

	*value = SPAN_NONE;
	if (w->set && eq == NULL)
		fatal(EX_USAGE, "\"%s\": want NAME=VALUE", word);
	if (w->unset && eq != NULL)
		fatal(EX_USAGE, "\"%s\": -X wants a name alone", word);
	*name = span_trim(eq == NULL ? span_of(word) : span_make(word, (size_t)(eq - word)));
	if (eq != NULL) {
		*value = span_trim(span_of(eq + 1));
		if (value->n > 0 && memchr(value->p, '\n', value->n) != NULL)
			fatal(EX_USAGE, "%.*s: a value is one line", SPAN_FMT(*name));
	}
	if (param_of(*name) == PARAM_ID_config_dir)
		fatal(EX_USAGE, "config_dir is set by -c only");
}

/* Would the gateway start with this?  As -o beside the file, so that the same eyes look at it; what is not set any
 * more has its default. */
static bool
would_do(struct ctl *ctl, const struct wish *w)
{
	struct snap	*s = NULL;
	struct span	 name, value;
	char		*word;
	bool		 good;

	for (int i = 0; i < w->count; i++) {
		word_take(w, i, &name, &value);
		if (ctl->setting_count == CTL_SETTINGS_MAX)
			fatal(EX_USAGE, "too many settings at once");
		word = w->words[i];
		if (!w->set && asprintf(&word, "%.*s=%s", SPAN_FMT(name),
		    default_of(ctl, param_row(param_of(name)))) < 0)
			fatal(EX_OSERR, "out of memory");
		ctl->settings[ctl->setting_count++] = word;	/* as long as the process */
	}
	good = settings_read(ctl, true, &s);
	snap_release(&s);
	return good;
}

/* Another place may set it too, and win: then the file's new line changes nothing. */
static void
say_effect(struct ctl *ctl, const struct wish *w)
{
	struct snap	*s = NULL;
	struct span	 name, value, source;
	enum param_effect effect = PARAM_EFFECT_NEXT_REQUEST;

	ctl->setting_count = 0;
	(void)settings_read(ctl, true, &s);
	for (int i = 0; i < w->count; i++) {
		const struct rec_param	*p;
		unsigned		 id;

		word_take(w, i, &name, &value);
		id = param_of(name);
		if (param_row(id)->effect > effect)
			effect = param_row(id)->effect;
		p = s == NULL ? NULL : SNAP_AT(s, PARAM, id);
		source = p == NULL ? SPAN_NONE : snap_text(s, p->source);
		if (p != NULL && w->set && !span_is(source, "mcpgw.conf"))
			out_error("%.*s is set by the %.*s too, and that counts", SPAN_FMT(name), SPAN_FMT(source));
	}
	snap_release(&s);
	if (!ctl->json && folders_running_pid(ctl) == 0) {
		printf("mcpgw.conf changed.  No gateway runs; it will be in force from the next start on\n");
		return;
	}
	if (!ctl->json) {
		printf("mcpgw.conf changed.  Put it in force: mcpgwctl %s\n", effects[effect]);
		return;
	}
	out_json_begin();
	out_json_bool("changed", true);
	out_json_text("put_in_force", span_of(effects[effect]));
	out_json_end();
}

static int
change(struct ctl *ctl, const struct wish *w)
{
	char		 path[PATH_MAX], *text = NULL;
	struct buf	 old, new;
	struct span	 name, value;
	size_t		 bytes;
	bool		 any = false, changed;
	int		 r;

	if (w->count == 0)
		fatal(EX_USAGE, w->set ? "-e needs NAME=VALUE" : "-X needs a name");
	if (!would_do(ctl, w)) {
		out_error("nothing was written");
		return EX_CONFIG;
	}
	snprintf(path, sizeof(path), "%.4000s/mcpgw.conf", folders_config(ctl));
	if ((r = replace_read(path, &text, &bytes)) != 0)
		return EX_NOINPUT;
	buf_init(&old, TEXT_MAX);
	buf_init(&new, TEXT_MAX);
	r = buf_put(&old, span_make(text, bytes));
	for (int i = 0; r == 0 && i < w->count; i++) {
		word_take(w, i, &name, &value);
		if (w->set && value.p == NULL)
			value = SPAN_LIT("");
		buf_clear(&new);
		if ((r = conffile_set(buf_rest(&old), name, value, &new, &changed)) == 0) {
			buf_clear(&old);
			r = buf_put(&old, buf_rest(&new));
			any = any || changed;
		}
	}
	any = any && !span_eq(buf_rest(&old), span_make(text, bytes));
	if (r != 0) {
		out_error("%s: %s", path, err_text(r));
		r = EX_SOFTWARE;
	} else if (!any && ctl->json) {
		out_json_begin();
		out_json_bool("changed", false);
		out_json_end();
	} else if (!any) {
		printf("mcpgw.conf %s; nothing was changed\n", w->set ? "says so already" :
		    w->count == 1 ? "does not set it" : "does not set them");
	} else if (replace_file(path, span_make(text, bytes), buf_rest(&old), NULL, NULL) != 0) {
		r = EX_CANTCREAT;
	} else {
		say_effect(ctl, w);
	}
	buf_fini(&old);
	buf_fini(&new);
	free(text);
	return r;
}

int
cmd_conf(struct ctl *ctl, int argc, char **argv)
{
	struct wish		w = { .words = argv };
	const struct opt	rows[] = { { "-n", NULL, &w.changed_only }, { "-d", NULL, &w.defaults },
	    { "-e", NULL, &w.set }, { "-X", NULL, &w.unset }, { NULL, NULL, NULL } };

	w.count = opts_take(rows, argc, argv, 0, CTL_SETTINGS_MAX);
	if (w.changed_only + w.defaults + w.set + w.unset > 1)
		fatal(EX_USAGE, "-n, -d, -e and -X: one of them");
	return out_end(w.set || w.unset ? change(ctl, &w) : show(ctl, &w));
}
