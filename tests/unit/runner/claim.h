/* SPDX-License-Identifier: Apache-2.0
 *
 * claim.h - Criterion, and a plain condition as an assertion
 */
#ifndef TESTS_UNIT_RUNNER_CLAIM_H
#define TESTS_UNIT_RUNNER_CLAIM_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define claim(cond, ...)	cr_expect(eq(int, !!(cond), 1), "" __VA_ARGS__)
#define must(cond, ...)		cr_assert(eq(int, !!(cond), 1), "" __VA_ARGS__)

#endif
