/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve.c - variables and homes in a server's texts
 *
 * Process: mcpgwctl.
 * Owns:    nothing beyond a call.
 * Trusts:  the caller's environment, which is the one its MCP client would have used.
 *
 * A gateway that a service manager starts has another environment than a shell, so values are taken now.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/files/replace.h"
#include "ctl/import/resolve.h"
#include "ctl/import/secret.h"
#include "ctl/out.h"

#define VALUE_BYTES	(256 * 1024)

enum place {
	IN_THE_OPEN,		/* arguments and paths */
	IN_ENV,
	IN_SECRET,		/* headers, and variables that are called like a secret */
};

struct expansion {
	struct import		*im;
	struct import_server	*s;
	bool			 may_secret;	/* what variables with such names hold is one */
	bool			 secretive;	/* what any variable holds is */
	struct buf		 text;
	bool			 missing;	/* the text stays as it was */
	bool			 secret;	/* holds ${secret:...} */
};

static const char *
home(void)
{
	const char	*h = getenv("HOME");

	return h != NULL && h[0] == '/' ? h : "/";
}

static void
put(struct expansion *x, const char *text)
{
	if (buf_put_str(&x->text, text) != 0)
		server_leave_out(x->im, x->s, "a value of it is longer than %d bytes", VALUE_BYTES);
}

static void
put_secret(struct expansion *x, const char *name)
{
	put(x, "${secret:");
	put(x, name);
	put(x, "}");
	x->secret = true;
}

static void
missing(struct expansion *x, const char *fmt, const char *name)
{
	x->missing = true;
	server_off(x->im, x->s, fmt, name, name);
}

/* VAR or VAR:-default; as in a shell, with :- an empty variable counts as unset. */
static void
put_variable(struct expansion *x, const char *name)
{
	const char	*fallback = strstr(name, ":-"), *value, *kept;
	const struct pair	*own;

	if (fallback != NULL) {
		name = import_fmt(x->im, "%.*s", (int)(fallback - name), name);
		fallback += 2;
	}
	/* A bridge replaces what its own environment has. */
	own = pairs_find(&x->s->env, name);
	value = own != NULL && !x->may_secret ? own->value : getenv(name);
	if (fallback != NULL && (value == NULL || value[0] == '\0')) {
		put(x, fallback);
	} else if (value == NULL) {
		missing(x, "${%s} is not set; set %s and import again", name);
	} else if (value[0] != '\0' && x->may_secret && (x->secretive || secret_is_name(name))) {
		kept = secret_keep(x->im, x->s, name, value);
		put_secret(x, kept);
		server_note(x->im, x->s, "${%s} was set in your shell; kept as secret %s.", name, kept);
	} else {
		if (value[0] != '\0' && !x->may_secret && secret_is_name(name))
			x->s->bare = name;
		put(x, value);
	}
}

static void
put_input(struct expansion *x, const char *id)
{
	if (x->may_secret && secret_exists(x->im, id))
		put_secret(x, id);
	else
		missing(x, "${input:%s} is asked for by the editor; put its value into the secret %s and import again",
		    id);
}

static void
put_named(struct expansion *x, const char *name)
{
	if (strcmp(name, "workspaceFolder") == 0 || strcmp(name, "workspaceRoot") == 0 || strcmp(name, "cwd") == 0)
		put(x, x->s->workspace);
	else if (strcmp(name, "workspaceFolderBasename") == 0)
		put(x, replace_base_name(x->s->workspace));
	else if (strcmp(name, "userHome") == 0)
		put(x, home());
	else if (strcmp(name, "pathSeparator") == 0 || strcmp(name, "/") == 0)
		put(x, "/");
	else if (strncmp(name, "secret:", 7) == 0)
		put_secret(x, name + 7);
	else if (strncmp(name, "input:", 6) == 0)
		put_input(x, name + 6);
	else if (strncmp(name, "env:", 4) == 0)
		put_variable(x, name + 4);
	else
		put_variable(x, name);
}

/* The whole text, or the same text when something in it has no value. */
static const char *
expand(struct import *im, struct import_server *s, const char *text, enum place place, bool *secret)
{
	struct expansion	 x = { .im = im, .s = s, .may_secret = place != IN_THE_OPEN,
				    .secretive = place == IN_SECRET };
	const char		*at = text, *dollar, *close, *all = text;

	*secret = false;
	if (strstr(text, "${") == NULL)
		return text;
	buf_init(&x.text, VALUE_BYTES);
	while ((dollar = strstr(at, "${")) != NULL && (close = strchr(dollar, '}')) != NULL) {
		put(&x, import_fmt(im, "%.*s", (int)(dollar - at), at));
		put_named(&x, import_fmt(im, "%.*s", (int)(close - dollar - 2), dollar + 2));
		at = close + 1;
	}
	put(&x, at);
	if (!x.missing) {
		all = import_text(im, buf_rest(&x.text));
		*secret = x.secret;
	}
	buf_fini(&x.text);
	return all;
}

/* "~" and "~/x", also behind the "=" of an option. */
static const char *
with_home(struct import *im, const char *text)
{
	const char	*tilde = text[0] == '-' ? strstr(text, "=~") : text;

	if (tilde == NULL)
		return text;
	if (tilde != text)
		tilde++;
	if (tilde[0] != '~' || (tilde[1] != '/' && tilde[1] != '\0'))
		return text;
	return import_fmt(im, "%.*s%s%s", (int)(tilde - text), text, home(), tilde + 1);
}

static const char *
plain(struct import *im, struct import_server *s, const char *text)
{
	bool	secret;

	if (text == NULL)
		return NULL;
	text = expand(im, s, text, IN_THE_OPEN, &secret);
	(void)secret;		/* a bridge's arguments become headers; others are looked at later */
	return with_home(im, text);
}

static void
words_resolve(struct import *im, struct import_server *s, struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		w->at[i] = plain(im, s, w->at[i]);
}

/* A name of a file is no secret, whatever the variable is called. */
static bool
is_file(const char *value)
{
	return value[0] == '/' && access(value, F_OK) == 0;
}

static void
env_resolve(struct import *im, struct import_server *s, struct pair *p)
{
	const char	*value = with_home(im, p->value);
	bool		 sensitive = secret_is_name(p->name);
	const char	*all = expand(im, s, value, sensitive ? IN_SECRET : IN_ENV, &p->secret);

	if (!p->secret && all[0] != '\0' && strstr(all, "${") == NULL &&
	    ((sensitive && !is_file(all)) || secret_is_url(all))) {
		const char *name = secret_keep(im, s, p->name, all);

		server_note(im, s, "the value of %s is kept as secret %s.", p->name, name);
		all = import_fmt(im, "${secret:%s}", name);
		p->secret = true;
	}
	p->value = all;
}

/* All that is sent with requests is kept where nobody reads it. */
static void
header_resolve(struct import *im, struct import_server *s, struct pair *p)
{
	p->value = expand(im, s, p->value, IN_SECRET, &p->secret);
	if (p->secret || p->value[0] == '\0' || strstr(p->value, "${") != NULL)
		return;
	p->value = import_fmt(im, "${secret:%s}",
	    secret_keep(im, s, import_fmt(im, "%s-%s", s->name, p->name), p->value));
	p->secret = true;
}

void
resolve_server(struct import *im, struct import_server *s)
{
	if (s->fate == IMPORT_LEFT_OUT)
		return;
	s->command = plain(im, s, s->command);
	s->url = plain(im, s, s->url);
	s->workdir = plain(im, s, s->workdir);
	if (s->workdir != NULL)
		s->workdir = path_join(im, s->workspace, s->workdir);
	for (size_t i = 0; i < s->env.n; i++)
		env_resolve(im, s, &s->env.at[i]);
	words_resolve(im, s, &s->args);
	words_resolve(im, s, &s->read);
	words_resolve(im, s, &s->write);
	for (size_t i = 0; i < s->headers.n; i++)
		header_resolve(im, s, &s->headers.at[i]);
}
