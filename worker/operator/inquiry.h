/* SPDX-License-Identifier: Apache-2.0
 *
 * inquiry.h - what an operator asks about calls and buckets (WORKER_ASK): lines of JSON
 */
#ifndef WORKER_OPERATOR_INQUIRY_H
#define WORKER_OPERATOR_INQUIRY_H

#include "worker/worker.h"

/* Answers the master's question with this ref; of a call to be ended, ends it. */
void	inquiry_answer(struct worker *w, uint64_t ref, const struct msg_WORKER_ASK *ask);

#endif
