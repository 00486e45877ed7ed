/* SPDX-License-Identifier: Apache-2.0
 *
 * policy.h - look-ups in a mapped policy, keys, pins or secrets snapshot
 *
 * All results are borrowed from the snapshot and valid while it is held.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "policy/records.h"

/* NULL when there is none. */
const struct rec_tenant	*policy_tenant_find(const struct snap *s, struct span name);
uint32_t		 policy_tenant_index(const struct snap *s, const struct rec_tenant *t);	/* into TENANT */
/* Server i of this tenant, in configured order; NULL behind the last, and when t is NULL. */
const struct rec_server	*policy_server_of(const struct snap *s, const struct rec_tenant *t, uint64_t i);
const struct rec_server	*policy_server_find(const struct snap *s, struct span tenant, struct span name);
const struct rec_server	*policy_server_at(const struct snap *s, uint64_t i);	/* of all tenants */
/* Does a server with a command see this absolute path of the host, at the same place? */
bool			 policy_server_sees(const struct snap *s, const struct rec_server *server, struct span path);
const struct rec_agent	*policy_agent_find(const struct snap *s, struct span tenant, struct span name);
const struct rec_agent	*policy_agent_of(const struct snap *s, const struct rec_tenant *t, struct span name);
/* Rules of a role, or of a workspace; NULL: there are none of this name. */
const struct rec_role	*policy_role_find(const struct snap *s, struct span tenant, enum role_kind kind,
			    struct span name);
/* Whose rule it is: an agent, or the like of a role or a workspace; NULL: nobody's. */
const struct rec_agent	*policy_rule_owner(const struct snap *s, const struct rec_rule *rule);
/* Has the tenant rules of roles or workspaces at all? */
bool			 policy_has_roles(const struct snap *s, struct span tenant);
/* The agent for a caller that has none (defaults.deny_on_missing_agent is false), or NULL. */
const struct rec_agent	*policy_agent_default(const struct snap *s, struct span tenant);
/* Is there none because defaults.deny_on_missing_agent says so? */
bool			 policy_wants_agent(const struct snap *s, struct span tenant);
struct span		 policy_tenant_name(const struct snap *s, uint32_t tenant);
/* The agent of this tenant that a unix peer stands for: its uid first, then each group in order of the file.  Without
 * a tenant (an empty text) that of the only one that names it; where several do, NULL and *several. */
const struct rec_agent	*policy_peer_find(const struct snap *s, struct span tenant, uint32_t uid,
			    const uint32_t *gids, size_t gid_count, bool *several);
/* Is this Host value (or Origin, when is_origin) on the list?  Compared without case.  An entry without
 * a port stands for every port. */
bool			 policy_host_ok(const struct snap *s, struct span text, bool is_origin);
/* The key of the EXACT table, from sum64() of both; the tool is empty unless the rule is about one. */
uint64_t		 policy_exact_hash(enum rule_about about, uint64_t server_sum, uint64_t tool_sum);
/* Limits of an agent, and of a tool, or without one of a server; NULL = none. */
const struct rec_limit	*policy_limit_agent(const struct snap *s, const struct rec_agent *a);
const struct rec_limit	*policy_limit_tool(const struct snap *s, struct span tenant, struct span server,
			    struct span tool);
/* Limit i of those that each call of this tenant is looked at for, and quota i of a limit; NULL behind the last. */
const struct rec_limit	*policy_limit_tenant(const struct snap *s, const struct rec_tenant *t, uint32_t i);
const struct rec_quota	*policy_quota(const struct snap *s, const struct rec_limit *l, uint32_t i);

/* changes.c: what the operator says of a server's tool, by its own name; NULL: nothing. */
const struct rec_change	*policy_change_find(const struct snap *s, const struct rec_server *server, struct span tool);
/* The same of a tool of that name on whichever server of the tenant. */
const struct rec_change	*policy_change_every(const struct snap *s, uint32_t tenant, struct span tool);
/* The change that gives this name to a tool, or NULL. */
const struct rec_change	*policy_change_named(const struct snap *s, const struct rec_server *server, struct span shown);
/* The own name of the tool that clients know by this one (borrowed); false: none has it, whatever its own is. */
bool			 policy_own_name(const struct snap *s, const struct rec_server *server, struct span shown,
			    struct span *own);
/* The higher one of what is said of it there and on every server. */
enum risk_level		 policy_tool_risk(const struct snap *s, const struct rec_server *server, struct span tool);

/* Certificate nth of those that this https server trusts and whose subject has this hash: DER, or false. */
bool			 policy_anchor(const struct snap *s, uint32_t first, uint32_t count, uint32_t subject,
			    size_t nth, struct span *der);
/* What a catalogue knows of this host, or NULL. */
const struct rec_name	*policy_name_find(const struct snap *catalogue, struct span host);

/* How tokens for this server are got, or NULL. */
const struct rec_auth	*policy_auth_find(const struct snap *s, const struct rec_server *server);
/* By what the workers find a server's token: its tenant, and all that identifies it. */
uint64_t		 policy_token_key(const struct snap *s, const struct rec_server *server);
const struct rec_token	*policy_token_find(const struct snap *tokens, uint64_t key);

/* Where the keys of ISSUER i are fetched; NULL: they are not. */
const struct rec_keysource *policy_keysource_of(const struct snap *s, uint64_t issuer);
const struct rec_key	*policy_key_find(const struct snap *keys, const uint8_t digest[32]);
/* An own token that was revoked, or NULL. */
const struct rec_gone	*policy_gone_find(const struct snap *keys, const uint8_t id[16]);
/* Was this token of an issuer revoked, or all of its subject?  id empty: it has none; issued_ms 0: it does not say. */
bool			 policy_is_barred(const struct snap *keys, struct span issuer, struct span subject,
			    struct span id, uint64_t issued_ms, uint64_t wall_ms);
uint64_t		 policy_barred_hash(bool is_subject, struct span issuer, struct span name);
const struct rec_pin	*policy_pin_find(const struct snap *pins, const uint8_t digest[32]);
const struct rec_profile *policy_profile_find(const struct snap *profile, uint64_t hash);
/* The agent that a name in a client's certificate stands for (kind: enum cert_san_kind), or NULL; of this tenant, or
 * without one (an empty text) as policy_peer_find(). */
const struct rec_agent	*policy_certpeer_find(const struct snap *s, struct span tenant, uint32_t kind,
			    struct span text, bool *several);

/* Entries of one tenant's server: calls fn for each. */
typedef void policy_secret_fn(struct span name, struct span value, void *arg);
void			 policy_secrets_each(const struct snap *secrets, struct span tenant, struct span server,
			    policy_secret_fn *fn, void *arg);

#endif
