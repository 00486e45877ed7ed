/* SPDX-License-Identifier: Apache-2.0
 *
 * pending.c - changes to the files, and putting them in force without putting others in force too
 *
 * Process: mcpgwctl.
 * Owns:    the policies of a struct pending.
 * Trusts:  the master for what is in force.
 *
 * A command that changes one line of a file must not bring into force what somebody else is still writing there, nor
 * undo a rollback.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

#include "ctl/ask.h"
#include "ctl/compare/compiled.h"
#include "ctl/files/pending.h"
#include "ctl/out.h"
#include "ctl/show/pinread.h"
#include "lib/log.h"

#define REFUSED	1

int
pending_running(struct ctl *ctl, bool say, struct snap **out)
{
	struct ask	a;
	int		r;

	*out = NULL;
	if ((r = ask_open(ctl, &a, say)) != 0)
		return r;
	ask_command(&a, CTLCMD_explain, NULL);
	r = ask_wait(&a, ask_take_snapshot, out);
	ask_close(&a);
	return r == 0 && *out == NULL ? EX_PROTOCOL : r;
}

void
pending_known(compare_tool_fn *fn, void *arg, void *known)
{
	static struct pinread	 pins;		/* for the life of the program: what is found points into it */
	static bool		 was_read;
	struct ctl		*ctl = known;

	/* Without them a comparison says less, and is as true. */
	if (!was_read)
		(void)pinread_open(ctl, CTLCMD_tool_list, "", "", &pins);
	was_read = true;
	for (size_t i = 0; i < pins.count; i++)
		fn(pins.tools[i].tenant, pins.tools[i].server, pins.tools[i].name, arg);
}

int
pending_begin(struct ctl *ctl, struct pending *p)
{
	struct compiled_plan	plan = { .what = COMPILE_POLICY, .errors = true };
	struct compare		c;
	int			r;

	*p = (struct pending){ .ctl = ctl };
	r = pending_running(ctl, false, &p->running);
	if (r == EX_NOPERM)
		out_error("ctl.sock: you are not root or in group mcpgw-admin");
	if (r != 0 && r != EX_UNAVAILABLE)
		return r;
	plan.as_running = p->running;
	if (!compiled_read(ctl, &plan, &p->files)) {
		pending_end(p);
		out_error("the files do not compile, so nothing was changed: mcpgwctl check");
		return EX_CONFIG;
	}
	if (p->running != NULL) {
		compare_make(p->running, p->files, NULL, NULL, &c);
		p->others = compare_any(&c);
		compare_fini(&c);
	}
	return 0;
}

void
pending_end(struct pending *p)
{
	snap_release(&p->running);
	snap_release(&p->files);
}

int
pending_apply(struct pending *p)
{
	struct msg_CTL_DONE	done = { 0 };
	int			r;

	if (p->running == NULL || p->others) {
		if (p->running == NULL)
			out_note(LOG_LEVEL_NOTICE, SPAN_LIT("no gateway runs; it will be in force from the next start "
			    "on"));
		else
			out_note(LOG_LEVEL_WARNING, SPAN_LIT("not yet in force: the files hold other changes too. See "
			    "mcpgwctl diff, then: mcpgwctl reload"));
		if (p->ctl->json && !p->quiet) {
			out_json_begin();
			out_json_text("change", SPAN_LIT("pending"));
			out_json_bool("running", p->running != NULL);
			out_json_end();
		}
		return 0;
	}
	if ((r = ask_simple(p->ctl, CTLCMD_reload, NULL, NULL, NULL, &done)) == REFUSED)
		out_error("changed, but refused; the gateway keeps generation %" PRIu64, done.generation);
	if (r != 0 || p->quiet)
		return r;
	if (p->ctl->json) {
		out_json_begin();
		out_json_text("change", SPAN_LIT("in_force"));
		out_json_u64("generation", done.generation);
		out_json_end();
	} else {
		printf("%s%sgeneration %" PRIu64 " in force in %u workers (%" PRIu64 " ms). Undo: %s\n",
		    p->done == NULL ? "" : p->done, p->done == NULL ? "" : ": ", done.generation, done.workers,
		    done.ms, p->undo == NULL ? "mcpgwctl rollback" : p->undo);
	}
	return 0;
}
