/* SPDX-License-Identifier: Apache-2.0
 *
 * filecheck.h - would the gateway take its files with this one among them?
 */
#ifndef CTL_FILES_FILECHECK_H
#define CTL_FILES_FILECHECK_H

#include "ctl/ctl.h"
#include "ctl/files/replace.h"

struct filecheck {
	struct ctl	*ctl;
	const char	*param;		/* "servers_file": what the file is to be */
};

/* For replace_file(): 0; E_FORMAT, with all that is wrong said; or E_SYS. */
replace_check_fn	filecheck_run;
/* Of servers_file alone, without a word: the compiler's lines are left in `to`, with its NUL.  True: it would do. */
bool			filecheck_servers(struct ctl *ctl, const char *path, char *to, size_t room);

#endif
