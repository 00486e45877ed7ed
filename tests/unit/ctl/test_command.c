/* SPDX-License-Identifier: Apache-2.0
 *
 * test_command.c - words, options, exit codes, with the real program and no gateway
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/command.h"
#include "ctl/opts.h"

static char	home[64], program[PATH_MAX + 32];

static void
setup(void)
{
	char	path[PATH_MAX] = "", *build = path;

	cr_assert(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
	for (int up = 0; up < 4; up++)
		build = dirname(build);
	snprintf(program, sizeof(program), "%s/bin/mcpgwctl", build);
	strcpy(home, "/tmp/mcpgw-ctl-XXXXXX");
	cr_assert(mkdtemp(home) != NULL);
}

static void
teardown(void)
{
	char	command[128];

	snprintf(command, sizeof(command), "rm -rf %s", home);
	cr_expect(system(command) == 0);
}

/* Runs it with these words as a user without any gateway; out gets stdout and stderr. */
static int
run(const char *words, char *out, size_t room)
{
	char	 command[PATH_MAX + 512];
	FILE	*f;
	size_t	 n;
	int	 status;

	snprintf(command, sizeof(command), "env -i HOME=%s XDG_RUNTIME_DIR=%s PATH=/usr/bin:/bin %s --user "
	    "-c %s %s 2>&1", home, home, program, home, words);
	f = popen(command, "r");
	cr_assert(f != NULL);
	n = fread(out, 1, room - 1, f);
	out[n] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(command, answers_with_the_right_code, .init = setup, .fini = teardown, .timeout = 30)
{
	const struct {
		const char	*words;
		int		 want;
		const char	*says;
	} rows[] = {
		{ "version", 0, "mcpgw " },
		{ "--version", 0, "mcpgw " },
		{ "version --json", 0, "{\"version\":\"" },
		{ "help", 0, "key add --agent AGENT" },
		{ "--help", 0, "usage: mcpgwctl" },
		{ "help key", 0, "key revoke NAME" },
		{ "help 2>&1 >/dev/full #", EX_IOERR, "not all of it: No space left on device" },
		{ "help | head -1", 0, "usage: mcpgwctl" },
		{ "help key list", 0, "key list [--agent AGENT]" },
		{ "help server breaker reset", 0, "  server breaker reset SERVER" },
		{ "server breaker reset --help", 0, "  server breaker reset SERVER" },
		{ "help server breaker", 0, "  server breaker reset SERVER" },
		{ "help call_timeout", 0, "  call_timeout = 30s\n    Time for one tool call" },
		{ "help call_timeout --json", 0, "{\"parameter\":\"call_timeout\",\"default\":\"30s\"," },
		{ "help a b c d", EX_USAGE, "\"d\" is too much; it wants: mcpgwctl help [COMMAND]" },
		{ "servers list", EX_USAGE, "unknown verb \"servers\"; did you mean server list?" },
		{ "aproval rm x", EX_USAGE, "unknown verb \"aproval\"; did you mean approval? See mcpgwctl help approval" },
		{ "keys", EX_USAGE, "did you mean key? See mcpgwctl help key" },
		{ "server frobnicate x", EX_USAGE, "unknown verb \"server frobnicate\"; see mcpgwctl help server\n" },
		{ "status --bogus", EX_USAGE, "unknown option \"--bogus\"; see mcpgwctl help status" },
		{ "audit list --foo bar", EX_USAGE, "unknown option \"--foo\"; see mcpgwctl help audit list" },
		{ "", EX_USAGE, "usage: mcpgwctl" },
		{ "staus", EX_USAGE, "unknown verb \"staus\"; did you mean status?" },
		{ "key ad", EX_USAGE, "did you mean key add?" },
		{ "key", EX_USAGE, "key: what with it?" },
		{ "xyzzy-nothing-like-it", EX_USAGE, "see mcpgwctl help" },
		{ "key add", EX_USAGE, "--agent" },
		{ "key add --agnet x", EX_USAGE, "did you mean --agent?" },
		{ "key add --agent", EX_USAGE, "--agent needs a value" },
		{ "key add --agent a --ends soon", EX_USAGE, "like 30d" },
		{ "key add --agent a --ends 36501d", EX_USAGE, "at most 36500d" },
		{ "key add --agent a --name ''", EX_USAGE, "a key's name is of one to 128 bytes" },
		{ "reload now", EX_USAGE, "\"now\" is too much" },
		{ "call docs", EX_USAGE, "Write SERVER.TOOL" },
		{ "call a b c", EX_USAGE, "NAME=VALUE" },
		{ "call a b --args '[1]'", EX_USAGE, "not a JSON object" },
		{ "status", 3, "not running (no " },
		{ "reload", EX_UNAVAILABLE, "Start it: " },
		{ "stop", EX_UNAVAILABLE, "not running" },
		{ "list", EX_UNAVAILABLE, "mcp.sock" },
		{ "check", 0, "0 errors" },
		{ "audit verify", 0, "0 records" },
		{ "audit verify --json", 0, "{\"whole\":true," },
		{ "audit list -n 3 --outcome ok", 0, "no record" },
		{ "audit list -n many", EX_USAGE, "--limit many: want a number of records" },
		{ "audit list --since soon", EX_USAGE, "--since soon: want how long ago" },
		{ "audit tail --decision maybe", EX_USAGE, "--decision maybe: want allow, deny or learn" },
		{ "audit tail --outcome fine", EX_USAGE, "--outcome fine: want one of ok error refused" },
		{ "audit tail --request r-1", EX_USAGE, "--request r-1: want a request's id" },
		{ "completion bash", 0, "complete -o default -F _mcpgwctl mcpgwctl" },
		{ "completion zsh", 0, "#compdef mcpgwctl" },
		{ "completion fish", EX_USAGE, "want bash or zsh" },
		{ "doctor", 0, "jail" },
		{ "doctor --json -o state_dir=/proc/none", 0, "\"check\":\"kernel\",\"verdict\":\"ok\"" },
		{ "doctor -o listen=nonsense", 1, "BAD   configuration" },
		{ "doctor -o call_timeout=soon", 1, "mcpgwctl check" },
		{ "doctor -o listen=192.0.2.1:1", 1, "mcpgwctl conf -e listen=" },
		{ "doctor now", EX_USAGE, "too much" },
		{ "help", 0, "See how it is:" },
		{ "help", 0, "Words of other tools" },
		{ "help --json", 0, "{\"command\":\"start\",\"arguments\":\"[-o NAME=VALUE]\",\"group\":\"Start and stop\"," },
		{ "help server ls", 0, "server list" },
		{ "help queue", 0, "List the calls in flight" },
		{ "status --help", 0, "status [NAME]" },
		{ "server inspect --help", 0, "server show SERVER" },
		{ "server --help", 0, "server restart SERVER" },
		{ "nonsense --help", EX_USAGE, "unknown verb" },
		{ "ps", EX_UNAVAILABLE, "not running" },
		{ "top", EX_UNAVAILABLE, "not running" },
		{ "ps now", EX_USAGE, "too much" },
		{ "kill", EX_USAGE, "missing" },
		{ "kill 12", EX_USAGE, "is no request id" },
		{ "kill r-000000000000", EX_UNAVAILABLE, "not running" },
		{ "trace -n 0", EX_USAGE, "want a number of calls" },
		{ "trace", EX_UNAVAILABLE, "not running" },
		{ "limit show", EX_UNAVAILABLE, "not running" },
		{ "limit ls", EX_USAGE, "unknown verb \"limit ls\"" },
		{ "server list", EX_UNAVAILABLE, "not running" },
		{ "server get x --tenat y", EX_USAGE, "did you mean --tenant?" },
		{ "key rm x", EX_IOERR, "the store in " },
		{ "bundle --output /proc/none/file", EX_CANTCREAT, "choose another" },
		{ "conf call_timeout", 0, "call_timeout = 30s" },
		{ "conf -d socket", 0, "socket = $run_dir/mcp.sock" },
		{ "conf call_timeot", EX_USAGE, "did you mean call_timeout?" },
		{ "conf -e call_timeout", EX_USAGE, "want NAME=VALUE" },
		{ "conf -e call_timeout=soon", EX_CONFIG, "nothing was written" },
		{ "conf -e config_dir=/", EX_USAGE, "-c only" },
		{ "conf -n", 0, "" },
		{ "conf -X call_timeout", 0, "nothing was changed" },
		{ "conf -e call_timeout=5s", 0, "mcpgw.conf changed.  No gateway runs; it will be in force from the next start on" },
		{ "conf -e call_timeout=5s", 0, "mcpgw.conf says so already; nothing was changed" },
		{ "conf --json -e call_timeout=5s", 0, "{\"changed\":false}" },
		{ "conf --json -e workers=2 idle_stop=1min", 0, "{\"changed\":true,\"put_in_force\":\"reload\"}" },
		{ "conf --json -e watch=no idle_stop=1min", 0, "\"put_in_force\":\"upgrade\"}" },
		{ "conf --json -X watch", 0, "\"put_in_force\":\"upgrade\"}" },
		{ "conf --json -e state_dir=/nowhere watch=no", 0, "\"put_in_force\":\"restart\"}" },
		{ "conf --json -X state_dir", 0, "\"put_in_force\":\"restart\"}" },
		{ "conf --json -X watch", 0, "\"put_in_force\":\"upgrade\"}" },
		{ "conf -n", 0, "call_timeout = 5s\nidle_stop = 1min\n" },
		{ "conf --json -X call_timeout", 0, "\"put_in_force\":\"reload\"}" },
		{ "conf --json call_timeout", 0, "\"value\":\"30s\"" },
		{ "conf -n -d", EX_USAGE, "one of them" },
	};
	char	out[16384];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int code = run(rows[i].words, out, sizeof(out));

		cr_expect(eq(int, code, rows[i].want), "row %zu: %s: %s", i, rows[i].words, out);
		cr_expect(strstr(out, rows[i].says) != NULL, "row %zu: %s: %s", i, rows[i].words, out);
	}
}

/* In a real bash: what is offered for these words. */
static void
expect_offered(const char *typed, int place, const char *want)
{
	char	 command[PATH_MAX + 512], got[1024] = "";
	FILE	*f;

	snprintf(command, sizeof(command), "bash -c '. <(%s completion bash); COMP_WORDS=(%s); COMP_CWORD=%d; "
	    "_mcpgwctl; echo \"${COMPREPLY[*]}\"'", program, typed, place);
	f = popen(command, "r");
	cr_assert(f != NULL);
	(void)!fread(got, 1, sizeof(got) - 1, f);
	cr_expect(eq(int, pclose(f), 0), "%s", typed);
	cr_expect(strcmp(got, want) == 0, "%s: %s", typed, got);
}

Test(command, bash_completes_words_and_options, .init = setup, .fini = teardown, .timeout = 30)
{
	if (access("/bin/bash", X_OK) != 0)
		cr_skip("no bash here");
	expect_offered("mcpgwctl relo", 1, "reload\n");
	expect_offered("mcpgwctl key \"\"", 2, "add rotate list show revoke\n");
	expect_offered("mcpgwctl --json key re", 3, "revoke\n");
	expect_offered("mcpgwctl key add --na", 3, "--name\n");
	expect_offered("mcpgwctl list --a", 2, "--as\n");
	expect_offered("mcpgwctl token --for", 2, "--for --force\n");
	expect_offered("mcpgwctl token ro", 2, "rotate\n");
	expect_offered("mcpgwctl tra", 1, "trace\n");
	expect_offered("mcpgwctl server l", 2, "list login logout learn\n");
	expect_offered("mcpgwctl limit \"\"", 2, "show reset\n");
	expect_offered("mcpgwctl bundle --no", 2, "--no-identities\n");
	expect_offered("mcpgwctl trace --he", 2, "--help\n");
	expect_offered("mcpgwctl serv", 1, "server\n");
	expect_offered("mcpgwctl nonsense --a", 2, "\n");
	expect_offered("mcpgwctl server b", 2, "breakers breaker\n");
	expect_offered("mcpgwctl server r", 2, "restart remove\n");
	expect_offered("mcpgwctl server breaker \"\"", 3, "reset\n");
	expect_offered("mcpgwctl server breaker reset --e", 4, "--endpoint\n");
	expect_offered("mcpgwctl server list --js", 3, "--json\n");
	expect_offered("mcpgwctl token revoke --j", 3, "--json --jti\n");
	expect_offered("mcpgwctl key revoke --ten", 3, "--tenant\n");
	expect_offered("mcpgwctl start -o", 2, "-o\n");
	expect_offered("mcpgwctl completion b", 2, "bash\n");
	expect_offered("mcpgwctl help rel", 2, "reload\n");
	expect_offered("mcpgwctl audit list --dec", 3, "--decision\n");
}

Test(command, no_number_and_no_word_is_used_twice)
{
	static const unsigned	numbers[] = {
#define CTLCMD(name, words, number, privilege, arguments, doc) number,
#include "tables/ctlcmds.def"
#undef CTLCMD
	};
	size_t	n = sizeof(numbers) / sizeof(numbers[0]);

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++) {
			cr_expect(ne(u32, numbers[i], numbers[j]));
			cr_expect(strcmp(commands[i].words, commands[j].words) != 0);
		}
	cr_expect(commands[n].words == NULL);
}

Test(opts, finds_the_nearest_word_or_none)
{
	const char *const	list[] = { "status", "start", "stop", "reload", NULL };
	const struct {
		const char	*typed, *want;
	} rows[] = {
		{ "staus", "status" }, { "statsu", "status" }, { "stpo", "stop" }, { "relaod", "reload" },
		{ "zzzzzz", NULL }, { "", NULL }, { "sum", NULL }, { "unload", "reload" }, { "reply", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char	*got = opts_nearest(rows[i].typed, list);
		bool		 same = rows[i].want == NULL ? got == NULL :
				    got != NULL && strcmp(got, rows[i].want) == 0;

		cr_expect(same, "row %zu: %s", i, got);
	}
}
