/* SPDX-License-Identifier: Apache-2.0
 *
 * accounts.c - the gateway's own accounts at servers with "auth": all of them, and the tokens that workers have
 *
 * Process: mcpgw-scout.
 * Owns:    every account.
 * Trusts:  the policy for names; what comes from workers chooses an account, and no more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypt.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "policy/build.h"
#include "policy/policy.h"
#include "scout/account.h"
#include "scout/control.h"

#define ACCOUNTS_MAX	1024		/* of servers */
#define USERS_MAX	2048		/* of users; who was wanted longest ago makes room */

/* ---- tokens ------------------------------------------------------------------------------------ */

static int
put_token(struct build *b, const struct account *a)
{
	struct rec_token	rec = { .key = a->key, .serial = a->serial, .ends_ms = a->ends_ms, .state = a->state };
	char			value[sizeof("Bearer ") + OAUTH_TOKEN_MAX];
	size_t			n = 0;
	int			r;

	if (a->state == TOKEN_READY && a->grant.access_token.n <= OAUTH_TOKEN_MAX) {
		memcpy(value, "Bearer ", 7);
		memcpy(value + 7, a->grant.access_token.p, a->grant.access_token.n);
		n = 7 + a->grant.access_token.n;
	}
	if ((r = build_text(b, span_make(value, n), &rec.value)) == 0 &&
	    (r = build_text(b, span_of(a->why), &rec.why)) == 0)
		r = build_add(b, SECTION_TOKEN, &rec, NULL);
	crypt_wipe(value, sizeof(value));
	return r;
}

static int
account_cmp(const void *x, const void *y)
{
	const struct account	*a = *(const struct account *const *)x, *b = *(const struct account *const *)y;

	return (a->key > b->key) - (a->key < b->key);
}

static void
on_publish(struct loop_timer *t, void *arg)
{
	struct accounts	*as = arg;
	struct account	**sorted = calloc(ACCOUNTS_MAX + USERS_MAX, sizeof(*sorted));
	struct build	*b = NULL;
	uint64_t	 length, generation = ++as->s->serials;
	size_t		 n = 0;
	int		 fd = -1, r;

	(void)t;
	for (struct account *a = as->first; sorted != NULL && a != NULL && n < ACCOUNTS_MAX + USERS_MAX; a = a->next)
		if (a->serial != 0)
			sorted[n++] = a;
	if (n > 1)
		qsort(sorted, n, sizeof(sorted[0]), account_cmp);
	r = sorted == NULL ? E_NOMEM : build_new(SNAP_TOKENS, "", &b);
	for (size_t i = 0; i < n && r == 0; i++)
		r = put_token(b, sorted[i]);
	if (r == 0 && (r = build_seal(b, generation, &fd, &length)) == 0)
		r = control_tokens(as->s, fd, generation, length);
	if (r != 0)
		log_err(NULL, "workers do not get the tokens for servers: %s", err_text(r));
	build_free(&b);
	free(sorted);
	fd_close(&fd);
}

void
accounts_changed(struct accounts *as)
{
	if (!as->publish.armed)
		loop_timer_arm(&as->publish, 0);
}

void
accounts_publish(struct accounts *as)
{
	loop_timer_disarm(&as->publish);
	on_publish(&as->publish, as);
}

/* ---- which there are --------------------------------------------------------------------------- */

const struct rec_server *
account_server(const struct account *a)
{
	const struct snap		*policy = a->of->s->snaps.current[SNAP_POLICY];
	const struct rec_server		*s = policy_server_find(policy, span_of(a->tenant), span_of(a->server));

	return s == NULL || policy_token_key(policy, s) != a->server_key ? NULL : s;
}

struct account *
accounts_find(struct accounts *as, struct span tenant, struct span server, struct span who)
{
	for (struct account *a = as->first; a != NULL; a = a->next)
		if (span_is(tenant, a->tenant) && span_is(server, a->server) && span_eq(who, span_of(a->who)))
			return a;
	return NULL;
}

static struct account *
account_new(struct accounts *as, struct span tenant, const struct rec_server *s, uint64_t key)
{
	const struct snap	*policy = as->s->snaps.current[SNAP_POLICY];
	struct span		 name = snap_text(policy, s->name);
	struct account		*a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->of = as;
	a->key = a->server_key = key;
	a->kind = (enum oauth_kind)policy_auth_find(policy, s)->kind;
	a->per_user = (s->flags & SERVER_FLAG_PER_USER) != 0;
	a->tenant = strndup(tenant.n == 0 ? "" : tenant.p, tenant.n);
	a->server = strndup(name.n == 0 ? "" : name.p, name.n);
	account_init(a);
	if (a->tenant == NULL || a->server == NULL) {
		account_fini(a);
		free(a);
		return NULL;
	}
	a->next = as->first;
	as->first = a;
	return a;
}

static void
take_kept(struct account *a)
{
	const struct snap	*kept = a->of->s->snaps.current[SNAP_GRANTS];
	const struct rec_grant	*g;
	char			 name[128];

	snprintf(name, sizeof(name), "%s%s%s", a->server, a->who == NULL ? "" : "\n", a->who == NULL ? "" : a->id);
	for (uint64_t i = 0; kept != NULL && (g = SNAP_AT(kept, GRANT, i)) != NULL; i++)
		if (span_is(snap_text(kept, g->tenant), a->tenant) && span_is(snap_text(kept, g->server), name))
			account_take_kept(a, snap_text(kept, g->bytes));
}

static void
drop_unseen(struct accounts *as)
{
	struct account	**link = &as->first, *a;

	while ((a = *link) != NULL) {
		if (a->seen) {
			link = &a->next;
			continue;
		}
		*link = a->next;
		account_fini(a);
		free(a);
		accounts_changed(as);
	}
}

/* ---- users' ------------------------------------------------------------------------------------ */

static void
on_sweep(struct loop_timer *t, void *arg)
{
	(void)t;
	drop_unseen(arg);
}

void
accounts_drop(struct account *a)
{
	a->seen = false;
	if (!a->of->sweep.armed)
		loop_timer_arm(&a->of->sweep, 0);
}

/* One more is coming. */
static void
make_room(struct accounts *as)
{
	struct account	*oldest = NULL;
	size_t		 n = 0;

	for (struct account *a = as->first; a != NULL; a = a->next) {
		if (a->who == NULL || !a->seen)
			continue;
		n++;
		if (a->trip.flow == NULL && a->login.flow == NULL &&
		    (oldest == NULL || a->wanted_ms < oldest->wanted_ms))
			oldest = a;
	}
	if (n >= USERS_MAX && oldest != NULL)
		accounts_drop(oldest);
}

struct account *
accounts_open(struct accounts *as, struct span tenant, struct span server, struct span who)
{
	const struct account	*of = accounts_find(as, tenant, server, SPAN_NONE);
	const struct rec_server	*s;
	struct account		*a = accounts_find(as, tenant, server, who);

	if (who.n == 0 || who.n > USERS_WHO_MAX || of == NULL || !of->per_user || (s = account_server(of)) == NULL)
		return NULL;
	if (a != NULL && a->seen) {
		a->wanted_ms = loop_now_ms(as->s->loop);
		return a;
	}
	make_room(as);
	if ((a = account_new(as, tenant, s, of->server_key)) == NULL)
		return NULL;
	a->seen = true;
	a->wanted_ms = loop_now_ms(as->s->loop);
	if ((a->who = strndup(who.p, who.n)) == NULL || users_id(who, a->id) != 0 ||
	    users_token_key(a->server_key, a->id, &a->key) != 0) {
		accounts_drop(a);
		return NULL;
	}
	take_kept(a);
	return a;
}

void
accounts_set_policy(struct accounts *as)
{
	const struct snap	*policy = as->s->snaps.current[SNAP_POLICY];
	const struct rec_auth	*auth;
	const struct rec_server	*s;
	struct account		*a;
	size_t			 count = 0;

	for (a = as->first; a != NULL; a = a->next)
		a->seen = false;
	loop_timer_disarm(&as->sweep);
	for (uint64_t i = 0; (auth = SNAP_AT(policy, AUTH, i)) != NULL && count < ACCOUNTS_MAX; i++) {
		struct span	tenant;
		uint64_t	key;

		if ((s = SNAP_AT(policy, SERVER, auth->server)) == NULL || (s->flags & SERVER_FLAG_DISABLED) != 0 ||
		    auth->kind >= OAUTH_KIND_LIMIT)
			continue;
		count++;
		tenant = policy_tenant_name(policy, s->tenant);
		key = policy_token_key(policy, s);
		if ((a = accounts_find(as, tenant, snap_text(policy, s->name), SPAN_NONE)) != NULL && a->key == key) {
			a->seen = true;
		} else if ((a = account_new(as, tenant, s, key)) != NULL) {
			a->seen = true;
			take_kept(a);
		}
	}
	/* Users' go where their server goes. */
	for (a = as->first; a != NULL; a = a->next)
		if (a->who != NULL)
			a->seen = account_server(a) != NULL;
	drop_unseen(as);
	for (a = as->first; a != NULL; a = a->next)
		account_look(a);
}

void
accounts_on_user_wanted(struct accounts *as, const struct msg_USER_TOKEN_WANTED *m)
{
	const struct msg_TOKEN_WANTED	 w = { .tenant = m->tenant, .server = m->server, .key = m->key,
	    .serial = m->serial, .status = m->status, .challenge = m->challenge };
	struct account			*a = accounts_open(as, m->tenant, m->server, m->who);

	/* Another policy is in force there, which the worker will know in a moment. */
	if (a == NULL || a->key != m->key)
		return;
	account_take_subject(a, m->subject);
	if (a->serial == 0)
		account_look(a);
	else
		account_wanted(a, &w);
}

void
accounts_on_wanted(struct accounts *as, const struct msg_TOKEN_WANTED *m)
{
	for (struct account *a = as->first; a != NULL; a = a->next)
		if (a->key == m->key)
			account_wanted(a, m);
}

int
accounts_new(struct scout *s, struct accounts **out)
{
	struct accounts	*as = calloc(1, sizeof(*as));

	if ((*out = as) == NULL)
		return E_NOMEM;
	as->s = s;
	loop_timer_init(s->loop, &as->publish, on_publish, as);
	loop_timer_init(s->loop, &as->sweep, on_sweep, as);
	return 0;
}

void
accounts_free(struct accounts **asp)
{
	struct accounts	*as = *asp;

	*asp = NULL;
	if (as == NULL)
		return;
	for (struct account *a = as->first; a != NULL; a = a->next)
		a->seen = false;
	drop_unseen(as);
	loop_timer_disarm(&as->publish);
	loop_timer_disarm(&as->sweep);
	free(as);
}
