/* SPDX-License-Identifier: Apache-2.0
 *
 * native.c - the argument vector of a program, of its sealed template and the values a client gave
 *
 * Process: mcpgw-spawn.
 * Owns:    nothing beyond a call; words go into the plan's room.
 * Trusts:  no value: each is checked as if no runner had done so, and a path is looked at on the host, under
 *          the uid the tool will have.  What the jail shows bounds it all the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fd.h"
#include "policy/words.h"
#include "sandbox/spawner/plan_priv.h"

/* --- paths ------------------------------------------------------------------------------------ */

/* 0 or -1 with errno. */
static int
look_beneath(int folder, const char *path)
{
	struct open_how	how = { .flags = O_PATH | O_CLOEXEC,
			    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	int		fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));

	if (fd == -1)
		return -1;
	fd_close(&fd);
	return 0;
}

/* Its folder, when the last part is to be made by the tool. */
static int
look_at_folder_of(int folder, char *path)
{
	char	*slash = strrchr(path, '/');

	if (slash == NULL)
		return 0;
	*slash = '\0';
	return look_beneath(folder, path);
}

static int
path_refused(struct plan *p, struct span name, const char *why)
{
	snprintf(p->why, sizeof(p->why), "argument \"%.*s\" %s", name.n > 64 ? 64 : (int)name.n, name.p, why);
	return E_RANGE;
}

static int
check_path(struct plan *p, int folder, const struct rec_slot *slot, struct span name, struct span value)
{
	char	path[SLOT_ARGS_MAX + 1];
	int	r;

	if (value.n >= sizeof(path))
		return path_refused(p, name, "is too long");
	memcpy(path, value.p, value.n);
	path[value.n] = '\0';
	if (value.n == 0)
		return 0;		/* the slot allows it, and it names nothing */
	r = look_beneath(folder, path);
	if (r == -1 && errno == ENOENT && (slot->flags & SLOT_FLAG_MAY_CREATE) != 0)
		r = look_at_folder_of(folder, path);
	if (r == 0)
		return 0;
	return path_refused(p, name, errno == EXDEV ? "leads out of the folder" :
	    errno == ENOENT || errno == ENOTDIR ? "names nothing that is there" :
	    errno == EACCES ? "is not for this tool to see" : "cannot be looked at");
}

static int
check_paths(struct plan *p, const struct snap *profile, const struct plan_tool *tool)
{
	int	folder = -1, r = 0;

	for (size_t i = 0; r == 0 && i < tool->values->count; i++) {
		const struct slot_value	*v = &tool->values->v[i];
		const struct rec_slot	*slot = slots_at(profile, tool->tool, v->slot);

		if (slot == NULL || slot->type != SLOT_PATH)
			continue;
		if (folder == -1 && (p->spec.workdir == NULL ||
		    (folder = open(p->spec.workdir, O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1))
			return plan_fault(p, E_SYS, "its working folder cannot be opened", span_of(p->spec.workdir));
		r = check_path(p, folder, slot, snap_text(profile, slot->name), v->text);
	}
	fd_close(&folder);
	return r;
}

/* --- words ------------------------------------------------------------------------------------ */

struct words {
	struct plan	 *p;
	const char	**argv;
	struct plan_foreign *foreign;
	size_t		  count;
};

static int
take_word(const struct word *word, void *arg)
{
	struct words		*w = arg;
	struct span		 text = word->text;
	struct plan_value	*values = plan_room(w->p, word->value_count * sizeof(*values));
	char			*to;

	if ((text.n > 0 && memchr(text.p, '\0', text.n) != NULL) || values == NULL ||
	    (to = plan_room(w->p, text.n + 1)) == NULL)
		return E_TOOBIG;
	if (text.n > 0)
		memcpy(to, text.p, text.n);
	to[text.n] = '\0';
	for (size_t i = 0; i < word->value_count; i++)
		values[i] = (struct plan_value){ word->values[i].at, word->values[i].bytes };
	w->foreign[w->count] = (struct plan_foreign){ values, word->value_count };
	w->argv[w->count++] = to;
	return 0;
}

int
plan_words(struct plan *p, const struct snap *profile, const struct plan_tool *tool)
{
	struct words	w = { .p = p };
	int		r;

	if ((r = slots_check(profile, tool->tool, tool->values, SLOT_FLAG_ARGS, p->why, sizeof(p->why))) != 0 ||
	    (r = check_paths(p, profile, tool)) != 0)
		return r;
	if ((w.argv = plan_room(p, (WORDS_MAX + 2) * sizeof(*w.argv))) == NULL ||
	    (w.foreign = plan_room(p, (WORDS_MAX + 1) * sizeof(*w.foreign))) == NULL ||
	    (w.argv[0] = plan_copy(p, profile, tool->tool->argv0)) == NULL)
		return plan_fault(p, E_TOOBIG, "arguments too long", SPAN_NONE);
	w.foreign[0] = (struct plan_foreign){ NULL, 0 };
	w.count = 1;
	if ((r = words_expand(profile, tool->tool, tool->values, take_word, &w, p->why, sizeof(p->why))) != 0)
		return r;
	w.argv[w.count] = NULL;
	p->spec.argv = w.argv;
	p->foreign = w.foreign;
	return 0;
}
