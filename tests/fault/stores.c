/* SPDX-License-Identifier: Apache-2.0
 *
 * stores.c - what tests of a gateway's durable tables ask of it, again and again
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fault/stores.h"
#include "tests/harness/mcp.h"

int
stores_call(const struct gateway *g, const char *key, const char *tool)
{
	struct answer	a;
	struct mcp	m;
	int		done;

	mcp_init(&m, g->mcp, "/servers/notes/mcp", key);
	mcp_call(&m, tool, "{}", &a);
	cr_expect(a.status != 0, "no answer");
	done = json_at(a.json, "result") != NULL;
	answer_fini(&a);
	mcp_fini(&m);
	return done;
}

pid_t
stores_pid(const struct gateway *g, const char *program)
{
	struct procs		*p = malloc(sizeof(*p));
	const struct proc	*found;
	pid_t			 pid;

	gateway_procs(g, p);
	found = procs_find(p, program, 0);
	pid = found == NULL ? 0 : found->pid;
	free(p);
	return pid;
}

off_t
stores_bytes(const char *path)
{
	struct stat	st;

	cr_assert(stat(path, &st) == 0, "%s: %s", path, strerror(errno));
	return st.st_size;
}

void
stores_keep(const struct gateway *g)
{
	char	command[1200];

	snprintf(command, sizeof(command), "cp -a '%s/state' '%s/whole'", g->dir, g->dir);
	cr_assert(system(command) == 0, "%s", command);
}

void
stores_put_back(const struct gateway *g)
{
	char	command[1200];

	snprintf(command, sizeof(command), "rm -rf '%s/state' && cp -a '%s/whole' '%s/state'", g->dir, g->dir, g->dir);
	cr_assert(system(command) == 0, "%s", command);
}

bool
stores_take_keys(void *arg)
{
	const struct gateway	*g = arg;
	char			*out;
	int			 code = gateway_ctl(g, &out, true, "key", "add", "--agent", "reader", NULL);

	free(out);
	return code == 0;
}

bool
stores_recorded(void *arg)
{
	const struct stores_records *w = arg;
	json_object		*records;
	char			*out;
	size_t			 n = 0;
	int			 code = gateway_ctl(w->g, &out, true, "audit", "verify", NULL);

	free(out);
	if (code == 0) {
		records = gateway_audit(w->g);
		n = audit_count(records, "object", "list_notes");
		json_object_put(records);
	}
	return code == 0 && n >= w->count;
}
