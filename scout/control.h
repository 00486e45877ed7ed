/* SPDX-License-Identifier: Apache-2.0
 *
 * control.h - the master's channel: birth, snapshots, what was found, the end
 */
#ifndef SCOUT_CONTROL_H
#define SCOUT_CONTROL_H

#include "scout/scout.h"

must_check int	control_init(struct scout *s);
void		control_fini(struct scout *s);
/* A catalogue, for the workers; fd stays the caller's. */
must_check int	control_catalogue(struct scout *s, int fd, uint64_t generation, uint64_t length);
/* Tokens for the workers; fd stays the caller's. */
must_check int	control_tokens(struct scout *s, int fd, uint64_t generation, uint64_t length);
/* What a login gave, for the store; empty bytes: nothing is to be kept any more. */
void		control_keep(struct scout *s, struct span tenant, struct span server, struct span issuer,
		    struct span bytes);
/* Answers LOGIN. */
void		control_login(struct scout *s, uint64_t ref, int exit_code, struct span text, struct span issuer);
/* The same for key sets. */
must_check int	control_keysets(struct scout *s, int fd, uint64_t generation, uint64_t length);
/* What the vault said, for compilers; the same. */
must_check int	control_vault(struct scout *s, int fd, uint64_t generation, uint64_t length);
/* A server cannot be connected to; or, with "", it can again. */
void		control_report(struct scout *s, struct span tenant, struct span server, const char *error);

#endif
