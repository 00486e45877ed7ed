/* SPDX-License-Identifier: Apache-2.0
 *
 * store.h - what the process mcpgw-store is made of
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "ipc/chan.h"
#include "lib/keyring.h"
#include "lib/loop.h"
#include "shm/region.h"
#include "store/familycount.h"
#include "store/keydb.h"

#define STORE_WAITING_MAX	256
#define STORE_MARKS_MAX		256

struct quota_known;

struct store {
	struct loop		*loop;
	struct chan		 master;
	struct keydb		*db;
	char			 path[4096];
	/* keys.c */
	struct buf		 uses;		/* not written yet, as in KEYS_USED */
	struct loop_timer	 write_uses;
	/* sessions.c */
	struct loop_timer	 tidy_families;
	struct family_counts	 families;	/* about how many there are */
	/* grants.c */
	struct keyring		 ring;		/* of grants */
	bool			 has_ring;
	uint64_t		 grants_made;	/* generation of the last grants */
	struct {				/* quotas.c */
		struct region		 region;
		struct quota_known	**table;	/* open, by key */
		size_t			 count;
		size_t			 sweep_at;	/* when there are so many, those that ended are let go */
		uint64_t		 swept_ms, tidied_ms;	/* wall clock: that, and rows on disk */
		struct quota_known	*due;		/* whose marks are to be written */
		size_t			 due_count;
		struct loop_timer	 write;
	}			 quotas;
	/* pins.c */
	struct loop_timer	 tell_pins;
	bool			 pins_changed;
	struct store_waiting {			/* are answered behind the pins */
		uint16_t	 type;		/* STORE_PIN_KEPT, or STORE_DONE */
		uint32_t	 slot, incarnation;
		uint64_t	 number;	/* the ref of a STORE_DONE */
		int		 error;
		char		 line[256];
	}			 waiting[STORE_WAITING_MAX];
	size_t			 waiting_count;
};

/* main.c */
/* A master that cannot be told is about to be gone. */
void		store_tell(struct store *s, uint16_t type, uint64_t ref, const void *msg, const int *fd);
/* What is wrong with the store itself, for people. */
const char	*store_why(struct store *s, int r);

/* keys.c */
void		store_keys_init(struct store *s);
/* Writes what waits. */
void		store_keys_fini(struct store *s);
void		store_keys_dump(struct store *s, uint64_t ref);
void		store_keys_used(struct store *s, struct span uses);
void		store_key_add(struct store *s, uint64_t ref, const struct msg_STORE_KEY_ADD *m);
void		store_key_rotate(struct store *s, uint64_t ref, const struct msg_STORE_KEY_ROTATE *m);
void		store_key_revoke(struct store *s, uint64_t ref, const struct msg_STORE_KEY_REVOKE *m);
/* STORE_DONE, with a line for people. */
void		store_done(struct store *s, uint64_t ref, int error, const char *fmt, ...)
		    __attribute__((format(printf, 4, 5)));

/* tokens.c */
void		store_token(struct store *s, uint64_t ref, const struct msg_TOKEN *m);
struct build;
must_check int	store_tokens_dump(struct store *s, struct build *b);

/* sessions.c */
void		store_sessions_init(struct store *s);
void		store_session(struct store *s, const struct msg_SESSION *m);

/* pins.c */
void		store_pins_init(struct store *s);
/* The first pins; READY was said. */
void		store_pins_tell(struct store *s);
void		store_pins_seen(struct store *s, int fd, const struct msg_STORE_PIN_SEEN *m);
void		store_pins_decide(struct store *s, uint64_t ref, const struct msg_STORE_PIN_DECIDE *m);
void		store_pins_dump(struct store *s, uint64_t ref, const struct msg_STORE_PIN_DUMP *m);

/* quotas.c: fatal when what was used cannot be read. */
void		store_quotas_init(struct store *s);
/* Writes what was used in the end. */
void		store_quotas_fini(struct store *s);
void		store_quota_mark(struct store *s, const struct msg_QUOTA_MARK *m);

/* grants.c */
/* All of them, for mcpgw-scout; at the start, and when they changed. */
void		store_grants_tell(struct store *s);
void		store_grants_keep(struct store *s, int fd, const struct msg_GRANT_KEEP *m);

#endif
