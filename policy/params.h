/* SPDX-License-Identifier: Apache-2.0
 *
 * params.h - struct params, and the table of all parameters: both from tables/params.def
 *
 * The text of mcpgw.conf is read by mcpgw-compile alone; everybody else, the master too, takes the
 * values out of the policy snapshot with params_load().  (mcpgw-stdio has no snapshot: stdio/place.c looks
 * for the socket's path, and for nothing else.)
 */
#ifndef POLICY_PARAMS_H
#define POLICY_PARAMS_H

#include "policy/records.h"

enum param_id {
#define PARAM(name, type, normal, personal, min, max, scope, effect, doc) PARAM_ID_##name,
#include "tables/params.def"
#undef PARAM
	PARAM_ID_LIMIT
};

enum param_type { PARAM_TYPE_text, PARAM_TYPE_path, PARAM_TYPE_flag, PARAM_TYPE_num, PARAM_TYPE_msec,
	PARAM_TYPE_size, PARAM_TYPE_word };
enum param_scope { PARAM_SCOPE_GLOBAL, PARAM_SCOPE_TENANT };
enum param_effect { PARAM_EFFECT_NEXT_REQUEST, PARAM_EFFECT_NEXT_CONNECTION, PARAM_EFFECT_NEXT_START,
	PARAM_EFFECT_UPGRADE, PARAM_EFFECT_RESTART };

/* One field each: uint64_t for flag (0, 1), num, msec, size (bytes) and word (its place in the list of
 * words, from 0: the enums below); struct span for text and path. */
typedef struct span	param_text;
typedef struct span	param_path;
typedef uint64_t	param_flag;
typedef uint64_t	param_num;
typedef uint64_t	param_msec;
typedef uint64_t	param_size;
typedef uint64_t	param_word;
struct params {
#define PARAM(name, type, normal, personal, min, max, scope, effect, doc) param_##type name;
#include "tables/params.def"
#undef PARAM
};

#define PROXIES_MAX	64	/* networks in trusted_proxies */

/* The words, in the order of the table. */
enum precedence_word { PRECEDENCE_SEED, PRECEDENCE_DENY_FIRST };
enum view_word { VIEW_AUTO, VIEW_DISCOVERY, VIEW_CATALOG, VIEW_BOTH };
enum trust_agent_word { TRUST_AGENT_NO, TRUST_AGENT_YES, TRUST_AGENT_ONLY };
enum deny_detail_word { DENY_DETAIL_RULE, DENY_DETAIL_HIDE };
enum tool_approval_word { TOOL_APPROVAL_FIRST_SEEN, TOOL_APPROVAL_MANUAL, TOOL_APPROVAL_OFF };
enum audit_on_error_word { AUDIT_ON_ERROR_REFUSE, AUDIT_ON_ERROR_CONTINUE };
enum health_status_word { HEALTH_STATUS_OK, HEALTH_STATUS_HEALTHY };
enum forwarded_word { FORWARDED_X_FOR, FORWARDED_RFC7239 };
enum tls_version_word { TLS_VERSION_1_3, TLS_VERSION_1_2 };
/* log_level: LOG_LEVEL_ERR + its place. */
enum jail_fallback_word { JAIL_FALLBACK_WORD_NONE, JAIL_FALLBACK_WORD_LANDLOCK };
enum landlock_word { LANDLOCK_WORD_AUTO, LANDLOCK_WORD_NONE, LANDLOCK_WORD_1 };
/* As jail_spec.landlock_abi_max has it. */
static inline int
params_landlock_max(uint64_t word)
{
	return word == LANDLOCK_WORD_NONE ? -1 : word < LANDLOCK_WORD_1 ? 0 : (int)(word - LANDLOCK_WORD_1) + 1;
}

struct param_row {
	const char	*name;
	enum param_type	 type;
	const char	*normal;	/* default, as text; symbolic */
	const char	*personal;	/* NULL: the same */
	const char	*min, *max;	/* "" none; word: min is the list */
	enum param_scope scope;
	enum param_effect effect;
	const char	*doc;
};

/* Static storage; NULL out of range. */
const struct param_row	*param_row(unsigned id);
/* The id, or -1. */
int			 param_find(struct span name);
/* The number a value of this row stands for; 0, E_FORMAT or E_RANGE.  For text and path: 0 and *out
 * = 0. */
must_check int		 param_parse(const struct param_row *row, struct span value, uint64_t *out);

/* All parameters of a policy snapshot; the texts are borrowed from it.  E_FORMAT when one is missing. */
must_check int	params_load(const struct snap *policy, struct params *out);

#endif
