/* SPDX-License-Identifier: Apache-2.0
 *
 * grants.c - tokens for HTTP servers: between workers, scout and store
 *
 * Process: master.
 * Owns:    the sealing key's descriptor.  Tokens and grants in force are among the snapshots.
 * Trusts:  that a snapshot is whole, after looking; tokens and grants are never read here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/keyring.h"
#include "lib/log.h"
#include "lib/secretfile.h"
#include "master/boot.h"
#include "master/master.h"

#define BYTES_MAX	(64 * 1024 * 1024)
#define CREDENTIAL	"mcpgw-grants-key"
#define KEY_FILE	"grants.key"

/* ---- the key ----------------------------------------------------------------------------------- */

/* Whole and on disk before anything is sealed with it. */
static int
make_file(struct master *m)
{
	struct keyring	ring;
	int		fd, r;

	if ((r = keyring_make(&ring)) != 0)
		return r;
	fd = openat(m->dirs.state_fd, KEY_FILE ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1 || write(fd, &ring, sizeof(ring)) != (ssize_t)sizeof(ring) || fsync(fd) == -1 ||
	    renameat(m->dirs.state_fd, KEY_FILE ".new", m->dirs.state_fd, KEY_FILE) == -1 ||
	    fsync(m->dirs.state_fd) == -1)
		r = E_SYS;
	explicit_bzero(&ring, sizeof(ring));
	fd_close(&fd);
	return r;
}

static int
key_read(int fd, struct keyring *ring, const char **why)
{
	struct stat	st;
	int		r;

	if (fstat(fd, &st) == -1)
		return E_SYS;
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0) {
		*why = "no plain file, or readable by others: chmod 600 it";
		return E_DENIED;
	}
	if ((r = keyring_read(fd, ring)) != 0)
		*why = "no key of this release: put the right one back, or remove it and log in again";
	return r;
}

int
grants_key_open(struct master *m)
{
	const char	*why = NULL, *where = CREDENTIAL;
	struct keyring	 ring;
	int		 fd, r = 0;

	if (credfile_open(SPAN_NONE, SPAN_LIT(CREDENTIAL), &fd, &why) != 0) {
		why = NULL;
		where = KEY_FILE;
		fd = openat(m->dirs.state_fd, KEY_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd == -1 && errno == ENOENT && (r = make_file(m)) == 0)
			fd = openat(m->dirs.state_fd, KEY_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	}
	if (fd == -1)
		r = E_SYS;
	if (r == 0 && (r = key_read(fd, &ring, &why)) == 0)
		r = keyring_memfd(&ring, &m->grants_key);
	explicit_bzero(&ring, sizeof(ring));
	if (r != 0)
		log_err(LOG_SUBJECT("key of grants", where), "%s", why != NULL ? why : strerror(errno));
	fd_close(&fd);
	return r;
}

/* ---- what they say to each other --------------------------------------------------------------- */

static int
put_in_force(struct master *m, int *fd, enum snap_kind kind, uint64_t generation)
{
	const struct snapitem	*before = snapset_find(&m->in_force, kind, SPAN_NONE);
	struct snapset		 made;
	struct stat		 st;
	int			 r;

	snapset_init(&made);
	if (fstat(*fd, &st) == -1 || st.st_size > BYTES_MAX)
		r = E_TOOBIG;
	else if (before != NULL && before->head.generation >= generation)
		r = E_UNTIMELY;
	else if ((r = snapset_take(&made, fd, kind, SPAN_NONE, generation)) == 0)
		r = snapset_replace(&m->in_force, &made, 1u << kind);
	snapset_fini(&made);
	return r;
}

void
grants_on_tokens(struct master *m, int *fd, const struct msg_TOKENS_MADE *b)
{
	struct child	*c;
	int		 r = put_in_force(m, fd, SNAP_TOKENS, b->generation);

	if (r != 0) {
		log_warn_repeat(child_subject(&m->scout), "its tokens are dropped: %s", err_text(r));
		return;
	}
	LIST_FOREACH(c, &m->children.live, live)
		if (c->role == ROLE_WORKER && child_has_channel(c))
			boot_offer(c, 1u << SNAP_TOKENS);
}

void
grants_on_grants(struct master *m, int *fd, const struct msg_STORE_GRANTS *b)
{
	int	r = b->error;

	if (r == 0)
		r = put_in_force(m, fd, SNAP_GRANTS, b->generation);
	if (r != 0)
		log_err(LOG_SUBJECT("store", ""), "no grants: %s; servers with a login wait for one", err_text(r));
	else if (child_has_channel(&m->scout))
		boot_offer(&m->scout, 1u << SNAP_GRANTS);
}

void
grants_on_keep(struct master *m, int fd, const struct msg_GRANT_KEEP *b)
{
	if (m->store.state != CHILD_READY || child_send(&m->store, MSG_TYPE_GRANT_KEEP, 0, b, &fd, 1) != 0)
		log_err(LOG_SUBJECT("store", ""), "not there: the login at %.*s is lost with the next restart",
		    SPAN_FMT(b->server));
}

/* A scout that is not there looks at everything when it is. */
void
grants_on_wanted(struct child *worker, const struct msg_TOKEN_WANTED *b)
{
	struct master	*m = worker->m;

	if (m->scout.state == CHILD_READY)
		(void)child_send(&m->scout, MSG_TYPE_TOKEN_WANTED, 0, b, NULL, 0);
}

void
grants_on_user_wanted(struct child *worker, const struct msg_USER_TOKEN_WANTED *b)
{
	struct master	*m = worker->m;

	if (m->scout.state == CHILD_READY)
		(void)child_send(&m->scout, MSG_TYPE_USER_TOKEN_WANTED, 0, b, NULL, 0);
}
