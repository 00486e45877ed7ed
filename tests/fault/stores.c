/* SPDX-License-Identifier: Apache-2.0
 *
 * stores.c - what tests of a gateway's durable tables ask of it, again and again
 */
#include <errno.h>
#include <sys/stat.h>

#include "tests/fault/stores.h"
#include "tests/integration/common.h"

char	stores_writer[256], stores_reader[256];

void
stores_begin(struct gateway *g, const char *conf)
{
	gateway_start(g, &(struct gateway_setup){ .servers = DEMO_SERVERS, .rules = DEMO_RULES, .conf = conf });
	snprintf(stores_writer, sizeof(stores_writer), "%s", gateway_key(g, "writer"));
	snprintf(stores_reader, sizeof(stores_reader), "%s", gateway_key(g, "reader"));
	cr_assert(stores_call(g, stores_writer, "list_notes"));
}

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
stores_expect_no_more(const struct gateway *g, const char *what)
{
	cr_expect(!stores_call(g, stores_reader, "list_notes"), "%s: reader may read notes", what);
	cr_expect(!stores_call(g, stores_writer, "drop_all"), "%s: writer may drop them", what);
	cr_expect(!stores_call(g, "mgk_00000000_nobody", "list_notes"), "%s: anybody may", what);
	cr_expect(!stores_call(g, NULL, "list_notes"), "%s: nobody may", what);
}

void
stores_expect_as_before(const struct gateway *g, const char *what)
{
	cr_expect(stores_call(g, stores_writer, "list_notes"), "%s: writer may not read notes", what);
	stores_expect_no_more(g, what);
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
