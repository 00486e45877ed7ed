/* SPDX-License-Identifier: Apache-2.0
 *
 * whoseport.h - which process listens at a TCP port
 */
#ifndef CTL_DOCTOR_WHOSEPORT_H
#define CTL_DOCTOR_WHOSEPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "pid 3120 (node)"; false: nobody, or one whose descriptors we may not look at. */
bool	whoseport_find(uint16_t port, char *to, size_t room);

#endif
