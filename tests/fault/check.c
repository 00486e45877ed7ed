/* SPDX-License-Identifier: Apache-2.0
 *
 * check.c - compares what clients got with what servers saw and what the audit kept
 *
 * Each rule is a promise (docs/promises.md); tests/unit/fault tells each of them a lie.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fault/fault.h"

const struct place places[PLACE_LIMIT] = {
#define X(tenant, server, stdio, modern) { tenant, server, stdio, modern },
	PLACES(X)
#undef X
};

struct checking {
	struct story	*s;
	struct verdict	*v;
	lie_fn		*fn;
	void		*arg;
};

const char *
lie_text(enum lie lie)
{
	static const char	*const texts[LIE_LIMIT] = {
#define X(name, text) [LIE_##name] = text,
		LIES(X)
#undef X
	};

	return texts[lie];
}

static void
lied(struct checking *c, enum lie lie, uint32_t key, const struct asked *a, const struct recorded *r)
{
	char	text[512];

	c->v->lies[lie]++;
	if (c->fn == NULL)
		return;
	snprintf(text, sizeof(text), "127.%u.%u.%u t%u: asked %s.%s, came %d status %d code %d %s %s in %lld us; "
	    "record %" PRIu64 " %s %s %s %s generation %" PRIu64 " worker %u.%u", key >> 20 & 255, key >> 12 & 255,
	    key >> 4 & 255, key_tool(key), a == NULL ? "-" : places[a->place].tenant, a == NULL ? "-" :
	    places[a->place].server, a == NULL ? -1 : a->came, a == NULL ? 0 : a->status, a == NULL ? 0 : a->code,
	    a == NULL ? "" : a->symbol, a == NULL ? "" : a->request, a == NULL ? 0LL : (long long)(a->ended - a->begun),
	    r == NULL ? 0 : r->number, r == NULL ? "" : r->request, r == NULL ? "" : r->decision, r == NULL ? "" :
	    r->outcome, r == NULL ? "" : r->error, r == NULL ? 0 : r->generation, r == NULL ? 0 : r->slot,
	    r == NULL ? 0 : r->incarnation);
	c->fn(c->arg, lie, text);
}

/* --- what may fail ---------------------------------------------------------------------------- */

static unsigned
failure(const struct asked *a)
{
	switch ((enum came)a->came) {
	case CAME_RESULT:
		return 0;
	case CAME_TOOL_ERROR:
		return MAY_ERROR;
	case CAME_ERROR:
		if (a->code == 403)
			return 0;		/* the policy's word: compared with the record */
		return strcmp(a->symbol, "OVERLOADED") == 0 || strcmp(a->symbol, "AUDIT_UNAVAILABLE") == 0 ? MAY_BUSY :
		    MAY_ERROR;
	case CAME_HTTP:
		return a->status == 503 ? MAY_BUSY : 1u << 31;
	case CAME_RESET:
		return MAY_RESET;
	case CAME_UNCONNECTED:
		return MAY_CONNECT;
	case CAME_NOTHING:
	case CAME_LIMIT:
	default:
		return 1u << 31;		/* nothing excuses it */
	}
}

static bool
excused(const struct story *s, const struct asked *a, unsigned what)
{
	for (size_t i = 0; i < s->windows.n; i++) {
		const struct window	*w = &s->windows.all[i];

		if ((w->fault->may & what) == 0 || (w->places & 1u << a->place) == 0 || a->ended < w->begun)
			continue;
		/* A process that dies takes the connections it had, and no later ones; a gateway that is away, those too. */
		if (what == MAY_RESET && (w->fault->may & MAY_CONNECT) == 0 ? a->opened <= w->done : a->begun <= w->over)
			return true;
	}
	return false;
}

/* --- one call --------------------------------------------------------------------------------- */

static bool
is_denied(const struct asked *a)
{
	return a->came == CAME_ERROR && a->code == 403;
}

/* Do answer and record say the same? */
static bool
agree(const struct asked *a, const struct recorded *r)
{
	const bool	ok = strcmp(r->outcome, "ok") == 0, unknown = strcmp(r->outcome, "unknown") == 0;

	if (a->request[0] != '\0' && strcmp(a->request, r->request) != 0)
		return false;
	if (a->came == CAME_RESULT)
		return ok && strcmp(r->decision, "allow") == 0;
	if (is_denied(a))
		return strcmp(r->decision, "deny") == 0 && strcmp(r->outcome, "refused") == 0;
	if (failure(a) == MAY_BUSY)
		return !ok && !unknown;		/* denied, it may be, and there was no memory to say so */
	if (a->came == CAME_ERROR || a->came == CAME_TOOL_ERROR)
		return !ok && !unknown && strcmp(r->decision, "deny") != 0;
	return true;				/* nobody was told anything */
}

static void
check_call(struct checking *c, const struct asked *a, const struct seen *seen, size_t seen_n, const struct recorded *r,
    size_t r_n)
{
	const uint32_t	key = a->key;
	const bool	answered = a->came == CAME_RESULT || a->came == CAME_TOOL_ERROR || a->came == CAME_ERROR;
	const unsigned	what = failure(a);
	bool		unkept;

	c->v->came[a->came]++;
	if (what != 0 && excused(c->s, a, what))
		c->v->excused++;
	else if (what != 0)
		lied(c, LIE_FAILED, key, a, r_n > 0 ? r : NULL);
	if (key_tool(key) == TOOL_SESSION)
		return;
	/* While there is no room for records, or none for the request, refusals go without: nothing was executed. */
	unkept = what == MAY_BUSY || ((is_denied(a) || a->status != 200) && excused(c->s, a, MAY_BUSY));
	if (r_n == 0 && (seen_n > 0 || (answered && !unkept)))
		lied(c, LIE_UNRECORDED, key, a, NULL);
	if (r_n > 1)
		lied(c, LIE_TWICE, key, a, r);
	if (seen_n > 1)
		lied(c, LIE_AGAIN, key, a, r_n > 0 ? r : NULL);
	if (seen_n == 0 && a->came == CAME_RESULT)
		lied(c, LIE_UNSEEN, key, a, r_n > 0 ? r : NULL);
	if (a->came == CAME_RESULT && a->echo != key)
		lied(c, LIE_ECHO, key, a, r_n > 0 ? r : NULL);
	if (seen_n > 0 && (seen->place != a->place || seen->tool != key_tool(key)))
		lied(c, LIE_ELSEWHERE, key, a, r_n > 0 ? r : NULL);
	if (r_n == 0)
		return;
	if (r->place != a->place)
		lied(c, LIE_ELSEWHERE, key, a, r);
	if (seen_n > 0 && strcmp(r->decision, "allow") != 0)
		lied(c, LIE_RAN, key, a, r);
	if (!agree(a, r))
		lied(c, LIE_OUTCOME, key, a, r);
}

/* --- the audit by itself ---------------------------------------------------------------------- */

static int
by_number(const void *x, const void *y)
{
	const struct recorded	*a = x, *b = y;

	return a->number < b->number ? -1 : a->number > b->number;
}

static int
by_writer(const void *x, const void *y)
{
	const struct recorded	*a = x, *b = y;

	if (a->boot != b->boot)
		return a->boot < b->boot ? -1 : 1;
	if (a->slot != b->slot)
		return a->slot < b->slot ? -1 : 1;
	if (a->incarnation != b->incarnation)
		return a->incarnation < b->incarnation ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static void
check_numbers(struct checking *c)
{
	struct recorded_log	*l = &c->s->recorded;

	qsort(l->all, l->n, sizeof(*l->all), by_number);
	for (size_t i = 0; i < l->n; i++)
		if (l->all[i].gap || l->all[i].number != (i == 0 ? 1 : l->all[i - 1].number + 1))
			lied(c, LIE_NUMBERS, l->all[i].key, NULL, &l->all[i]);
	qsort(l->all, l->n, sizeof(*l->all), by_writer);
	/* A mark of the auditor's own has no place among a writer's records. */
	for (size_t i = 1; i < l->n; i++)
		if (!l->all[i].gap && !l->all[i - 1].gap && by_writer(&l->all[i], &l->all[i - 1]) == 0)
			lied(c, LIE_NUMBERS, l->all[i].key, NULL, &l->all[i]);
}

static int
by_generation(const void *x, const void *y)
{
	const struct policy	*a = x, *b = y;

	return a->generation < b->generation ? -1 : a->generation > b->generation;
}

/* Which policy a decision shows: 0, 1, or -1 when both decide so; -2 when neither does. */
static int
shows(const struct recorded *r)
{
	const bool	allow = strcmp(r->decision, "allow") == 0, deny = strcmp(r->decision, "deny") == 0;

	if (!allow && !deny)
		return r->outcome[0] != '\0' && strcmp(r->outcome, "ok") != 0 ? -1 : -2;
	if (r->tool == TOOL_NEVER)
		return deny ? -1 : -2;
	if (r->tool == TOOL_A)
		return deny ? 0 : 1;
	if (r->tool == TOOL_B)
		return deny ? 1 : 0;
	return allow ? -1 : -2;
}

/* Generations that nobody named are what their first record shows. */
static void
check_policies(struct checking *c)
{
	struct story	*s = c->s;
	struct policy	 key, *p;
	size_t		 named = s->policies.n;
	int		 which;

	qsort(s->policies.all, named, sizeof(*s->policies.all), by_generation);
	for (size_t i = 0; i < s->recorded.n; i++) {
		const struct recorded	*r = &s->recorded.all[i];

		if (r->place == PLACE_LIMIT)
			continue;
		which = shows(r);
		key = (struct policy){ r->generation, (unsigned)which };
		p = which < 0 || named == 0 ? NULL : bsearch(&key, s->policies.all, named, sizeof(key), by_generation);
		for (size_t k = named; p == NULL && which >= 0 && k < s->policies.n; k++)
			if (s->policies.all[k].generation == r->generation)
				p = &s->policies.all[k];
		if (which == -2 || (p != NULL && p->which != (unsigned)which))
			lied(c, LIE_POLICY, r->key, NULL, r);
		else if (p == NULL && which >= 0)
			*log_more(&s->policies) = key;
	}
	s->policies.n = named;
}

/* --- all together ----------------------------------------------------------------------------- */

#define BY_KEY(type)								\
static int									\
type##_by_key(const void *x, const void *y)					\
{										\
	const struct type	*a = x, *b = y;					\
										\
	return a->key < b->key ? -1 : a->key > b->key;				\
}
BY_KEY(asked)
BY_KEY(seen)
BY_KEY(recorded)

#define SORT(log, type) qsort((log).all, (log).n, sizeof(*(log).all), type##_by_key)
size_t
check_story(struct story *s, struct verdict *out, lie_fn *fn, void *arg)
{
	struct checking		 c = { s, out, fn, arg };
	size_t			 at_seen = 0, at_rec = 0, seen_n, rec_n, lies = 0;

	*out = (struct verdict){ .excused = 0 };
	check_numbers(&c);
	check_policies(&c);
	SORT(s->asked, asked);
	SORT(s->seen, seen);
	SORT(s->recorded, recorded);
	for (size_t i = 0; i < s->recorded.n; i++)
		if (s->recorded.all[i].place != PLACE_LIMIT && s->recorded.all[i].outcome[0] == '\0')
			lied(&c, LIE_OPEN, s->recorded.all[i].key, NULL, &s->recorded.all[i]);
	for (size_t i = 0; i <= s->asked.n; i++) {
		const struct asked	*a = i < s->asked.n ? &s->asked.all[i] : NULL;
		const uint64_t		 key = a == NULL ? UINT64_MAX : a->key;

		/* Those before it are of nobody. */
		for (; at_seen < s->seen.n && s->seen.all[at_seen].key < key; at_seen++)
			lied(&c, LIE_NOBODY, s->seen.all[at_seen].key, NULL, NULL);
		for (; at_rec < s->recorded.n && s->recorded.all[at_rec].key < key; at_rec++)
			if (s->recorded.all[at_rec].place != PLACE_LIMIT)
				lied(&c, LIE_NOBODY, s->recorded.all[at_rec].key, NULL, &s->recorded.all[at_rec]);
		for (seen_n = 0; at_seen + seen_n < s->seen.n && s->seen.all[at_seen + seen_n].key == key; )
			seen_n++;
		for (rec_n = 0; at_rec + rec_n < s->recorded.n && s->recorded.all[at_rec + rec_n].key == key; )
			rec_n++;
		if (a != NULL)
			check_call(&c, a, s->seen.all + at_seen, seen_n, s->recorded.all + at_rec, rec_n);
		at_seen += seen_n;
		at_rec += rec_n;
	}
	for (int i = 0; i < LIE_LIMIT; i++)
		lies += out->lies[i];
	return lies;
}
