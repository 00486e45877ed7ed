/* SPDX-License-Identifier: Apache-2.0
 *
 * vault_priv.h - between vault.c and vaultask.c
 */
#ifndef SCOUT_VAULT_PRIV_H
#define SCOUT_VAULT_PRIV_H

#include "policy/records.h"
#include "scout/vault.h"
#include "upstream/errand.h"

#define VAULT_WHY_MAX	400
#define VAULT_WANTS_MAX	1024	/* as many as the compiler lets pass */

struct vault_item {
	struct span	path, field;	/* the policy's, which is held */
	char		*value;		/* malloc'ed; NULL: there is none */
	size_t		 bytes;
	char		 why[VAULT_WHY_MAX];	/* ... and why */
};

enum vault_step { VAULT_LOGIN, VAULT_LOOKUP, VAULT_RENEW, VAULT_MOUNT, VAULT_READ };

struct vault {
	struct scout		*s;
	struct snap		*policy, *secrets;	/* held */
	const struct rec_vault	*rec;		/* NULL: nothing is wanted */
	uint64_t		 identity;	/* of whom is asked as whom, and of what is wanted */
	uint64_t		 wants;
	struct vault_item	*items;
	size_t			 count;
	bool			 changed;	/* since the master was told */
	bool			 told;		/* ... and the next policy is for that */
	/* the token */
	struct buf		 token;
	uint64_t		 got_ms, ends_ms;	/* wall clock; ends 0: it does not */
	bool			 renewable, looked;
	/* a round */
	struct errand		*errand;
	enum vault_step		 step;
	size_t			 at;		/* item */
	size_t			 mount;		/* bytes of its path */
	bool			 versions;
	bool			 again;		/* the token was refused once */
	unsigned		 fails;		/* rounds in a row */
	char			 said[VAULT_WHY_MAX];
	struct loop_timer	 timer;
};

/* vault.c */
void	vault_forget_token(struct vault *v);
/* What it is now; value empty: there is none, and why. */
void	vault_item_set(struct vault *v, struct vault_item *i, struct span value, const char *why);
/* A round is over: NULL, or what kept it from its end. */
void	vault_round_end(struct vault *v, const char *why);

/* vaultask.c: begins a round; none may be under way. */
void	vault_round_begin(struct vault *v);

#endif
