/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_priv.h - what compare.c and compare_decide.c share
 */
#ifndef CTL_COMPARE_COMPARE_PRIV_H
#define CTL_COMPARE_COMPARE_PRIV_H

#include "ctl/compare/compare.h"

/* Room for one more item behind `count`; the list may move.  Exits when memory ends. */
void	*compare_more(void *items, size_t count, size_t bytes);
/* Fills decisions, agents, roles and cut. */
void	 compare_decisions(struct compare *c, compare_known_fn *known, void *known_arg);

#endif
