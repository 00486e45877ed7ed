/* SPDX-License-Identifier: Apache-2.0
 *
 * private.c - folders of the host that live as long as a jail
 *
 * Process: mcpgw-spawn; sweep() its helper.  Owns: TENANT/.tmp and TENANT/.gone-*.
 * Trusts:  the tenant's folder.  A server's folder never begins with a dot (state.c).
 *
 * What is over is first moved aside, which is one step and cannot fail half-way, and then removed by a
 * helper, which may take its time: a tool can leave millions of files.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/spawner/private.h"
#include "sandbox/tree.h"

#define TMP		".tmp"
#define GONE		".gone-"
#define SWEEP_MS	25000

/* Removes all that was moved aside; answers whether anything is left. */
static bool
sweep(int folder, const void *job, void *result)
{
	const struct tree_bounds	b = { .time_ms = SWEEP_MS };
	DIR				*d;
	struct dirent			*e;
	int				 fd, left = 0;

	(void)job;
	if (tree_open(folder, ".", &fd) != 0 || (d = fdopendir(fd)) == NULL)
		return false;
	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, GONE, strlen(GONE)) == 0 && tree_remove(folder, e->d_name, &b) != 0)
			left++;
	memcpy(result, &left, sizeof(left));
	return true;
}

static void
start_sweep(struct spawner *s)
{
	s->sweep_again = s->sweeper.pid != 0;
	if (s->sweeper.pid == 0 && helper_start(&s->sweeper, sweep, s->tenant_dir, NULL, sizeof(int)) != 0)
		log_warn(LOG_SUBJECT("tenant", s->tenant), "no helper to remove folders: %s", strerror(errno));
}

void
private_swept(struct spawner *s)
{
	int	left = 0;

	if (!helper_take(&s->sweeper, &left, sizeof(left)) || left > 0)
		log_warn(LOG_SUBJECT("tenant", s->tenant), "folders of jails that are gone are left in %s, and tried "
		    "again with the next one", s->tenant_path);
	if (s->sweep_again)
		start_sweep(s);
}

/* Out of the way, under a name nobody has. */
static void
move_aside(struct spawner *s, const char *name)
{
	char	gone[48];

	for (int i = 0; i < 1000; i++) {
		snprintf(gone, sizeof(gone), GONE "%u", ++s->gone_number);
		if (renameat2(s->tenant_dir, name, s->tenant_dir, gone, RENAME_NOREPLACE) == 0 || errno != EEXIST)
			break;
	}
	start_sweep(s);
}

void
private_begin(struct spawner *s)
{
	if (faccessat(s->tenant_dir, TMP, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		move_aside(s, TMP);
	else
		start_sweep(s);
}

int
private_make(struct spawner *s, struct jailed *j, char tmp[PATH_MAX], char *home)
{
	char	name[sizeof(j->private)], inner[sizeof(name) + 8];

	if (mkdirat(s->tenant_dir, TMP, 0700) == -1 && errno != EEXIST)
		return E_SYS;
	snprintf(name, sizeof(name), TMP "/%u", ++s->private_number);
	if (mkdirat(s->tenant_dir, name, 0700) == -1)
		return E_SYS;
	memcpy(j->private, name, sizeof(name));
	if (snprintf(tmp, PATH_MAX, "%s/%s", s->tenant_path, name) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return E_SYS;
	}
	if (home == NULL)
		return 0;
	snprintf(inner, sizeof(inner), "%s/home", name);
	if (mkdirat(s->tenant_dir, inner, 0700) == -1)
		return E_SYS;
	if (snprintf(home, PATH_MAX, "%s/%s", s->tenant_path, inner) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return E_SYS;
	}
	return 0;
}

void
private_over(struct spawner *s, struct jailed *j)
{
	if (j->private[0] == '\0')
		return;
	move_aside(s, j->private);
	j->private[0] = '\0';
}
