/* SPDX-License-Identifier: Apache-2.0
 *
 * attempt.c - tries one way out of a jail; the program that runs inside
 *
 * usage: attempt NAME        one line on stdout: denied:ERRNO, limited or ALLOWED
 *
 * Process: the tool in a jail of its own.  Owns: what it breaks.  Trusts: nobody, and nobody trusts it.
 * A killed attempt says nothing; who runs it sees the signal.
 */
#include <stdio.h>
#include <string.h>

#include "tests/escape/attempts.h"

static const struct {
	const char	*name;
	int		(*run)(void);
} attempts[] = {
#define ATTEMPT(name, row, runtime, strict, off, what) { #name, try_##name },
#include "tests/escape/attempts.def"
#undef ATTEMPT
};

int
main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		int r;

		if (strcmp(attempts[i].name, argv[1]) != 0)
			continue;
		r = attempts[i].run();
		if (r > 0)
			printf("denied:%d\n", r);
		else
			puts(r == LIMITED_AT ? "limited" : "ALLOWED");
		return 0;
	}
	fprintf(stderr, "usage: attempt NAME\n");
	return 64;
}
