/* SPDX-License-Identifier: Apache-2.0
 *
 * loginstate.h - what the gateway knows of its token for a server with "auth", for people and programs
 */
#ifndef CTL_SHOW_LOGINSTATE_H
#define CTL_SHOW_LOGINSTATE_H

#include "ctl/ask.h"
#include "policy/records.h"

#define LOGINSTATE_BYTES	(16 * 1024)

struct loginstate {
	char	json[LOGINSTATE_BYTES];		/* as scout/login.c writes it; "": it has no "auth", or nobody knows */
	char	line[1024];			/* the same in words */
};

void	loginstate_ask(struct ctl *ctl, const struct rec_server *rec, struct span server, struct span tenant,
	    struct loginstate *out);

#endif
