/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - mcpgw-audit: the only writer of the audit store
 *
 * Process: mcpgw-audit.  Reads what workers spooled; clients chose some of the texts in it.
 * Owns:    the audit store (DIR_AUDIT) and the deletion of segments in the spool (DIR_SPOOL).
 * Trusts:  the master.  Blocks no worker: they write into segments of their own.
 *
 * Looks every LOOK_MS while something moves, ever more seldom while nothing does.  With the master
 * gone it imports what there is and leaves within two seconds.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "audit/auditor/import.h"
#include "audit/auditor/jsonl.h"
#include "audit/auditor/query.h"
#include "ipc/birth.h"
#include "ipc/chan.h"
#include "ipc/heritage.h"
#include "ipc/life.h"
#include "lib/clock.h"
#include "lib/crypt.h"
#include "lib/kv.h"
#include "lib/log.h"
#include "sandbox/confine.h"

#define LOOK_MS		100	/* a commit costs as much as hundreds of records; a query need not wait */
#define NAP_MS		20	/* of a drain */
#define LOOK_IDLE_MS	320
#define NOTE_TRIES	16
#define RETRY_MS	1000
#define ORPHAN_MS	1800		/* of the two seconds after the master's death */

struct auditor {
	struct loop		*loop;
	struct chan		 master;
	struct loop_timer	 look;
	struct auditdb		*db;
	struct import		*import;
	struct jsonl		 jsonl;
	uint64_t		 boot;
	char			 audit_path[4096], spool_path[4096];
	uint64_t		 look_ms;
	bool			 trouble;
	int			 exit_code;
};

/* A master that cannot be told is about to be gone; on_master_gone() deals with that. */
static void
tell(struct auditor *a, uint16_t type, uint64_t ref, const void *msg)
{
	int	r;

	if ((r = chan_send(&a->master, type, ref, msg, NULL, 0)) != 0)
		log_debug(NULL, "master: %s not sent: %s", msg_row(type)->name, err_text(r));
}

static void
tell_state(struct auditor *a, uint64_t behind, int error, const char *why)
{
	tell(a, MSG_TYPE_AUDIT_STATE, 0,
	    &(struct msg_AUDIT_STATE){ behind, error, span_of(why), 0 });
}

/* The store is damaged: leaving is the only way to open it anew; nothing is lost, the segments stay. */
static void
give_up(struct auditor *a)
{
	log_err(NULL, "the audit store in %s is damaged: %s", a->audit_path, auditdb_why(a->db));
	tell(a, MSG_TYPE_EXITING, 0, &(struct msg_EXITING){ EX_DATAERR, 0 });
	a->exit_code = EX_DATAERR;
	loop_stop(a->loop);
}

static void
on_error(struct auditor *a, int r)
{
	const char	*why = r == E_SYS ? strerror(errno) : err_text(r);
	uint64_t	 behind;

	if (r == E_FORMAT || r == E_VERSION) {
		give_up(a);
		return;
	}
	behind = import_behind(a->import);
	log_warn_repeat(NULL, "audit store: %s; %llu records wait in the spool", why,
	    (unsigned long long)behind);
	tell_state(a, behind, r, why);
	a->trouble = true;
}

/* One look.  What is wrong was told. */
static int
look(struct auditor *a, enum import_news *news)
{
	int	r;

	if ((r = import_pass(a->import, news)) != 0) {
		on_error(a, r);
		return r;
	}
	jsonl_follow(&a->jsonl, a->db);
	if (a->trouble) {
		log_notice(NULL, "audit store: works again");
		tell_state(a, 0, 0, "");
		a->trouble = false;
	}
	return 0;
}

static void
on_look(struct loop_timer *t, void *arg)
{
	struct auditor		*a = arg;
	enum import_news	 news;

	if (look(a, &news) != 0)
		a->look_ms = RETRY_MS;
	else if (news != IMPORT_QUIET)
		a->look_ms = LOOK_MS;
	else if ((a->look_ms *= 2) > LOOK_IDLE_MS)
		a->look_ms = LOOK_IDLE_MS;
	loop_timer_arm(t, news == IMPORT_MORE ? 0 : a->look_ms);
}

/* Until the workers have let go of their segments, or the time is up; then what they left open. */
static void
finish(struct auditor *a, uint64_t within_ms)
{
	const struct timespec	nap = { 0, NAP_MS * 1000000 };
	uint64_t		until = clock_mono_ms() + within_ms;
	enum import_news	news;
	int			r;

	do {
		r = import_pass(a->import, &news);
		if (r == 0 && news != IMPORT_MORE && !import_has_live(a->import))
			break;
		if (r != 0 || news == IMPORT_QUIET)
			nanosleep(&nap, NULL);
	} while (clock_mono_ms() < until);
	if (r == 0)
		r = import_all_over(a->import);
	if (r != 0)
		log_warn(NULL, "audit store: %s; the rest waits in the spool", err_text(r));
	jsonl_follow(&a->jsonl, a->db);
	loop_stop(a->loop);
}

static void
catch_up(struct auditor *a, uint64_t ref)
{
	enum import_news	news = IMPORT_MORE;

	while (news == IMPORT_MORE && look(a, &news) == 0)
		;
	tell(a, MSG_TYPE_AUDIT_CAUGHT_UP, ref,
	    &(struct msg_AUDIT_CAUGHT_UP){ auditdb_rows(a->db), 0 });
}

/* In one transaction of its own: they are seldom.  0; E_EXISTS: it came before. */
static int
keep_note(struct auditor *a, const struct msg_AUDIT_NOTE *m)
{
	const struct segment_id	from = { .boot = a->boot, .slot = SEGMENT_SLOT_ADMIN, .incarnation = 1 };
	struct record		r = { .kind = RECORD_ONCE, .seq = m->number, .wall_ns = m->wall_ms * 1000000,
	    .f = { .kind = SPAN_LIT("admin"), .principal = m->who, .how = SPAN_LIT("peer"), .method = m->method,
	    .object = m->object, .listener = SPAN_LIT("ctl"), .outcome = m->outcome } };
	struct record_look	look;
	char			bytes[RECORD_MAX];
	size_t			n;
	int			e;

	if ((e = record_encode(&r, bytes, sizeof(bytes), &n)) != 0 ||
	    (e = record_check(span_make(bytes, n), &look)) != 0)
		return e;
	for (int i = 0; i < NOTE_TRIES; i++) {
		if ((e = auditdb_begin(a->db)) != 0)
			return e;
		if ((e = auditdb_take(a->db, &from, &look, true)) == 0)
			e = auditdb_commit(a->db);
		else
			auditdb_abort(a->db);
		if (e != E_FULL || (e = auditdb_grow(a->db)) != 0)
			break;
	}
	return e;
}

static void
note(struct auditor *a, const struct msg_AUDIT_NOTE *m)
{
	const int	r = keep_note(a, m);

	/* The master says it again. */
	if (r != 0 && r != E_EXISTS) {
		on_error(a, r);
		return;
	}
	tell(a, MSG_TYPE_AUDIT_NOTED, 0, &(struct msg_AUDIT_NOTED){ m->number, 0 });
	jsonl_follow(&a->jsonl, a->db);
}

static void
on_master(struct chan *c, const struct chan_msg *msg, void *arg)
{
	struct auditor	*a = arg;
	int		 r;

	if (life_heard(c, msg))
		return;
	switch (msg->type) {
	case MSG_TYPE_AUDIT_LOG:
		jsonl_take(&a->jsonl, &msg->fds[0]);
		break;
	case MSG_TYPE_INCARNATION_OVER:
		r = import_writer_over(a->import, msg->body->INCARNATION_OVER.slot,
		    msg->body->INCARNATION_OVER.incarnation);
		if (r != 0)
			log_warn(NULL, "a dead worker's calls stay open until the next start: %s",
			    err_text(r));
		loop_timer_arm(&a->look, a->look_ms = LOOK_MS);
		break;
	case MSG_TYPE_AUDIT_NOTE:
		note(a, &msg->body->AUDIT_NOTE);
		break;
	case MSG_TYPE_AUDIT_CATCH_UP:
		catch_up(a, msg->ref);
		break;
	case MSG_TYPE_DRAIN:
		finish(a, msg->body->DRAIN.within_ms);
		break;
	default:
		break;		/* snapshots: nothing of theirs concerns the auditor */
	}
}

static void
on_master_gone(struct chan *c, int why, void *arg)
{
	(void)c;
	(void)why;
	finish(arg, ORPHAN_MS);
}

static void
keep_path(char to[4096], struct span path)
{
	if (path.n >= 4096)
		fatal(EX_CONFIG, "folder name too long");
	memcpy(to, path.p, path.n);
	to[path.n] = '\0';
}

static void
on_boot(struct frame *f, const union msg_any *m, void *arg)
{
	struct auditor	*a = arg;

	if (f->head.type == MSG_TYPE_BOOT)
		a->boot = m->BOOT.boot;
	else if (f->head.type == MSG_TYPE_DIRECTORY && m->DIRECTORY.kind == DIR_AUDIT)
		keep_path(a->audit_path, m->DIRECTORY.path);
	else if (f->head.type == MSG_TYPE_DIRECTORY && m->DIRECTORY.kind == DIR_SPOOL)
		keep_path(a->spool_path, m->DIRECTORY.path);
	else if (f->head.type == MSG_TYPE_AUDIT_LOG)
		jsonl_take(&a->jsonl, &f->fds[0]);
}

/* Everything the master says before GO.  Writers that ended meanwhile are found by import_all_over. */
static void
boot(struct auditor *a)
{
	birth_hear(ROLE_AUDITOR, on_boot, a);
	if (a->boot == 0 || a->audit_path[0] == '\0' || a->spool_path[0] == '\0')
		fatal(EX_SOFTWARE, "the master sent GO before BOOT and both folders");
}

/* The store, and what earlier starts left in the spool. */
static void
recover(struct auditor *a)
{
	const char	*folders[] = { a->audit_path, a->spool_path, NULL };
	int		 r;

	if ((r = auditdb_open(a->audit_path, false, &a->db)) == E_EXISTS)
		fatal(EX_TEMPFAIL, "%s is written by another process", a->audit_path);
	if (r == E_SYS)
		fatal(EX_IOERR, "%s: %m%s", a->audit_path, kv_open_hint(errno));
	if (r == E_FORMAT)
		fatal(EX_DATAERR, "the audit store in %s is damaged: put a backup of it there, or move it away; "
		    "records then begin anew", a->audit_path);
	if (r != 0)
		fatal(EX_DATAERR, "the audit store in %s cannot be used: %s", a->audit_path, err_text(r));
	jsonl_begin(&a->jsonl, a->db);
	if ((r = import_new(a->db, a->spool_path, a->boot, &a->import)) != 0)
		fatal(EX_IOERR, "%s: %m", a->spool_path);
	if ((r = crypt_prepare()) != 0)
		fatal(EX_OSERR, "libcrypto: %s", err_text(r));
	if ((r = confine_process(CONFINE_AUDITOR, folders, NULL)) != 0)
		fatal(EX_OSERR, "confinement: %s", err_text(r));
	if ((r = import_all(a->import)) == 0 && (r = import_all_over(a->import)) == 0)
		r = import_tidy(a->import);
	if (r == E_FORMAT || r == E_VERSION)
		fatal(EX_DATAERR, "the audit store in %s is damaged: %s", a->audit_path,
		    auditdb_why(a->db));
	/* A full disk is no reason not to start: workers' segments say whether calls can be taken. */
	if (r != 0)
		log_warn(NULL, "audit store: %s; records wait in the spool", err_text(r));
	jsonl_follow(&a->jsonl, a->db);
}

static void
serve(struct auditor *a)
{
	int	r;

	if ((r = loop_new(&a->loop)) != 0)
		fatal(EX_OSERR, "event loop: %s", err_text(r));
	loop_timer_init(a->loop, &a->look, on_look, a);
	r = chan_init(&a->master, a->loop, HERITAGE_CONTROL, ROLE_AUDITOR, ROLE_MASTER, on_master,
	    on_master_gone, a);
	if (r != 0)
		fatal(EX_PROTOCOL, "master: %s", err_text(r));
	life_begin(&a->master, 0);
	loop_timer_arm(&a->look, a->look_ms = LOOK_MS);
	loop_run(a->loop);
}

int
main(int argc, char **argv)
{
	static struct auditor	a;

	if (argc > 1 && (strcmp(argv[1], "--query") == 0 || strcmp(argv[1], "--verify") == 0))
		return query_main(argc, argv);
	birth_begin("mcpgw-audit");
	jsonl_init(&a.jsonl);
	signal(SIGXFSZ, SIG_IGN);	/* a limit on file size is an error like a full disk */
	boot(&a);
	recover(&a);
	serve(&a);
	import_free(&a.import);
	auditdb_close(&a.db);
	jsonl_fini(&a.jsonl);
	chan_fini(&a.master);
	loop_free(&a.loop);
	return a.exit_code;
}
