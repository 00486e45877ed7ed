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

int
target_find(const struct snap *policy, const struct snap *secrets, const struct rec_server *server,
    struct arena *a, struct upstream_target *out, const char **why)
{
	const struct rec_address	*address;
	struct gather			 g = { .arena = a };

	*out = (struct upstream_target){
		.profile = server->profile, .name = snap_text(policy, server->name),
		.host = snap_text(policy, server->url_host), .path = snap_text(policy, server->url_path),
		.pin = (enum server_era)server->era,
		.transport = (enum server_transport)server->transport,
		.pool = { .key = server->profile, .port = (uint16_t)server->port,
		    .site = server->https != 0 ? server->profile : 0, .host = snap_text(policy, server->host) },
	};
	*why = NULL;
	for (uint32_t i = 0; i < server->address_count && out->pool.count < POOL_ADDRESSES_MAX; i++) {
		if ((address = SNAP_AT(policy, ADDRESS, (uint64_t)server->address_first + i)) == NULL)
			break;
		out->pool.address[out->pool.count].family = address->family;
		memcpy(out->pool.address[out->pool.count++].bytes, address->bytes, sizeof(address->bytes));
	}
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
