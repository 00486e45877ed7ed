/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_form.c - forms: a value is no longer than what it was written as, has no NUL, and is found once or refused
 */
#include <stdint.h>
#include <string.h>

#include "lib/bug.h"
#include "lib/form.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const	names[] = { "grant_type", "scope", "a", "" };
	const struct span		form = span_make(data, n);
	struct arena			a;
	struct span			value, again;
	int				r;

	arena_init(&a, NULL, 0, 1 << 20);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		r = form_find(form, names[i], &a, &value);
		BUG_ON(r != 0 && r != E_EXISTS && r != E_FORMAT && r != E_NOMEM);
		BUG_ON(r != 0 && value.n != 0);
		BUG_ON(value.n > n || (value.n > 0 && memchr(value.p, '\0', value.n) != NULL));
		BUG_ON(r == 0 && (form_find(form, names[i], &a, &again) != 0 || !span_eq(again, value)));
	}
	arena_fini(&a);
	return 0;
}
