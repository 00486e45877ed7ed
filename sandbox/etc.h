/* SPDX-License-Identifier: Apache-2.0
 *
 * etc.h - the files of /etc a jail has of its own (operations.md 3)
 */
#ifndef SANDBOX_ETC_H
#define SANDBOX_ETC_H

#include "sandbox/jail.h"

/* Makes them below the folder `root`: passwd, group, hosts, hostname, nsswitch.conf, resolv.conf,
 * localtime.  With the host's network its resolv.conf and hosts are copied.  0, or E_SYS with *failed
 * naming the file (static). */
must_check int	etc_make(int root, const struct jail_spec *spec, const char **failed);

#endif
