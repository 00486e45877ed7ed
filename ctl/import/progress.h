/* SPDX-License-Identifier: Apache-2.0
 *
 * progress.h - what is being done, said to people when it takes over two seconds
 *
 * Words go to stderr; those that another line follows only where that is a terminal.
 */
#ifndef CTL_IMPORT_PROGRESS_H
#define CTL_IMPORT_PROGRESS_H

#include <stdint.h>

/* From now on two seconds count. */
void	progress_begin(void);
/* What is done now; shown at once when two seconds are over, else then. */
void	progress_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What was done, with the time it took, since began_ms of clock_mono_ms(). */
void	progress_end(uint64_t began_ms, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
