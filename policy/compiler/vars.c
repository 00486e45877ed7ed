/* SPDX-License-Identifier: Apache-2.0
 *
 * vars.c - ${VAR}, ${VAR:-default}, and ${secret:}, ${cred:}, ${vault:}, ${file:} in the values of servers.json
 *
 * Process: mcpgw-compile.
 * Owns:    the texts of secrets for the length of the run, in the arena.
 * Trusts:  a secret's file to be meant for us; it may still be of any length and content.
 *
 * VS Code's own spellings load too: ${env:VAR} is ${VAR}; ${input:ID} makes a server unusable but is
 * no error, since the same file works in the editor.
 */
#include <stdlib.h>

#include "policy/compiler/files.h"
#include "policy/compiler/tenants.h"
#include "policy/compiler/values.h"
#include "policy/compiler/vars.h"
#include "policy/compiler/vault.h"
#include "policy/tenants.h"

#define VALUE_MAX	(256 * 1024)
#define SECRET_MAX	(64 * 1024)

struct expansion {
	struct job		*job;
	const struct source	*source;
	const struct conf_node	*node;
	bool			 may_secret;
	struct vars_value	*out;
	struct buf		 text;
};

/* A secret as file: one line end behind it is not part of it. */
static bool
secret_put(struct expansion *x, char *text, size_t bytes, struct span name)
{
	struct span	s = span_make(text, bytes);
	bool		ok = false;

	if (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	if (s.n > 0 && memchr(s.p, '\0', s.n) != NULL)
		job_error(x->job, x->source, x->node, "${%.*s}: holds a NUL byte", SHOWN(name));
	else if (buf_put(&x->text, s) != 0)
		job_error(x->job, x->source, x->node, "${%.*s}: too long", SHOWN(name));
	else
		ok = true;
	explicit_bzero(text, bytes);
	free(text);
	x->out->secret = true;
	return ok;
}

static bool
may_secret(struct expansion *x, struct span name)
{
	if (x->may_secret)
		return true;
	job_error(x->job, x->source, x->node,
	    "${%.*s}: secrets may stand in env, headers and auth only", SHOWN(name));
	return false;
}

/* What stands around it is looked at as if it were there: "Bearer " alone would be no header's value. */
static bool
stand_in(struct expansion *x, struct span whole)
{
	char	*text = strdup("x");

	if (text != NULL)
		return secret_put(x, text, 1, whole);
	job_error(x->job, x->source, x->node, "out of memory");
	return false;
}

/* A secret or a credential of this name; what: whose name it is, for people.  False: said. */
static bool
may_name(struct expansion *x, struct span whole, struct span name, const char *what)
{
	if (!may_secret(x, whole))
		return false;
	if (!name_ok(name)) {
		job_error(x->job, x->source, x->node, "${%.*s}: a %s name is of letters, digits, _ . -", SHOWN(whole),
		    what);
		return false;
	}
	return true;
}

static bool
secret_expand(struct expansion *x, struct span whole, struct span name)
{
	struct job	*j = x->job;
	const char	*why = "";
	char		*text;
	size_t		 bytes;
	bool		 own;
	int		 fd;

	if (!may_name(x, whole, name, "secret's"))
		return false;
	fd = j->secret_open(job_fmt(j, "%.*s", SPAN_FMT(name)), &why, j->secret_arg);
	if (fd != -1 && file_read_fd(fd, SECRET_MAX, &text, &bytes, &why) == 0)
		return secret_put(x, text, bytes, whole);
	own = strcmp(j->tenant, TENANT_DEFAULT) != 0;
	if (j->secrets_needed) {
		job_error(j, x->source, x->node, "${%.*s}: %s. To keep its value: mcpgwctl secret set %.*s%s%s < FILE",
		    SHOWN(whole), why, SHOWN(name), own ? " --tenant " : "", own ? j->tenant : "");
		return false;
	}
	job_warn(j, x->source, x->node, "${%.*s}: %s; a gateway is not started with that, nor reloaded: mcpgwctl "
	    "secret set %.*s%s%s < FILE", SHOWN(whole), why, SHOWN(name), own ? " --tenant " : "",
	    own ? j->tenant : "");
	return stand_in(x, whole);
}

/* systemd.exec(5): LoadCredential= and its like. */
static bool
cred_expand(struct expansion *x, struct span whole, struct span name)
{
	struct job	*j = x->job;
	const char	*why = "";
	char		*text;
	size_t		 bytes;
	int		 fd;

	if (!may_name(x, whole, name, "credential's"))
		return false;
	if (j->looks_only)
		return stand_in(x, whole);
	fd = j->cred_open(job_fmt(j, "%.*s", SPAN_FMT(name)), &why, j->secret_arg);
	if (fd != -1 && file_read_fd(fd, SECRET_MAX, &text, &bytes, &why) == 0)
		return secret_put(x, text, bytes, whole);
	if (!j->secrets_needed) {
		job_warn(j, x->source, x->node, "${%.*s}: %s; not checked", SHOWN(whole), why);
		return stand_in(x, whole);
	}
	job_error(j, x->source, x->node, "${%.*s}: %s. Write LoadCredential=%s%s%.*s:/PATH into the gateway's unit",
	    SHOWN(whole), why, strcmp(j->tenant, TENANT_DEFAULT) == 0 ? "" : j->tenant,
	    strcmp(j->tenant, TENANT_DEFAULT) == 0 ? "" : ".", SHOWN(name));
	return false;
}

static bool
vault_expand(struct expansion *x, struct span whole, struct span named)
{
	const char	*why = NULL;
	struct span	 value;
	char		*text;

	if (!may_secret(x, whole))
		return false;
	x->out->vault = true;
	switch (vault_want(x->job, named, &value, &why)) {
	case VAULT_FOUND:
		if ((text = strndup(value.n == 0 ? "" : value.p, value.n)) != NULL)
			return secret_put(x, text, value.n, whole);
		job_error(x->job, x->source, x->node, "out of memory");
		return false;
	case VAULT_WAITS:
		x->out->missing = true;
		x->out->why = job_fmt(x->job, "${%.*s}: %s", SHOWN(whole), why);
		return true;
	case VAULT_WRONG:
		job_error(x->job, x->source, x->node, "${%.*s}: %s", SHOWN(whole), why);
		return false;
	case VAULT_NOBODY_KNOWS:
		break;
	}
	return stand_in(x, whole);
}

static bool
file_expand(struct expansion *x, struct span whole, struct span path)
{
	const char	*why;
	char		*text;
	size_t		 bytes;

	if (!may_secret(x, whole))
		return false;
	if (path.n == 0 || file_read(x->job, job_fmt(x->job, "%.*s", SPAN_FMT(path)), SECRET_MAX, &text,
	    &bytes, &why) != 0) {
		job_error(x->job, x->source, x->node, "${%.*s}: %s", SHOWN(whole),
		    path.n == 0 ? "names no file" : why);
		return false;
	}
	return secret_put(x, text, bytes, whole);
}

static bool
variable_expand(struct expansion *x, struct span whole, struct span name)
{
	const char	*value;
	struct span	 fallback = SPAN_NONE, text;
	size_t		 n = 0;

	while (n + 1 < name.n && (name.p[n] != ':' || name.p[n + 1] != '-'))
		n++;
	if (n + 1 < name.n) {
		fallback = span_part(name, n + 2, name.n);
		if (fallback.p == NULL)
			fallback.p = "";
		name = span_part(name, 0, n);
	}
	for (size_t i = 0; i < name.n; i++)
		if (memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789",
		    name.p[i], 63) == NULL)
			name.n = 0;
	if (name.n == 0) {
		job_error(x->job, x->source, x->node,
		    "${%.*s}: want ${VAR}, ${VAR:-default}, ${secret:NAME}, ${cred:NAME}, "
		    "${vault:MOUNT/PATH#FIELD} or ${file:PATH}", SHOWN(whole));
		return false;
	}
	value = getenv(job_fmt(x->job, "%.*s", SPAN_FMT(name)));
	/* as in the shell: with :- an empty variable counts as unset */
	if ((value == NULL || value[0] == '\0') && fallback.p != NULL)
		text = fallback;
	else
		text = span_of(value);
	if (value == NULL && fallback.p == NULL) {
		job_error(x->job, x->source, x->node, "${%.*s} is not set; set it, or give ${%.*s:-default}",
		    SHOWN(name), SHOWN(name));
		return false;
	}
	if (buf_put(&x->text, text) != 0) {
		job_error(x->job, x->source, x->node, "${%.*s}: too long", SHOWN(name));
		return false;
	}
	return true;
}

static bool
one_expand(struct expansion *x, struct span name)
{
	if (span_starts(name, SPAN_LIT("secret:")))
		return secret_expand(x, name, span_part(name, 7, name.n));
	if (span_starts(name, SPAN_LIT("cred:")))
		return cred_expand(x, name, span_part(name, 5, name.n));
	if (span_starts(name, SPAN_LIT("vault:")))
		return vault_expand(x, name, span_part(name, 6, name.n));
	if (span_starts(name, SPAN_LIT("file:")))
		return file_expand(x, name, span_part(name, 5, name.n));
	if (span_starts(name, SPAN_LIT("env:")))
		return variable_expand(x, name, span_part(name, 4, name.n));
	if (span_starts(name, SPAN_LIT("input:"))) {
		x->out->missing = true;
		x->out->why = job_fmt(x->job, "${%.*s} is asked for by an editor; use ${secret:NAME}",
		    SHOWN(name));
		return true;
	}
	return variable_expand(x, name, name);
}

bool
vars_expand(struct job *j, const struct source *s, const struct conf_node *n, bool may_have_secret,
    struct vars_value *out)
{
	struct expansion x = { j, s, n, may_have_secret, out, { 0 } };
	struct span	 left = n->text, name;
	const char	*dollar, *close;
	bool		 ok = true;

	*out = (struct vars_value){ .text = n->text };
	if (left.n == 0 || memmem(left.p, left.n, "${", 2) == NULL)
		return true;
	buf_init(&x.text, VALUE_MAX);
	while (ok && left.n > 0) {
		dollar = memmem(left.p, left.n, "${", 2);
		if (buf_put(&x.text, dollar == NULL ? left :
		    span_part(left, 0, (size_t)(dollar - left.p))) != 0) {
			job_error(j, s, n, "longer than %d bytes when expanded", VALUE_MAX);
			ok = false;
			break;
		}
		if (dollar == NULL)
			break;
		left = span_part(left, (size_t)(dollar - left.p) + 2, left.n);
		if ((close = memchr(left.p, '}', left.n)) == NULL) {
			job_error(j, s, n, "${ without }");
			ok = false;
			break;
		}
		name = span_part(left, 0, (size_t)(close - left.p));
		left = span_part(left, name.n + 1, left.n);
		ok = one_expand(&x, name);
	}
	out->text = job_dup(j, buf_rest(&x.text));
	buf_fini(&x.text);
	return ok;
}
