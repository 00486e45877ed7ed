/* SPDX-License-Identifier: Apache-2.0
 *
 * farewell.c - tasks/cancel for a task whose call is over
 *
 * Process: worker.  Owns: each message until its answer came, or the time for it is over.
 * Trusts:  nothing in the answer: it is not read.
 */
#include <stddef.h>
#include <stdlib.h>

#include "lib/bug.h"
#include "mcp/bridge.h"
#include "mcp/capability.h"
#include "worker/call/farewell.h"
#include "worker/call/route.h"

#define FAREWELL_MAGIC	0xfa2e0001u

struct farewell {
	uint32_t	 magic;
	struct farewell	*next, **prev;
	struct config	*config;	/* held: the server is one of it */
	struct route	 route;
	struct buf	 up;
	struct span	 id;
	char		 text[];
};

static struct farewell	*all;
static size_t		 count;

static void
farewell_free(struct farewell *f)
{
	if ((*f->prev = f->next) != NULL)
		f->next->prev = f->prev;
	count--;
	buf_fini(&f->up);
	config_release(&f->config);
	f->magic = 0;
	free(f);
}

static void
on_answer(struct route *r, uint64_t bytes, struct span want_id, bool modern)
{
	(void)r;
	(void)bytes;
	(void)want_id;
	(void)modern;
}

static void
on_body(struct route *r, struct span bytes)
{
	route_credit(r, bytes.n);
}

static void
on_whole(struct route *r, const struct rpc_answer *answer, bool modern)
{
	(void)r;
	(void)answer;
	(void)modern;
}

static void
on_end(struct route *r, int error, bool sent, struct span text)
{
	struct farewell	*f = (struct farewell *)(void *)((char *)r - offsetof(struct farewell, route));

	(void)error;
	(void)sent;
	(void)text;
	MAGIC_CHECK(f, FAREWELL_MAGIC);
	farewell_free(f);
}

static const struct route_ops route_ops = { on_answer, on_body, on_whole, NULL, on_end };

void
farewell(struct request *rq, const struct rec_server *server, uint64_t instance, uint64_t capabilities,
    struct span task_id)
{
	struct bridge_request	 up = { .method = MCP_TASKS_CANCEL, .id = SPAN_LIT("0"), .meta = BRIDGE_EITHER,
				    .capabilities = capabilities | MCP_CAN_TASKS };
	struct route_request	 q = { .server = server, .instance = instance, .deadline_ms = FAREWELL_MS,
				    .method = MCP_TASKS_CANCEL, .capabilities = capabilities };
	struct farewell		*f;

	if (count >= FAREWELLS_MAX || (f = calloc(1, sizeof(*f) + task_id.n)) == NULL)
		return;
	f->magic = FAREWELL_MAGIC;
	memcpy(f->text, task_id.p, task_id.n);
	f->id = span_make(f->text, task_id.n);
	f->config = config_hold(rq->config);
	buf_init(&f->up, 64 * 1024);
	if ((f->next = all) != NULL)
		all->prev = &f->next;
	f->prev = &all;
	all = f;
	count++;
	up.task_id = q.name = f->id;
	q.policy = f->config->policy;
	q.secrets = f->config->secrets;
	if (bridge_write_request(&f->up, &up, &q.id, &q.modern_meta) != 0) {
		farewell_free(f);
		return;
	}
	q.body = buf_rest(&f->up);
	if (route_start(rq->w, &f->route, &route_ops, &q) != 0)
		farewell_free(f);
}
