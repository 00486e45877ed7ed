/* SPDX-License-Identifier: Apache-2.0
 *
 * note.h - what a tool tells by itself: to whom it goes, and how much it logs
 */
#ifndef SANDBOX_RUNNER_NOTE_H
#define SANDBOX_RUNNER_NOTE_H

#include "sandbox/runner/instance.h"

/* A notification of the tool; it may be its last, when it floods us with them. */
void	note_take(struct instance *i, const struct line *line);
/* Before the call's line: a legacy tool that logs less than this client wants is told to log more. */
void	note_level(struct instance *i, const struct call *c);

#endif
