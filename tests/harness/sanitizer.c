/* SPDX-License-Identifier: Apache-2.0
 *
 * sanitizer.c - what sanitized programs of the gateway start with (make SAN=...)
 *
 * Children have no environment to be told by.  No leak check: it wants to trace its own process, which
 * one that has changed its user or is confined may not.  Unit tests do without this file, and are
 * checked for leaks.
 */
const char	*__asan_default_options(void);
const char	*__ubsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0:abort_on_error=1:allocator_may_return_null=1";
}

const char *
__ubsan_default_options(void)
{
	return "print_stacktrace=1:abort_on_error=1";
}
