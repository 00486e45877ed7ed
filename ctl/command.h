/* SPDX-License-Identifier: Apache-2.0
 *
 * command.h - tables/ctlcmds.def as an array
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "ctl/ctl.h"

#define COMMAND_WORDS_MAX	3

struct command {
	const char	*words, *arguments, *doc;
	ctl_cmd_fn	*run;
};

extern const struct command commands[];		/* the last has no words */

/* Words of other tools count for ours (tables/ctlaliases.def).  NULL when no command begins like this; *used is how
 * many of argv its words took. */
const struct command	*command_find(int argc, char **argv, int *used);
/* Each word of another tool that is taken, once: "* ls" is one behind any noun. */
void			 command_aliases(void (*fn)(const char *typed, const char *from, const char *ours));
/* Says what could have been meant, and exits with EX_USAGE. */
_Noreturn void		 command_unknown(int argc, char **argv);

#endif
