/* SPDX-License-Identifier: Apache-2.0
 *
 * pins.h - definitions of tools between workers, store and operator
 */
#ifndef MASTER_PINS_H
#define MASTER_PINS_H

#include "lib/loop.h"
#include "master/children.h"

struct ctl_conn;

/* What the store said of them, and their descriptor. */
struct pins_made {
	int		fd;			/* -1: nothing */
	uint64_t	generation;
	uint32_t	held;
	char		first[192];
};

struct pins {
	bool			 came;		/* the store said something of them since it started */
	uint32_t		 held;		/* tools that wait for somebody */
	char			 first[192];	/* one of them */
	struct loop_timer	 limit;		/* of mcpgwctls that wait for workers */
	struct pins_made	 made;		/* for which there was no memory; they are taken again */
	struct loop_timer	 again;
};

void	pins_init(struct master *m);
void	pins_fini(struct master *m);

/* From status.c.  fd: of the message; taken. */
void	pins_on_seen(struct child *worker, const struct chan_msg *msg);
void	pins_on_kept(struct master *m, const struct msg_STORE_PIN_KEPT *b);
void	pins_on_pins(struct master *m, int *fd, const struct msg_STORE_PINS *b);
/* A worker has them, or is gone. */
void	pins_look(struct master *m);
/* Have all workers that serve the pins of this generation? */
bool	pins_everywhere(const struct master *m, uint64_t generation);

/* From ctlcmd.c: the number of the pins in force, which every worker is to have soon. */
uint64_t pins_generation(const struct master *m);
void	pins_expect(struct master *m);
/* What mcpgwctl shows to be approved.  0 or E_*: the store is not there. */
must_check int pins_approve(struct master *m, uint64_t ref, uint32_t uid, int fd, const struct msg_CTL_PIN_APPROVE *b);

#endif
