/* SPDX-License-Identifier: Apache-2.0
 *
 * puppet.h - calls to a puppet-server, and what it shall say while they run
 *
 * A rig with one worker of the test's own (link 0) for what the puppet is told, by background calls.
 */
#ifndef TESTS_UNIT_RUNNER_PUPPET_H
#define TESTS_UNIT_RUNNER_PUPPET_H

#include "rig.h"

/* A legacy server and its rig; link 0 is the strings' end. */
void		puppet_begin(struct rig *r, const struct rig_server *servers);
/* Sends tools/call of this name, with these capabilities and log level. */
struct rig_call	*puppet_call(struct rig *r, int link, uint32_t call, int server, const char *name,
		    uint32_t capabilities, uint32_t log_level, uint32_t deadline_ms);
/* The puppet writes these lines (puppet.c); answers all it has heard so far, valid until the next call. */
const char	*puppet_says(struct rig *r, int server, const char *fmt, ...)
		    __attribute__((format(printf, 3, 4)));
/* Waits until the puppet has heard this, as it stands quoted; or ms are over. */
bool		puppet_hears(struct rig *r, int server, uint64_t ms, const char *text);
bool		puppet_heard(struct rig *r, int server, const char *text);
/* A REPLY in frames of at most `piece` bytes. */
void		puppet_reply(struct rig *r, int link, uint32_t call, const char *text, size_t piece);
/* Waits for this many whole messages of the call. */
bool		puppet_said(struct rig *r, const struct rig_call *c, int count);

#define PUPPET_KEY	1
#define ANSWER(name)	"{\"jsonrpc\":\"2.0\",\"id\":@" name "@,\"result\":{\"content\":[]}}"
#define ASK(id, method, params)	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"
#define NOTE(method, params)	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/" method "\",\"params\":" params "}"
#define REPLY(id, result)	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"

#endif
