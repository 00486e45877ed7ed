/* SPDX-License-Identifier: Apache-2.0
 *
 * jsonc.c - json-c as a second opinion; a file of its own, for its names and ours collide
 */
#include <json-c/json.h>

#include "tests/unit/lib/jsonc.h"

bool
json_c_takes(const char *text, size_t bytes)
{
	struct json_tokener	*tok = json_tokener_new_ex(200);
	struct json_object	*o;
	bool			 took;

	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tok, text, (int)bytes);
	if (json_tokener_get_error(tok) == json_tokener_continue)	/* a number at the top */
		o = json_tokener_parse_ex(tok, "", 1);
	took = json_tokener_get_error(tok) == json_tokener_success && bytes > 0;
	json_object_put(o);
	json_tokener_free(tok);
	return took;
}
