/* SPDX-License-Identifier: Apache-2.0
 *
 * after.c - what follows the yes: the gateway takes it, and what to type next
 *
 * Process: mcpgwctl.
 * Owns:    nothing.
 * Trusts:  the master's answers.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/command.h"
#include "ctl/files/replace.h"
#include "ctl/folders.h"
#include "ctl/import/after.h"
#include "ctl/import/approve.h"
#include "ctl/import/find.h"
#include "ctl/import/record.h"
#include "ctl/out.h"
#include "ctl/program.h"

/* ---- the gateway ----------------------------------------------------------------------------------- */

/* A packaged service is its manager's to start. */
static int
start_service(struct import *im)
{
	const char	*systemctl = find_on_path(im, "systemctl");
	const char	*argv[] = { "systemctl", "start", "mcpgw", NULL };
	pid_t		 pid;

	if (systemctl == NULL)
		return cmd_start(im->ctl, 0, NULL);
	fflush(stdout);
	if ((pid = fork()) == 0) {
		execv(systemctl, (char *const *)(uintptr_t)argv);
		_exit(EX_UNAVAILABLE);
	}
	return pid == -1 ? EX_OSERR : program_wait(pid);
}

int
after_start(struct import *im)
{
	char	*none[] = { NULL };

	if (im->ctl->config_given == NULL && im->ctl->setting_count == 0 &&
	    strncmp(where_how_to_start(&im->ctl->where), "systemctl", 9) == 0 &&
	    access("/lib/systemd/system/mcpgw.service", F_OK) == 0)
		return start_service(im);
	return cmd_start(im->ctl, 0, none);
}

static int
reload(struct import *im)
{
	struct msg_CTL_DONE	done = { 0 };
	int			r = ask_simple(im->ctl, CTLCMD_reload, NULL, NULL, NULL, &done);

	if (r != 0)
		out_error("written, but not in force: the gateway keeps generation %llu",
		    (unsigned long long)done.generation);
	else if (!im->ctl->json)
		printf("In force from generation %llu.\n", (unsigned long long)done.generation);
	return r;
}

/* ---- what to type next ------------------------------------------------------------------------------ */

static bool
has_command(const char *words)
{
	for (const struct command *c = commands; c->words != NULL; c++)
		if (strcmp(c->words, words) == 0)
			return true;
	return false;
}

static void
say_client(struct import *im)
{
	for (size_t i = 0; i < im->count; i++) {
		const struct import_server *s = &im->servers[i];

		if (s->fate != IMPORT_NEW && s->fate != IMPORT_CHANGED)
			continue;
		printf("Your client still starts these servers itself. To put the gateway between:\n"
		    "    mcpgwctl client --for claude-code --project %s --write\n", path_short(im, s->workspace));
		return;
	}
}

static void
say_next(struct import *im, const struct files *f)
{
	printf("Wrote %s and %s. Your project is unchanged.\n", path_short(im, f->servers),
	    replace_base_name(f->rules));
	if (im->ctl->where.system) {
		if (im->options.agent != NULL)
			printf("Who is this agent needs a key:\n    mcpgwctl key add --agent %s --name %s-1\n",
			    f->agent, f->agent);
		return;
	}
	if (f->servers_bytes == 0)
		printf("This jail is no fence against a program that has a shell as you: it could\n"
		    "change these rules itself. Approvals that must hold need the system's gateway.\n");
	if (has_command("client"))
		say_client(im);
}

int
after_written(struct import *im, const struct files *f, bool running)
{
	int	r;

	records_write(im);
	if (!im->ctl->json)
		say_next(im, f);
	fflush(stdout);
	if ((r = running ? reload(im) : after_start(im)) != 0)
		return r;
	return approve_shown(im);
}
