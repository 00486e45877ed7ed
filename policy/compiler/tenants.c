/* SPDX-License-Identifier: Apache-2.0
 *
 * tenants.c - "default" and the folders of tenants.d: TENANT, and all that is read for each
 *
 * Process: mcpgw-compile.
 * Owns:    a tenant's builds until it was read; the settings of mcpgw.conf while a tenant's own take their place.
 * Trusts:  whoever may write the configuration folder; names of folders only as far as a tenant's name goes.
 *
 * Tenants are read one after the other in order of their names, which is that of TENANT and of all sections that
 * are sorted by tenant.  What one of them does wrong refuses the whole: a policy is in force or it is not.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/log.h"
#include "policy/compiler/expand.h"
#include "policy/compiler/files.h"
#include "policy/compiler/mainconf.h"
#include "policy/compiler/rules.h"
#include "policy/compiler/secrets.h"
#include "policy/compiler/server.h"
#include "policy/compiler/servers.h"
#include "policy/compiler/strays.h"
#include "policy/compiler/tenants.h"
#include "policy/compiler/vault.h"
#include "policy/compiler/values.h"
#include "policy/tenants.h"

/* Of the files of mcpgw.conf, a tenant's own. */
static const struct {
	enum param_id	 id;
	const char	*name;
} own[] = {
	{ PARAM_ID_servers_file, "servers.json" }, { PARAM_ID_tools_dir, "tools.d" },
	{ PARAM_ID_rules_file, "rules.json" }, { PARAM_ID_issuers_file, "issuers.json" },
	{ PARAM_ID_policy_file, "policy.yaml" }, { PARAM_ID_tools_file, "tools.yaml" },
};

struct names {
	const char	**all;		/* malloc'ed; the texts are the job's */
	size_t		  count;
};

static bool
is_default(const struct job *j)
{
	return strcmp(j->tenant, TENANT_DEFAULT) == 0;
}

const char *
tenant_path(struct job *j, const char *name)
{
	return is_default(j) ? name : job_fmt(j, TENANTS_DIR "/%s/%s", j->tenant, name);
}

/* --- the folder ------------------------------------------------------------------------------- */

static int
name_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
folder_error(struct job *j, const char *name, const char *why)
{
	job_note(j, NOTE_ERROR, job_fmt(j, TENANTS_DIR "%s%s", name[0] == '\0' ? "" : "/", name), 0, 0, NULL, "%s",
	    why);
}

/* Files that lie there are nobody's business; folders are tenants. */
static void
name_take(struct job *j, int dir, const char *name, struct names *names)
{
	struct stat	st;

	if (name[0] == '.')
		return;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		folder_error(j, name, strerror(errno));
	} else if (S_ISLNK(st.st_mode)) {
		folder_error(j, name, "is a link; a tenant's folder is no link");
	} else if (!S_ISDIR(st.st_mode)) {
		return;
	} else if (!tenant_name_ok(span_of(name)) || strcmp(name, TENANT_DEFAULT) == 0) {
		folder_error(j, name, strcmp(name, TENANT_DEFAULT) == 0 ?
		    "the tenant default has its files beside mcpgw.conf" :
		    "a tenant's name is of small letters, digits and -, at most 32");
	} else if ((st.st_mode & S_IWOTH) != 0) {
		folder_error(j, name, "may be written by everybody: chmod o-w it");
	} else {
		names->all = list_more(names->all, names->count, sizeof(*names->all));
		names->all[names->count++] = job_fmt(j, "%s", name);
	}
}

static void
names_read(struct job *j, struct names *names)
{
	struct dirent	*e;
	DIR		*d = NULL;
	int		 fd = folder_open(j, TENANTS_DIR);

	if (fd == -1 || (d = fdopendir(fd)) == NULL) {
		if (fd != -1)
			close(fd);
		else if (errno != ENOENT)
			folder_error(j, "", errno == EXDEV ?
			    "leads out of the configuration folder by a link or \"..\"" : strerror(errno));
		return;
	}
	while ((e = readdir(d)) != NULL)
		name_take(j, fd, e->d_name, names);
	closedir(d);
	if (names->count > 1)
		qsort(names->all, names->count, sizeof(*names->all), name_cmp);
	if (names->count > TENANTS_MAX)
		folder_error(j, "", job_fmt(j, "more than %d tenants", TENANTS_MAX));
}

/* --- one tenant --------------------------------------------------------------------------------- */

/* Its own files and settings in the place of those of mcpgw.conf. */
static void
settings_take(struct job *j)
{
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		struct span path = span_of(job_fmt(j, "%s/%s", j->config_dir, tenant_path(j, own[i].name)));

		j->settings[own[i].id] = (struct setting){ .raw = path, .value = path, .source = "tenant",
		    .state = EXPAND_DONE };
	}
	j->settings[PARAM_ID_tenant_user].value = span_of(job_fmt(j, TENANT_USER "%s", j->tenant));
	j->settings[PARAM_ID_tenant_user].source = "default";
	mainconf_tenant_read(j, tenant_path(j, "tenant.conf"));
}

static void
rate_take(const struct job *j, struct rec_tenant *t)
{
	uint64_t	number, burst = job_number(j, PARAM_ID_tenant_burst);

	if (job_value(j, PARAM_ID_tenant_rate).n == 0 ||
	    !rate_parse(job_value(j, PARAM_ID_tenant_rate), &t->interval_ns, &number))
		return;			/* why was said */
	t->burst = (uint32_t)(burst == 0 ? number : burst);
}

static void
tenant_put(struct job *j)
{
	struct rec_tenant	t = {
		.max_instances = (uint32_t)job_number(j, PARAM_ID_max_instances),
		.list_timeout = (uint32_t)job_number(j, PARAM_ID_list_timeout),
		.list_fresh = (uint32_t)job_number(j, PARAM_ID_list_fresh),
		.list_page = (uint32_t)job_number(j, PARAM_ID_list_page),
		.max_asking = (uint32_t)job_number(j, PARAM_ID_max_asking),
		.max_asking_tenant = (uint32_t)job_number(j, PARAM_ID_max_asking_tenant),
		.max_asking_server = (uint32_t)job_number(j, PARAM_ID_max_asking_server),
		.limit_first = (uint32_t)build_count(j->policy, SECTION_TENANT_LIMIT),
		.user_given = strcmp(j->settings[PARAM_ID_tenant_user].source, "default") != 0,
	};

	t.name = put_text(j->policy, span_of(j->tenant));
	t.user = put_text(j->policy, job_value(j, PARAM_ID_tenant_user));
	rate_take(j, &t);
	j->tenant_index = put_record(j->policy, SECTION_TENANT, &t);
}

/* Server records name the tenant by its place, so it must be there before them. */
static void
tenant_read(struct job *j)
{
	tenant_put(j);
	servers_read(j);
	rules_read(j);
	limits_of_tenant(j);
	servers_finish(j);
	if (secrets_sort(j->tenant_secrets) != 0)
		fatal(EX_OSERR, "out of memory");
	if (j->on_tenant != NULL)
		j->on_tenant(j, j->on_tenant_arg);
	job_tenant_end(j);
}

static void
other_read(struct job *j, const char *name)
{
	static struct setting	 kept[PARAM_ID_LIMIT];	/* of mcpgw.conf; one job runs at a time */
	const char		*read[sizeof(own) / sizeof(own[0]) + 2] = { [sizeof(own) / sizeof(own[0])] = "secrets",
				    "tenant.conf" };
	struct build		*profile = j->profile, *secrets = j->tenant_secrets;

	memcpy(kept, j->settings, sizeof(kept));
	j->tenant = name;
	if (build_new(SNAP_PROFILE, name, &j->profile) != 0 || build_new(SNAP_SECRETS, name, &j->tenant_secrets) != 0)
		fatal(EX_OSERR, "out of memory");
	settings_take(j);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		read[i] = own[i].name;
	strays_warn(j, read, sizeof(read) / sizeof(read[0]));
	tenant_read(j);
	build_free(&j->profile);
	build_free(&j->tenant_secrets);
	j->profile = profile;
	j->tenant_secrets = secrets;
	j->tenant = TENANT_DEFAULT;
	memcpy(j->settings, kept, sizeof(kept));
}

/* --- all of them -------------------------------------------------------------------------------- */

static int
user_cmp(const void *a, const void *b)
{
	const struct rec_tenant	*x = a, *y = b;

	if (x->user.at != y->user.at)	/* equal texts share their place */
		return x->user.at < y->user.at ? -1 : 1;
	return x->name.at < y->name.at ? -1 : 1;
}

/* What keeps tools of two tenants apart, whatever else fails, is that they are two users'. */
static void
users_check(struct job *j)
{
	const uint64_t		 count = build_count(j->policy, SECTION_TENANT);
	const char		*text = build_at(j->policy, SECTION_TEXT, 0);
	struct rec_tenant	*sorted;

	if (j->personal || count < 2 || (sorted = calloc(count, sizeof(*sorted))) == NULL)
		return;
	memcpy(sorted, build_at(j->policy, SECTION_TENANT, 0), count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), user_cmp);
	for (uint64_t i = 1; i < count; i++)
		if (sorted[i].user.at == sorted[i - 1].user.at)
			job_note(j, NOTE_ERROR, job_fmt(j, TENANTS_DIR "/%s/tenant.conf", text + sorted[i].name.at),
			    0, 0, "tenant_user", "\"%s\" is the user of tenant %s too; each needs one of its own",
			    text + sorted[i].user.at, text + sorted[i - 1].name.at);
	free(sorted);
}

void
tenants_read(struct job *j)
{
	struct names	names = { NULL, 0 };
	bool		read_default = false;

	names_read(j, &names);
	for (size_t i = 0; i <= names.count; i++) {
		if (!read_default && (i == names.count || strcmp(names.all[i], TENANT_DEFAULT) > 0)) {
			read_default = true;
			tenant_read(j);
		}
		if (i < names.count && i < TENANTS_MAX)
			other_read(j, names.all[i]);
	}
	free(names.all);
	limits_of_address(j);
	net_finish(j);
	users_check(j);
	peers_sort(j);
	shared_check(j);
	vault_finish(j);
	if (secrets_sort(j->worker_secrets) != 0 || secrets_sort(j->scout_secrets) != 0)
		fatal(EX_OSERR, "out of memory");
}
