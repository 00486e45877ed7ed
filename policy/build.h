/* SPDX-License-Identifier: Apache-2.0
 *
 * build.h - writes a snapshot: records and text in, a sealed memfd out
 *
 * Used by mcpgw-compile and, for the dump, by mcpgw-store; never by a process that serves clients.
 */
#ifndef POLICY_BUILD_H
#define POLICY_BUILD_H

#include "policy/records.h"

struct build;

must_check int	build_new(enum snap_kind kind, const char *consumer, struct build **out);
void		build_free(struct build **b);
/* Interns: equal texts share their place.  E_FULL at 4 GiB. */
must_check int	build_text(struct build *b, struct span s, struct stext *out);
/* A text that is there; borrowed until the next build_text(). */
struct span	build_text_at(const struct build *b, struct stext t);
/* Appends one record; *index is its number (index may be NULL). */
must_check int	build_add(struct build *b, enum snap_section section, const void *record, uint32_t *index);
uint64_t	build_count(const struct build *b, enum snap_section section);
/* A record already added, to be completed; NULL out of range; valid until the next build_add. */
void		*build_at(struct build *b, enum snap_section section, uint64_t i);
/* Seals the whole; *fd is the caller's. */
must_check int	build_seal(struct build *b, uint64_t generation, int *fd, uint64_t *length);

#endif
