/* SPDX-License-Identifier: Apache-2.0
 *
 * tar.h - an archive of texts (POSIX ustar), for any tar(1)
 */
#ifndef CTL_FILES_TAR_H
#define CTL_FILES_TAR_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/span.h"

#define TAR_NAME_MAX	99

/* One file of mode 0600.  E_TOOBIG: the name, or over 8 GiB; E_SYS. */
must_check int	tar_put(int fd, const char *name, struct span text, uint64_t wall_ms);
/* What an archive ends with. */
must_check int	tar_end(int fd);

#endif
