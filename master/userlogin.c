/* SPDX-License-Identifier: Apache-2.0
 *
 * userlogin.c - a user's browser at a worker, and the login at mcpgw-scout that it is for: who asked, and the answer
 *
 * Process: master.
 * Owns:    a place for each question under way; the oldest gives way.
 * Trusts:  nothing of it: texts pass unread, and what a worker may begin the scout decides.
 */
#include <string.h>

#include "lib/log.h"
#include "master/master.h"

void
userlogin_ask(struct child *worker, uint64_t ref, const struct msg_USER_LOGIN *b)
{
	struct master			*m = worker->m;
	struct userlogins		*all = &m->userlogins;
	struct userlogin		*one = &all->all[all->turn++ % USERLOGINS_MAX];
	const struct msg_LOGIN		 login = { .what = b->what, .tenant = b->tenant, .server = b->server,
					    .argument = b->argument };
	const struct msg_USER_LOGIN_IS	 none = { .exit_code = 75, .text = SPAN_LIT("mcpgw-scout is not there now") };

	/* Operators log users out, and ask what is known. */
	if ((b->what == LOGIN_BEGIN_HERE || b->what == LOGIN_END) && m->scout.state == CHILD_READY) {
		*one = (struct userlogin){ .ref = status_new_ref(&m->status), .theirs = ref, .slot = worker->slot,
		    .incarnation = worker->incarnation };
		if (child_send(&m->scout, MSG_TYPE_LOGIN, one->ref, &login, NULL, 0) == 0)
			return;
		one->ref = 0;
	}
	(void)child_send(worker, MSG_TYPE_USER_LOGIN_IS, ref, &none, NULL, 0);
}

bool
userlogin_on_answer(struct master *m, uint64_t ref, const struct msg_LOGIN_IS *b)
{
	const struct msg_USER_LOGIN_IS	 answer = { .exit_code = b->exit_code, .text = b->text };

	for (size_t i = 0; ref != 0 && i < USERLOGINS_MAX; i++) {
		struct userlogin	*one = &m->userlogins.all[i];
		struct child		*c;

		if (one->ref != ref)
			continue;
		one->ref = 0;
		if (one->slot < MASTER_WORKERS_MAX && (c = &m->workers[one->slot])->state == CHILD_READY &&
		    c->incarnation == one->incarnation)
			(void)child_send(c, MSG_TYPE_USER_LOGIN_IS, one->theirs, &answer, NULL, 0);
		return true;
	}
	return false;
}
