/* SPDX-License-Identifier: Apache-2.0
 *
 * vaultask.c - one round of questions to a vault: a token, then each path that is wanted
 *
 * Process: mcpgw-scout.
 * Owns:    the request under way.  The token goes as a Bearer credential, which follows no redirect to another place.
 * Trusts:  TLS for who answers.
 */
#include <stdarg.h>
#include <stdio.h>

#include "lib/json.h"
#include "lib/log.h"
#include "oauth/metadata.h"
#include "policy/policy.h"
#include "scout/vault_priv.h"
#include "scout/vaultread.h"

#define DEADLINE_MS	10000
#define URL_MAX		2048
#define VALUE_MAX	(64 * 1024)
#define TOKEN_MAX	(16 * 1024)
#define LEASE_MAX_S	(10ull * 366 * 86400)

static void	next_item(struct vault *v);

/* ---- requests ---------------------------------------------------------------------------------- */

static void on_answer(const struct errand_answer *a, void *arg);

static void __attribute__((format(printf, 2, 3)))
fail(struct vault *v, const char *fmt, ...)
{
	char	why[VAULT_WHY_MAX];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	vault_round_end(v, why);
}

static size_t
addresses_of(const struct vault *v, struct addr to[ERRAND_ADDRESSES_MAX])
{
	const struct rec_address	*a;
	size_t				 n = 0;

	for (; n < v->rec->address_count && n < ERRAND_ADDRESSES_MAX; n++) {
		if ((a = SNAP_AT(v->policy, ADDRESS, (uint64_t)v->rec->address_first + n)) == NULL)
			break;
		to[n] = (struct addr){ .family = a->family };
		memcpy(to[n].bytes, a->bytes, sizeof(a->bytes));
	}
	return n;
}

/* path: behind /v1/.  body empty: a GET. */
static void
ask(struct vault *v, enum vault_step step, struct span body, const char *fmt, ...)
{
	const struct span	 name_space = snap_text(v->policy, v->rec->name_space);
	const struct exchange_field fields[] = { { SPAN_LIT("X-Vault-Request"), SPAN_LIT("true") },
				    { SPAN_LIT("X-Vault-Namespace"), name_space } };
	char			 url[URL_MAX], bearer[sizeof("Bearer ") + TOKEN_MAX];
	struct addr		 found[ERRAND_ADDRESSES_MAX];
	struct errand_request	 q = { .url = span_of(url), .post = body.n > 0, .accept = SPAN_LIT("application/json"),
				    .content_type = SPAN_LIT("application/json"), .body = body, .fields = fields,
				    .field_count = name_space.n > 0 ? 2 : 1, .deadline_ms = DEADLINE_MS,
				    .addresses = found, .policy = v->policy, .anchor_first = v->rec->anchor_first,
				    .anchor_count = v->rec->anchor_count };
	const char		*why = NULL;
	va_list			 ap;
	int			 n, r;

	n = snprintf(url, sizeof(url), "%.*s/v1/", SPAN_FMT(snap_text(v->policy, v->rec->address)));
	va_start(ap, fmt);
	if (n > 0 && n < (int)sizeof(url))
		vsnprintf(url + n, sizeof(url) - (size_t)n, fmt, ap);
	va_end(ap);
	q.url = span_of(url);
	if (step != VAULT_LOGIN) {
		n = snprintf(bearer, sizeof(bearer), "Bearer %.*s", SPAN_FMT(buf_rest(&v->token)));
		q.authorization = span_make(bearer, n < (int)sizeof(bearer) ? (size_t)n : sizeof(bearer) - 1);
	}
	q.address_count = addresses_of(v, found);
	v->step = step;
	if ((r = errand_start(v->s->errands, &q, on_answer, v, &v->errand, &why)) != 0)
		fail(v, "%s", why != NULL ? why : err_text(r));
	explicit_bzero(bearer, sizeof(bearer));
}

static void
on_secret(struct span name, struct span value, void *arg)
{
	struct span	*to = arg;

	if (span_is(name, VAULT_TOKEN) || span_is(name, VAULT_SECRET_ID))
		*to = value;
}

static void
log_in(struct vault *v, struct span secret_id)
{
	struct buf	b;
	int		r;

	buf_init(&b, 4 * TOKEN_MAX);
	if ((r = buf_put_str(&b, "{\"role_id\":")) == 0 &&
	    (r = json_put_string(&b, snap_text(v->policy, v->rec->role_id))) == 0 &&
	    (r = buf_put_str(&b, ",\"secret_id\":")) == 0 && (r = json_put_string(&b, secret_id)) == 0 &&
	    (r = buf_put_str(&b, "}")) == 0)
		ask(v, VAULT_LOGIN, buf_rest(&b), "auth/approle/login");
	else
		fail(v, "%s", err_text(r));
	if (b.data != NULL)
		explicit_bzero(b.data, b.room);
	buf_fini(&b);
}

/* ---- the token --------------------------------------------------------------------------------- */

/* Two thirds of its time are over. */
static bool
is_old(const struct vault *v)
{
	const uint64_t	now = loop_wall_ms(v->s->loop);

	return v->ends_ms != 0 && v->renewable && now >= v->got_ms + (v->ends_ms - v->got_ms) / 3 * 2;
}

static void
with_token(struct vault *v)
{
	if (is_old(v)) {
		ask(v, VAULT_RENEW, SPAN_LIT("{}"), "auth/token/renew-self");
		return;
	}
	v->at = 0;
	next_item(v);
}

void
vault_round_begin(struct vault *v)
{
	struct span	secret = SPAN_NONE;

	if (buf_rest(&v->token).n > 0 && v->looked) {
		with_token(v);
		return;
	}
	if (v->secrets != NULL)
		policy_secrets_each(v->secrets, SPAN_LIT("default"), SPAN_NONE, on_secret, &secret);
	if (secret.n == 0)
		fail(v, "the gateway runs with an old policy and without its secrets: mcpgwctl reload");
	else if (v->rec->role_id.bytes > 0)
		log_in(v, secret);
	else if (buf_put(&v->token, secret) != 0)
		fail(v, "%s", err_text(E_NOMEM));
	else
		ask(v, VAULT_LOOKUP, SPAN_NONE, "auth/token/lookup-self");
}

static void
take_token(struct vault *v, const struct vaultread_token *t)
{
	v->looked = true;
	v->got_ms = loop_wall_ms(v->s->loop);
	v->ends_ms = t->lease_s == 0 ? 0 : v->got_ms + (t->lease_s > LEASE_MAX_S ? LEASE_MAX_S : t->lease_s) * 1000;
	v->renewable = t->renewable;
}

static void
on_login(struct vault *v, struct span body)
{
	struct vaultread_token	t;
	int			r;

	vault_forget_token(v);
	if ((r = vaultread_login(body, &v->token, &t)) != 0 || t.token.n == 0) {
		fail(v, "the answer to the login of vault_role_id has no token");
		return;
	}
	take_token(v, &t);
	v->at = 0;
	next_item(v);
}

static void
on_renewed(struct vault *v, struct span body)
{
	struct vaultread_token	 t;
	struct buf		 same;
	int			 r;

	/* It is renewed under its own name. */
	buf_init(&same, TOKEN_MAX);
	if ((r = vaultread_login(body, &same, &t)) == 0)
		take_token(v, &t);
	if (same.data != NULL)
		explicit_bzero(same.data, same.room);
	buf_fini(&same);
	if (r != 0)
		log_warn(NULL, "vault: what it says of the token's renewal is not understood");
	v->at = 0;
	next_item(v);
}

/* ---- what is wanted ---------------------------------------------------------------------------- */

/* Of a path the first item asks. */
static bool
is_asked(const struct vault *v, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (span_eq(v->items[i].path, v->items[at].path))
			return true;
	return false;
}

static void
next_item(struct vault *v)
{
	while (v->at < v->count && is_asked(v, v->at))
		v->at++;
	if (v->at == v->count)
		vault_round_end(v, NULL);
	else
		ask(v, VAULT_MOUNT, SPAN_NONE, "sys/internal/ui/mounts/%.*s", SPAN_FMT(v->items[v->at].path));
}

static void
read_it(struct vault *v)
{
	const struct span	path = v->items[v->at].path;

	if (v->versions)
		ask(v, VAULT_READ, SPAN_NONE, "%.*sdata/%.*s", SPAN_FMT(span_part(path, 0, v->mount)),
		    SPAN_FMT(span_part(path, v->mount, path.n)));
	else
		ask(v, VAULT_READ, SPAN_NONE, "%.*s", SPAN_FMT(path));
}

/* Nothing is there for any item of this path. */
static void
none_there(struct vault *v, const char *why)
{
	for (size_t i = v->at; i < v->count; i++)
		if (span_eq(v->items[i].path, v->items[v->at].path))
			vault_item_set(v, &v->items[i], SPAN_NONE, why);
	v->at++;
	next_item(v);
}

static void
on_mount(struct vault *v, const struct errand_answer *a)
{
	int	r;

	/* Vaults that do not say: the first version, as its own command has it. */
	v->versions = false;
	r = a->status == 404 ? 0 : vaultread_mount(a->body, v->items[v->at].path, &v->mount, &v->versions);
	if (r == E_DENIED)
		none_there(v, "what is mounted there is no KV engine");
	else if (r != 0)
		fail(v, "what it says of its mounts is not understood");
	else
		read_it(v);
}

static void
on_read(struct vault *v, const struct errand_answer *a)
{
	const struct span	 path = v->items[v->at].path;
	const char		*why;
	struct buf		 value;
	int			 r;

	if (a->status == 404) {
		none_there(v, "nothing is there; put it: vault kv put");
		return;
	}
	for (size_t i = v->at; i < v->count; i++) {
		if (!span_eq(v->items[i].path, path))
			continue;
		buf_init(&value, VALUE_MAX);
		r = vaultread_field(a->body, v->versions, v->items[i].field, &value);
		why = r == 0 ? "" : r == E_NOTFOUND ? "what is there has no such field" :
		    r == E_FORMAT ? "that field is empty, or no text" :
		    r == E_DENIED ? "it has a lease: only KV engines are read" : err_text(r);
		vault_item_set(v, &v->items[i], buf_rest(&value), why);
		if (value.data != NULL)
			explicit_bzero(value.data, value.room);
		buf_fini(&value);
	}
	v->at++;
	next_item(v);
}

/* ---- answers ----------------------------------------------------------------------------------- */

/* The token may have ended before its time: a role logs in once more, a token that was written is the operator's. */
static void
on_refused(struct vault *v, const char *said)
{
	const bool	role = v->rec->role_id.bytes > 0;

	if (v->step == VAULT_LOGIN) {
		fail(v, "does not let vault_role_id in: %s", said);
	} else if (role && !v->again && v->step != VAULT_LOOKUP) {
		v->again = true;
		vault_forget_token(v);
		vault_round_begin(v);
	} else if (v->step == VAULT_MOUNT || v->step == VAULT_READ) {
		char	why[VAULT_WHY_MAX];

		snprintf(why, sizeof(why), "the vault does not let %s read it (%s)", role ? "vault_role_id" :
		    "the token of vault_token_file", said);
		none_there(v, why);
	} else {
		vault_forget_token(v);
		fail(v, "does not take the token (%s): write another one into the file of vault_token_file, then "
		    "mcpgwctl reload", said);
	}
}

static void
on_answer(const struct errand_answer *a, void *arg)
{
	struct vault	*v = arg;
	char		 said[160];

	if (a->error != 0) {
		fail(v, "%s", a->why);
		return;
	}
	/* What another one says to a request without a token is no word of the vault's. */
	if (a->url.n > 0 && !oauth_same_origin(a->url, snap_text(v->policy, v->rec->address))) {
		fail(v, "it sends on to %.*s, where no token goes: write the active one's address as vault_addr",
		    (int)(a->url.n > 100 ? 100 : a->url.n), a->url.p);
		return;
	}
	vaultread_error(a->body, said, sizeof(said));
	if (a->status == 403 || (a->status == 400 && v->step == VAULT_LOGIN)) {
		on_refused(v, said[0] == '\0' ? "permission denied" : said);
		return;
	}
	if (a->status != 200 && !(a->status == 404 && (v->step == VAULT_MOUNT || v->step == VAULT_READ))) {
		fail(v, "HTTP %u%s%s%s", a->status, said[0] == '\0' ? "" : ", ", said, a->status == 503 ?
		    "; is it sealed?" : "");
		return;
	}
	switch (v->step) {
	case VAULT_LOGIN:
		on_login(v, a->body);
		break;
	case VAULT_LOOKUP: {
		struct vaultread_token	t;

		if (vaultread_lookup(a->body, &t) != 0) {
			vault_forget_token(v);
			fail(v, "what it says of the token is not understood");
			break;
		}
		take_token(v, &t);
		with_token(v);
		break;
	}
	case VAULT_RENEW:
		on_renewed(v, a->body);
		break;
	case VAULT_MOUNT:
		on_mount(v, a);
		break;
	case VAULT_READ:
		on_read(v, a);
		break;
	}
}
