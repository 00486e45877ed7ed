/* SPDX-License-Identifier: Apache-2.0
 *
 * typed.c - reading members of a known type, with a message when they are of another
 *
 * Process: mcpgw-compile.  Owns: nothing.
 */
#include "lib/near.h"
#include "lib/num.h"
#include "policy/compiler/typed.h"

bool
typed_is(struct job *j, const struct source *s, const struct conf_node *n, enum json_type want)
{
	if (n->type == want)
		return true;
	job_error(j, s, n, "want %s, not %s", conf_type_name(want), conf_type_name(n->type));
	return false;
}

bool
typed_flag(struct job *j, const struct source *s, const struct conf_node *object, const char *key,
    bool *out)
{
	const struct conf_node	*n = conf_find(object, key);

	if (n == NULL)
		return false;
	if (n->type != JSON_TRUE && n->type != JSON_FALSE)
		return typed_is(j, s, n, JSON_TRUE);
	*out = n->type == JSON_TRUE;
	return true;
}

bool
typed_string(struct job *j, const struct source *s, const struct conf_node *object, const char *key,
    const struct conf_node **out)
{
	const struct conf_node	*n = conf_find(object, key);

	if (n == NULL || !typed_is(j, s, n, JSON_STRING))
		return false;
	*out = n;
	return true;
}

static const char *
word_of(size_t i, const void *arg)
{
	return ((const char *const *)arg)[i];
}

static size_t
words_count(const char *const *words)
{
	size_t	n = 0;

	while (words[n] != NULL)
		n++;
	return n;
}

static const char *
words_shown(struct job *j, const char *const *words)
{
	const char	*shown = words[0];

	for (size_t i = 1; words[i] != NULL; i++)
		shown = job_fmt(j, "%s, %s", shown, words[i]);
	return shown;
}

bool
typed_word(struct job *j, const struct source *s, const struct conf_node *object, const char *key,
    const char *const *words, uint32_t *out)
{
	const struct conf_node	*n = NULL;

	if (!typed_string(j, s, object, key, &n))
		return false;
	for (uint32_t i = 0; words[i] != NULL; i++)
		if (span_is(n->text, words[i])) {
			*out = i;
			return true;
		}
	job_error(j, s, n, "\"%.*s\": want one of %s", SHOWN(n->text), words_shown(j, words));
	return false;
}

bool
typed_number(struct job *j, const struct source *s, const struct conf_node *object, const char *key,
    uint64_t min, uint64_t max, uint64_t *out)
{
	const struct conf_node	*n = conf_find(object, key);
	uint64_t		 v;

	if (n == NULL || !typed_is(j, s, n, JSON_NUMBER))
		return false;
	if (num_u64(n->text, &v) != 0 || v < min || v > max) {
		job_error(j, s, n, "%.*s: want a whole number from %llu to %llu", SHOWN(n->text),
		    (unsigned long long)min, (unsigned long long)max);
		return false;
	}
	*out = v;
	return true;
}

bool
typed_size(struct job *j, const struct source *s, const struct conf_node *object, const char *key,
    uint64_t min, uint64_t max, uint64_t *out)
{
	const struct conf_node	*n = conf_find(object, key);
	uint64_t		 v;

	if (n == NULL || n->type == JSON_NUMBER)
		return typed_number(j, s, object, key, min, max, out);
	if (!typed_is(j, s, n, JSON_STRING))
		return false;
	if (num_size(n->text, &v) != 0 || v < min || v > max) {
		job_error(j, s, n, "\"%.*s\": want a size such as \"64MiB\", from %llu to %llu bytes",
		    SHOWN(n->text), (unsigned long long)min, (unsigned long long)max);
		return false;
	}
	*out = v;
	return true;
}

bool
typed_list(struct job *j, const struct source *s, const struct conf_node *object, const char *key,
    enum json_type want, bool strings, const struct conf_node **out)
{
	const struct conf_node	*n = conf_find(object, key), *e;
	bool			 ok = true;

	if (n == NULL || !typed_is(j, s, n, want))
		return false;
	for (e = n->first; strings && e != NULL; e = e->next)
		if (e->type == JSON_NUMBER) {
			job_error(j, s, e, "want a string; write \"%.*s\"", SHOWN(e->text));
			ok = false;
		} else {
			ok &= typed_is(j, s, e, JSON_STRING);
		}
	if (ok)
		*out = n;
	return ok;
}

void
typed_keys(struct job *j, const struct source *s, const struct conf_node *object,
    const char *const *keys)
{
	const struct conf_node	*n;
	const char		*near;
	size_t			 i;

	for (n = object->first; n != NULL; n = n->next) {
		for (i = 0; keys[i] != NULL && !span_is(n->key, keys[i]); i++)
			;
		if (keys[i] != NULL)
			continue;
		near = near_find(n->key, word_of, keys, words_count(keys));
		if (near != NULL)
			job_error_key(j, s, n, "unknown key; did you mean \"%s\"?", near);
		else
			job_error_key(j, s, n, "unknown key; known are %s", words_shown(j, keys));
	}
}
