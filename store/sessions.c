/* SPDX-License-Identifier: Apache-2.0
 *
 * sessions.c - session tokens for clients of the gateway, and their refresh
 *
 * Process: mcpgw-store.
 * Owns:    a token, until it was sent to the master.
 * Trusts:  a worker for whom a credential stands, which it has looked at, but for API keys (familydb.c); for no length.
 */
#include "lib/crypt.h"
#include "lib/log.h"
#include "lib/sum.h"
#include "store/familydb.h"
#include "store/store.h"

#define TOKEN_MAX	(12 * 1024)	/* of characters: a frame holds it */
#define TIDY_MS		600000

static void
on_tidy(struct loop_timer *t, void *arg)
{
	struct store		*s = arg;
	struct family_counts	 left = { .of = NULL };
	int			 r = familydb_tidy(s->db, loop_wall_ms(s->loop), &left);

	if (r == 0) {
		family_counts_clear(&s->families);
		s->families = left;
	} else {
		family_counts_clear(&left);
		log_warn_repeat(NULL, "sessions that are over cannot be forgotten: %s", store_why(s, r));
	}
	loop_timer_arm(t, TIDY_MS);
}

void
store_sessions_init(struct store *s)
{
	int	r;

	/* Workers know it before its first token. */
	if ((r = tokendb_ready(s->db, loop_wall_ms(s->loop))) != 0)
		log_warn(NULL, "no key to sign tokens with: %s", store_why(s, r));
	loop_timer_init(s->loop, &s->tidy_families, on_tidy, s);
	loop_timer_arm(&s->tidy_families, 0);
}

static int
begin(struct store *s, const struct msg_SESSION *m, struct buf *token, struct family_made *made)
{
	const struct family_begin	b = { .who = m->who, .bound = (m->flags & SESSION_BOUND) != 0, .key = m->key,
	    .tenant = m->tenant, .agent = m->agent, .claims = m->claims, .scoped = (m->flags & SESSION_SCOPED) != 0,
	    .chosen = (m->flags & SESSION_CHOSEN) != 0, .scope = m->scope, .for_ms = m->for_ms,
	    .ends_ms = m->ends_ms, .now_ms = loop_wall_ms(s->loop) };
	int				r;

	if (family_counts_full(&s->families, sum64(m->tenant), FAMILYDB_MAX))
		return E_FULL;
	if ((r = familydb_begin(s->db, &b, token, made)) != 0)
		return r;
	family_counts_take(&s->families, made->tenant, made->gone);
	/* Without memory it is counted when all are. */
	(void)!family_counts_add(&s->families, made->tenant);
	return 0;
}

static int
refresh(struct store *s, const struct msg_SESSION *m, struct buf *token, struct family_made *made)
{
	const struct family_refresh	f = { .token = m->refresh, .who = m->who,
	    .must = (m->flags & SESSION_MUST) != 0, .tenant = m->tenant,
	    .scope_given = (m->flags & SESSION_SCOPED) != 0, .scope = m->scope, .for_ms = m->for_ms,
	    .now_ms = loop_wall_ms(s->loop) };
	int				r = familydb_refresh(s->db, &f, token, made);

	if (r == E_EXISTS || r == E_NOTFOUND)
		family_counts_take(&s->families, made->tenant, made->gone);
	if (r == E_EXISTS)
		log_warn(NULL, "a refresh token was used twice: its session is ended, token=%.*s",
		    SPAN_FMT(span_part(m->refresh, 0, 12)));
	return r;
}

void
store_session(struct store *s, const struct msg_SESSION *m)
{
	struct msg_SESSION_IS	is = { .slot = m->slot, .incarnation = m->incarnation, .number = m->number };
	struct family_made	made = { .keys_changed = false };
	struct buf		token;

	buf_init(&token, TOKEN_MAX);
	is.error = m->refresh.n > 0 ? refresh(s, m, &token, &made) : begin(s, m, &token, &made);
	if (is.error == 0) {
		is.ends_ms = made.token.ends_ms;
		is.id = span_of(made.token.id);
		is.token = buf_rest(&token);
		is.refresh = span_of(made.refresh);
		is.scope = span_of(made.scope);
	} else if (is.error == E_SYS || is.error == E_FULL || is.error == E_NOMEM || is.error == E_INTERNAL) {
		log_warn_repeat(NULL, "no session tokens: %s", is.error == E_FULL ?
		    "there are too many, of one tenant or of all" : store_why(s, is.error));
	}
	is.flags = (made.scoped ? SESSION_SCOPED : 0) | (made.keys_changed ? SESSION_KEYS_CHANGED : 0);
	store_tell(s, MSG_TYPE_SESSION_IS, 0, &is, NULL);
	if (token.data != NULL)
		crypt_wipe(token.data, token.room);
	crypt_wipe(&made, sizeof(made));
	buf_fini(&token);
}
