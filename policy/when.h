/* SPDX-License-Identifier: Apache-2.0
 *
 * when.h - conditions of rules: do they hold, of this principal, this object, this moment?
 *
 * Three answers.  TRUTH_UNKNOWN: a fact is not known, or what is there cannot be compared (a text where a number is
 * wanted); decide() lets it count against the caller, or, in a list, for it.
 */
#ifndef POLICY_WHEN_H
#define POLICY_WHEN_H

#include "lib/buf.h"
#include "policy/decide.h"
#include "policy/records.h"

enum truth { TRUTH_NO, TRUTH_YES, TRUTH_UNKNOWN };

/* Do all of these hold?  Adds to *unsure the facts (enum fact_bits) that TRUTH_UNKNOWN is for want of. */
enum truth	when_holds(const struct snap *s, uint64_t first, uint32_t count, const struct principal *who,
		    const struct object *what, unsigned *unsure);
enum truth	when_one(const struct snap *s, const struct rec_condition *c, const struct principal *who,
		    const struct object *what, unsigned *unsure);
/* What it was compared with, for people: appends text, "(absent)" or "(not known)". */
must_check int	when_put_value(const struct snap *s, const struct rec_condition *c, const struct principal *who,
		    const struct object *what, struct buf *to);

#endif
