/* SPDX-License-Identifier: Apache-2.0
 *
 * heir.h - what a master leaves to the one that takes its place (docs/upgrade.md)
 *
 * The two are started from different releases, so what is here never changes its meaning; what one of them does not
 * know is passed over.  Whatever the heir did not get, or cannot use, it makes anew.
 */
#ifndef MASTER_HEIR_H
#define MASTER_HEIR_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "ipc/chan.h"
#include "lib/err.h"
#include "master/listen.h"
#include "master/snapset.h"
#include "shm/region.h"

struct master;
struct msg_HEIRLOOM;

#define HEIR_FD		3		/* of the new program: its channel to the master before */

/* HEIRLOOM: a descriptor. */
enum heirloom {
	HEIRLOOM_LISTENER = 1,	/* number: enum listen_kind; name: as asked, a blank, the real address */
	HEIRLOOM_REGION,	/* number: enum region_kind */
	HEIRLOOM_KEYRING,	/* of sealed tokens */
	HEIRLOOM_TICKETS,	/* of TLS sessions */
	HEIRLOOM_PID,		/* run_dir/pid, locked */
	HEIRLOOM_MARKER,	/* state_dir/running, locked */
	HEIRLOOM_CTL,		/* the listening ctl.sock */
	HEIRLOOM_SNAPSHOT,	/* number: enum snap_kind; value: generation */
	HEIRLOOM_STANDIN,	/* to whoever stands in for a supervisor's first master (standin.h) */
	/* From the heir, of the same HEIR_FACT_PROTOCOL */
	HEIRLOOM_PEER,		/* number: slot of one of your workers; value: slot and incarnation of mine, which holds
				 * the other end of this stream (ipc/peer.h) */
	/* From the heir, to one that said HEIR_FACT_FORMAT, its own */
	HEIRLOOM_OFFERED,	/* number: enum snap_kind; value: generation; name: consumer.  For your children, once
				 * HEIR_FACT_OFFERED says that all are there */
};

/* HEIR_FACT: a number or a text. */
enum heir_fact {
	HEIR_FACT_VERSION = 1,	/* name; the heir says its own, too */
	HEIR_FACT_BOOT,		/* value */
	HEIR_FACT_GENERATION,	/* value: the last one given */
	HEIR_FACT_SLOT,		/* number: slot; value: the incarnation that is in it, or was last */
	HEIR_FACT_BUSY,		/* value: slots with a process, a bit each */
	HEIR_FACT_NOTIFY,	/* name: the service manager's socket; value: how often in ms it wants a sign of life */
	HEIR_FACT_END,		/* all was said */
	/* From the heir */
	HEIR_FACT_WANT_RECORD,	/* store, auditor and scout are to end, so that mine can start */
	HEIR_FACT_SERVES,	/* every worker of mine accepts connections */
	HEIR_FACT_HURRY,	/* I am told to stop: let your workers finish now */
	/* From the master before */
	HEIR_FACT_RECORD_YOURS,	/* they have ended */
	HEIR_FACT_TAKEN,	/* the place is yours; my workers retire */
	HEIR_FACT_WRITER_OVER,	/* number, value: this slot's incarnation is dead */
	/* From the heir */
	HEIR_FACT_SETTLED,	/* its name stands everywhere; whoever waits for the upgrade may hear of it */
	/* From the master before */
	HEIR_FACT_HOLDS,	/* an operator drains the gateway */
	HEIR_FACT_PROTOCOL,	/* number: IPC_PROTOCOL; the heir says its own, too: where it is the same,
				 * QUOTA_MARK of the workers of before goes to its store */
	HEIR_FACT_FORMAT,	/* number: SNAP_FORMAT; HEIRLOOM_OFFERED of that form are offered to my children */
	/* From the heir */
	HEIR_FACT_OFFERED,	/* number: kinds, a bit each; value: the generation they came with */
	/* From the master before */
	HEIR_FACT_IN_FORCE,	/* value: of HEIR_FACT_OFFERED; every worker of mine has it, or is gone */
	HEIR_FACT_DECIDED,	/* name: what an operator said of a call that waits for approval (approvals.h) */
};

struct heir {
	bool			 is;		/* there was a master before */
	bool			 lives;		/* and it is there still, with its workers */
	bool			 yours, taken;	/* it said so */
	struct chan		 chan;		/* while it lives */
	pid_t			 old_pid;
	char			 version[48];	/* its */
	uint64_t		 boot, generation;
	uint32_t		 protocol;	/* its IPC_PROTOCOL; 0: it did not say */
	uint32_t		 format;	/* its SNAP_FORMAT, if its workers take what comes into force here */
	uint64_t		 has;		/* the last generation that all of them have */
	uint64_t		 busy;		/* slots of its workers */
	uint32_t		 incarnation[65];	/* by slot; mcpgw-egress behind the workers */
	char			 notify[108];	/* its service manager's socket; empty: none */
	uint64_t		 alive_ms;
	int			 region[REGION_LIMIT], keyring, tickets, pid_fd, marker_fd, ctl_fd, standin_fd;
	struct listeners	 listeners;
	struct snapset		 snaps;		/* of what a scout found */
	struct loop_timer	 late;		/* its workers outlive it by two seconds */
};

void	heir_init(struct heir *h);
void	heir_fini(struct heir *h);

/* The old side: all there is, on this channel.  An error when it cannot be sent. */
must_check int	heir_bequeath(struct master *m, struct chan *c);
must_check int	heir_say(struct chan *c, enum heir_fact fact, uint32_t number, uint64_t value, const char *name);
/* fd -1: there is none, and nothing is sent. */
must_check int	heir_give(struct chan *c, enum heirloom kind, uint32_t number, uint64_t value, const char *name,
		    int fd);
/* The slots as they are now. */
must_check int	heir_say_slots(struct master *m, struct chan *c);

/* The new side, before its start: reads up to HEIR_FACT_END from HEIR_FD, then says its version.  E_CLOSED when the
 * other is gone, or what frame_recv() answers. */
must_check int	heir_receive(struct master *m);
/* Asks for the store and the audit, and waits: 0, or E_CLOSED when the master before is gone. */
must_check int	heir_want_record(struct master *m);
/* Is there still such a worker of the master before, which ours can speak to?  incarnation 0: whichever has the
 * slot. */
bool	heir_has_worker(const struct master *m, uint32_t slot, uint32_t incarnation);
/* A stream between one of ours and that one: this end goes there.  False: it cannot be sent. */
bool	heir_peer(struct master *m, const struct child *ours, uint32_t slot, int fd);
/* All workers serve: waits until the place is ours.  The same. */
must_check int	heir_take(struct master *m);
/* Its pid and its listeners are where others look for them. */
void	heir_settled(struct master *m);
/* It is to end soon. */
void	heir_hurry(struct master *m);

/* heirsnaps.c.  What is in force now of these kinds (1 << enum snap_kind) goes to its workers, too; they are told to
 * finish where they cannot read it. */
void	heir_offer(struct master *m, unsigned kinds, uint64_t generation);
/* The same of what came into force while it still had the place. */
void	heir_offer_first(struct master *m);
/* Has every worker of the master before what was offered with this generation, or is gone? */
bool	heir_has(const struct master *m, uint64_t generation);
/* The old side: one of them, *fd is taken over; all of them; a child of ours has taken one, or is gone. */
void	heir_take_offered(struct master *m, const struct msg_HEIRLOOM *b, int *fd);
void	heir_on_offered(struct master *m, unsigned kinds, uint64_t generation);
void	heir_look(struct master *m);

#endif
