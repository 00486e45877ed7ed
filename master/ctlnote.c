/* SPDX-License-Identifier: Apache-2.0
 *
 * ctlnote.c - what of the commands of mcpgwctl is recorded, and how it is called
 *
 * Process: master.  Owns: nothing.
 * Trusts:  the texts to be borrowed spans; adminlog.c cuts them.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "master/ctlconn.h"
#include "master/master.h"

enum ctl_number {
#define CTLCMD(name, words, number, privilege, arguments, doc) CTLCMD_##name = number,
#include "tables/ctlcmds.def"
#undef CTLCMD
};

static void note(struct ctl_conn *c, const char *method, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void
note(struct ctl_conn *c, const char *method, const char *fmt, ...)
{
	va_list	ap;

	c->did.method = method;
	va_start(ap, fmt);
	vsnprintf(c->did.object, sizeof(c->did.object), fmt, ap);
	va_end(ap);
}

/* What stands before a tenant, where there is one. */
static const char *
of(struct span tenant)
{
	return tenant.n > 0 ? ", tenant " : "";
}

static void
note_token(struct ctl_conn *c, const struct msg_TOKEN *b)
{
	const char	*end = b->text.n == 0 ? NULL : memchr(b->text.p, '\0', b->text.n);
	struct span	 issuer = span_part(b->text, 0, end == NULL ? b->text.n : (size_t)(end - b->text.p)), name;

	name = span_part(b->text, issuer.n + 1, b->text.n);
	if (name.n > 0 && name.p[name.n - 1] == '\0')
		name.n--;
	switch ((enum token_what)b->what) {
	case TOKEN_ISSUE:
		note(c, "token", "%s", "");	/* its id comes with it */
		break;
	case TOKEN_ROTATE:
		note(c, "token rotate", "%s", "");
		break;
	case TOKEN_REVOKE:
		note(c, "token revoke", "%.*s", SPAN_FMT(b->text));
		break;
	case TOKEN_REVOKE_BEFORE:
		note(c, "token revoke", "those before %llu ms", (unsigned long long)b->ms);
		break;
	case TOKEN_REVOKE_ALL:
		note(c, "token revoke", "all");
		break;
	case TOKEN_BAR_ID:
		note(c, "token revoke", "%.*s of %.*s", SPAN_FMT(name), SPAN_FMT(issuer));
		break;
	case TOKEN_BAR_SUBJECT:
	case TOKEN_BAR_SUBJECT_ALL:
		note(c, "token revoke", "subject %.*s of %.*s%s", SPAN_FMT(name), SPAN_FMT(issuer),
		    b->what == TOKEN_BAR_SUBJECT_ALL ? ", blocked" : "");
		break;
	default:
		break;
	}
}

/* What workers are asked comes in parts, with tabs between, of which some are empty. */
static void
note_parts(struct ctl_conn *c, const char *method, struct span parts)
{
	size_t	n = 0;

	note(c, method, "%.*s", SPAN_FMT(parts));
	for (const char *from = c->did.object; *from != '\0'; from++)
		if (*from != '\t')
			c->did.object[n++] = *from;
		else if (n > 0 && c->did.object[n - 1] != ' ')
			c->did.object[n++] = ' ';
	if (n > 0 && c->did.object[n - 1] == ' ')
		n--;
	c->did.object[n] = '\0';
}

/* Behind what workers are told it says which call that is. */
static void
note_approval(struct ctl_conn *c, const char *method, struct span text)
{
	const struct span	digest = span_part(span_word(&text), 0, APPROVAL_DIGITS);

	for (int i = 0; i < 3; i++)
		(void)span_word(&text);
	text = span_trim(text);
	note(c, method, "a-%.*s%s%.*s", SPAN_FMT(digest), text.n > 0 ? ", " : "", SPAN_FMT(text));
}

static void
note_command(struct ctl_conn *c, const struct msg_CTL *b)
{
	switch (b->command) {
	case CTLCMD_key_revoke:
		if (b->a.n > 0)
			note(c, "key revoke", "%.*s%s%.*s", SPAN_FMT(b->a), of(b->c), SPAN_FMT(b->c));
		else
			note(c, "key revoke", "all%s%.*s%s%.*s", b->b.n > 0 ? ", agent " : "", SPAN_FMT(b->b), of(b->c),
			    SPAN_FMT(b->c));
		break;
	case CTLCMD_kill:
		note(c, "kill", "%.*s", SPAN_FMT(b->a));
		break;
	case CTLCMD_server_restart:
		note(c, "server restart", "%.*s%s%.*s", SPAN_FMT(b->a), of(b->b), SPAN_FMT(b->b));
		break;
	case CTLCMD_server_learn:
		note(c, "server learn", "%.*s%s%.*s, %llu ms", SPAN_FMT(b->a), of(b->b), SPAN_FMT(b->b),
		    (unsigned long long)b->n);
		break;
	case CTLCMD_server_logout:
		note(c, "server logout", "%.*s%s%.*s", SPAN_FMT(b->a), of(b->b), SPAN_FMT(b->b));
		break;
	case CTLCMD_approval_approve:
		note_approval(c, "approval approve", b->a);
		break;
	case CTLCMD_approval_reject:
		note_approval(c, "approval reject", b->a);
		break;
	case CTLCMD_server_breaker_reset:
		note_parts(c, "server breaker reset", b->a);
		break;
	case CTLCMD_limit_reset:
		note_parts(c, "limit reset", b->a);
		break;
	case CTLCMD_drain:
		note(c, b->n == 0 ? "drain" : "drain --undo", "%s", "");
		break;
	case CTLCMD_stop:
		note(c, "stop", "%s", "");
		break;
	default:
		break;
	}
}

void
ctlnote_begin(struct ctl_conn *c, const struct chan_msg *msg)
{
	const union msg_any	*b = msg->body;

	switch (msg->type) {
	case MSG_TYPE_CTL_KEY_ADD:
		note(c, "key add", "%.*s (%.*s) of agent %.*s, tenant %.*s", SPAN_FMT(b->CTL_KEY_ADD.name),
		    SPAN_FMT(b->CTL_KEY_ADD.public_name), SPAN_FMT(b->CTL_KEY_ADD.agent),
		    SPAN_FMT(b->CTL_KEY_ADD.tenant));
		break;
	case MSG_TYPE_CTL_KEY_ROTATE:
		note(c, "key rotate", "%.*s (%.*s)%s%.*s", SPAN_FMT(b->CTL_KEY_ROTATE.name),
		    SPAN_FMT(b->CTL_KEY_ROTATE.public_name), of(b->CTL_KEY_ROTATE.tenant),
		    SPAN_FMT(b->CTL_KEY_ROTATE.tenant));
		break;
	case MSG_TYPE_TOKEN:
		note_token(c, &b->TOKEN);
		break;
	case MSG_TYPE_CTL_PIN_DECIDE:
		note(c, b->CTL_PIN_DECIDE.what == PIN_APPROVE ? "tool approve" : "tool reject", "%.*s.%.*s%s%.*s",
		    SPAN_FMT(b->CTL_PIN_DECIDE.server), SPAN_FMT(b->CTL_PIN_DECIDE.tool), of(b->CTL_PIN_DECIDE.tenant),
		    SPAN_FMT(b->CTL_PIN_DECIDE.tenant));
		break;
	case MSG_TYPE_CTL_PIN_APPROVE:
		note(c, "tool approve", "%.*s, from a file%s%.*s", SPAN_FMT(b->CTL_PIN_APPROVE.server),
		    of(b->CTL_PIN_APPROVE.tenant), SPAN_FMT(b->CTL_PIN_APPROVE.tenant));
		break;
	case MSG_TYPE_CTL:
		note_command(c, &b->CTL);
		break;
	default:
		break;
	}
}

void
ctlnote_end(struct ctl_conn *c, const char *outcome)
{
	if (c->did.method != NULL)
		adminlog_add_user(&c->s->m->adminlog, c->uid, c->did.method, c->did.object, outcome);
	c->did.method = NULL;
}
