/* SPDX-License-Identifier: Apache-2.0
 *
 * offer.h - snapshots the master offers
 */
#ifndef SANDBOX_SPAWNER_OFFER_H
#define SANDBOX_SPAWNER_OFFER_H

#include "ipc/codec.h"
#include "sandbox/spawner/spawner.h"

/* Puts it in force, or keeps the old one; tells the master which.  fd stays the caller's.  0, or why
 * it was refused. */
must_check int	offer_take(struct spawner *s, const struct msg_SNAPSHOT_OFFER *m, int fd);

#endif
