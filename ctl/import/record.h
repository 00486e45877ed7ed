/* SPDX-License-Identifier: Apache-2.0
 *
 * record.h - what was imported, as it was then: state_dir/imports/NAME.json
 */
#ifndef CTL_IMPORT_RECORD_H
#define CTL_IMPORT_RECORD_H

#include "ctl/import/server.h"

/* For each server that was written, or stands there already: where it came from, the package and the hash of its tree,
 * or the hash of the program's file, the tools it had, and what was written for which entries of clients' files, which
 * gateways may go by (imports_file).  One that cannot be written is said, and is no reason to stop. */
void	records_write(struct import *im);

#endif
