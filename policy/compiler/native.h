/* SPDX-License-Identifier: Apache-2.0
 *
 * native.h - one program as a tool while it is being read: its slots, its template, its definition
 *
 * In this order: slots, words, slots again when it is known where each stands, definition.
 */
#ifndef POLICY_COMPILER_NATIVE_H
#define POLICY_COMPILER_NATIVE_H

#include "policy/compiler/making.h"
#include "policy/slots.h"

struct native_slot {
	const struct conf_node	*node;
	struct span		 name;
	struct rec_slot		 rec;
	const struct conf_node	*fallback;	/* NULL: none */
	bool			 says_required, says_max_length;
	bool			 outside;	/* stands in a word of no group */
};

struct native {
	struct making		*m;
	struct job		*j;
	const struct source	*s;
	const struct conf_node	*node;
	struct rec_tool		 rec;
	uint32_t		 risk;		/* enum native_risk */
	bool			 idempotent;
	struct native_slot	 slots[SLOTS_MAX];
	size_t			 slot_count;
};

enum native_risk { RISK_LOW, RISK_MEDIUM, RISK_HIGH, RISK_UNSAID };

/* What is wrong is said; the tool is not usable then, but reading may go on. */
void	native_slots_read(struct native *t);
/* args and stdin: WORD and PART. */
void	native_words_read(struct native *t);
/* What their use says of them is checked; SLOT and CHOICE. */
void	native_slots_put(struct native *t);
/* What tools/list will say: JSON without line feeds, as long as the job. */
struct span native_definition(struct native *t);

/* Borrowed, or NULL. */
struct native_slot *native_slot_find(struct native *t, struct span name);

#endif
