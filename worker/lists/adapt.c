/* SPDX-License-Identifier: Apache-2.0
 *
 * adapt.c - view = auto: what is listed depends on how much there is
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  no server: the more it lists, the less of it is shown at once.
 */
#include "worker/call/may.h"
#include "worker/lists/adapt.h"
#include "worker/lists/shown.h"
#include "worker/lists/view.h"

/* Adds what a server's tools cost this client; false as soon as the sum is over `most`. */
static bool
server_fits(const struct shown *shown, const struct rec_server *s, uint64_t most, uint64_t *sum)
{
	const struct request		*rq = shown->rq;
	struct span			 name = snap_text(rq->config->policy, s->name), why;
	const struct catalogue		*list;
	const struct catalogue_item	*t;
	struct decision			 d;

	if ((list = lists_find(rq->w->lists, s, view_list_instance(rq, s), &why)) == NULL)
		return true;
	for (size_t i = 0; i < catalogue_count(list); i++) {
		t = catalogue_at(list, i);
		if (t->standing != CATALOGUE_STANDS || t->shown.n == 0)
			continue;
		may_see(rq, OBJECT_TOOL, name, t->name, t, &d);
		if (d.allow && shown_name(shown, s, t).n > 0 && (*sum += t->tokens) > most)
			return false;
	}
	return true;
}

bool
adapt_needs_lists(const struct request *rq)
{
	return (rq->view & VIEW_IS_AUTO) == 0 || rq->config->params.direct_tokens > 0;
}

unsigned
adapt_listed(const struct request *rq)
{
	const unsigned		 few = VIEW_HAS_CATALOG, many = VIEW_HAS_DISCOVERY | VIEW_HAS_SEARCH;
	const struct rec_server	*s;
	struct shown		 shown;
	const uint64_t		 most = rq->config->params.direct_tokens;
	uint64_t		 sum = 0;

	if ((rq->view & VIEW_IS_AUTO) == 0)
		return rq->view;
	if (!adapt_needs_lists(rq))
		return many;
	shown_begin(&shown, rq);
	for (uint64_t i = 0; (s = request_server_at(rq, i)) != NULL; i++)
		if (view_sees_server(rq, s) && !server_fits(&shown, s, most, &sum))
			return many;
	return few;
}
