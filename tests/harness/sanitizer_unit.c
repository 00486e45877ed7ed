/* SPDX-License-Identifier: Apache-2.0
 *
 * sanitizer_unit.c - what sanitized unit tests start with (make SAN=...)
 *
 * Criterion keeps some memory of tests that it has ended; that is not a leak of ours.
 */
const char	*__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libcriterion\n";
}
