/* SPDX-License-Identifier: Apache-2.0
 *
 * tell.c - what came of attempts, for people and programs: TAP, JSON lines, or a line that counts
 *
 * Process: mcpgw-selftest.  Owns: nothing.
 * Trusts:  what an attempt said to be one line; it is cut, and control bytes are not shown.
 */
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sandbox/landlock.h"
#include "tests/escape/tell.h"

#define PROGRESS_EVERY	8

static void
put_clean(const char *text)
{
	for (; *text != '\0'; text++)
		putchar((unsigned char)*text < ' ' || *text == 0x7f || *text == '"' || *text == '\\' ? '?' : *text);
}

/* What Landlock has of what a jail asks for, by its ABI. */
static const char *
landlock_gives(int abi)
{
	if (abi >= 6)
		return "files, truncation, devices, TCP, signals, abstract sockets";
	if (abi >= 5)
		return "files, truncation, devices, TCP";
	if (abi >= 4)
		return "files, truncation, TCP";
	if (abi >= 3)
		return "files, truncation";
	return abi >= 1 ? "files" : "nothing: this kernel has none, or it is switched off";
}

void
tell_machine(struct tell *t, const struct trial *trial, const struct jail_probe_result *probe)
{
	struct utsname	u = { .release = "unknown" };
	bool		whole = probe->result != PROBE_REDUCED, proc = probe->result != PROBE_FULL_NO_PROC;
	size_t		runtime = trial->filters[TIER_RUNTIME][NET_NONE].count,
			strict = trial->filters[TIER_STRICT][NET_NONE].count;

	(void)!uname(&u);
	if (t->how == TELL_JSON) {
		printf("{\"kernel\":\"");
		put_clean(u.release);
		printf("\",\"namespaces\":[%s],\"proc\":%s,\"landlock\":%d,"
		    "\"seccomp\":{\"runtime\":%zu,\"strict\":%zu}}\n", whole ? "\"user\",\"mount\",\"pid\",\"net\","
		    "\"ipc\",\"uts\",\"cgroup\"" : "", proc ? "true" : "false",
		    probe->landlock_abi, runtime, strict);
		return;
	}
	printf("# jail: %s\n# kernel: ", probe->line);
	put_clean(u.release);
	printf("\n# namespaces: %s\n# /proc: %s\n# landlock: ABI %d: %s\n"
	    "# seccomp: tier runtime %zu instructions, tier strict %zu\n",
	    whole ? "user, mount, pid, net, ipc, uts, cgroup" : "none", !whole ? "closed, as it is the host's" :
	    proc ? "one of the jail's own" : "none, as the one around it is masked", probe->landlock_abi,
	    landlock_gives(probe->landlock_abi), runtime, strict);
}

void
tell_skip(struct tell *t, const char *why)
{
	if (t->how == TELL_JSON) {
		printf("{\"skipped\":\"");
		put_clean(why);
		printf("\"}\n");
	} else {
		printf("1..0 # SKIP %s\n", why);
	}
}

static void
tell_json(const struct escape_row *row, enum escape_mode mode, enum jail_tier tier, enum escape want, bool well,
    const char *said)
{
	printf("{\"ok\":%s,\"attempt\":\"%s\",\"row\":%d,\"tier\":\"%s\",\"net\":\"%s\",\"jail\":\"%s\",\"expected\":\"%s\","
	    "\"result\":\"", well ? "true" : "false", row->name, row->number, escape_tiers[tier],
	    escape_modes[mode], mode == ESCAPE_REDUCED ? "reduced" : "full", escape_results[want]);
	put_clean(said);
	printf("\"}\n");
}

void
tell_one(struct tell *t, const struct escape_row *row, enum escape_mode mode, enum jail_tier tier,
    enum escape want, int got, const char *said)
{
	bool	well = got >= (int)want;

	t->number++;
	t->weaker += !well;
	t->stricter += got > (int)want;
	if (t->how == TELL_JSON) {
		tell_json(row, mode, tier, want, well, said);
		return;
	}
	if (t->how == TELL_TERMINAL && (t->number % PROGRESS_EVERY == 0 || !well))
		fprintf(stderr, "\r%u of %u\033[K", t->number, t->total);
	if (t->how == TELL_TERMINAL && well)
		return;
	if (t->how == TELL_TERMINAL)
		fprintf(stderr, "\r\033[K");
	printf("%s %u - %d %s in tier %s, net %s%s: ", well ? "ok" : "not ok", t->number, row->number, row->what,
	    escape_tiers[tier], escape_modes[mode], mode == ESCAPE_REDUCED ? ", reduced" : "");
	put_clean(said);
	putchar('\n');
	if (got != (int)want)
		printf("# expected: %s%s\n", escape_results[want], well ? ", so it is stricter" : "");
}

int
tell_end(struct tell *t)
{
	switch (t->how) {
	case TELL_JSON:
		printf("{\"ok\":%s,\"attempts\":%u,\"weaker\":%u,\"stricter\":%u}\n",
		    t->weaker == 0 && t->number > 0 ? "true" : "false", t->number, t->weaker, t->stricter);
		break;
	case TELL_TERMINAL:
		fprintf(stderr, "\r\033[K");
		if (t->weaker == 0)
			printf("All %u attempts were held.\n", t->number);
		else
			printf("%u of %u attempts were held less than expected: mcpgwctl selftest --jail >FILE "
			    "tells all.\n", t->weaker, t->number);
		break;
	case TELL_TAP:
		printf("1..%u\n", t->number);
		break;
	}
	return t->weaker > 0 || t->number == 0 || fflush(stdout) == EOF || ferror(stdout);
}
