/* SPDX-License-Identifier: Apache-2.0
 *
 * folders.h - where this gateway's sockets and state are: mcpgw.conf, as the compiler reads it
 */
#ifndef CTL_FOLDERS_H
#define CTL_FOLDERS_H

#include <sys/types.h>

#include "ctl/ctl.h"
#include "policy/params.h"

/* The configuration folder, absolute. */
const char	*folders_config(struct ctl *ctl);
/* Of ctl->tenant: its name, and the folder of its files.  A tenant without a folder ends the program, said. */
const char	*folders_tenant(const struct ctl *ctl);
const char	*folders_tenant_dir(struct ctl *ctl);
/* params_load(), with that tenant's own files in the place of those of "default". */
must_check int	 folders_params(struct ctl *ctl, const struct snap *from, struct params *out);
/* "PARAMETER=VALUE", or "TENANT/PARAMETER=VALUE" of that tenant: for -o. */
void		 folders_setting(const struct ctl *ctl, const char *parameter, const char *value, char *to,
		    size_t room);
/* A file as the compiler names it: below the configuration folder without that in front. */
const char	*folders_shown(struct ctl *ctl, const char *path);
/* run_dir and state_dir; read once.  When mcpgw.conf cannot be read that is said, and the defaults
 * serve: a broken file must not keep anybody from `status`. */
const char	*folders_run(struct ctl *ctl);
const char	*folders_state(struct ctl *ctl);
/* The pid of a gateway that holds run_dir/pid, or 0. */
long		 folders_running_pid(struct ctl *ctl);
/* The parameter `socket`. */
const char	*folders_socket(struct ctl *ctl);
/* Whom that tenant's tools run as when root starts the gateway: the parameter `tenant_user`. */
const char	*folders_tenant_user(struct ctl *ctl);
/* The group that reads the configuration of root's gateway: of the compiler's user, whom the master finds likewise. */
gid_t		 folders_reader_group(void);
/* Makes state_dir as the gateway would, when it is not there yet: what is put there must not make it otherwise. */
void		 folders_make_state(struct ctl *ctl);
/* What was read; before the ctl goes, when it is not the program's own. */
void		 folders_forget(struct ctl *ctl);

#endif
