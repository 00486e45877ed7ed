/* SPDX-License-Identifier: Apache-2.0
 *
 * names.c - the hosts of HTTP upstreams: asked for again and again, and the catalogue of what was found
 *
 * Process: mcpgw-scout.
 * Owns:    what is known of each host, and the lookups under way.
 * Trusts:  name servers for nothing but addresses, 16 of each name.  The urls are the operator's, so that their hosts
 *          may be anywhere, private networks among them.
 *
 * A failure changes nothing but when it is asked again: the addresses of before serve.
 */
#include <stdlib.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "policy/policy.h"
#include "scout/control.h"
#include "scout/names.h"
#include "scout/visits.h"

#define TTL_MIN_MS	2000
#define TTL_MAX_MS	(5 * 60 * 1000)
#define PAUSE_MIN_MS	1000
#define PAUSE_MAX_MS	(60 * 1000)
#define GATHER_MS	10	/* from the first news to a catalogue with all of it */

struct name {
	struct names		*of;
	struct name_known	 known;
	struct lookup		*lookup;
	uint64_t		 next_ms;	/* when it is asked for again */
	unsigned		 fails;		/* in a row */
	bool			 wanted;
	size_t			 bytes;
	char			 host[];
};

struct names {
	struct scout		*s;
	struct name		**all;		/* sorted */
	size_t			 count, asking;
	struct loop_timer	 timer;		/* the next to be asked for */
	struct loop_timer	 gather;
	bool			 news;
};

uint64_t
names_ttl(uint64_t ttl_ms)
{
	return ttl_ms < TTL_MIN_MS ? TTL_MIN_MS : ttl_ms > TTL_MAX_MS ? TTL_MAX_MS : ttl_ms;
}

uint64_t
names_pause(unsigned fails)
{
	uint64_t	ms = PAUSE_MIN_MS;

	for (unsigned i = 1; i < fails && ms < PAUSE_MAX_MS; i++)
		ms *= 2;
	return ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
}

/* ---- the catalogue ----------------------------------------------------------------------------- */

static int
put_name(struct build *b, const struct name *n)
{
	struct rec_name		rec = { .address_count = n->known.count, .state = n->known.state };
	uint32_t		index;
	int			r;

	if (n->known.state == 0 && n->known.count == 0)
		return 0;		/* who wants it waits for its answer */
	for (unsigned i = 0; i < n->known.count; i++) {
		struct rec_address	a = { .family = n->known.found[i].family };

		memcpy(a.bytes, n->known.found[i].bytes, sizeof(a.bytes));
		if ((r = build_add(b, SECTION_ADDRESS, &a, &index)) != 0)
			return r;
		if (i == 0)
			rec.address_first = index;
	}
	if ((r = build_text(b, span_make(n->host, n->bytes), &rec.host)) != 0)
		return r;
	return build_add(b, SECTION_NAME, &rec, NULL);
}

static int
make_catalogue(const struct names *ns, uint64_t generation, int *fd, uint64_t *length)
{
	struct build	*b;
	int		 r;

	if ((r = build_new(SNAP_CATALOGUE, "", &b)) != 0)
		return r;
	for (size_t i = 0; i < ns->count && r == 0; i++)
		r = put_name(b, ns->all[i]);
	if (r == 0)
		r = visits_put_sick(ns->s->visits, b);
	if (r == 0)
		r = build_seal(b, generation, fd, length);
	build_free(&b);
	return r;
}

static void
on_gather(struct loop_timer *t, void *arg)
{
	struct names	*ns = arg;
	uint64_t	 length = 0;
	int		 fd = -1, r;

	if (!ns->news)
		return;
	if ((r = make_catalogue(ns, ns->s->made + 1, &fd, &length)) == 0)
		r = control_catalogue(ns->s, fd, ns->s->made + 1, length);
	fd_close(&fd);
	if (r == 0) {
		ns->s->made++;
		ns->news = false;
		return;
	}
	log_warn_repeat(NULL, "the catalogue cannot be made: %s", err_text(r));
	loop_timer_arm(t, PAUSE_MIN_MS);
}

static void
tell(struct names *ns)
{
	if (!ns->news)
		loop_timer_arm(&ns->gather, GATHER_MS);
	ns->news = true;
}

void
names_news(struct names *ns)
{
	tell(ns);
}

/* ---- asking ------------------------------------------------------------------------------------ */

static void	ask_due(struct names *ns);

/* In whichever order they come: name servers turn them round. */
static bool
same_addresses(const struct name_known *a, const struct name_known *b)
{
	for (unsigned i = 0; i < a->count; i++) {
		unsigned	k = 0;

		while (k < b->count && !addr_eq(&a->found[i], &b->found[k]))
			k++;
		if (k == b->count)
			return false;
	}
	return a->count == b->count;
}

static void
take_failure(struct name *n, const struct resolved *what)
{
	enum name_state	state = what->none ? NAME_NONE : NAME_UNANSWERED;

	n->fails++;
	n->next_ms = loop_now_ms(n->of->s->loop) + names_pause(n->fails);
	if (n->known.state == state)
		return;
	log_warn_repeat(LOG_SUBJECT("host", n->host), "%s%s", state == NAME_NONE ? "there is no such name" :
	    "no name server answers", n->known.count > 0 ? "; its addresses of before serve" : "");
	n->known.state = state;
	tell(n->of);
}

static void
take_answer(struct name *n, const struct resolved *what)
{
	struct name_known	new = { .state = NAME_FOUND };

	n->fails = 0;
	n->next_ms = loop_now_ms(n->of->s->loop) + names_ttl(what->ttl_ms);
	new.count = (unsigned)resolved_in_order(what, new.found);
	if (n->known.state == NAME_FOUND && same_addresses(&n->known, &new))
		return;
	n->known = new;
	tell(n->of);
}

static void
on_answer(const struct resolved *what, void *arg)
{
	struct name		*n = arg;
	struct names		*ns = n->of;
	enum name_state		 before = n->known.state;

	ns->asking--;
	if (what->error == 0)
		take_answer(n, what);
	else
		take_failure(n, what);
	if (n->known.state != before)
		visits_host_changed(ns->s->visits, span_make(n->host, n->bytes));
	ask_due(ns);
}

static void
ask_due(struct names *ns)
{
	uint64_t	now = loop_now_ms(ns->s->loop), next = UINT64_MAX;

	for (size_t i = 0; i < ns->count; i++) {
		struct name	*n = ns->all[i];

		if (n->lookup != NULL)
			continue;
		if (n->next_ms <= now && ns->asking < SCOUT_LOOKUPS_MAX) {
			ns->asking++;
			/* It may come back at once, from here again; then the time is another one. */
			n->next_ms = now + PAUSE_MAX_MS;
			resolver_find(ns->s->resolver, n->host, ns, on_answer, n, &n->lookup);
			if (n->lookup != NULL)
				continue;
		}
		if (n->next_ms < next)
			next = n->next_ms;
	}
	/* When too many are under way, the next answer asks on. */
	if (next != UINT64_MAX && ns->asking < SCOUT_LOOKUPS_MAX)
		loop_timer_arm(&ns->timer, next > now ? next - now : 0);
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	(void)t;
	ask_due(arg);
}

/* ---- which ------------------------------------------------------------------------------------- */

/* Where it is, or belongs. */
static size_t
place_of(const struct names *ns, struct span host, bool *there)
{
	size_t	low = 0, high = ns->count, mid;
	int	r;

	*there = false;
	while (low < high) {
		mid = low + (high - low) / 2;
		if ((r = span_cmp(host, span_make(ns->all[mid]->host, ns->all[mid]->bytes))) == 0) {
			*there = true;
			return mid;
		}
		if (r > 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
remember(struct name *n, const struct snap *earlier)
{
	const struct rec_name		*rec = policy_name_find(earlier, span_make(n->host, n->bytes));
	const struct rec_address	*a;

	for (uint32_t i = 0; rec != NULL && i < rec->address_count && n->known.count < NAME_ADDRESSES_MAX; i++) {
		if ((a = SNAP_AT(earlier, ADDRESS, (uint64_t)rec->address_first + i)) == NULL)
			return;
		n->known.found[n->known.count].family = a->family;
		memcpy(n->known.found[n->known.count++].bytes, a->bytes, sizeof(a->bytes));
	}
}

static void
want(struct names *ns, struct span host, const struct snap *earlier)
{
	bool		 there;
	size_t		 at = place_of(ns, host, &there);
	struct name	*n;

	if (there) {
		ns->all[at]->wanted = true;
		return;
	}
	if (ns->count == SCOUT_NAMES_MAX || (n = calloc(1, sizeof(*n) + host.n + 1)) == NULL) {
		log_warn_repeat(LOG_SUBJECT("host", ""), "%.*s is not looked up: %s", SPAN_FMT(host),
		    ns->count == SCOUT_NAMES_MAX ? "there are more than 4096" : "out of memory");
		return;
	}
	n->of = ns;
	n->wanted = true;
	n->bytes = host.n;
	memcpy(n->host, host.p, host.n);
	if (earlier != NULL)
		remember(n, earlier);
	memmove(&ns->all[at + 1], &ns->all[at], (ns->count - at) * sizeof(*ns->all));
	ns->all[at] = n;
	ns->count++;
}

static void
drop_unwanted(struct names *ns)
{
	size_t	kept = 0;

	for (size_t i = 0; i < ns->count; i++) {
		struct name	*n = ns->all[i];

		if (n->wanted) {
			ns->all[kept++] = n;
			continue;
		}
		ns->asking -= n->lookup != NULL;
		lookup_cancel(&n->lookup);
		free(n);
	}
	if (kept < ns->count)
		tell(ns);
	ns->count = kept;
}

void
names_set_policy(struct names *ns, const struct snap *policy, const struct snap *earlier)
{
	const struct rec_endpoint	*e;
	const struct rec_server		*s;
	struct span			 host;

	for (size_t i = 0; i < ns->count; i++)
		ns->all[i]->wanted = false;
	for (uint64_t i = 0; (s = SNAP_AT(policy, SERVER, i)) != NULL; i++)
		if (s->kind == SERVER_HTTP && (s->flags & SERVER_FLAG_DISABLED) == 0 &&
		    (host = snap_text(policy, s->host)).n > 0)
			want(ns, host, earlier);
	for (uint64_t i = 0; (e = SNAP_AT(policy, ENDPOINT, i)) != NULL; i++)
		if ((s = SNAP_AT(policy, SERVER, e->server)) != NULL && (s->flags & SERVER_FLAG_DISABLED) == 0 &&
		    (host = snap_text(policy, e->host)).n > 0)
			want(ns, host, earlier);
	drop_unwanted(ns);
	ask_due(ns);
}

const struct name_known *
names_find(const struct names *ns, struct span host)
{
	bool	there;
	size_t	at = place_of(ns, host, &there);

	return there ? &ns->all[at]->known : NULL;
}

int
names_new(struct scout *s, struct names **out)
{
	struct names	*ns = calloc(1, sizeof(*ns));

	*out = NULL;
	if (ns == NULL || (ns->all = calloc(SCOUT_NAMES_MAX, sizeof(*ns->all))) == NULL) {
		free(ns);
		return E_NOMEM;
	}
	ns->s = s;
	loop_timer_init(s->loop, &ns->timer, on_timer, ns);
	loop_timer_init(s->loop, &ns->gather, on_gather, ns);
	*out = ns;
	return 0;
}

void
names_free(struct names **np)
{
	struct names	*ns = *np;

	*np = NULL;
	if (ns == NULL)
		return;
	loop_timer_disarm(&ns->timer);
	loop_timer_disarm(&ns->gather);
	for (size_t i = 0; i < ns->count; i++) {
		lookup_cancel(&ns->all[i]->lookup);
		free(ns->all[i]);
	}
	free(ns->all);
	free(ns);
}
