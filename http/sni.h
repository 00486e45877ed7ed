/* SPDX-License-Identifier: Apache-2.0
 *
 * sni.h - which of several certificates a client means by the name it asks for
 */
#ifndef HTTP_SNI_H
#define HTTP_SNI_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "lib/span.h"

struct sni;

must_check int	sni_new(struct sni **out);
void		sni_free(struct sni **s);
/* A name of certificate `cert`, copied: in small letters, or "*.example" for what is one label below it.  Of the same
 * name the one that was added first counts.  E_NOMEM. */
must_check int	sni_add(struct sni *s, struct span name, size_t cert);
/* Between the last sni_add() and the first sni_find(). */
void		sni_done(struct sni *s);
/* A name itself before a wildcard.  False: nobody's. */
bool		sni_find(const struct sni *s, const char *name, size_t *cert);

#endif
