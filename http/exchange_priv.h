/* SPDX-License-Identifier: Apache-2.0
 *
 * exchange_priv.h - shared by exchange.c and collect.c
 */
#ifndef HTTP_EXCHANGE_PRIV_H
#define HTTP_EXCHANGE_PRIV_H

#include "http/exchange.h"
#include "http/queue.h"

#define EXCHANGE_MAGIC		0x0e8c4a01u
#define HTTP_QUEUE_CREDIT	HTTP_QUEUE_HIGH

/* Gives back what collecting the body holds. */
void	exchange_collect_fini(struct exchange *x);

#endif
