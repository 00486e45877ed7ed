/* SPDX-License-Identifier: Apache-2.0
 *
 * keys.c - API keys: what the operator does with them, and when workers saw them used
 *
 * Process: mcpgw-store.
 * Owns:    uses that are not written yet.
 * Trusts:  the master for who asks; a worker for no length, and for no time in the future.
 */
#include <stdarg.h>
#include <stdio.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "policy/build.h"
#include "store/store.h"

#define USES_MAX	(64 * 1024)	/* bytes that wait */
#define USES_MS		30000
#define NAMES_ROOM	(8 * 1024)

void
store_done(struct store *s, uint64_t ref, int error, const char *fmt, ...)
{
	char	line[512];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	store_tell(s, MSG_TYPE_STORE_DONE, ref, &(struct msg_STORE_DONE){ error, span_of(line), 0 }, NULL);
}

/* --- use ------------------------------------------------------------------------------------------ */

static void
uses_write(struct store *s)
{
	int	r;

	loop_timer_disarm(&s->write_uses);
	if (buf_rest(&s->uses).n == 0)
		return;
	if ((r = keydb_used(s->db, buf_rest(&s->uses), loop_wall_ms(s->loop))) != 0)
		log_warn_repeat(NULL, "when keys were used last cannot be kept: %s", store_why(s, r));
	buf_clear(&s->uses);
}

static void
on_write_uses(struct loop_timer *t, void *arg)
{
	(void)t;
	uses_write(arg);
}

void
store_keys_used(struct store *s, struct span uses)
{
	if (uses.n % KEYDB_USE_BYTES != 0)
		return;
	if (buf_rest(&s->uses).n + uses.n > USES_MAX)
		uses_write(s);
	if (buf_put(&s->uses, uses) == 0 && !s->write_uses.armed)
		loop_timer_arm(&s->write_uses, USES_MS);
}

void
store_keys_init(struct store *s)
{
	buf_init(&s->uses, USES_MAX);
	loop_timer_init(s->loop, &s->write_uses, on_write_uses, s);
}

void
store_keys_fini(struct store *s)
{
	uses_write(s);
	buf_fini(&s->uses);
}

/* --- all of them ---------------------------------------------------------------------------------- */

static int
dump_key(const struct keydb_key *key, void *arg)
{
	struct build		*b = arg;
	struct rec_key		 rec = { .created_ms = key->created_ms, .ends_ms = key->ends_ms,
	    .used_ms = key->used_ms, .by = (uint32_t)key->by };
	const struct {
		struct span	 text;
		struct stext	*to;
	} texts[] = {
		{ key->name, &rec.name }, { key->public_name, &rec.public_name }, { key->agent, &rec.agent },
		{ key->tenant, &rec.tenant }, { key->scopes, &rec.scopes }, { key->roles, &rec.roles },
		{ key->groups, &rec.groups }, { key->workspace, &rec.workspace },
	};
	int			 r;

	memcpy(rec.digest, key->digest.p, sizeof(rec.digest));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if ((r = build_text(b, texts[i].text, texts[i].to)) != 0)
			return r;
	return build_add(b, SECTION_KEY, &rec, NULL);
}

void
store_keys_dump(struct store *s, uint64_t ref)
{
	struct build	*b = NULL;
	uint64_t	 length;
	const char	*why;
	int		 fd = -1, r;

	uses_write(s);
	if ((r = build_new(SNAP_DUMP, "", &b)) == 0 && (r = keydb_each(s->db, dump_key, b)) == 0 &&
	    (r = store_tokens_dump(s, b)) == 0 && (r = build_seal(b, 0, &fd, &length)) == 0)
		store_tell(s, MSG_TYPE_STORE_DUMPED, ref,
		    &(struct msg_STORE_DUMPED){ (uint32_t)build_count(b, SECTION_KEY), 0 }, &fd);
	if (r != 0) {
		why = r == E_FORMAT ? "the store is damaged" : store_why(s, r);
		log_err(NULL, "the keys cannot be read: %s", why);
		store_done(s, ref, r, "the keys cannot be read: %s", why);
	}
	build_free(&b);
	fd_close(&fd);
}

/* --- changes -------------------------------------------------------------------------------------- */

static int
add(struct store *s, const struct msg_STORE_KEY_ADD *m)
{
	struct keydb_key	 key = { .digest = m->digest, .name = m->name, .public_name = m->public_name,
	    .agent = m->agent, .tenant = m->tenant, .workspace = m->workspace, .created_ms = loop_wall_ms(s->loop),
	    .ends_ms = m->ends_ms, .by = m->by };
	const struct {
		struct span	 words;
		struct span	*to;
	} sets[] = { { m->scopes, &key.scopes }, { m->roles, &key.roles }, { m->groups, &key.groups } };
	struct arena		 a;
	int			 r = 0;

	arena_init(&a, NULL, 0, NAMES_ROOM);
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]) && r == 0; i++)
		r = keydb_names(sets[i].words, &a, sets[i].to);
	if (r == 0)
		r = keydb_add(s->db, &key);
	arena_fini(&a);
	return r;
}

void
store_key_add(struct store *s, uint64_t ref, const struct msg_STORE_KEY_ADD *m)
{
	int	r = add(s, m);

	if (r == 0) {
		log_notice(NULL, "key %.*s (%.*s) added for agent %.*s of tenant %.*s by uid %u", SPAN_FMT(m->name),
		    SPAN_FMT(m->public_name), SPAN_FMT(m->agent), SPAN_FMT(m->tenant), m->by - 1);
		store_done(s, ref, 0, "%.*s: key %.*s", SPAN_FMT(m->name), SPAN_FMT(m->public_name));
	} else if (r == E_EXISTS) {
		store_done(s, ref, r, "%.*s: there is a key with this name; for another in its place: "
		    "mcpgwctl key rotate %.*s", SPAN_FMT(m->name), SPAN_FMT(m->name));
	} else if (r == E_FORMAT) {
		store_done(s, ref, r, "key add: not a usable name, agent, tenant, workspace, or list of names");
	} else {
		log_err(NULL, "a key cannot be stored: %s", store_why(s, r));
		store_done(s, ref, r, "the key cannot be stored: %s", store_why(s, r));
	}
}

void
store_key_rotate(struct store *s, uint64_t ref, const struct msg_STORE_KEY_ROTATE *m)
{
	const struct keydb_rotation	what = { .digest = m->digest, .public_name = m->public_name, .name = m->name,
	    .tenant = m->tenant, .now_ms = loop_wall_ms(s->loop), .overlap_ms = m->overlap_ms, .ends_ms = m->ends_ms,
	    .by = m->by };
	int				r;

	uses_write(s);
	if ((r = keydb_rotate(s->db, &what)) == 0) {
		log_notice(NULL, "key %.*s rotated to %.*s by uid %u, overlap_ms=%llu", SPAN_FMT(m->name),
		    SPAN_FMT(m->public_name), m->by - 1, (unsigned long long)m->overlap_ms);
		store_done(s, ref, 0, "%.*s: key %.*s", SPAN_FMT(m->name), SPAN_FMT(m->public_name));
	} else if (r == E_NOTFOUND) {
		store_done(s, ref, r, "%.*s: no such key; see: mcpgwctl key list", SPAN_FMT(m->name));
	} else if (r == E_RANGE) {
		store_done(s, ref, r, "%.*s: keys of several tenants have this name; say whose: --tenant TENANT",
		    SPAN_FMT(m->name));
	} else if (r == E_TOOBIG) {
		store_done(s, ref, r, "%.*s: %u keys with this name live; end some by their public part: "
		    "mcpgwctl key list", SPAN_FMT(m->name), KEYDB_SAME_NAME_MAX);
	} else {
		log_err(NULL, "a key cannot be rotated: %s", store_why(s, r));
		store_done(s, ref, r, "the key cannot be rotated: %s", store_why(s, r));
	}
}

void
store_key_revoke(struct store *s, uint64_t ref, const struct msg_STORE_KEY_REVOKE *m)
{
	const struct keydb_which	which = { m->name, m->agent, m->tenant };
	uint32_t			ended;
	int				r = keydb_revoke(s->db, &which, &ended);

	if (r == 0) {
		log_notice(NULL, "keys revoked by uid %u, name=%.*s agent=%.*s tenant=%.*s keys=%u", m->by - 1,
		    SPAN_FMT(m->name), SPAN_FMT(m->agent), SPAN_FMT(m->tenant), ended);
		store_done(s, ref, 0, "%u keys are revoked", ended);
	} else if (r == E_NOTFOUND) {
		store_done(s, ref, r, "%.*s: no such key; see: mcpgwctl key list",
		    SPAN_FMT(m->name.n > 0 ? m->name : m->agent.n > 0 ? m->agent : m->tenant));
	} else if (r == E_RANGE) {
		if (m->name.n > 0)
			store_done(s, ref, r, "%.*s: keys of several tenants have this name; use its public part, or "
			    "--tenant TENANT", SPAN_FMT(m->name));
		else
			store_done(s, ref, r, "agent %.*s: several tenants have keys for one; say whose: "
			    "--tenant TENANT", SPAN_FMT(m->agent));
	} else {
		log_err(NULL, "a key cannot be revoked: %s", store_why(s, r));
		store_done(s, ref, r, "the key cannot be revoked: %s", store_why(s, r));
	}
}
