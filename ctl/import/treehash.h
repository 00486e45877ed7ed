/* SPDX-License-Identifier: Apache-2.0
 *
 * treehash.h - a folder that an installer filled: looked at, closed against changes, and summed up in one digest
 */
#ifndef CTL_IMPORT_TREEHASH_H
#define CTL_IMPORT_TREEHASH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/crypt.h"

#define TREEHASH_TEXT	(CRYPT_SHA256_BYTES * 2 + 1)
#define TREEHASH_WHY	512

struct treehash {
	char		hex[TREEHASH_TEXT];	/* SHA-256 over the sorted tree */
	uint64_t	bytes, files;
	char		why[TREEHASH_WHY];	/* of an error: one line, with the path */
};

/* All below the folder `fd`, which stays the caller's: names in order, for each its kind, whether it is executable, and
 * its content or where it links to.  There may be folders, files, and links that stay within or lead to `outside`
 * (absolute, and what is below it; NULL: none) or /usr.  With `seal` everything but the folder itself becomes
 * read-only, and root's where we are root.
 * 0; E_FORMAT (something else lies there, a link leads out), E_TOOBIG, E_SYS: ->why says which. */
must_check int	treehash_make(int fd, bool seal, const char *outside, struct treehash *out);

#endif
