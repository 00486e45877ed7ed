/* SPDX-License-Identifier: Apache-2.0
 *
 * plan.h - what is to be written, as people and programs read it
 */
#ifndef CTL_IMPORT_PLAN_H
#define CTL_IMPORT_PLAN_H

#include "ctl/import/server.h"

/* SERVER RUNS SEES NET TOOLS, and the notes under it; those that are as they were are counted only. */
void	plan_print(struct import *im);
/* One object for each. */
void	plan_json(struct import *im);
/* A line for people, over as many as it needs. */
void	plan_words(struct import *im, const char *text);
/* How many tools those have that are to be used from now on. */
size_t	plan_tools(const struct import *im);
/* How many are to be written. */
size_t	plan_changes(const struct import *im);

#endif
