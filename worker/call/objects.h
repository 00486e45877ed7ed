/* SPDX-License-Identifier: Apache-2.0
 *
 * objects.h - prompts/get, resources/read and completion/complete: to the server that has it
 */
#ifndef WORKER_CALL_OBJECTS_H
#define WORKER_CALL_OBJECTS_H

#include "worker/front/request.h"

void	objects_get_prompt(struct request *rq);
void	objects_read_resource(struct request *rq);
void	objects_complete(struct request *rq);

/* NULL: nobody has it for this client.  own: as the server knows it, the end of what was asked for.  May come at
 * once. */
typedef void objects_found_fn(struct request *rq, const struct rec_server *server, struct span own);
/* Which server resources/read would go to.  uri lives as long as the request.  0 or E_NOMEM: then nothing comes. */
must_check int	objects_find_resource(struct request *rq, struct span uri, objects_found_fn *found);

#endif
