/* SPDX-License-Identifier: Apache-2.0
 *
 * rates.c - how much was done in the last minute: counters of the workers, looked at now and then
 *
 * Process: master.
 * Owns:    what the counters were in the last minute.
 * Trusts:  nothing: a worker that writes nonsense makes a nonsense number, and bounded work.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "master/rates.h"
#include "shm/inflight.h"

static void
sample_fini(struct rates_sample *s)
{
	free(s->profiles);
	*s = (struct rates_sample){ 0 };
}

/* --- taking one ----------------------------------------------------------------------------------- */

struct gather {
	struct rates_sample	*to;
	size_t			 room;
	bool			 full;
};

static void
gather_one(uint64_t key, uint64_t count, uint64_t calls, void *arg)
{
	struct gather		*g = arg;
	struct rates_calls	*more;

	if (g->to->profile_count == g->room) {
		g->room = g->room * 2 + 16;
		if ((more = realloc(g->to->profiles, g->room * sizeof(*more))) == NULL) {
			g->full = true;
			return;
		}
		g->to->profiles = more;
	}
	g->to->profiles[g->to->profile_count++] = (struct rates_calls){ key, count, calls };
}

static int
by_profile(const void *a, const void *b)
{
	const struct rates_calls	*x = a, *y = b;

	return x->profile < y->profile ? -1 : x->profile > y->profile;
}

/* The workers' entries of one profile become one. */
static void
merge(struct rates_sample *s)
{
	size_t	kept = 0;

	if (s->profile_count == 0)
		return;
	qsort(s->profiles, s->profile_count, sizeof(s->profiles[0]), by_profile);
	for (size_t i = 1; i < s->profile_count; i++) {
		if (s->profiles[i].profile == s->profiles[kept].profile) {
			s->profiles[kept].in_flight += s->profiles[i].in_flight;
			s->profiles[kept].calls += s->profiles[i].calls;
		} else {
			s->profiles[++kept] = s->profiles[i];
		}
	}
	s->profile_count = kept + 1;
}

static int
sample_take(const struct rates *r, struct rates_sample *out)
{
	const struct region	*m = &r->regions->metrics;
	struct gather		 g = { .to = out };

	*out = (struct rates_sample){
		.taken_ms = loop_now_ms(r->loop),
		.requests = metric_sum(m, METRIC_requests_total),
		.calls = metric_sum(m, METRIC_calls_total),
		.denied = metric_sum(m, METRIC_calls_denied_total),
	};
	metric_buckets(m, METRIC_call_duration_seconds, out->took);
	inflight_each(&r->regions->inflight, gather_one, &g);
	if (g.full) {
		sample_fini(out);
		return E_NOMEM;
	}
	merge(out);
	return 0;
}

static void
on_step(struct loop_timer *t, void *arg)
{
	struct rates		*r = arg;
	struct rates_sample	 s;

	loop_timer_arm(t, RATES_STEP_MS);
	if (sample_take(r, &s) != 0)
		return;
	sample_fini(&r->samples[r->next]);
	r->samples[r->next] = s;
	r->next = (r->next + 1) % RATES_SAMPLES;
	if (r->count < RATES_SAMPLES)
		r->count++;
}

/* --- asking --------------------------------------------------------------------------------------- */

/* Of what a worker counts on with after another's death, or a profile's entry that was given away. */
static uint64_t
since(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/* The one nearest to the window's beginning. */
static const struct rates_sample *
sample_before(const struct rates *r, uint64_t now_ms)
{
	const struct rates_sample	*best = NULL;

	for (size_t i = 0; i < r->count; i++) {
		const size_t			 at = (r->next + RATES_SAMPLES - r->count + i) % RATES_SAMPLES;
		const struct rates_sample	*s = &r->samples[at];

		/* Oldest first: the last that is at least so old, or the very oldest. */
		if (best == NULL || now_ms - s->taken_ms >= RATES_WINDOW_MS - RATES_STEP_MS / 2)
			best = s;
	}
	return best;
}

static void
subtract(struct rates_sample *from, const struct rates_sample *before)
{
	const struct rates_calls	*old;

	from->requests = since(from->requests, before->requests);
	from->calls = since(from->calls, before->calls);
	from->denied = since(from->denied, before->denied);
	for (unsigned b = 0; b < METRIC_BUCKETS; b++)
		from->took[b] = since(from->took[b], before->took[b]);
	for (size_t i = 0; i < from->profile_count && before->profile_count > 0; i++) {
		old = bsearch(&from->profiles[i], before->profiles, before->profile_count, sizeof(*old), by_profile);
		if (old != NULL)
			from->profiles[i].calls = since(from->profiles[i].calls, old->calls);
	}
}

int
rates_now(const struct rates *r, struct rates_now *out)
{
	const struct rates_sample	*before = sample_before(r, loop_now_ms(r->loop));
	int				 e;

	*out = (struct rates_now){ 0 };
	if ((e = sample_take(r, &out->since)) != 0)
		return e;
	if (before != NULL) {
		out->window_ms = out->since.taken_ms - before->taken_ms;
		subtract(&out->since, before);
	}
	out->p50_us = metric_quantile(out->since.took, 500);
	out->p99_us = metric_quantile(out->since.took, 990);
	return 0;
}

void
rates_now_fini(struct rates_now *n)
{
	sample_fini(&n->since);
}

void
rates_init(struct rates *r, struct loop *loop, const struct regions *regions)
{
	*r = (struct rates){ .regions = regions, .loop = loop };
	loop_timer_init(loop, &r->timer, on_step, r);
	on_step(&r->timer, r);
}

void
rates_fini(struct rates *r)
{
	if (r->loop != NULL)
		loop_timer_disarm(&r->timer);
	for (size_t i = 0; i < RATES_SAMPLES; i++)
		sample_fini(&r->samples[i]);
}
