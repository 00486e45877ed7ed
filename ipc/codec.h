/* SPDX-License-Identifier: Apache-2.0
 *
 * codec.h - structs, encode, decode, names and rules: all from tables/messages.def
 */
#ifndef IPC_CODEC_H
#define IPC_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/span.h"

enum role {
#define ROLE(name, program, user, doc) ROLE_##name,
#include "tables/roles.def"
#undef ROLE
	ROLE_LIMIT
};

#define ROLE_BIT(r) (1u << (r))
enum role_set {
#define ROLE(name, program, user, doc) R_##name = ROLE_BIT(ROLE_##name),
#include "tables/roles.def"
#undef ROLE
	R_CHILD = R_COMPILE | R_WORKER | R_SPAWNER | R_RUNNER | R_AUDITOR | R_STORE | R_EGRESS | R_ADMIN | R_SCOUT,
};

enum msg_when { MSG_BOOT = 1, MSG_RUN = 2, MSG_ANY = 3 };

enum msg_type {
#define MSG(name, type, from, to, when, fds, fields, doc) MSG_TYPE_##name = type,
#include "tables/messages.def"
#undef MSG
	MSG_TYPE_LIMIT = 256
};

/* struct msg_NAME for each row.  `none_` keeps a row without fields a legal struct. */
typedef uint32_t	msg_u32;
typedef uint64_t	msg_u64;
typedef int32_t		msg_i32;
typedef struct span	msg_text;
#define F(type, name) msg_##type name;
#define MSG(name, type, from, to, when, fds, fields, doc) struct msg_##name { fields uint8_t none_; };
#include "tables/messages.def"
#undef MSG
#undef F

/* What kinds of things some fields count. */
/* The last three speak TLS, and ask for a client's certificate: not, if it has one, and as a must. */
enum listen_kind { LISTEN_MCP = 1, LISTEN_ADMIN = 2, LISTEN_LOCAL = 3, LISTEN_TLS = 4, LISTEN_TLS_MAY = 5,
	LISTEN_TLS_MUST = 6, LISTEN_KIND_LIMIT };
/* DIR_CGROUP: the tenant's of version 2; those behind it of a controller of version 1. */
enum dir_kind { DIR_STORE = 1, DIR_AUDIT, DIR_SPOOL, DIR_TENANT, DIR_CGROUP, DIR_CGROUP_MEMORY, DIR_CGROUP_PIDS,
	DIR_CGROUP_CPU, DIR_CGROUP_FREEZER };
static inline bool
dir_is_cgroup(uint32_t kind)
{
	return kind >= DIR_CGROUP && kind <= DIR_CGROUP_FREEZER;
}
enum compile_what {
	COMPILE_POLICY = 1,
	COMPILE_KEYS = 2,
	COMPILE_PARAMS = 4,	/* mcpgw.conf alone: a policy snapshot that holds only PARAM */
	COMPILE_LOOK = 8,	/* nobody will serve it: something stands in for what only a gateway has */
};
/* FALLBACK: where no full jail can be built, a reduced one may be (jail_fallback); FALLBACK_MAY: that could be
 * switched on.  REDUCED: jails are, so the audit says so. */
/* Beside these the log level of syslog(3), BOOT_LEVEL_SHIFT bits up; 0: not known yet. */
#define BOOT_LEVEL_SHIFT	8
enum boot_flags { BOOT_FLAG_PERSONAL = 1, BOOT_FLAG_FALLBACK = 4, BOOT_FLAG_FALLBACK_MAY = 8,
	BOOT_FLAG_REDUCED = 16 };
/* What a worker or mcpgw-admin is to do by RETIRE.  LEAVE: take no connections, tell each client with its next answer
 * that this connection ends, and go; HOLD: take no calls; SERVE: take them again. */
enum retire_what { RETIRE_LEAVE = 1, RETIRE_HOLD, RETIRE_SERVE };
/* CTL upgrade, n. */
enum upgrade_ask { UPGRADE_ASK_BEGIN, UPGRADE_ASK_STATUS };
/* How far a master is in leaving its place to another one (CTL_UPGRADE). */
enum upgrade_state { UPGRADE_NONE, UPGRADE_WAITS, UPGRADE_CHECKS, UPGRADE_STARTS, UPGRADE_HANDED, UPGRADE_FAILED,
	UPGRADE_RECOVERS,	/* has failed, and gets back what it gave away */
	UPGRADE_STATE_LIMIT };
enum ctl_process_state {
	CTL_PROCESS_WAITING,	/* starts again after its back-off */
	CTL_PROCESS_STARTING,
	CTL_PROCESS_READY,
	CTL_PROCESS_LEAVING,
	CTL_PROCESS_STATE_LIMIT
};
enum server_state {
	SERVER_STATE_IDLE,	/* no instance, none failed */
	SERVER_STATE_UP,
	SERVER_STATE_BROKEN,	/* failed; waits until next_try */
	SERVER_STATE_DISABLED,
	SERVER_STATE_NO_JAIL,
	SERVER_STATE_LIMIT
};
enum egress_socket {
	EGRESS_SOCKET_TCP = 1,	/* for connections to any address at this port */
	EGRESS_SOCKET_DNS_UDP,	/* port 53 of any address */
	EGRESS_SOCKET_DNS_TCP,
	EGRESS_SOCKET_PROXY,	/* HTTP CONNECT and SOCKS5 */
	EGRESS_SOCKET_LIMIT
};
#define SERVER_TOOLS_UNKNOWN	UINT32_MAX	/* SERVER_STATE.tools: the sender does not read lists */

/* What put a generation in force. */
enum generation_by {
	GENERATION_BY_START,
	GENERATION_BY_CTL,	/* a command of this uid's */
	GENERATION_BY_WATCH,	/* a file changed */
	GENERATION_BY_SIGNAL,	/* HUP */
	GENERATION_BY_TIME,	/* something had an end */
	GENERATION_BY_VAULT,	/* it has other values */
	GENERATION_BY_UPGRADE,	/* a master that took another's place */
	GENERATION_BY_LIMIT
};
enum login_what {		/* LOGIN.what; the argument: */
	LOGIN_BEGIN = 1,	/* the redirect's url, on the machine of whoever logs in */
	LOGIN_END,		/* the query that came there */
	LOGIN_OUT,
	LOGIN_STATE,		/* what is known, as JSON */
	LOGIN_BEGIN_HERE,	/* a word that is good once, a blank, and a url of the gateway's own */
};
enum worker_ask {		/* WORKER_ASK.what */
	WORKER_ASK_CALLS = 1,	/* a line for each call that runs */
	WORKER_ASK_KILL,	/* end this call; a line when it was there */
	WORKER_ASK_LIMITS,	/* a line for each limit; one worker knows them all */
	WORKER_ASK_ISSUERS,	/* a line for each issuer of tokens; the same */
	WORKER_ASK_BREAKERS,	/* a line for each breaker (worker/operator/inquiry_priv.h); the same */
	WORKER_ASK_BREAKER_RESET,	/* ... which is closed */
	WORKER_ASK_LIMIT_RESET,	/* limits of this name begin anew; a line for each */
	WORKER_ASK_APPROVALS,	/* a line for each call that waits for approval, or has it */
	WORKER_ASK_DECIDE,	/* about one of them: worker/call/approvals.h; a line when it was there */
};

struct msg_row {
	const char	*name;		/* NULL: no such type */
	unsigned	 from, to;	/* sets of roles */
	enum msg_when	 when;
	unsigned	 fds;
};

/* The row of a type; name is NULL for an unknown one. */
const struct msg_row	*msg_row(uint16_t type);
/* 0, or E_UNTIMELY: may `from` say this to `to`, now (when), with that many descriptors? */
must_check int	msg_may(uint16_t type, enum role from, enum role to, bool ready, unsigned fds);
/* Appends the body of message `type`; msg points to its struct.  0, E_TOOBIG or E_NOMEM. */
must_check int	msg_encode(struct buf *to, uint16_t type, const void *msg);
/* Fails on short and on left-over bytes: E_FORMAT.  `msg` has room for the type's struct; its texts
 * point into body. */
must_check int	msg_decode(uint16_t type, struct span body, void *msg);

/* Room for any message's struct. */
union msg_any {
#define MSG(name, type, from, to, when, fds, fields, doc) struct msg_##name name;
#include "tables/messages.def"
#undef MSG
};

const char	*role_program(enum role r);
const char	*role_user(enum role r);

#endif
