/* SPDX-License-Identifier: Apache-2.0
 *
 * policy.c - look-ups in a mapped policy, keys, profile or secrets snapshot
 *
 * Process: all but mcpgwctl.  Owns: nothing.
 * Trusts:  the order of sorted sections for speed only; every answer is compared again, so a wrong
 *          order finds too little, never something else.
 */
#include "lib/sum.h"
#include "policy/policy.h"
#include "policy/search.h"

/* --- tenants, and what is theirs ----------------------------------------------------------------- */

static int
order_agent(const struct snap *s, uint64_t i, const void *key)
{
	const struct rec_agent	*a = SNAP_AT(s, AGENT, i);

	return a == NULL ? -1 : span_cmp(*(const struct span *)key, snap_text(s, a->name));
}

static int
order_server(const struct snap *s, uint64_t i, const void *key)
{
	const struct rec_index	*x = SNAP_AT(s, SERVER_BY_NAME, i);
	const struct rec_server	*v = x == NULL ? NULL : SNAP_AT(s, SERVER, x->index);

	return v == NULL ? -1 : span_cmp(*(const struct span *)key, snap_text(s, v->name));
}

const struct rec_tenant *
policy_tenant_find(const struct snap *s, struct span name)
{
	const uint64_t		 slots = snap_count(s, SECTION_TENANT_SLOT), hash = sum64(name);
	const struct rec_index	*x;
	const struct rec_tenant	*t;

	if (slots == 0 || (slots & (slots - 1)) != 0)
		return NULL;
	for (uint64_t n = 0; n < slots; n++) {
		if ((x = SNAP_AT(s, TENANT_SLOT, (hash + n) & (slots - 1))) == NULL || x->index == 0)
			return NULL;
		if ((t = SNAP_AT(s, TENANT, x->index - 1)) != NULL && t->hash == hash &&
		    span_eq(snap_text(s, t->name), name))
			return t;
	}
	return NULL;
}

uint32_t
policy_tenant_index(const struct snap *s, const struct rec_tenant *t)
{
	return (uint32_t)(t - SNAP_AT(s, TENANT, 0));
}

/* Is the record the tenant's, as the part of the section says? */
static bool
is_of(const struct snap *s, const struct rec_tenant *t, uint32_t tenant)
{
	return policy_tenant_index(s, t) == tenant;
}

const struct rec_server *
policy_server_of(const struct snap *s, const struct rec_tenant *t, uint64_t i)
{
	const struct rec_server	*v = t == NULL || i >= t->server_count ? NULL : SNAP_AT(s, SERVER, t->server_first + i);

	return v == NULL || !is_of(s, t, v->tenant) ? NULL : v;
}

const struct rec_server *
policy_server_find(const struct snap *s, struct span tenant, struct span name)
{
	const struct rec_tenant	*t = policy_tenant_find(s, tenant);
	const struct rec_index	*x;
	const struct rec_server	*v;

	if (t == NULL)
		return NULL;
	x = search_part(s, SECTION_SERVER_BY_NAME, t->server_first, t->server_count, order_server, &name);
	v = x == NULL ? NULL : SNAP_AT(s, SERVER, x->index);
	return v == NULL || !is_of(s, t, v->tenant) ? NULL : v;
}

const struct rec_server *
policy_server_at(const struct snap *s, uint64_t i)
{
	return SNAP_AT(s, SERVER, i);
}

const struct rec_agent *
policy_agent_find(const struct snap *s, struct span tenant, struct span name)
{
	return policy_agent_of(s, policy_tenant_find(s, tenant), name);
}

const struct rec_agent *
policy_agent_of(const struct snap *s, const struct rec_tenant *t, struct span name)
{
	const struct rec_agent	*a;

	if (t == NULL)
		return NULL;
	a = search_part(s, SECTION_AGENT, t->agent_first, t->agent_count, order_agent, &name);
	return a == NULL || !is_of(s, t, a->tenant) ? NULL : a;
}

struct role_key {
	uint32_t	kind;
	struct span	name;
};

static int
order_role(const struct snap *s, uint64_t i, const void *arg)
{
	const struct rec_role	*r = SNAP_AT(s, ROLE, i);
	const struct role_key	*key = arg;

	if (r == NULL)
		return -1;
	if (key->kind != r->kind)
		return key->kind < r->kind ? -1 : 1;
	return span_cmp(key->name, snap_text(s, r->set.name));
}

const struct rec_role *
policy_role_find(const struct snap *s, struct span tenant, enum role_kind kind, struct span name)
{
	const struct rec_tenant	*t = policy_tenant_find(s, tenant);
	const struct role_key	 key = { kind, name };
	const struct rec_role	*r;

	if (t == NULL || t->role_count == 0)
		return NULL;
	r = search_part(s, SECTION_ROLE, t->role_first, t->role_count, order_role, &key);
	return r == NULL || !is_of(s, t, r->set.tenant) ? NULL : r;
}

const struct rec_agent *
policy_rule_owner(const struct snap *s, const struct rec_rule *rule)
{
	const struct rec_role	*r;

	if ((rule->agent & ROLE_OWNER) == 0)
		return SNAP_AT(s, AGENT, rule->agent);
	r = SNAP_AT(s, ROLE, rule->agent & ~ROLE_OWNER);
	return r == NULL ? NULL : &r->set;
}

bool
policy_has_roles(const struct snap *s, struct span tenant)
{
	const struct rec_tenant	*t = snap_count(s, SECTION_ROLE) == 0 ? NULL : policy_tenant_find(s, tenant);

	return t != NULL && t->role_count > 0;
}

const struct rec_agent *
policy_agent_default(const struct snap *s, struct span tenant)
{
	const struct rec_tenant	*t = policy_tenant_find(s, tenant);
	const struct rec_agent	*a;

	if (t == NULL || (t->flags & TENANT_FLAG_DEFAULT_AGENT) == 0 || t->fallback == 0)
		return NULL;
	a = SNAP_AT(s, AGENT, t->fallback - 1);
	return a == NULL || !is_of(s, t, a->tenant) ? NULL : a;
}

bool
policy_wants_agent(const struct snap *s, struct span tenant)
{
	const struct rec_tenant	*t = policy_tenant_find(s, tenant);

	return t == NULL || (t->flags & TENANT_FLAG_DEFAULT_AGENT) == 0;
}

struct span
policy_tenant_name(const struct snap *s, uint32_t tenant)
{
	const struct rec_tenant	*t = SNAP_AT(s, TENANT, tenant);

	return t == NULL ? SPAN_NONE : snap_text(s, t->name);
}

/* --- hosts, rules, limits ------------------------------------------------------------------------ */

/* Without ":port": of "[::1]:80", "host:80" or "http://host:80". */
static struct span
without_port(struct span text)
{
	size_t	n = text.n;

	while (n > 0 && text.p[n - 1] >= '0' && text.p[n - 1] <= '9')
		n--;
	if (n < 2 || n == text.n || text.p[n - 1] != ':')
		return text;
	/* "::1" is an address without brackets, not a name with a port */
	if (text.p[n - 2] == ':')
		return text;
	return span_part(text, 0, n - 1);
}

bool
policy_host_ok(const struct snap *s, struct span text, bool is_origin)
{
	const struct rec_host	*h;
	struct span		 bare = without_port(text), listed;

	for (uint64_t i = 0; (h = SNAP_AT(s, HOST, i)) != NULL; i++) {
		if ((h->is_origin != 0) != is_origin)
			continue;
		listed = snap_text(s, h->text);
		if (listed.n > 0 && (span_eq_nocase(listed, text) || span_eq_nocase(listed, bare)))
			return true;
	}
	return false;
}

uint64_t
policy_exact_hash(enum rule_about about, uint64_t server_sum, uint64_t tool_sum)
{
	return (server_sum ^ (tool_sum << 32 | tool_sum >> 32)) + ((uint64_t)about + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

const struct rec_limit *
policy_limit_agent(const struct snap *s, const struct rec_agent *a)
{
	return a->limit == 0 ? NULL : SNAP_AT(s, BUCKET, a->limit - 1);
}

struct tool_key {
	uint32_t	tenant;
	struct span	server, tool;
};

static int
order_limit(const struct snap *s, uint64_t i, const void *arg)
{
	const struct rec_limit	*l = SNAP_AT(s, BUCKET, i);
	const struct tool_key	*key = arg;
	int			 r;

	if (l == NULL)
		return -1;
	if (key->tenant != l->tenant)
		return key->tenant < l->tenant ? -1 : 1;
	r = span_cmp(key->server, snap_text(s, l->server));
	return r != 0 ? r : span_cmp(key->tool, snap_text(s, l->tool));
}

const struct rec_limit *
policy_limit_tool(const struct snap *s, struct span tenant, struct span server, struct span tool)
{
	const struct rec_tenant	*t = server.n == 0 ? NULL : policy_tenant_find(s, tenant);
	struct tool_key		 key = { 0, server, tool };

	if (t == NULL)
		return NULL;
	key.tenant = policy_tenant_index(s, t);
	return search_all(s, SECTION_BUCKET, order_limit, &key);
}

const struct rec_limit *
policy_limit_tenant(const struct snap *s, const struct rec_tenant *t, uint32_t i)
{
	return i < t->limit_count ? SNAP_AT(s, TENANT_LIMIT, (uint64_t)t->limit_first + i) : NULL;
}

const struct rec_quota *
policy_quota(const struct snap *s, const struct rec_limit *l, uint32_t i)
{
	return i < l->quota_count ? SNAP_AT(s, QUOTA, (uint64_t)l->quota_first + i) : NULL;
}

static int
order_key(const struct snap *s, uint64_t i, const void *digest)
{
	const struct rec_key	*k = SNAP_AT(s, KEY, i);

	return k == NULL ? -1 : memcmp(digest, k->digest, sizeof(k->digest));
}

static int
order_gone(const struct snap *s, uint64_t i, const void *id)
{
	const struct rec_gone	*g = SNAP_AT(s, GONE, i);

	return g == NULL ? -1 : memcmp(id, g->id, sizeof(g->id));
}

static int
order_pin(const struct snap *s, uint64_t i, const void *digest)
{
	const struct rec_pin	*p = SNAP_AT(s, PIN, i);

	return p == NULL ? -1 : memcmp(digest, p->digest, sizeof(p->digest));
}

bool
policy_server_sees(const struct snap *s, const struct rec_server *server, struct span path)
{
	const struct rec_seen	*e;
	struct span		 folder;

	for (uint32_t i = 0; i < server->seen_count; i++) {
		if ((e = SNAP_AT(s, SEEN, (uint64_t)server->seen_first + i)) == NULL)
			return false;
		folder = snap_text(s, e->path);
		if (span_starts(path, folder) && (path.n == folder.n || path.p[folder.n] == '/'))
			return true;
	}
	return false;
}

const struct rec_key *
policy_key_find(const struct snap *keys, const uint8_t digest[32])
{
	return search_all(keys, SECTION_KEY, order_key, digest);
}

const struct rec_gone *
policy_gone_find(const struct snap *keys, const uint8_t id[16])
{
	return search_all(keys, SECTION_GONE, order_gone, id);
}

uint64_t
policy_barred_hash(bool is_subject, struct span issuer, struct span name)
{
	return sum64_more(sum64_more(is_subject ? 1 : 2, issuer), name);
}

static int
order_barred(const struct snap *s, uint64_t i, const void *hash)
{
	const struct rec_barred	*b = SNAP_AT(s, BARRED, i);
	uint64_t		 h;

	memcpy(&h, hash, sizeof(h));
	return b == NULL ? -1 : (h > b->hash) - (h < b->hash);
}

static bool
is_barred(const struct snap *keys, bool is_subject, struct span issuer, struct span name, uint64_t issued_ms,
    uint64_t wall_ms)
{
	const uint64_t			 hash = policy_barred_hash(is_subject, issuer, name);
	const struct rec_barred		*b;
	uint64_t			 i = search_lower(keys, 0, snap_count(keys, SECTION_BARRED), order_barred,
					    &hash);

	for (; (b = SNAP_AT(keys, BARRED, i)) != NULL && b->hash == hash; i++)
		if ((b->is_subject != 0) == is_subject && span_eq(snap_text(keys, b->issuer), issuer) &&
		    span_eq(snap_text(keys, b->name), name) && b->ends_ms > wall_ms && issued_ms <= b->before_ms)
			return true;
	return false;
}

bool
policy_is_barred(const struct snap *keys, struct span issuer, struct span subject, struct span id,
    uint64_t issued_ms, uint64_t wall_ms)
{
	if (keys == NULL || snap_count(keys, SECTION_BARRED) == 0)
		return false;
	return is_barred(keys, true, issuer, subject, issued_ms, wall_ms) ||
	    (id.n > 0 && is_barred(keys, false, issuer, id, 0, wall_ms));
}

const struct rec_pin *
policy_pin_find(const struct snap *pins, const uint8_t digest[32])
{
	return search_all(pins, SECTION_PIN, order_pin, digest);
}

const struct rec_profile *
policy_profile_find(const struct snap *profile, uint64_t hash)
{
	const struct rec_profile	*p;

	for (uint64_t i = 0; (p = SNAP_AT(profile, PROFILE, i)) != NULL; i++)
		if (p->hash == hash)
			return p;
	return NULL;
}

struct secret_key {
	struct span	tenant, server;
};

static int
order_secret(const struct snap *s, uint64_t i, const void *arg)
{
	const struct rec_secret	*e = SNAP_AT(s, SECRET, i);
	const struct secret_key	*key = arg;
	int			 r;

	if (e == NULL)
		return -1;
	r = span_cmp(key->tenant, snap_text(s, e->tenant));
	return r != 0 ? r : span_cmp(key->server, snap_text(s, e->server));
}

void
policy_secrets_each(const struct snap *secrets, struct span tenant, struct span server, policy_secret_fn *fn,
    void *arg)
{
	const struct secret_key	 key = { tenant, server };
	const uint64_t		 count = snap_count(secrets, SECTION_SECRET);
	const struct rec_secret	*e;

	for (uint64_t i = search_lower(secrets, 0, count, order_secret, &key); i < count; i++) {
		if (order_secret(secrets, i, &key) != 0 || (e = SNAP_AT(secrets, SECRET, i)) == NULL)
			return;
		fn(snap_text(secrets, e->name), snap_text(secrets, e->value), arg);
	}
}

bool
policy_anchor(const struct snap *s, uint32_t first, uint32_t count, uint32_t subject, size_t nth, struct span *der)
{
	const struct rec_anchor	*a;
	uint32_t		 low = 0, high = count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if ((a = SNAP_AT(s, ANCHOR, (uint64_t)first + mid)) != NULL && a->subject < subject)
			low = mid + 1;
		else
			high = mid;
	}
	if (nth >= count - low || (a = SNAP_AT(s, ANCHOR, (uint64_t)first + low + nth)) == NULL ||
	    a->subject != subject)
		return false;
	*der = snap_text(s, a->der);
	return true;
}

const struct rec_keysource *
policy_keysource_of(const struct snap *s, uint64_t issuer)
{
	const struct rec_keysource	*k;

	for (uint64_t i = 0; (k = SNAP_AT(s, KEYSOURCE, i)) != NULL; i++)
		if (k->issuer == issuer)
			return k;
	return NULL;
}

const struct rec_name *
policy_name_find(const struct snap *catalogue, struct span host)
{
	const struct rec_name	*n;
	uint64_t		 low = 0, high = snap_count(catalogue, SECTION_NAME), mid;
	int			 r;

	while (low < high) {
		mid = low + (high - low) / 2;
		if ((n = SNAP_AT(catalogue, NAME, mid)) == NULL)
			return NULL;
		if ((r = span_cmp(host, snap_text(catalogue, n->host))) == 0)
			return n;
		if (r > 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* ---- tokens for HTTP servers ----------------------------------------------------------------- */

static int
order_auth(const struct snap *s, uint64_t i, const void *key)
{
	const struct rec_auth	*a = SNAP_AT(s, AUTH, i);
	uint32_t		 order = *(const uint32_t *)key;

	return a == NULL ? -1 : (order > a->server) - (order < a->server);
}

const struct rec_auth *
policy_auth_find(const struct snap *s, const struct rec_server *server)
{
	return (server->flags & SERVER_FLAG_AUTH) == 0 ? NULL : search_all(s, SECTION_AUTH, order_auth, &server->order);
}

uint64_t
policy_token_key(const struct snap *s, const struct rec_server *server)
{
	return sum64_more(sum64(policy_tenant_name(s, server->tenant)),
	    span_make(&server->profile, sizeof(server->profile)));
}

static int
order_token(const struct snap *s, uint64_t i, const void *key)
{
	const struct rec_token	*t = SNAP_AT(s, TOKEN, i);
	uint64_t		 k = *(const uint64_t *)key;

	return t == NULL ? -1 : (k > t->key) - (k < t->key);
}

const struct rec_token *
policy_token_find(const struct snap *tokens, uint64_t key)
{
	return search_all(tokens, SECTION_TOKEN, order_token, &key);
}
