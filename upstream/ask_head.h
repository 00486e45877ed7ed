/* SPDX-License-Identifier: Apache-2.0
 *
 * ask_head.h - the header fields of a request to an upstream
 */
#ifndef UPSTREAM_ASK_HEAD_H
#define UPSTREAM_ASK_HEAD_H

#include "upstream/ask.h"

/* Makes a->fields of a->request; get: it goes as a GET.  0, E_TOOBIG (too many) or E_NOMEM. */
must_check int	ask_head(struct ask *a, bool get);

#endif
