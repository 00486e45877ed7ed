/* SPDX-License-Identifier: Apache-2.0
 *
 * typed.h - reading members of a known type, with a message when they are of another
 */
#ifndef POLICY_COMPILER_TYPED_H
#define POLICY_COMPILER_TYPED_H

#include "policy/compiler/job.h"

/* Each answers whether the member is there and right; out is untouched when it is absent or wrong.
 * Wrong ones were said. */
bool	typed_is(struct job *j, const struct source *s, const struct conf_node *n, enum json_type want);
bool	typed_flag(struct job *j, const struct source *s, const struct conf_node *object, const char *key,
	    bool *out);
bool	typed_string(struct job *j, const struct source *s, const struct conf_node *object,
	    const char *key, const struct conf_node **out);
/* One of `words` (a NULL-terminated list): its place. */
bool	typed_word(struct job *j, const struct source *s, const struct conf_node *object, const char *key,
	    const char *const *words, uint32_t *out);
bool	typed_number(struct job *j, const struct source *s, const struct conf_node *object,
	    const char *key, uint64_t min, uint64_t max, uint64_t *out);
/* A number of bytes, or a text such as "64MiB". */
bool	typed_size(struct job *j, const struct source *s, const struct conf_node *object, const char *key,
	    uint64_t min, uint64_t max, uint64_t *out);
/* An object or an array of that name, all its members strings when `strings`. */
bool	typed_list(struct job *j, const struct source *s, const struct conf_node *object, const char *key,
	    enum json_type want, bool strings, const struct conf_node **out);
/* Every member of object is one of `keys` (a NULL-terminated list); says which are not. */
void	typed_keys(struct job *j, const struct source *s, const struct conf_node *object,
	    const char *const *keys);

#endif
