/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - mcpgw-scout: what the gateway has to find out by itself of the servers it calls over HTTP, and of issuers
 *
 * Process: mcpgw-scout, an own uid; opens no file; asks name servers, connects to upstreams, fetches keys of issuers.
 * Owns:    the loop.
 * Trusts:  the master.  Name servers and upstreams are strangers.
 */
#include <sysexits.h>

#include "ipc/birth.h"
#include "lib/log.h"
#include "scout/accounts.h"
#include "scout/control.h"
#include "scout/keysets.h"
#include "scout/names.h"
#include "scout/vault.h"
#include "scout/visits.h"
#include "upstream/errand.h"

#define CONNECT_MS	3000	/* until a policy says connect_timeout */

static int
init(struct scout *s)
{
	int	r;

	s->connect_ms = CONNECT_MS;
	swap_init(&s->snaps);
	if ((r = loop_new(&s->loop)) != 0 || (r = resolver_new(s->loop, true, &s->resolver)) != 0 ||
	    (r = errands_new(s->loop, s->resolver, &s->errands)) != 0 || (r = names_new(s, &s->names)) != 0 ||
	    (r = visits_new(s, &s->visits)) != 0 || (r = accounts_new(s, &s->accounts)) != 0 ||
	    (r = keysets_table_new(s, &s->keysets)) != 0 || (r = vault_new(s, &s->vault)) != 0)
		return r;
	return control_init(s);
}

int
main(void)
{
	static struct scout	s;
	int			r;

	birth_begin("mcpgw-scout");
	if ((r = init(&s)) != 0)
		fatal(EX_OSERR, "start: %s", err_text(r));
	loop_run(s.loop);

	control_fini(&s);
	accounts_free(&s.accounts);
	keysets_table_free(&s.keysets);
	vault_free(&s.vault);
	visits_free(&s.visits);
	errands_free(&s.errands);
	names_free(&s.names);
	resolver_free(&s.resolver);
	swap_fini(&s.snaps);
	loop_free(&s.loop);
	return s.exit_code;
}
