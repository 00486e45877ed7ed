/* SPDX-License-Identifier: Apache-2.0
 *
 * cgroups.c - control groups: one for each tenant, below the gateway's own
 *
 * Process: master.
 * Owns:    the folders below OWN/mcpgw-SUM.
 * Trusts:  the kernel for /proc/self; nothing a tenant made below its folder: only folders are removed
 *          there, and the kernel refuses that while a process is in one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/codec.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/sum.h"
#include "master/cgroups.h"
#include "policy/records.h"

#define LINE_BYTES	4096
#define SWEEP_DEPTH	3
#define SWEEP_TRIES	50
#define SWEEP_WAIT_MS	10

static const char *const words[CGROUP_PART_LIMIT] = { "memory", "pids", "cpu", "freezer" };

/* ---- where we are ------------------------------------------------------------------------------- */

static bool
has_word(const char *list, const char *word)
{
	size_t	n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)) != NULL; at += n)
		if ((at == list || at[-1] == ',' || at[-1] == ' ') &&
		    (at[n] == '\0' || at[n] == ',' || at[n] == ' ' || at[n] == '\n'))
			return true;
	return false;
}

/* Our path in the hierarchy of this controller ("": version 2), from /proc/self/cgroup. */
static bool
own_path(const char *controller, char path[LINE_BYTES])
{
	FILE	*f = fopen("/proc/self/cgroup", "re");
	char	 line[LINE_BYTES], *list, *at;
	bool	 found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
		if ((list = strchr(line, ':')) == NULL || (at = strchr(++list, ':')) == NULL)
			continue;
		*at++ = '\0';
		if (controller[0] == '\0' ? list[0] != '\0' : !has_word(list, controller))
			continue;
		at[strcspn(at, "\n")] = '\0';
		/* Outside of our namespace's root nothing is ours. */
		found = strstr(at, "..") == NULL;
		snprintf(path, LINE_BYTES, "%s", at);
	}
	if (f != NULL)
		fclose(f);
	return found;
}

/* The folder of that path: /proc/self/mountinfo knows where the hierarchy is mounted, and from where. */
static bool
own_folder(const char *controller, char folder[PATH_MAX])
{
	FILE	*f;
	char	 line[LINE_BYTES], path[LINE_BYTES], root[PATH_MAX], at[PATH_MAX], type[32], options[1024];
	bool	 found = false;
	size_t	 skip;

	if (!own_path(controller, path) || (f = fopen("/proc/self/mountinfo", "re")) == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		const char *behind = strstr(line, " - ");

		if (behind == NULL || sscanf(line, "%*s %*s %*s %4095s %4095s", root, at) != 2 ||
		    sscanf(behind, " - %31s %*s %1023s", type, options) != 2 ||
		    strcmp(type, controller[0] == '\0' ? "cgroup2" : "cgroup") != 0 ||
		    (controller[0] != '\0' && !has_word(options, controller)))
			continue;
		skip = strcmp(root, "/") == 0 ? 0 : strlen(root);
		if (strncmp(path, root, skip) != 0)
			continue;
		found = snprintf(folder, PATH_MAX, "%s%s", at, strcmp(path + skip, "/") == 0 ? "" : path + skip) <
		    PATH_MAX;
	}
	fclose(f);
	return found;
}

/* ---- files of a group --------------------------------------------------------------------------- */

static int
group_write(const char *group, const char *file, const char *text)
{
	int	dir = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC), r;

	if (dir == -1)
		return E_SYS;
	r = cgroup_write(dir, file, text);
	fd_close(&dir);
	return r;
}

static void
group_read(const char *group, const char *file, char text[LINE_BYTES])
{
	char	path[PATH_MAX + 32];
	int	fd;
	ssize_t	n;

	snprintf(path, sizeof(path), "%s/%s", group, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd == -1 ? 0 : read(fd, text, LINE_BYTES - 1);
	text[n > 0 ? n : 0] = '\0';
	fd_close(&fd);
}

static int
group_make(const char *group)
{
	return mkdir(group, 0755) == -1 && errno != EEXIST ? E_SYS : 0;
}

/* Groups below, then itself.  What still has a process stays. */
static void
group_sweep(int at, const char *name, int depth)
{
	int		 fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR		*d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent	*e;

	if (d == NULL) {
		fd_close(&fd);
		return;
	}
	while (depth > 0 && (e = readdir(d)) != NULL)
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			group_sweep(dirfd(d), e->d_name, depth - 1);
	closedir(d);
	(void)unlinkat(at, name, AT_REMOVEDIR);
}

/* ---- version 2 ---------------------------------------------------------------------------------- */

/* The controllers of `want` that this group can give to those below. */
static void
enable(const char *group, const char *const *want, char *to, size_t room)
{
	char	offered[LINE_BYTES], given[LINE_BYTES], word[16];

	group_read(group, "cgroup.controllers", offered);
	to[0] = '\0';
	for (; *want != NULL; want++) {
		if (!has_word(offered, *want))
			continue;
		snprintf(word, sizeof(word), "+%s", *want);
		if (group_write(group, "cgroup.subtree_control", word) != 0)
			continue;
		group_read(group, "cgroup.subtree_control", given);
		if (has_word(given, *want))
			snprintf(to + strlen(to), room - strlen(to), "%s%s", to[0] == '\0' ? "" : ", ", *want);
	}
}

static const char *const bounding[] = { "memory", "pids", "cpu", NULL };

/* A group that gives controllers to others may have no process itself, unless it is the root: all of
 * OWN's go to OWN/main.  That is us alone where OWN was delegated to us; where others are in it, it was
 * not, and we go back. */
static bool
unified_init(struct cgroups *c, const char *own, struct span id)
{
	char	given[64], offered[LINE_BYTES];

	group_read(own, "cgroup.controllers", offered);
	if (!has_word(offered, "memory") && !has_word(offered, "pids"))
		return false;
	if (snprintf(c->main, sizeof(c->main), "%s/main", own) >= (int)sizeof(c->main) ||
	    snprintf(c->base[0], sizeof(c->base[0]), "%s/mcpgw-%016llx", own,
	    (unsigned long long)sum64(id)) >= (int)sizeof(c->base[0]) ||
	    group_make(c->main) != 0 || group_write(c->main, "cgroup.procs", "0") != 0) {
		snprintf(c->line, sizeof(c->line), "none: %.60s is not delegated to the gateway: %s", own,
		    strerror(errno));
		(void)rmdir(c->main);
		return false;
	}
	enable(own, bounding, given, sizeof(given));
	if (given[0] == '\0' || group_make(c->base[0]) != 0) {
		snprintf(c->line, sizeof(c->line), "none: others are in %.60s beside the gateway", own);
		(void)group_write(own, "cgroup.procs", "0");
		(void)rmdir(c->main);
		return false;
	}
	enable(c->base[0], bounding, given, sizeof(given));
	c->unified = true;
	snprintf(c->line, sizeof(c->line), "v2: %s", given);
	return true;
}

/* ---- the gateway's own -------------------------------------------------------------------------- */

static void
parts_init(struct cgroups *c, struct span id)
{
	char	own[PATH_MAX], list[64] = "";

	for (int i = 0; i < CGROUP_PART_LIMIT; i++) {
		if (!own_folder(words[i], own) ||
		    snprintf(c->base[i], sizeof(c->base[i]), "%s/mcpgw-%016llx", own,
		    (unsigned long long)sum64(id)) >= (int)sizeof(c->base[i]) || group_make(c->base[i]) != 0) {
			c->base[i][0] = '\0';
			continue;
		}
		if (i != CGROUP_FREEZER)
			snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
			    list[0] == '\0' ? "" : ", ", words[i]);
	}
	if (list[0] != '\0')
		snprintf(c->line, sizeof(c->line), "v1: %s", list);
}

static void
bases_sweep(struct cgroups *c, int depth)
{
	for (int i = 0; i < CGROUP_PART_LIMIT; i++)
		if (c->base[i][0] != '\0')
			group_sweep(AT_FDCWD, c->base[i], depth);
}

void
cgroups_init(struct cgroups *c, bool root, struct span id, bool heir)
{
	char	own[PATH_MAX], *last;

	*c = (struct cgroups){ .root = root };
	snprintf(c->line, sizeof(c->line), "none: %s", root ? "no memory or pids controller is mounted" :
	    "no cgroup is delegated to this user (a systemd --user service with Delegate=yes has one)");
	if (own_folder("", own)) {
		/* The master before was put there, and this one with it. */
		if (heir && (last = strrchr(own, '/')) != NULL && strcmp(last, "/main") == 0)
			*last = '\0';
		if (unified_init(c, own, id))
			return;
	}
	memset(c->base, 0, sizeof(c->base));
	c->main[0] = '\0';
	/* In version 1 nothing is delegated to users. */
	if (root)
		parts_init(c, id);
	/* What a gateway that was killed left; its processes are gone with it. */
	if (!heir)
		bases_sweep(c, SWEEP_DEPTH);
	for (int i = 0; i < CGROUP_PART_LIMIT; i++)
		if (c->base[i][0] != '\0' && group_make(c->base[i]) != 0)
			c->base[i][0] = '\0';
}

static bool
bases_left(const struct cgroups *c)
{
	for (int i = 0; i < CGROUP_PART_LIMIT; i++)
		if (c->base[i][0] != '\0' && access(c->base[i], F_OK) == 0)
			return true;
	return false;
}

void
cgroups_fini(struct cgroups *c)
{
	/* The kernel may still be busy with jails that were killed a moment ago. */
	for (int i = 0; i < SWEEP_TRIES && bases_left(c); i++) {
		if (i > 0)
			(void)poll(NULL, 0, SWEEP_WAIT_MS);
		bases_sweep(c, SWEEP_DEPTH);
	}
}

/* ---- a tenant's --------------------------------------------------------------------------------- */

static bool
tenant_path(const struct cgroups *c, const char *tenant, enum cgroup_part part, char path[PATH_MAX])
{
	return c->base[part][0] != '\0' &&
	    snprintf(path, PATH_MAX, "%s/%s", c->base[part], tenant) < PATH_MAX;
}

/* The folder, and of version 2 what the kernel's documentation names for delegation. */
static int
give(const char *path, bool unified, const struct spawn_user *user)
{
	static const char *const	files[] = { "cgroup.procs", "cgroup.subtree_control", "cgroup.threads" };
	char				file[PATH_MAX + 32];

	if (!user->change)
		return 0;
	if (chown(path, user->uid, user->gid) == -1)
		return E_SYS;
	for (size_t i = 0; unified && i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, files[i]);
		if (chown(file, user->uid, user->gid) == -1)
			return E_SYS;
	}
	return 0;
}

int
cgroups_tenant(struct cgroups *c, const char *tenant, const struct spawn_user *user)
{
	char	path[PATH_MAX], own[PATH_MAX + 8], given[64];

	for (int i = 0; i < CGROUP_PART_LIMIT; i++) {
		if (!tenant_path(c, tenant, (enum cgroup_part)i, path))
			continue;
		group_sweep(AT_FDCWD, path, SWEEP_DEPTH);
		snprintf(own, sizeof(own), "%s/own", path);
		if (group_make(path) != 0 || (c->unified && group_make(own) != 0) ||
		    give(path, c->unified, user) != 0) {
			log_err(LOG_SUBJECT(path, ""), "%s", strerror(errno));
			return E_SYS;
		}
		if (c->unified)
			enable(path, bounding, given, sizeof(given));
	}
	return 0;
}

int
cgroups_enter(const struct cgroups *c, const char *tenant, pid_t pid)
{
	char	path[PATH_MAX], own[PATH_MAX + 8], text[24];

	if (!c->unified || !tenant_path(c, tenant, CGROUP_MEMORY, path))
		return 0;
	snprintf(own, sizeof(own), "%s/own", path);
	snprintf(text, sizeof(text), "%ld", (long)pid);
	if (group_write(own, "cgroup.procs", text) == 0)
		return 0;
	log_err(LOG_SUBJECT(own, ""), "%s", strerror(errno));
	return E_SYS;
}

unsigned
cgroups_held(const struct cgroups *c)
{
	unsigned	held = 0;

	if (c->base[CGROUP_MEMORY][0] == '\0' && c->base[CGROUP_PIDS][0] == '\0' && c->base[CGROUP_CPU][0] == '\0')
		return 0;		/* the line says why */
	held |= has_word(c->line, words[CGROUP_MEMORY]) ? LIMIT_MEMORY : 0u;
	held |= has_word(c->line, words[CGROUP_PIDS]) ? LIMIT_PIDS : 0u;
	held |= has_word(c->line, words[CGROUP_CPU]) ? LIMIT_CPU : 0u;
	return held;
}

bool
cgroups_path(const struct cgroups *c, const char *tenant, enum cgroup_part part, unsigned *kind,
    char path[PATH_MAX])
{
	static const unsigned	kinds[CGROUP_PART_LIMIT] = { DIR_CGROUP_MEMORY, DIR_CGROUP_PIDS, DIR_CGROUP_CPU,
				    DIR_CGROUP_FREEZER };

	*kind = c->unified ? (unsigned)DIR_CGROUP : kinds[part];
	return tenant_path(c, tenant, part, path);
}
