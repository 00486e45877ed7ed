/* SPDX-License-Identifier: Apache-2.0
 *
 * records.h - the fixed-size records of snapshots (tables/sections.def)
 *
 * Written by policy/compiler and store, read by everybody else through snap_at().
 */
#ifndef POLICY_RECORDS_H
#define POLICY_RECORDS_H

#include "policy/records_places.h"
#include "policy/records_profile.h"

#define SECTION(name, record, kinds, doc) typedef record SECTION_RECORD_##name;

enum server_kind { SERVER_STDIO = 1, SERVER_HTTP };
enum server_era { ERA_PIN_AUTO, ERA_PIN_LEGACY, ERA_PIN_MODERN };
enum server_transport {
	TRANSPORT_AUTO, TRANSPORT_SSE,
	TRANSPORT_JSONRPC,		/* tools/call and nothing else; what it has stands in `listed` */
};
enum server_isolation { ISOLATION_PRINCIPAL, ISOLATION_TENANT, ISOLATION_SESSION, ISOLATION_CALL };
enum jail_tier { TIER_RUNTIME, TIER_STRICT, TIER_OFF };
enum jail_net { NET_NONE, NET_LOOPBACK, NET_HOST, NET_LIST };
enum server_flags {
	SERVER_FLAG_DISABLED = 1,	/* "enabled": false, or could not be made usable: `why` */
	SERVER_FLAG_EXEC_TMP = 4,
	SERVER_FLAG_REWRITE_URIS = 8,	/* merged views begin them with the prefix (mcp/uris.h) */
	SERVER_FLAG_CGROUP_LIMITS = 128,/* limits were written that only a cgroup holds */
	SERVER_FLAG_LEARN = 16,		/* net = list: other public hosts pass too, until learn_until_ms */
	SERVER_FLAG_AUTH = 1024,	/* HTTP: it has an AUTH, and wants a token with each request */
	SERVER_FLAG_PER_USER = 2048,	/* ... of the principal that it is for (auth/users.h) */
	SERVER_FLAG_DOWN = 4096,	/* beside DISABLED: it could not be made usable, and nobody switched it off */
	SERVER_FLAG_NATIVE = 32,	/* its tools are programs of TOOL: the runner speaks MCP for them */
};
enum limit_written {		/* by the operator, and only a cgroup holds them */
	LIMIT_MEMORY = 1,
	LIMIT_PIDS = 2,
	LIMIT_CPU = 4,
	LIMITS_ALL = 7,
};
enum tenant_flags {
	TENANT_FLAG_DEFAULT_AGENT = 1,	/* a caller without an agent acts as `fallback` */
};

struct rec_param {
	uint32_t	id;		/* enum param_id */
	uint32_t	source_line;	/* 0: default, environment or -o */
	uint64_t	number;		/* bool, num, msec, size and word parameters */
	struct stext	text;		/* text parameters; for the others as it was written */
	struct stext	source;		/* "default", "mcpgw.conf", "environment", "-o" */
};

struct rec_tenant {
	struct stext	name;
	uint64_t	hash;		/* sum64 of the name */
	uint32_t	max_instances, flags;	/* enum tenant_flags */
	uint32_t	fallback;		/* index into AGENT + 1, with the flag; 0: there is none */
	uint32_t	agent_first, agent_count;	/* AGENT */
	uint32_t	server_first, server_count;	/* SERVER, and SERVER_BY_NAME */
	uint32_t	spare;
	struct stext	user;		/* system mode: whom its tools run as */
	uint64_t	interval_ns;	/* nanoseconds per token of all its calls together; 0: no bucket */
	uint32_t	burst, user_given;	/* 1: somebody wrote `user` */
	/* its own values of the parameters of these names */
	uint32_t	list_timeout, list_fresh, list_page, max_asking, max_asking_tenant, max_asking_server;
	uint32_t	role_first, role_count;	/* ROLE */
	uint32_t	every_first, every_count;	/* CHANGE: of a tool on whichever server, sorted by tool */
	uint32_t	limit_first, limit_count;	/* TENANT_LIMIT: looked at for each of its calls */
};

struct rec_index {
	uint32_t	index, spare;
};

struct rec_server {
	struct stext	name, prefix, description;
	struct stext	shown;		/* the command or url as written: for list_servers metadata */
	struct stext	url_host, url_path;	/* HTTP: Host value and request target */
	struct stext	why;		/* why it is disabled or down, for people */
	struct stext	file, path;	/* where it is configured: file and JSON path */
	uint32_t	line, column;
	uint32_t	tenant;		/* index into TENANT */
	uint32_t	kind, era, isolation, tier, net;
	uint32_t	flags;
	uint32_t	timeout_ms;	/* 0: call_timeout */
	uint32_t	address_first, address_count;
	uint32_t	seen_first, seen_count;	/* stdio */
	uint32_t	port, https;
	uint32_t	order;
	uint32_t	transport;	/* HTTP: enum server_transport */
	uint64_t	profile;	/* stdio: rec_profile.hash; HTTP: hash of all that identifies it */
	uint32_t	reach_first, reach_count;	/* stdio, net = list */
	uint64_t	learn_until_ms;	/* wall clock */
	uint64_t	disabled_until_ms;	/* wall clock; 0: it is on, or off without an end */
	uint32_t	anchor_first, anchor_count;	/* https: whom its certificate must lead to */
	struct stext	host;		/* to be looked up, in small letters; empty: the addresses are there */
	uint32_t	change_first, change_count;	/* sorted by tool */
	uint32_t	renamed_first, renamed_count;
	struct stext	listed;		/* TRANSPORT_JSONRPC: what tools/list answers, by the operator's file */
	uint64_t	changes;	/* a sum over all that lists show of them; 0: nothing */
	uint32_t	endpoint_first, endpoint_count;	/* HTTP, several of them; count 0: it is where the server is */
	uint32_t	balance, spare;	/* index into BALANCE + 1; 0: nothing was said */
	struct stext	idempotent;	/* patterns of tools that may run twice, each with a NUL behind it */
};

enum risk_level { RISK_LEVEL_UNSAID, RISK_LEVEL_LOW, RISK_LEVEL_MEDIUM, RISK_LEVEL_HIGH };
enum change_flags {
	CHANGE_FLAG_HIDE = 1,		/* there is no such tool, for anybody */
	CHANGE_FLAG_SHOWN = 2,		/* lists show it otherwise than its server does */
	CHANGE_FLAG_SHARED = 4,		/* what is kept of its results serves all of the tenant */
};
struct rec_change {		/* what the operator says of one tool */
	struct stext	tool;		/* the server's own name of it */
	struct stext	name;		/* clients'; empty: the same */
	struct stext	description, annotations;	/* JSON; empty: as the server says */
	struct stext	roles;		/* lib/nameset.h: who may call it has one of them; empty: whoever */
	struct stext	file, hide_path, roles_path;
	uint32_t	hide_line, roles_line;
	uint32_t	flags, risk;	/* enum change_flags, enum risk_level */
	uint32_t	argument_first, argument_count;
	uint64_t	cache_ms;	/* how long its results are kept for equal calls; 0: they are not */
};

struct rec_argument {		/* of a call of such a tool */
	struct stext	name, value;	/* JSON, the name too */
	uint32_t	set, spare;	/* 1: whatever the client says; 0: when it says nothing */
};

/* How a token for an HTTP server is got (oauth/client.h); secrets are in mcpgw-scout's SECRETs, by the same names. */
enum auth_flags { AUTH_FLAG_REGISTER = 1, AUTH_FLAG_ANY_ISSUER = 2, AUTH_FLAG_PER_USER = 4 };
struct rec_auth {
	uint32_t	server, kind;	/* index into SERVER; enum oauth_kind */
	uint32_t	flags, alg;	/* enum auth_flags, enum jws_alg */
	struct stext	url, issuer, client_id, key_id, client_metadata, scopes, redirect_uri;
	struct stext	token_endpoint, token_endpoint_client_id;
	struct stext	subject_token_type, requested_token_type, audience;
};

enum token_state {
	TOKEN_READY = 1,
	TOKEN_NONE,		/* there is none, and why */
	TOKEN_LOGIN,		/* ... and somebody has to log in */
};
struct rec_token {
	uint64_t	key;		/* policy_token_key() */
	uint64_t	serial;		/* of the last attempt to get one: another one, another number */
	uint64_t	ends_ms;	/* wall clock; 0: it was not said */
	struct stext	value;		/* of the header Authorization */
	struct stext	why;		/* for people */
	uint32_t	state, spare;
};

struct rec_grant {
	struct stext	tenant, server, issuer;
	struct stext	bytes;		/* oauth/client.h, struct oauth_grant */
};

enum name_state {
	NAME_FOUND = 1,
	NAME_NONE,		/* there is no such name, or it has no address */
	NAME_UNANSWERED,	/* no name server said anything of use */
};
struct rec_name {
	struct stext	host;		/* as in rec_server */
	uint32_t	address_first, address_count;	/* those that serve, whatever the state */
	uint32_t	state, spare;	/* enum name_state: of the last answer */
};

struct rec_anchor {
	struct stext	der;		/* an X.509 certificate */
	uint32_t	subject, spare;	/* cert_name_hash() of its subject */
};

struct rec_address {
	uint16_t	family;		/* AF_INET or AF_INET6 */
	uint16_t	spare[3];
	uint8_t		bytes[16];
};

struct rec_agent {
	struct stext	name;
	uint32_t	tenant;
	uint32_t	exact_first, exact_slots;	/* slots: a power of two, or 0 */
	uint32_t	wild_first, wild_count;
	uint32_t	limit;		/* index into BUCKET + 1, 0 none */
	uint32_t	flags, spare;	/* enum agent_flags */
};

enum agent_flags { AGENT_FLAG_SHADOW = 1 };	/* what its rules deny is recorded, and passes */

enum role_kind { ROLE_ROLE, ROLE_WORKSPACE };
enum role_flags {
	ROLE_FLAG_REPLACES = 1,		/* a workspace that allows something: what roles allow does not count there */
	ROLE_FLAG_EVERYTHING = 2,	/* it allows every tool of every server, whatever is asked */
};
/* rec_rule.agent of its rules is ROLE_OWNER and its place in ROLE. */
#define ROLE_OWNER	0x80000000u
struct rec_role {
	struct rec_agent set;		/* its name, its tenant, its rules; the rest is unused */
	uint32_t	kind, flags;
};

enum rule_class {		/* seed 001's four kinds, in its order of precedence */
	RULE_EXPLICIT_DENY, RULE_EXPLICIT_ALLOW, RULE_WILDCARD_DENY, RULE_WILDCARD_ALLOW,
	RULE_IMPLICIT_GRANT, RULE_DEFAULT,
};

enum rule_about {
	RULE_ABOUT_TOOL,
	RULE_ABOUT_SERVER,	/* of allow.servers or deny.servers */
	RULE_ABOUT_LIST,	/* decides nothing: allow.tools has a list for this server */
};

struct rec_rule {
	struct stext	path;		/* agents.backend.deny.tools.postgres[0] */
	struct stext	pattern;	/* as written */
	struct stext	server;		/* as written: a name or "*" */
	struct stext	file;
	uint32_t	line, column;
	uint32_t	agent;
	uint8_t		rule_class, deny, hide, about;	/* enum rule_class, 0/1, 0/1, enum rule_about */
	uint32_t	when_first, when_count;	/* into CONDITION: all of them must hold */
	uint32_t	next;		/* EXACT: index + 1 of the next weaker one of this key; 0: none is asked */
	uint16_t	cost;		/* allow: tokens that a call takes of its buckets; 0: one */
	uint8_t		log, flags;	/* allow: enum log_level + 1 of a line for each call, 0 none; enum rule_flags */
};

enum rule_flags {
	RULE_FLAG_SHADOW = 1,		/* deny: recorded, and not enforced */
	RULE_FLAG_APPROVAL = 2,		/* allow: somebody has to approve each call first */
};

enum when_key {
#define WHENKEY(name, text, type, fact, doc) WHEN_##name,
#include "tables/whenkeys.def"
#undef WHENKEY
	WHEN_KEY_LIMIT
};
enum when_test {
	TEST_EQUALS, TEST_EQUALS_NOCASE, TEST_LIKE, TEST_NUMBER_EQ, TEST_NUMBER_LT, TEST_NUMBER_LE, TEST_NUMBER_GT,
	TEST_NUMBER_GE, TEST_FLAG, TEST_WITHIN, TEST_ABSENT, TEST_LIMIT
};
enum when_flags {
	WHEN_FLAG_NEGATED = 1,
	WHEN_FLAG_ANY = 2,		/* ForAnyValue: */
	WHEN_FLAG_ALL = 4,		/* ForAllValues: */
	WHEN_FLAG_IF_EXISTS = 8,	/* what is absent is well */
};

struct rec_condition {
	struct stext	key, op;	/* as written */
	uint32_t	operand_first, operand_count;
	uint32_t	step_first, step_count;	/* arguments: the way there */
	int32_t		zone_s;		/* east of UTC */
	uint8_t		about, test, flags, spare;	/* enum when_key, enum when_test, enum when_flags */
};

struct rec_operand {
	struct stext	text;		/* as written; an address's without its prefix */
	double		number;		/* a date in ms, a clock in minutes, a flag 0 or 1 */
	uint16_t	family, bits;	/* TEST_WITHIN: a network */
	uint32_t	spare;
	uint8_t		bytes[16];
};

struct rec_step {
	struct stext	name;		/* a member's, decoded */
	uint32_t	index, spare;	/* the same as an element's; UINT32_MAX: it is none */
};

struct rec_exact {
	uint64_t	hash;		/* policy_exact_hash() */
	uint32_t	rule;		/* index into RULE + 1; 0 empty */
	uint32_t	spare;
};

struct rec_wild {
	struct stext	server;		/* "*": every server; sorted, then by precedence */
	uint32_t	rule, spare;	/* index into RULE */
};

struct rec_peer {
	uint32_t	is_group, id;	/* uid or gid */
	uint32_t	agent, order;	/* index into AGENT; the place in its file */
};

struct rec_host {
	struct stext	text;		/* host[:port], or scheme://host[:port], lower case */
	uint32_t	is_origin, spare;
};

/* What a limit is of; what it counts by is part of that, but for LIMIT_OF_EACH. */
enum limit_of { LIMIT_OF_AGENT, LIMIT_OF_TOOL, LIMIT_OF_SERVER, LIMIT_OF_TENANT, LIMIT_OF_GATEWAY, LIMIT_OF_EACH,
	LIMIT_OF_ADDRESS };	/* requests, not calls: the last of TENANT_LIMIT, of no tenant */
/* Of LIMIT_OF_EACH: everyone of these has its own. */
enum limit_by { LIMIT_BY_PRINCIPAL = 1, LIMIT_BY_AGENT = 2, LIMIT_BY_SERVER = 4, LIMIT_BY_TOOL = 8,
	LIMIT_BY_ADDRESS = 16 };

struct rec_limit {
	struct stext	server, tool;	/* that it is about; empty: whichever */
	uint64_t	interval_ns;	/* nanoseconds per token; 0: there is no bucket */
	uint32_t	burst, agent;	/* AGENT that it is about; UINT32_MAX: whichever */
	uint32_t	tenant;		/* index into TENANT */
	uint16_t	of, by;		/* enum limit_of, enum limit_by */
	struct stext	path;		/* in rules.json, or the parameter's name */
	uint32_t	max_concurrent;	/* calls that may run at once; 0: no cap */
	uint32_t	quota_first, quota_count, spare;	/* QUOTA */
};

#define QUOTA_HARD_MAX	(UINT64_C(1) << 60)
enum quota_what { QUOTA_CALLS, QUOTA_TIME, QUOTA_BYTES };	/* calls, ms, bytes */
enum quota_period { QUOTA_DAY, QUOTA_MONTH };
struct rec_quota {
	uint64_t	hard;
	uint8_t		what, period, spare[2];
	int32_t		zone_s;		/* where days and months begin, east of UTC */
	uint32_t	warn;		/* percent of it that somebody is told of; 0: nobody is */
	uint32_t	spare2;
};

struct rec_key {
	uint8_t		digest[32];	/* SHA-256 of the whole key */
	struct stext	public_name;	/* mgk_7f3a0c12 */
	struct stext	name, agent, tenant;
	uint64_t	created_ms, ends_ms;	/* wall clock; ends 0 = never */
	struct stext	scopes, roles, groups;	/* lib/nameset.h */
	struct stext	workspace;
	uint64_t	used_ms;	/* in dumps alone */
	uint32_t	by;		/* uid + 1 of who made it; 0: not known */
	uint32_t	twins;		/* in keys: others have its name */
};

/* What is wanted of own tokens (TOKEN). */
enum token_what {
	TOKEN_ISSUE = 1,	/* text: claims; ms: for how long */
	TOKEN_ROTATE,
	TOKEN_REVOKE,		/* text: the id */
	TOKEN_REVOKE_BEFORE,	/* ms: wall clock */
	TOKEN_REVOKE_ALL,
	/* Of an issuer's; text: its name and the id or subject, each with a NUL behind it; ms: for how long. */
	TOKEN_BAR_ID,
	TOKEN_BAR_SUBJECT,	/* those that it issued until now */
	TOKEN_BAR_SUBJECT_ALL,	/* and those that it issues from now on */
};
/* In SESSION and SESSION_IS. */
enum session_flags {
	SESSION_BOUND = 1,		/* refreshed only where the same is shown again */
	SESSION_SCOPED = 2,		/* `scope` counts, though it be empty */
	SESSION_MUST = 4,		/* `who` is who asks, not only who is at the other end */
	SESSION_KEYS_CHANGED = 8,	/* in the answer: workers have to learn what ended */
	SESSION_CHOSEN = 16,		/* the credential has no scopes: these are the client's choice */
};
struct rec_signer {		/* of the gateway's own tokens (auth/own.h) */
	uint8_t		key[32];	/* Ed25519, the public half */
	struct stext	kid, issuer;
	uint64_t	ends_ms;	/* wall clock: from then on none of its tokens counts; 0: it is in use */
	uint64_t	before_ms;	/* those issued before do not count */
};

struct rec_gone {		/* an own token that was revoked */
	uint8_t		id[16];
	uint64_t	ends_ms;	/* wall clock: by then it has ended */
};

/* Of a subject its issuer's tokens, or one token by its id (jti). */
struct rec_barred {
	uint64_t	hash;		/* policy_barred_hash() */
	struct stext	issuer, name;
	uint64_t	before_ms;	/* wall clock: those issued until then; UINT64_MAX: all */
	uint64_t	ends_ms;	/* wall clock: from then on it bars nothing */
	uint32_t	is_subject, spare;
};

struct rec_issuer {
	struct stext	name;		/* iss, by exact bytes */
	struct stext	type;		/* the header's typ must be it; empty: any */
	struct stext	subject_claim, agent_claim;	/* agent_claim empty: agent stands for all its tokens */
	struct stext	agent;
	uint32_t	secret_algs;	/* bits of enum jws_alg; its secret is in the workers' secrets */
	uint32_t	max_age_s, skew_s;
	uint32_t	tenant;		/* index into TENANT: whose agents its tokens stand for */
	uint32_t	audience_first, audience_count, verifier_first, verifier_count;
	uint32_t	standin_first, standin_count;
	/* Claims by the names that they may have, in this order, each with a NUL behind it. */
	struct stext	roles_claim, groups_claim, workspace_claim, email_claim, scope_claim, version_claim;
	struct stext	versions;	/* what version_claim must be one of, the same way; empty: any */
	uint32_t	flags, more_spare;	/* enum issuer_flags */
};
enum issuer_flags {
	ISSUER_FLAG_SCOPED = 1,		/* its tokens are good for their scopes alone */
	ISSUER_FLAG_SERVES = 2,		/* clients are told to get tokens there: it is an authorization server */
};

struct rec_audience {
	struct stext	text;
};

struct rec_verifier {
	struct stext	kid;		/* empty: it has none */
	struct stext	der;		/* SubjectPublicKeyInfo */
	uint32_t	algs, has_kid;	/* bits of enum jws_alg */
};

/* An issuer whose keys are fetched. */
struct rec_keysource {
	struct stext	url;		/* of the set; with discovery, of the issuer, whose metadata names it */
	uint64_t	id;		/* sum64 over all that decides which keys come of it */
	uint64_t	keep_ms;	/* keys serve so long after the last good fetch */
	uint32_t	issuer, discovery;	/* index into ISSUER; 0/1 */
	uint32_t	algs, algs_given;	/* that are accepted, as keyset_read() takes them */
	uint32_t	address_first, address_count;	/* of its host, where the machine's own list has it; else 0 */
	uint32_t	anchor_first, anchor_count;
};

/* What came of it; times of the wall clock in ms, 0: never. */
struct rec_keyset {
	uint64_t	id;		/* as its rec_keysource */
	uint64_t	tried_ms, fetched_ms;	/* the end of the last fetch, and of the last good one */
	uint64_t	asked_ms;	/* of the last one that a token asked for */
	uint64_t	next_ms;	/* the next begins */
	uint64_t	keys_digest;	/* of what proves tokens */
	uint32_t	verifier_first, verifier_count;
	uint32_t	passed_over, fails;	/* keys of no use among them; fetches that failed, in a row */
	struct stext	url;		/* where the set is */
	struct stext	etag;
	struct stext	error;		/* of the last fetch; empty: none */
};

struct rec_standin {
	struct stext	value, agent;
};

/* What a scope lets its bearer ask for, as far as rules allow it; in the order of the file. */
struct rec_scope {
	struct stext	name;
	uint32_t	flags, tenant;	/* enum scope_flags; index into TENANT */
	uint32_t	grant_first, grant_count;	/* those of implied scopes among them */
};
enum scope_flags {
	SCOPE_FLAG_ADVERTISED = 1,	/* clients are told of it before they need it */
};

struct rec_scope_grant {
	struct stext	server, tool;	/* patterns (lib/glob.h); tool counts for tools alone */
	uint32_t	kinds, spare;	/* bits of enum object_kind */
};

/* A certificate of the gateway's own; its key is in the workers' secrets, of TENANT_DEFAULT and SECRET_OF_TLS. */
#define SECRET_OF_TLS	":tls"
struct rec_cert {
	struct stext	name;		/* of its files in certs/ */
	uint32_t	chain_first, chain_count, name_first, name_count;
	uint64_t	begins_ms, ends_ms;	/* wall clock */
};

struct rec_chain {
	struct stext	der;
};

struct rec_certname {
	struct stext	text;
	uint32_t	kind, spare;	/* enum cert_san_kind */
};

struct rec_trust {
	struct stext	der, subject;	/* a certificate's common name */
	uint64_t	ends_ms;	/* of a list: when the next one should be there; 0: it does not say */
	uint32_t	is_crl, spare;
};

struct rec_certpeer {
	struct stext	text;		/* a DNS name in small letters */
	uint32_t	kind, agent;	/* enum cert_san_kind; index into AGENT */
};

/* A definition of a tool (store/pindb.h). */
enum pin_state { PIN_APPROVED = 1, PIN_HELD, PIN_REJECTED, PIN_STATE_LIMIT };
enum pin_mode { PIN_MODE_FIRST_SEEN, PIN_MODE_MANUAL, PIN_MODE_APPROVE };	/* what becomes of one seen first */
enum pin_decision { PIN_APPROVE, PIN_REJECT, PIN_FORGET };
struct rec_pin {
	uint8_t		digest[32];	/* of the definition and whose it is (mcp/pin.h) */
	struct stext	tenant, server, tool;
	struct stext	identity, object, finding;	/* in dumps alone */
	uint64_t	seen_ms, decided_ms;	/* wall clock; in dumps */
	uint32_t	state, by;	/* enum pin_state; uid + 1, 0: it was the first */
};

struct rec_seen {
	struct stext	path;
};

struct rec_secret {
	struct stext	tenant;
	struct stext	server, name, value;	/* name: a header's or an environment variable's */
};

/* HashiCorp Vault, or what speaks as it does.  Its token, or the secret of its AppRole, is in mcpgw-scout's SECRETs of
 * tenant "default" and server "", as VAULT_TOKEN or VAULT_SECRET_ID. */
#define VAULT_TOKEN	"vault_token"
#define VAULT_SECRET_ID	"vault_secret_id"
struct rec_vault {
	struct stext	address;	/* a url without a path */
	struct stext	name_space, role_id;	/* role_id empty: there is a token */
	uint32_t	address_first, address_count;	/* of its host; 0: it is looked up */
	uint32_t	anchor_first, anchor_count;
	uint64_t	refresh_ms;
};

struct rec_vault_want {
	struct stext	path, field;	/* MOUNT/PATH, and a member of what is there */
};

struct rec_vault_value {
	struct stext	path, field;
	struct stext	value, why;	/* why not empty: there is no value */
};

#include "tables/sections.def"
#undef SECTION

#endif
