/* SPDX-License-Identifier: Apache-2.0
 *
 * approve.c - the definitions of tools that a plan was made of, and no others, are approved
 *
 * Process: mcpgwctl.
 * Owns:    the definitions, for the length of the import.
 * Trusts:  the private gateway for what it saw; no text of a tool.
 *
 * Between the trial and the first use a server could come to say something else of itself.  What the operator said
 * yes to is what counts then: anything else waits for somebody.
 */
#include "ctl/folders.h"
#include "ctl/import/approve.h"
#include "ctl/out.h"
#include "ctl/show/pinread.h"
#include "ctl/tool.h"

#define DEFINITIONS_BYTES	(16u * 1024 * 1024)
#define WORDS			300

static void
say_held(struct import *im, struct import_server *s, const struct pinread *p, const struct pintool *t)
{
	char	name[WORDS], finding[WORDS];

	server_note(im, s, "its tool %s is held back: it %s. To see it: mcpgwctl tool show %s.%s",
	    out_clean(t->name, name, sizeof(name)),
	    out_clean(snap_text(p->snap, t->held[0]->finding), finding, sizeof(finding)), s->name, name);
}

static int
put_one(struct buf *b, const struct pinread *p, const struct pintool *t)
{
	struct json_value	object = pinread_object(p, t->approved[0]);
	int			r;

	if (object.type != JSON_OBJECT)
		return 0;		/* too long to be kept: what is seen first counts */
	if ((r = buf_put_str(b, b->used == 1 ? "" : ",")) != 0)
		return r;
	return buf_put(b, object.raw);
}

void
approve_take(struct import *im, struct ctl *from, struct import_server *s)
{
	struct pinread	p;
	struct buf	b;
	int		r;

	if (pinread_open(from, CTLCMD_tool_list, "default", s->name, &p) != 0)
		return;
	buf_init(&b, DEFINITIONS_BYTES);
	r = buf_put_str(&b, "[");
	for (size_t i = 0; i < p.count && r == 0; i++) {
		if (!span_is(p.tools[i].server, s->name))
			continue;
		if (p.tools[i].held_count > 0)
			say_held(im, s, &p, &p.tools[i]);
		else if (p.tools[i].approved_count > 0)
			r = put_one(&b, &p, &p.tools[i]);
	}
	if (r == 0 && b.used > 1 && buf_put_str(&b, "]") == 0)
		s->definitions = import_text(im, buf_rest(&b));
	buf_fini(&b);
	pinread_close(&p);
}

int
approve_shown(struct import *im)
{
	struct json_value	list;
	struct pin_owner	owner = { .tenant = span_of(folders_tenant(im->ctl)) };
	unsigned		count;
	int			r;

	for (size_t i = 0; i < im->count; i++) {
		const struct import_server *s = &im->servers[i];

		if ((s->fate != IMPORT_NEW && s->fate != IMPORT_CHANGED) || s->definitions == NULL ||
		    json_parse(span_of(s->definitions), true, &list, NULL) != 0)
			continue;
		owner.server = span_of(s->name);
		owner.identity = span_of(s->command != NULL ? s->command : s->url);
		if ((r = tool_approve_list(im->ctl, &owner, list, SPAN_NONE, &count)) != 0)
			return r;
	}
	return 0;
}
