/* SPDX-License-Identifier: Apache-2.0
 *
 * row.h - one row of the audit as one line of JSON
 */
#ifndef AUDIT_AUDITOR_ROW_H
#define AUDIT_AUDITOR_ROW_H

#include "audit/auditor/options.h"
#include "audit/db.h"
#include "lib/buf.h"

/* Appends {"number":..., "request_id":..., "time":..., ...} and a line feed.  Members nobody knew are
 * left out; latency_us becomes "ms".  0, E_TOOBIG or E_NOMEM. */
must_check int	row_put(struct buf *to, const struct auditdb_row *row);
/* Is it one of those asked for?  (Time and limit are the caller's.) */
bool		row_wanted(const struct auditdb_row *row, const struct options *o);

#endif
