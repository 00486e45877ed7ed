/* SPDX-License-Identifier: Apache-2.0
 *
 * cors.h - what browsers are told, for origins that are allowed (mcp-wire 3.5)
 */
#ifndef WORKER_FRONT_CORS_H
#define WORKER_FRONT_CORS_H

#include "worker/front/request.h"

#define CORS_FIELDS	2

/* The fields of any answer; answers how many: none unless the request has an allowed origin. */
size_t	cors_fields(const struct request *rq, struct exchange_field f[CORS_FIELDS]);
/* Answers OPTIONS, and lets go of the request. */
void	cors_preflight(struct request *rq);

#endif
