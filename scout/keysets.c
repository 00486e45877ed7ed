/* SPDX-License-Identifier: Apache-2.0
 *
 * keysets.c - the key sets of issuers: fetched again and again, and the snapshot of what came of it
 *
 * Process: mcpgw-scout.
 * Owns:    what is known of each issuer's keys, and the fetches under way: one of an issuer at most.
 * Trusts:  what keyfetch.c lets through; workers and the master for which sets are wanted, and for no more than that.
 *
 * A fetch that fails changes no keys: those of before prove tokens until their end, which the workers look at.  A set
 * that came takes the place of the whole one before, so that a key which left it proves nothing from then on.
 */
#include <stdlib.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "lib/sum.h"
#include "policy/build.h"
#include "policy/params.h"
#include "policy/policy.h"
#include "scout/control.h"
#include "scout/keyfetch.h"
#include "scout/keysets.h"
#include "scout/names.h"

#define GATHER_MS	10
#define LOOK_MS_MAX	(60 * 1000)	/* the wall clock may be set meanwhile */
#define AGAIN_MS	1000

struct keys {			/* of a set; one block of memory */
	size_t			 count;
	uint64_t		 digest;
	struct keyset_key	 key[];
};

struct source {
	struct keysets_table		*of;
	const struct rec_keysource	*rec;		/* in the policy */
	struct span			 issuer;
	struct rec_keyset		 is;		/* but for its texts and VERIFIER */
	struct keys			*keys;		/* NULL: none */
	char				*url, *etag, *error;	/* NULL: none */
	struct keyfetch			*fetch;
	struct addr			 addresses[ERRAND_ADDRESSES_MAX];
	bool				 asked;		/* by a token: the fetch under way, or the next */
};

struct keysets_table {
	struct scout		*s;
	struct snap		*policy;
	struct keysets_times	 times;
	struct source		 all[KEYSETS_MAX];
	size_t			 count;
	struct loop_timer	 timer, gather;
	bool			 news;
};

/* ---- the snapshot ------------------------------------------------------------------------------ */

static int
put_source(struct build *b, const struct source *src)
{
	struct rec_keyset	rec = src->is;
	struct rec_verifier	v;
	uint32_t		index;
	int			r;

	rec.verifier_count = 0;
	for (size_t i = 0; src->keys != NULL && i < src->keys->count; i++) {
		const struct keyset_key	*k = &src->keys->key[i];

		v = (struct rec_verifier){ .algs = k->algs, .has_kid = k->has_kid };
		if ((r = build_text(b, k->kid, &v.kid)) != 0 || (r = build_text(b, k->der, &v.der)) != 0 ||
		    (r = build_add(b, SECTION_VERIFIER, &v, &index)) != 0)
			return r;
		if (rec.verifier_count++ == 0)
			rec.verifier_first = index;
	}
	rec.keys_digest = src->keys == NULL ? 0 : src->keys->digest;
	if ((r = build_text(b, span_of(src->url), &rec.url)) != 0 ||
	    (r = build_text(b, span_of(src->etag), &rec.etag)) != 0 ||
	    (r = build_text(b, span_of(src->error), &rec.error)) != 0)
		return r;
	return build_add(b, SECTION_KEYSET, &rec, NULL);
}

static void
on_gather(struct loop_timer *timer, void *arg)
{
	struct keysets_table	*t = arg;
	struct build		*b = NULL;
	uint64_t		 length = 0;
	int			 fd = -1, r = build_new(SNAP_KEYSETS, "", &b);

	for (size_t i = 0; i < t->count && r == 0; i++)
		r = put_source(b, &t->all[i]);
	if (r == 0 && (r = build_seal(b, t->s->made_keys + 1, &fd, &length)) == 0)
		r = control_keysets(t->s, fd, t->s->made_keys + 1, length);
	fd_close(&fd);
	build_free(&b);
	if (r == 0) {
		t->s->made_keys++;
		t->news = false;
		return;
	}
	log_warn_repeat(NULL, "the issuers' keys cannot be passed on: %s", err_text(r));
	loop_timer_arm(timer, AGAIN_MS);
}

static void
tell(struct keysets_table *t)
{
	if (!t->news)
		loop_timer_arm(&t->gather, GATHER_MS);
	t->news = true;
}

/* ---- keys -------------------------------------------------------------------------------------- */

static struct keys *
keys_copy(const struct keyset_key *from, size_t count)
{
	size_t		 bytes = 0;
	struct keys	*keys;
	char		*text;

	for (size_t i = 0; i < count; i++)
		bytes += from[i].kid.n + from[i].der.n;
	if ((keys = malloc(sizeof(*keys) + count * sizeof(keys->key[0]) + bytes)) == NULL)
		return NULL;
	keys->count = count;
	keys->digest = 0;
	text = (char *)&keys->key[count];
	for (size_t i = 0; i < count; i++) {
		const uint64_t	of[] = { keys->digest, from[i].kid.n, from[i].has_kid, from[i].algs };

		keys->key[i] = from[i];
		keys->key[i].kid.p = memcpy(text, from[i].kid.n == 0 ? "" : from[i].kid.p, from[i].kid.n);
		text += from[i].kid.n;
		keys->key[i].der.p = memcpy(text, from[i].der.p, from[i].der.n);
		text += from[i].der.n;
		keys->digest = sum64_more(sum64_more(sum64(span_make(of, sizeof(of))), from[i].kid), from[i].der);
	}
	return keys;
}

/* ---- fetching ---------------------------------------------------------------------------------- */

static void	look(struct keysets_table *t);

uint64_t
keysets_refresh_ms(const struct keysets_times *t, bool has_max_age, uint64_t max_age_s, uint64_t keep_ms)
{
	uint64_t	ms = has_max_age ? max_age_s * 1000 : t->refresh_max_ms;

	if (ms > t->refresh_max_ms)
		ms = t->refresh_max_ms;
	if (ms < t->refresh_min_ms)
		ms = t->refresh_min_ms;
	return ms < keep_ms / 2 ? ms : keep_ms / 2;
}

/* text may be of what it replaces: a set that is the same still. */
static void
set_text(char **to, struct span text)
{
	char	*before = *to;

	*to = text.n == 0 ? NULL : strndup(text.p, text.n);
	free(before);
}

static void
take_failure(struct source *src, const char *why, uint64_t now)
{
	const uint64_t	ends = src->is.fetched_ms + src->rec->keep_ms;
	const char	*then = src->keys == NULL ? "; its tokens are refused until they are" : now < ends ?
			    "; those of before serve" : "; those of before are kept no longer: its tokens are refused";

	src->is.fails++;
	src->is.next_ms = now + names_pause(src->is.fails);
	log_warn_repeat(LOG_SUBJECT("issuer", src->issuer.p), "its keys cannot be fetched: %s%s", why, then);
	set_text(&src->error, span_of(why));
}

static void
take_keys(struct source *src, const struct keyfetch_found *found, struct keys *keys, uint64_t now)
{
	if (keys != NULL && (src->keys == NULL || src->keys->digest != keys->digest))
		log_notice(LOG_SUBJECT("issuer", src->issuer.p), "%zu keys fetched of %.*s%s", keys->count,
		    SPAN_FMT(span_part(found->url, 0, 200)), found->passed_over > 0 ? "; others are of no use" : "");
	if (keys != NULL) {
		free(src->keys);
		src->keys = keys;
		src->is.passed_over = (uint32_t)found->passed_over;
	}
	src->is.fetched_ms = now;
	src->is.fails = 0;
	src->is.next_ms = now + keysets_refresh_ms(&src->of->times, found->has_max_age, found->max_age_s,
	    src->rec->keep_ms);
	set_text(&src->url, found->url);
	set_text(&src->etag, found->etag);
	set_text(&src->error, SPAN_NONE);
}

static void
on_found(const struct keyfetch_found *found, void *arg)
{
	struct source	*src = arg;
	const uint64_t	 now = loop_wall_ms(src->of->s->loop);
	struct keys	*keys = NULL;

	if (found->why == NULL && !found->same)
		keys = keys_copy(found->keys, found->count);
	src->is.tried_ms = now;
	if (src->asked)
		src->is.asked_ms = now;
	src->asked = false;
	if (found->why != NULL || (keys == NULL && !found->same))
		take_failure(src, found->why != NULL ? found->why : "out of memory", now);
	else
		take_keys(src, found, keys, now);
	tell(src->of);
	look(src->of);
}

static void
begin(struct source *src, uint64_t now)
{
	const struct rec_keysource	*rec = src->rec;
	const struct snap		*policy = src->of->policy;
	const struct rec_address	*a;
	struct keyfetch_ask		 ask = { .issuer = src->issuer, .url = snap_text(policy, rec->url),
		.discovery = rec->discovery != 0, .algs = rec->algs, .algs_given = rec->algs_given != 0,
		.policy = src->of->policy, .anchor_first = rec->anchor_first, .anchor_count = rec->anchor_count,
		.addresses = src->addresses };
	const char			*why;
	int				 r;

	for (size_t i = 0; i < rec->address_count && i < ERRAND_ADDRESSES_MAX; i++) {
		if ((a = SNAP_AT(policy, ADDRESS, (uint64_t)rec->address_first + i)) == NULL)
			break;
		src->addresses[i].family = a->family;
		memcpy(src->addresses[i].bytes, a->bytes, sizeof(a->bytes));
		ask.address_count = i + 1;
	}
	if (src->keys != NULL && src->etag != NULL && src->url != NULL) {
		ask.known_url = span_of(src->url);
		ask.etag = span_of(src->etag);
	}
	if ((r = keyfetch_start(src->of->s->errands, &ask, on_found, src, &src->fetch, &why)) == 0)
		return;
	src->is.tried_ms = now;
	take_failure(src, why != NULL ? why : err_text(r), now);
	tell(src->of);
}

static void
look(struct keysets_table *t)
{
	const uint64_t	now = loop_wall_ms(t->s->loop);
	uint64_t	wait = LOOK_MS_MAX;

	for (size_t i = 0; i < t->count; i++) {
		struct source	*src = &t->all[i];

		/* The clock was set back. */
		if (src->is.next_ms > now + t->times.refresh_max_ms + LOOK_MS_MAX)
			src->is.next_ms = now;
		if (src->fetch == NULL && src->is.next_ms <= now)
			begin(src, now);
		if (src->fetch == NULL && src->is.next_ms - now < wait)
			wait = src->is.next_ms - now;
	}
	if (t->count > 0)
		loop_timer_arm(&t->timer, wait);
}

static void
on_timer(struct loop_timer *timer, void *arg)
{
	(void)timer;
	look(arg);
}

void
keysets_table_want(struct keysets_table *t, uint64_t id, bool asked_now)
{
	const uint64_t	now = loop_wall_ms(t->s->loop);

	for (size_t i = 0; i < t->count; i++) {
		struct source	*src = &t->all[i];
		uint64_t	 at = now;

		if (id != 0 && src->rec->id != id)
			continue;
		if (!asked_now) {
			/* However many tokens name however many keys. */
			if (src->is.asked_ms <= now && src->is.asked_ms + t->times.unknown_ms > now)
				at = src->is.asked_ms + t->times.unknown_ms;
			src->asked = true;
		}
		if (at < src->is.next_ms)
			src->is.next_ms = at;
	}
	look(t);
}

/* ---- which ------------------------------------------------------------------------------------- */

static void
source_fini(struct source *src)
{
	keyfetch_cancel(&src->fetch);
	free(src->keys);
	free(src->url);
	free(src->etag);
	free(src->error);
}

static void
remember_keys(struct source *src, const struct snap *earlier, const struct rec_keyset *is)
{
	struct keyset_key		*found = calloc(KEYSET_KEYS_MAX, sizeof(*found));
	const struct rec_verifier	*v;
	size_t				 n = 0;

	for (; found != NULL && n < is->verifier_count && n < KEYSET_KEYS_MAX; n++) {
		if ((v = SNAP_AT(earlier, VERIFIER, (uint64_t)is->verifier_first + n)) == NULL)
			break;
		found[n] = (struct keyset_key){ .kid = snap_text(earlier, v->kid), .der = snap_text(earlier, v->der),
		    .has_kid = v->has_kid != 0, .algs = v->algs };
	}
	if (n > 0)
		src->keys = keys_copy(found, n);
	free(found);
}

static void
remember(struct source *src, const struct snap *earlier, uint64_t now)
{
	const struct rec_keyset	*is;

	for (uint64_t i = 0; earlier != NULL && (is = SNAP_AT(earlier, KEYSET, i)) != NULL; i++) {
		if (is->id != src->rec->id)
			continue;
		src->is = *is;
		remember_keys(src, earlier, is);
		set_text(&src->url, snap_text(earlier, is->url));
		set_text(&src->etag, snap_text(earlier, is->etag));
		set_text(&src->error, snap_text(earlier, is->error));
		if (src->keys == NULL)
			src->is.fetched_ms = src->is.next_ms = 0;
		if (src->is.next_ms > now + src->of->times.refresh_max_ms)
			src->is.next_ms = now;
		return;
	}
}

/* One that goes on: what is known of it moves over. */
static void
inherit(struct source *src, struct source *old, size_t old_count)
{
	for (size_t i = 0; i < old_count; i++) {
		struct source	*o = &old[i];

		if (o->is.id != src->rec->id)
			continue;
		src->is = o->is;
		src->keys = o->keys;
		src->url = o->url;
		src->etag = o->etag;
		src->error = o->error;
		o->keys = NULL;
		o->url = o->etag = o->error = NULL;
		return;
	}
}

void
keysets_table_set_policy(struct keysets_table *t, struct snap *policy, const struct params *p,
    const struct snap *earlier)
{
	static struct source		 old[KEYSETS_MAX];
	const struct rec_keysource	*rec;
	const struct rec_issuer		*issuer;
	const size_t			 old_count = t->count;
	const uint64_t			 now = loop_wall_ms(t->s->loop);

	/* What is under way is begun anew, by the policy of now. */
	for (size_t i = 0; i < old_count; i++)
		if (t->all[i].fetch != NULL) {
			keyfetch_cancel(&t->all[i].fetch);
			t->all[i].is.next_ms = 0;
		}
	memcpy(old, t->all, sizeof(old));
	memset(t->all, 0, sizeof(t->all));
	t->count = 0;
	t->times = (struct keysets_times){ p->jwks_refresh_min, p->jwks_refresh_max, p->jwks_unknown_kid };
	for (uint64_t i = 0; t->count < KEYSETS_MAX && (rec = SNAP_AT(policy, KEYSOURCE, i)) != NULL; i++) {
		struct source	*src = &t->all[t->count];

		if ((issuer = SNAP_AT(policy, ISSUER, rec->issuer)) == NULL || snap_cstr(policy, issuer->name) == NULL)
			continue;
		t->count++;
		*src = (struct source){ .of = t, .rec = rec, .issuer = snap_text(policy, issuer->name) };
		inherit(src, old, old_count);
		if (src->is.id == 0)
			remember(src, earlier, now);
		src->is.id = rec->id;
		/* A new bound on how old keys may grow counts at once. */
		if (src->is.next_ms > src->is.tried_ms + t->times.refresh_max_ms)
			src->is.next_ms = src->is.tried_ms + t->times.refresh_max_ms;
	}
	for (size_t i = 0; i < old_count; i++)
		source_fini(&old[i]);
	snap_release(&t->policy);
	t->policy = snap_hold(policy);
	if (t->count != old_count)
		tell(t);
	look(t);
}

int
keysets_table_new(struct scout *s, struct keysets_table **out)
{
	struct keysets_table	*t = calloc(1, sizeof(*t));

	*out = t;
	if (t == NULL)
		return E_NOMEM;
	t->s = s;
	loop_timer_init(s->loop, &t->timer, on_timer, t);
	loop_timer_init(s->loop, &t->gather, on_gather, t);
	return 0;
}

void
keysets_table_free(struct keysets_table **tp)
{
	struct keysets_table	*t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	loop_timer_disarm(&t->timer);
	loop_timer_disarm(&t->gather);
	for (size_t i = 0; i < t->count; i++)
		source_fini(&t->all[i]);
	snap_release(&t->policy);
	free(t);
}
