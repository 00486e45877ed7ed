/* SPDX-License-Identifier: Apache-2.0
 *
 * segments.h - the workers' spool segments, made on request
 */
#ifndef MASTER_SEGMENTS_H
#define MASTER_SEGMENTS_H

#include "master/children.h"

/* Answers SEGMENT_WANTED with SEGMENT or SEGMENT_NONE. */
void	segments_give(struct child *worker, uint32_t number);

#endif
