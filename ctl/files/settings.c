/* SPDX-License-Identifier: Apache-2.0
 *
 * settings.c - mcpgw.conf as the gateway would take it
 *
 * Process: mcpgwctl.  Owns: nothing.  Trusts: as compiled.c.
 */
#include "ctl/compare/compiled.h"
#include "ctl/files/settings.h"

bool
settings_read(struct ctl *ctl, bool say, struct snap **out)
{
	return compiled_read(ctl, &(struct compiled_plan){ .what = COMPILE_PARAMS, .errors = say }, out);
}
