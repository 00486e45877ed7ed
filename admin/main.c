/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - mcpgw-admin: health and metrics, on admin_listen
 *
 * Process: mcpgw-admin, an own uid; opens no file, connects to nothing.
 * Owns:    the loop; the connections of admin_listen.
 * Trusts:  the master.  Its clients are strangers, as a worker's are.
 *
 * It answers also when no worker does, and nothing else hangs on it: one that dies is replaced, and its listener
 * is the master's.
 */
#include <sysexits.h>

#include "admin/admin.h"
#include "ipc/birth.h"
#include "lib/log.h"

static void
turn_settle(void *arg)
{
	control_settle(arg);
}

static int
init(struct admin *a)
{
	static const struct conn_params until_policy = {
		.head_timeout_ms = 10000, .body_timeout_ms = 10000, .idle_timeout_ms = 10000,
		.write_timeout_ms = 10000, .max_connections = 1024,
	};
	int	r;

	a->listen_fd = -1;
	swap_init(&a->snaps);
	if ((r = loop_new(&a->loop)) != 0 ||
	    (r = conn_set_new(a->loop, &until_policy, serve_request, a, &a->conns)) != 0 ||
	    (r = accept_new(a->loop, a->conns, &a->accept)) != 0)
		return r;
	ask_init(a);
	loop_at_turn_end(a->loop, LOOP_RANK_AFTER, turn_settle, a);
	return control_init(a);
}

int
main(void)
{
	static struct admin	a;
	int			r;

	birth_begin("mcpgw-admin");
	if ((r = init(&a)) != 0)
		fatal(EX_OSERR, "start: %s", err_text(r));
	loop_run(a.loop);

	ask_stop(&a);
	accept_free(&a.accept);
	conn_set_free(&a.conns);
	control_fini(&a);
	region_unmap(&a.metrics);
	swap_fini(&a.snaps);
	loop_free(&a.loop);
	return a.exit_code;
}
