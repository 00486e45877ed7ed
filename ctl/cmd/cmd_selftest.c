/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_selftest.c - try every known way out of a jail on this machine
 *
 * Process: mcpgwctl, which becomes mcpgw-selftest.  Owns: nothing.  Trusts: its own installation.
 */
#include <sysexits.h>
#include <unistd.h>

#include "ctl/folders.h"
#include "ctl/opts.h"
#include "ctl/program.h"
#include "lib/log.h"

int
cmd_selftest(struct ctl *ctl, int argc, char **argv)
{
	static char	 program[] = "mcpgw-selftest", json[] = "--json", reduced[] = "--reduced",
			 user[] = "--user";
	bool		 jail = false, less = false;
	const struct opt rows[] = { { "--jail", NULL, &jail }, { "--reduced", NULL, &less },
			 { NULL, NULL, NULL } };
	int		 words = opts_take(rows, argc, argv, 0, 1);
	char		*args[8] = { program };
	size_t		 n = 1;

	if (!jail)
		fatal(EX_USAGE, "selftest needs --jail: the jail is what can be tested");
	if (ctl->json)
		args[n++] = json;
	if (less)
		args[n++] = reduced;
	/* Root has no jail of its own: what is tested is that of the user whom tools run as. */
	if (geteuid() == 0) {
		args[n++] = user;
		args[n++] = (char *)(uintptr_t)folders_tenant_user(ctl);
	}
	if (words > 0)
		args[n++] = argv[0];
	program_become(program, args);
}
