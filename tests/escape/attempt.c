/* SPDX-License-Identifier: Apache-2.0
 *
 * attempt.c - tries one way out of a jail; the program that runs inside
 *
 * usage: attempt NAME [FOLDER PORT ADDRESS]
 *
 * One line on stdout: denied:ERRNO, limited or ALLOWED.  A killed attempt says nothing; who runs it sees
 * the signal.
 *
 * Process: the tool in a jail of its own.  Owns: what it breaks.  Trusts: nobody, and nobody trusts it.
 */
#include <string.h>
#include <unistd.h>

#include "tests/escape/attempts.h"

#define PATIENCE_S	15

struct outside	outside = { .folder = "/nowhere", .address = "" };

static const struct {
	const char	*name;
	int		(*run)(void);
} attempts[] = {
#define ATTEMPT(name, row, runtime, strict, off, layers, landlock, what) { #name, try_##name },
#include "tests/escape/attempts.def"
#undef ATTEMPT
};

int
main(int argc, char **argv)
{
	if (argc == 5)
		outside = (struct outside){ argv[2], (uint16_t)strtoul(argv[3], NULL, 10), argv[4] };
	for (size_t i = 0; argc >= 2 && i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		int r;

		if (strcmp(attempts[i].name, argv[1]) != 0)
			continue;
		alarm(PATIENCE_S);
		r = attempts[i].run();
		if (r > 0)
			printf("denied:%d\n", r);
		else
			puts(r == LIMITED_AT ? "limited" : "ALLOWED");
		return 0;
	}
	fprintf(stderr, "usage: attempt NAME [FOLDER PORT ADDRESS]\n");
	return 64;
}
