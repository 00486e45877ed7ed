/* SPDX-License-Identifier: Apache-2.0
 *
 * certfiles.h - the files of certs/ below the configuration folder, as they are now
 */
#ifndef CTL_FILES_CERTFILES_H
#define CTL_FILES_CERTFILES_H

#include "ctl/ctl.h"
#include "lib/cert.h"
#include "policy/params.h"

#define CERTFILES_DIR	"certs"
#define CERTFILES_SOON_MS (UINT64_C(14) * 24 * 3600 * 1000)	/* what ends within it wants somebody */

enum certfile_use { CERTFILE_OWN, CERTFILE_AUTHORITY, CERTFILE_LIST };

/* One certificate, or one list of revoked ones. */
struct certfile {
	enum certfile_use use;
	char		  file[80];	/* below certs/ */
	const char	 *why;		/* it cannot be used; NULL: it can */
	struct cert	  cert;		/* of a list ends_ms alone; 0: it does not say */
	char		  names[512];	/* whom it is for, divided by blanks */
};

typedef void certfile_fn(const struct certfile *c, void *arg);
/* All that the parameters name, each once. */
void	certfiles_each(struct ctl *ctl, const struct params *p, certfile_fn *fn, void *arg);
/* "3 days", "ended": until then. */
const char *certfile_left(uint64_t ends_ms, char *to, size_t room);

#endif
