/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_tenant_change.c - tenant add, tenant remove: its user, its folders, and their end
 *
 * Process: mcpgwctl.
 * Owns:    nothing.
 * Trusts:  useradd(8) with making a user; the store for which keys there are.
 *
 * Neither puts anything in force: a tenant without rules may do nothing, and what goes away goes with the next reload.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/files/settings.h"
#include "ctl/files/tenantdirs.h"
#include "ctl/folders.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/show/keyrow.h"
#include "ctl/show/tenantinfo.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/num.h"
#include "policy/quotatext.h"
#include "sandbox/tree.h"

#define USER_NAME_MAX	32	/* as useradd(8) takes it */
#define REMOVE_MS	60000
#define RULES		"{\n  \"agents\": {}\n}\n"
#define LINE_TO_TYPE	"useradd --system --user-group --no-create-home --home-dir /nonexistent " \
			"--shell /usr/sbin/nologin "

#define QUOTAS_ROOM	160

struct adding {
	struct ctl	*ctl;
	const char	*name, *rate, *burst, *run_as;
	struct span	 quota;			/* words, a blank between them */
	char		 user[80];		/* "": nobody was made or found */
	bool		 made_user, by_range;
	char		 dir[PATH_MAX], state[PATH_MAX];
	uid_t		 uid;
	gid_t		 gid;
};

/* ---- its user ------------------------------------------------------------------------------------------ */

static bool
is_ranged(struct ctl *ctl)
{
	struct snap	*settings = NULL;
	struct params	 p;
	bool		 is = settings_read(ctl, false, &settings) && settings != NULL &&
			    params_load(settings, &p) == 0 && p.tenant_uid_range.n > 0;

	snap_release(&settings);
	return is;
}

static int
user_make(const char *name)
{
	const char *const argv[] = { "useradd", "--system", "--user-group", "--no-create-home", "--home-dir",
	    "/nonexistent", "--shell", "/usr/sbin/nologin", name, NULL };
	pid_t	pid = fork();
	int	status = 0;

	if (pid == 0) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	while (pid != -1 && waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	return pid != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : E_SYS;
}

/* Finds the user, or makes it.  The exit code. */
static int
user_settle(struct adding *a)
{
	const struct passwd	*pw;

	if (!a->ctl->where.system) {
		if (a->run_as == NULL)
			return 0;
		out_error("--run-as is for root's gateway; yours runs all as you");
		return EX_USAGE;
	}
	snprintf(a->user, sizeof(a->user), "%.70s", a->run_as != NULL ? a->run_as : "");
	if (a->run_as == NULL)
		snprintf(a->user, sizeof(a->user), "_mcpgw-t-%.40s", a->name);
	if ((pw = getpwnam(a->user)) == NULL && a->run_as != NULL) {
		out_error("--run-as %s: there is no such user", a->run_as);
		return EX_NOUSER;
	}
	if (pw == NULL && is_ranged(a->ctl)) {
		a->by_range = true;
		a->user[0] = '\0';
		return 0;
	}
	if (pw == NULL && strlen(a->user) > USER_NAME_MAX) {
		out_error("%s: longer than a user's name may be (%d); take --run-as USER, or set tenant_uid_range",
		    a->user, USER_NAME_MAX);
		return EX_DATAERR;
	}
	if (pw == NULL) {
		if (user_make(a->user) != 0 || (pw = getpwnam(a->user)) == NULL) {
			out_error("the user %s could not be made; make it, and try again: " LINE_TO_TYPE "%s",
			    a->user, a->user);
			return EX_NOUSER;
		}
		a->made_user = true;
	}
	if (pw->pw_uid == 0) {
		out_error("%s is root: tools never run as root", a->user);
		return EX_DATAERR;
	}
	a->uid = pw->pw_uid;
	a->gid = pw->pw_gid;
	return 0;
}

/* ---- its folders ---------------------------------------------------------------------------------------- */

/* With this mode, whatever the umask is; readable by the compiler's group where root owns the gateway. */
static int
folder_make(struct adding *a, const char *path, mode_t mode, bool is_new)
{
	if (mkdir(path, mode) == -1)
		return errno == EEXIST && !is_new ? 0 : E_SYS;
	if (chmod(path, mode) == -1 || (a->ctl->where.system && chown(path, 0, folders_reader_group()) == -1))
		return E_SYS;
	return 0;
}

static int
file_make(struct adding *a, const char *name, const char *text)
{
	char	path[PATH_MAX];
	int	fd, r = E_SYS;

	snprintf(path, sizeof(path), "%.4000s/%s", a->dir, name);
	if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640)) == -1)
		return E_SYS;
	if (fchmod(fd, 0640) == 0 && (!a->ctl->where.system || fchown(fd, 0, folders_reader_group()) == 0))
		r = fd_write_all(fd, span_of(text));
	fd_close(&fd);
	return r;
}

static int
conf_make(struct adding *a)
{
	char	text[512];
	size_t	n;

	n = (size_t)snprintf(text, sizeof(text), "# What this tenant has of its own: mcpgw-tenants(5).\n");
	if (a->rate != NULL)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "tenant_rate = %.40s\n", a->rate);
	if (a->burst != NULL)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "tenant_burst = %.40s\n", a->burst);
	if (a->quota.n > 0)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "tenant_quota = %.*s\n", SPAN_FMT(a->quota));
	if (a->run_as != NULL)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "tenant_user = %.70s\n", a->run_as);
	if (a->rate == NULL && a->burst == NULL && a->quota.n == 0 && a->run_as == NULL)
		return 0;
	return file_make(a, "tenant.conf", text);
}

/* Where its tools keep what they write: 0700, as the master would make it. */
static int
state_make(struct adding *a)
{
	char	above[PATH_MAX];

	snprintf(above, sizeof(above), "%.3900s/tenants", folders_state(a->ctl));
	snprintf(a->state, sizeof(a->state), "%.4000s/%s", above, a->name);
	if (!a->ctl->where.system || a->user[0] == '\0')
		return 0;
	folders_make_state(a->ctl);
	if (mkdir(above, 0711) == 0)
		(void)chmod(above, 0711);
	if (mkdir(a->state, 0700) == -1 && errno != EEXIST)
		return E_SYS;
	return chmod(a->state, 0700) == 0 && lchown(a->state, a->uid, a->gid) == 0 ? 0 : E_SYS;
}

static int
folders_make(struct adding *a)
{
	char	above[PATH_MAX];

	snprintf(above, sizeof(above), "%.4000s/" TENANTS_DIR, folders_config(a->ctl));
	if (folder_make(a, above, 0750, false) == 0 && folder_make(a, a->dir, 0750, true) == 0 &&
	    file_make(a, "rules.json", RULES) == 0 && conf_make(a) == 0) {
		if (state_make(a) == 0)
			return 0;
		out_error("%s: %s", a->state, strerror(errno));
		return EX_CANTCREAT;
	}
	if (errno == EEXIST)
		out_error("tenant %s is there already (%s)", a->name, a->dir);
	else
		out_error("%s: %s", a->dir, strerror(errno));
	return errno == EEXIST ? EX_DATAERR : EX_CANTCREAT;
}

/* ---- tenant add ------------------------------------------------------------------------------------------ */

static void
say_added(const struct adding *a)
{
	const char	*force = folders_running_pid(a->ctl) != 0 ? "Not yet in force: mcpgwctl reload" :
			    "In force from the next start on.";

	if (a->ctl->json) {
		out_json_begin();
		out_json_text("tenant", span_of(a->name));
		out_json_text("user", span_of(a->user));
		out_json_bool("made_user", a->made_user);
		out_json_text("files", span_of(a->dir));
		out_json_bool("in_force", false);
		out_json_end();
		return;
	}
	if (a->made_user)
		printf("Made user %s, %s/, state 0700. %s\n", a->user, a->dir, force);
	else if (a->user[0] != '\0')
		printf("Made %s/, state 0700 of %s. %s\n", a->dir, a->user, force);
	else
		printf("Made %s/. %s\n", a->dir, force);
	if (!a->ctl->where.system)
		printf("Its tools run as you, as those of every tenant: only their jails keep them apart.\n");
}

static void
check_rate(const struct adding *a)
{
	const char	*slash = a->rate == NULL ? NULL : strchr(a->rate, '/');
	uint64_t	 n;

	/* The compiler reads it again; a tenant whose settings are wrong keeps everybody's reload from working. */
	if (a->rate != NULL && (slash == NULL || num_u64(span_make(a->rate, (size_t)(slash - a->rate)), &n) != 0 ||
	    n == 0 || n > 1000000 || (strcmp(slash, "/s") != 0 && strcmp(slash, "/min") != 0 &&
	    strcmp(slash, "/h") != 0 && strcmp(slash, "/d") != 0)))
		fatal(EX_USAGE, "--rate %s: want NUMBER/UNIT, such as 50/s, 100/min, 5/h or 1000/d", a->rate);
	if (a->burst != NULL && (num_u64(span_of(a->burst), &n) != 0 || n == 0 || n > 1000000))
		fatal(EX_USAGE, "--burst %s: want a number from 1 to 1000000", a->burst);
	if (a->burst != NULL && a->rate == NULL)
		fatal(EX_USAGE, "--burst goes with --rate");
}

static void
check_quota(const struct adding *a)
{
	struct rec_quota	q;
	struct span		word;
	unsigned		seen = 0;

	for (size_t at = 0, n; at < a->quota.n; at += n + 1) {
		for (n = 0; at + n < a->quota.n && a->quota.p[at + n] != ' '; n++)
			;
		word = span_part(a->quota, at, n);
		if (!quota_parse(word, &q))
			fatal(EX_USAGE, "--quota %.*s: %s", SPAN_FMT(word), quota_wanted(word));
		if (quota_again(&q, &seen))
			fatal(EX_USAGE, "--quota %.*s: " QUOTA_AGAIN, SPAN_FMT(word));
	}
}

int
cmd_tenant_add(struct ctl *ctl, int argc, char **argv)
{
	struct adding		a = { .ctl = ctl };
	const struct opt	rows[] = { { "--rate", &a.rate, NULL }, { "--burst", &a.burst, NULL },
	    { "--run-as", &a.run_as, NULL }, { NULL, NULL, NULL } };
	char			quotas[QUOTAS_ROOM];
	int			r;

	argc = opts_take_words("--quota", argc, argv, quotas, sizeof(quotas));
	a.quota = span_of(quotas);
	(void)opts_take(rows, argc, argv, 1, 1);
	a.name = argv[0];
	if (!tenant_name_ok(span_of(a.name)) || strcmp(a.name, TENANT_DEFAULT) == 0)
		fatal(EX_USAGE, "\"%s\": a tenant's name is of small letters, digits and -, at most %d, "
		    "and not \"default\"", a.name, TENANT_NAME_MAX);
	check_rate(&a);
	check_quota(&a);
	if (ctl->where.system && geteuid() != 0) {
		out_error("tenant add: only root can, where root's gateway is meant");
		return EX_NOPERM;
	}
	if (tenants_folder(folders_config(ctl), span_of(a.name), a.dir) != 0)
		return EX_CANTCREAT;
	if (access(a.dir, F_OK) == 0) {
		out_error("tenant %s is there already (%s)", a.name, a.dir);
		return EX_DATAERR;
	}
	if ((r = user_settle(&a)) == 0 && (r = folders_make(&a)) == 0)
		say_added(&a);
	return out_end(r);
}

/* ---- tenant remove ---------------------------------------------------------------------------------------- */

/* With force they end first: whoever is called so next does not have them. */
static int
keys_check(struct ctl *ctl, const char *name, bool force)
{
	struct tenantkeys	keys;
	uint64_t		n;
	int			r = tenantkeys_read(ctl, &keys);

	if (r != 0)
		return r;
	n = tenantkeys_of(&keys, span_of(name));
	tenantkeys_fini(&keys);
	if (n == 0)
		return 0;
	if (force)
		return keyrow_end_tenant(ctl, name);
	out_error("tenant %s has %llu key%s; revoke %s first (mcpgwctl key list), or: mcpgwctl tenant remove %s "
	    "--force",
	    name, (unsigned long long)n, n == 1 ? "" : "s", n == 1 ? "it" : "them", name);
	return EX_DATAERR;
}

/* Moved out of the way first, so that nobody reads half of it. */
static int
folder_remove(struct ctl *ctl, const char *name, const char *dir)
{
	const struct tree_bounds	bounds = { .time_ms = REMOVE_MS };
	char				above[PATH_MAX], aside[128];
	int				fd, r = E_SYS;

	snprintf(above, sizeof(above), "%.4000s/" TENANTS_DIR, folders_config(ctl));
	snprintf(aside, sizeof(aside), ".%s~%ld", name, (long)getpid());
	if ((fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 || renameat(fd, name, fd, aside) == -1)
		out_error("%s: %s", dir, strerror(errno));
	else if ((r = tree_remove(fd, aside, &bounds)) != 0)
		out_error("%s/%s: not all of it could be removed: %s", above, aside, err_text(r));
	fd_close(&fd);
	return r == 0 ? 0 : EX_CANTCREAT;
}

int
cmd_tenant_remove(struct ctl *ctl, int argc, char **argv)
{
	bool			force = false;
	const struct opt	rows[] = { { "--force", NULL, &force }, { NULL, NULL, NULL } };
	const char		*dir;
	int			r;

	(void)opts_take(rows, argc, argv, 1, 1);
	if (strcmp(argv[0], TENANT_DEFAULT) == 0)
		fatal(EX_USAGE, "the tenant default is always there");
	ctl->tenant = argv[0];
	dir = folders_tenant_dir(ctl);
	if ((r = keys_check(ctl, argv[0], force)) != 0 || (r = folder_remove(ctl, argv[0], dir)) != 0)
		return r;
	if (ctl->json) {
		out_json_begin();
		out_json_text("removed", span_of(argv[0]));
		out_json_end();
	} else {
		printf("Removed %s/.%s\n", dir,
		    folders_running_pid(ctl) != 0 ? " In force until: mcpgwctl reload" : "");
		printf("Its records stay in the audit, and what its tools wrote in %s/tenants/%s/.\n",
		    folders_state(ctl), argv[0]);
	}
	return out_end(0);
}
