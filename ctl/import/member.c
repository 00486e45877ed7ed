/* SPDX-License-Identifier: Apache-2.0
 *
 * member.c - a server as it stands in servers.json
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: nothing of the texts: all are written as JSON strings.
 */
#include <string.h>

#include "ctl/import/member.h"
#include "lib/json.h"

#define INDENT	"\t\t\t"

/* The first error stays; afterwards nothing more is put. */
struct writing {
	struct buf	*to;
	int		 r;
	bool		 first;
};

static void
put(struct writing *w, struct span s)
{
	if (w->r == 0)
		w->r = buf_put(w->to, s);
}

static void
put_text(struct writing *w, const char *text)
{
	if (w->r == 0)
		w->r = json_put_string(w->to, span_of(text));
}

static void
put_key(struct writing *w, const char *key)
{
	put(w, w->first ? SPAN_LIT("\n" INDENT) : SPAN_LIT(",\n" INDENT));
	w->first = false;
	put_text(w, key);
	put(w, SPAN_LIT(": "));
}

static void
put_member(struct writing *w, const char *key, const char *value)
{
	if (value == NULL)
		return;
	put_key(w, key);
	put_text(w, value);
}

static void
put_words(struct writing *w, const char *key, const struct words *list)
{
	if (list->n == 0)
		return;
	put_key(w, key);
	for (size_t i = 0; i < list->n; i++) {
		put(w, i == 0 ? SPAN_LIT("[") : SPAN_LIT(", "));
		put_text(w, list->at[i]);
	}
	put(w, SPAN_LIT("]"));
}

static void
put_pairs(struct writing *w, const char *key, const struct pairs *list)
{
	if (list->n == 0)
		return;
	put_key(w, key);
	for (size_t i = 0; i < list->n; i++) {
		put(w, i == 0 ? SPAN_LIT("{") : SPAN_LIT(", "));
		put_text(w, list->at[i].name);
		put(w, SPAN_LIT(": "));
		put_text(w, list->at[i].value);
	}
	put(w, SPAN_LIT("}"));
}

/* A comment's text ends no line early. */
static void
put_comment(struct writing *w, const char *text)
{
	put(w, SPAN_LIT("\t// "));
	for (; *text != '\0'; text++)
		put(w, (unsigned char)*text < ' ' ? SPAN_LIT(" ") : span_make(text, 1));
}

int
member_put(const struct import_server *s, struct buf *to)
{
	struct writing	w = { .to = to, .first = true };

	put(&w, SPAN_LIT("{"));
	if (s->off) {
		put_comment(&w, s->why);
		put_key(&w, "enabled");
		put(&w, SPAN_LIT("false"));
	}
	put_member(&w, "command", s->command);
	put_words(&w, "args", &s->args);
	put_pairs(&w, "env", &s->env);
	put_member(&w, "url", s->url);
	put_member(&w, "type", s->type);
	put_pairs(&w, "headers", &s->headers);
	if (s->url == NULL) {
		put_words(&w, "read", &s->read);
		put_words(&w, "write", &s->write);
		put_member(&w, "workdir", s->workdir);
		put_words(&w, "net", &s->net);
		if (s->net.n == 0)
			put_member(&w, "net", s->net_word);
		put_member(&w, "tier", s->tier);
		if (s->exec_tmp) {
			put_key(&w, "exec_tmp");
			put(&w, SPAN_LIT("true"));
		}
		if (s->limits != NULL) {
			put_key(&w, "limits");
			put(&w, span_of(s->limits));
		}
	}
	put_member(&w, "isolation", s->isolation);
	if (s->kept != NULL) {
		put(&w, w.first ? SPAN_LIT("\n" INDENT) : SPAN_LIT(",\n" INDENT));
		put(&w, span_of(s->kept));
	}
	put(&w, SPAN_LIT("\n\t\t}"));
	return w.r;
}

int
members_put(const struct import *im, struct buf *to)
{
	bool	first = true;
	int	r;

	if ((r = buf_put_str(to, "{\n\t\"mcpServers\": {")) != 0)
		return r;
	for (size_t i = 0; i < im->count; i++) {
		const struct import_server *s = &im->servers[i];

		if (!server_runs(s) || s->fate == IMPORT_SAME)
			continue;
		if ((r = buf_put_str(to, first ? "\n\t\t" : ",\n\t\t")) != 0 ||
		    (r = json_put_string(to, span_of(s->name))) != 0 || (r = buf_put_str(to, ": ")) != 0 ||
		    (r = member_put(s, to)) != 0)
			return r;
		first = false;
	}
	return buf_put_str(to, "\n\t}\n}\n");
}

bool
member_is(const struct import_server *s, const struct conf_node *node)
{
	struct conf_error	 error;
	struct conf		*c = NULL;
	struct buf		 text, ours, theirs;
	bool			 same = false;

	buf_init(&text, MEMBER_BYTES);
	buf_init(&ours, MEMBER_BYTES);
	buf_init(&theirs, MEMBER_BYTES);
	if (member_put(s, &text) == 0 && conf_new(buf_rest(&text), &c, &error) == 0 &&
	    conf_put_json(conf_top(c), &ours) == 0 && conf_put_json(node, &theirs) == 0)
		same = span_eq(buf_rest(&ours), buf_rest(&theirs));
	conf_free(&c);
	buf_fini(&text);
	buf_fini(&ours);
	buf_fini(&theirs);
	return same;
}
