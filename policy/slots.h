/* SPDX-License-Identifier: Apache-2.0
 *
 * slots.h - what clients fill in for a program: the values, how they travel, and whether they may be so
 *
 * The runner checks them to tell the client what is wrong, the spawner because it believes no runner.
 * Byte classes of a string: WORD is [A-Za-z0-9_.-]; NAME these and / : @ + , = ~ ^ %; LINE is UTF-8 without
 * control characters; TEXT a line, or several, with tabs.  A path is a LINE that is relative and nowhere "..".
 * None holds a NUL.
 */
#ifndef POLICY_SLOTS_H
#define POLICY_SLOTS_H

#include <stdbool.h>

#include "lib/buf.h"
#include "policy/records.h"

#define SLOTS_MAX		64		/* of one tool */
#define SLOT_ITEMS_MAX		256		/* values of one array */
#define SLOT_VALUES_MAX		512		/* of one call */
#define SLOTS_WIRE_MAX		(12 * 1024)	/* bytes of one call's values for arguments, as they travel */
#define SLOT_ARGS_MAX		8192		/* bytes of one value that stands in the arguments */
#define SLOT_INPUT_MAX		(1024 * 1024)	/* of one that goes to stdin only */

struct slot_value {
	uint32_t	slot;		/* among the tool's */
	struct span	text;
};

/* Values that were given, in order of their slots; of an array one for each item. */
struct slot_values {
	struct slot_value v[SLOT_VALUES_MAX];
	size_t		  count;
};

/* Borrowed; NULL when there is no such slot. */
const struct rec_slot	*slots_at(const struct snap *s, const struct rec_tool *t, uint64_t i);
/* May a slot have this value?  0, or E_RANGE with the reason in why ("longer than 80 bytes"). */
must_check int	slots_check_value(const struct snap *s, const struct rec_slot *slot, struct span text, char *why,
		    size_t why_bytes);
/* All of a call's values: each may be so, no slot has more than it may, none is missing that is required.
 * `uses`: SLOT_FLAG_ARGS or SLOT_FLAG_INPUT or both; slots of another use may have none.  0, E_FORMAT (no runner
 * of ours sends this) or E_RANGE, with why for the client, the argument's name in it. */
must_check int	slots_check(const struct snap *s, const struct rec_tool *t, const struct slot_values *values,
		    unsigned uses, char *why, size_t why_bytes);
/* The values of a slot: how many, and the first; its fallback counts when none was given. */
size_t		slots_find(const struct rec_slot *slot, uint32_t index, const struct slot_values *values,
		    const struct slot_value **first);

/* As they travel: slot and length as 16 bits each, then the bytes.  Appends those of slots that stand in the
 * arguments.  0, E_TOOBIG (over SLOTS_WIRE_MAX) or E_NOMEM. */
must_check int	slots_encode(const struct snap *s, const struct rec_tool *t, const struct slot_values *values,
		    struct buf *to);
/* Texts are borrowed from wire.  0 or E_FORMAT. */
must_check int	slots_decode(struct span wire, struct slot_values *out);

#endif
