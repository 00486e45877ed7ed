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

/* The key compared with record i: less than, equal to or greater than 0. */
typedef int order_fn(const struct snap *s, uint64_t i, const void *key);

/* The first record that is not before the key; count when there is none. */
static uint64_t
lower_bound(const struct snap *s, uint64_t count, order_fn *order, const void *key)
{
	uint64_t	low = 0, high = count;

	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (order(s, mid, key) > 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The record that equals the key, or NULL. */
static const void *
search(const struct snap *s, enum snap_section section, order_fn *order, const void *key)
{
	uint64_t	count = snap_count(s, section);
	uint64_t	i = lower_bound(s, count, order, key);

	return i < count && order(s, i, key) == 0 ? snap_at(s, section, i) : NULL;
}

struct named {
	uint32_t	tenant;
	struct span	name;
};

static int
order_named(const struct snap *s, const struct named *key, uint32_t tenant, struct stext name)
{
	if (key->tenant != tenant)
		return key->tenant < tenant ? -1 : 1;
	return span_cmp(key->name, snap_text(s, name));
}

static int
order_tenant(const struct snap *s, uint64_t i, const void *key)
{
	const struct rec_tenant	*t = SNAP_AT(s, TENANT, i);

	return t == NULL ? -1 : span_cmp(*(const struct span *)key, snap_text(s, t->name));
}

static int
order_agent(const struct snap *s, uint64_t i, const void *key)
{
	const struct rec_agent	*a = SNAP_AT(s, AGENT, i);

	return a == NULL ? -1 : order_named(s, key, a->tenant, a->name);
}

static int
order_server(const struct snap *s, uint64_t i, const void *key)
{
	const struct rec_index	*x = SNAP_AT(s, SERVER_BY_NAME, i);
	const struct rec_server	*v = x == NULL ? NULL : SNAP_AT(s, SERVER, x->index);

	return v == NULL ? -1 : order_named(s, key, v->tenant, v->name);
}

static bool
tenant_find(const struct snap *s, struct span name, uint32_t *index)
{
	uint64_t		 count = snap_count(s, SECTION_TENANT);
	uint64_t		 i = lower_bound(s, count, order_tenant, &name);

	*index = (uint32_t)i;
	return i < count && order_tenant(s, i, &name) == 0;
}

const struct rec_server *
policy_server_find(const struct snap *s, struct span tenant, struct span name)
{
	struct named		 key = { .name = name };
	const struct rec_index	*x;

	if (!tenant_find(s, tenant, &key.tenant))
		return NULL;
	x = search(s, SECTION_SERVER_BY_NAME, order_server, &key);
	return x == NULL ? NULL : SNAP_AT(s, SERVER, x->index);
}

const struct rec_server *
policy_server_at(const struct snap *s, uint64_t i)
{
	return SNAP_AT(s, SERVER, i);
}

const struct rec_agent *
policy_agent_find(const struct snap *s, struct span tenant, struct span name)
{
	struct named	key = { .name = name };

	if (!tenant_find(s, tenant, &key.tenant))
		return NULL;
	return search(s, SECTION_AGENT, order_agent, &key);
}

const struct rec_agent *
policy_agent_default(const struct snap *s, struct span tenant)
{
	const struct rec_tenant	*t;
	uint32_t		 i;

	if (!tenant_find(s, tenant, &i) || (t = SNAP_AT(s, TENANT, i)) == NULL ||
	    (t->flags & TENANT_FLAG_DEFAULT_AGENT) == 0 || t->fallback == 0)
		return NULL;
	return SNAP_AT(s, AGENT, t->fallback - 1);
}

bool
policy_wants_agent(const struct snap *s, struct span tenant)
{
	const struct rec_tenant	*t;
	uint32_t		 i;

	return !tenant_find(s, tenant, &i) || (t = SNAP_AT(s, TENANT, i)) == NULL ||
	    (t->flags & TENANT_FLAG_DEFAULT_AGENT) == 0;
}

struct span
policy_tenant_name(const struct snap *s, uint32_t tenant)
{
	const struct rec_tenant	*t = SNAP_AT(s, TENANT, tenant);

	return t == NULL ? SPAN_NONE : snap_text(s, t->name);
}

static const struct rec_peer *
peer_of(const struct snap *s, bool is_group, uint32_t id)
{
	const struct rec_peer	*p;

	for (uint64_t i = 0; (p = SNAP_AT(s, PEER, i)) != NULL; i++)
		if ((p->is_group != 0) == is_group && p->id == id)
			return p;
	return NULL;
}

const struct rec_agent *
policy_peer_find(const struct snap *s, uint32_t uid, const uint32_t *gids, size_t gid_count)
{
	const struct rec_peer	*p = peer_of(s, false, uid);

	for (uint64_t i = 0; p == NULL; i++) {
		const struct rec_peer *group = SNAP_AT(s, PEER, i);

		if (group == NULL)
			return NULL;
		for (size_t g = 0; g < gid_count && group->is_group != 0; g++)
			if (gids[g] == group->id)
				p = group;
	}
	return SNAP_AT(s, AGENT, p->agent);
}

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
	r = span_cmp(key->server, snap_text(s, l->server));
	return r != 0 ? r : span_cmp(key->tool, snap_text(s, l->tool));
}

const struct rec_limit *
policy_limit_tool(const struct snap *s, struct span server, struct span tool)
{
	struct tool_key	key = { server, tool };

	return server.n == 0 ? NULL : search(s, SECTION_BUCKET, order_limit, &key);
}

static int
order_key(const struct snap *s, uint64_t i, const void *digest)
{
	const struct rec_key	*k = SNAP_AT(s, KEY, i);

	return k == NULL ? -1 : memcmp(digest, k->digest, sizeof(k->digest));
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
	return search(keys, SECTION_KEY, order_key, digest);
}

const struct rec_pin *
policy_pin_find(const struct snap *pins, const uint8_t digest[32])
{
	return search(pins, SECTION_PIN, order_pin, digest);
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

void
policy_secrets_each(const struct snap *secrets, struct span server, policy_secret_fn *fn, void *arg)
{
	const struct rec_secret	*e;

	for (uint64_t i = 0; (e = SNAP_AT(secrets, SECRET, i)) != NULL; i++)
		if (span_eq(snap_text(secrets, e->server), server))
			fn(snap_text(secrets, e->name), snap_text(secrets, e->value), arg);
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
	return (server->flags & SERVER_FLAG_AUTH) == 0 ? NULL : search(s, SECTION_AUTH, order_auth, &server->order);
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
	return search(tokens, SECTION_TOKEN, order_token, &key);
}
