/* SPDX-License-Identifier: Apache-2.0
 *
 * spare.h - a descriptor in reserve: when there are no others, who waits at a listening socket is told all the same
 *
 * Without it such a connection stays in the queue, and the socket readable: a loop would spin.
 */
#ifndef LIB_SPARE_H
#define LIB_SPARE_H

/* Sets one aside unless there is one; any is one that is open.  *spare is -1 at first, and while there is none. */
void	spare_take(int *spare, int any);
/* accept4(2) with the one in reserve, and flags like it: for a moment, then spare_take() again.  -1: it did not do. */
int	spare_accept(int *spare, int listening);

#endif
