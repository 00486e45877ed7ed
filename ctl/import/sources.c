/* SPDX-License-Identifier: Apache-2.0
 *
 * sources.c - where packages come from: what of the user's settings an installer is given
 *
 * Process: mcpgwctl.
 * Owns:    texts that may hold tokens; they are overwritten at the end.
 * Trusts:  the user's files for where packages come from.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/import/rcfile.h"
#include "ctl/import/sources.h"
#include "lib/crypt.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/log.h"

#define TEXT_MAX	(1u << 20)
#define CA_MAX		(4u << 20)

static void
must(int r)
{
	if (r != 0)
		fatal(EX_OSERR, "settings of an installer: %s", err_text(r));
}

void
sources_init(struct sources *s)
{
	*s = (struct sources){ .folder_count = 0 };
	buf_init(&s->npmrc, TEXT_MAX);
	buf_init(&s->npmrc_open, TEXT_MAX);
	buf_init(&s->pip, TEXT_MAX);
	buf_init(&s->npm_ca, CA_MAX);
	buf_init(&s->pip_ca, CA_MAX);
	buf_init(&s->extra_ca, CA_MAX);
}

static void
wipe(struct buf *b)
{
	if (b->data != NULL)
		crypt_wipe(b->data, b->room);
	buf_fini(b);
}

void
sources_fini(struct sources *s)
{
	wipe(&s->npmrc);
	wipe(&s->npmrc_open);
	wipe(&s->pip);
	buf_fini(&s->npm_ca);
	buf_fini(&s->pip_ca);
	buf_fini(&s->extra_ca);
	for (size_t i = 0; i < s->folder_count; i++)
		free(s->folders[i]);
	s->folder_count = 0;
}

static int
read_ca(const char *path, const char *what, struct buf *to, char why[SOURCES_WHY])
{
	char	*text = NULL;
	size_t	 bytes = 0;
	int	 fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r;

	r = fd == -1 ? E_SYS : fd_read_all(fd, CA_MAX / 2, &text, &bytes);
	if (r == 0)
		r = buf_put(to, span_make(text, bytes));
	if (r != 0)
		snprintf(why, SOURCES_WHY, "%s %s: cannot be read", what, path);
	free(text);
	fd_close(&fd);
	return r;
}

static int
add_host(struct sources *s, const char *what, const char *url, char to[URL_TEXT], char why[SOURCES_WHY])
{
	char	reason[ENDPOINT_WHY];
	int	r = endpoints_add(&s->hosts, url, to, reason);

	if (r != 0)
		snprintf(why, SOURCES_WHY, "%s: %s", what, reason);
	return r;
}

/* Does a list of names say that this host is reached without the proxy? */
static bool
is_direct(const char *list, const char *url)
{
	struct source_url	u;
	size_t		n, host;

	if (list == NULL || source_url_parse(url, &u) != 0)
		return false;
	host = strlen(u.host);
	for (; *list != '\0'; list += n + (list[n] != '\0')) {
		const char *name = list;

		n = strcspn(list, ", ");
		if (n == 1 && name[0] == '*')
			return true;
		if (n > 0 && name[0] == '.')
			name++;
		size_t bytes = n - (size_t)(name - list);

		if (bytes > 0 && bytes <= host && strncasecmp(u.host + host - bytes, name, bytes) == 0 &&
		    (bytes == host || u.host[host - bytes - 1] == '.'))
			return true;
	}
	return false;
}

static const char *
first_set(const char *const *names)
{
	const char	*value;

	for (; *names != NULL; names++)
		if ((value = getenv(*names)) != NULL && *value != '\0')
			return value;
	return NULL;
}

static const char *
proxy_of_environment(void)
{
	static const char *const names[] = { "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "proxy", NULL };

	return first_set(names);
}

static const char *
direct_of_environment(void)
{
	static const char *const names[] = { "NO_PROXY", "no_proxy", NULL };

	return first_set(names);
}

static bool
is_given(const char *value)
{
	return value != NULL && value[0] != '\0' && strcmp(value, "null") != 0 && strcmp(value, "false") != 0;
}

/* ---- npm ------------------------------------------------------------------------------------------ */

static void
npm_text(struct rc *rc, struct span text, void *arg)
{
	(void)arg;
	rc_npm_text(rc, text);
}

static void
npm_read(struct rc *rc, const char *npm_folder)
{
	const char	*home = getenv("HOME"), *given;
	char		 path[PATH_MAX];
	struct rc	 env = { NULL, 0 };

	rc_environment(&env, "npm_config_");
	snprintf(path, sizeof(path), "%s/npmrc", npm_folder);
	rc_file(rc, path, npm_text, NULL);
	/* <prefix>/lib/node_modules/npm */
	snprintf(path, sizeof(path), "%s/../../../etc/npmrc", npm_folder);
	given = rc_get(&env, "globalconfig");
	rc_file(rc, given != NULL ? given : path, npm_text, NULL);
	rc_file(rc, "/etc/npmrc", npm_text, NULL);
	snprintf(path, sizeof(path), "%s/.npmrc", home == NULL ? "" : home);
	given = rc_get(&env, "userconfig");
	if (given != NULL || home != NULL)
		rc_file(rc, given != NULL ? given : path, npm_text, NULL);
	for (size_t i = 0; i < env.count; i++)
		rc_set(rc, span_of(env.list[i].key), span_of(env.list[i].value));
	rc_free(&env);
}

static void
npm_put(struct sources *s, const char *key, const char *value, bool closed)
{
	/* Quoted, so that npm takes nothing in it for a comment. */
	must(buf_put_fmt(&s->npmrc, "%s=", key));
	must(json_put_string(&s->npmrc, span_of(value)));
	must(buf_put_str(&s->npmrc, "\n"));
	if (closed)
		return;
	must(buf_put_fmt(&s->npmrc_open, "%s=", key));
	must(json_put_string(&s->npmrc_open, span_of(value)));
	must(buf_put_str(&s->npmrc_open, "\n"));
}

static bool
has_end(const char *text, const char *end)
{
	size_t	n = strlen(text), k = strlen(end);

	return n >= k && strcmp(text + n - k, end) == 0;
}

static bool
is_registry(const char *key)
{
	return strcmp(key, "registry") == 0 || (key[0] == '@' && has_end(key, ":registry"));
}

/* "//host:port/path/:_authToken" names a host as it is within. */
static int
npm_put_credential(struct sources *s, const char *key, const char *value, char why[SOURCES_WHY])
{
	const char	*name = strrchr(key, ':');
	char		 url[URL_TEXT], to[URL_TEXT], renamed[URL_TEXT + 64];
	int		 r = 0;

	if (name == NULL || has_end(key, ":certfile") || has_end(key, ":keyfile"))
		return 0;
	/* Of a host that no registry is at, nothing is passed on. */
	for (int tls = 0; tls < 2; tls++) {
		struct source_url	u;
		bool		known = false;

		snprintf(url, sizeof(url), "%s:%.*s", tls ? "https" : "http", (int)(name - key), key);
		if (source_url_parse(url, &u) != 0)
			continue;
		for (size_t i = 0; i < s->hosts.count; i++)
			known |= s->hosts.list[i].port == u.port && strcmp(s->hosts.list[i].host, u.host) == 0;
		if (!known)
			continue;
		if ((r = add_host(s, key, url, to, why)) != 0)
			return r;
		snprintf(renamed, sizeof(renamed), "%s%s", strchr(to, ':') + 1, name);
		npm_put(s, renamed, value, true);
		return 0;
	}
	return 0;
}

static int
npm_registries(struct sources *s, const struct rc *rc, const char *direct, bool proxied, char why[SOURCES_WHY])
{
	char	to[URL_TEXT];
	int	r = 0;

	for (size_t i = 0; i < rc->count && r == 0; i++) {
		if (!is_registry(rc->list[i].key))
			continue;
		snprintf(to, sizeof(to), "%s", rc->list[i].value);
		if (!proxied || is_direct(direct, rc->list[i].value))
			r = add_host(s, rc->list[i].key, rc->list[i].value, to, why);
		if (r == 0)
			npm_put(s, rc->list[i].key, to, strchr(to, '@') != NULL);
	}
	return r;
}

int
sources_npm(struct sources *s, const char *npm_folder, const char *normal, const char *ca, char why[SOURCES_WHY])
{
	struct rc	 rc = { NULL, 0 };
	const char	*proxy, *direct, *value;
	char		 to[URL_TEXT];
	int		 r = 0;

	npm_read(&rc, npm_folder);
	if (!is_given(rc_get(&rc, "registry")))
		rc_set(&rc, SPAN_LIT("registry"), span_of(normal));
	proxy = is_given(rc_get(&rc, "https-proxy")) ? rc_get(&rc, "https-proxy") :
	    is_given(rc_get(&rc, "proxy")) ? rc_get(&rc, "proxy") : proxy_of_environment();
	direct = is_given(rc_get(&rc, "noproxy")) ? rc_get(&rc, "noproxy") : direct_of_environment();
	if (proxy != NULL && (r = add_host(s, "npm's proxy", proxy, to, why)) == 0) {
		npm_put(s, "https-proxy", to, strchr(to, '@') != NULL);
		npm_put(s, "proxy", to, strchr(to, '@') != NULL);
		if (direct != NULL)
			npm_put(s, "noproxy", direct, false);
	}
	if (r == 0)
		r = npm_registries(s, &rc, direct, proxy != NULL, why);
	for (size_t i = 0; i < rc.count && r == 0; i++)
		if (strncmp(rc.list[i].key, "//", 2) == 0)
			r = npm_put_credential(s, rc.list[i].key, rc.list[i].value, why);
		else if (strcmp(rc.list[i].key, "ca") == 0 || strcmp(rc.list[i].key, "ca[]") == 0)
			npm_put(s, rc.list[i].key, rc.list[i].value, false);
	if (r == 0 && is_given(value = rc_get(&rc, "cafile")) &&
	    (r = read_ca(value, "npm's cafile", &s->npm_ca, why)) == 0)
		npm_put(s, "cafile", ca, false);
	/* What a registry says of where its archives are is not true of one with another name. */
	if (s->hosts.renamed)
		npm_put(s, "replace-registry-host", "always", false);
	value = getenv("NODE_EXTRA_CA_CERTS");
	if (r == 0 && is_given(value))
		r = read_ca(value, "NODE_EXTRA_CA_CERTS", &s->extra_ca, why);
	rc_free(&rc);
	return r;
}

/* ---- pip ------------------------------------------------------------------------------------------ */

static void
pip_text(struct rc *rc, struct span text, void *arg)
{
	static const char *const	also[] = { "install", NULL };

	(void)arg;
	rc_pip_text(rc, text, also);
}

static void
pip_read(struct rc *rc)
{
	const char	*home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME"), *given = getenv("PIP_CONFIG_FILE");
	char		 path[PATH_MAX];

	rc_file(rc, "/etc/xdg/pip/pip.conf", pip_text, NULL);
	rc_file(rc, "/etc/pip.conf", pip_text, NULL);
	if (home != NULL) {
		snprintf(path, sizeof(path), "%s/.pip/pip.conf", home);
		rc_file(rc, path, pip_text, NULL);
		snprintf(path, sizeof(path), "%s%s/pip/pip.conf", xdg != NULL ? xdg : home,
		    xdg != NULL ? "" : "/.config");
		rc_file(rc, path, pip_text, NULL);
	}
	if (given != NULL)
		rc_file(rc, given, pip_text, NULL);
	rc_environment(rc, "PIP_");
	/* Those who have uv and not pip say it so. */
	if (rc_get(rc, "index-url") == NULL) {
		static const char *const	names[] = { "UV_DEFAULT_INDEX", "UV_INDEX_URL", NULL };

		if ((given = first_set(names)) != NULL)
			rc_set(rc, SPAN_LIT("index-url"), span_of(given));
	}
}

static bool
is_web(const char *word)
{
	return strncasecmp(word, "https://", 8) == 0 || strncasecmp(word, "http://", 7) == 0;
}

/* A folder of the user's, or nothing: one that is not there is passed over, as pip does. */
static void
add_folder(struct sources *s, const char *word, struct buf *line)
{
	char		real[PATH_MAX];
	struct stat	st;

	if (strncmp(word, "file://", 7) == 0)
		word += 7;
	if (s->folder_count == SOURCES_FOLDERS || realpath(word, real) == NULL || stat(real, &st) == -1 ||
	    !S_ISDIR(st.st_mode) || strpbrk(real, " \n${}") != NULL)
		return;
	if ((s->folders[s->folder_count++] = strdup(real)) == NULL)
		fatal(EX_OSERR, "no memory");
	must(buf_put_fmt(line, "%s%s", buf_rest(line).n == 0 ? " " : "\n\t", real));
}

/* Each word of a value: an address of the web, or (find-links) a folder. */
static int
pip_places(struct sources *s, const char *key, const char *value, const char *direct, bool proxied,
    char why[SOURCES_WHY])
{
	char		*copy = strdup(value), *left = copy, *word, to[URL_TEXT];
	struct buf	 line;
	int		 r = 0;

	if (copy == NULL)
		fatal(EX_OSERR, "no memory");
	buf_init(&line, TEXT_MAX);
	while (r == 0 && (word = strsep(&left, " \t\n")) != NULL) {
		if (*word == '\0')
			continue;
		if (!is_web(word)) {
			if (strcmp(key, "find-links") == 0)
				add_folder(s, word, &line);
			continue;
		}
		snprintf(to, sizeof(to), "%s", word);
		if (!proxied || is_direct(direct, word))
			r = add_host(s, key, word, to, why);
		if (r == 0)
			must(buf_put_fmt(&line, "%s%s", buf_rest(&line).n == 0 ? " " : "\n\t", to));
	}
	if (r == 0 && buf_rest(&line).n > 0)
		must(buf_put_fmt(&s->pip, "%s =%.*s\n", key, SPAN_FMT(buf_rest(&line))));
	wipe(&line);
	crypt_wipe(copy, strlen(value));
	free(copy);
	return r;
}

static bool
is_at(const char *url, const char *other)
{
	struct source_url	a, b;

	return source_url_parse(url, &a) == 0 && source_url_parse(other, &b) == 0 && a.port == b.port &&
	    strcmp(a.host, b.host) == 0;
}

/* Hosts that are taken at their word, by the names they have within.  This machine's own pip trusts by itself, when
 * it is called so. */
static void
pip_trusted(struct sources *s, const char *value)
{
	const char	*separator = "trusted-host = ", *special;

	for (size_t i = 0; i < s->hosts.count; i++) {
		const struct endpoint	*p = &s->hosts.list[i];

		special = p->renamed ? addr_special(&p->address) : NULL;
		if ((value == NULL || strstr(value, p->host) == NULL) &&
		    (special == NULL || strcmp(special, "loopback") != 0))
			continue;
		must(buf_put_fmt(&s->pip, "%s%s", separator, p->inside));
		separator = "\n\t";
	}
	must(buf_put_str(&s->pip, "\n"));
}

int
sources_pip(struct sources *s, const char *normal, const char *files, const char *ca, char why[SOURCES_WHY])
{
	static const char *const lists[] = { "index-url", "extra-index-url", "find-links" };
	struct rc	 rc = { NULL, 0 };
	const char	*proxy, *direct = direct_of_environment(), *value;
	char		 to[URL_TEXT], host[256];
	int		 r = 0;

	pip_read(&rc);
	must(buf_put_str(&s->pip, "[global]\ndisable-pip-version-check = true\n"));
	proxy = is_given(rc_get(&rc, "proxy")) ? rc_get(&rc, "proxy") : proxy_of_environment();
	if (proxy != NULL && (r = add_host(s, "pip's proxy", proxy, to, why)) == 0)
		must(buf_put_fmt(&s->pip, "proxy = %s\n", to));
	if (is_given(rc_get(&rc, "no-index")) && strcmp(rc_get(&rc, "no-index"), "0") != 0) {
		must(buf_put_str(&s->pip, "no-index = true\n"));
	} else {
		if (!is_given(rc_get(&rc, "index-url")))
			rc_set(&rc, SPAN_LIT("index-url"), span_of(normal));
		if (r == 0 && proxy == NULL && is_at(rc_get(&rc, "index-url"), normal)) {
			snprintf(host, sizeof(host), "https://%.200s", files);
			r = add_host(s, "the index's files", host, to, why);
		}
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && r == 0; i++)
		if (is_given(value = rc_get(&rc, lists[i])))
			r = pip_places(s, lists[i], value, direct, proxy != NULL, why);
	if (r == 0)
		pip_trusted(s, rc_get(&rc, "trusted-host"));
	if (r == 0 && is_given(value = rc_get(&rc, "cert")) &&
	    (r = read_ca(value, "pip's cert", &s->pip_ca, why)) == 0)
		must(buf_put_fmt(&s->pip, "cert = %s\n", ca));
	rc_free(&rc);
	return r;
}
