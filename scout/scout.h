/* SPDX-License-Identifier: Apache-2.0
 *
 * scout.h - what all files of the process share: its one struct, and its limits
 */
#ifndef SCOUT_SCOUT_H
#define SCOUT_SCOUT_H

#include "ipc/chan.h"
#include "lib/loop.h"
#include "lib/resolve.h"
#include "policy/swap.h"

#define SCOUT_NAMES_MAX		4096	/* hosts; those of more servers are not looked up */
#define SCOUT_LOOKUPS_MAX	32	/* under way */
#define SCOUT_VISITS_MAX	16	/* connections under way */

struct accounts;
struct errands;
struct keysets_table;
struct names;
struct vault;
struct visits;

struct scout {
	struct loop	*loop;
	struct chan	 master;
	struct swap	 snaps;
	struct resolver	*resolver;
	struct names	*names;
	struct visits	*visits;
	struct accounts	*accounts;	/* at servers with "auth" */
	struct errands	*errands;	/* upstream/errand.h: whatever the gateway fetches for itself */
	struct keysets_table *keysets;
	struct vault	*vault;
	uint64_t	 connect_ms, check_ms;	/* connect_timeout, upstream_check; 0: never */
	uint64_t	 made;			/* generation of the last catalogue */
	uint64_t	 serials;		/* of tokens, of attempts to get one, and of what the vault says */
	uint64_t	 made_keys;		/* and of the last key sets */
	bool		 ready;
	int		 exit_code;
};

#endif
