/* SPDX-License-Identifier: Apache-2.0
 *
 * objects.h - prompts/get, resources/read and completion/complete: to the server that has it
 */
#ifndef WORKER_OBJECTS_H
#define WORKER_OBJECTS_H

#include "worker/request.h"

void	objects_get_prompt(struct request *rq);
void	objects_read_resource(struct request *rq);
void	objects_complete(struct request *rq);

#endif
