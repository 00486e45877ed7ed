/* SPDX-License-Identifier: Apache-2.0
 *
 * tokens.c - the gateway's own tokens: issued, and taken back
 *
 * Process: mcpgw-store.
 * Owns:    a token, until it was sent to the master.
 * Trusts:  the master for who asks.
 */
#include "lib/crypt.h"
#include "lib/log.h"
#include "policy/build.h"
#include "store/store.h"
#include "store/tokendb.h"

#define TOKEN_MAX	(14 * 1024)	/* of characters: a frame holds it */

static int
dump_signer(const struct tokendb_signer *s, struct span issuer, void *arg)
{
	struct rec_signer	rec = { .ends_ms = s->current ? 0 : s->last_ends_ms, .before_ms = s->before_ms };
	int			r;

	memcpy(rec.key, s->public_key, sizeof(rec.key));
	if ((r = build_text(arg, span_of(s->kid), &rec.kid)) != 0 || (r = build_text(arg, issuer, &rec.issuer)) != 0)
		return r;
	return build_add(arg, SECTION_SIGNER, &rec, NULL);
}

static int
dump_gone(const uint8_t id[OWN_ID_BYTES], uint64_t ends_ms, void *arg)
{
	struct rec_gone	rec = { .ends_ms = ends_ms };

	memcpy(rec.id, id, sizeof(rec.id));
	return build_add(arg, SECTION_GONE, &rec, NULL);
}

int
store_tokens_dump(struct store *s, struct build *b)
{
	return tokendb_each(s->db, loop_wall_ms(s->loop), dump_signer, dump_gone, b);
}

static void
issue(struct store *s, uint64_t ref, const struct msg_TOKEN *m)
{
	struct tokendb_token	 t;
	struct buf		 token;
	int			 r;

	buf_init(&token, TOKEN_MAX);
	if ((r = tokendb_issue(s->db, m->text, m->ms, loop_wall_ms(s->loop), &token, &t)) == 0) {
		log_notice(NULL, "token %s issued by uid %u, for_ms=%llu", t.id, m->by - 1, (unsigned long long)m->ms);
		store_tell(s, MSG_TYPE_TOKEN_IS, ref, &(struct msg_TOKEN_IS){ .keys_changed = t.new_signer,
		    .ends_ms = t.ends_ms, .id = span_of(t.id), .token = buf_rest(&token) }, NULL);
		store_done(s, ref, 0, "%s", t.id);
	} else if (r == E_FORMAT) {
		store_done(s, ref, r, "token: the claims are no JSON object, have a name twice, or one that the "
		    "gateway writes itself (iss, aud, jti, iat, exp, nbf), or sub, agent or tenant twice");
	} else if (r == E_RANGE) {
		store_done(s, ref, r, "token: good for 1s to 24h; for longer: mcpgwctl key add --ends TIME");
	} else if (r == E_TOOBIG) {
		store_done(s, ref, r, "token: its claims are too long");
	} else {
		log_err(NULL, "a token cannot be issued: %s", store_why(s, r));
		store_done(s, ref, r, "a token cannot be issued: %s", store_why(s, r));
	}
	if (token.data != NULL)
		crypt_wipe(token.data, token.room);
	buf_fini(&token);
}

static int
change(struct store *s, const struct msg_TOKEN *m)
{
	const uint64_t	now = loop_wall_ms(s->loop);

	switch (m->what) {
	case TOKEN_ROTATE:
		return tokendb_rotate(s->db, now, false);
	case TOKEN_REVOKE_ALL:
		return tokendb_rotate(s->db, now, true);
	case TOKEN_REVOKE_BEFORE:
		/* Our clock is that of this turn of the loop. */
		return m->ms > now + 1000 ? E_RANGE : tokendb_revoke_before(s->db, m->ms);
	case TOKEN_REVOKE:
		return tokendb_revoke(s->db, m->text, now);
	default:
		return E_FORMAT;
	}
}

void
store_token(struct store *s, uint64_t ref, const struct msg_TOKEN *m)
{
	static const char *const	words[] = {
		[TOKEN_ROTATE] = "signing key rotated", [TOKEN_REVOKE] = "token revoked",
		[TOKEN_REVOKE_BEFORE] = "tokens revoked that were issued before",
		[TOKEN_REVOKE_ALL] = "all tokens revoked",
	};
	int				r;

	if (m->what == TOKEN_ISSUE) {
		issue(s, ref, m);
		return;
	}
	if ((r = change(s, m)) == 0) {
		log_notice(NULL, "%s by uid %u, id=%.*s ms=%llu", words[m->what], m->by - 1, SPAN_FMT(m->text),
		    (unsigned long long)m->ms);
		store_done(s, ref, 0, "%s", words[m->what]);
	} else if (r == E_FORMAT) {
		store_done(s, ref, r, "%.*s: not a token's id, which is 32 hexadecimal digits (jti)",
		    SPAN_FMT(m->text));
	} else if (r == E_RANGE) {
		store_done(s, ref, r, "--before: that is in the future; all until now: mcpgwctl token revoke --all");
	} else if (r == E_TOOBIG) {
		store_done(s, ref, r, "more tokens were revoked one by one than are kept; for all: "
		    "mcpgwctl token revoke --all");
	} else {
		log_err(NULL, "tokens cannot be changed: %s", store_why(s, r));
		store_done(s, ref, r, "tokens cannot be changed: %s", store_why(s, r));
	}
}
