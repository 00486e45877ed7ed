/* SPDX-License-Identifier: Apache-2.0
 *
 * balance.c - which of a server's endpoints a request goes to
 *
 * Process: worker.  Owns: one struct balanced per server with several endpoints that was called.
 * Trusts:  nothing in shared memory: a wrong word costs a worse choice.
 */
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "lib/crypt.h"
#include "lib/num.h"
#include "shm/upsession.h"
#include "upstream/balance.h"

#define BUCKETS		64
#define WEIGHT_UNIT	1000		/* of the weight 1, so that a slow start can be less */
#define SLOW_START_LEAST 100		/* of WEIGHT_UNIT, of an endpoint that just came back */
#define RETRY_COST	100		/* percents of attempts */
/* Kept for a time without failures, and there from the beginning: more than it takes a breaker to open. */
#define RETRY_MOST	(10 * RETRY_COST)
#define PAUSE_FIRST_MS	20
#define PAUSE_MOST_MS	1000
#define EJECT_PERCENT	50		/* where nobody said otherwise */
#define NOWHERE		UINT_MAX

struct place {
	uint64_t	profile;
	uint64_t	back_ms;	/* when it came back; 0: it was never away */
	uint64_t	weight;		/* of now, in WEIGHT_UNITs; 0: it is no choice */
	int64_t		credit;		/* whose turn it is: the highest one's */
	uint32_t	in_flight;
	bool		out, open;	/* to be left alone; by its breaker */
};

struct balanced {
	struct balanced	*next;
	uint64_t	 profile;
	unsigned	 refs;
	uint32_t	 retries;	/* RETRY_COST each */
	unsigned	 count, turn;
	struct place	 places[];
};

struct balance {
	const struct region	*breakers, *sessions;
	uint64_t		 random;
	struct balanced		*buckets[BUCKETS];
};

/* Not for anything that must not be guessed. */
static uint64_t
dice(struct balance *b)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return b->random;
}

int
balance_new(const struct region *breakers, const struct region *sessions, struct balance **out)
{
	struct balance	*b = calloc(1, sizeof(*b));
	int		 r;

	*out = NULL;
	if (b == NULL)
		return E_NOMEM;
	if ((r = crypt_random(&b->random, sizeof(b->random))) != 0) {
		free(b);
		return r;
	}
	b->random |= 1;
	b->breakers = breakers;
	b->sessions = sessions;
	*out = b;
	return 0;
}

static bool
is_there(const struct snap *policy, uint64_t profile)
{
	const struct rec_server	*s;

	for (uint64_t i = 0; (s = SNAP_AT(policy, SERVER, i)) != NULL; i++)
		if (s->profile == profile)
			return true;
	return false;
}

void
balance_sweep(struct balance *b, const struct snap *policy)
{
	struct balanced	**link, *s;

	for (size_t i = 0; i < BUCKETS; i++)
		for (link = &b->buckets[i]; (s = *link) != NULL;) {
			if (s->refs > 0 || is_there(policy, s->profile)) {
				link = &s->next;
				continue;
			}
			*link = s->next;
			free(s);
		}
}

static struct balanced *
server_find(struct balance *b, const struct balance_ask *q)
{
	struct balanced	**link = &b->buckets[q->server->profile % BUCKETS], *s;
	uint32_t	  count = q->server->endpoint_count < ENDPOINTS_MAX ? q->server->endpoint_count : ENDPOINTS_MAX;

	for (s = *link; s != NULL && s->profile != q->server->profile; s = s->next)
		;
	if (s != NULL)
		return s;
	if ((s = calloc(1, sizeof(*s) + count * sizeof(s->places[0]))) == NULL)
		return NULL;
	s->profile = q->server->profile;
	s->retries = RETRY_MOST;
	/* Workers do not begin at the same one. */
	s->turn = count == 0 ? 0 : (unsigned)(dice(b) % count);
	for (uint32_t i = 0; i < count; i++) {
		const struct rec_endpoint *e = policy_endpoint_at(q->policy, q->server, i);

		if (e == NULL)
			break;
		s->places[s->count++].profile = e->profile;
	}
	s->next = *link;
	*link = s;
	return s;
}

/* ---- who can be chosen -------------------------------------------------------------------------- */

/* Of one that came back: little at first. */
static uint64_t
weight_of(const struct place *p, const struct rec_endpoint *e, const struct rec_balance *said, uint64_t now_ms)
{
	uint64_t	full = WEIGHT_UNIT, slow = said == NULL ? 0 : said->slow_start_ms, since = now_ms - p->back_ms;
	uint64_t	part;

	if (said != NULL && said->strategy != BALANCE_ROUND_ROBIN)
		full *= e->weight;
	if (p->back_ms == 0 || since >= slow)
		return full;
	part = WEIGHT_UNIT * since / slow;
	return full * (part < SLOW_START_LEAST ? SLOW_START_LEAST : part) / WEIGHT_UNIT;
}

/* What is known of each now; how many are left alone. */
static unsigned
look(struct balance *b, struct balanced *s, const struct balance_ask *q, uint64_t now_ms)
{
	const struct rec_balance	*said = policy_balance_of(q->policy, q->server);
	const struct rec_endpoint	*e;
	unsigned			 out = 0;

	for (unsigned i = 0; i < s->count; i++) {
		struct place	*p = &s->places[i];
		bool		 was = p->out;

		p->weight = 0;
		if ((e = policy_endpoint_at(q->policy, q->server, i)) == NULL)
			continue;
		p->open = breaker_state(b->breakers, p->profile, now_ms) == BREAKER_OPEN;
		p->out = p->open || (q->catalogue != NULL && policy_is_sick(q->catalogue, p->profile));
		if (was && !p->out)
			p->back_ms = now_ms;
		out += p->out;
		p->weight = weight_of(p, e, said, now_ms);
	}
	return out;
}

/* ---- the strategies: the place of one with a weight, or NOWHERE ---------------------------------- */

/* As nginx does it: each gets what it weighs, the one with most of it goes and pays for all. */
static unsigned
by_turn(struct balanced *s)
{
	unsigned	best = NOWHERE;
	int64_t		total = 0;

	for (unsigned k = 0; k < s->count; k++) {
		unsigned	i = (s->turn + k) % s->count;

		if (s->places[i].weight == 0)
			continue;
		total += (int64_t)s->places[i].weight;
		s->places[i].credit += (int64_t)s->places[i].weight;
		if (best == NOWHERE || s->places[i].credit > s->places[best].credit)
			best = i;
	}
	if (best != NOWHERE)
		s->places[best].credit -= total;
	return best;
}

/* Has a less to do than b, for what it weighs? */
static bool
is_freer(const struct place *a, const struct place *b)
{
	return ((uint64_t)a->in_flight + 1) * b->weight < ((uint64_t)b->in_flight + 1) * a->weight;
}

static unsigned
by_load(struct balanced *s)
{
	unsigned	best = NOWHERE;

	s->turn = (s->turn + 1) % s->count;
	for (unsigned k = 0; k < s->count; k++) {
		unsigned	i = (s->turn + k) % s->count;

		if (s->places[i].weight > 0 && (best == NOWHERE || is_freer(&s->places[i], &s->places[best])))
			best = i;
	}
	return best;
}

/* One of those with a weight, each as likely. */
static unsigned
any_of(struct balance *b, const struct balanced *s, unsigned but)
{
	unsigned	count = 0, n;

	for (unsigned i = 0; i < s->count; i++)
		count += s->places[i].weight > 0 && i != but;
	if (count == 0)
		return but;
	n = (unsigned)(dice(b) % count);
	for (unsigned i = 0; i < s->count; i++)
		if (s->places[i].weight > 0 && i != but && n-- == 0)
			return i;
	return but;
}

/* The freer of two: nearly as good as the freest, without all workers running to the same one. */
static unsigned
by_two(struct balance *b, const struct balanced *s)
{
	unsigned	one = any_of(b, s, NOWHERE), other;

	if (one == NOWHERE)
		return one;
	other = any_of(b, s, one);
	return is_freer(&s->places[other], &s->places[one]) ? other : one;
}

/* Rendezvous: who loses its endpoint moves, and nobody else. */
static unsigned
by_hash(const struct balanced *s, uint64_t hash)
{
	unsigned	best = NOWHERE;
	double		score, most = -1;

	for (unsigned i = 0; i < s->count; i++) {
		uint64_t	words[2] = { s->places[i].profile, hash };
		double		u = ((double)(sum64(span_make(words, sizeof(words))) >> 11) + 0.5) / 0x1p53;

		if (s->places[i].weight == 0)
			continue;
		score = (double)s->places[i].weight / -log(u);
		if (score > most) {
			most = score;
			best = i;
		}
	}
	return best;
}

static unsigned
choose(struct balance *b, struct balanced *s, const struct balance_ask *q)
{
	const struct rec_balance	*said = policy_balance_of(q->policy, q->server);

	switch (said == NULL ? BALANCE_ROUND_ROBIN : (enum balance_strategy)said->strategy) {
	case BALANCE_LEAST:
		return by_load(s);
	case BALANCE_HASH:
		return by_hash(s, q->hash);
	case BALANCE_RANDOM:
		return by_two(b, s);
	case BALANCE_ROUND_ROBIN:
	case BALANCE_WEIGHTED:
		break;
	}
	return by_turn(s);
}

/* ---- what is sticky ------------------------------------------------------------------------------ */

static uint64_t
sticky_key(const struct balance *b, const struct balance_ask *q)
{
	const uint64_t	words[3] = { q->server->profile, q->sticky, UINT64_C(0x656e64706f696e74) };

	return hash64(&b->sessions->key, span_make(words, sizeof(words)));
}

static unsigned
place_of_sticky(const struct balance *b, const struct balanced *s, const struct balance_ask *q, uint64_t now_ms)
{
	struct upsession	at;
	char			text[24];

	if (q->sticky == 0 || b->sessions->slots == NULL ||
	    upsession_find(b->sessions, sticky_key(b, q), now_ms, &at) != 0)
		return NOWHERE;
	for (unsigned i = 0; i < s->count; i++) {
		size_t	n = num_decimal(s->places[i].profile, text);

		if (at.id_bytes == n && memcmp(at.id, text, n) == 0)
			return i;
	}
	return NOWHERE;
}

/* Without room it is found again by the strategy. */
static void
keep_sticky(const struct balance *b, const struct balance_ask *q, uint64_t profile, uint64_t now_ms)
{
	char		text[24];
	uint32_t	epoch;

	if (q->sticky == 0 || b->sessions->slots == NULL)
		return;
	(void)!upsession_put(b->sessions, sticky_key(b, q), now_ms, 0, span_make(text,
	    num_decimal(profile, text)), &epoch);
}

/* ---- picking ------------------------------------------------------------------------------------- */

static bool
take(struct balance *b, struct balanced *s, const struct balance_ask *q, unsigned i, uint64_t now_ms,
    struct balance_pick *out)
{
	uint64_t	retry_ms;

	if (!breaker_may_call(b->breakers, s->places[i].profile, now_ms, q->rules, &out->breaker, &retry_ms))
		return false;
	out->at = policy_endpoint_at(q->policy, q->server, i);
	out->of = s;
	out->place = i;
	out->rules = *q->rules;
	out->eject_percent = policy_balance_of(q->policy, q->server) == NULL ? EJECT_PERCENT :
	    policy_balance_of(q->policy, q->server)->eject_percent;
	out->begun_ms = now_ms;
	s->places[i].in_flight++;
	s->refs++;
	return true;
}

bool
balance_may_call(struct balance *b, const struct balance_ask *q, uint64_t now_ms, uint64_t *retry_after_ms)
{
	const struct rec_endpoint	*e;
	struct breaker_view		 v;

	*retry_after_ms = 0;
	for (uint32_t i = 0; (e = policy_endpoint_at(q->policy, q->server, i)) != NULL; i++) {
		breaker_look(b->breakers, e->profile, now_ms, &v);
		if (v.state != BREAKER_OPEN)
			return true;
		if (*retry_after_ms == 0 || v.retry_after_ms < *retry_after_ms)
			*retry_after_ms = v.retry_after_ms;
	}
	return *retry_after_ms == 0;
}

/* Chooses among those that have a weight, until one's breaker lets it. */
static bool
pick_one(struct balance *b, struct balanced *s, const struct balance_ask *q, uint64_t now_ms, struct balance_pick *out)
{
	unsigned	i;

	while ((i = choose(b, s, q)) != NOWHERE) {
		if (take(b, s, q, i, now_ms, out))
			return true;
		s->places[i].weight = 0;
	}
	return false;
}

int
balance_pick(struct balance *b, const struct balance_ask *q, uint64_t now_ms, struct balance_pick *out)
{
	struct balanced	*s;
	unsigned	 kept, others = 0;
	bool		 found;

	*out = (struct balance_pick){ .breaker = { .none = true } };
	if ((s = server_find(b, q)) == NULL)
		return E_NOMEM;
	if (s->count == 0)
		return E_NOTFOUND;
	(void)look(b, s, q, now_ms);
	for (unsigned i = 0; i < s->count; i++) {
		if ((q->avoid & UINT64_C(1) << i) != 0)
			s->places[i].weight = 0;
		others += s->places[i].weight > 0;
	}
	kept = place_of_sticky(b, s, q, now_ms);
	if (kept != NOWHERE && s->places[kept].weight > 0 && !s->places[kept].out && take(b, s, q, kept, now_ms, out))
		return 0;
	for (unsigned i = 0; i < s->count; i++)
		if (s->places[i].out)
			s->places[i].weight = 0;
	if (!(found = pick_one(b, s, q, now_ms, out))) {
		/* Better one that visits could not reach than none: they may be wrong. */
		for (unsigned i = 0; i < s->count; i++)
			s->places[i].weight = s->places[i].out && !s->places[i].open &&
			    (q->avoid & UINT64_C(1) << i) == 0 ? WEIGHT_UNIT : 0;
		found = pick_one(b, s, q, now_ms, out);
	}
	if (!found)
		return others == 0 ? E_NOTFOUND : E_BREAKER;
	out->moved = kept != NOWHERE && kept != out->place;
	keep_sticky(b, q, s->places[out->place].profile, now_ms);
	return 0;
}

/* May one more be left alone for what is only a share of its calls?  One that fails in a row always is. */
static bool
may_eject(const struct balance *b, const struct balanced *s, uint32_t percent, uint64_t now_ms)
{
	unsigned	open = 0;

	for (unsigned i = 0; i < s->count; i++)
		open += breaker_state(b->breakers, s->places[i].profile, now_ms) == BREAKER_OPEN;
	return (open + 1) * 100 <= s->count * percent;
}

bool
balance_end(struct balance *b, struct balance_pick *p, enum balance_outcome what, uint64_t now_ms)
{
	struct balanced	*s = p->of;
	struct place	*place;
	bool		 was;

	if (s == NULL)
		return false;
	p->of = NULL;
	BUG_ON(s->refs == 0 || p->place >= s->count || s->places[p->place].in_flight == 0);
	s->refs--;
	place = &s->places[p->place];
	place->in_flight--;
	if (what == BALANCE_UNKNOWN) {
		breaker_unknown(b->breakers, &p->breaker, now_ms);
		return false;
	}
	was = breaker_state(b->breakers, place->profile, now_ms) == BREAKER_OPEN;
	if (p->rules.error_percent > 0 && !may_eject(b, s, p->eject_percent, now_ms))
		p->rules.error_percent = 0;
	if (what == BALANCE_ANSWERED)
		breaker_ok(b->breakers, &p->breaker, now_ms, &p->rules, now_ms - p->begun_ms);
	else
		breaker_fail(b->breakers, &p->breaker, now_ms, &p->rules);
	return !was && breaker_state(b->breakers, place->profile, now_ms) == BREAKER_OPEN;
}

/* ---- once more ----------------------------------------------------------------------------------- */

void
balance_count(struct balanced *of, uint32_t percent)
{
	of->retries = of->retries + percent > RETRY_MOST ? RETRY_MOST : of->retries + percent;
}

bool
balance_may_retry(struct balanced *of)
{
	if (of->retries < RETRY_COST)
		return false;
	of->retries -= RETRY_COST;
	return true;
}

void
balance_not_retried(struct balanced *of)
{
	balance_count(of, RETRY_COST);
}

uint64_t
balance_pause_ms(struct balance *b, unsigned attempt)
{
	uint64_t	most = PAUSE_FIRST_MS;

	for (unsigned i = 2; i < attempt && most < PAUSE_MOST_MS; i++)
		most *= 2;
	return dice(b) % ((most < PAUSE_MOST_MS ? most : PAUSE_MOST_MS) + 1);
}
