/* SPDX-License-Identifier: Apache-2.0
 *
 * doctor_gateway.c - the gateway's own: configuration, listeners, disk, users, secrets
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.  Trusts: its own mcpgw-compile.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ctl/doctor/doctor.h"
#include "ctl/doctor/whoseport.h"
#include "ctl/folders.h"
#include "ctl/out.h"
#include "ctl/program.h"
#include "ctl/show/issuers.h"
#include "ipc/codec.h"
#include "lib/fd.h"
#include "lib/num.h"
#include "policy/listens.h"

#define DISK_LITTLE	(UINT64_C(1) << 30)
#define DISK_NONE	(UINT64_C(64) << 20)	/* segments of the audit are preallocated */
#define MIB		(UINT64_C(1) << 20)

void
doctor_configuration(const struct doctor *d, struct doctor_finding *f)
{
	char			*argv[PROGRAM_ARGS_MAX], check[] = "-t", personal[] = "-p";
	struct program_plan	 plan = { .control = -1, .out = -1, .quiet = true };
	size_t			 n = 0;
	int			 code = 1;
	pid_t			 pid;

	argv[n++] = (char *)(uintptr_t)"mcpgw-compile";
	argv[n++] = check;
	if (!d->ctl->where.system)
		argv[n++] = personal;
	n = program_settings(d->ctl, folders_config(d->ctl), argv, n);
	argv[n] = NULL;
	if (access(folders_config(d->ctl), F_OK) == -1) {
		doctor_say(f, DOCTOR_NOTE, "there is no %s: nothing is allowed yet", folders_config(d->ctl));
	} else {
		if (program_start("mcpgw-compile", argv, &plan, &pid) == 0)
			code = program_wait(pid);
		if (code != 0 && d->outsider)
			doctor_say(f, DOCTOR_NOTE, "%s is not yours to read; look as root: mcpgwctl doctor",
			    folders_config(d->ctl));
		else
			doctor_say(f, code == 0 ? DOCTOR_OK : DOCTOR_BAD, code == 0 ? "%s" :
			    "%s has errors: mcpgwctl check", folders_config(d->ctl));
	}
}

void
doctor_gateway(const struct doctor *d, struct doctor_finding *f)
{
	if (d->running)
		doctor_say(f, DOCTOR_OK, "running, in %s", folders_run(d->ctl));
	else if (d->barred)
		doctor_say(f, DOCTOR_NOTE, "one is in %s, but you are not root or in group mcpgw-admin; look as one of "
		    "them: mcpgwctl doctor", folders_run(d->ctl));
	else
		doctor_say(f, DOCTOR_NOTE, "not running.  Start it: %s", where_how_to_start(&d->ctl->where));
}

/* ---- listeners --------------------------------------------------------------------------------- */

/* "127.0.0.1:8080"; 0 when it can be listened on, else an errno, or -1: no address. */
static int
try_listen(struct span text)
{
	struct addrinfo	 hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
			    .ai_socktype = SOCK_STREAM }, *ai = NULL;
	char		 host[256], *port;
	int		 fd, one = 1, r = 0;

	snprintf(host, sizeof(host), "%.*s", SPAN_FMT(text));
	if ((port = strrchr(host, ':')) == NULL)
		return -1;
	*port++ = '\0';
	if (host[0] == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = '\0';
		memmove(host, host + 1, strlen(host));
	}
	if (getaddrinfo(host, port, &hints, &ai) != 0)
		return -1;
	if ((fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) == -1)
		r = errno;
	fd_close(&fd);
	freeaddrinfo(ai);
	return r;
}

/* "in use by pid 3120 (node)". */
static const char *
why_not(struct span at, int error, char *to, size_t room)
{
	char		who[96];
	uint64_t	port = 0;
	const char	*colon = memrchr(at.p, ':', at.n);

	if (error == EADDRINUSE && colon != NULL &&
	    num_u64(span_part(at, (size_t)(colon - at.p) + 1, at.n), &port) == 0 && port <= UINT16_MAX &&
	    whoseport_find((uint16_t)port, who, sizeof(who)))
		snprintf(to, room, "in use by %s", who);
	else
		snprintf(to, room, "%s", error == -1 ? "no address" : error == EADDRINUSE ? "in use" : strerror(error));
	return to;
}

static bool
is_taken(const char *name, struct span at, struct doctor_finding *f)
{
	char	why[128];
	int	r = try_listen(at);

	if (r != 0)
		doctor_say(f, DOCTOR_BAD, "%s %.*s: %s.  Choose another: mcpgwctl conf -e %s=127.0.0.1:8090", name,
		    SPAN_FMT(at), why_not(at, r, why, sizeof(why)), name);
	return r != 0;
}

void
doctor_listeners(const struct doctor *d, struct doctor_finding *f)
{
	struct span		list;
	struct listens_entry	e;

	if (d->params == NULL) {
		doctor_say(f, DOCTOR_NOTE, "not known: mcpgw.conf cannot be used");
		return;
	}
	list = d->params->listen;
	doctor_say(f, DOCTOR_OK, "%s%.*s", list.n > 0 ? "" : "the unix socket only", SPAN_FMT(list));
	/* What runs has them, of course. */
	while (!d->running && !d->barred && listens_next(&list, &e))
		if (is_taken("listen", e.address, f))
			return;
	if (!d->running && !d->barred && d->params->admin_listen.n > 0)
		(void)is_taken("admin_listen", d->params->admin_listen, f);
}

/* ---- disk, users, secrets ---------------------------------------------------------------------- */

void
doctor_disk(const struct doctor *d, struct doctor_finding *f)
{
	const char	*dir = folders_state(d->ctl);
	struct statvfs	 st;
	uint64_t	 free_bytes;

	if (statvfs(dir, &st) == -1) {
		if (errno == ENOENT)
			doctor_say(f, DOCTOR_OK, "%s is made at the first start", dir);
		else
			doctor_say(f, DOCTOR_BAD, "%s: %s", dir, strerror(errno));
		return;
	}
	free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
	if ((st.f_flag & ST_RDONLY) != 0)
		doctor_say(f, DOCTOR_BAD, "%s is read-only: without a record no call is made; remount it", dir);
	else if (free_bytes < DISK_NONE || (st.f_files > 0 && st.f_favail < 64))
		doctor_say(f, DOCTOR_BAD, "%s is full: without a record no call is made; make room", dir);
	else if (free_bytes < DISK_LITTLE)
		doctor_say(f, DOCTOR_NOTE, "%s has %llu MiB left; the audit needs room to grow", dir,
		    (unsigned long long)(free_bytes / MIB));
	else
		doctor_say(f, DOCTOR_OK, "%s has %llu MiB left", dir, (unsigned long long)(free_bytes / MIB));
}

void
doctor_users(const struct doctor *d, struct doctor_finding *f)
{
	char	missing[256] = "", name[64];
	struct span names[ROLE_LIMIT + 2];
	size_t	n = 0;

	if (!d->ctl->where.system) {
		doctor_say(f, DOCTOR_OK, "all processes are yours");
		return;
	}
	for (int role = 0; role < ROLE_LIMIT; role++)
		names[n++] = role == ROLE_WORKER && d->params != NULL ? d->params->user :
		    span_of(role_user((enum role)role));
	if (d->params != NULL)
		names[n++] = d->params->tenant_user;
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%.*s", SPAN_FMT(names[i]));
		if (name[0] != '\0' && getpwnam(name) == NULL)
			snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing), " %s", name);
	}
	if (missing[0] != '\0')
		doctor_say(f, DOCTOR_NOTE, "missing, so nobody runs their processes:%s; the package makes them, or "
		    "systemd-sysusers", missing);
	else
		doctor_say(f, DOCTOR_OK, "each process has its own");
}

void
doctor_secrets(const struct doctor *d, struct doctor_finding *f)
{
	char		 path[PATH_MAX], open_ones[256] = "";
	struct dirent	*e;
	struct stat	 st;
	unsigned	 count = 0;
	DIR		*dir;

	snprintf(path, sizeof(path), "%.4000s/secrets", folders_config(d->ctl));
	if ((dir = opendir(path)) == NULL) {
		doctor_say(f, errno == ENOENT || errno == EACCES ? DOCTOR_OK : DOCTOR_NOTE, errno == ENOENT ? "none" :
		    errno == EACCES ? "not yours to look at" : "%s cannot be read", path);
		return;
	}
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.' || fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		count++;
		if ((st.st_mode & 077) != 0)
			snprintf(open_ones + strlen(open_ones), sizeof(open_ones) - strlen(open_ones), " %.40s",
			    e->d_name);
	}
	closedir(dir);
	if (open_ones[0] != '\0')
		doctor_say(f, DOCTOR_BAD, "others may read:%s; chmod 600 them, below %s", open_ones, path);
	else
		doctor_say(f, DOCTOR_OK, "%u, closed to others", count);
}

/* ---- issuers ----------------------------------------------------------------------------------- */

struct issuers_looked {
	unsigned	fetched, bad;
	char		first[200];		/* of those that are bad */
};

static void
look_at_issuer(const struct issuer_seen *i, void *arg)
{
	struct issuers_looked	*l = arg;

	l->fetched += i->id != 0;
	if (issuer_is_bad(i, out_now_ms()) && l->bad++ == 0)
		snprintf(l->first, sizeof(l->first), "%.120s", i->issuer);
}

void
doctor_issuers(const struct doctor *d, struct doctor_finding *f)
{
	struct issuers_looked	l = { 0 };

	if (d->barred)
		doctor_say(f, DOCTOR_OK, "not yours to ask about");
	else if (!d->running || issuers_each(d->ctl, false, look_at_issuer, &l) != 0)
		doctor_say(f, DOCTOR_OK, "none is asked: the gateway does not run");
	else if (l.bad > 0)
		doctor_say(f, DOCTOR_BAD, "%s%s: its keys cannot be fetched: mcpgwctl issuer list", l.first,
		    l.bad > 1 ? " and others" : "");
	else
		doctor_say(f, DOCTOR_OK, l.fetched == 0 ? "no keys have to be fetched" : "the keys of %u are there",
		    l.fetched);
}
