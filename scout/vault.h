/* SPDX-License-Identifier: Apache-2.0
 *
 * vault.h - values of ${vault:}: fetched at each policy and now and then, and told to the master when one is another
 */
#ifndef SCOUT_VAULT_H
#define SCOUT_VAULT_H

#include "scout/scout.h"

struct vault;

must_check int	vault_new(struct scout *s, struct vault **out);
void		vault_free(struct vault **v);
/* The policy in force, its secrets, and what an earlier scout found. */
void		vault_set_policy(struct vault *v);

#endif
