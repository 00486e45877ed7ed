/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_reload.c - reload and check
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: the master's answer, the compiler's words.
 */
#include <inttypes.h>
#include <stdio.h>

#include "ctl/ask.h"
#include "ctl/files/checkjson.h"
#include "ctl/files/pending.h"
#include "ctl/folders.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/program.h"

static const struct opt	no_options[] = { { NULL, NULL, NULL } };

int
cmd_reload(struct ctl *ctl, int argc, char **argv)
{
	struct msg_CTL_DONE	done = { 0 };
	int			r;

	(void)opts_take(no_options, argc, argv, 0, 0);
	r = ask_simple(ctl, CTLCMD_reload, NULL, NULL, NULL, &done);
	if (ctl->json && (r == 0 || r == 1)) {
		out_json_begin();
		out_json_bool("in_force", r == 0);
		out_json_u64("generation", done.generation);
		out_json_u64("workers", done.workers);
		out_json_u64("ms", done.ms);
		out_json_end();
	} else if (r == 0) {
		printf("generation %" PRIu64 " in force in %u workers (%" PRIu64 " ms). Undo: mcpgwctl rollback\n",
		    done.generation, done.workers, done.ms);
	} else if (r == 1) {
		out_error("refused; the gateway keeps generation %" PRIu64, done.generation);
	}
	return out_end(r);
}

int
cmd_check(struct ctl *ctl, int argc, char **argv)
{
	char		*args[PROGRAM_ARGS_MAX], flag[] = "-t", personal[] = "-p", keeps[] = "-k", generation[24];
	struct snap	*running = NULL;
	size_t		 n = 0;

	(void)opts_take(no_options, argc, argv, 0, 0);
	args[n++] = (char *)(uintptr_t)"mcpgw-compile";
	args[n++] = flag;
	if (!ctl->where.system)
		args[n++] = personal;
	ctl->checks = true;
	if (pending_running(ctl, false, &running) == 0) {
		snprintf(generation, sizeof(generation), "%" PRIu64, snap_head(running)->generation);
		args[n++] = keeps;
		args[n++] = generation;
	}
	snap_release(&running);
	n = program_settings(ctl, folders_config(ctl), args, n);
	args[n] = NULL;
	if (ctl->json)
		return checkjson_run(args);
	program_become("mcpgw-compile", args);
}
