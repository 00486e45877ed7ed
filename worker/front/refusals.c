/* SPDX-License-Identifier: Apache-2.0
 *
 * refusals.c - credentials that were refused, in the audit: each kind of each client at once, and then counted
 *
 * Process: worker.
 * Owns:    a table of fixed size, and its timer.
 * Trusts:  the kernel for addresses; of a credential nothing is kept.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "lib/sum.h"
#include "worker/call/record.h"
#include "worker/front/refusals.h"

#define TICK_MS		1000
#define ISSUER_MAX	200

/* Whose, and why. */
struct refusal_key {
	uint16_t	 family;
	uint8_t		 address[16];
	uint32_t	 uid;
	int		 error;
	const char	*why;		/* static, so it is compared by where it stands */
	uint64_t	 issuer;
};

struct refusal {
	bool			 used;
	struct refusal_key	 key;
	uint64_t		 more;		/* since its last record */
	char			 client[INET6_ADDRSTRLEN];
	char			 rule[ISSUER_MAX];	/* "issuers.ISS", or "" */
	unsigned		 listener;
};

struct refusals {
	struct worker		*w;
	struct refusal		 each[REFUSALS_MAX];
	struct refusal		 others;	/* of those who found no place */
	struct loop_timer	 tick;
};

static void
write_record(struct refusals *all, const struct refusal *r, uint64_t request, uint64_t count)
{
	const struct worker		*w = all->w;
	const struct err_row		*row = err_row(r->key.error);
	const struct audit_fields	 f = {
		.kind = SPAN_LIT("credential"),
		.object = span_of(r->key.why == NULL ? row->text : r->key.why),
		.rule = span_of(r->rule),
		.listener = r->listener == LISTEN_LOCAL ? SPAN_LIT("local") : SPAN_LIT("mcp"),
		.client = span_of(r->client),
		.outcome = audit_outcome_word(AUDIT_OUTCOME_REFUSED),
		.error = span_of(row->symbol),
		.status = (uint64_t)row->http_status,
		.count = count,
	};

	if (spool_once(w->spool, request, w->config->generation, &f) != 0)
		metric_add(&all->w->metrics, METRIC_calls_unaudited_total, 1);
}

/* A second without more of it, and the next one is recorded at once again. */
static void
on_tick(struct loop_timer *t, void *arg)
{
	struct refusals	*all = arg;
	bool		 any = false;

	for (size_t i = 0; i <= REFUSALS_MAX; i++) {
		struct refusal	*r = i < REFUSALS_MAX ? &all->each[i] : &all->others;

		if (r->used && r->more > 0)
			write_record(all, r, 0, r->more);
		r->used = r->used && r->more > 0;
		r->more = 0;
		any |= r->used;
	}
	if (any)
		loop_timer_arm(t, TICK_MS);
}

static void
key_of(const struct request *rq, int e, const struct auth_refusal *no, struct refusal_key *key)
{
	const struct exchange_peer	*p = &rq->x->peer;

	memset(key, 0, sizeof(*key));
	key->family = p->family;
	if (p->family == AF_UNIX)
		key->uid = p->uid;
	else	/* whoever has an IPv6 address has 2^64 of them */
		memcpy(key->address, p->address, p->family == AF_INET ? 4 : 8);
	key->error = e;
	key->why = no->why;
	key->issuer = no->issuer.n == 0 ? 0 : sum64(no->issuer);
}

static bool
is_same(const struct refusal_key *a, const struct refusal_key *b)
{
	return a->family == b->family && memcmp(a->address, b->address, sizeof(a->address)) == 0 && a->uid == b->uid &&
	    a->error == b->error && a->why == b->why && a->issuer == b->issuer;
}

/* Its place, or a free one, or that of all others. */
static struct refusal *
place_of(struct refusals *all, const struct refusal_key *key)
{
	struct refusal	*free_one = NULL;

	for (size_t i = 0; i < REFUSALS_MAX; i++) {
		if (all->each[i].used && is_same(&all->each[i].key, key))
			return &all->each[i];
		if (!all->each[i].used && free_one == NULL)
			free_one = &all->each[i];
	}
	return free_one != NULL ? free_one : &all->others;
}

static void
copy_text(char *to, size_t room, const char *before, struct span text)
{
	const size_t	n = strlen(before);

	to[0] = '\0';
	if (text.n == 0 || n + 1 >= room)
		return;
	memcpy(to, before, n);
	text = span_part(text, 0, room - 1 - n);
	memcpy(to + n, text.p, text.n);
	to[n + text.n] = '\0';
}

void
refusals_note(struct request *rq, int e, const struct auth_refusal *no)
{
	struct refusals		*all = rq->w->refusals;
	struct refusal_key	 key;
	struct refusal		*r;

	if (no->why == NULL)
		return;
	key_of(rq, e, no, &key);
	r = place_of(all, &key);
	if (r->used) {
		r->more++;
		return;
	}
	*r = (struct refusal){ .used = true, .key = key, .listener = rq->x->listener };
	if (r == &all->others) {
		r->key.why = "many clients";
	} else {
		copy_text(r->client, sizeof(r->client), "", record_client(rq));
		copy_text(r->rule, sizeof(r->rule), "issuers.", no->issuer);
	}
	write_record(all, r, rq->id, 0);
	if (!all->tick.armed)
		loop_timer_arm(&all->tick, TICK_MS);
}

int
refusals_new(struct worker *w, struct refusals **out)
{
	struct refusals	*all = calloc(1, sizeof(*all));

	if ((*out = all) == NULL)
		return E_NOMEM;
	all->w = w;
	loop_timer_init(w->loop, &all->tick, on_tick, all);
	return 0;
}
