/* SPDX-License-Identifier: Apache-2.0
 *
 * rig.h - a real mcpgw-runner; the test plays its master, its spawner and its workers
 *
 * The spawner of the rig starts tests/lying-server without a jail.  What a jail promises it does by
 * hand: the end of the lifeline, or of the tool, is the end of the whole tree.  It fails the test when
 * two tools of one server and key run at the same time.
 */
#ifndef TESTS_UNIT_RUNNER_RIG_H
#define TESTS_UNIT_RUNNER_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/codec.h"
#include "ipc/link.h"
#include "policy/records.h"

#define RIG_SERVERS	8
#define RIG_TOOLS	64
#define RIG_LINKS	4
#define RIG_CALLS	64
#define RIG_SAID	64
#define RIG_EVENTS	1024

/* One server of the profile; zero means a default. */
struct rig_server {
	const char	*name, *mode, *n;	/* lying-server's arguments; of mode "puppet" n is puppet-server's */
	const char	*writable;		/* a host path its jail may write to */
	uint32_t	 era, start_timeout_ms, idle_ms, stop_ms, max_instances;
	uint32_t	 isolation;
	uint32_t	 runner_mib;		/* 0: 64 */
	uint32_t	 spawn_fails;		/* a step: the rig's spawner refuses */
	uint64_t	 version;		/* another number, another profile */
	bool		 watched;		/* socket() is notified to the runner */
	bool		 native;		/* its tool "run" is native-tool {what} [{arg}], stdin {text} */
	bool		 ends_unsaid;		/* the rig's spawner says nothing of how its tools end */
	int32_t		 spawn_error;		/* with spawn_fails: not E_NOTFOUND */
	uint32_t	 timeout_ms, max_output;	/* of a native's */
};

struct rig_tool {
	pid_t		 pid;
	int		 server;
	uint64_t	 key;
	int		 life;
	bool		 gone;
	uint64_t	 from_ms, to_ms, life_closed_ms;
};

/* A NOTE or ASK. */
struct rig_said {
	uint16_t	 type;
	unsigned	 frames;
	bool		 whole;
	char		*text;
	size_t		 bytes;
};

struct rig_event {
	struct link_event what;
	char		 uri[128];		/* cut */
	uint64_t	 at_ms;
};

struct rig_call {
	bool		 answered, ended;
	unsigned	 answer_flags, end_flags;
	enum link_end	 end;
	char		 text[600];
	char		*answer;
	size_t		 answer_bytes, answer_have, body_want;
	uint64_t	 id_span;
	uint64_t	 credit;		/* the runner gave us, for the body */
	uint64_t	 ended_ms;
	struct rig_said	 said[RIG_SAID];
	int		 said_count;		/* the last one may not be whole; stays at RIG_SAID */
};

struct rig_link {
	int		 fd;
	bool		 closed;		/* by the runner */
	bool		 stingy;		/* grants no credit by itself */
	char		*in;
	size_t		 in_bytes;
	struct rig_call	 calls[RIG_CALLS];
	struct rig_event events[RIG_EVENTS];
	int		 event_count;
};

struct rig_state {			/* the last SERVER_STATE of a server */
	bool		 told;
	uint32_t	 state, instances;
	char		 error[600];
};

struct rig {
	pid_t		 runner;
	int		 control, spawner;
	bool		 ready, exited;
	int		 status;
	uint64_t	 exited_ms, pongs, in_force;
	const struct rig_server *servers;
	struct snap	*profile;		/* that the runner got last */
	struct rig_tool	 tools[RIG_TOOLS];
	int		 tool_count;
	struct rig_link	 links[RIG_LINKS];
	struct rig_state states[RIG_SERVERS];
};

uint64_t	now_ms(void);
uint64_t	rig_hash(const struct rig *r, int server);

/* Starts the runner with these servers (the last has no name) and waits for READY. */
void		rig_begin(struct rig *r, const struct rig_server *servers);
/* Closes fd 3, waits for the end within 2 s, and fails the test when anything is left. */
void		rig_end(struct rig *r);
/* Another profile. */
void		rig_offer(struct rig *r, const struct rig_server *servers);
int		rig_link(struct rig *r);		/* a new worker; its number */
void		rig_unlink(struct rig *r, int link);
void		rig_say(struct rig *r, uint16_t type, uint64_t ref, const void *msg);
/* Descriptors the runner has, or -1 where that cannot be seen. */
int		rig_fds(const struct rig *r);
int		rig_tools_running(const struct rig *r, int server);

/* Serves everything for ms, or until *flag is set (flag may be NULL). */
void		rig_run(struct rig *r, uint64_t ms, const bool *flag);
#define RIG_UNTIL(r, ms, cond)						\
	do {								\
		uint64_t end_ = now_ms() + (ms);			\
		while (!(cond) && now_ms() < end_)			\
			rig_run((r), 10, NULL);				\
	} while (0)

/* One frame, raw. */
void		rig_frame(struct rig *r, int link, uint32_t bytes, uint16_t type, uint16_t flags, uint32_t call,
		    uint32_t a, const void *payload);
/* SUBSCRIBE or UNSUBSCRIBE. */
void		rig_subscribe(struct rig *r, int link, uint16_t type, int server, uint64_t key, const char *uri);
/* A CALL frame for this body, nothing else. */
void		rig_head(struct rig *r, int link, uint32_t call, int server, uint64_t key, uint32_t deadline_ms,
		    const struct link_call *lc, uint16_t flags);
/* CALL and BODY of a tools/call whose params hold `pad` bytes more, with modern members and a progress
 * token. */
void		rig_send(struct rig *r, int link, uint32_t call, int server, uint64_t key, uint32_t deadline_ms,
		    size_t pad);
/* CALL and BODY of this request, whose id is 0, with what *lc says of capabilities and the like. */
void		rig_body(struct rig *r, int link, uint32_t call, int server, uint64_t key, uint32_t deadline_ms,
		    const struct link_call *lc, uint16_t flags, const char *body);
/* The same as rig_send(), and waits for END at most until a second after the deadline. */
struct rig_call	*rig_call(struct rig *r, int link, uint32_t call, int server, uint64_t key,
		    uint32_t deadline_ms);

#endif
