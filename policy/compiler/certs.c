/* SPDX-License-Identifier: Apache-2.0
 *
 * certs.c - TLS of the gateway's own: CERT, CHAIN, CERTNAME and TRUST, and keys among the workers' secrets
 *
 * Process: mcpgw-compile.  Owns: nothing beyond a call; keys are cleared.
 * Trusts:  the operator's files.
 *
 * A certificate that has ended, and a list that is too old, are warnings: who refuses is whoever should believe the
 * one, and the workers by the other.  To refuse the configuration for them would mean that nothing of it could be
 * changed any more, a rule that takes a right away included, because of a date.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/cert.h"
#include "policy/compiler/certs.h"
#include "policy/compiler/expand.h"
#include "policy/compiler/files.h"
#include "policy/compiler/secrets.h"
#include "policy/compiler/values.h"
#include "policy/listens.h"

#define FILE_MAX	(1024 * 1024)
#define CERTS_MAX	64
#define CHAIN_MAX	10
#define TRUST_MAX	256

struct reading {
	struct job	*j;
	enum param_id	 id;		/* the parameter that names it */
	uint64_t	 now_ms;
	struct rec_cert	 rec;
	struct span	 leaf;
	size_t		 count;
};

static uint64_t
wall_ms(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static const char *
day_of(struct job *j, uint64_t ms)
{
	time_t		s = (time_t)(ms / 1000);
	struct tm	tm;
	char		text[32];

	strftime(text, sizeof(text), "%Y-%m-%d", gmtime_r(&s, &tm));
	return job_fmt(j, "%s", text);
}

static void
setting_warn(struct job *j, enum param_id id, const char *text)
{
	const struct setting	*set = &j->settings[id];

	job_note(j, NOTE_WARNING, set->file, set->line, set->column, param_row(id)->name, "%s", text);
}

/* certs/NAME with this ending, malloc'ed; false after saying why there is none. */
static bool
cert_file(struct reading *rd, struct span name, const char *ending, char **text, size_t *bytes)
{
	struct job	*j = rd->j;
	const char	*file = job_fmt(j, "%.*s.%s", SPAN_FMT(name), ending), *why = "";
	const bool	 is_key = strcmp(ending, "key") == 0;
	int		 fd;

	*text = NULL;
	if ((fd = j->cert_open(file, &why, j->secret_arg)) != -1 &&
	    file_read_fd(fd, FILE_MAX, text, bytes, &why) == 0)
		return true;
	/* A check by somebody else than the gateway's owner cannot read keys. */
	if (is_key && !j->secrets_needed && fd == -1 && strcmp(why, strerror(EACCES)) == 0)
		setting_warn(j, rd->id, job_fmt(j, "certs/%s: %s; its key was not looked at", file, why));
	else
		setting_error(j, rd->id, "certs/%s: %s", file, why);
	return false;
}

/* ---- the gateway's own ------------------------------------------------------------------------- */

static int
on_chain(struct span der, uint32_t subject, void *arg)
{
	struct reading		*rd = arg;
	struct rec_chain	 c = { put_text(rd->j->policy, der) };

	(void)subject;
	if (rd->rec.chain_count == CHAIN_MAX)
		return E_FULL;
	if (rd->rec.chain_count++ == 0)
		rd->leaf = job_dup(rd->j, der);
	put_record(rd->j->policy, SECTION_CHAIN, &c);
	return 0;
}

static int
put_names(struct reading *rd)
{
	struct cert_names	*names;
	struct cert_san		 san;
	int			 r;

	if ((r = cert_names_new(rd->leaf, &names)) != 0)
		return r;
	rd->rec.name_first = (uint32_t)build_count(rd->j->policy, SECTION_CERTNAME);
	for (size_t i = 0; cert_names_at(names, i, &san); i++) {
		struct rec_certname n = { .text = put_text(rd->j->policy, san.text), .kind = san.kind };

		if (san.kind != CERT_SAN_DNS && san.kind != CERT_SAN_IP)
			continue;
		put_record(rd->j->policy, SECTION_CERTNAME, &n);
		rd->rec.name_count++;
	}
	cert_names_free(&names);
	return 0;
}

static bool
read_chain(struct reading *rd, struct span name)
{
	const char	*why = NULL;
	struct cert	 c;
	char		*text;
	size_t		 bytes;
	int		 r;

	rd->rec.chain_first = (uint32_t)build_count(rd->j->policy, SECTION_CHAIN);
	if (!cert_file(rd, name, "crt", &text, &bytes))
		return false;
	r = cert_each(span_make(text, bytes), on_chain, rd, &why);
	free(text);
	if (r == 0 && ((r = cert_read(rd->leaf, &c)) != 0 || (r = put_names(rd)) != 0))
		why = "holds a certificate that is malformed";
	if (r != 0) {
		setting_error(rd->j, rd->id, "certs/%.*s.crt: %s", SHOWN(name), r == E_FULL ?
		    "holds more certificates than a chain has; its own and those that lead to its issuer are wanted" :
		    why != NULL ? why : err_text(r));
		return false;
	}
	rd->rec.begins_ms = c.begins_ms;
	rd->rec.ends_ms = c.ends_ms;
	if (c.ends_ms <= rd->now_ms)
		setting_warn(rd->j, rd->id, job_fmt(rd->j, "certs/%.*s.crt: ended %s, so clients will not believe it; "
		    "put a new one in its place", SHOWN(name), day_of(rd->j, c.ends_ms)));
	else if (c.begins_ms > rd->now_ms)
		setting_warn(rd->j, rd->id, job_fmt(rd->j, "certs/%.*s.crt: begins %s; is the clock right?",
		    SHOWN(name), day_of(rd->j, c.begins_ms)));
	if (rd->rec.name_count == 0)
		setting_warn(rd->j, rd->id, job_fmt(rd->j, "certs/%.*s.crt: names no host (subjectAltName), so "
		    "clients will not believe it", SHOWN(name)));
	return true;
}

static void
read_key(struct reading *rd, struct span name)
{
	const char	*why = NULL;
	char		*text, *key = NULL;
	size_t		 bytes, key_bytes = 0;
	int		 r;

	if (!cert_file(rd, name, "key", &text, &bytes))
		return;
	if ((r = cert_key(span_make(text, bytes), rd->leaf, &key, &key_bytes, &why)) == 0)
		secret_put(rd->j, rd->j->worker_secrets, SPAN_LIT(SECRET_OF_TLS), name,
		    span_make(key, key_bytes));
	else
		setting_error(rd->j, rd->id, "certs/%.*s.key: %s", SHOWN(name), why != NULL ? why : err_text(r));
	explicit_bzero(text, bytes);
	free(text);
	if (key != NULL)
		explicit_bzero(key, key_bytes);
	free(key);
}

static bool
is_named(const struct job *j, struct span name)
{
	const struct rec_cert	*c;

	for (uint64_t i = 0; (c = build_at(j->policy, SECTION_CERT, i)) != NULL; i++)
		if (span_eq(build_text_at(j->policy, c->name), name))
			return true;
	return false;
}

static void
read_own(struct job *j, uint64_t now_ms)
{
	struct span	list = job_value(j, PARAM_ID_tls_certificates), name;

	while ((name = span_word(&list)).n > 0) {
		struct reading	rd = { .j = j, .id = PARAM_ID_tls_certificates, .now_ms = now_ms };

		if (!name_ok(name) || name.n > 60) {
			setting_error(j, rd.id, "\"%.*s\": want names of files in certs/, without .crt", SHOWN(name));
			continue;
		}
		if (build_count(j->policy, SECTION_CERT) == CERTS_MAX || is_named(j, name)) {
			setting_error(j, rd.id, "\"%.*s\": %s", SHOWN(name), is_named(j, name) ? "named twice" :
			    "more than 64 certificates");
			return;
		}
		if (!read_chain(&rd, name))
			continue;
		rd.rec.name = put_text(j->policy, name);
		put_record(j->policy, SECTION_CERT, &rd.rec);
		read_key(&rd, name);
	}
}

/* ---- clients' ---------------------------------------------------------------------------------- */

static int
on_authority(struct span der, uint32_t subject, void *arg)
{
	struct reading		*rd = arg;
	struct rec_trust	 t = { .der = put_text(rd->j->policy, der) };
	struct cert		 c;

	(void)subject;
	if (rd->count++ == TRUST_MAX)
		return E_FULL;
	if (cert_read(der, &c) != 0)
		return E_FORMAT;
	t.subject = put_text(rd->j->policy, span_of(c.subject));
	t.ends_ms = c.ends_ms;
	put_record(rd->j->policy, SECTION_TRUST, &t);
	return 0;
}

static int
on_list(struct span der, uint64_t next_ms, void *arg)
{
	struct reading		*rd = arg;
	struct rec_trust	 t = { .der = put_text(rd->j->policy, der), .is_crl = 1, .ends_ms = next_ms };

	if (rd->count++ == TRUST_MAX)
		return E_FULL;
	put_record(rd->j->policy, SECTION_TRUST, &t);
	if (next_ms != 0 && next_ms <= rd->now_ms)
		setting_warn(rd->j, rd->id, job_fmt(rd->j, "a list that should have been replaced by %s, so no "
		    "client's certificate counts; fetch a new one", day_of(rd->j, next_ms)));
	return 0;
}

static void
read_trust(struct job *j, enum param_id id, const char *ending, uint64_t now_ms)
{
	struct reading	 rd = { .j = j, .id = id, .now_ms = now_ms };
	struct span	 name = job_value(j, id);
	const char	*why = NULL;
	char		*text;
	size_t		 bytes;
	int		 r;

	if (name.n == 0)
		return;
	if (!name_ok(name) || name.n > 60) {
		setting_error(j, id, "\"%.*s\": want the name of a file in certs/, without .%s", SHOWN(name), ending);
		return;
	}
	if (!cert_file(&rd, name, ending, &text, &bytes))
		return;
	r = id == PARAM_ID_tls_client_ca ? cert_each(span_make(text, bytes), on_authority, &rd, &why) :
	    crl_each(span_make(text, bytes), on_list, &rd, &why);
	free(text);
	if (r != 0)
		setting_error(j, id, "certs/%.*s.%s: %s", SHOWN(name), ending, r == E_FULL ? "holds more than 256" :
		    why != NULL ? why : err_text(r));
}

/* ---- what listeners need ----------------------------------------------------------------------- */

static void
listeners_check(struct job *j)
{
	struct span		list = job_value(j, PARAM_ID_listen);
	struct listens_entry	e;
	bool			tls = false, asks = false;

	while (listens_next(&list, &e)) {
		tls |= e.tls;
		asks |= e.client != LISTENS_CLIENT_NONE;
	}
	if (tls && span_trim(job_value(j, PARAM_ID_tls_certificates)).n == 0)
		setting_error(j, PARAM_ID_listen, "tls needs a certificate: tls_certificates = NAME; mcpgwctl certs "
		    "dev makes one for this machine");
	if (asks && job_value(j, PARAM_ID_tls_client_ca).n == 0)
		setting_error(j, PARAM_ID_listen, "client= needs whom clients' certificates must lead to: "
		    "tls_client_ca");
	if (job_value(j, PARAM_ID_tls_client_crl).n > 0 && job_value(j, PARAM_ID_tls_client_ca).n == 0)
		setting_error(j, PARAM_ID_tls_client_crl, "says who is revoked, but tls_client_ca says nobody "
		    "who issues");
}

void
certs_read(struct job *j)
{
	const uint64_t	now_ms = wall_ms();

	if (j->settings[PARAM_ID_listen].wrong)
		return;
	listeners_check(j);
	read_own(j, now_ms);
	read_trust(j, PARAM_ID_tls_client_ca, "crt", now_ms);
	read_trust(j, PARAM_ID_tls_client_crl, "crl", now_ms);
}
