/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_bundle.c - one archive of what helps somebody else to find a fault; asks nothing, holds no secret
 *
 * Process: mcpgwctl.
 * Owns:    the texts, until they are written.
 * Trusts:  no text to be free of secrets: all of them pass ctl/files/strike.c, when all values are known.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "ctl/files/settings.h"
#include "ctl/files/strike.h"
#include "ctl/files/tar.h"
#include "ctl/folders.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "ctl/show/status.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"
#include "policy/params.h"

#define PARTS_MAX	512
#define FILE_BYTES	(4u << 20)	/* of the configuration */
#define SAID_BYTES	(8u << 20)	/* of one command */
#define COMMAND_S	60
#define SERVERS_MAX	200
#define LOG_LINES	"2000"
#define AUDIT_RECORDS	"200"

extern char	**environ;

struct part {
	char		name[TAR_NAME_MAX + 1];
	struct buf	text;
};

struct bundle {
	struct ctl	*ctl;
	bool		 no_identities, talks;	/* to somebody who waits */
	struct strike	 strike;
	struct part	*parts;
	size_t		 count;
};

/* --- parts ---------------------------------------------------------------------------------------- */

static struct part *
part_new(struct bundle *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static struct part *
part_new(struct bundle *b, const char *fmt, ...)
{
	struct part	*p;
	va_list		 ap;

	if (b->count == PARTS_MAX)
		fatal(EX_OSERR, "more than %d files; nothing is written", PARTS_MAX);
	p = &b->parts[b->count++];
	va_start(ap, fmt);
	vsnprintf(p->name, sizeof(p->name), fmt, ap);
	va_end(ap);
	/* A name of the configuration's does not lead out of the archive's folder. */
	for (char *c = p->name; *c != '\0'; c++)
		if ((unsigned char)*c < 0x21 || *c == 0x7f || (c[0] == '.' && c[1] == '.'))
			*c = '_';
	buf_init(&p->text, 2 * SAID_BYTES);
	return p;
}

static void
check(int r)
{
	if (r != 0)
		fatal(EX_OSERR, "%s; nothing is written", err_text(r));
}

/* What one of our own commands says, on both streams; it does not get longer than COMMAND_S. */
static void
part_command(struct bundle *b, const char *name, const char *const *words)
{
	struct part	*p = part_new(b, "%s", name);
	const char	*argv[CTL_SETTINGS_MAX * 2 + 24] = { "mcpgwctl" };
	size_t		 n = 1;
	int		 out[2];
	char		*room;
	ssize_t		 got;
	pid_t		 pid;

	argv[n++] = b->ctl->where.system ? "--system" : "--user";
	argv[n++] = "-c";
	argv[n++] = folders_config(b->ctl);
	for (size_t i = 0; i < b->ctl->setting_count; i++) {
		argv[n++] = "-o";
		argv[n++] = b->ctl->settings[i];
	}
	for (; *words != NULL; words++)
		argv[n++] = *words;
	argv[n] = NULL;
	if (b->talks)
		fprintf(stderr, "  %s\n", name);
	if (pipe2(out, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		fatal(EX_OSERR, "%s", strerror(errno));
	if (pid == 0) {
		if (dup2(out[1], STDOUT_FILENO) == -1 || dup2(out[1], STDERR_FILENO) == -1)
			_exit(EX_OSERR);
		alarm(COMMAND_S);
		execv("/proc/self/exe", (char *const *)argv);
		_exit(EX_UNAVAILABLE);
	}
	fd_close(&out[1]);
	while (p->text.used < SAID_BYTES && buf_reserve(&p->text, 65536, &room) == 0 &&
	    (got = read(out[0], room, 65536)) != 0)
		if (got > 0)
			buf_commit(&p->text, (size_t)got);
		else if (errno != EINTR)
			break;
	fd_close(&out[0]);
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
}

/* --- the configuration ------------------------------------------------------------------------------ */

static bool
ends_with(const char *name, const char *with)
{
	const size_t	n = strlen(name), m = strlen(with);

	return n >= m && strcmp(name + n - m, with) == 0;
}

static void
part_file(struct bundle *b, const char *name, const char *path)
{
	int		 fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r;
	const bool	 json = ends_with(path, ".json"), yaml = ends_with(path, ".yaml") || ends_with(path, ".yml");
	struct part	*p;
	struct span	 span;
	char		*text = NULL;
	size_t		 bytes;

	if (fd == -1 && errno == ENOENT)
		return;
	p = part_new(b, "config/%s", name);
	r = fd == -1 ? E_SYS : fd_read_all(fd, FILE_BYTES, &text, &bytes);
	if (r == 0) {
		span = span_make(text, bytes);
		r = json ? strike_json(&b->strike, span, &p->text) : strike_lines(&b->strike, span, yaml, &p->text);
	}
	if (r == E_NOMEM)
		check(r);
	if (r != 0) {
		buf_clear(&p->text);
		check(buf_put_fmt(&p->text, "Left out: %s.\n", fd == -1 ? strerror(errno) : r == E_FORMAT ?
		    "it is not understood, so what in it is secret is not known" : err_text(r)));
	}
	free(text);
	fd_close(&fd);
}

static bool
is_configuration(const char *name)
{
	return name[0] != '.' && (ends_with(name, ".conf") || ends_with(name, ".json") || ends_with(name, ".yaml") ||
	    ends_with(name, ".yml"));
}

static void
part_folder(struct bundle *b, const char *folder)
{
	char		 path[PATH_MAX], name[PATH_MAX];
	struct dirent	*e;
	DIR		*dir;

	snprintf(path, sizeof(path), "%.2000s/%s", folders_config(b->ctl), folder);
	if ((dir = opendir(path)) == NULL)
		return;
	while ((e = readdir(dir)) != NULL) {
		if (!is_configuration(e->d_name))
			continue;
		snprintf(name, sizeof(name), "%s%s%s", folder, folder[0] == '\0' ? "" : "/", e->d_name);
		snprintf(path, sizeof(path), "%.2000s/%.600s", folders_config(b->ctl), name);
		part_file(b, name, path);
	}
	closedir(dir);
}

/* Files that the parameters name may lie elsewhere. */
static void
part_named(struct bundle *b, struct span file, const char *name)
{
	char	path[PATH_MAX];

	if (file.n == 0 || file.p[0] != '/' || file.n >= sizeof(path) ||
	    span_starts(file, span_of(folders_config(b->ctl))))
		return;
	snprintf(path, sizeof(path), "%.*s", SPAN_FMT(file));
	part_file(b, name, path);
}

static void
parts_configuration(struct bundle *b)
{
	struct snap	*settings = NULL;
	struct params	 params;

	part_folder(b, "");
	part_folder(b, "mcpgw.conf.d");
	part_folder(b, "tools.d");
	if (settings_read(b->ctl, true, &settings) && params_load(settings, &params) == 0) {
		part_named(b, params.servers_file, "elsewhere-servers.json");
		part_named(b, params.rules_file, "elsewhere-rules.json");
	}
	snap_release(&settings);
}

/* --- secrets that are known -------------------------------------------------------------------------- */

static void
note_lines(struct strike *s, struct span text)
{
	const char	*lf;

	strike_value(s, text);
	while (text.n > 0) {
		lf = memchr(text.p, '\n', text.n);
		strike_value(s, span_part(text, 0, lf == NULL ? text.n : (size_t)(lf - text.p)));
		text = lf == NULL ? SPAN_NONE : span_part(text, (size_t)(lf - text.p) + 1, text.n);
	}
}

static void
note_secrets(struct bundle *b)
{
	char		 path[PATH_MAX], *text;
	struct dirent	*e;
	size_t		 bytes;
	DIR		*dir;
	int		 fd;

	snprintf(path, sizeof(path), "%.4000s/secrets", folders_config(b->ctl));
	if ((dir = opendir(path)) == NULL)
		return;
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.' ||
		    (fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
			continue;
		if (fd_read_all(fd, FILE_BYTES, &text, &bytes) == 0) {
			note_lines(&b->strike, span_make(text, bytes));
			explicit_bzero(text, bytes);
			free(text);
		}
		fd_close(&fd);
	}
	closedir(dir);
}

static void
note_environment(struct bundle *b)
{
	for (char **e = environ; *e != NULL; e++) {
		const char	*eq = strchr(*e, '=');

		if (eq != NULL && strike_is_secret_name(span_make(*e, (size_t)(eq - *e))))
			strike_value(&b->strike, span_of(eq + 1));
	}
}

/* --- what the commands say --------------------------------------------------------------------------- */

#define WORDS(...) (const char *const[]){ __VA_ARGS__, NULL }

static void
parts_logs(struct bundle *b)
{
	struct server_row	row;
	struct status		s;
	char			name[TAR_NAME_MAX + 1], server[256];

	if (status_gather(b->ctl, false, &s) == 0)
		for (uint64_t i = 0; i < SERVERS_MAX && server_row_at(&s, i, &row); i++) {
			if (row.rec->kind == SERVER_HTTP || row.heard == NULL || row.name.n >= sizeof(server))
				continue;
			snprintf(server, sizeof(server), "%.*s", SPAN_FMT(row.name));
			snprintf(name, sizeof(name), "logs/%.80s.txt", server);
			part_command(b, name, WORDS("logs", "-n", LOG_LINES, "--", server));
		}
	status_free(&s);
}

static bool
is_identity(struct span key)
{
	static const char *const	names[] = { "agent", "principal", "tenant", "client", "how" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_is(key, names[i]))
			return true;
	return false;
}

/* The records without who; what is no record is left out. */
static void
drop_identities(struct part *p)
{
	struct span		 all = buf_rest(&p->text), key, line;
	struct json_value	 row, v;
	struct json_iter	 it;
	struct buf		 kept;
	const char		*lf;

	buf_init(&kept, 2 * SAID_BYTES);
	for (; all.n > 0 && (lf = memchr(all.p, '\n', all.n)) != NULL; all = span_part(all, line.n + 1, all.n)) {
		bool	first = true;

		line = span_part(all, 0, (size_t)(lf - all.p));
		if (json_parse(line, false, &row, NULL) != 0 || row.type != JSON_OBJECT)
			continue;
		check(buf_put_str(&kept, "{"));
		json_iter_init(&it, row);
		while (json_iter_next(&it, &key, &v)) {
			if (is_identity(key))
				continue;
			check(buf_put_fmt(&kept, "%s\"%.*s\":%.*s", first ? "" : ",", SPAN_FMT(key), SPAN_FMT(v.raw)));
			first = false;
		}
		check(buf_put_str(&kept, "}\n"));
	}
	buf_fini(&p->text);
	p->text = kept;
}

static void
parts_commands(struct bundle *b)
{
	part_command(b, "doctor.txt", WORDS("doctor"));
	part_command(b, "check.txt", WORDS("check"));
	part_command(b, "conf.txt", WORDS("conf"));
	part_command(b, "status.txt", WORDS("status"));
	part_command(b, "status.json", WORDS("--json", "status"));
	part_command(b, "gateway.txt", WORDS("status", "mcpgw"));
	part_command(b, "servers.txt", WORDS("server", "list"));
	parts_logs(b);
	if (!b->no_identities) {
		part_command(b, "calls.txt", WORDS("ps"));
		part_command(b, "limits.txt", WORDS("limit", "show"));
	}
	part_command(b, "audit.json", WORDS("--json", "audit", "tail", "-n", AUDIT_RECORDS));
	if (b->no_identities)
		drop_identities(&b->parts[b->count - 1]);
	part_command(b, "audit-verify.txt", WORDS("audit", "verify"));
}

static void
part_about(struct bundle *b)
{
	struct part	*p = part_new(b, "about.txt");
	struct utsname	 u;
	char		 now[OUT_TIME];

	if (uname(&u) == -1)
		memset(&u, 0, sizeof(u));
	check(buf_put_fmt(&p->text, "mcpgw %s\n%s %s %s\n%s\nmade %s as uid %u\n\n"
	    "Values of secrets, and what looks like one, stand here as %s.\n%s", MCPGW_VERSION, u.sysname, u.release,
	    u.machine, u.version, out_utc_ms(out_now_ms(), now), geteuid(), STRUCK,
	    b->no_identities ? "Who called is left out of the audit.\n" : ""));
	part_file(b, "os-release.conf", "/etc/os-release");
}

/* --- writing ----------------------------------------------------------------------------------------- */

static void
write_all(struct bundle *b, const char *path)
{
	const uint64_t	now = out_now_ms();
	struct buf	text;
	char		name[TAR_NAME_MAX + 32];
	int		fd, r = 0;

	if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)) == -1)
		fatal(EX_CANTCREAT, "%s: %s; choose another: --output FILE", path, strerror(errno));
	for (size_t i = 0; i < b->count && r == 0; i++) {
		buf_init(&text, 4 * SAID_BYTES);
		if ((r = strike_text(&b->strike, buf_rest(&b->parts[i].text), &text)) == 0) {
			snprintf(name, sizeof(name), "mcpgw-bundle/%.*s", TAR_NAME_MAX - 13, b->parts[i].name);
			r = tar_put(fd, name, buf_rest(&text), now);
		}
		buf_fini(&text);
	}
	if (r == 0)
		r = tar_end(fd);
	if (r != 0 || fsync(fd) == -1) {
		(void)unlink(path);
		fatal(EX_IOERR, "%s: %s", path, r == 0 || r == E_SYS ? strerror(errno) : err_text(r));
	}
	fd_close(&fd);
}

int
cmd_bundle(struct ctl *ctl, int argc, char **argv)
{
	const char	*output = NULL;
	char		 usual[64];
	struct bundle	 b = { .ctl = ctl };
	const struct opt rows[] = { { "--output", &output, NULL }, { "--no-identities", NULL, &b.no_identities },
	    { NULL, NULL, NULL } };
	time_t		 now = time(NULL);
	struct tm	 tm;

	(void)opts_take(rows, argc, argv, 0, 0);
	gmtime_r(&now, &tm);
	strftime(usual, sizeof(usual), "mcpgw-bundle-%Y%m%d-%H%M%S.tar", &tm);
	if (output == NULL)
		output = usual;
	if (access(output, F_OK) == 0)
		fatal(EX_CANTCREAT, "%s: is there already; choose another: --output FILE", output);
	if ((b.parts = calloc(PARTS_MAX, sizeof(*b.parts))) == NULL)
		fatal(EX_OSERR, "out of memory");
	b.talks = isatty(STDERR_FILENO) && !ctl->json;
	note_secrets(&b);
	note_environment(&b);
	part_about(&b);
	parts_configuration(&b);
	parts_commands(&b);
	write_all(&b, output);
	if (ctl->json) {
		out_json_begin();
		out_json_text("file", span_of(output));
		out_json_u64("files", b.count);
		out_json_end();
	} else {
		printf("%s\n", output);
		fprintf(stderr, "%zu files, secrets struck out; look it over before you send it: tar tvf %s\n", b.count,
		    output);
	}
	for (size_t i = 0; i < b.count; i++)
		buf_fini(&b.parts[i].text);
	free(b.parts);
	strike_free(&b.strike);
	return out_end(0);
}
