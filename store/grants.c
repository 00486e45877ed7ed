/* SPDX-License-Identifier: Apache-2.0
 *
 * grants.c - what logins at HTTP servers gave: kept for mcpgw-scout, and told to it
 *
 * Process: mcpgw-store.
 * Owns:    nothing beyond a call.
 * Trusts:  the master for whose grant it is; what is in one is not looked at.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "policy/build.h"
#include "store/grantdb.h"
#include "store/store.h"

static int
put(const struct grantdb_grant *g, void *arg)
{
	struct build		*b = arg;
	struct rec_grant	 rec;
	int			 r;

	if ((r = build_text(b, g->tenant, &rec.tenant)) != 0 || (r = build_text(b, g->server, &rec.server)) != 0 ||
	    (r = build_text(b, g->issuer, &rec.issuer)) != 0 || (r = build_text(b, g->bytes, &rec.bytes)) != 0)
		return r;
	return build_add(b, SECTION_GRANT, &rec, NULL);
}

static int
make(struct store *s, uint64_t generation, int *fd)
{
	struct build	*b = NULL;
	uint64_t	 length;
	uint32_t	 sealed;
	int		 r;

	if (!s->has_ring)
		return E_DENIED;
	if ((r = build_new(SNAP_GRANTS, "", &b)) == 0 && (r = grantdb_each(s->db, &s->ring, put, b, &sealed)) == 0) {
		if (sealed > 0)
			log_err(NULL, "%u logins at servers are sealed with a key that is not there (grants.key in "
			    "state_dir, or the credential mcpgw-grants-key); log in again: mcpgwctl server login NAME",
			    sealed);
		r = build_seal(b, generation, fd, &length);
	}
	build_free(&b);
	return r;
}

void
store_grants_tell(struct store *s)
{
	struct msg_STORE_GRANTS	m = { .generation = loop_wall_ms(s->loop) };
	int			fd = -1;

	/* Later than any before, whatever the clock says. */
	if (m.generation <= s->grants_made)
		m.generation = s->grants_made + 1;
	s->grants_made = m.generation;
	if ((m.error = make(s, m.generation, &fd)) != 0) {
		log_err(NULL, "what logins at servers gave cannot be read: %s", m.error == E_DENIED ?
		    "there is no key" : store_why(s, m.error));
		/* Each of these messages has a descriptor. */
		if (fd_memfd("grants", &fd) != 0)
			return;
	}
	store_tell(s, MSG_TYPE_STORE_GRANTS, 0, &m, &fd);
	fd_close(&fd);
}

void
store_grants_keep(struct store *s, int fd, const struct msg_GRANT_KEEP *m)
{
	struct grantdb_grant	g = { .tenant = m->tenant, .server = m->server, .issuer = m->issuer };
	struct stat		st;
	void			*map = NULL;
	int			 r = 0;

	if (!s->has_ring || !fd_is_sealed(fd))
		r = E_DENIED;
	else if (fstat(fd, &st) == -1)
		r = E_SYS;
	else if (st.st_size > GRANTDB_BYTES_MAX)
		r = E_TOOBIG;
	else if (st.st_size > 0 && (map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		r = E_SYS;
	if (r == 0) {
		g.bytes = span_make(map, (size_t)st.st_size);
		r = grantdb_keep(s->db, &s->ring, &g);
		if (map != NULL)
			munmap(map, (size_t)st.st_size);
	}
	if (r != 0)
		log_err(NULL, "server %.*s: its login cannot be kept: %s", SPAN_FMT(m->server), r == E_DENIED ?
		    "there is no key" : store_why(s, r));
	store_grants_tell(s);
}
