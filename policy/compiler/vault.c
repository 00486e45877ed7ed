/* SPDX-License-Identifier: Apache-2.0
 *
 * vault.c - ${vault:MOUNT/PATH#FIELD}: what is wanted of a vault, and what mcpgw-scout found there
 *
 * Process: mcpgw-compile, which asks nobody over the network: mcpgw-scout does, by the VAULT records of a policy in
 *          force, and what it finds comes with the next run.
 * Owns:    nothing; the values are a snapshot's.
 * Trusts:  the operator's words; of what came from the vault that it is text.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/url.h"
#include "policy/compiler/expand.h"
#include "policy/compiler/files.h"
#include "policy/compiler/secrets.h"
#include "policy/compiler/server.h"
#include "policy/compiler/vault.h"
#include "policy/tenants.h"

#define NAMED_MAX	512
#define WANTS_MAX	1024
#define TOKEN_MAX	(16 * 1024)
#define ADDRESSES_MAX	8	/* as many as an errand takes */
#define CRED		"cred:"
#define WANT		"want MOUNT/PATH#FIELD, such as secret/team/db#password"

/* ---- what is written in servers.json ----------------------------------------------------------- */

/* As it will stand in a request, so nothing that would mean something there. */
static const char *
wrong_with(struct span path, struct span field)
{
	static const char	known[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@:+=,/";
	size_t			slashes = 0, from = 0;

	for (size_t i = 0; i < path.n; i++)
		if (memchr(known, path.p[i], sizeof(known) - 1) == NULL)
			return "a path in the vault is of letters, digits, and - . _ ~ @ : + = , with / between them";
	for (size_t i = 0; i < field.n; i++)
		if (field.p[i] <= ' ' || field.p[i] > '~' || field.p[i] == '#')
			return "a field's name has no blanks, and no #";
	for (size_t i = 0; i <= path.n; i++) {
		struct span	part = span_part(path, from, i - from);

		if (i < path.n && path.p[i] != '/')
			continue;
		if (i == from || span_is(part, ".") || span_is(part, ".."))
			return WANT;
		slashes += i < path.n;
		from = i + 1;
	}
	return slashes == 0 || field.n == 0 || path.n + field.n > NAMED_MAX ? WANT : NULL;
}

/* The files of tenants may be of others than who wrote vault_addr: theirs is what lies below their name alone. */
static bool
is_of_tenant(const struct job *j, struct span path)
{
	const size_t	n = strlen(j->tenant);
	const char	*slash = memchr(path.p, '/', path.n);
	struct span	rest;

	if (strcmp(j->tenant, TENANT_DEFAULT) == 0)
		return true;
	rest = span_part(path, (size_t)(slash - path.p) + 1, path.n);
	return rest.n > n && memcmp(rest.p, j->tenant, n) == 0 && rest.p[n] == '/';
}

static bool
is_text(struct build *b, struct stext t, struct span s)
{
	return span_eq(build_text_at(b, t), s);
}

/* False: there are too many. */
static bool
want(struct job *j, struct span path, struct span field)
{
	const uint64_t		 count = build_count(j->policy, SECTION_VAULT_WANT);
	struct rec_vault_want	 rec, *r;

	for (uint64_t i = 0; i < count; i++) {
		r = build_at(j->policy, SECTION_VAULT_WANT, i);
		if (is_text(j->policy, r->path, path) && is_text(j->policy, r->field, field))
			return true;
	}
	if (count == WANTS_MAX)
		return false;
	rec.path = put_text(j->policy, path);
	rec.field = put_text(j->policy, field);
	put_record(j->policy, SECTION_VAULT_WANT, &rec);
	return true;
}

static enum vault_found
find(struct job *j, struct span path, struct span field, struct span *value, const char **why)
{
	const struct rec_vault_value	*v;

	if (j->looks_only || !j->secrets_needed)
		return VAULT_NOBODY_KNOWS;
	for (uint64_t i = 0; j->vault != NULL && (v = SNAP_AT(j->vault, VAULT_VALUE, i)) != NULL; i++) {
		if (!span_eq(snap_text(j->vault, v->path), path) || !span_eq(snap_text(j->vault, v->field), field))
			continue;
		*value = snap_text(j->vault, v->value);
		if (v->why.bytes == 0)
			return VAULT_FOUND;
		*why = job_fmt(j, "%.*s", SPAN_FMT(snap_text(j->vault, v->why)));
		return VAULT_WAITS;
	}
	*why = "the vault was not asked yet; mcpgw-scout does it now";
	return VAULT_WAITS;
}

enum vault_found
vault_want(struct job *j, struct span named, struct span *value, const char **why)
{
	const char	*hash = named.n == 0 ? NULL : memchr(named.p, '#', named.n);
	struct span	 path, field;

	*value = SPAN_NONE;
	if (hash == NULL) {
		*why = WANT;
		return VAULT_WRONG;
	}
	path = span_part(named, 0, (size_t)(hash - named.p));
	field = span_part(named, path.n + 1, named.n);
	if ((*why = wrong_with(path, field)) != NULL)
		return VAULT_WRONG;
	if (!is_of_tenant(j, path)) {
		*why = job_fmt(j, "tenant %s has of the vault what lies below its name: MOUNT/%s/...", j->tenant,
		    j->tenant);
		return VAULT_WRONG;
	}
	if (!want(j, path, field)) {
		*why = "more values of a vault than a gateway has";
		return VAULT_WRONG;
	}
	return find(j, path, field, value, why);
}

/* ---- what is written in mcpgw.conf ------------------------------------------------------------- */

/* A secret by the name that the parameter has, with one line end less; false after saying what is wrong. */
static bool
read_named(struct job *j, enum param_id id, char **text, size_t *bytes)
{
	const struct span	 name = job_value(j, id);
	const char		*why = "", *file;
	int			 fd, r = E_NOTFOUND;

	*text = NULL;
	*bytes = 0;
	if (memchr(name.p, '/', name.n) != NULL) {
		r = file_read(j, job_fmt(j, "%.*s", SPAN_FMT(name)), TOKEN_MAX, text, bytes, &why);
	} else {
		const bool	cred = span_starts(name, SPAN_LIT(CRED));

		file = job_fmt(j, "%.*s", SPAN_FMT(cred ? span_part(name, strlen(CRED), name.n) : name));
		fd = cred ? j->cred_open(file, &why, j->secret_arg) : j->secret_open(file, &why, j->secret_arg);
		if (fd != -1)
			r = file_read_fd(fd, TOKEN_MAX, text, bytes, &why);
	}
	if (r != 0 && !j->secrets_needed) {
		job_note(j, NOTE_WARNING, j->settings[id].file, j->settings[id].line, j->settings[id].column,
		    param_row(id)->name, "%.*s: %s; not checked", SHOWN(name), why);
		return false;
	}
	if (r != 0) {
		setting_error(j, id, "%.*s: %s", SHOWN(name), why);
		return false;
	}
	while (*bytes > 0 && ((*text)[*bytes - 1] == '\n' || (*text)[*bytes - 1] == '\r'))
		--*bytes;
	if (*bytes > 0 && memchr(*text, '\0', *bytes) == NULL)
		return true;
	setting_error(j, id, "%.*s: %s", SHOWN(name), *bytes == 0 ? "is empty" : "holds a NUL byte");
	return false;
}

static void
put_secret(struct job *j, enum param_id id, const char *as)
{
	size_t	 bytes;
	char	*text;

	if (j->looks_only)
		return;
	if (read_named(j, id, &text, &bytes))
		secret_put(j, j->scout_secrets, SPAN_NONE, span_of(as), span_make(text, bytes));
	if (text != NULL)
		explicit_bzero(text, bytes);
	free(text);
}

static bool
read_address(struct job *j, struct rec_vault *v)
{
	const struct span	 address = job_value(j, PARAM_ID_vault_addr);
	struct server		 sv = { .job = j };
	const char		*wrong;
	struct url		 u;

	if (address.n == 0) {
		setting_error(j, PARAM_ID_vault_addr, "is not set, and ${vault:} stands in a file: write the "
		    "vault's url");
		return false;
	}
	if ((wrong = url_parse(address, &u)) == NULL && u.target.n > 1)
		wrong = "want no path behind the host";
	if (wrong == NULL && !u.https && !url_is_loopback(&u))
		wrong = "want https://; http:// is for this machine alone";
	if (wrong != NULL) {
		setting_error(j, PARAM_ID_vault_addr, "\"%.*s\": %s", SHOWN(address), wrong);
		return false;
	}
	located_read(&sv, u.host);
	v->address = put_text(j->policy, span_part(address, 0, (size_t)(address.n - u.target.n)));
	v->address_first = sv.rec.address_first;
	v->address_count = sv.rec.address_count < ADDRESSES_MAX ? sv.rec.address_count : ADDRESSES_MAX;
	return !u.https || anchors_of_setting(j, job_value(j, PARAM_ID_vault_ca).n > 0 ? PARAM_ID_vault_ca :
	    PARAM_ID_upstream_ca_file, &v->anchor_first, &v->anchor_count);
}

void
vault_finish(struct job *j)
{
	struct rec_vault	v = { .refresh_ms = job_number(j, PARAM_ID_vault_refresh) };
	const bool		role = job_value(j, PARAM_ID_vault_role_id).n > 0;
	const bool		token = job_value(j, PARAM_ID_vault_token_file).n > 0;

	if (build_count(j->policy, SECTION_VAULT_WANT) == 0 || j->settings[PARAM_ID_vault_addr].wrong ||
	    !read_address(j, &v))
		return;
	if (role == token) {
		setting_error(j, PARAM_ID_vault_token_file, role ? "beside vault_role_id; want one of them" :
		    "is not set; write the file of a token, or vault_role_id and vault_secret_id_file");
		return;
	}
	if (role && job_value(j, PARAM_ID_vault_secret_id_file).n == 0) {
		setting_error(j, PARAM_ID_vault_secret_id_file, "is not set: the secret id of vault_role_id");
		return;
	}
	v.name_space = put_text(j->policy, job_value(j, PARAM_ID_vault_namespace));
	v.role_id = put_text(j->policy, job_value(j, PARAM_ID_vault_role_id));
	put_secret(j, role ? PARAM_ID_vault_secret_id_file : PARAM_ID_vault_token_file,
	    role ? VAULT_SECRET_ID : VAULT_TOKEN);
	put_record(j->policy, SECTION_VAULT, &v);
}
