/* SPDX-License-Identifier: Apache-2.0
 *
 * profile.c - what is known of a package
 *
 * Process: mcpgwctl.
 * Owns:    the profiles that were read, for the life of the program.
 * Trusts:  the files: they are the installation's and the operator's.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/files/replace.h"
#include "ctl/folders.h"
#include "ctl/import/find.h"
#include "ctl/import/profile.h"
#include "ctl/import/run.h"
#include "ctl/import/view.h"
#include "ctl/out.h"
#include "lib/log.h"
#include "sandbox/jail.h"

#define FILES_MAX	256
#define ASK_MS		5000
#define NAMES_MAX	256

static struct {
	struct conf	*file[FILES_MAX];	/* built-in ones first */
	size_t		 n;
} profiles;

/* ---- reading --------------------------------------------------------------------------------------- */

static const char *const	keys[] = { "folders", "writes", "read", "net", "ask_net", "isolation", "tier",
	"exec_tmp", "limits", "state", "env", "args", "git", "docker", "note", NULL };

static bool
is_key(struct span key)
{
	for (size_t i = 0; keys[i] != NULL; i++)
		if (span_is(key, keys[i]))
			return true;
	return false;
}

/* False: said. */
static bool
check(const char *path, const struct conf_node *top)
{
	const struct conf_node	*bad = top->type == JSON_OBJECT ? NULL : top;

	for (const struct conf_node *p = top->first; bad == NULL && p != NULL; p = p->next) {
		if (p->type != JSON_OBJECT ||
		    (!span_starts(p->key, SPAN_LIT("npm:")) && !span_starts(p->key, SPAN_LIT("pypi:"))))
			bad = p;
		for (const struct conf_node *n = p->first; bad == NULL && n != NULL; n = n->next)
			if (!is_key(n->key))
				bad = n;
	}
	if (bad == NULL)
		return true;
	out_error("%s:%u:%u: error: \"%.*s\": no profile, or nothing that one has; see mcpgw-profiles(5)", path,
	    bad->key_line, bad->key_column, SPAN_FMT(bad->key));
	return false;
}

static int
read_one(const char *path)
{
	struct conf_error	 error;
	char			*text;
	size_t			 bytes;
	int			 r;

	if (profiles.n == FILES_MAX)
		fatal(EX_CONFIG, "%s: more than %d files of profiles", path, FILES_MAX);
	if (replace_read(path, &text, &bytes) != 0)
		return EX_NOINPUT;
	r = conf_new(span_make(text, bytes), &profiles.file[profiles.n], &error);
	free(text);
	if (r != 0) {
		out_error("%s:%u:%u: error: %s", path, error.line, error.column, error.text);
		return EX_CONFIG;
	}
	return check(path, conf_top(profiles.file[profiles.n++])) ? 0 : EX_CONFIG;
}

static int
name_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool
is_json(const char *name)
{
	const char	*dot = strrchr(name, '.');

	return name[0] != '.' && dot != NULL && strcmp(dot, ".json") == 0;
}

static int
read_folder(struct import *im, const char *folder)
{
	const char	*names[NAMES_MAX];
	struct dirent	*e;
	DIR		*d = opendir(folder);
	size_t		 n = 0;
	int		 r = 0;

	if (d == NULL) {
		if (errno == ENOENT)
			return 0;
		out_error("%s: %s", folder, strerror(errno));
		return EX_NOINPUT;
	}
	while ((e = readdir(d)) != NULL && n < NAMES_MAX)
		if (is_json(e->d_name))
			names[n++] = import_fmt(im, "%s/%s", folder, e->d_name);
	closedir(d);
	qsort(names, n, sizeof(*names), name_cmp);
	for (size_t i = 0; i < n && r == 0; i++)
		r = read_one(names[i]);
	return r;
}

int
profiles_read(struct import *im)
{
	char	share[PATH_MAX];
	int	r;

	if (where_share("profiles.d", share, sizeof(share)) == 0 && (r = read_folder(im, share)) != 0)
		return r;
	return read_folder(im, import_fmt(im, "%s/profiles.d", folders_config(im->ctl)));
}

/* The last file that has it counts. */
static const struct conf_node *
find(const char *key)
{
	const struct conf_node	*n;

	for (size_t i = profiles.n; i-- > 0;)
		if ((n = conf_find(conf_top(profiles.file[i]), key)) != NULL)
			return n;
	return NULL;
}

/* ---- applying -------------------------------------------------------------------------------------- */

static const char *
text_of(struct import *im, const struct conf_node *n)
{
	const char	*text = import_text(im, n->text), *home = getenv("HOME");

	return text[0] == '~' && text[1] == '/' && home != NULL ? import_fmt(im, "%s%s", home, text + 1) : text;
}

static const char *
get_text(struct import *im, const struct conf_node *profile, const char *key)
{
	const struct conf_node	*n = conf_find(profile, key);

	return n == NULL || n->type != JSON_STRING ? NULL : text_of(im, n);
}

static bool
is_true(const struct conf_node *profile, const char *key)
{
	const struct conf_node	*n = conf_find(profile, key);

	return n != NULL && n->type == JSON_TRUE;
}

/* The first member or element of a list; NULL: there is none. */
static const struct conf_node *
first_of(const struct conf_node *profile, const char *key)
{
	const struct conf_node	*n = conf_find(profile, key);

	return n == NULL ? NULL : n->first;
}

/* Every argument that is no option is a folder it serves; one that is not there ends it. */
static void
check_folders(struct import *im, struct import_server *s)
{
	size_t	served = 0;

	for (size_t i = 0; i < s->args.n; i++) {
		const char	*arg = s->args.at[i];

		if (arg[0] == '-')
			continue;
		arg = path_join(im, s->workspace, arg);
		if (!find_is_folder(arg))
			server_leave_out(im, s, "%s: no such folder", path_short(im, arg));
		s->args.at[i] = arg;
		served++;
	}
	if (served == 0)
		server_leave_out(im, s, "it is given no folder to serve");
}

/* Its home is the state folder, which is there again with its next start. */
static void
apply_state(struct import *im, struct import_server *s, const struct conf_node *n)
{
	const char		*name = import_text(im, n->key);
	const struct pair	*had = pairs_find(&s->env, name);

	if (had != NULL && words_value(&im->options.write, s->name, 0) != NULL)
		return;		/* the operator shows it where that is */
	if (had != NULL)
		server_note(im, s, "keeps a new %s in its own folder, not %s; to keep that one: --write %s:%s", name,
		    path_short(im, had->value), s->name, path_short(im, path_join(im, had->value, "..")));
	pairs_set(im, &s->env, name, import_fmt(im, JAIL_HOME "/%.*s", SPAN_FMT(n->text)));
	s->keeps_state = true;
}

static const char *
git_config(struct import *im, const char *git, const char *key)
{
	const char	*argv[] = { git, "config", "--global", key, NULL };
	char		 answer[512];

	if (!run_may(git) || run_read(argv, "/", ASK_MS, answer, sizeof(answer)) != 0)
		return NULL;
	answer[strcspn(answer, "\r\n")] = '\0';
	return answer[0] == '\0' ? NULL : import_fmt(im, "%s", answer);
}

/* In a jail a repository may seem to be another's, and nobody has a name. */
static void
apply_git(struct import *im, struct import_server *s)
{
	static const char *const	keys_of[][3] = {
		{ "user.name", "GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME" },
		{ "user.email", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL" },
	};
	const struct words		*lists[] = { &s->read, &s->write };
	const char			*git = find_on_path(im, "git"), *value;
	unsigned			 n = 0;

	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; i < lists[l]->n; i++) {
			if (access(import_fmt(im, "%s/.git", lists[l]->at[i]), F_OK) != 0)
				continue;
			pairs_set(im, &s->env, import_fmt(im, "GIT_CONFIG_KEY_%u", n), "safe.directory");
			pairs_set(im, &s->env, import_fmt(im, "GIT_CONFIG_VALUE_%u", n++), lists[l]->at[i]);
		}
	if (n > 0)
		pairs_set(im, &s->env, "GIT_CONFIG_COUNT", import_fmt(im, "%u", n));
	for (size_t i = 0; git != NULL && i < 2; i++)
		if ((value = git_config(im, git, keys_of[i][0])) != NULL) {
			pairs_set(im, &s->env, keys_of[i][1], value);
			pairs_set(im, &s->env, keys_of[i][2], value);
		}
}

static void
apply_net(struct import *im, struct import_server *s, const struct conf_node *profile)
{
	const char	*ask = get_text(im, profile, "ask_net");

	if (s->net.n > 0 || s->net_word != NULL)
		return;
	for (const struct conf_node *n = first_of(profile, "net"); n != NULL; n = n->next)
		words_add(im, &s->net, text_of(im, n));
	if (ask != NULL && s->net.n == 0)
		server_leave_out(im, s, "%s, so say which hosts it may reach: --net %s:HOST:443", ask, s->name);
}

static void
apply_words(struct import *im, struct import_server *s, const struct conf_node *profile)
{
	const struct conf_node	*n, *limits = conf_find(profile, "limits");
	struct buf		 text;

	for (n = first_of(profile, "args"); n != NULL; n = n->next)
		if (!words_have(&s->args, text_of(im, n)))
			words_add(im, &s->args, text_of(im, n));
	for (n = first_of(profile, "env"); n != NULL; n = n->next)
		if (pairs_find(&s->env, import_text(im, n->key)) == NULL)
			pairs_set(im, &s->env, import_text(im, n->key), text_of(im, n));
	for (n = first_of(profile, "read"); n != NULL; n = n->next)
		if (access(text_of(im, n), F_OK) == 0)
			(void)view_read(im, s, text_of(im, n), NULL);
	if (s->isolation == NULL)
		s->isolation = get_text(im, profile, "isolation");
	if (s->tier == NULL)
		s->tier = get_text(im, profile, "tier");
	s->exec_tmp |= is_true(profile, "exec_tmp");
	if (s->limits != NULL || limits == NULL)
		return;
	buf_init(&text, 64 * 1024);
	if (conf_put_json(limits, &text) == 0)
		s->limits = import_text(im, buf_rest(&text));
	buf_fini(&text);
}

void
profile_apply(struct import *im, struct import_server *s)
{
	const struct conf_node	*profile, *n;
	const char		*note;

	if (s->package == NULL || s->want.kind == NULL || !server_stays(s))
		return;
	profile = find(import_fmt(im, "%s:%s", s->want.kind, s->package));
	if (is_true(profile, "folders"))
		check_folders(im, s);
	for (n = first_of(profile, "state"); n != NULL; n = n->next)
		apply_state(im, s, n);
	view_arguments(im, s);
	view_options(im, s);
	if (profile == NULL)
		return;
	apply_words(im, s, profile);
	apply_net(im, s, profile);
	if (is_true(profile, "git"))
		apply_git(im, s);
	if ((note = get_text(im, profile, "note")) != NULL)
		server_note(im, s, "%s", note);
	if (is_true(profile, "writes") && s->write.n == 0 && s->read.n > 0)
		server_note(im, s, "tools that write will fail; add --write %s:%s if they may.", s->name,
		    path_short(im, s->read.at[0]));
}

/* ---- twins ----------------------------------------------------------------------------------------- */

/* The image's name without its tag or digest, and without the default registry. */
static bool
is_image(const char *word, struct span image)
{
	const char	*slash = strrchr(word, '/');
	size_t		 n = strcspn(slash == NULL ? word : slash, ":@") + (slash == NULL ? 0 : (size_t)(slash - word));

	if (strncmp(word, "docker.io/", 10) == 0)
		return span_eq(span_part(span_of(word), 10, n - 10), image);
	return span_eq(span_make(word, n), image);
}

/* The key of a profile as a command. */
static const char *
as_typed(struct import *im, struct span key)
{
	if (span_starts(key, SPAN_LIT("npm:")))
		return import_fmt(im, "npx -y %.*s", SPAN_FMT(span_part(key, 4, key.n)));
	return import_fmt(im, "uvx %.*s", SPAN_FMT(span_part(key, 5, key.n)));
}

const char *
profile_twin(struct import *im, const struct words *args)
{
	for (size_t f = profiles.n; f-- > 0;)
		for (const struct conf_node *p = conf_top(profiles.file[f])->first; p != NULL; p = p->next)
			for (const struct conf_node *n = first_of(p, "docker"); n != NULL; n = n->next)
				for (size_t i = 0; i < args->n; i++)
					if (is_image(args->at[i], n->text))
						return as_typed(im, p->key);
	return NULL;
}
