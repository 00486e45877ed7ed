/* SPDX-License-Identifier: Apache-2.0
 *
 * escape.h - results of an attempt
 */
#ifndef TESTS_ESCAPE_ESCAPE_H
#define TESTS_ESCAPE_ESCAPE_H

/* Weakest first, as they compare. */
enum escape { ALLOWED, LIMITED, DENIED, KILLED };

#define LIMITED_AT	(-1)

#endif
