/* SPDX-License-Identifier: Apache-2.0
 *
 * disk.c - F9: the disk of state_dir is full, or fails, under load: calls are refused before they run, and come back by
 *          themselves
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fault/inject.h"
#include "tests/fault/lies.h"
#include "tests/integration/common.h"

#define DISK		"size=64m"
#define DISK_ROUNDS	1
#define AUDITOR_KIB	(24 * 1024)	/* of one transaction, over all that had to wait */
#define FULL_MS		60000		/* within this the last segments are written full */
#define BACK_MS		10000

/* A small disk of its own, which nobody else sees. */
static void
mount_disk(const struct gateway *g)
{
	char	path[512];

	snprintf(path, sizeof(path), "%s/state", g->dir);
	cr_assert(mkdir(path, 0755) == 0 && mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, DISK ",mode=755") == 0, "%s",
	    strerror(errno));
}

static void
unmount_disk(const struct gateway *g)
{
	char	path[512];

	snprintf(path, sizeof(path), "%s/state", g->dir);
	cr_expect(umount(path) == 0, "%s", strerror(errno));
}

static void
fill_disk(const struct gateway *g)
{
	static const char	block[4096];
	char			path[512];
	size_t			step = 1 << 20;
	int			fd;

	snprintf(path, sizeof(path), "%s/state/fill", g->dir);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	cr_assert(fd != -1);
	for (off_t at = 0; step >= sizeof(block); )
		if (posix_fallocate(fd, at, (off_t)step) == 0)
			at += (off_t)step;
		else
			step /= 2;
	while (write(fd, block, sizeof(block)) > 0)
		;
	close(fd);
}

static void
free_disk(const struct gateway *g)
{
	char	path[512];

	snprintf(path, sizeof(path), "%s/state/fill", g->dir);
	cr_assert(unlink(path) == 0);
}

/* Every client was refused for want of the audit, and nothing else, for the newest so many requests. */
static bool
is_refused(void *arg)
{
	struct world	*w = arg;
	size_t		 n, busy = 0, looked = 0;

	pthread_mutex_lock(&w->load.lock);
	n = w->load.asked.n;
	for (size_t i = n; i > 0 && looked < 200; i--) {
		const struct asked *a = &w->load.asked.all[i - 1];

		if (key_tool(a->key) == TOOL_SESSION || (a->came == CAME_ERROR && a->code == 403))
			continue;
		looked++;
		busy += strcmp(a->symbol, "AUDIT_UNAVAILABLE") == 0;
	}
	pthread_mutex_unlock(&w->load.lock);
	return looked == 200 && busy == looked;
}

static void
expect_trouble_is_told(struct world *w)
{
	char	*out;
	int	 code = gateway_ctl(&w->g, &out, true, "status", NULL);

	cr_expect(strstr(out, "the audit is not kept up: No space left") != NULL, "status says nothing of the audit: exit %d: %s",
	    code, out);
	free(out);
	/* What is not kept is not promised: in pages that are free it may be. */
	code = gateway_ctl(&w->g, &out, true, "key", "add", "--agent", "bot", NULL);
	cr_expect(code == 0 ? strstr(out, "mgk_") != NULL : strstr(out, "mgk_") == NULL && out[0] != '\0',
	    "key add on a full disk: exit %d: %s", code, out);
	free(out);
}

Test(disk, that_is_full_refuses_calls_before_they_run, .timeout = 240)
{
	struct world	w = { .before = mount_disk, .after = unmount_disk, .more_kib = AUDITOR_KIB };
	struct window	window = { .fault = fault_named("disk"), .places = PLACES_ALL };
	struct world_since since = { .w = &w };

	NEEDS_JAILS();
	if (geteuid() != 0)
		cr_skip_test("only root has a small disk");
	cr_assert(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	world_start(&w, 9, NULL);
	w.load.pause_ms = 0;
	load_start(&w.load);
	sleep_ms(1000);
	world_weigh(&w);
	for (int round = 0; round < DISK_ROUNDS; round++) {
		window.begun = window.done = fault_now_us();
		fill_disk(&w.g);
		cr_expect(wait_until(is_refused, &w, FULL_MS), "the disk is full, and calls are taken");
		cr_log_info("full, and calls refused, after %lld ms", (long long)(fault_now_us() - window.begun) / 1000);
		if (round == 0)
			expect_trouble_is_told(&w);
		sleep_ms(2000);
		since.us = fault_now_us();
		free_disk(&w.g);
		cr_expect(wait_until(world_serves_since, &since, BACK_MS), "there is room again, and calls are refused");
		window.over = fault_now_us() + 2000000;		/* each worker asks for room by itself */
		cr_log_info("served again after %lld ms", (long long)(window.over - 2000000 - since.us) / 1000);
		*log_more(&w.story.windows) = window;
		sleep_ms(3000);
	}
	world_end(&w);
}

/* --- a disk that fails --------------------------------------------------------------------------- */

/* Each write of this program to a file fails so for a while. */
static void
fail_writes(const char *program, int error, bool refuses)
{
	struct world	 w = { .more_kib = AUDITOR_KIB };
	struct window	 window = { .fault = fault_named("disk"), .places = PLACES_ALL };
	struct world_since since = { .w = &w };
	struct lies	*lies;
	char		*log;

	NEEDS_JAILS();
	lies_begin(&lies);
	snprintf(lies->program, sizeof(lies->program), "%s", program);
	world_start(&w, 9, NULL);
	load_start(&w.load);
	sleep_ms(1000);
	world_weigh(&w);
	window.begun = window.done = fault_now_us();
	lies->write_errno = error;
	if (refuses)
		cr_expect(wait_until(is_refused, &w, FULL_MS), "%s cannot write, and calls are taken", program);
	else
		sleep_ms(3000);
	log = gateway_log(&w.g);
	cr_expect(strstr(log, refuses ? "cannot be written, calls are refused" : "records wait in the spool") != NULL,
	    "%s was not hit: %s", program, log);
	free(log);
	since.us = fault_now_us();
	lies->write_errno = 0;
	cr_expect(wait_until(world_serves_since, &since, BACK_MS), "%s can write again, and calls are refused", program);
	window.over = fault_now_us() + 2000000;
	*log_more(&w.story.windows) = window;
	sleep_ms(2500);
	world_end(&w);
}

Test(disk, that_fails_workers_refuses_calls, .timeout = 120)
{
	fail_writes("mcpgw-worker", EIO, true);
}

Test(disk, that_fails_the_auditor_loses_no_record, .timeout = 120)
{
	fail_writes("mcpgw-audit", EIO, false);
}

Test(disk, that_is_read_only_for_the_auditor_loses_no_record, .timeout = 120)
{
	fail_writes("mcpgw-audit", EROFS, false);
}
