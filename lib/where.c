/* SPDX-License-Identifier: Apache-2.0
 *
 * where.c - folders and sibling programs, before any configuration is read
 *
 * Process: master, mcpgwctl, mcpgw-stdio.  Owns: nothing.
 * Trusts:  its own environment, which is the operator's.
 */
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/where.h"

static int __attribute__((format(printf, 3, 4)))
path_put(char *path, size_t room, const char *fmt, ...)
{
	va_list	ap;
	int	n;

	va_start(ap, fmt);
	n = vsnprintf(path, room, fmt, ap);
	va_end(ap);
	return n < 0 || (size_t)n >= room ? E_TOOBIG : 0;
}

/* The value of an XDG variable, set to its default first when it is absent or relative (XDG base
 * directory specification: relative paths are invalid and ignored). */
static const char *
xdg(const char *name, const char *fallback)
{
	const char	*v = getenv(name);

	if (v != NULL && v[0] == '/')
		return v;
	if (setenv(name, fallback, 1) == -1)
		return NULL;
	return getenv(name);
}

static int
home_path(const char *below, char *path, size_t room)
{
	const char	*home = getenv("HOME");
	struct passwd	*pw;

	if (home == NULL || home[0] != '/') {
		if ((pw = getpwuid(geteuid())) == NULL || pw->pw_dir == NULL)
			return E_NOTFOUND;
		home = pw->pw_dir;
	}
	return path_put(path, room, "%s/%s", home, below);
}

/* pam_systemd makes /run/user/UID; without it a folder below /tmp serves, and dirs.c refuses it
 * unless it is ours alone. */
static int
runtime_path(char *path, size_t room)
{
	struct stat	st;
	unsigned	uid = (unsigned)geteuid();
	int		r;

	if ((r = path_put(path, room, "/run/user/%u", uid)) != 0)
		return r;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == uid)
		return 0;
	return path_put(path, room, "/tmp/mcpgw-run-%u", uid);
}

static int
xdg_folder(const char *name, const char *below_home, char *path, size_t room)
{
	char		 fallback[PATH_MAX];
	const char	*base;
	int		 r;

	r = below_home == NULL ? runtime_path(fallback, sizeof(fallback)) :
	    home_path(below_home, fallback, sizeof(fallback));
	if (r != 0)
		return r;
	if ((base = xdg(name, fallback)) == NULL)
		return E_NOMEM;
	return path_put(path, room, "%s/mcpgw", base);
}

int
where_init(struct where *w, bool system)
{
	int	r;

	*w = (struct where){ .system = system };
	if (system) {
		strcpy(w->config_dir, "/etc/mcpgw");
		strcpy(w->state_dir, "/var/lib/mcpgw");
		strcpy(w->run_dir, "/run/mcpgw");
		return 0;
	}
	if ((r = xdg_folder("XDG_CONFIG_HOME", ".config", w->config_dir, sizeof(w->config_dir))) != 0 ||
	    (r = xdg_folder("XDG_STATE_HOME", ".local/state", w->state_dir, sizeof(w->state_dir))) != 0)
		return r;
	return xdg_folder("XDG_RUNTIME_DIR", NULL, w->run_dir, sizeof(w->run_dir));
}

void
where_make_above(const char *path, mode_t mode)
{
	char	part[PATH_MAX];
	mode_t	mask;

	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return;
	mask = umask(0);	/* not chmod(2) afterwards: who may write above could put a link there in between */
	for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(part, mode);
		*slash = '/';
	}
	(void)umask(mask);
}

int
where_make_config(const struct where *w)
{
	if (w->system)
		return 0;
	where_make_above(w->config_dir, 0700);
	return mkdir(w->config_dir, 0700) == -1 && errno != EEXIST ? E_SYS : 0;
}

const char *
where_how_to_start(const struct where *w)
{
	return w->system && access("/run/systemd/system", F_OK) == 0 ? "systemctl start mcpgw" :
	    "mcpgwctl start";
}

/* The folder above the one our own program lies in. */
static int
own_prefix(char *path, size_t room)
{
	ssize_t	 n = readlink("/proc/self/exe", path, room - 1);
	char	*slash;

	if (n <= 0)
		return E_SYS;
	path[n] = '\0';
	for (int up = 0; up < 2; up++) {
		if ((slash = strrchr(path, '/')) == NULL)
			return E_NOTFOUND;
		*slash = '\0';
	}
	return 0;
}

int
where_program(const char *name, char *path, size_t room)
{
	static const char *const front[] = { "bin", "sbin" };
	char			 prefix[PATH_MAX];
	int			 r;

	if ((r = own_prefix(prefix, sizeof(prefix))) != 0)
		return r;
	if (strcmp(name, "mcpgw") != 0 && strcmp(name, "mcpgwctl") != 0) {
		if ((r = path_put(path, room, "%s/libexec/mcpgw/%s", prefix, name)) != 0)
			return r;
		return access(path, F_OK) == 0 ? 0 : E_NOTFOUND;
	}
	for (size_t i = 0; i < sizeof(front) / sizeof(front[0]); i++) {
		if ((r = path_put(path, room, "%s/%s/%s", prefix, front[i], name)) != 0)
			return r;
		if (access(path, X_OK) == 0)
			return 0;
	}
	return E_NOTFOUND;
}

int
where_share(const char *name, char *path, size_t room)
{
	char	prefix[PATH_MAX];
	int	r;

	if ((r = own_prefix(prefix, sizeof(prefix))) != 0 ||
	    (r = path_put(path, room, "%s/share/mcpgw/%s", prefix, name)) != 0)
		return r;
	return access(path, F_OK) == 0 ? 0 : E_NOTFOUND;
}
