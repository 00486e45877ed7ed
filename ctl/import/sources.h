/* SPDX-License-Identifier: Apache-2.0
 *
 * sources.h - where packages come from: the user's registry, proxy, certificates and tokens, made fit for a jail
 *
 * Only what is needed to fetch is taken of the user's settings; all else of npm and pip is at its default.
 */
#ifndef CTL_IMPORT_SOURCES_H
#define CTL_IMPORT_SOURCES_H

#include "ctl/import/endpoints.h"

#define SOURCES_WHY	1024
#define SOURCES_FOLDERS	8

struct sources {
	struct endpoints hosts;			/* an installer may reach these, and nothing else */
	struct buf	 npmrc, npmrc_open;	/* its settings; the same without what lets nobody else in */
	struct buf	 pip;			/* a pip.conf */
	struct buf	 npm_ca, pip_ca;	/* certificates in PEM, in place of the well-known ones; may be empty */
	struct buf	 extra_ca;		/* in addition to those of node */
	char		*folders[SOURCES_FOLDERS];	/* that hold packages (pip's find-links) */
	size_t		 folder_count;
};

void		sources_init(struct sources *s);
/* normal: what counts where the settings say nothing, by npm's and pip's own word; files: the host that has the files
 * of that index.  ca: where npm_ca will be found in the jail, pip_ca likewise.  0, or an error with why[]: what the
 * settings say is not possible in a jail. */
must_check int	sources_npm(struct sources *s, const char *npm_folder, const char *normal, const char *ca,
		    char why[SOURCES_WHY]);
must_check int	sources_pip(struct sources *s, const char *normal, const char *files, const char *ca,
		    char why[SOURCES_WHY]);
void		sources_fini(struct sources *s);

#endif
