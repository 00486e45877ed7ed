/* SPDX-License-Identifier: Apache-2.0
 *
 * loginpage.h - the page that a login link leads to, and where the authorization server sends the browser back
 */
#ifndef WORKER_LOGIN_LOGINPAGE_H
#define WORKER_LOGIN_LOGINPAGE_H

#include "ipc/codec.h"
#include "worker/front/request.h"

/* True: it was one of these, and is answered or waits. */
bool	loginpage_serve(struct request *rq);
/* mcpgw-scout's answer, by the master. */
void	loginpage_on_answer(struct worker *w, uint64_t ref, const struct msg_USER_LOGIN_IS *m);

#endif
