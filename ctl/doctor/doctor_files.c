/* SPDX-License-Identifier: Apache-2.0
 *
 * doctor_files.c - files of the configuration: can they be read, and do their certificates hold
 *
 * Process: mcpgwctl.  Owns: nothing beyond a call.  Trusts: nothing in the files.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/doctor/doctor.h"
#include "ctl/files/certfiles.h"
#include "ctl/folders.h"
#include "ctl/out.h"
#include "ipc/codec.h"
#include "lib/cert.h"
#include "lib/fd.h"
#include "policy/records.h"

#define PEM_BYTES	(4u << 20)
#define FEW		10		/* more certificates than that are a bundle, where some are always over */
#define GROUPS_MAX	64

/* --- reading ---------------------------------------------------------------------------------------- */

/* Whoever compiles: us, or the user that root starts it as. */
struct reader {
	bool	ours, outsider;
	char	name[64];
	uid_t	uid;
	gid_t	gids[GROUPS_MAX];
	int	gid_count;
};

static void
reader_find(const struct doctor *d, struct reader *r)
{
	const struct passwd	*pw = NULL;

	*r = (struct reader){ .ours = !d->ctl->where.system || geteuid() != 0, .outsider = d->outsider };
	if (r->ours)
		return;
	if ((pw = getpwnam(role_user(ROLE_COMPILE))) == NULL && (pw = getpwnam("nobody")) == NULL) {
		r->ours = true;
		return;
	}
	snprintf(r->name, sizeof(r->name), "%s", pw->pw_name);
	r->uid = pw->pw_uid;
	r->gid_count = GROUPS_MAX;
	if (getgrouplist(pw->pw_name, pw->pw_gid, r->gids, &r->gid_count) == -1)
		r->gid_count = GROUPS_MAX;
}

static bool
reader_may(const struct reader *r, const struct stat *st)
{
	if (r->uid == st->st_uid)
		return (st->st_mode & S_IRUSR) != 0;
	for (int i = 0; i < r->gid_count; i++)
		if (r->gids[i] == st->st_gid)
			return (st->st_mode & S_IRGRP) != 0;
	return (st->st_mode & S_IROTH) != 0;
}

/* Root's files need not be ours to read. */
static bool
is_root_s(const struct reader *r, const char *path, struct doctor_finding *f)
{
	if (!r->outsider || errno != EACCES)
		return false;
	doctor_say(f, DOCTOR_NOTE, "%s is not yours to read; look as root: mcpgwctl doctor", path);
	return true;
}

/* False: it cannot be read, and what to do was said. */
static bool
look_at(const struct reader *r, const char *path, struct doctor_finding *f)
{
	struct stat	st;

	if (access(path, R_OK) == -1) {
		if (errno == ENOENT)
			return true;
		if (is_root_s(r, path, f))
			return false;
		doctor_say(f, DOCTOR_BAD, "%s: %s; chmod u+r it, or make it yours: chown %u %s", path, strerror(errno),
		    geteuid(), path);
		return false;
	}
	if (r->ours || stat(path, &st) == -1 || reader_may(r, &st))
		return true;
	doctor_say(f, DOCTOR_BAD, "%s: %s, who reads it, may not; chgrp %s %s && chmod 640 %s", path, r->name,
	    r->name, path, path);
	return false;
}

static bool
look_in(const struct reader *r, const char *folder, struct doctor_finding *f)
{
	char		 path[PATH_MAX];
	struct dirent	*e;
	bool		 good = true;
	DIR		*dir;

	if ((dir = opendir(folder)) == NULL) {
		if (errno == ENOENT)
			return true;
		if (is_root_s(r, folder, f))
			return false;
		doctor_say(f, DOCTOR_BAD, "%s: %s; chmod u+rx it", folder, strerror(errno));
		return false;
	}
	while (good && (e = readdir(dir)) != NULL) {
		const char	*dot = strrchr(e->d_name, '.');

		if (e->d_name[0] == '.' || dot == NULL || (strcmp(dot, ".conf") != 0 && strcmp(dot, ".json") != 0 &&
		    strcmp(dot, ".yaml") != 0 && strcmp(dot, ".yml") != 0))
			continue;
		snprintf(path, sizeof(path), "%.3000s/%s", folder, e->d_name);
		good = look_at(r, path, f);
	}
	closedir(dir);
	return good;
}

void
doctor_files(const struct doctor *d, struct doctor_finding *f)
{
	static const char *const	folders[] = { "", "/mcpgw.conf.d", "/tools.d" };
	const struct span		named[] = {
		d->params == NULL ? SPAN_NONE : d->params->servers_file,
		d->params == NULL ? SPAN_NONE : d->params->rules_file,
	};
	struct reader			r;
	char				path[PATH_MAX];

	reader_find(d, &r);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%.4000s%s", folders_config(d->ctl), folders[i]);
		if (!look_in(&r, path, f))
			return;
	}
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		snprintf(path, sizeof(path), "%.*s", SPAN_FMT(named[i]));
		if (path[0] == '/' && !look_at(&r, path, f))
			return;
	}
	doctor_say(f, DOCTOR_OK, r.ours ? "can be read" : "can be read by user %s", r.name);
}

/* --- certificates ------------------------------------------------------------------------------------- */

struct validity {
	uint64_t	now_ms;
	unsigned	count, over, early, soon;
	struct cert	worst;		/* the first that is over or early, else the first that ends soon */
};

static int
see_cert(struct span der, uint32_t subject, void *arg)
{
	struct validity	*v = arg;
	struct cert	 c;
	bool		 over, early, soon;

	(void)subject;
	if (cert_read(der, &c) != 0)
		return E_FORMAT;
	over = c.ends_ms <= v->now_ms;
	early = c.begins_ms > v->now_ms;
	soon = !over && c.ends_ms <= v->now_ms + CERTFILES_SOON_MS;
	if (((over || early) && v->over + v->early == 0) || (soon && v->over + v->early + v->soon == 0))
		v->worst = c;
	v->count++;
	v->over += over;
	v->early += early;
	v->soon += soon;
	return 0;
}

/* False: something was said of it. */
static bool
look_at_pem(struct span file, const char *named, unsigned *count, struct doctor_finding *f)
{
	struct validity	 v = { .now_ms = out_now_ms() };
	char		 path[PATH_MAX], when[OUT_TIME], *text = NULL;
	const char	*why = NULL;
	size_t		 bytes = 0;
	int		 fd, r;

	snprintf(path, sizeof(path), "%.*s", SPAN_FMT(file));
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1 ||
	    fd_read_all(fd, PEM_BYTES, &text, &bytes) != 0) {
		doctor_say(f, DOCTOR_BAD, "%s (%s): %s; name a file of certificates that can be read", path, named,
		    strerror(errno));
		fd_close(&fd);
		return false;
	}
	fd_close(&fd);
	r = cert_each(span_make(text, bytes), see_cert, &v, &why);
	free(text);
	*count += v.count;
	if (r != 0)
		doctor_say(f, DOCTOR_BAD, "%s (%s): %s; it must be PEM", path, named, why != NULL ? why : err_text(r));
	else if ((v.count <= FEW && v.over > 0) || v.over == v.count)
		doctor_say(f, DOCTOR_BAD, "%s (%s): the certificate of %s ended %s; put a new one in its place", path,
		    named, v.worst.subject, out_when_ms(v.worst.ends_ms, when));
	else if (v.count <= FEW && v.early > 0)
		doctor_say(f, DOCTOR_BAD, "%s (%s): the certificate of %s begins %s; is the clock right?", path, named,
		    v.worst.subject, out_when_ms(v.worst.begins_ms, when));
	else if (v.count <= FEW && v.soon > 0)
		doctor_say(f, DOCTOR_NOTE, "%s (%s): the certificate of %s ends %s; renew it", path, named,
		    v.worst.subject, out_when_ms(v.worst.ends_ms, when));
	else
		return true;
	return false;
}

/* Parameters and members that name a file of certificates. */
static bool
names_certificates(struct span name)
{
	static const char *const	names[] = {
		"ca", "ca_file", "cert", "cert_file", "certificate", "client_cert",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_is(name, names[i]))
			return true;
	return (name.n > 8 && memcmp(name.p + name.n - 8, "_ca_file", 8) == 0) ||
	    (name.n > 5 && memcmp(name.p + name.n - 5, "_cert", 5) == 0);
}

static bool
look_at_members(const struct conf_node *n, unsigned *count, struct doctor_finding *f)
{
	char	name[160];

	for (const struct conf_node *m = n == NULL ? NULL : n->first; m != NULL; m = m->next) {
		if (m->type == JSON_OBJECT && !look_at_members(m, count, f))
			return false;
		if (m->type != JSON_STRING || m->text.n == 0 || m->text.p[0] != '/' || !names_certificates(m->key))
			continue;
		snprintf(name, sizeof(name), "%.*s of %.*s", SPAN_FMT(m->key), SPAN_FMT(n->key));
		if (!look_at_pem(m->text, name, count, f))
			return false;
	}
	return true;
}

struct own_look {
	struct doctor_finding	*f;
	unsigned		 count;
	bool			 said;
	uint64_t		 first_ms;	/* the first of our own to end */
};

/* Of listeners with TLS, and of their clients. */
static void
look_at_file(const struct certfile *c, void *arg)
{
	struct own_look	*l = arg;
	const uint64_t	 now = out_now_ms(), ends = c->cert.ends_ms;
	char		 when[OUT_TIME];

	if (l->said)
		return;
	l->count++;
	l->said = true;
	if (c->why != NULL)
		doctor_say(l->f, DOCTOR_BAD, CERTFILES_DIR "/%s: %s", c->file, c->why);
	else if (ends != 0 && ends <= now && c->use == CERTFILE_LIST)
		doctor_say(l->f, DOCTOR_BAD, CERTFILES_DIR "/%s: should have been replaced by %s, so no client's "
		    "certificate counts; fetch a new one, then mcpgwctl reload", c->file, out_when_ms(ends, when));
	else if (ends != 0 && ends <= now)
		doctor_say(l->f, DOCTOR_BAD, CERTFILES_DIR "/%s: the certificate of %s ended %s; put a new one in its "
		    "place, then mcpgwctl reload", c->file, c->cert.subject, out_when_ms(ends, when));
	else if (ends != 0 && ends <= now + CERTFILES_SOON_MS)
		doctor_say(l->f, DOCTOR_NOTE, CERTFILES_DIR "/%s: %llu days left, until %s; renew it", c->file,
		    (unsigned long long)((ends - now) / (24 * 3600 * 1000)), out_when_ms(ends, when));
	else
		l->said = false;
	if (c->use == CERTFILE_OWN && (l->first_ms == 0 || ends < l->first_ms))
		l->first_ms = ends;
}

static bool
look_at_own(const struct doctor *d, unsigned *count, struct doctor_finding *f)
{
	struct own_look	l = { .f = f };

	if (d->params != NULL)
		certfiles_each(d->ctl, d->params, look_at_file, &l);
	*count += l.count;
	if (!l.said && l.first_ms != 0) {
		doctor_say(f, DOCTOR_OK, "%u hold; %llu days left to the first of listeners'", *count,
		    (unsigned long long)((l.first_ms - out_now_ms()) / (24 * 3600 * 1000)));
		l.said = true;
	}
	return !l.said;
}

void
doctor_certificates(const struct doctor *d, struct doctor_finding *f)
{
	const struct {
		const char	*name;
		struct span	 value;
	} named[] = {
#define TEXT_OF_path(name)	{ #name, d->params == NULL ? SPAN_NONE : d->params->name },
#define TEXT_OF_text(name)	TEXT_OF_path(name)
#define TEXT_OF_word(name)
#define TEXT_OF_flag(name)
#define TEXT_OF_size(name)
#define TEXT_OF_num(name)
#define TEXT_OF_msec(name)
#define PARAM(name, type, ...)	TEXT_OF_##type(name)
#include "tables/params.def"
#undef PARAM
		{ "", SPAN_NONE },
	};
	unsigned	count = 0, trusted = 0;

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (named[i].value.n > 0 && named[i].value.p[0] == '/' && names_certificates(span_of(named[i].name)) &&
		    !look_at_pem(named[i].value, named[i].name, &trusted, f))
			return;
	if (!look_at_members(d->servers == NULL ? NULL : conf_top(d->servers), &count, f))
		return;
	if (!look_at_own(d, &count, f))
		return;
	if (count == 0 && trusted == 0)
		doctor_say(f, DOCTOR_OK, "none are named");
	else if (count == 0)
		doctor_say(f, DOCTOR_OK, "none of the gateway's own are named; servers' are believed by %u authorities",
		    trusted);
	else
		doctor_say(f, DOCTOR_OK, "%u hold", count);
}
