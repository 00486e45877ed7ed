/* SPDX-License-Identifier: Apache-2.0
 *
 * birth.c - from exec to GO
 *
 * Process: mcpgw-runner, mcpgw-spawn, mcpgw-audit, mcpgw-store.  Owns: nothing beyond a call.
 * Trusts:  the master, which is the only one that speaks until READY.
 */
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

#include "ipc/birth.h"
#include "ipc/heritage.h"
#include "ipc/wait.h"
#include "lib/log.h"

void
birth_begin(const char *program)
{
	log_init_child(program, HERITAGE_LOG);
	signal(SIGPIPE, SIG_IGN);
	/* A key typed at the master's terminal goes to the whole group; the master decides what we do. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

void
birth_log_level(uint32_t flags)
{
	uint32_t	level = flags >> BOOT_LEVEL_SHIFT & 7;

	if (level >= LOG_LEVEL_ERR)
		log_set_level((enum log_level)level);
}

void
birth_tell(uint16_t type, uint64_t ref, const void *msg)
{
	int	r = chan_send_wait(HERITAGE_CONTROL, type, ref, msg, NULL, 0);

	if (r == E_CLOSED)
		exit(EX_UNAVAILABLE);	/* as below: it ends while we begin */
	if (r != 0)
		fatal(EX_UNAVAILABLE, "cannot speak to the master: %s", err_text(r));
}

void
birth_hear(enum role me, birth_fn *fn, void *arg)
{
	static char	room[FRAME_MAX];
	struct frame	f;
	union msg_any	body;
	int		r;

	do {
		r = chan_recv_wait(HERITAGE_CONTROL, me, ROLE_MASTER, false, room, &f, &body);
		if (r == E_CLOSED)
			exit(EX_UNAVAILABLE);	/* the master is dead: nobody waits for this */
		if (r != 0)
			fatal(EX_UNAVAILABLE, "no word from the master: %s", err_text(r));
		if (f.head.type == MSG_TYPE_PING)
			birth_tell(MSG_TYPE_PING, f.head.ref, &body.PING);
		else if (f.head.type == MSG_TYPE_BOOT)
			birth_log_level(body.BOOT.flags);
		fn(&f, &body, arg);
		frame_close_fds(&f);
	} while (f.head.type != MSG_TYPE_GO);
}
