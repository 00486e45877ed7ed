/* SPDX-License-Identifier: Apache-2.0
 *
 * lists_entry.c - the lists that are known: found, kept while there is room, and judged anew
 *
 * Process: worker.  Owns: the entries and what they hold.
 * Trusts:  nothing from outside.
 */
#include <stdlib.h>

#include "lib/bug.h"
#include "worker/lists/lists_priv.h"
#include "worker/worker.h"

int
lists_new(struct worker *w, struct lists **out)
{
	if ((*out = calloc(1, sizeof(**out))) == NULL)
		return E_NOMEM;
	(*out)->w = w;
	return 0;
}

struct list_entry **
list_bucket(struct lists *l, uint64_t profile, uint64_t instance, enum list_kind kind)
{
	/* Without the capabilities: what changes, changes for all of them. */
	uint64_t	key = (profile ^ instance * UINT64_C(0x9e3779b97f4a7c15)) >> 7;

	return &l->buckets[(key + kind) & (LIST_BUCKETS - 1)];
}

struct list_entry *
list_find(struct lists *l, uint64_t profile, struct list_owner owner, enum list_kind kind)
{
	struct list_entry	*e;

	for (e = *list_bucket(l, profile, owner.instance, kind); e != NULL; e = e->next)
		if (e->profile == profile && e->owner.instance == owner.instance &&
		    e->owner.capabilities == owner.capabilities && e->kind == kind)
			return e;
	return NULL;
}

static void
entry_free(struct list_entry *e)
{
	BUG_ON(e->flying);
	loop_timer_disarm(&e->again);
	catalogue_free(&e->list);
	free(e->about);
	buf_fini(&e->up);
	buf_fini(&e->answer);
	buf_fini(&e->cursor);
	e->magic = 0;
	free(e);
}

/* Makes room: drops the entry that was not used for the longest time. */
static void
evict_one(struct lists *l)
{
	struct list_entry	**oldest = NULL, **at, *e;

	for (size_t i = 0; i < LIST_BUCKETS; i++)
		for (at = &l->buckets[i]; *at != NULL; at = &(*at)->next)
			if (!(*at)->flying && (oldest == NULL || (*at)->used_ms < (*oldest)->used_ms))
				oldest = at;
	if (oldest == NULL)
		return;
	e = *oldest;
	*oldest = e->next;
	l->count--;
	entry_free(e);
}

struct list_entry *
list_get(struct lists *l, uint64_t profile, struct list_owner owner, enum list_kind kind)
{
	struct list_entry	*e = list_find(l, profile, owner, kind), **bucket;

	if (e == NULL) {
		if (l->count >= LIST_ENTRIES_MAX)
			evict_one(l);
		if (l->count >= LIST_ENTRIES_MAX || (e = calloc(1, sizeof(*e))) == NULL)
			return NULL;
		e->magic = LIST_MAGIC;
		e->lists = l;
		e->profile = profile;
		e->owner = owner;
		e->kind = kind;
		loop_timer_init(l->w->loop, &e->again, list_on_again, e);
		buf_init(&e->up, 64 * 1024);
		buf_init(&e->answer, LIST_ANSWER_MAX);
		buf_init(&e->cursor, 16 * 1024);
		bucket = list_bucket(l, profile, owner.instance, kind);
		e->next = *bucket;
		*bucket = e;
		l->count++;
	}
	e->used_ms = loop_now_ms(l->w->loop);
	return e;
}

void
lists_policy_changed(struct lists *l)
{
	/* Entries are keyed by profile: a changed server has a new key, the old one is evicted. */
	while (l->count > LIST_ENTRIES_MAX / 2)
		evict_one(l);
}

void
lists_pins_changed(struct lists *l)
{
	for (size_t i = 0; i < LIST_BUCKETS; i++)
		for (struct list_entry *e = l->buckets[i]; e != NULL; e = e->next)
			if (e->kind == LIST_TOOLS && e->list != NULL)
				pins_judge(l->w, e->list);
}

/* What failed for want of a token is as if it had never been asked for. */
void
lists_tokens_changed(struct lists *l)
{
	const struct snap	*policy = l->w->config->policy;
	const struct rec_server	*s;

	for (size_t i = 0; i < LIST_BUCKETS; i++)
		for (struct list_entry *e = l->buckets[i]; e != NULL; e = e->next) {
			if (!e->no_token || e->flying)
				continue;
			e->no_token = e->failed = false;
			e->at_ms = 0;
			e->why[0] = '\0';
			for (uint64_t n = 0; (s = policy_server_at(policy, n)) != NULL; n++)
				if (s->profile == e->profile && e->kind == LIST_TOOLS)
					worker_report_server(l->w, policy_tenant_name(policy, s->tenant),
					    snap_text(policy, s->name), SERVER_STATE_IDLE,
					    SERVER_TOOLS_UNKNOWN, 0, SPAN_NONE);
		}
}

const struct catalogue *
lists_find_kind(struct lists *l, const struct rec_server *server, struct list_owner owner, enum list_kind kind,
    struct span *why)
{
	struct list_entry	*e = list_find(l, server->profile, owner, kind);

	*why = e == NULL ? SPAN_NONE : span_of(e->why);
	if (e == NULL || e->failed)
		return NULL;
	/* Other names, perhaps, than this policy gives the same tools. */
	if (kind == LIST_TOOLS && e->list != NULL && e->shown_as != server->changes) {
		*why = SPAN_LIT("its tools are read anew, for another policy");
		return NULL;
	}
	e->used_ms = loop_now_ms(l->w->loop);
	return e->list;
}

const struct about *
lists_about(struct lists *l, const struct rec_server *server, struct list_owner owner)
{
	struct list_entry	*e = list_find(l, server->profile, owner, LIST_ABOUT);

	if (e == NULL)
		return NULL;
	e->used_ms = loop_now_ms(l->w->loop);
	return e->about;
}
