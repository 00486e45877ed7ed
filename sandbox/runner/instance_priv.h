/* SPDX-License-Identifier: Apache-2.0
 *
 * instance_priv.h - what instance.c, about.c, share.c, greet.c and incoming.c share
 */
#ifndef SANDBOX_RUNNER_INSTANCE_PRIV_H
#define SANDBOX_RUNNER_INSTANCE_PRIV_H

#include "sandbox/runner/instance.h"

/* instance.c: of zeroed memory. */
void	instance_init(struct instance *i, struct server *s, uint64_t key, uint32_t capabilities);

/* share.c, of an instance that waits.  Its calls went to the one that serves its key, as it turned out
 * that a modern tool does not mind who calls. */
bool	instance_merge(struct instance *i);
/* share.c: all its calls wait for their clients: another of its key may start, and work. */
bool	instance_sleeps(const struct instance *i);
/* share.c: another of its key works on calls; kick: they look again whether they may. */
bool	instance_others_work(const struct instance *i);
void	instance_kick_others(const struct instance *i);
/* share.c: another one of its key waits for longer. */
bool	instance_must_wait(const struct instance *i);
/* share.c: who has the tool of its key leaves, or will when its calls are done. */
void	instance_make_room(struct instance *i);

/* instance.c: the handshake is done; calls that wait are written. */
void	instance_came_up(struct instance *i);
/* instance.c: ends it and its calls with this very text; no fault of the tool. */
void	instance_refuse(struct instance *i, enum link_end why, const char *text);

/* greet.c: the verdict is in; the sibling goes, and what waited may start. */
void	instance_probed(struct instance *i, enum era era, bool weak);
/* greet.c: the answer to server/discover or initialize. */
void	instance_hello(struct instance *i, const struct line *answer);
/* greet.c: the tool went, or was silent, before it was up: a guess is no verdict any more. */
void	instance_doubt_era(struct instance *i);

/* about.c: keeps what a legacy tool says of itself in answer to initialize; gives it back. */
void	instance_keep_about(struct instance *i, struct json_value result);
void	instance_drop_about(struct instance *i);
/* about.c: a worker's server/discover to a legacy tool, which knows no such method: answered with what
 * was kept.  Ends the call. */
void	instance_answer_about(struct instance *i, struct call *c);

/* incoming.c: the call that was given this id and is not answered; NULL when the raw id is none of ours. */
struct call	*instance_call_by_id(struct instance *i, struct span raw);
/* incoming.c: tells the tool that a call it has is not wanted any more. */
void	instance_say_cancelled(struct instance *i, uint64_t id);
void	instance_id_add(struct instance *i, struct call *c);

#endif
