/* SPDX-License-Identifier: Apache-2.0
 *
 * peer_json.h - JSON as json-c reads it; a file of its own, as its names and ours collide
 */
#ifndef FUZZ_PEER_JSON_H
#define FUZZ_PEER_JSON_H

#include <stdbool.h>
#include <stddef.h>

enum peer_json_type { PEER_NULL, PEER_BOOLEAN, PEER_NUMBER, PEER_STRING, PEER_OBJECT, PEER_ARRAY };

struct peer_json;

/* NULL: its strict parser refuses the text.  The caller's, with peer_json_free(). */
struct peer_json *peer_json_read(const char *text, size_t n);
void	peer_json_free(struct peer_json *p);

/* What follows borrows; a null is NULL. */
const struct peer_json *peer_json_top(const struct peer_json *p);
enum peer_json_type peer_json_type(const struct peer_json *v);
bool	peer_json_true(const struct peer_json *v);
const char *peer_json_string(const struct peer_json *v, size_t *n);
double	peer_json_number(const struct peer_json *v);
size_t	peer_json_count(const struct peer_json *v);		/* members, or elements */
const struct peer_json *peer_json_at(const struct peer_json *v, size_t i);
/* NULL is JSON's null, too: *found tells. */
const struct peer_json *peer_json_get(const struct peer_json *v, const char *name, bool *found);

#endif
