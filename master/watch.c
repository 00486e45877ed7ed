/* SPDX-License-Identifier: Apache-2.0
 *
 * watch.c - watch = yes: reload by itself when servers_file, rules_file, issuers_file, a file in tools_dir or one of a
 *           tenant changes
 *
 * Process: master.
 * Owns:    the inotify descriptor.
 * Trusts:  an event for no more than that something may have changed; the compiler reads the files.
 *
 * The folders are watched, not the files: editors replace a file by renaming another over it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/master.h"
#include "policy/tenants.h"

#define QUIET_MS	200
#define EVENTS		(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)
#define FOLDER_EVENTS	(EVENTS | IN_CREATE)	/* of a folder that may come; it cannot be closed after writing */

static void
quiet_wait(struct watch *w)
{
	w->waits = true;
	loop_timer_arm(&w->quiet, QUIET_MS);
}

static void
on_quiet(struct loop_timer *t, void *arg)
{
	struct watch	*w = arg;

	(void)t;
	w->waits = false;
	if (!w->m->ready) {
		quiet_wait(w);
		return;
	}
	/* tools_dir may be another one than before, whether or not what is in it is right. */
	watch_files(w);
	log_info(NULL, "configuration files changed; reloading");
	reload_request(&w->m->reload, COMPILE_POLICY, (struct reload_by){ GENERATION_BY_WATCH, 0 }, NULL);
}

/* As the compiler takes them (policy/compiler/tools.c); one too many costs a reload that changes nothing. */
static bool
is_tools_file(const char *name)
{
	const char	*dot = strrchr(name, '.');

	return dot != NULL && name[0] != '.' &&
	    (strcmp(dot, ".json") == 0 || strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

/* A tenant that comes or goes, or a file in its folder. */
static bool
is_tenants(const struct watch *w, const struct inotify_event *e)
{
	if (e->wd == w->tenants_wd)
		return e->name[0] != '.';
	return is_tools_file(e->name) || strcmp(e->name, "tenant.conf") == 0 || strcmp(e->name, "tools.d") == 0;
}

static bool
is_ours(const struct watch *w, const struct inotify_event *e)
{
	if ((e->mask & IN_Q_OVERFLOW) != 0)
		return true;
	for (int i = 0; i < WATCH_FILES; i++)
		if (e->wd == w->files[i].wd && (e->mask & w->files[i].events) != 0 && e->len > 0 &&
		    strcmp(e->name, w->files[i].name) == 0)
			return true;
	if (e->len > 0 && w->tenants_wd != -1 && e->wd >= w->tenants_wd)
		return is_tenants(w, e);
	return w->tools_wd != -1 && e->wd == w->tools_wd && e->len > 0 && is_tools_file(e->name);
}

/* Takes what came: is something of it ours? */
static bool
watch_read(struct watch *w)
{
	char	room[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t	n;
	bool	ours = false;

	while ((n = read(w->fd, room, sizeof(room))) > 0)
		for (char *p = room; p < room + n;) {
			const struct inotify_event *e = (const void *)p;

			ours |= is_ours(w, e);
			p += sizeof(*e) + e->len;
		}
	return ours;
}

static void
watch_on_readable(struct loop_io *io, unsigned what, void *arg)
{
	struct watch	*w = arg;

	(void)io;
	(void)what;
	if (watch_read(w))
		quiet_wait(w);
}

void
watch_init(struct watch *w, struct master *m)
{
	*w = (struct watch){ .m = m, .fd = -1, .tools_wd = -1, .tenants_wd = -1 };
	loop_timer_init(m->loop, &w->quiet, on_quiet, w);
}

static void
watch_stop(struct watch *w)
{
	if (w->fd == -1)
		return;
	w->waits = false;
	loop_timer_disarm(&w->quiet);
	loop_io_fini(&w->io);
	fd_close(&w->fd);
}

void
watch_fini(struct watch *w)
{
	watch_stop(w);
}

static void
watch_one(struct watch *w, int i, struct span path, uint32_t events)
{
	char	 folder[PATH_MAX];
	char	*slash;

	w->files[i].wd = -1;
	w->files[i].events = events;
	snprintf(folder, sizeof(folder), "%.*s", SPAN_FMT(path));
	if ((slash = strrchr(folder, '/')) == NULL || strlen(slash + 1) > NAME_MAX)
		return;
	strcpy(w->files[i].name, slash + 1);
	slash[slash == folder] = '\0';
	w->files[i].wd = inotify_add_watch(w->fd, folder, events | IN_MASK_ADD);
	if (w->files[i].wd == -1)
		log_warn(LOG_SUBJECT("watch", folder), "%s", strerror(errno));
}

static void
watch_tools(struct watch *w, struct span path)
{
	char	folder[PATH_MAX];

	w->files[WATCH_TOOLS].wd = w->tools_wd = -1;
	if (path.n == 0 || path.n >= sizeof(folder))
		return;
	watch_one(w, WATCH_TOOLS, path, FOLDER_EVENTS);
	snprintf(folder, sizeof(folder), "%.*s", SPAN_FMT(path));
	w->tools_wd = inotify_add_watch(w->fd, folder, EVENTS | IN_MASK_ADD);
	if (w->tools_wd == -1 && errno != ENOENT)
		log_warn(LOG_SUBJECT("watch", folder), "%s", strerror(errno));
}

/* tenants.d, each folder in it, and each one's tools.d.  The kernel numbers what is watched upwards. */
static void
watch_tenants(struct watch *w, struct span config_dir)
{
	char		 folder[PATH_MAX], inner[PATH_MAX + NAME_MAX + 16];
	struct dirent	*e;
	DIR		*d;

	w->tenants_wd = -1;
	if (snprintf(folder, sizeof(folder), "%.*s/" TENANTS_DIR, SPAN_FMT(config_dir)) >= (int)sizeof(folder))
		return;
	watch_one(w, WATCH_FILES - 1, span_of(folder), FOLDER_EVENTS);
	if ((d = opendir(folder)) == NULL)
		return;
	w->tenants_wd = inotify_add_watch(w->fd, folder, FOLDER_EVENTS | IN_MASK_ADD);
	while (w->tenants_wd != -1 && (e = readdir(d)) != NULL) {
		if (!tenant_name_ok(span_of(e->d_name)))
			continue;
		snprintf(inner, sizeof(inner), "%s/%s", folder, e->d_name);
		if (inotify_add_watch(w->fd, inner, FOLDER_EVENTS | IN_ONLYDIR) == -1 && errno == ENOSPC)
			log_warn(LOG_SUBJECT("watch", inner), "%s", strerror(errno));
		snprintf(inner, sizeof(inner), "%s/%s/tools.d", folder, e->d_name);
		(void)inotify_add_watch(w->fd, inner, EVENTS | IN_ONLYDIR);
	}
	closedir(d);
}

void
watch_files(struct watch *w)
{
	const struct params	*p = &w->m->params;
	/* A change that no reload has begun for must not go with the descriptor. */
	const bool		 news = w->fd != -1 && (watch_read(w) || w->waits);

	watch_stop(w);
	if (!p->watch)
		return;
	if ((w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) == -1) {
		log_warn(LOG_SUBJECT("watch", ""), "%s", strerror(errno));
		return;
	}
	watch_one(w, 0, p->servers_file, EVENTS);
	watch_one(w, 1, p->rules_file, EVENTS);
	watch_one(w, 2, p->issuers_file, EVENTS);
	watch_tools(w, p->tools_dir);
	watch_tenants(w, p->config_dir);
	loop_io_init(w->m->loop, &w->io, w->fd, watch_on_readable, w);
	loop_io_arm(&w->io, LOOP_READ);
	if (news)
		quiet_wait(w);
}
