/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_restart.c - server restart
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: the master's answer.
 */
#include <stdio.h>
#include <sysexits.h>

#include "ctl/ask.h"
#include "ctl/known.h"
#include "ctl/opts.h"
#include "ctl/out.h"

static void
take(uint16_t type, const union msg_any *body, int *fds, void *arg)
{
	(void)fds;
	if (type == MSG_TYPE_CTL_RESTARTED)
		*(struct msg_CTL_RESTARTED *)arg = body->CTL_RESTARTED;
}

int
cmd_server_restart(struct ctl *ctl, int argc, char **argv)
{
	const char			*tenant = "default";
	const struct opt		 rows[] = { { "--tenant", &tenant, NULL }, { NULL, NULL, NULL } };
	struct msg_CTL_RESTARTED	 said = { 0 };
	struct msg_CTL			 msg = { .command = CTLCMD_server_restart };
	struct ask			 a;
	int				 r;

	(void)opts_take(rows, argc, argv, 1, 1);
	if (known_missing(ctl, KNOWN_TENANT, "", tenant) || known_missing(ctl, KNOWN_SERVER, tenant, argv[0]))
		return EX_DATAERR;
	msg.a = span_of(argv[0]);
	msg.b = span_of(tenant);
	if ((r = ask_open(ctl, &a, true)) != 0)
		return r;
	ask_send(&a, MSG_TYPE_CTL, &msg, NULL, 0);
	r = ask_wait(&a, take, &said);
	ask_close(&a);
	if (r != 0)
		return r;
	if (ctl->json) {
		out_json_begin();
		out_json_text("server", span_of(argv[0]));
		out_json_u64("stopped", said.stopped);
		out_json_u64("finishing", said.finishing);
		out_json_end();
	} else if (said.stopped + said.finishing == 0) {
		printf("%s: no tool of it ran; its failures are forgotten, the next call starts it\n", argv[0]);
	} else {
		printf("%s: %u stopped, %u finish their calls first; the next call starts it anew\n", argv[0],
		    said.stopped, said.finishing);
	}
	return out_end(0);
}
