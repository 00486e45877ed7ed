/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - mcpgw-store: the only writer of the store while the gateway runs
 *
 * Process: mcpgw-store.  No client's and no tenant's byte reaches it, but for names an operator chose.
 * Owns:    the store (DIR_STORE).
 * Trusts:  the master, which asked the kernel who the operator is.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>

#include "ipc/birth.h"
#include "ipc/chan.h"
#include "ipc/heritage.h"
#include "ipc/life.h"
#include "lib/crypt.h"
#include "lib/fd.h"
#include "lib/kv.h"
#include "lib/log.h"
#include "policy/snap.h"
#include "sandbox/confine.h"
#include "store/fetched.h"
#include "store/offline.h"
#include "store/store.h"

void
store_tell(struct store *s, uint16_t type, uint64_t ref, const void *msg, const int *fd)
{
	int	r;

	if ((r = chan_send(&s->master, type, ref, msg, fd, fd == NULL ? 0 : 1)) != 0)
		log_warn(NULL, "master: %s not sent: %s", msg_row(type)->name, err_text(r));
}

const char *
store_why(struct store *s, int r)
{
	return r == E_SYS || r == E_FORMAT ? keydb_why(s->db) : err_text(r);
}

/* Sealed and whole, or a map of it could be pulled away from under us. */
static int
map_snapshot(int fd, struct span *out, const char **wrong)
{
	struct snap_head	head;
	void			*map;
	int			 r;

	if ((r = snap_check(fd, &head)) != 0) {
		*wrong = err_text(r);
		return r;
	}
	if ((map = mmap(NULL, head.length, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED) {
		*wrong = strerror(errno);
		return E_SYS;
	}
	*out = span_make(map, head.length);
	return 0;
}

static void
unmap_snapshot(struct span s)
{
	munmap((void *)(uintptr_t)s.p, s.n);
}

static void
answer_policy_save(struct store *s, uint64_t ref, int fd, uint64_t generation)
{
	struct span	 snapshot;
	const char	*wrong;
	int		 r;

	if ((r = map_snapshot(fd, &snapshot, &wrong)) == 0) {
		r = keydb_policy_save(s->db, generation, snapshot);
		wrong = store_why(s, r);
		unmap_snapshot(snapshot);
	}
	if (r != 0)
		log_err(NULL, "policy %llu cannot be kept as the last good one: %s",
		    (unsigned long long)generation, wrong);
	store_done(s, ref, r, "policy %llu: %s", (unsigned long long)generation, r == 0 ? "kept" : wrong);
}

static void
take_keysets(struct store *s, int fd)
{
	struct span	 snapshot;
	const char	*wrong;
	int		 r;

	if ((r = map_snapshot(fd, &snapshot, &wrong)) == 0) {
		r = fetched_save(s->db, snapshot);
		wrong = store_why(s, r);
		unmap_snapshot(snapshot);
	}
	if (r != 0)
		log_warn_repeat(NULL, "the issuers' keys cannot be kept for the next start: %s", wrong);
}

static void
answer_keysets_load(struct store *s, uint64_t ref)
{
	int	fd, r = fetched_load(s->db, &fd);

	if (r == 0)
		store_tell(s, MSG_TYPE_STORE_KEYSETS_LOADED, ref, &(struct msg_STORE_KEYSETS_LOADED){ 0 }, &fd);
	else if (r != E_NOTFOUND)
		log_warn(NULL, "the issuers' keys of before cannot be read: %s", store_why(s, r));
	fd_close(&fd);
}

static void
answer_policy_load(struct store *s, uint64_t ref)
{
	uint64_t	generation;
	int		fd, r = keydb_policy_load(s->db, &generation, &fd);

	if (r == 0)
		store_tell(s, MSG_TYPE_STORE_POLICY_LOADED, ref,
		    &(struct msg_STORE_POLICY_LOADED){ generation, 0 }, &fd);
	else
		store_done(s, ref, r, "no last good policy: %s", r == E_NOTFOUND ? "none was kept" : store_why(s, r));
	fd_close(&fd);
}

static void
on_master(struct chan *c, const struct chan_msg *msg, void *arg)
{
	struct store		*s = arg;
	const union msg_any	*b = msg->body;

	if (life_heard(c, msg))
		return;
	switch (msg->type) {
	case MSG_TYPE_STORE_DUMP:
		store_keys_dump(s, msg->ref);
		break;
	case MSG_TYPE_STORE_KEY_ADD:
		store_key_add(s, msg->ref, &b->STORE_KEY_ADD);
		break;
	case MSG_TYPE_STORE_KEY_ROTATE:
		store_key_rotate(s, msg->ref, &b->STORE_KEY_ROTATE);
		break;
	case MSG_TYPE_TOKEN:
		store_token(s, msg->ref, &b->TOKEN);
		break;
	case MSG_TYPE_SESSION:
		store_session(s, &b->SESSION);
		break;
	case MSG_TYPE_KEYS_USED:
		store_keys_used(s, b->KEYS_USED.uses);
		break;
	case MSG_TYPE_QUOTA_MARK:
		store_quota_mark(s, &b->QUOTA_MARK);
		break;
	case MSG_TYPE_STORE_KEY_REVOKE:
		store_key_revoke(s, msg->ref, &b->STORE_KEY_REVOKE);
		break;
	case MSG_TYPE_STORE_POLICY_SAVE:
		answer_policy_save(s, msg->ref, msg->fds[0], b->STORE_POLICY_SAVE.generation);
		break;
	case MSG_TYPE_STORE_POLICY_LOAD:
		answer_policy_load(s, msg->ref);
		break;
	case MSG_TYPE_STORE_KEYSETS_SAVE:
		take_keysets(s, msg->fds[0]);
		break;
	case MSG_TYPE_STORE_KEYSETS_LOAD:
		answer_keysets_load(s, msg->ref);
		break;
	case MSG_TYPE_STORE_PIN_SEEN:
		store_pins_seen(s, msg->fds[0], &b->STORE_PIN_SEEN);
		break;
	case MSG_TYPE_STORE_PIN_DECIDE:
		store_pins_decide(s, msg->ref, &b->STORE_PIN_DECIDE);
		break;
	case MSG_TYPE_STORE_PIN_DUMP:
		store_pins_dump(s, msg->ref, &b->STORE_PIN_DUMP);
		break;
	case MSG_TYPE_GRANT_KEEP:
		store_grants_keep(s, msg->fds[0], &b->GRANT_KEEP);
		break;
	case MSG_TYPE_DRAIN:
		loop_stop(s->loop);	/* every answer is durable before it is sent */
		break;
	default:
		break;			/* snapshots: nothing of theirs concerns the store */
	}
}

static void
on_master_gone(struct chan *c, int why_gone, void *arg)
{
	struct store	*s = arg;

	(void)c;
	(void)why_gone;
	loop_stop(s->loop);
}

static void
on_boot(struct frame *f, const union msg_any *m, void *arg)
{
	struct store	*s = arg;

	int		 r;

	if (f->head.type == MSG_TYPE_REGION && m->REGION.kind == REGION_QUOTAS &&
	    (r = region_map(f->fds[0], REGION_QUOTAS, &s->quotas.region)) != 0)
		fatal(EX_SOFTWARE, "shared memory %s: %s", region_name(REGION_QUOTAS), err_text(r));
	if (f->head.type == MSG_TYPE_KEYRING)
		s->has_ring = keyring_read(f->fds[0], &s->ring) == 0;
	if (f->head.type != MSG_TYPE_DIRECTORY || m->DIRECTORY.kind != DIR_STORE)
		return;
	if (m->DIRECTORY.path.n >= sizeof(s->path))
		fatal(EX_CONFIG, "folder name too long");
	memcpy(s->path, m->DIRECTORY.path.p, m->DIRECTORY.path.n);
}

static void
boot(struct store *s)
{
	birth_hear(ROLE_STORE, on_boot, s);
	if (s->path[0] == '\0' || s->quotas.region.slots == NULL)
		fatal(EX_SOFTWARE, "the master sent GO before the folder and the quotas");
}

static void
open_store(struct store *s)
{
	const char	*folders[] = { s->path, NULL };
	int		 r;

	if ((r = keydb_open(s->path, false, &s->db)) == E_EXISTS)
		fatal(EX_TEMPFAIL, "%s is written by another process", s->path);
	if (r == E_SYS)
		fatal(EX_IOERR, "%s: %m%s", s->path, kv_open_hint(errno));
	if (r == E_FORMAT)
		fatal(EX_DATAERR, "the store in %s is damaged: put a backup of it there, or move it away; "
		    "keys, logins and approvals of tools then begin anew", s->path);
	if (r != 0)
		fatal(EX_DATAERR, "the store in %s cannot be used: %s", s->path, err_text(r));
	if ((r = crypt_prepare()) != 0)
		fatal(EX_OSERR, "libcrypto: %s", err_text(r));
	if ((r = confine_process(CONFINE_STORE, folders, NULL)) != 0)
		fatal(EX_OSERR, "confinement: %s", err_text(r));
}

static void
serve(struct store *s)
{
	int	r;

	if ((r = loop_new(&s->loop)) != 0)
		fatal(EX_OSERR, "event loop: %s", err_text(r));
	store_quotas_init(s);
	r = chan_init(&s->master, s->loop, HERITAGE_CONTROL, ROLE_STORE, ROLE_MASTER, on_master,
	    on_master_gone, s);
	if (r != 0)
		fatal(EX_PROTOCOL, "master: %s", err_text(r));
	life_begin(&s->master, 0);
	store_keys_init(s);
	store_sessions_init(s);
	store_pins_init(s);
	store_pins_tell(s);
	store_grants_tell(s);
	loop_run(s->loop);
}

int
main(int argc, char **argv)
{
	static struct store	s;

	if (argc > 1 && argv[1][0] == '-')
		return offline_main(argc, argv);
	birth_begin("mcpgw-store");
	signal(SIGXFSZ, SIG_IGN);	/* a limit on file size is an error like a full disk */
	boot(&s);
	open_store(&s);
	serve(&s);
	store_keys_fini(&s);
	store_quotas_fini(&s);
	keydb_close(&s.db);
	crypt_wipe(&s.ring, sizeof(s.ring));
	chan_fini(&s.master);
	loop_free(&s.loop);
	return EX_OK;
}
