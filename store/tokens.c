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
#include "policy/policy.h"
#include "store/barredb.h"
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

static int
dump_barred(const struct barred *one, void *arg)
{
	struct rec_barred	rec = { .hash = policy_barred_hash(one->is_subject, one->issuer, one->name),
	    .before_ms = one->before_ms, .ends_ms = one->ends_ms, .is_subject = one->is_subject };
	int			r;

	if ((r = build_text(arg, one->issuer, &rec.issuer)) != 0 || (r = build_text(arg, one->name, &rec.name)) != 0)
		return r;
	return build_add(arg, SECTION_BARRED, &rec, NULL);
}

int
store_tokens_dump(struct store *s, struct build *b)
{
	const uint64_t	now = loop_wall_ms(s->loop);
	int		r = tokendb_each(s->db, now, dump_signer, dump_gone, b);

	return r != 0 ? r : barredb_each(s->db, now, dump_barred, b);
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

/* Two names, each with a NUL behind it. */
static bool
two_names(struct span text, struct span *one, struct span *two)
{
	const char	*end = text.n == 0 ? NULL : memchr(text.p, '\0', text.n);

	if (end == NULL || text.p[text.n - 1] != '\0')
		return false;
	*one = span_make(text.p, (size_t)(end - text.p));
	*two = span_part(text, one->n + 1, text.n - one->n - 2);
	return one->n + 1 < text.n;
}

static int
bar(struct store *s, const struct msg_TOKEN *m)
{
	const uint64_t	now = loop_wall_ms(s->loop);
	struct barred	b = { .is_subject = m->what != TOKEN_BAR_ID, .before_ms = m->what == TOKEN_BAR_SUBJECT ? now :
			    UINT64_MAX, .ends_ms = m->ms > BARREDB_MS_MAX ? UINT64_MAX : now + m->ms };

	return two_names(m->text, &b.issuer, &b.name) ? barredb_put(s->db, &b, now) : E_FORMAT;
}

/* Of an issuer's tokens. */
static void
bar_and_say(struct store *s, uint64_t ref, const struct msg_TOKEN *m)
{
	struct span	issuer = SPAN_NONE, name = SPAN_NONE;
	int		r = bar(s, m);

	(void)two_names(m->text, &issuer, &name);
	if (r == 0) {
		log_notice(NULL, "%s of issuer %.*s revoked by uid %u, %s=%.*s for_ms=%llu",
		    m->what == TOKEN_BAR_ID ? "a token" : "a subject's tokens", SPAN_FMT(issuer), m->by - 1,
		    m->what == TOKEN_BAR_ID ? "jti" : "subject", SPAN_FMT(name), (unsigned long long)m->ms);
		store_done(s, ref, 0, "revoked");
	} else if (r == E_FORMAT) {
		store_done(s, ref, r, "token revoke: an issuer, an id and a subject are plain text of at most %u bytes",
		    BARREDB_TEXT_MAX);
	} else if (r == E_RANGE) {
		store_done(s, ref, r, "--for: a time of at most 366d");
	} else if (r == E_TOOBIG) {
		store_done(s, ref, r, "%u revocations of issuers' tokens are kept already; let the issuer's key go "
		    "instead (issuers_file)", BARREDB_MAX);
	} else {
		log_err(NULL, "tokens cannot be revoked: %s", store_why(s, r));
		store_done(s, ref, r, "tokens cannot be revoked: %s", store_why(s, r));
	}
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
	if (m->what == TOKEN_BAR_ID || m->what == TOKEN_BAR_SUBJECT || m->what == TOKEN_BAR_SUBJECT_ALL) {
		bar_and_say(s, ref, m);
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
