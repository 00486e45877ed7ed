/* SPDX-License-Identifier: Apache-2.0
 *
 * ctlsock.h - ctl.sock: what mcpgwctl asks, and who may
 *
 * One command a connection (day-one 3).  The answer ends with CTL_DONE; texts in it are for people
 * and come from others: the master formats nothing of its own but one line why not.
 */
#ifndef MASTER_CTLSOCK_H
#define MASTER_CTLSOCK_H

#include <limits.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "ipc/chan.h"
#include "master/reload.h"

struct ctl_conn;
TAILQ_HEAD(ctl_list, ctl_conn);

struct ctlsock {
	struct master		*m;
	int			 fd, spare;	/* lib/spare.h */
	struct loop_timer	 pause;
	bool			 left;		/* to another master */
	char			 path[PATH_MAX];
	struct loop_io		 io;
	struct ctl_list		 conns;
	size_t			 count;
};

/* Listens on run_dir/ctl.sock.  E_EXISTS, E_SYS; logged. */
must_check int	ctlsock_open(struct ctlsock *s, struct master *m);
/* Ends every connection, removes the socket. */
void		ctlsock_close(struct ctlsock *s);

/* Takes no commands any more, leaving the socket to another master; who waits for an answer still gets it. */
void		ctlsock_leave(struct ctlsock *s);
/* From upgrade.c: to those who wait for one; why: it came to nothing. */
/* Does one of mcpgwctl wait for an upgrade? */
bool		ctlsock_waits_upgrade(struct ctlsock *s);
void		ctlsock_note_upgrade(struct ctlsock *s, unsigned level, const char *line);
void		ctlsock_on_upgrade(struct ctlsock *s, int exit_code, const char *why);

/* From status.c: answers to what a connection asked of a child.  fd stays the caller's. */
void	ctlsock_on_dump(struct ctlsock *s, uint64_t ref, int fd);
void	ctlsock_on_token(struct ctlsock *s, uint64_t ref, const struct msg_TOKEN_IS *b);
void	ctlsock_on_store_done(struct ctlsock *s, uint64_t ref, int error, struct span line);
void	ctlsock_on_caught_up(struct ctlsock *s, uint64_t ref);
/* From pins.c: workers have other pins; late: those who wait for them waited long enough. */
void	ctlsock_on_pins(struct ctlsock *s, bool late);
/* fd -1: there is none, and why. */
void	ctlsock_on_log(struct ctlsock *s, uint64_t ref, int fd, uint64_t bytes, struct span why);
void	ctlsock_on_refused(struct ctlsock *s, uint64_t ref, struct span lines);
/* A worker's answer; fd stays the caller's. */
void	ctlsock_on_worker_says(struct ctlsock *s, uint64_t ref, uint32_t slot, int fd, uint64_t bytes);
void	ctlsock_on_worker_death(struct ctlsock *s, uint32_t slot);
void	ctlsock_on_restarted(struct ctlsock *s, uint64_t ref, uint32_t stopped, uint32_t finishing);
void	ctlsock_on_store_death(struct ctlsock *s);
void	ctlsock_on_runner_death(struct ctlsock *s);
void	ctlsock_on_auditor_death(struct ctlsock *s);
void	ctlsock_on_scout_death(struct ctlsock *s);
void	ctlsock_on_login(struct ctlsock *s, uint64_t ref, const struct msg_LOGIN_IS *b);
/* From query.c: the query of this connection ended with this exit code. */
void	ctlsock_on_query_end(struct ctl_conn *c, int exit_code);

#endif
