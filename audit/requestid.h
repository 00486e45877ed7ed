/* SPDX-License-Identifier: Apache-2.0
 *
 * requestid.h - request ids: unique over workers and restarts, without asking anybody (day-one 17)
 *
 * 60 bits: 36 of 1/16 s since 2025, 8 of worker slot, 16 of counter.  As text "r-" and 12 characters of
 * Crockford's base32 (no I, L, O, U).
 */
#ifndef AUDIT_REQUESTID_H
#define AUDIT_REQUESTID_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

#define REQUESTID_CHARS	14

struct requestid {
	uint64_t	tick;
	uint32_t	counter;
	uint8_t		slot;
};

/* Begins with the tick after wall_ms, so that no id of the slot's last worker comes again; the
 * incarnation keeps two that start within one tick apart. */
void		requestid_init(struct requestid *m, uint32_t slot, uint32_t incarnation, uint64_t wall_ms);
/* The next id; never goes back, whatever the clock does. */
uint64_t	requestid_next(struct requestid *m, uint64_t wall_ms);

/* `to` has room for REQUESTID_CHARS + 1. */
void		requestid_text(uint64_t id, char *to);
/* Takes small letters too, and I, L, O for what they look like.  0 or E_FORMAT. */
must_check int	requestid_parse(struct span text, uint64_t *id);
/* When it was given, to 1/16 s. */
uint64_t	requestid_wall_ms(uint64_t id);

#endif
