/* SPDX-License-Identifier: Apache-2.0
 *
 * err.h - E_* codes and their text, from tables/errors.def
 *
 * Every fallible function returns 0 or one of these negative codes.
 */
#ifndef LIB_ERR_H
#define LIB_ERR_H

#define must_check __attribute__((warn_unused_result))

enum err_index {
	ERR_INDEX_NONE = 0,
#define ERR(name, symbol, http, rpc, level, text) ERR_INDEX_##name,
#include "tables/errors.def"
#undef ERR
	ERR_INDEX_LIMIT
};

enum err_code {
	E_OK = 0,
#define ERR(name, symbol, http, rpc, level, text) E_##name = -ERR_INDEX_##name,
#include "tables/errors.def"
#undef ERR
};

/* One row of the table; static storage.  An unknown code answers the row of E_INTERNAL. */
struct err_row {
	const char	*name;		/* "E_NOTFOUND" */
	const char	*symbol;	/* error.data.code towards clients, or "" */
	const char	*text;
	int		 http_status;
	int		 rpc_code;
	int		 log_level;	/* enum log_level */
};

const struct err_row	*err_row(int code);
const char		*err_text(int code);

#endif
