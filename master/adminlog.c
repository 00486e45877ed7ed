/* SPDX-License-Identifier: Apache-2.0
 *
 * adminlog.c - who changed what of the gateway, for the audit
 *
 * Process: master.
 * Owns:    what the auditor has not kept yet.
 * Trusts:  the kernel for who asks, the machine's user file for what they are called; texts of mcpgwctl are cut, and
 *          looked at by nobody here.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/master.h"

#define AGAIN_MS	2000

struct admin_note {
	TAILQ_ENTRY(admin_note)	 next;
	uint64_t		 number, wall_ms;
	char			 who[96], method[40], object[256], outcome[16];
};

static void
tell(struct adminlog *a, const struct admin_note *n)
{
	const struct msg_AUDIT_NOTE	m = { .number = n->number, .wall_ms = n->wall_ms, .who = span_of(n->who),
	    .method = span_of(n->method), .object = span_of(n->object), .outcome = span_of(n->outcome) };

	if (a->m->auditor.state == CHILD_READY)
		(void)child_send(&a->m->auditor, MSG_TYPE_AUDIT_NOTE, 0, &m, NULL, 0);
}

void
adminlog_on_auditor(struct adminlog *a)
{
	struct admin_note	*n;

	/* It keeps them in the order of their numbers, and one at a time is enough for what is seldom. */
	TAILQ_FOREACH(n, &a->waiting, next)
		tell(a, n);
	if (a->count > 0)
		loop_timer_arm(&a->again, AGAIN_MS);
}

static void
on_again(struct loop_timer *t, void *arg)
{
	(void)t;
	adminlog_on_auditor(arg);
}

void
adminlog_init(struct adminlog *a, struct master *m)
{
	*a = (struct adminlog){ .m = m };
	TAILQ_INIT(&a->waiting);
	loop_timer_init(m->loop, &a->again, on_again, a);
}

static void
drop(struct adminlog *a, struct admin_note *n)
{
	TAILQ_REMOVE(&a->waiting, n, next);
	a->count--;
	free(n);
}

void
adminlog_fini(struct adminlog *a)
{
	if (a->m == NULL)
		return;
	loop_timer_disarm(&a->again);
	while (!TAILQ_EMPTY(&a->waiting))
		drop(a, TAILQ_FIRST(&a->waiting));
}

void
adminlog_on_noted(struct adminlog *a, uint64_t number)
{
	struct admin_note	*n;

	while ((n = TAILQ_FIRST(&a->waiting)) != NULL && n->number <= number)
		drop(a, n);
	if (a->count == 0)
		loop_timer_disarm(&a->again);
}

/* Whole characters of a text, without those that would look like more than they are. */
static void
copy_text(char *to, size_t room, const char *text)
{
	size_t	n = 0;

	for (; text[n] != '\0' && n + 1 < room; n++)
		to[n] = (unsigned char)text[n] < 0x20 || text[n] == 0x7f ? '?' : text[n];
	while (n > 0 && text[n] != '\0' && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	to[n] = '\0';
}

static void
add(struct adminlog *a, const char *who, const char *method, const char *object, const char *outcome)
{
	struct admin_note	*n;

	if (a->m == NULL)
		return;
	if (a->count >= ADMINLOG_MAX || (n = calloc(1, sizeof(*n))) == NULL) {
		log_err(NULL, "audit: %s by %s is not recorded: the auditor does not keep up", method, who);
		return;
	}
	n->number = ++a->number;
	n->wall_ms = loop_wall_ms(a->m->loop);
	copy_text(n->who, sizeof(n->who), who);
	copy_text(n->method, sizeof(n->method), method);
	copy_text(n->object, sizeof(n->object), object);
	copy_text(n->outcome, sizeof(n->outcome), outcome);
	TAILQ_INSERT_TAIL(&a->waiting, n, next);
	a->count++;
	/* Those before it are on their way, or wait for the auditor as it does. */
	tell(a, n);
	if (!a->again.armed)
		loop_timer_arm(&a->again, AGAIN_MS);
}

/* From the file alone: no name service is waited for here. */
static void
user_name(uint32_t uid, char *to, size_t room)
{
	FILE		*f = fopen("/etc/passwd", "re");
	struct passwd	*pw;

	snprintf(to, room, "uid %u", uid);
	while (f != NULL && (pw = fgetpwent(f)) != NULL)
		if (pw->pw_uid == uid) {
			snprintf(to, room, "uid %u (%s)", uid, pw->pw_name);
			break;
		}
	if (f != NULL)
		fclose(f);
}

void
adminlog_add_user(struct adminlog *a, uint32_t uid, const char *method, const char *object, const char *outcome)
{
	char	who[96];

	user_name(uid, who, sizeof(who));
	add(a, who, method, object, outcome);
}

void
adminlog_add_policy(struct adminlog *a, struct reload_by by, bool rollback, uint64_t generation, bool refused)
{
	static const char *const	words[GENERATION_BY_LIMIT] = {
		[GENERATION_BY_START] = "start", [GENERATION_BY_SIGNAL] = "SIGHUP", [GENERATION_BY_WATCH] = "watch",
		[GENERATION_BY_TIME] = "the gateway", [GENERATION_BY_UPGRADE] = "upgrade",
	};
	char				object[64] = "";

	if (!refused)
		snprintf(object, sizeof(object), "generation %llu", (unsigned long long)generation);
	if (by.by == GENERATION_BY_CTL)
		adminlog_add_user(a, by.uid, rollback ? "rollback" : "reload", object, refused ? "refused" : "ok");
	else
		add(a, words[by.by] == NULL ? "" : words[by.by], rollback ? "rollback" : "reload", object,
		    refused ? "refused" : "ok");
}
