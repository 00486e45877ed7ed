/* SPDX-License-Identifier: Apache-2.0
 *
 * ctl.h - what every command of mcpgwctl is given
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/where.h"

#define CTL_SETTINGS_MAX	64

struct folders;

struct ctl {
	struct where	 where;
	struct folders	*folders;		/* folders.c's, once they are known */
	bool		 json;
	bool		 checks;		/* what is wrong in mcpgw.conf is said by the command itself */
	const char	*tenant;		/* whose files a command is about; NULL: "default"'s */
	const char	*config_given;		/* -c, as typed; NULL: the default */
	const char	*settings[CTL_SETTINGS_MAX];	/* -o name=value, as typed */
	size_t		 setting_count;
};

/* argv behind the command's words.  Answers the exit code. */
typedef int ctl_cmd_fn(struct ctl *, int argc, char **argv);

enum ctl_number {
#define CTLCMD(name, words, number, privilege, arguments, doc) CTLCMD_##name = number,
#include "tables/ctlcmds.def"
#undef CTLCMD
};

#define CTLCMD(name, words, number, privilege, arguments, doc) int cmd_##name(struct ctl *, int, char **);
#include "tables/ctlcmds.def"
#undef CTLCMD

#define EXIT_NOT_RUNNING_STATUS	3	/* `status`, as systemctl(1) */

#endif
