/* SPDX-License-Identifier: Apache-2.0
 *
 * tenantinfo.c - what is known of tenants: in force, in the files, and in the store
 *
 * Process: mcpgwctl.
 * Owns:    the counts.
 * Trusts:  the master and the store for what they answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/alone.h"
#include "ctl/ask.h"
#include "ctl/compare/compiled.h"
#include "ctl/files/pending.h"
#include "ctl/folders.h"
#include "ctl/known.h"
#include "ctl/out.h"
#include "ctl/show/tenantinfo.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "policy/tenants.h"

#define LIST_MAX	(64 * 1024 * 1024)

static int
check_tenant(const struct snap *s, const struct tenantinfo_bearer *b, bool runs)
{
	char	hint[KNOWN_HINT];

	if (policy_tenant_find(s, span_of(b->tenant)) != NULL)
		return 0;
	out_error("no tenant \"%s\"%s%s", b->tenant, runs ? " is in force" : "", known_hint(s, KNOWN_TENANT, SPAN_NONE,
	    b->tenant, runs ? "; see mcpgwctl tenant list, and: mcpgwctl reload" : "; see mcpgwctl tenant list", hint));
	return EX_DATAERR;
}

static int
check_agent(const struct snap *s, const struct tenantinfo_bearer *b, bool runs)
{
	const bool	is_default = strcmp(b->tenant, TENANT_DEFAULT) == 0;
	char		hint[KNOWN_HINT], command[512];

	if (policy_agent_find(s, span_of(b->tenant), span_of(b->agent)) != NULL)
		return 0;
	snprintf(command, sizeof(command), "; give it a rule first: mcpgwctl rule allow %s SERVER --new%s%s; or say "
	    "--force", b->agent, is_default ? "" : " --tenant ", is_default ? "" : b->tenant);
	out_error("tenant %s has no agent \"%s\"%s%s", b->tenant, b->agent, runs ? " in force" : "",
	    known_hint(s, KNOWN_AGENT, span_of(b->tenant), b->agent, command, hint));
	return EX_DATAERR;
}

/* Each of several names is to be known: a misspelt one is a role that nobody has, or a workspace without its denies. */
static int
check_names(const struct snap *s, const struct tenantinfo_bearer *b, enum known_kind kind, const char *what,
    const char *names)
{
	char	one[256], hint[KNOWN_HINT];
	size_t	n;

	for (; *names != '\0'; names += n + (names[n] != '\0')) {
		n = strcspn(names, " ");
		snprintf(one, sizeof(one), "%.*s", (int)n, names);
		if (n >= sizeof(one) || known_is(s, kind, span_of(b->tenant), one))
			continue;
		out_error("--%s %s: no rule of tenant %s speaks of it%s", what, one, b->tenant,
		    known_hint(s, kind, span_of(b->tenant), one,
		    "; where it is right all the same, say --force", hint));
		return EX_DATAERR;
	}
	return 0;
}

int
tenantinfo_check(struct ctl *ctl, const struct tenantinfo_bearer *b)
{
	struct compiled_plan	 plan = { .what = COMPILE_POLICY, .errors = true };
	struct snap		*s = NULL;
	bool			 runs;
	int			 r = pending_running(ctl, false, &s);

	runs = r == 0;
	if (r == EX_UNAVAILABLE)
		r = compiled_read(ctl, &plan, &s) && s != NULL ? 0 : EX_CONFIG;
	if (r == EX_NOPERM)
		out_error("ctl.sock: you are not root or in group mcpgw-admin");
	if (r != 0 || (r = check_tenant(s, b, runs)) != 0 || (r = check_agent(s, b, runs)) != 0 ||
	    (r = check_names(s, b, KNOWN_ROLE, "role", b->roles)) != 0 ||
	    (r = check_names(s, b, KNOWN_GROUP, "group", b->groups)) != 0 ||
	    (r = check_names(s, b, KNOWN_SCOPE, "scope", b->scopes)) != 0)
		goto out;
	r = check_names(s, b, KNOWN_WORKSPACE, "workspace", b->workspace);
 out:
	snap_release(&s);
	return r;
}

/* ---- keys ------------------------------------------------------------------------------------------- */

static void
key_count(struct tenantkeys *k, struct span tenant)
{
	for (size_t i = 0; i < k->count; i++)
		if (span_is(tenant, k->all[i].name)) {
			k->all[i].count++;
			return;
		}
	if (tenant.n >= sizeof(k->all->name))
		return;
	if ((k->all = realloc(k->all, (k->count + 1) * sizeof(*k->all))) == NULL)
		fatal(EX_OSERR, "out of memory");
	snprintf(k->all[k->count].name, sizeof(k->all->name), "%.*s", SPAN_FMT(tenant));
	k->all[k->count++].count = 1;
}

static int
read_running(struct ask *a, struct tenantkeys *out)
{
	struct snap		*s = NULL;
	const struct rec_key	*k;
	int			 r;

	ask_command(a, CTLCMD_key_list, NULL);
	if ((r = ask_wait(a, ask_take_snapshot, &s)) != 0 || s == NULL)
		return r == 0 ? EX_PROTOCOL : r;
	for (uint64_t i = 0; (k = SNAP_AT(s, KEY, i)) != NULL; i++)
		key_count(out, snap_text(s, k->tenant));
	snap_release(&s);
	return 0;
}

static int
read_alone(struct ctl *ctl, struct tenantkeys *out)
{
	const char *const	 none[] = { NULL };
	struct json_value	 v;
	struct arena		 a;
	struct span		 tenant;
	char			*text, *line, *end;
	size_t			 bytes;
	int			 fd, r;

	if (fd_memfd("keys", &fd) != 0)
		return EX_OSERR;
	if ((r = alone_store(ctl, "key-list", none, -1, fd)) != 0 || lseek(fd, 0, SEEK_SET) == -1 ||
	    fd_read_all(fd, LIST_MAX, &text, &bytes) != 0) {
		fd_close(&fd);
		return r == 0 ? EX_IOERR : r;
	}
	for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		if (json_parse(span_make(line, (size_t)(end - line)), false, &v, NULL) != 0)
			continue;
		arena_init(&a, NULL, 0, 64 * 1024);
		if (json_string(json_get(v, "tenant"), &a, &tenant) == 0)
			key_count(out, tenant);
		arena_fini(&a);
	}
	free(text);
	fd_close(&fd);
	return 0;
}

int
tenantkeys_read(struct ctl *ctl, struct tenantkeys *out)
{
	struct ask	a;
	int		r;

	*out = (struct tenantkeys){ NULL, 0 };
	if ((r = ask_open(ctl, &a, false)) == 0) {
		r = read_running(&a, out);
		ask_close(&a);
	} else if (r == EX_UNAVAILABLE) {
		r = read_alone(ctl, out);
	} else {
		out_error("ctl.sock: you are not root or in group mcpgw-admin");
	}
	return r;
}

uint64_t
tenantkeys_of(const struct tenantkeys *k, struct span tenant)
{
	for (size_t i = 0; i < k->count; i++)
		if (span_is(tenant, k->all[i].name))
			return k->all[i].count;
	return 0;
}

void
tenantkeys_fini(struct tenantkeys *k)
{
	free(k->all);
	*k = (struct tenantkeys){ NULL, 0 };
}
