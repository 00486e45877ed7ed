/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_rollback.c - rollback: the policy that served before the last change
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: the master, which keeps that policy.
 */
#include <inttypes.h>
#include <stdio.h>

#include "ctl/ask.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/log.h"

int
cmd_rollback(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	no_options[] = { { NULL, NULL, NULL } };
	struct msg_CTL_DONE	done = { 0 };
	int			r;

	(void)opts_take(no_options, argc, argv, 0, 0);
	if ((r = ask_simple(ctl, CTLCMD_rollback, NULL, NULL, NULL, &done)) != 0)
		return out_end(r);
	if (ctl->json) {
		out_json_begin();
		out_json_bool("in_force", true);
		out_json_u64("generation", done.generation);
		out_json_u64("workers", done.workers);
		out_json_u64("ms", done.ms);
		out_json_end();
		return out_end(0);
	}
	printf("generation %" PRIu64 " in force in %u workers (%" PRIu64 " ms): the policy before the last change.\n",
	    done.generation, done.workers, done.ms);
	fflush(stdout);
	out_note(LOG_LEVEL_NOTICE, SPAN_LIT("The files still hold that change, and the next reload or restart puts it "
	    "in force again. See: mcpgwctl diff"));
	return out_end(0);
}
