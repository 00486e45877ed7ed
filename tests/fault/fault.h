/* SPDX-License-Identifier: Apache-2.0
 *
 * fault.h - what a run under faults leaves behind: what clients asked and got, what servers saw, what the audit kept,
 *           and which faults there were; and the rules that these must follow
 *
 * A call is known by its key: the address its client connects from (127.x.y.z, one for each connection) and the tool,
 * which each connection calls once.  The audit has both, and the server has the key as an argument.
 */
#ifndef TESTS_FAULT_FAULT_H
#define TESTS_FAULT_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- who calls what ------------------------------------------------------------------------------ */

#define TOOL_NEVER	8		/* denied, whatever the policy */
#define TOOL_A		6		/* denied by the one policy, allowed by the other */
#define TOOL_B		7		/* the other way round */
#define TOOL_LIMIT	9
#define TOOL_SESSION	15		/* initialize: in no log but the client's */

static inline uint32_t
key_make(uint32_t address, unsigned tool)
{
	return address << 4 | tool;
}

static inline unsigned
key_tool(uint32_t key)
{
	return key & 15;
}

/* PLACE(tenant, server, over stdio, modern) */
#define PLACES(X)					\
	X("default",	"here",	true,	true)		\
	X("default",	"old",	true,	false)		\
	X("default",	"web",	false,	true)		\
	X("default",	"past",	false,	false)		\
	X("acme",	"here",	true,	true)		\
	X("acme",	"web",	false,	true)
enum { PLACE_LIMIT = 6 };

struct place {
	const char	*tenant, *server;
	bool		 stdio, modern;
};
extern const struct place places[PLACE_LIMIT];
#define PLACES_ALL	((1u << PLACE_LIMIT) - 1)

/* --- faults -------------------------------------------------------------------------------------- */

enum { MAY_RESET = 1, MAY_ERROR = 2, MAY_BUSY = 4, MAY_CONNECT = 8 };
enum { WHERE_ALL, WHERE_HIT };

struct fault {
	unsigned	 number;
	const char	*name, *doc;
	unsigned	 may, where, back_ms;
};

/* One that was injected.  Times are microseconds of the monotonic clock. */
struct window {
	const struct fault	*fault;
	int64_t			 begun, done, over;	/* before and after it was injected; when all was as before */
	unsigned		 places;		/* bits of those it may be seen at */
};

/* --- logs ---------------------------------------------------------------------------------------- */

enum came {
	CAME_RESULT,
	CAME_TOOL_ERROR,	/* a result that says it is none */
	CAME_ERROR,		/* JSON-RPC */
	CAME_HTTP,		/* a status, and no JSON-RPC */
	CAME_RESET,
	CAME_NOTHING,		/* in 30 seconds */
	CAME_UNCONNECTED,
	CAME_LIMIT
};

struct asked {
	uint32_t	key, echo;	/* echo: the key in the answer; 0: none */
	uint8_t		place;
	uint8_t		came;		/* enum came */
	uint16_t	status;
	int32_t		code;		/* of the JSON-RPC error */
	int64_t		opened, begun, ended;
	char		symbol[24];	/* error.data.code */
	char		request[20];	/* error.data.request_id */
};

struct seen {
	uint32_t	key;
	uint8_t		tool;
	uint8_t		place;
};

struct recorded {
	uint32_t	key;
	uint8_t		place, tool;	/* PLACE_LIMIT: none of ours */
	uint64_t	number, boot, seq, generation;
	uint32_t	slot, incarnation;
	bool		gap;			/* it says that others are missing */
	char		decision[8], outcome[16], error[32], request[20];
};

/* A policy that was put in force: 0 denies TOOL_A, 1 TOOL_B. */
struct policy {
	uint64_t	generation;
	unsigned	which;
};

#define LOG_OF(type, name)				\
	struct name {					\
		struct type	*all;			\
		size_t		 n, room;		\
	}
LOG_OF(asked, asked_log);
LOG_OF(seen, seen_log);
LOG_OF(recorded, recorded_log);
LOG_OF(window, window_log);
LOG_OF(policy, policy_log);

/* A new element at the end of a log, all zero. */
#define log_more(log) ((typeof((log)->all))log_grow((void **)&(log)->all, &(log)->n, &(log)->room, sizeof(*(log)->all)))
void	*log_grow(void **all, size_t *n, size_t *room, size_t size);

struct story {
	struct asked_log	 asked;
	struct seen_log		 seen;
	struct recorded_log	 recorded;
	struct window_log	 windows;
	struct policy_log	 policies;
};
void	story_fini(struct story *s);

/* Lines of a witness's log; an audit list in JSON, a record a line.  False: what stands there is not such a line. */
bool	story_read_seen(struct story *s, const char *text, unsigned place);
bool	story_read_audit(struct story *s, const char *text);

/* --- the rules ----------------------------------------------------------------------------------- */

/* LIE(name, what is wrong) */
#define LIES(X)										\
	X(UNRECORDED,	"a call was executed, or answered, and is in no record")	\
	X(TWICE,	"a call has two records")					\
	X(NUMBERS,	"records are missing from the audit, or there twice")		\
	X(OPEN,		"a record has no outcome")					\
	X(AGAIN,	"a server saw a call twice")					\
	X(UNSEEN,	"a call was answered that no server saw")			\
	X(RAN,		"a call was executed that its record denies")			\
	X(ECHO,		"an answer belongs to another call")				\
	X(OUTCOME,	"answer and record do not say the same")			\
	X(POLICY,	"a decision does not follow from the policy its record names")	\
	X(ELSEWHERE,	"a call was at another server than it was meant for")		\
	X(NOBODY,	"a record, or a server, has a call that nobody asked for")	\
	X(FAILED,	"a request failed that no fault excuses")
enum lie {
#define X(name, text) LIE_##name,
	LIES(X)
#undef X
	LIE_LIMIT
};
const char *lie_text(enum lie lie);

struct verdict {
	size_t	lies[LIE_LIMIT];
	size_t	came[CAME_LIMIT];
	size_t	excused;		/* requests that failed as a fault may make them */
};

/* Says what is wrong with one call; text is of the call. */
typedef void lie_fn(void *arg, enum lie lie, const char *text);
/* Sorts the logs, and compares them.  fn may be NULL.  Answers how many lies there are. */
size_t	check_story(struct story *s, struct verdict *out, lie_fn *fn, void *arg);

#endif
