/* SPDX-License-Identifier: Apache-2.0
 *
 * pins.h - may what a server lists be shown and called?  (docs/pins.md)
 *
 * Looked at where a list is read, so that a call finds the answer beside the tool.  A definition that is in no pins
 * goes to the store, and its list waits until it is there, for what is shown must still be so after a crash.
 */
#ifndef WORKER_LISTS_PINS_H
#define WORKER_LISTS_PINS_H

#include "lib/buf.h"
#include "lib/loop.h"
#include "mcp/catalogue.h"
#include "policy/records.h"

struct worker;
struct config;
struct pins;
struct pins_flight;
struct suspect_names;

/* error: 0, or why some definitions are not in the store; they are not shown. */
typedef void pins_done_fn(int error, void *arg);

/* Embedded by whoever read the list; zero at first. */
struct pins_flight {
	struct pins_flight	*next;		/* of those that wait for the store */
	struct worker		*w;
	const struct config	*config;
	const struct rec_server	*server;
	struct catalogue	*list;
	const struct catalogue	*before;
	size_t			 at;
	struct suspect_names	*others;	/* what other servers' tools are called; NULL: not needed yet */
	struct buf		 batch;		/* definitions for the store (mcp/pin.h) */
	uint64_t		 number, until_ms;
	bool			 waits;
	struct loop_timer	 timer;
	pins_done_fn		*done;
	void			*arg;
};

must_check int	pins_new(struct worker *w, struct pins **out);
/* Does this configuration ask for any of it? */
bool		pins_matter(const struct config *config);
/* Gives each tool of a finished list its pin and its standing; `before`, NULL or the same server's list of last time,
 * saves work.  All are borrowed until done, which may come at once. */
void		pins_begin(struct pins_flight *f, struct worker *w, const struct config *config,
		    const struct rec_server *server, struct catalogue *list, const struct catalogue *before,
		    pins_done_fn *done, void *arg);
/* Their standings by the pins and the configuration now in force. */
void		pins_judge(const struct worker *w, struct catalogue *list);
/* Other pins are in force than `before`, NULL or held by the caller: lists are judged anew, and clients whose tools an
 * operator let appear or disappear are told. */
void		pins_changed(struct worker *w, const struct snap *before);
/* The master: what was said with this number is in the store, or why not. */
void		pins_kept(struct worker *w, uint64_t number, int error, struct span why);

#endif
