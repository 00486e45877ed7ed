/* SPDX-License-Identifier: Apache-2.0
 *
 * replay.c - runs a fuzz target over its corpus and over simple changes of it, printing TAP
 *
 * For `make check`, where no fuzzer is at hand: every file of fuzz/corpus/NAME and
 * fuzz/regression/NAME as it is, cut at every length, and with bytes changed; always the same.
 * The input under way is in PROGRAM.last, for the case that it is the last.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define INPUT_MAX	(1u << 20)
#define CHANGES		3000	/* per file */

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char	*last;		/* a mapping of PROGRAM.last */
static int	 last_fd = -1;
static unsigned	 files;

static uint32_t
dice(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* The target gets a copy of exactly this size, so that a read behind the end is seen. */
static void
run_one(const char *data, size_t n)
{
	uint8_t	*copy = malloc(n == 0 ? 1 : n);

	if (copy == NULL)
		exit(71);
	memcpy(copy, data, n);
	memcpy(last, data, n);
	if (ftruncate(last_fd, (off_t)n) == -1)
		exit(74);
	LLVMFuzzerTestOneInput(copy, n);
	if (ftruncate(last_fd, INPUT_MAX) == -1)
		exit(74);
	free(copy);
}

static void
run_changes(const char *seed, size_t n)
{
	static const unsigned char	nasty[] = { 0, 0x7f, 0x80, 0xff, '"', '\\', '{', '\r', '\n', ' ', '0', '-' };
	static char			work[INPUT_MAX];
	uint32_t			state = 2463534242u + (uint32_t)n;

	for (size_t cut = 0; cut < n && cut < CHANGES / 3; cut++)
		run_one(seed, cut);
	for (unsigned i = 0; n > 0 && i < CHANGES; i++) {
		size_t used = n, at, many;

		memcpy(work, seed, n);
		for (unsigned k = dice(&state) % 4 + 1; k > 0; k--) {
			at = dice(&state) % used;
			switch (dice(&state) % 4) {
			case 0:
				work[at] = (char)nasty[dice(&state) % sizeof(nasty)];
				break;
			case 1:
				work[at] = (char)(work[at] ^ 1 << dice(&state) % 8);
				break;
			case 2:			/* take some out */
				many = dice(&state) % 8 % (used - at);
				memmove(work + at, work + at + many, used - at - many);
				used -= many;
				break;
			default:		/* put some in twice */
				many = dice(&state) % 32 % (used - at);
				if (used + many > INPUT_MAX)
					break;
				memmove(work + at + many, work + at, used - at);
				used += many;
				break;
			}
		}
		run_one(work, used);
	}
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
run_folder(const char *folder, const char *name)
{
	static char	  seed[INPUT_MAX];
	struct dirent	**entries = NULL;
	char		  path[4096];
	int		  count, fd;
	ssize_t		  n;

	snprintf(path, sizeof(path), "fuzz/%s/%s", folder, name);
	count = scandir(path, &entries, NULL, by_name);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "fuzz/%s/%s/%s", folder, name, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && (fd = open(path, O_RDONLY | O_CLOEXEC)) != -1) {
			n = read(fd, seed, sizeof(seed));
			close(fd);
			if (n >= 0) {
				run_one(seed, (size_t)n);
				run_changes(seed, (size_t)n);
				printf("ok %u - %s\n", ++files, path);
				fflush(stdout);
			}
		}
		free(entries[i]);
	}
	free(entries);
}

int
main(int argc, char **argv)
{
	char		 path[4096];
	const char	*name = strstr(argv[0], "replay_");

	if (argc != 1 || name == NULL) {
		fprintf(stderr, "usage: replay_NAME, from the top of the tree\n");
		return 64;
	}
	name += strlen("replay_");
	snprintf(path, sizeof(path), "%s.last", argv[0]);
	last_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (last_fd == -1 || ftruncate(last_fd, INPUT_MAX) == -1)
		return 74;
	last = mmap(NULL, INPUT_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, last_fd, 0);
	if (last == MAP_FAILED)
		return 74;
	run_folder("corpus", name);
	run_folder("regression", name);
	if (files == 0)
		printf("not ok 1 - fuzz/corpus/%s is empty\n", name);
	printf("1..%u\n", files == 0 ? 1 : files);
	unlink(path);
	return files == 0;
}
