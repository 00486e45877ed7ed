/* SPDX-License-Identifier: Apache-2.0
 *
 * proxied.h - whom a reverse proxy speaks for
 */
#ifndef WORKER_FRONT_PROXIED_H
#define WORKER_FRONT_PROXIED_H

#include "worker/worker.h"

/* Of a request from one of trusted_proxies: x->peer becomes who the proxy says it is, with family AF_UNSPEC where it
 * does not say; of any other, and without such a header, it stays. */
void	proxied_look(const struct config *config, struct exchange *x);

#endif
