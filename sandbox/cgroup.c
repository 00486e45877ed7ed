/* SPDX-License-Identifier: Apache-2.0
 *
 * cgroup.c - one control group for each jail, below the tenant's own
 *
 * Process: the spawner; cgroup_join() the first process of a jail.
 * Owns:    the leaf's descriptors.
 * Trusts:  the master for the tenant's folder; the kernel for what stands in its files.  No tool sees
 *          the file system of cgroups.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/cgroup.h"

#define PERIOD_US	100000	/* the kernel's own choice */
#define TEXT_MAX	4096

static const int none_yet[CGROUP_PART_LIMIT] = { -1, -1, -1, -1 };

void
cgroup_room_init(struct cgroup_room *r)
{
	*r = (struct cgroup_room){ 0 };
	memcpy(r->dir, none_yet, sizeof(r->dir));
}

bool
cgroup_room_any(const struct cgroup_room *r)
{
	for (int i = 0; i < CGROUP_PART_LIMIT; i++)
		if (r->dir[i] != -1)
			return true;
	return false;
}

void
cgroup_room_close(struct cgroup_room *r)
{
	for (int i = 0; i < CGROUP_PART_LIMIT; i++)
		fd_close(&r->dir[i]);
}

int
cgroup_write(int dir, const char *file, const char *text)
{
	int	fd, r = 0;

	if ((fd = openat(dir, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return E_SYS;
	/* One write is one command. */
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		r = E_SYS;
	fd_close(&fd);
	return r;
}

/* The start of a file, "" when it cannot be read. */
static void
read_text(int dir, const char *file, char text[TEXT_MAX])
{
	int	fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t	n = fd == -1 ? 0 : read(fd, text, TEXT_MAX - 1);

	text[n > 0 ? n : 0] = '\0';
	fd_close(&fd);
}

int
cgroup_room_add(struct cgroup_room *r, enum cgroup_part part, bool unified, const char *path)
{
	static const char *const	words[CGROUP_PART_LIMIT] = { "memory", "pids", "cpu" };
	char				text[TEXT_MAX];
	int				fd;

	if (part >= CGROUP_PART_LIMIT || (cgroup_room_any(r) && unified != r->unified))
		return E_UNTIMELY;
	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return E_SYS;
	fd_close(&r->dir[part]);
	r->dir[part] = fd;
	r->unified = unified;
	r->has[part] = true;
	if (!unified)
		return 0;
	read_text(fd, "cgroup.subtree_control", text);
	for (int i = CGROUP_MEMORY; i <= CGROUP_CPU; i++)
		r->has[i] = strstr(text, words[i]) != NULL;
	return 0;
}

/* ---- bounds ------------------------------------------------------------------------------------- */

static int
write_number(int dir, const char *file, uint64_t v)
{
	char	text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	return cgroup_write(dir, file, text);
}

/* Files of swap are there only where the kernel counts it; without, there is nothing to forbid. */
static int
unless_missing(int r)
{
	return r != 0 && errno == ENOENT ? 0 : r;
}

static int
bound_memory(bool unified, int leaf, uint64_t bytes)
{
	int	r;

	if (unified) {
		if ((r = write_number(leaf, "memory.max", bytes)) != 0 ||
		    (r = unless_missing(cgroup_write(leaf, "memory.swap.max", "0"))) != 0)
			return r;
		return cgroup_write(leaf, "memory.oom.group", "1");
	}
	if ((r = write_number(leaf, "memory.limit_in_bytes", bytes)) != 0)
		return r;
	return unless_missing(write_number(leaf, "memory.memsw.limit_in_bytes", bytes));
}

/* Version 1 tells of an empty pot by an eventfd, version 2 by the file itself. */
static int
watch_memory(bool unified, int leaf, struct cgroup_leaf *l)
{
	char	text[32];
	int	control, r;

	if (unified) {
		l->poll_events = POLLPRI;
		l->events = openat(leaf, "memory.events", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		return l->events == -1 ? E_SYS : 0;
	}
	l->poll_events = POLLIN;
	if ((control = openat(leaf, "memory.oom_control", O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return E_SYS;
	if ((l->events = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1) {
		fd_close(&control);
		return E_SYS;
	}
	snprintf(text, sizeof(text), "%d %d", l->events, control);
	r = cgroup_write(leaf, "cgroup.event_control", text);
	fd_close(&control);
	return r;
}

static int
set_bounds(const struct cgroup_room *r, enum cgroup_part part, int leaf, const struct cgroup_bounds *b,
    struct cgroup_leaf *l)
{
	int	res;

	if (r->has[CGROUP_MEMORY] && part == CGROUP_MEMORY && b->memory_bytes != 0 &&
	    ((res = bound_memory(r->unified, leaf, b->memory_bytes)) != 0 ||
	    (res = watch_memory(r->unified, leaf, l)) != 0))
		return res;
	if (r->has[CGROUP_PIDS] && (part == CGROUP_PIDS || r->unified) && b->pids != 0)
		return write_number(leaf, "pids.max", b->pids);
	return 0;
}

int
cgroup_leaf_throttle(const struct cgroup_room *r, const struct cgroup_leaf *l, uint32_t cpu_milli)
{
	uint64_t	quota = (uint64_t)cpu_milli * PERIOD_US / 1000;
	int		part = r->unified ? CGROUP_MEMORY : CGROUP_CPU;
	char		path[64], text[64];

	if (!l->made || cpu_milli == 0 || !r->has[CGROUP_CPU])
		return 0;
	if (quota < 1000)
		quota = 1000;		/* the kernel takes no less */
	snprintf(path, sizeof(path), "%s/%s", l->name, r->unified ? "cpu.max" : "cpu.cfs_quota_us");
	if (r->unified)
		snprintf(text, sizeof(text), "%llu %d", (unsigned long long)quota, PERIOD_US);
	else
		snprintf(text, sizeof(text), "%llu", (unsigned long long)quota);
	return cgroup_write(r->dir[part], path, text);
}

/* ---- a leaf's life ------------------------------------------------------------------------------ */

static int
make_part(struct cgroup_room *r, enum cgroup_part part, const struct cgroup_bounds *b, struct cgroup_leaf *l)
{
	int	leaf, join, res = E_SYS;

	if (mkdirat(r->dir[part], l->name, 0755) == -1)
		return E_SYS;
	l->made = true;
	if ((leaf = openat(r->dir[part], l->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return E_SYS;
	if ((join = openat(leaf, "cgroup.procs", O_WRONLY | O_NOFOLLOW | O_CLOEXEC)) != -1) {
		l->join[l->join_count++] = join;
		res = set_bounds(r, part, leaf, b, l);
	}
	fd_close(&leaf);
	return res;
}

int
cgroup_leaf_make(struct cgroup_room *r, unsigned number, const struct cgroup_bounds *b,
    struct cgroup_leaf *out)
{
	int	res, saved;

	*out = (struct cgroup_leaf){ .events = -1 };
	memcpy(out->join, none_yet, sizeof(out->join));
	snprintf(out->name, sizeof(out->name), "jail-%u", number);
	for (int i = 0; i < CGROUP_PART_LIMIT; i++)
		if (r->dir[i] != -1 && (res = make_part(r, (enum cgroup_part)i, b, out)) != 0) {
			saved = errno;
			if (cgroup_leaf_remove(r, out) != 0)	/* nobody was in it */
				out->made = false;
			errno = saved;
			return res;
		}
	return 0;
}

void
cgroup_leaf_joined(struct cgroup_leaf *l)
{
	while (l->join_count > 0)
		fd_close(&l->join[--l->join_count]);
}

int
cgroup_join(const int *join, int count)
{
	for (int i = 0; i < count; i++)
		if (write(join[i], "0", 1) != 1)
			return E_SYS;
	return 0;
}

uint64_t
cgroup_leaf_oom(const struct cgroup_room *r, const struct cgroup_leaf *l)
{
	char		 path[64], text[TEXT_MAX];
	const char	*at;

	if (!l->made || !r->has[CGROUP_MEMORY])
		return 0;
	snprintf(path, sizeof(path), "%s/%s", l->name, r->unified ? "memory.events" : "memory.oom_control");
	read_text(r->dir[CGROUP_MEMORY], path, text);
	/* "oom_kill 1", which "oom_kill_disable 0" and "oom_group_kill 1" are not. */
	for (at = text; (at = strstr(at, "oom_kill ")) != NULL; at++)
		if (at == text || at[-1] == '\n')
			return strtoull(at + strlen("oom_kill "), NULL, 10);
	return 0;
}

/* Version 1 has no cgroup.kill: one pass over who is there now.  Frozen, they cannot fork meanwhile. */
static int
kill_each(int dir, const char *name)
{
	char	path[64], text[TEXT_MAX];
	char	*at, *end;
	bool	any = false;
	long	pid;

	snprintf(path, sizeof(path), "%s/cgroup.procs", name);
	read_text(dir, path, text);
	for (at = text; (pid = strtol(at, &end, 10)) > 0 && end != at; at = end) {
		any = true;
		(void)kill((pid_t)pid, SIGKILL);
	}
	return any ? E_AGAIN : 0;
}

int
cgroup_leaf_kill(const struct cgroup_room *r, const struct cgroup_leaf *l)
{
	char	path[64];
	int	part = r->unified ? CGROUP_MEMORY : CGROUP_FREEZER, res;

	if (!l->made || r->dir[part] == -1)
		return 0;
	if (r->unified) {
		snprintf(path, sizeof(path), "%s/cgroup.kill", l->name);
		if (cgroup_write(r->dir[part], path, "1") != 0 && errno != ENOENT)
			return E_SYS;
		return kill_each(r->dir[part], l->name);
	}
	snprintf(path, sizeof(path), "%s/freezer.state", l->name);
	if ((res = cgroup_write(r->dir[part], path, "FROZEN")) != 0)
		return res;
	res = kill_each(r->dir[part], l->name);
	/* A frozen process dies only when it thaws. */
	return cgroup_write(r->dir[part], path, "THAWED") != 0 ? E_SYS : res;
}

int
cgroup_leaf_remove(struct cgroup_room *r, struct cgroup_leaf *l)
{
	int	res = 0;

	cgroup_leaf_joined(l);
	fd_close(&l->events);
	if (!l->made)
		return 0;
	for (int i = 0; i < CGROUP_PART_LIMIT; i++)
		if (r->dir[i] != -1 && unlinkat(r->dir[i], l->name, AT_REMOVEDIR) == -1 && errno != ENOENT)
			res = E_AGAIN;
	l->made = res != 0;
	return res;
}
