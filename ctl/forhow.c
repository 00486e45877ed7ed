/* SPDX-License-Identifier: Apache-2.0
 *
 * forhow.c - for how long, as people type it
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: the operator.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/forhow.h"
#include "lib/num.h"

int
forhow_ms(const char *text, uint64_t *ms)
{
	size_t	n = strlen(text);
	char	longer[32];

	if (n < 2 || n + 3 > sizeof(longer) || text[n - 1] != 'm')
		return num_msec(span_of(text), ms);
	snprintf(longer, sizeof(longer), "%sin", text);
	return num_msec(span_of(longer), ms);
}
