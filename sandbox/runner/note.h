/* SPDX-License-Identifier: Apache-2.0
 *
 * note.h - what a tool tells by itself: to whom it goes
 */
#ifndef SANDBOX_RUNNER_NOTE_H
#define SANDBOX_RUNNER_NOTE_H

#include "sandbox/runner/instance.h"

/* A notification of the tool; it may be its last, when it floods us with them. */
void	note_take(struct instance *i, const struct line *line);

#endif
