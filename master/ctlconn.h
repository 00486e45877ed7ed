/* SPDX-License-Identifier: Apache-2.0
 *
 * ctlconn.h - one connection on ctl.sock (internal to ctlsock.c and ctlcmd.c)
 */
#ifndef MASTER_CTLCONN_H
#define MASTER_CTLCONN_H

#include "master/ctlsock.h"

enum ctl_wait { CTL_WAIT_NONE, CTL_WAIT_STORE, CTL_WAIT_AUDITOR, CTL_WAIT_RELOAD, CTL_WAIT_QUERY,
	CTL_WAIT_STOP, CTL_WAIT_RUNNER, CTL_WAIT_PINS, CTL_WAIT_WORKERS,
	CTL_WAIT_SCOUT, CTL_WAIT_UPGRADE };

struct ctl_conn {
	uint32_t		 magic;
	struct ctlsock		*s;
	struct chan		 chan;
	uint32_t		 uid;		/* who asks */
	bool			 asked;		/* one command, then no more */
	enum ctl_wait		 wait;
	uint64_t		 ref;		/* of the question to a child; CTL_WAIT_PINS: their generation */
	uint64_t		 workers;	/* that have not answered it: a bit for each slot */
	struct reload_waiter	 reload;
	int			 out, err;	/* of a query, until it is started */
	bool			 pins;		/* what the store is asked changes these, and not keys */
	bool			 keys_stay;	/* what the store did is nothing that workers must know */
	bool			 learns;	/* what args name, if the reload is not refused */
	struct {			/* what the audit is told of it; method NULL: nothing, or it was told */
		const char	*method;
		char		 object[256];
	}			 did;
	char			*args;		/* its arguments, each ended by NUL */
	size_t			 args_bytes;
	TAILQ_ENTRY(ctl_conn)	 next;
};

/* The command just came. */
void	ctlcmd_run(struct ctl_conn *c, const struct chan_msg *msg);
/* What it waited for came; ctlcmd.c goes on. */
void	ctlcmd_on_store_done(struct ctl_conn *c, int error, struct span line);
void	ctlcmd_on_dump(struct ctl_conn *c, int fd);
void	ctlcmd_on_caught_up(struct ctl_conn *c);
/* fd stays the caller's; -1: there is none, and why. */
void	ctlcmd_on_log(struct ctl_conn *c, int fd, uint64_t bytes, struct span why);
void	ctlcmd_on_restarted(struct ctl_conn *c, uint32_t stopped, uint32_t finishing);
/* What the tools were refused; copied. */
void	ctlcmd_on_refused(struct ctl_conn *c, struct span lines);
void	ctlcmd_on_reload_refused(struct ctl_conn *c);
/* mcpgwctl went away before it came. */
void	ctlcmd_on_reload_abandoned(struct ctl_conn *c);
void	ctlcmd_on_lost(struct ctl_conn *c, const char *who);

/* A message to the store, whose answer is waited for. */
void	ctlcmd_ask_store(struct ctl_conn *c, uint16_t type, const void *msg);

/* ctlnote.c: what it is, for the audit, and how it ended. */
void	ctlnote_begin(struct ctl_conn *c, const struct chan_msg *msg);
void	ctlnote_end(struct ctl_conn *c, const char *outcome);

/* ctlstatus.c */
void	ctlstatus_run(struct ctl_conn *c);
/* One of those in force.  0; E_NOTFOUND: there is none; or as ctl_send(). */
int	ctlstatus_snapshot(struct ctl_conn *c, enum snap_kind kind, struct span consumer);

/* ctlkeys.c: false when it is not about keys. */
bool	ctlkeys_run(struct ctl_conn *c, const struct chan_msg *msg);
void	ctlkeys_on_token(struct ctl_conn *c, const struct msg_TOKEN_IS *b);

/* ctlask.c: a question (enum worker_ask) to one worker or to all, whose lines go to mcpgwctl. */
void	ctlask_workers(struct ctl_conn *c, uint32_t what, struct span request, bool all);
/* An answer; fd stays the caller's. */
void	ctlask_on_says(struct ctl_conn *c, uint32_t slot, int fd, uint64_t bytes);
void	ctlask_on_worker_death(struct ctl_conn *c, uint32_t slot);
/* The socket of a trace goes to every worker; args: agent and server, each ended by NUL. */
void	ctlask_trace(struct ctl_conn *c, const struct chan_msg *msg);
/* About calls that wait for approval: which there are, or what becomes of one. */
void	ctlask_approval(struct ctl_conn *c, const struct msg_CTL *b);

/* ctlupgrade.c */
void	ctlupgrade_run(struct ctl_conn *c, const struct msg_CTL *b);
void	ctlupgrade_drain(struct ctl_conn *c, bool hold);

/* ctllogin.c: what mcpgw-scout does for somebody who logs in, or knows of it. */
void	ctllogin_run(struct ctl_conn *c, uint32_t what, const struct msg_CTL *b);
void	ctllogin_on_answer(struct ctl_conn *c, const struct msg_LOGIN_IS *b);

void	ctl_note(struct ctl_conn *c, unsigned level, struct span line);
void	ctl_done(struct ctl_conn *c, int exit_code);
int	ctl_send(struct ctl_conn *c, uint16_t type, const void *msg, const int *fds, unsigned fd_count);
/* Says why not, and ends the answer. */
void	ctl_refuse(struct ctl_conn *c, int exit_code, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

#endif
