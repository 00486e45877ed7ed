/* SPDX-License-Identifier: Apache-2.0
 *
 * pinread.h - the pins of tools, from the gateway or, where none runs, from the store itself
 */
#ifndef CTL_SHOW_PINREAD_H
#define CTL_SHOW_PINREAD_H

#include "ctl/ctl.h"
#include "lib/json.h"
#include "policy/records.h"

/* A tool with its definitions, newest first within a state. */
struct pintool {
	struct span		 tenant, server, name;
	const struct rec_pin	**held, **approved, **rejected;	/* each newest first */
	size_t			 held_count, approved_count, rejected_count;
};

struct pinread {
	struct snap		*snap;
	struct pintool		*tools;		/* sorted by tenant, server and name */
	size_t			 count;
	const struct rec_pin	**rows;
};

/* All that is known; texts of tenant and server restrict it, when not empty.  0, or the exit code; why was said. */
int		pinread_open(struct ctl *ctl, uint32_t command, const char *tenant, const char *server,
		    struct pinread *out);
void		pinread_close(struct pinread *p);
/* By SERVER.TOOL as it is typed; names may hold dots themselves.  NULL: there is none. */
const struct pintool *pinread_find(const struct pinread *p, const char *typed);
/* Says that there is none, and which may have been meant; what: "tool". */
void		 pinread_say_none(const struct pinread *p, const char *typed, const char *what);
/* Its definition, proven; JSON_NONE: none was kept, or pin is NULL. */
struct json_value pinread_object(const struct pinread *p, const struct rec_pin *pin);
/* The first 12 hex digits of its digest. */
#define PINREAD_HASH	13
const char	*pinread_hash(const struct rec_pin *pin, char to[PINREAD_HASH]);
/* The newest one that was not approved, or NULL. */
const struct rec_pin *pinread_waiting(const struct pintool *t);

#endif
