/* SPDX-License-Identifier: Apache-2.0
 *
 * err.c - the error table, expanded
 *
 * Process: all.  Owns: nothing.  Trusts: nobody needs to be.
 */
#include "lib/err.h"
#include "lib/log.h"

static const struct err_row rows[ERR_INDEX_LIMIT] = {
	[ERR_INDEX_NONE] = { "E_OK", "", "ok", 200, 0, LOG_LEVEL_DEBUG },
#define ERR(name, symbol, http, rpc, level, text) \
	[ERR_INDEX_##name] = { "E_" #name, symbol, text, http, rpc, LOG_LEVEL_##level },
#include "tables/errors.def"
#undef ERR
};

const struct err_row *
err_row(int code)
{
	if (code > 0 || code <= -ERR_INDEX_LIMIT)
		return &rows[ERR_INDEX_INTERNAL];
	return &rows[-code];
}

const char *
err_text(int code)
{
	return err_row(code)->text;
}
