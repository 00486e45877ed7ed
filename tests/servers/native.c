/* SPDX-License-Identifier: Apache-2.0
 *
 * native.c - a program that speaks no MCP, as a tool: native-tool WHAT [ARGUMENT]...
 *
 *   args ...       each argument in brackets, one a line
 *   cat            stdin to stdout
 *   say TEXT       TEXT, as it is
 *   exit N         "out" to stdout, "err" to stderr, then that status
 *   signal N       ends by it
 *   sleep MS       waits, then "slept"
 *   ignore MS      the same, and TERM is ignored
 *   flood N        N bytes of stdout
 *   complain N     N bytes of stderr, then "done"
 *   odd            bytes that are no UTF-8, a NUL, an escape sequence
 *   env NAME       its value
 *   write PATH     makes that file
 *   where          the working folder and HOME
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void
pause_ms(long ms)
{
	struct timespec	t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
	puts("slept");
}

static void
pour(int fd, long long n)
{
	static char	room[65536];
	size_t		k;

	memset(room, 'x', sizeof(room));
	for (; n > 0; n -= (long long)k) {
		k = n < (long long)sizeof(room) ? (size_t)n : sizeof(room);
		if (write(fd, room, k) == -1)
			_exit(3);
	}
}

int
main(int argc, char **argv)
{
	const char	*what = argc > 1 ? argv[1] : "", *arg = argc > 2 ? argv[2] : "0";
	char		 room[4096];
	size_t		 n;
	FILE		*f;

	if (strcmp(what, "args") == 0) {
		for (int i = 2; i < argc; i++)
			printf("[%s]\n", argv[i]);
	} else if (strcmp(what, "cat") == 0) {
		while ((n = fread(room, 1, sizeof(room), stdin)) > 0)
			fwrite(room, 1, n, stdout);
	} else if (strcmp(what, "say") == 0) {
		fputs(arg, stdout);
	} else if (strcmp(what, "exit") == 0) {
		fputs("out\n", stdout);
		fputs("err\n", stderr);
		return atoi(arg);
	} else if (strcmp(what, "signal") == 0) {
		raise(atoi(arg));
		pause();
	} else if (strcmp(what, "sleep") == 0 || strcmp(what, "ignore") == 0) {
		if (what[0] == 'i')
			signal(SIGTERM, SIG_IGN);
		pause_ms(atol(arg));
	} else if (strcmp(what, "flood") == 0) {
		pour(STDOUT_FILENO, atoll(arg));
	} else if (strcmp(what, "complain") == 0) {
		pour(STDERR_FILENO, atoll(arg));
		puts("done");
	} else if (strcmp(what, "odd") == 0) {
		fwrite("a\0b\xff\xc3(\x1b[31m\n", 1, 12, stdout);
	} else if (strcmp(what, "env") == 0) {
		printf("%s\n", getenv(arg) == NULL ? "(none)" : getenv(arg));
	} else if (strcmp(what, "write") == 0) {
		if ((f = fopen(arg, "w")) == NULL)
			return 4;
		fclose(f);
		puts("written");
	} else if (strcmp(what, "where") == 0) {
		printf("%s %s\n", getcwd(room, sizeof(room)), getenv("HOME"));
	} else {
		return 64;
	}
	return 0;
}
