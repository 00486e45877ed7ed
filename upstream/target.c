/* SPDX-License-Identifier: Apache-2.0
 *
 * target.c - where an HTTP upstream is and what is sent with every request to it
 *
 * Process: worker.  Owns: nothing.
 * Trusts:  the operator's configuration, but for headers that would break the framing or speak for
 * the protocol.
 */
#include "upstream/target.h"

struct gather {
	struct arena		*arena;
	struct exchange_field	*fields;	/* room for all there may be, made for the first */
	size_t			 count;
	int			 error;
};

/* Ours to write, whatever is configured. */
static bool
is_ours(struct span name)
{
	static const char *const names[] = {
		"host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te", "trailer",
		"content-type", "accept", "mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name",
		"last-event-id",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_eq_nocase(name, span_of(names[i])))
			return true;
	return false;
}

static void
on_secret(struct span name, struct span value, void *arg)
{
	struct gather	*g = arg;

	if (is_ours(name))
		return;
	if (g->count == TARGET_HEADERS_MAX) {
		g->error = E_TOOBIG;
		return;
	}
	if (g->fields == NULL &&
	    (g->fields = arena_alloc(g->arena, TARGET_HEADERS_MAX * sizeof(*g->fields))) == NULL) {
		g->error = E_NOMEM;
		return;
	}
	g->fields[g->count++] = (struct exchange_field){ name, value };
}

/* Addresses that are known without a name server. */
static void
put_addresses(const struct snap *policy, uint64_t first, uint32_t count, struct pool_target *to)
{
	const struct rec_address	*address;

	for (uint32_t i = 0; i < count && to->count < POOL_ADDRESSES_MAX; i++) {
		if ((address = SNAP_AT(policy, ADDRESS, first + i)) == NULL)
			break;
		to->address[to->count].family = address->family;
		memcpy(to->address[to->count++].bytes, address->bytes, sizeof(address->bytes));
	}
}

static void
move_to(const struct snap *policy, const struct rec_endpoint *at, struct upstream_target *out)
{
	out->profile = out->pool.key = at->profile;
	out->host = snap_text(policy, at->url_host);
	out->path = snap_text(policy, at->url_path);
	out->pool.port = (uint16_t)at->port;
	out->pool.site = at->https != 0 ? at->profile : 0;
	out->pool.host = snap_text(policy, at->host);
	put_addresses(policy, at->address_first, at->address_count, &out->pool);
}

int
target_find(const struct snap *policy, const struct snap *secrets, const struct rec_server *server,
    const struct rec_endpoint *at, struct arena *a, struct upstream_target *out, const char **why)
{
	struct gather	g = { .arena = a };

	*out = (struct upstream_target){
		.profile = server->profile, .server = server->profile, .name = snap_text(policy, server->name),
		.host = snap_text(policy, server->url_host), .path = snap_text(policy, server->url_path),
		.pin = (enum server_era)server->era,
		.transport = (enum server_transport)server->transport,
		.pool = { .key = server->profile, .port = (uint16_t)server->port,
		    .site = server->https != 0 ? server->profile : 0, .host = snap_text(policy, server->host) },
	};
	*why = NULL;
	if ((server->flags & SERVER_FLAG_AUTH) != 0)
		out->token_key = policy_token_key(policy, server);
	if (at == NULL)
		put_addresses(policy, server->address_first, server->address_count, &out->pool);
	else
		move_to(policy, at, out);
	if (out->pool.count == 0 && out->pool.host.n == 0) {
		*why = "it has no address";
		return E_SERVER;
	}
	if (secrets == NULL)
		return 0;
	policy_secrets_each(secrets, policy_tenant_name(policy, server->tenant), out->name, on_secret, &g);
	if (g.error == E_TOOBIG)
		*why = "too many headers are configured";
	if (g.error != 0)
		return g.error;
	out->headers = g.fields;
	out->header_count = g.count;
	return 0;
}

bool
target_same_headers(const struct upstream_target *a, const struct upstream_target *b)
{
	if (a->header_count != b->header_count)
		return false;
	for (size_t i = 0; i < a->header_count; i++)
		if (!span_eq(a->headers[i].name, b->headers[i].name) ||
		    !span_eq(a->headers[i].value, b->headers[i].value))
			return false;
	return true;
}

int
target_copy(struct arena *a, const struct upstream_target *from, struct upstream_target *to)
{
	struct exchange_field	*fields = arena_alloc(a, (from->header_count + 1) * sizeof(*fields));

	if (fields == NULL)
		return E_NOMEM;
	*to = *from;
	to->headers = fields;
	to->name = arena_dup(a, from->name);
	to->host = arena_dup(a, from->host);
	to->path = arena_dup(a, from->path);
	to->pool.host = arena_dup(a, from->pool.host);
	if (to->pool.host.p == NULL || to->name.p == NULL || to->host.p == NULL || to->path.p == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < from->header_count; i++) {
		fields[i].name = arena_dup(a, from->headers[i].name);
		fields[i].value = arena_dup(a, from->headers[i].value);
		if (fields[i].name.p == NULL || fields[i].value.p == NULL)
			return E_NOMEM;
	}
	return 0;
}
