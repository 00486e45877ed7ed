/* SPDX-License-Identifier: Apache-2.0
 *
 * upgrade.h - another master takes this one's place, and no connection is lost (docs/upgrade.md)
 */
#ifndef MASTER_UPGRADE_H
#define MASTER_UPGRADE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/chan.h"
#include "lib/loop.h"

struct ctl_conn;
struct master;
struct msg_QUOTA_MARK;

struct upgrade {
	enum upgrade_state	 state;
	bool			 record_given;	/* store, auditor and scout have ended for it */
	bool			 want_record;
	unsigned		 reload_due;	/* somebody wanted one meanwhile: of COMPILE_POLICY | COMPILE_KEYS */
	bool			 again;		/* and another upgrade */
	bool			 recovers;	/* from one that came to nothing */
	int			 exit_code;	/* of the new program's check, or of itself */
	pid_t			 pid;		/* of the check, then of the new master */
	int			 out;		/* what the check writes, or -1 */
	struct loop_io		 io;
	bool			 reads;
	char			 said[8192];
	size_t			 said_bytes;
	uint32_t		 warnings;
	struct chan		 chan;		/* to the new master */
	bool			 has_chan;
	char			 version[48];	/* its */
	uint32_t		 protocol;	/* its IPC_PROTOCOL; 0: it did not say */
	char			 why[512];	/* why the last one came to nothing */
	uint64_t		 began_ms, ended_ms;	/* 0: none began; the last one came to nothing then */
	bool			 signalled;	/* wanted by more than those of mcpgwctl that wait */
	uint64_t		 offered;	/* by the new one, and not in force in all our workers yet; or 0 */
	unsigned		 offered_kinds;
	struct loop_timer	 timer;
	bool			 timed;		/* timer was used */
	int			 standin_fd;	/* our stand-in's channel, or ours to be one; -1: none */
	int			 standin_own;	/* our end of it: we will stand in; -1: we will not */
};

void	upgrade_init(struct master *m);
void	upgrade_fini(struct master *m);

/* Checks the configuration with the program that is installed now, starts it, and leaves the place to it.  While one is
 * under way another is begun after it.  c: who waits, or NULL. */
void	upgrade_begin(struct master *m, struct ctl_conn *c);
/* One of mcpgwctl that waited for it was ended: what has not begun is called off when nobody else wants it. */
void	upgrade_left(struct master *m);
/* How it stands, for CTL_UPGRADE. */
void	upgrade_report(struct master *m, struct ctl_conn *c);
/* True: this reload waits, since the new master reads files and keys itself; it is told.  When it does not come to
 * serve, the reload follows. */
bool	upgrade_defers_reload(struct master *m, unsigned what);
/* Another master serves; this one's workers retire. */
bool	upgrade_is_over_to_other(const struct master *m);
/* A pid that is no child's ended; false: it is none of ours. */
bool	upgrade_on_exit(struct master *m, pid_t pid, int status);
/* This master is to stop: so is the new one, which does not serve yet; and whether it is still there. */
void	upgrade_abandon(struct master *m);
bool	upgrade_is_pending(const struct master *m);
/* One of ours that wrote records is dead: the auditor is another master's. */
bool	upgrade_tell_over(struct master *m, uint32_t slot, uint32_t incarnation);
/* What one of our workers counts of a quota: the store is another master's. */
void	upgrade_tell_mark(struct master *m, const struct msg_QUOTA_MARK *mark);
/* A child ended: is all gone that was to make place? */
void	upgrade_look(struct master *m);
/* TERM, HUP and the like came to us instead of the new master. */
bool	upgrade_pass_on(struct master *m, int signo);

#endif
