/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_diff.c - diff: what would change if the files on disk were put in force
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.
 * Trusts:  the policy in force; the compiler for what the files say.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/compare/compiled.h"
#include "ctl/files/pending.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/log.h"

#define CHANGES	1

int
cmd_diff(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt	 no_options[] = { { NULL, NULL, NULL } };
	struct compiled_plan	 plan = { .what = COMPILE_POLICY, .errors = true };
	struct snap		*running = NULL, *files = NULL;
	struct compare		 c;
	char			 folder[PATH_MAX];
	int			 r;

	argc = opts_take(no_options, argc, argv, 0, 1);
	if (argc == 1 && realpath(argv[0], folder) == NULL)
		fatal(EX_NOINPUT, "%s: %s", argv[0], strerror(errno));
	if ((r = pending_running(ctl, true, &running)) != 0)
		return r;
	plan.config_dir = argc == 1 ? folder : NULL;
	plan.as_running = running;
	if (!compiled_read(ctl, &plan, &files)) {
		snap_release(&running);
		out_error("the files do not compile, so nothing can be compared: mcpgwctl check");
		return EX_CONFIG;
	}
	compare_make(running, files, pending_known, ctl, &c);
	compare_print(ctl, &c);
	r = compare_any(&c) ? CHANGES : 0;
	compare_fini(&c);
	snap_release(&files);
	snap_release(&running);
	return out_end(r);
}
