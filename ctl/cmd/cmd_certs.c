/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_certs.c - certs list, certs dev: the certificates of listeners with TLS
 *
 * Process: mcpgwctl.
 * Owns:    a key, until it is in its file; then it is wiped.
 * Trusts:  its own mcpgw-compile for the parameters.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/files/certfiles.h"
#include "ctl/files/settings.h"
#include "ctl/folders.h"
#include "ctl/opts.h"
#include "ctl/out.h"
#include "lib/cert_make.h"
#include "lib/fd.h"
#include "lib/log.h"

#define CA_DAYS		3650
#define OWN_DAYS	397		/* more, and some clients refuse it */
#define HOSTS_MAX	32
#define PEM_MAX		(64 * 1024)

/* ---- certs list ----------------------------------------------------------------------------------- */

static const char *const uses[] = {
	[CERTFILE_OWN] = "our own", [CERTFILE_AUTHORITY] = "issues clients'", [CERTFILE_LIST] = "revokes clients'",
};

struct listing {
	struct ctl		*ctl;
	struct out_table	*table;
	unsigned		 count, bad;
};

static void
list_one(const struct certfile *c, void *arg)
{
	struct listing	*l = arg;
	char		 left[32], ends[OUT_TIME];

	l->count++;
	l->bad += c->why != NULL || (c->cert.ends_ms != 0 && c->cert.ends_ms <= out_now_ms());
	if (l->ctl->json) {
		out_json_begin();
		out_json_text("file", span_of(c->file));
		out_json_text("use", span_of(uses[c->use]));
		out_json_text("subject", span_of(c->cert.subject));
		out_json_text("issuer", span_of(c->cert.issuer));
		out_json_words("names", span_of(c->names), " ");
		if (c->cert.ends_ms != 0)
			out_json_text("ends", span_of(out_utc_ms(c->cert.ends_ms, ends)));
		out_json_text("wrong", span_of(c->why == NULL ? "" : c->why));
		out_json_end();
		return;
	}
	out_cell(l->table, "%s", c->file);
	out_cell(l->table, "%s", uses[c->use]);
	out_cell(l->table, "%s", c->cert.ends_ms == 0 ? "-" : out_when_ms(c->cert.ends_ms, ends));
	out_cell(l->table, "%s", certfile_left(c->cert.ends_ms, left, sizeof(left)));
	out_cell(l->table, "%s", c->why != NULL ? c->why : c->names[0] != '\0' ? c->names :
	    c->cert.subject[0] != '\0' ? c->cert.subject : "-");
}

int
cmd_certs_list(struct ctl *ctl, int argc, char **argv)
{
	static const struct opt		none[] = { { NULL, NULL, NULL } };
	static const struct out_column	columns[] = {
		{ "FILE", false, true }, { "USE", false, true }, { "ENDS", false, true }, { "DAYS", true, true },
		{ "FOR", false, false },
	};
	struct listing			l = { .ctl = ctl };
	struct snap			*settings = NULL;
	struct params			 p;

	(void)opts_take(none, argc, argv, 0, 0);
	if (!settings_read(ctl, true, &settings) || params_load(settings, &p) != 0)
		return EX_CONFIG;
	if (!ctl->json)
		l.table = out_table_new(columns, sizeof(columns) / sizeof(columns[0]));
	certfiles_each(ctl, &p, list_one, &l);
	if (l.count > 0 && !ctl->json)
		out_table_end(&l.table);
	out_table_free(&l.table);
	if (l.count == 0)
		out_note(LOG_LEVEL_NOTICE, SPAN_LIT("there are no certificates; to try TLS: mcpgwctl certs dev"));
	snap_release(&settings);
	return out_end(l.bad > 0 ? 1 : 0);
}

/* ---- certs dev ------------------------------------------------------------------------------------ */

struct dev {
	const char	*folder;		/* of the configuration */
	char		 dir[PATH_MAX];		/* certs/ below it */
	char		 names[HOSTS_MAX * 300];	/* as subjectAltName has them */
	char		 shown[HOSTS_MAX * 300];
};

/* Appends one name; false: it is none. */
static bool
add_host(struct dev *d, const char *host)
{
	uint8_t		bytes[16];
	const bool	is_address = inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
	size_t		at = strlen(d->names), shown = strlen(d->shown), n = strlen(host);

	if (n == 0 || n > 253)
		return false;
	for (size_t i = 0; i < n && !is_address; i++)
		if (!isalnum((unsigned char)host[i]) && strchr("-.", host[i]) == NULL && !(i == 0 && host[0] == '*'))
			return false;
	snprintf(d->names + at, sizeof(d->names) - at, "%s%s:%s", at > 0 ? "," : "", is_address ? "IP" : "DNS", host);
	snprintf(d->shown + shown, sizeof(d->shown) - shown, "%s%s", shown > 0 ? ", " : "", host);
	return true;
}

/* Whole or not at all; what is there is replaced. */
static void
write_file(const struct dev *d, const char *name, const char *text, mode_t mode)
{
	char	new[PATH_MAX + 96], path[PATH_MAX + 80];
	int	fd;

	snprintf(path, sizeof(path), "%s/%s", d->dir, name);
	snprintf(new, sizeof(new), "%s.new", path);
	(void)unlink(new);
	if ((fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) == -1 ||
	    fd_write_all(fd, span_of(text)) != 0 || fchmod(fd, mode) == -1 || rename(new, path) == -1)
		fatal(EX_CANTCREAT, "%s: %s", path, strerror(errno));
	fd_close(&fd);
}

static bool
there(const struct dev *d, const char *name)
{
	char	path[PATH_MAX + 80];

	snprintf(path, sizeof(path), "%s/%s", d->dir, name);
	return access(path, F_OK) == 0;
}

static char *
read_file(const struct dev *d, const char *name)
{
	char	path[PATH_MAX + 80], *text = NULL;
	size_t	bytes;
	int	fd;

	snprintf(path, sizeof(path), "%s/%s", d->dir, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1 || fd_read_all(fd, PEM_MAX, &text, &bytes) != 0)
		fatal(EX_NOINPUT, "%s: %s", path, strerror(errno));
	fd_close(&fd);
	return text;
}

/* The one of before, so that who trusts it already has nothing to do. */
static void
authority(const struct dev *d, struct cert_pair *ca)
{
	int	r;

	if (there(d, "dev-ca.crt") && there(d, "dev-ca.key")) {
		ca->crt = read_file(d, "dev-ca.crt");
		ca->key = read_file(d, "dev-ca.key");
		return;
	}
	if ((r = cert_make(NULL, "mcpgw development", NULL, false, CA_DAYS, ca)) != 0)
		fatal(EX_SOFTWARE, "a key cannot be made: %s", err_text(r));
	write_file(d, "dev-ca.key", ca->key, 0600);
	write_file(d, "dev-ca.crt", ca->crt, 0644);
}

static void
dir_make(struct dev *d)
{
	snprintf(d->dir, sizeof(d->dir), "%.4000s/" CERTFILES_DIR, d->folder);
	if (mkdir(d->folder, 0755) == -1 && errno != EEXIST)
		fatal(EX_CANTCREAT, "%s: %s", d->folder, strerror(errno));
	if (mkdir(d->dir, 0755) == -1 && errno != EEXIST)
		fatal(EX_CANTCREAT, "%s: %s", d->dir, strerror(errno));
}

/* What to type so that it is served: the listeners that there are stay. */
static void
say_serve(struct ctl *ctl)
{
	struct snap	*settings = NULL;
	struct params	 p;
	struct span	 listen = SPAN_NONE;

	if (settings_read(ctl, false, &settings) && params_load(settings, &p) == 0)
		listen = p.listen;
	printf("To serve with it:\n  mcpgwctl conf -e 'tls_certificates=dev'");
	if (memmem(listen.p, listen.n, " tls", 4) == NULL)
		printf(" -e 'listen=%.*s%s127.0.0.1:8443 tls'", SPAN_FMT(listen), listen.n > 0 ? ", " : "");
	printf("\n  mcpgwctl %s\n", folders_running_pid(ctl) != 0 ? "reload" : "start");
	snap_release(&settings);
}

static void
say_dev(struct ctl *ctl, const struct dev *d)
{
	char	path[PATH_MAX + 80];

	snprintf(path, sizeof(path), "%s/dev-ca.crt", d->dir);
	if (ctl->json) {
		out_json_begin();
		out_json_text("certificate", SPAN_LIT("dev"));
		out_json_words("names", span_of(d->shown), ", ");
		out_json_u64("days", OWN_DAYS);
		out_json_text("authority", span_of(path));
		out_json_end();
		return;
	}
	printf("%s/dev.crt and dev.key: for %s, %d days\n", d->dir, d->shown, OWN_DAYS);
	printf("%s: who issued it; its key stands beside it, for no other use\n", path);
	say_serve(ctl);
	printf("Clients of this machine trust it by:\n"
	    "  NODE_EXTRA_CA_CERTS=%s\n  SSL_CERT_FILE=%s\n", path, path);
}

int
cmd_certs_dev(struct ctl *ctl, int argc, char **argv)
{
	static const char *const own[] = { "localhost", "127.0.0.1", "::1" };
	static struct dev	 d;
	bool			 force = false;
	const struct opt	 rows[] = { { "--force", NULL, &force }, { NULL, NULL, NULL } };
	struct cert_pair	 ca = { 0 }, made = { 0 };
	int			 n = opts_take(rows, argc, argv, 0, HOSTS_MAX - 3), r;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		(void)add_host(&d, own[i]);
	for (int i = 0; i < n; i++)
		if (!add_host(&d, argv[i]))
			fatal(EX_USAGE, "%s: no name of a host and no address", argv[i]);
	d.folder = folders_config(ctl);
	dir_make(&d);
	if (!force && (there(&d, "dev.crt") || there(&d, "dev.key")))
		fatal(EX_CANTCREAT, "%s/dev.crt is there already; --force puts a new one in its place", d.dir);
	authority(&d, &ca);
	if ((r = cert_make(&ca, "mcpgw development", d.names, false, OWN_DAYS, &made)) != 0)
		fatal(EX_DATAERR, "%s/dev-ca.crt and dev-ca.key are no authority (%s); remove them, and new ones are "
		    "made", d.dir, err_text(r));
	write_file(&d, "dev.key", made.key, 0600);
	write_file(&d, "dev.crt", made.crt, 0644);
	cert_pair_free(&ca);
	cert_pair_free(&made);
	say_dev(ctl, &d);
	return out_end(0);
}
