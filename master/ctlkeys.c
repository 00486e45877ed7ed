/* SPDX-License-Identifier: Apache-2.0
 *
 * ctlkeys.c - what an operator does with API keys: passed on to the store, with who it was
 *
 * Process: master.  Owns: nothing.
 * Trusts:  the kernel for who asks; no text, which the store looks at.
 */
#include <stdio.h>

#include "master/ctlconn.h"
#include "master/master.h"

enum ctl_number {
#define CTLCMD(name, words, number, privilege, arguments, doc) CTLCMD_##name = number,
#include "tables/ctlcmds.def"
#undef CTLCMD
};

static void
run_add(struct ctl_conn *c, const struct msg_CTL_KEY_ADD *b)
{
	struct msg_STORE_KEY_ADD	add = {
		.digest = b->digest, .public_name = b->public_name, .name = b->name,
		.agent = b->agent, .tenant = b->tenant, .ends_ms = b->ends_ms,
		.scopes = b->scopes, .roles = b->roles, .groups = b->groups, .workspace = b->workspace,
		.by = c->uid + 1,
	};

	ctlcmd_ask_store(c, MSG_TYPE_STORE_KEY_ADD, &add);
}

static void
run_rotate(struct ctl_conn *c, const struct msg_CTL_KEY_ROTATE *b)
{
	const struct msg_STORE_KEY_ROTATE	rotate = {
		.digest = b->digest, .public_name = b->public_name, .name = b->name, .tenant = b->tenant,
		.overlap_ms = b->overlap_ms, .ends_ms = b->ends_ms, .by = c->uid + 1,
	};

	ctlcmd_ask_store(c, MSG_TYPE_STORE_KEY_ROTATE, &rotate);
}

static void
run_revoke(struct ctl_conn *c, const struct msg_CTL *b)
{
	const struct msg_STORE_KEY_REVOKE	revoke = {
		.name = b->a, .agent = b->b, .tenant = b->c, .by = c->uid + 1,
	};

	ctlcmd_ask_store(c, MSG_TYPE_STORE_KEY_REVOKE, &revoke);
}

static void
run_token(struct ctl_conn *c, const struct msg_TOKEN *b)
{
	struct msg_TOKEN	ask = *b;

	ask.by = c->uid + 1;
	ctlcmd_ask_store(c, MSG_TYPE_TOKEN, &ask);
}

void
ctlkeys_on_token(struct ctl_conn *c, const struct msg_TOKEN_IS *b)
{
	c->keys_stay = b->keys_changed == 0;
	snprintf(c->did.object, sizeof(c->did.object), "%.*s", SPAN_FMT(b->id));
	(void)ctl_send(c, MSG_TYPE_TOKEN_IS, b, NULL, 0);
}

bool
ctlkeys_run(struct ctl_conn *c, const struct chan_msg *msg)
{
	const struct msg_STORE_DUMP	dump = { 0 };

	if (msg->type == MSG_TYPE_CTL_KEY_ADD)
		run_add(c, &msg->body->CTL_KEY_ADD);
	else if (msg->type == MSG_TYPE_CTL_KEY_ROTATE)
		run_rotate(c, &msg->body->CTL_KEY_ROTATE);
	else if (msg->type == MSG_TYPE_TOKEN)
		run_token(c, &msg->body->TOKEN);
	else if (msg->type != MSG_TYPE_CTL)
		return false;
	else if (msg->body->CTL.command == CTLCMD_key_list)
		ctlcmd_ask_store(c, MSG_TYPE_STORE_DUMP, &dump);
	else if (msg->body->CTL.command == CTLCMD_key_revoke)
		run_revoke(c, &msg->body->CTL);
	else
		return false;
	return true;
}
