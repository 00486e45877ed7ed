/* SPDX-License-Identifier: Apache-2.0
 *
 * private.h - folders of the host that live as long as a jail: what a reduced one has for /tmp
 *
 *   TENANT/.tmp/N          while its jail lives; N/home too where nothing is kept
 *   TENANT/.gone-N         when it is over, until a helper has removed it
 */
#ifndef SANDBOX_SPAWNER_PRIVATE_H
#define SANDBOX_SPAWNER_PRIVATE_H

#include "sandbox/spawner/spawner.h"

/* At start: what a spawner before left is over. */
void		private_begin(struct spawner *s);
/* Makes the folder for a jail in this place, and its path; `home` (may be NULL): one in it.  0 or E_SYS. */
must_check int	private_make(struct spawner *s, struct jailed *j, char tmp[PATH_MAX], char *home);
/* The jail is gone. */
void		private_over(struct spawner *s, struct jailed *j);
/* The helper is done; the next one, if there is more to remove. */
void		private_swept(struct spawner *s);

#endif
