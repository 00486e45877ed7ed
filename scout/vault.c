/* SPDX-License-Identifier: Apache-2.0
 *
 * vault.c - values of ${vault:}: when they are fetched, what is known of them, and who is told
 *
 * Process: mcpgw-scout.
 * Owns:    the values and the vault's token: in memory alone, and wiped.
 * Trusts:  the policy for what is wanted.
 *
 * While the vault is away the values of before serve: they are in the snapshot that the master has for compilers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypt.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/sum.h"
#include "policy/build.h"
#include "policy/policy.h"
#include "scout/control.h"
#include "scout/vault_priv.h"

#define TOKEN_MAX	(16 * 1024)
#define AGAIN_MS	2000		/* doubled with each round that fails */
#define LEAST_MS	1000

/* ---- values ------------------------------------------------------------------------------------ */

static void
item_wipe(struct vault_item *i)
{
	if (i->value != NULL)
		crypt_wipe(i->value, i->bytes);
	free(i->value);
	i->value = NULL;
	i->bytes = 0;
}

static void
items_free(struct vault_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		item_wipe(&items[i]);
	free(items);
}

void
vault_item_set(struct vault *v, struct vault_item *i, struct span value, const char *why)
{
	char	*copy = NULL;

	if (span_eq(span_make(i->value, i->bytes), value) && strcmp(i->why, why) == 0)
		return;
	/* What cannot be kept now is found again in the next round. */
	if (value.n > 0 && (copy = malloc(value.n)) == NULL)
		return;
	item_wipe(i);
	if (copy != NULL)
		memcpy(copy, value.p, value.n);
	i->value = copy;
	i->bytes = value.n;
	snprintf(i->why, sizeof(i->why), "%s", why);
	v->changed = true;
}

void
vault_forget_token(struct vault *v)
{
	if (v->token.data != NULL)
		crypt_wipe(v->token.data, v->token.room);
	buf_clear(&v->token);
	v->looked = v->renewable = false;
	v->got_ms = v->ends_ms = 0;
}

/* ---- who is told ------------------------------------------------------------------------------- */

static int
put_item(struct build *b, const struct vault_item *i)
{
	struct rec_vault_value	rec;
	int			r;

	if ((r = build_text(b, i->path, &rec.path)) != 0 || (r = build_text(b, i->field, &rec.field)) != 0 ||
	    (r = build_text(b, span_make(i->value, i->bytes), &rec.value)) != 0 ||
	    (r = build_text(b, span_of(i->why), &rec.why)) != 0)
		return r;
	return build_add(b, SECTION_VAULT_VALUE, &rec, NULL);
}

static void
tell(struct vault *v)
{
	struct build	*b = NULL;
	uint64_t	 length, generation = ++v->s->serials;
	int		 fd = -1, r;

	if (!v->changed)
		return;
	r = build_new(SNAP_VAULT, "", &b);
	for (size_t i = 0; i < v->count && r == 0; i++)
		r = put_item(b, &v->items[i]);
	if (r == 0 && (r = build_seal(b, generation, &fd, &length)) == 0)
		r = control_vault(v->s, fd, generation, length);
	build_free(&b);
	fd_close(&fd);
	if (r != 0) {
		log_err(NULL, "vault: its values cannot be passed on: %s", err_text(r));
		return;
	}
	v->changed = false;
	v->told = true;
}

/* ---- rounds ------------------------------------------------------------------------------------ */

static void
plan(struct vault *v, bool failed)
{
	uint64_t	ms = v->rec->refresh_ms, now = loop_wall_ms(v->s->loop), third;

	if (failed) {
		/* Never seldomer than when all is well. */
		ms = AGAIN_MS;
		for (unsigned i = 1; i < v->fails && ms < v->rec->refresh_ms; i++)
			ms *= 2;
		if (ms > v->rec->refresh_ms)
			ms = v->rec->refresh_ms;
	} else if (v->ends_ms != 0) {
		/* Time for it to be renewed, and for that to fail. */
		third = (v->ends_ms - v->got_ms) / 3 * 2;
		third = v->got_ms + third > now ? v->got_ms + third - now : 0;
		if (third < ms)
			ms = third;
	}
	loop_timer_arm(&v->timer, ms < LEAST_MS ? LEAST_MS : ms);
}

static void
say(struct vault *v, const char *why)
{
	size_t	with = 0;

	if (strcmp(v->said, why) == 0)
		return;
	snprintf(v->said, sizeof(v->said), "%s", why);
	for (size_t i = 0; i < v->count; i++)
		with += v->items[i].value != NULL;
	if (why[0] == '\0')
		log_notice(NULL, "vault: answers");
	else if (with > 0)
		log_warn(NULL, "vault: %s; what it said before serves", why);
	else
		log_warn(NULL, "vault: %s", why);
}

void
vault_round_end(struct vault *v, const char *why)
{
	if (why == NULL) {
		v->fails = 0;
		say(v, "");
	} else {
		v->fails++;
		say(v, why);
		for (size_t i = 0; i < v->count; i++)
			if (v->items[i].value == NULL) {
				char	text[VAULT_WHY_MAX];

				snprintf(text, sizeof(text), "the vault: %.*s", VAULT_WHY_MAX - 16, why);
				vault_item_set(v, &v->items[i], SPAN_NONE, text);
			}
	}
	plan(v, why != NULL);
	tell(v);
}

static void
begin(struct vault *v)
{
	errand_cancel(&v->errand);
	loop_timer_disarm(&v->timer);
	v->again = false;
	vault_round_begin(v);
}

static void
on_timer(struct loop_timer *t, void *arg)
{
	(void)t;
	begin(arg);
}

/* ---- which there are --------------------------------------------------------------------------- */

static void
on_secret(struct span name, struct span value, void *arg)
{
	uint64_t	*sum = arg;

	*sum = sum64_more(sum64_more(*sum, name), value);
}

static uint64_t
identity_of(const struct vault *v)
{
	const struct rec_vault	*r = v->rec;
	uint64_t		 sum = sum64(snap_text(v->policy, r->address));

	sum = sum64_more(sum, snap_text(v->policy, r->name_space));
	sum = sum64_more(sum, SPAN_LIT("\n"));
	sum = sum64_more(sum, snap_text(v->policy, r->role_id));
	if (v->secrets != NULL)
		policy_secrets_each(v->secrets, SPAN_LIT("default"), SPAN_NONE, on_secret, &sum);
	return sum;
}

static uint64_t
wants_of(const struct vault *v)
{
	uint64_t	sum = v->rec->refresh_ms;

	for (size_t i = 0; i < v->count; i++) {
		sum = sum64_more(sum, v->items[i].path);
		sum = sum64_more(sum, SPAN_LIT("#"));
		sum = sum64_more(sum, v->items[i].field);
	}
	return sum;
}

/* What is known of it: here, or by a scout before this one. */
static void
take_known(struct vault *v, struct vault_item *i, const struct vault_item *old, size_t count)
{
	const struct snap		*kept = v->s->snaps.current[SNAP_VAULT];
	const struct rec_vault_value	*k;
	const bool			 changed = v->changed;

	for (size_t n = 0; n < count; n++)
		if (span_eq(old[n].path, i->path) && span_eq(old[n].field, i->field)) {
			vault_item_set(v, i, span_make(old[n].value, old[n].bytes), old[n].why);
			v->changed = changed;
			return;
		}
	for (uint64_t n = 0; kept != NULL && (k = SNAP_AT(kept, VAULT_VALUE, n)) != NULL; n++)
		if (span_eq(snap_text(kept, k->path), i->path) && span_eq(snap_text(kept, k->field), i->field)) {
			char	why[VAULT_WHY_MAX];

			snprintf(why, sizeof(why), "%.*s", SPAN_FMT(snap_text(kept, k->why)));
			vault_item_set(v, i, snap_text(kept, k->value), why);
		}
	v->changed = changed;
}

static int
make_items(struct vault *v, const struct vault_item *old, size_t old_count)
{
	uint64_t			 count = snap_count(v->policy, SECTION_VAULT_WANT);
	const struct rec_vault_want	*w;

	if (count > VAULT_WANTS_MAX)
		count = VAULT_WANTS_MAX;
	v->count = 0;
	if ((v->items = calloc(count + 1, sizeof(*v->items))) == NULL)
		return E_NOMEM;
	for (uint64_t n = 0; n < count && (w = SNAP_AT(v->policy, VAULT_WANT, n)) != NULL; n++) {
		struct vault_item	*i = &v->items[v->count++];

		i->path = snap_text(v->policy, w->path);
		i->field = snap_text(v->policy, w->field);
		take_known(v, i, old, old_count);
	}
	return 0;
}

static void
forget(struct vault *v)
{
	errand_cancel(&v->errand);
	loop_timer_disarm(&v->timer);
	vault_forget_token(v);
	items_free(v->items, v->count);
	v->items = NULL;
	v->count = 0;
	v->rec = NULL;
	v->fails = 0;
	v->said[0] = '\0';
	v->told = v->changed = false;
	v->identity = v->wants = 0;
}

void
vault_set_policy(struct vault *v)
{
	struct snap		*before = v->policy;
	struct vault_item	*old = v->items;
	size_t			 old_count = v->count;
	uint64_t		 identity, wants;
	bool			 answers, same;

	snap_release(&v->secrets);
	v->secrets = swap_hold(&v->s->snaps, SNAP_SECRETS);
	v->policy = swap_hold(&v->s->snaps, SNAP_POLICY);
	v->rec = SNAP_AT(v->policy, VAULT, 0);
	if (v->rec == NULL || make_items(v, old, old_count) != 0) {
		v->items = old;
		v->count = old_count;
		forget(v);
		snap_release(&before);
		return;
	}
	items_free(old, old_count);
	snap_release(&before);
	identity = identity_of(v);
	wants = wants_of(v);
	same = identity == v->identity && wants == v->wants;
	answers = v->told;
	v->told = false;
	if (identity != v->identity) {
		vault_forget_token(v);
		v->fails = 0;
	}
	v->identity = identity;
	v->wants = wants;
	/* The policy that was made of what the vault has just said needs no other round. */
	if (!same || !answers || v->errand != NULL)
		begin(v);
}

/* ---- for main.c -------------------------------------------------------------------------------- */

int
vault_new(struct scout *s, struct vault **out)
{
	struct vault	*v = calloc(1, sizeof(*v));

	*out = v;
	if (v == NULL)
		return E_NOMEM;
	v->s = s;
	buf_init(&v->token, TOKEN_MAX);
	loop_timer_init(s->loop, &v->timer, on_timer, v);
	return 0;
}

void
vault_free(struct vault **vp)
{
	struct vault	*v = *vp;

	*vp = NULL;
	if (v == NULL)
		return;
	forget(v);
	buf_fini(&v->token);
	snap_release(&v->policy);
	snap_release(&v->secrets);
	free(v);
}
