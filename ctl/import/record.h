/* SPDX-License-Identifier: Apache-2.0
 *
 * record.h - what was imported, as it was then: state_dir/imports/NAME.json
 */
#ifndef CTL_IMPORT_RECORD_H
#define CTL_IMPORT_RECORD_H

#include "ctl/import/server.h"

/* For each server that was written: where it came from, the package and the hash of its tree, or the hash of the
 * program's file, and the tools it had.  One that cannot be written is said, and is no reason to stop. */
void	records_write(struct import *im);

#endif
