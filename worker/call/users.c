/* SPDX-License-Identifier: Apache-2.0
 *
 * users.c - who the principals are that call servers with "per": "user"
 *
 * Process: worker.
 * Owns:    the table; tokens in it are wiped.  Whoever was not seen longest makes room.
 * Trusts:  auth_identify() for who somebody is.  An isolation key that two principals have is nobody's.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "auth/own.h"
#include "lib/crypt.h"
#include "oauth/client.h"
#include "worker/call/users.h"
#include "worker/front/request.h"
#include "worker/worker.h"

#define USERS_MAX	4096
#define BUCKETS		1024

struct known_user {
	TAILQ_ENTRY(known_user)	 age;
	struct known_user	*next;
	uint64_t		 instance;
	bool			 mixed;
	char			 id[USERS_ID_CHARS + 1];
	char			*tenant, *who;
	char			*subject;
	size_t			 subject_bytes;
};

struct users {
	struct known_user		*bucket[BUCKETS];
	TAILQ_HEAD(user_ages, known_user) ages;		/* the one that was seen last is first */
	size_t				 count;
};

static struct known_user **
place_of(struct users *u, uint64_t instance)
{
	struct known_user	**at = &u->bucket[(instance * UINT64_C(0x9e3779b97f4a7c15)) >> 54];

	while (*at != NULL && (*at)->instance != instance)
		at = &(*at)->next;
	return at;
}

static void
subject_forget(struct known_user *k)
{
	if (k->subject != NULL)
		crypt_wipe(k->subject, k->subject_bytes);
	free(k->subject);
	k->subject = NULL;
	k->subject_bytes = 0;
}

static void
drop(struct users *u, struct known_user *k)
{
	*place_of(u, k->instance) = k->next;
	TAILQ_REMOVE(&u->ages, k, age);
	u->count--;
	subject_forget(k);
	free(k->tenant);
	free(k->who);
	free(k);
}

static struct known_user *
add(struct users *u, uint64_t instance, struct span tenant, const char *who)
{
	struct known_user	*k = calloc(1, sizeof(*k)), **at;

	if (k == NULL)
		return NULL;
	k->instance = instance;
	k->tenant = strndup(tenant.p, tenant.n);
	k->who = strdup(who);
	if (k->tenant == NULL || k->who == NULL || users_id(span_of(who), k->id) != 0) {
		free(k->tenant);
		free(k->who);
		free(k);
		return NULL;
	}
	if (u->count == USERS_MAX)
		drop(u, TAILQ_LAST(&u->ages, user_ages));
	at = place_of(u, instance);
	*at = k;
	TAILQ_INSERT_HEAD(&u->ages, k, age);
	u->count++;
	return k;
}

/* The newest token is what an authorization server is shown. */
static void
take_subject(struct known_user *k, const struct request *rq)
{
	struct span	token = rq->authorization;

	/* What was identified by it begins with "Bearer ", in whichever letters. */
	if (rq->who.how != HOW_TOKEN || token.n < 7)
		return;
	token = span_trim(span_part(token, 7, token.n));
	/* One of ours is good here, and for nobody else to see. */
	if (own_claims_to_be(token))
		return;
	if (token.n == 0 || token.n > OAUTH_TOKEN_MAX || span_eq(token, span_make(k->subject, k->subject_bytes)))
		return;
	subject_forget(k);
	if ((k->subject = strndup(token.p, token.n)) != NULL)
		k->subject_bytes = token.n;
}

void
users_note(const struct request *rq, const struct rec_server *server, uint64_t instance)
{
	struct users		*u = rq->w->users;
	struct known_user	*k;
	char			 who[USERS_WHO_MAX + 1];

	if ((server->flags & SERVER_FLAG_PER_USER) == 0 || users_who(&rq->who, who) != 0)
		return;
	if ((k = *place_of(u, instance)) == NULL) {
		if ((k = add(u, instance, rq->who.tenant, who)) == NULL)
			return;
	} else {
		if (!span_is(rq->who.tenant, k->tenant) || strcmp(k->who, who) != 0)
			k->mixed = true;
		TAILQ_REMOVE(&u->ages, k, age);
		TAILQ_INSERT_HEAD(&u->ages, k, age);
	}
	take_subject(k, rq);
}

int
users_target(struct worker *w, const struct rec_server *server, uint64_t instance, struct upstream_target *t)
{
	const struct known_user	*k;

	if ((server->flags & SERVER_FLAG_PER_USER) == 0)
		return 0;
	if ((k = *place_of(w->users, instance)) == NULL || k->mixed)
		return E_TOKEN;
	return users_token_key(t->token_key, k->id, &t->token_key);
}

bool
users_find(struct users *u, uint64_t instance, struct user *out)
{
	const struct known_user	*k = *place_of(u, instance);

	if (k == NULL || k->mixed)
		return false;
	*out = (struct user){ k->tenant, k->who, span_make(k->subject, k->subject_bytes) };
	return true;
}

int
users_new(struct users **out)
{
	struct users	*u = calloc(1, sizeof(*u));

	*out = u;
	if (u == NULL)
		return E_NOMEM;
	TAILQ_INIT(&u->ages);
	return 0;
}
