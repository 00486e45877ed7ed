/* SPDX-License-Identifier: Apache-2.0
 *
 * forhow.h - for how long, as people type it
 */
#ifndef CTL_FORHOW_H
#define CTL_FORHOW_H

#include <stdint.h>

#include "lib/err.h"

/* As num_msec() reads it, and "10m", which is what people type here.  0, E_FORMAT, E_RANGE. */
must_check int	forhow_ms(const char *text, uint64_t *ms);

#endif
