/* SPDX-License-Identifier: Apache-2.0
 *
 * metastatus.h - get_gateway_status: is the configuration in force, which servers answer
 */
#ifndef WORKER_META_METASTATUS_H
#define WORKER_META_METASTATUS_H

#include "worker/front/request.h"

typedef void metastatus_reply_fn(struct request *rq, struct span json, bool is_error);

void	metastatus_reply(struct request *rq, metastatus_reply_fn *reply);

#endif
