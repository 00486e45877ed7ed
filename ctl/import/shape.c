/* SPDX-License-Identifier: Apache-2.0
 *
 * shape.c - what a launcher stands for
 *
 * Process: mcpgwctl.
 * Owns:    nothing.
 * Trusts:  nothing: an option it does not know is a reason to leave the server out, not to guess.
 */
#include <ctype.h>
#include <string.h>

#include "ctl/files/replace.h"
#include "ctl/import/bridge.h"
#include "ctl/import/find.h"
#include "ctl/import/profile.h"
#include "ctl/import/shape.h"

#define UNWRAP_MAX	8

/* ---- specs ----------------------------------------------------------------------------------------- */

const char *
shape_package_name(struct import *im, const char *kind, const char *spec)
{
	size_t	 n;
	char	*name;

	if (strcmp(kind, "npm") == 0)
		return import_fmt(im, "%.*s", (int)(spec[0] == '@' ? 1 + strcspn(spec + 1, "@") : strcspn(spec, "@")),
		    spec);
	n = strcspn(spec, "[<>=!~@; ");
	name = import_fmt(im, "%.*s", (int)n, spec);
	for (char *c = name; *c != '\0'; c++)
		*c = *c == '_' || *c == '.' ? '-' : (char)tolower((unsigned char)*c);
	return name;
}

static bool
is_local(const char *spec)
{
	return spec[0] == '/' || strncmp(spec, "./", 2) == 0 || strncmp(spec, "../", 3) == 0 ||
	    strncmp(spec, "file:", 5) == 0;
}

/* What does not come from a registry: repositories, archives; owner/repository is GitHub's to npm. */
static bool
is_source(const char *kind, const char *spec)
{
	static const char *const	hosts[] = { "git+", "github:", "gitlab:", "bitbucket:", "gist:", "git@" };

	if (strstr(spec, "://") != NULL || strstr(spec, "git+") != NULL)
		return true;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (strncmp(spec, hosts[i], strlen(hosts[i])) == 0)
			return true;
	return strcmp(kind, "npm") == 0 && spec[0] != '@' && !is_local(spec) && strchr(spec, '/') != NULL;
}

static const char *
short_name(struct import *im, const char *package)
{
	const char	*slash = package[0] == '@' ? strchr(package, '/') : NULL;

	return import_fmt(im, "%s", slash == NULL ? package : slash + 1);
}

/* uvx writes NAME@VERSION where pip writes NAME==VERSION. */
static const char *
pypi_spec(struct import *im, const char *spec)
{
	const char	*at = strchr(spec, '@');

	if (at == NULL || is_source("pypi", spec))
		return spec;
	if (strcmp(at + 1, "latest") == 0)
		return import_fmt(im, "%.*s", (int)(at - spec), spec);
	return import_fmt(im, "%.*s==%s", (int)(at - spec), spec, at + 1);
}

/* The package is known: what is to be fetched, and what is left of the arguments. */
static void
take_package(struct import *im, struct import_server *s, const char *kind, const char *spec, const char *bin)
{
	const char	*from = words_value(&im->options.from, s->name, 0);

	if (strcmp(kind, "pypi") == 0)
		spec = pypi_spec(im, spec);
	if (from == NULL && is_local(spec))
		from = path_join(im, s->workspace, strncmp(spec, "file:", 5) == 0 ? spec + 5 : spec);
	s->package = shape_package_name(im, kind, spec);
	s->runs = short_name(im, s->package);
	s->want = (struct package_want){ .kind = kind, .spec = spec, .bin = bin, .from = from,
	    .scripts = words_have(&im->options.scripts, s->name), .source = is_source(kind, spec) };
	if (s->want.source && from == NULL && !im->options.allow_source)
		server_leave_out(im, s, "%s is no package of a registry but somebody's source; import it with "
		    "--allow-source", spec);
	/* What is a bridge to a url is not needed: the gateway speaks to it itself. */
	if (bridge_is(kind, s->package) && server_stays(s)) {
		s->want = (struct package_want){ 0 };
		bridge_take(im, s);
	}
}

/* ---- options of launchers -------------------------------------------------------------------------- */

struct launcher {
	const char		*name, *verb;	/* verb: "dlx", "tool run"; NULL: none */
	const char		*kind;
	const char *const	*flags, *const *valued, *const *package, *const *refused;
	bool			 bin_first;	/* with an option for the package the first word is the program */
};

static const char *const	npx_flags[] = { "-y", "--yes", "-q", "--quiet", "-s", "--silent", "--no",
	"--no-install", "--prefer-online", "--prefer-offline", "--offline", "--ignore-existing", "--force", "-f",
	"--legacy-peer-deps", "--bun", "--verbose", "--no-audit", "--no-fund", NULL };
static const char *const	npx_valued[] = { "--registry", "--cache", "--userconfig", "--loglevel", "-w",
	"--workspace", "--reporter", NULL };
static const char *const	npx_package[] = { "-p", "--package", NULL };
static const char *const	npx_refused[] = { "-c", "--call", "--shell-mode", "--node-options", "-n", NULL };
static const char *const	uvx_flags[] = { "-q", "--quiet", "-v", "--verbose", "--isolated", "--refresh",
	"--no-cache", "-n", "--native-tls", "--offline", "-U", "--upgrade", "--no-progress", "--managed-python",
	"--no-config", "-y", NULL };
static const char *const	uvx_valued[] = { "-p", "--python", "--index-url", "-i", "--extra-index-url",
	"--default-index", "--index", "--prerelease", "--cache-dir", "--pip-args", "--index-strategy",
	"--python-preference", "--link-mode", NULL };
static const char *const	uvx_package[] = { "--from", "--spec", NULL };
static const char *const	uvx_refused[] = { "--with", "-w", "--with-editable", "--with-requirements",
	"--constraints", "--overrides", "--env-file", NULL };

static const struct launcher	launchers[] = {
	{ "npx", NULL, "npm", npx_flags, npx_valued, npx_package, npx_refused, true },
	{ "bunx", NULL, "npm", npx_flags, npx_valued, npx_package, npx_refused, true },
	{ "pnpx", NULL, "npm", npx_flags, npx_valued, npx_package, npx_refused, true },
	{ "pnpm", "dlx", "npm", npx_flags, npx_valued, npx_package, npx_refused, true },
	{ "yarn", "dlx", "npm", npx_flags, npx_valued, npx_package, npx_refused, true },
	{ "npm", "exec", "npm", npx_flags, npx_valued, npx_package, npx_refused, true },
	{ "npm", "x", "npm", npx_flags, npx_valued, npx_package, npx_refused, true },
	{ "bun", "x", "npm", npx_flags, npx_valued, npx_package, npx_refused, true },
	{ "uvx", NULL, "pypi", uvx_flags, uvx_valued, uvx_package, uvx_refused, true },
	{ "uv", "tool run", "pypi", uvx_flags, uvx_valued, uvx_package, uvx_refused, true },
	{ "pipx", "run", "pypi", uvx_flags, uvx_valued, uvx_package, uvx_refused, true },
};

/* One option in front of the package: how many words it takes; 0: it is none of the launcher's. */
static size_t
take_option(struct import *im, struct import_server *s, const struct launcher *l, const char **package)
{
	const char	*word = s->args.at[0], *eq = strchr(word, '=');
	const char	*name = word[1] == '-' && eq != NULL ? import_fmt(im, "%.*s", (int)(eq - word), word) : word;
	const char	*value = name != word ? eq + 1 : s->args.n > 1 ? s->args.at[1] : NULL;
	size_t		 takes = name != word ? 1 : 2;

	if (is_one_of(word, l->flags))
		return 1;
	if (is_one_of(name, l->package) && value != NULL) {
		if (*package != NULL)
			server_leave_out(im, s, "%s is given two packages; give it one", l->name);
		*package = value;
		return takes;
	}
	if (is_one_of(name, l->valued) && value != NULL)
		return takes;
	server_leave_out(im, s, is_one_of(name, l->refused) ? "%s %s cannot be imported; name the program and its "
	    "arguments" : "%s %s: no option that import knows; name the package first", l->name, name);
	return 0;
}

static void
take_launcher(struct import *im, struct import_server *s, const struct launcher *l)
{
	const char	*package = NULL, *first;
	size_t		 n;

	while (s->args.n > 0 && s->args.at[0][0] == '-' && strcmp(s->args.at[0], "--") != 0) {
		if ((n = take_option(im, s, l, &package)) == 0)
			return;
		words_drop(&s->args, 0, n);
	}
	if (s->args.n > 0 && strcmp(s->args.at[0], "--") == 0)
		words_drop(&s->args, 0, 1);
	if (s->args.n == 0 || !server_stays(s)) {
		server_leave_out(im, s, "%s is given no package", l->name);
		return;
	}
	first = s->args.at[0];
	words_drop(&s->args, 0, 1);
	/* npx, and only npx, takes what follows its package's name as the program's own, "--" included. */
	take_package(im, s, l->kind, package != NULL ? package : first, package != NULL ? first : NULL);
}

/* `pnpm --silent dlx`, `uv --quiet tool run`: the verb behind options; how many words up to and with it, 0: none. */
static size_t
verb_behind(const struct words *args, const char *verb)
{
	size_t		 i = 0;
	const char	*at = verb;

	while (i < args->n && args->at[i][0] == '-')
		i++;
	for (; *at != '\0'; i++) {
		size_t	n = strcspn(at, " ");

		if (i >= args->n || strlen(args->at[i]) != n || strncmp(args->at[i], at, n) != 0)
			return 0;
		at += n + (at[n] == ' ');
	}
	return i;
}

static const struct launcher *
find_launcher(struct import_server *s, const char *name)
{
	size_t	n;

	for (size_t i = 0; i < sizeof(launchers) / sizeof(launchers[0]); i++) {
		const struct launcher *l = &launchers[i];

		if (strcmp(l->name, name) != 0)
			continue;
		if (l->verb == NULL)
			return l;
		if ((n = verb_behind(&s->args, l->verb)) > 0) {
			words_drop(&s->args, 0, n);
			return l;
		}
	}
	return NULL;
}

/* ---- containers ------------------------------------------------------------------------------------ */

static void
take_container(struct import *im, struct import_server *s, const char *engine)
{
	const char	*twin = profile_twin(im, &s->args);

	s->runs = import_fmt(im, "%s %s ...", engine, s->args.n > 0 ? s->args.at[0] : "");
	if (twin != NULL)
		server_leave_out(im, s, "a container engine's socket is root. The same server as a package: %s. See: "
		    "mcpgwctl help containers", twin);
	else
		server_leave_out(im, s, "a container engine's socket is root. See: mcpgwctl help containers");
}

/* ---- urls ------------------------------------------------------------------------------------------ */

bool
shape_is_plain(const char *url)
{
	static const char *const	loopback[] = { "localhost", "127.0.0.1", "[::1]" };
	const char			*host = url + 7;

	if (strncmp(url, "http://", 7) != 0)
		return false;
	for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++) {
		size_t n = strlen(loopback[i]);

		if (strncmp(host, loopback[i], n) == 0 && strchr(":/?", host[n]) != NULL)
			return false;
	}
	return true;
}

static void
take_url(struct import *im, struct import_server *s)
{
	bridge_headers(im, s);
	s->runs = s->url;
	if (!server_stays(s))
		return;
	if (strncmp(s->url, "http://", 7) != 0 && strncmp(s->url, "https://", 8) != 0) {
		if (strstr(s->url, "${") == NULL)
			server_leave_out(im, s, "\"%s\" is no http or https url", s->url);
	} else if (shape_is_plain(s->url) && !im->options.allow_plain) {
		server_leave_out(im, s, "%s: what is sent there can be read on the way; use https, or import with "
		    "--allow-plain", s->url);
	}
}

/* ---- all ------------------------------------------------------------------------------------------- */

/* "cmd", "npx": without folder, and without what Windows puts behind. */
static const char *
command_name(struct import *im, const char *command)
{
	static const char *const	ends[] = { ".cmd", ".exe", ".bat" };
	const char			*back = strrchr(command, '\\');
	const char			*name = replace_base_name(back != NULL ? back + 1 : command);
	size_t				 n = strlen(name);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (n > 4 && strcasecmp(name + n - 4, ends[i]) == 0)
			return import_fmt(im, "%.*s", (int)n - 4, name);
	return name;
}

/* The first argument is the command now. */
static void
shift(struct import *im, struct import_server *s, size_t drop)
{
	words_drop(&s->args, 0, drop);
	if (s->args.n == 0) {
		server_leave_out(im, s, "%s is given no command", s->command);
		return;
	}
	s->command = s->args.at[0];
	words_drop(&s->args, 0, 1);
}

/* `cmd /c X`, `env A=B X`: X.  True when something was taken off. */
static bool
unwrap(struct import *im, struct import_server *s, const char *name)
{
	const char	*eq;

	if (strcasecmp(name, "cmd") == 0 && s->args.n > 0 && strcasecmp(s->args.at[0], "/c") == 0) {
		shift(im, s, 1);
		return server_stays(s);
	}
	if (strcmp(name, "env") != 0)
		return false;
	while (s->args.n > 0 && (eq = strchr(s->args.at[0], '=')) != NULL && s->args.at[0][0] != '-') {
		pairs_set(im, &s->env, import_fmt(im, "%.*s", (int)(eq - s->args.at[0]), s->args.at[0]), eq + 1);
		words_drop(&s->args, 0, 1);
	}
	shift(im, s, 0);
	return server_stays(s);
}

void
shape_server(struct import *im, struct import_server *s)
{
	static const char *const	engines[] = { "docker", "podman", "nerdctl", "container", "docker-compose",
		NULL };
	static const char *const	powers[] = { "sudo", "doas", "su", "pkexec", NULL };
	const struct launcher		*l;
	const char			*name;
	int				 left = UNWRAP_MAX;

	if (s->url != NULL) {
		take_url(im, s);
		return;
	}
	if (s->command == NULL || !server_stays(s))
		return;
	for (name = command_name(im, s->command); left-- > 0 && unwrap(im, s, name);)
		name = command_name(im, s->command);
	s->runs = name;
	if (!server_stays(s))
		return;
	if (is_one_of(name, engines))
		take_container(im, s, name);
	else if (is_one_of(name, powers))
		server_leave_out(im, s, "%s makes it another user; name the program itself", name);
	else if ((l = find_launcher(s, name)) != NULL)
		take_launcher(im, s, l);
}
