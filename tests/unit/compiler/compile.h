/* SPDX-License-Identifier: Apache-2.0
 *
 * compile.h - runs the compiler over a folder, as `mcpgw -t` does, and maps what it made
 */
#ifndef TESTS_UNIT_COMPILER_COMPILE_H
#define TESTS_UNIT_COMPILER_COMPILE_H

#include "policy/compiler/job.h"
#include "policy/snap.h"

struct compiled {
	unsigned	 errors, warnings;
	struct buf	 notes;			/* one line each */
	struct snap	*policy, *profile, *worker_secrets, *tenant_secrets, *scout_secrets;	/* NULL after errors */
};

/* Options end with NULL. */
void	compile_folder(const char *folder, bool personal, const char *const *options, struct compiled *out);
/* The same, for the gateway of the system, while these are learnt. */
void	compile_learning(const char *folder, const struct learning *learning, size_t count, struct compiled *out);
void	compiled_fini(struct compiled *c);

/* A private folder, and files in it; text may be NULL (the file is removed). */
void	scratch_new(char path[64]);
void	scratch_write(const char *folder, const char *name, const char *text, unsigned mode);
void	scratch_remove(const char *folder);

#endif
