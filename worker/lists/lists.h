/* SPDX-License-Identifier: Apache-2.0
 *
 * lists.h - what the servers list, and say of themselves, as this worker knows it
 *
 * Until scout publishes the catalogue for all, each worker asks by itself, lazily, one flight per
 * (server, instance, kind) at a time.  A server that does not answer is left out, and asked again later.
 */
#ifndef WORKER_LISTS_LISTS_H
#define WORKER_LISTS_LISTS_H

#include "mcp/catalogue.h"
#include "policy/records.h"
#include "worker/front/about.h"

struct worker;
struct config;
struct lists;
struct lists_wait;
struct waiter;

/* A kind of catalogue, or what the server says of itself. */
enum list_kind {
	LIST_TOOLS = CATALOGUE_TOOLS, LIST_PROMPTS = CATALOGUE_PROMPTS,
	LIST_RESOURCES = CATALOGUE_RESOURCES, LIST_TEMPLATES = CATALOGUE_TEMPLATES,
	LIST_ABOUT = CATALOGUE_KINDS
};

/* For whom: whose instance of the server is asked, and with which client's capabilities, since a legacy server may
 * show more to a client that can do more (mcp-wire 14.3). */
struct list_owner {
	uint64_t	instance, capabilities;
};

typedef void lists_done_fn(struct lists_wait *, void *arg);

/* Embedded by whoever waits for lists; done comes once, also when nothing had to be waited for. */
struct lists_wait {
	uint32_t	 left;
	struct waiter	*waiters;	/* for the lists that are still to come */
	lists_done_fn	*done;
	void		*arg;
};

must_check int	lists_new(struct worker *w, struct lists **out);
/* Entries of profiles that are no more are dropped as they age; what runs goes on. */
void		lists_policy_changed(struct lists *l);
/* Other pins are in force, or count otherwise. */
void		lists_pins_changed(struct lists *l);
/* There are other tokens for servers with "auth". */
void		lists_tokens_changed(struct lists *l);

/* Begins a wait; lists_want() for each server; then lists_ready(), which may call done at once.  Who is
 * not patient does not wait for a server that failed the last time: it is asked again all the same, and
 * its tools are there the next time.  So one dead server delays nobody's list twice. */
void		lists_begin(struct lists_wait *wait, lists_done_fn *done, void *arg);
void		lists_want_kind(struct lists *l, struct lists_wait *wait, struct config *config,
		    const struct rec_server *server, struct list_owner owner, enum list_kind kind, bool patient);
void		lists_ready(struct lists_wait *wait);
/* Is there a list to be waited for?  Asked before lists_ready(). */
bool		lists_waits(const struct lists_wait *wait);
/* Done does not come any more.  What is being fetched is fetched all the same. */
void		lists_leave(struct lists_wait *wait);
/* What is known, or just being asked for, is too old, for clients of any capabilities: who wants it from now
 * on waits for a new one. */
void		lists_expire(struct lists *l, uint64_t profile, uint64_t instance, enum list_kind kind);

/* What is known now: NULL when the server never answered, or not the last time; then *why says so, for
 * people.  Borrowed until the end of the turn. */
const struct catalogue *lists_find_kind(struct lists *l, const struct rec_server *server,
		    struct list_owner owner, enum list_kind kind, struct span *why);
/* NULL when it is not known.  What was known holds while the server is away.  Borrowed as above. */
const struct about *lists_about(struct lists *l, const struct rec_server *server, struct list_owner owner);

/* Tools are asked for most. */
static inline void
lists_want(struct lists *l, struct lists_wait *wait, struct config *config,
    const struct rec_server *server, struct list_owner owner, bool patient)
{
	lists_want_kind(l, wait, config, server, owner, LIST_TOOLS, patient);
}

static inline const struct catalogue *
lists_find(struct lists *l, const struct rec_server *server, struct list_owner owner, struct span *why)
{
	return lists_find_kind(l, server, owner, LIST_TOOLS, why);
}

#endif
