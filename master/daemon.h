/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon.h - into the background; who started us waits until we serve
 */
#ifndef MASTER_DAEMON_H
#define MASTER_DAEMON_H

/* Forks; answers only in the child.  The parent exits with what daemon_tell() says, or with
 * EX_SOFTWARE when the child dies without a word. */
void	daemon_enter(void);
/* Ends the parent with this code; 0 means ready.  Once; nothing happens without daemon_enter(). */
void	daemon_tell(int exit_code);

#endif
