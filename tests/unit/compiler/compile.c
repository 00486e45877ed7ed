/* SPDX-License-Identifier: Apache-2.0
 *
 * compile.c - runs the compiler over a folder, as `mcpgw -t` does, and maps what it made
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "policy/compiler/secrets.h"
#include "tests/unit/compiler/compile.h"

static void
take_note(enum note_level level, const char *line, void *arg)
{
	struct compiled	*c = arg;

	(void)level;
	cr_assert(eq(int, buf_put_str(&c->notes, line), 0));
	cr_assert(eq(int, buf_put_str(&c->notes, "\n"), 0));
}

static struct snap *
sealed(struct build *b)
{
	struct snap	*s;
	uint64_t	 length;
	int		 fd;

	cr_assert(eq(int, build_seal(b, 1, &fd, &length), 0));
	cr_assert(eq(int, snap_map(fd, &s), 0));
	fd_close(&fd);
	return s;
}

static void
compile(const char *folder, bool personal, const char *const *options, const struct learning *learning,
    size_t learning_count, struct compiled *out)
{
	char		real[4096];
	struct job	j = { .personal = personal, .owner = 4242, .options = options };

	*out = (struct compiled){ 0 };
	buf_init(&out->notes, 1 << 20);
	while (options != NULL && options[j.option_count] != NULL)
		j.option_count++;
	cr_assert(realpath(folder, real) != NULL);
	job_init(&j);
	j.config_dir = real;
	j.config_fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	j.say = take_note;
	j.say_arg = out;
	j.secret_open = secret_open_directly;
	j.cert_open = cert_open_directly;
	j.cred_open = cred_open_directly;
	j.secret_arg = &j;
	j.secrets_needed = true;
	for (j.learning_count = 0; j.learning_count < learning_count; j.learning_count++)
		j.learning[j.learning_count] = learning[j.learning_count];
	job_run(&j);
	out->errors = j.errors;
	out->warnings = j.warnings;
	if (j.errors == 0) {
		out->policy = sealed(j.policy);
		out->profile = sealed(j.profile);
		out->worker_secrets = sealed(j.worker_secrets);
		out->scout_secrets = sealed(j.scout_secrets);
		out->tenant_secrets = sealed(j.tenant_secrets);
	}
	job_fini(&j);
}

void
compile_folder(const char *folder, bool personal, const char *const *options, struct compiled *out)
{
	compile(folder, personal, options, NULL, 0, out);
}

void
compile_learning(const char *folder, const struct learning *learning, size_t count, struct compiled *out)
{
	compile(folder, false, NULL, learning, count, out);
}

void
compiled_fini(struct compiled *c)
{
	snap_release(&c->policy);
	snap_release(&c->profile);
	snap_release(&c->worker_secrets);
	snap_release(&c->scout_secrets);
	snap_release(&c->tenant_secrets);
	buf_fini(&c->notes);
}

void
scratch_new(char path[64])
{
	strcpy(path, "/tmp/mcpgw-test-XXXXXX");
	cr_assert(mkdtemp(path) != NULL);
}

void
scratch_write(const char *folder, const char *name, const char *text, unsigned mode)
{
	char	path[4096];
	FILE	*f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
	if (text == NULL)
		return;
	for (char *p = path + strlen(folder) + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		(void)mkdir(path, 0700);
		*p = '/';
	}
	f = fopen(path, "w");
	cr_assert(f != NULL);
	fputs(text, f);
	fclose(f);
	cr_assert(eq(int, chmod(path, (mode_t)mode), 0));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void
scratch_remove(const char *folder)
{
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
