/* SPDX-License-Identifier: Apache-2.0
 *
 * lists_priv.h - entries, flights and who waits for a list, between lists.c, lists_entry.c and lists_wait.c
 */
#ifndef WORKER_LISTS_LISTS_PRIV_H
#define WORKER_LISTS_LISTS_PRIV_H

#include "lib/loop.h"
#include "worker/call/route.h"
#include "worker/lists/change.h"
#include "worker/lists/lists.h"
#include "worker/lists/pins.h"

#define LIST_MAGIC	0x11575001u
#define LIST_ENTRIES_MAX	8192
#define LIST_BUCKETS	2048		/* a power of two */
#define LIST_ANSWER_MAX	(16 * 1024 * 1024)
#define WAITERS_MAX	4096		/* of one list */

struct waiter;

struct waiters {			/* of one list; zero: nobody */
	struct waiter	*first;
	uint32_t	 count;
};

struct list_entry {
	uint32_t		 magic;
	struct list_entry		*next;		/* of the bucket */
	struct lists		*lists;
	uint64_t		 profile;
	struct list_owner	 owner;
	enum list_kind		 kind;
	struct catalogue	*list;		/* NULL: never answered */
	struct about		*about;		/* of LIST_ABOUT; NULL: never answered */
	uint64_t		 checked_ms;	/* when it was last looked at because it changed */
	uint64_t		 pinned_as;	/* of LIST_TOOLS: whose pins `list` has; 0: it has none */
	uint64_t		 shown_as;	/* of LIST_TOOLS: rec_server.changes that `list` shows */
	uint64_t		 at_ms;		/* of the last answer or failure; 0: never asked */
	uint64_t		 used_ms;
	uint64_t		 said_ms;	/* how long the server lets it be kept; 0: it does not say */
	bool			 modern;	/* ... whose era is that of ttlMs */
	bool			 failed;
	bool			 no_token;	/* ... because the gateway had none */
	char			 why[256];

	/* the flight */
	bool			 flying;
	bool			 expired;	/* the list changed since it began */
	struct config		*config;	/* held */
	const struct rec_server	*server;
	struct route		 route;
	struct buf		 up, answer;
	const struct rpc_answer	*whole;		/* instead of answer, until on_end has run */
	struct catalogue	*build;		/* the one that grows */
	struct change_source	 change;	/* of it */
	struct pins_flight	 pinning;
	struct buf		 cursor;	/* raw JSON text of the next page's */
	unsigned		 pages, tries;
	struct loop_timer	 again;
	uint64_t		 deadline_ms;
	struct waiters		 waiters;
};

struct lists {
	struct worker	*w;
	struct list_entry	*buckets[LIST_BUCKETS];
	uint32_t	 count;
};

/* lists_entry.c */
/* The entries of an instance's lists of one kind, whatever its clients can do; others are among them. */
struct list_entry	**list_bucket(struct lists *l, uint64_t profile, uint64_t instance, enum list_kind kind);
/* NULL: there is none. */
struct list_entry	*list_find(struct lists *l, uint64_t profile, struct list_owner owner, enum list_kind kind);
/* Made when there is none; another one may go for it, none that flies.  NULL: no memory, or too many fly. */
struct list_entry	*list_get(struct lists *l, uint64_t profile, struct list_owner owner, enum list_kind kind);
/* lists.c: the timer of an entry. */
void			 list_on_again(struct loop_timer *t, void *entry);

/* late: the list being fetched is not new enough for it, it waits for the next one.  0, E_FULL or E_NOMEM. */
must_check int	waiters_add(struct waiters *of, struct lists_wait *wait, bool late);
/* Those who are not late; the others are not late any more.  For waiters_serve(), which must follow. */
struct waiter	*waiters_take(struct waiters *of);
/* Each has one list less to wait for; done comes from here. */
void		waiters_serve(struct waiter *taken);

#endif
