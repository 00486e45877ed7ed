/* SPDX-License-Identifier: Apache-2.0
 *
 * folders.c - where this gateway's sockets and state are
 *
 * Process: mcpgwctl.
 * Owns:    the paths of each gateway that is asked, until folders_forget().
 * Trusts:  what settings.c brings.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/compare/compiled.h"
#include "ctl/files/settings.h"
#include "ctl/folders.h"
#include "ctl/out.h"
#include "ipc/codec.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/where.h"
#include "policy/params.h"
#include "policy/policy.h"
#include "policy/tenants.h"

struct folders {
	bool	known;
	char	tenant_dir[PATH_MAX], own[4][PATH_MAX], own_user[64];	/* of ctl->tenant */
	char	config[PATH_MAX], run[PATH_MAX], state[PATH_MAX], socket[PATH_MAX], tenant_user[64];
};

static struct folders *
folders_of(struct ctl *ctl)
{
	if (ctl->folders == NULL && (ctl->folders = calloc(1, sizeof(*ctl->folders))) == NULL)
		fatal(EX_OSERR, "no memory");
	return ctl->folders;
}

void
folders_forget(struct ctl *ctl)
{
	free(ctl->folders);
	ctl->folders = NULL;
}

static void
keep(char *to, size_t room, struct span from)
{
	if (from.n == 0 || from.n >= room)
		return;
	memcpy(to, from.p, from.n);
	to[from.n] = '\0';
}

const char *
folders_config(struct ctl *ctl)
{
	struct folders	*paths = folders_of(ctl);

	if (paths->config[0] != '\0')
		return paths->config;
	if (ctl->config_given == NULL) {
		strcpy(paths->config, ctl->where.config_dir);
		if (where_make_config(&ctl->where) != 0)
			fatal(EX_CANTCREAT, "%s: %s", paths->config, strerror(errno));
	} else if (realpath(ctl->config_given, paths->config) == NULL) {
		fatal(EX_NOINPUT, "-c %s: %s", ctl->config_given, strerror(errno));
	}
	return paths->config;
}

const char *
folders_tenant(const struct ctl *ctl)
{
	return ctl->tenant == NULL ? TENANT_DEFAULT : ctl->tenant;
}

const char *
folders_tenant_dir(struct ctl *ctl)
{
	struct folders	*paths = folders_of(ctl);
	const char	*name = folders_tenant(ctl);

	if (paths->tenant_dir[0] != '\0')
		return paths->tenant_dir;
	if (tenants_folder(folders_config(ctl), span_of(name), paths->tenant_dir) != 0)
		fatal(EX_USAGE, "\"%s\": a tenant's name is of small letters, digits and -, at most %d", name,
		    TENANT_NAME_MAX);
	if (strcmp(name, TENANT_DEFAULT) != 0 && access(paths->tenant_dir, F_OK) != 0 && errno == EACCES)
		fatal(EX_NOPERM, "%s: not yours to read; do it as root", paths->tenant_dir);
	if (strcmp(name, TENANT_DEFAULT) != 0 && access(paths->tenant_dir, F_OK) != 0)
		fatal(EX_DATAERR, "no tenant \"%s\" (no %s); see mcpgwctl tenant list", name, paths->tenant_dir);
	return paths->tenant_dir;
}

int
folders_params(struct ctl *ctl, const struct snap *from, struct params *out)
{
	static const char	*const names[4] = { "servers.json", "rules.json", "issuers.json", "tools.d" };
	struct span		*const files[4] = { &out->servers_file, &out->rules_file, &out->issuers_file,
				    &out->tools_dir };
	struct folders		*paths = folders_of(ctl);
	int			 r = params_load(from, out);

	if (r != 0 || strcmp(folders_tenant(ctl), TENANT_DEFAULT) == 0)
		return r;
	for (int i = 0; i < 4; i++) {
		snprintf(paths->own[i], PATH_MAX, "%.4000s/%s", folders_tenant_dir(ctl), names[i]);
		*files[i] = span_of(paths->own[i]);
	}
	return 0;
}

void
folders_setting(const struct ctl *ctl, const char *parameter, const char *value, char *to, size_t room)
{
	const char	*tenant = folders_tenant(ctl);
	const bool	 own = strcmp(tenant, TENANT_DEFAULT) != 0;

	snprintf(to, room, "%s%s%s=%s", own ? tenant : "", own ? "/" : "", parameter, value);
}

const char *
folders_shown(struct ctl *ctl, const char *path)
{
	const char	*config = folders_config(ctl), *slash = strrchr(path, '/');
	const size_t	 n = strlen(config);

	if (strncmp(path, config, n) == 0 && path[n] == '/')
		return path + n + 1;
	return slash == NULL ? path : slash + 1;
}

/* -o and the environment, which is all there is when the compiler cannot help. */
static void
take_default(const struct ctl *ctl, const char *name, const char *variable, const char *fallback,
    char *to, size_t room)
{
	const char	*v = getenv(variable);
	size_t		 n = strlen(name);

	keep(to, room, span_of(fallback));
	if (v != NULL)
		keep(to, room, span_of(v));
	for (size_t i = 0; i < ctl->setting_count; i++)
		if (strncmp(ctl->settings[i], name, n) == 0 && ctl->settings[i][n] == '=')
			keep(to, room, span_of(ctl->settings[i] + n + 1));
}

static void
take_params(struct folders *paths, const struct snap *s)
{
	struct params	p;

	if (params_load(s, &p) != 0)
		return;
	keep(paths->run, sizeof(paths->run), p.run_dir);
	keep(paths->state, sizeof(paths->state), p.state_dir);
	keep(paths->socket, sizeof(paths->socket), p.socket);
	keep(paths->tenant_user, sizeof(paths->tenant_user), p.tenant_user);
}

static const struct folders *
paths_read(struct ctl *ctl)
{
	struct folders	*paths = folders_of(ctl);
	struct snap	*settings = NULL;
	bool		 good;

	if (paths->known)
		return paths;
	paths->known = true;
	take_default(ctl, "run_dir", "MCPGW_RUN_DIR", ctl->where.run_dir, paths->run, sizeof(paths->run));
	take_default(ctl, "state_dir", "MCPGW_STATE_DIR", ctl->where.state_dir, paths->state,
	    sizeof(paths->state));
	keep(paths->tenant_user, sizeof(paths->tenant_user), SPAN_LIT("nobody"));
	snprintf(paths->socket, sizeof(paths->socket), "%.4000s/mcp.sock", paths->run);
	/* Before the folder is made there is nothing but defaults; -c is known to be there. */
	if (access(folders_config(ctl), F_OK) != 0)
		return paths;
	good = settings_read(ctl, !ctl->checks, &settings);
	if (settings != NULL)
		take_params(paths, settings);
	snap_release(&settings);
	if (!good && !ctl->checks)
		out_error("%s/mcpgw.conf cannot be used; looking in %s", folders_config(ctl), paths->run);
	return paths;
}

const char *
folders_run(struct ctl *ctl)
{
	return paths_read(ctl)->run;
}

const char *
folders_state(struct ctl *ctl)
{
	return paths_read(ctl)->state;
}

const char *
folders_socket(struct ctl *ctl)
{
	return paths_read(ctl)->socket;
}

/* As its files have it; as it is without, when they do not compile. */
static void
own_user_read(struct ctl *ctl, struct folders *paths)
{
	struct compiled_plan	 plan = { .what = COMPILE_POLICY };
	const struct rec_tenant	*t;
	struct snap		*s = NULL;

	snprintf(paths->own_user, sizeof(paths->own_user), "_mcpgw-t-%s", ctl->tenant);
	if (compiled_read(ctl, &plan, &s) && s != NULL && (t = policy_tenant_find(s, span_of(ctl->tenant))) != NULL)
		keep(paths->own_user, sizeof(paths->own_user), snap_text(s, t->user));
	snap_release(&s);
}

const char *
folders_tenant_user(struct ctl *ctl)
{
	struct folders	*paths = folders_of(ctl);

	if (strcmp(folders_tenant(ctl), TENANT_DEFAULT) == 0)
		return paths_read(ctl)->tenant_user;
	if (paths->own_user[0] == '\0')
		own_user_read(ctl, paths);
	return paths->own_user;
}

void
folders_make_state(struct ctl *ctl)
{
	const mode_t	mode = ctl->where.system ? 0711 : 0700;
	const char	*state = folders_state(ctl);

	where_make_above(state, ctl->where.system ? 0755 : 0700);
	if (mkdir(state, mode) == 0)
		(void)chmod(state, mode);	/* whatever the umask is */
}

gid_t
folders_reader_group(void)
{
	const struct passwd	*pw = getpwnam(role_user(ROLE_COMPILE));

	if (pw == NULL)
		pw = getpwnam("nobody");
	return pw == NULL ? getegid() : pw->pw_gid;
}

long
folders_running_pid(struct ctl *ctl)
{
	char	path[PATH_MAX + 8], text[32];
	ssize_t	n;
	long	pid = 0;
	int	fd;

	snprintf(path, sizeof(path), "%s/pid", folders_run(ctl));
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return 0;
	if (flock(fd, LOCK_SH | LOCK_NB) == -1 && (n = read(fd, text, sizeof(text) - 1)) > 0) {
		text[n] = '\0';
		pid = strtol(text, NULL, 10);
	}
	fd_close(&fd);
	return pid;
}
