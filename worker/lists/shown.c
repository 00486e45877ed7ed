/* SPDX-License-Identifier: Apache-2.0
 *
 * shown.c - the names tools have in a merged view, without those that two share
 *
 * Process: worker.  Owns: a short memory of what was logged.
 * Trusts:  no server: it chooses its tools' names, and may choose another's.
 *
 * Prefixes are unique and hold no "_", so names of two servers meet only where one of them has no
 * prefix.  A name belongs to the server whose prefix it begins with; so the other's tool cannot be
 * reached by it, and where both have the tool, neither keeps the name.  Tools this agent may not call
 * do not count: what is hidden takes nobody's name away, and a rule settles a quarrel.
 */
#include "lib/fold.h"
#include "lib/log.h"
#include "lib/sum.h"
#include "worker/call/may.h"
#include "worker/lists/shown.h"
#include "worker/lists/view.h"
#include "worker/meta/metatools.h"

#define LOGGED_MAX	64
#define LINES_MAX	16		/* a second */

/* Lists are asked for again and again: a line for each tool once, not each time. */
static bool
may_log(struct span server, struct span tool)
{
	static uint64_t		 logged[LOGGED_MAX];
	static size_t		 next;
	static struct log_repeat repeat;
	uint64_t		 sum = sum64_more(sum64_more(0, server), tool);

	for (size_t i = 0; i < LOGGED_MAX; i++)
		if (logged[i] == sum)
			return false;
	if (!log_repeat_ok(&repeat, LINES_MAX))
		return false;
	logged[next++ % LOGGED_MAX] = sum;
	return true;
}

static struct span
nameless(const struct shown *x, const struct rec_server *s, const struct catalogue_item *t, const char *why)
{
	struct span	server = snap_text(x->rq->config->policy, s->name);

	if (may_log(server, t->name))
		log_warn(NULL, "server %.*s: tool \"%.*s\" has no name in merged views: %s", SPAN_FMT(server),
		    SPAN_FMT(t->name), why);
	return SPAN_NONE;
}

/* Does a name of the server without a prefix begin with the prefix of another, or with what looks like it? */
static bool
is_anothers(const struct request *rq, struct span name)
{
	char			 looks[MCP_NAME_MAX];
	const struct snap	*policy = rq->config->policy;
	const struct rec_server	*s;
	struct span		 prefix = mcp_name_prefix(fold_name(name, looks));

	if (prefix.n == 0)
		return false;
	for (uint64_t i = 0; (s = request_server_at(rq, i)) != NULL; i++)
		if (fold_alike(snap_text(policy, s->prefix), prefix))
			return true;
	return false;
}

void
shown_begin(struct shown *x, const struct request *rq)
{
	const struct rec_server	*s;
	struct span		 why;

	*x = (struct shown){ .rq = rq };
	for (uint64_t i = 0; x->bare == NULL && (s = request_server_at(rq, i)) != NULL; i++)
		if (s->prefix.bytes == 0 && view_sees_server(rq, s))
			x->bare = s;
	if (x->bare != NULL)
		x->bare_tools = lists_find(rq->w->lists, x->bare, view_list_instance(rq, x->bare), &why);
}

struct span
shown_name(const struct shown *x, const struct rec_server *server, const struct catalogue_item *tool)
{
	const struct request		*rq = x->rq;
	const struct catalogue_item	*other;
	struct span			 name = span_make(tool->composed, tool->composed_bytes);
	struct decision			 d;

	if (tool->shown.n == 0)
		return nameless(x, server, tool, "the operator calls another tool of this server so");
	if (name.n == 0)
		return nameless(x, server, tool,
		    "another tool of this server has the same there, or one that looks like it");
	if (server == x->bare) {
		if ((rq->view & VIEW_HAS_DISCOVERY) && metatools_looks_like(name))
			return nameless(x, server, tool, "the gateway's own tool is called so");
		if (is_anothers(rq, name))
			return nameless(x, server, tool, "it begins with another server's prefix");
		return name;
	}
	if (x->bare_tools == NULL || (other = catalogue_find_composed(x->bare_tools, name)) == NULL ||
	    other->standing != CATALOGUE_STANDS)
		return name;
	may_see(rq, OBJECT_TOOL, snap_text(rq->config->policy, x->bare->name), other->name, other, &d);
	if (d.allow)
		return nameless(x, server, tool, "a tool of the server without a prefix has the same");
	return name;
}
