/* SPDX-License-Identifier: Apache-2.0
 *
 * errand_head.c - the heads of an errand, there and back (RFC 9110, 9111 5.2.2)
 *
 * Process: as errand.c.  Owns: nothing; texts are the arena's.
 * Trusts:  no answer.
 */
#include "lib/num.h"
#include "upstream/errand_head.h"

#define AGE_MAX_S	(366ull * 24 * 3600)

static int
copy(struct arena *a, struct span *s)
{
	if (s->n == 0) {
		*s = SPAN_NONE;
		return 0;
	}
	*s = arena_dup(a, *s);
	return s->p == NULL ? E_TOOBIG : 0;
}

int
errand_request_copy(struct arena *a, const struct errand_request *q, struct errand_request *out)
{
	struct exchange_field	*fields = arena_alloc(a, (q->field_count + 1) * sizeof(*fields));
	struct addr		*addresses = arena_alloc(a, (q->address_count + 1) * sizeof(*addresses));
	struct span		*texts[] = { &out->accept, &out->content_type, &out->body, &out->authorization,
				    &out->etag };
	int			 r = fields == NULL || addresses == NULL ? E_TOOBIG : 0;

	*out = *q;
	out->url = SPAN_NONE;		/* the guard has it */
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && r == 0; i++)
		r = copy(a, texts[i]);
	for (size_t i = 0; i < q->field_count && r == 0; i++) {
		fields[i] = q->fields[i];
		if ((r = copy(a, &fields[i].name)) == 0)
			r = copy(a, &fields[i].value);
	}
	if (r == 0 && q->address_count > 0)
		memcpy(addresses, q->addresses, q->address_count * sizeof(*addresses));
	out->fields = fields;
	out->addresses = addresses;
	return r;
}

static void
put(struct exchange_field *to, size_t *n, const char *name, struct span value)
{
	if (value.n > 0)
		to[(*n)++] = (struct exchange_field){ span_of(name), value };
}

size_t
errand_fields(const struct errand_request *q, bool secrets, struct exchange_field *to)
{
	size_t	n = 0;

	put(to, &n, "Accept", q->accept);
	put(to, &n, "Accept-Encoding", SPAN_LIT("identity"));
	if (q->post)
		put(to, &n, "Content-Type", q->content_type);
	else
		put(to, &n, "If-None-Match", q->etag);
	if (secrets)
		put(to, &n, "Authorization", q->authorization);
	for (size_t i = 0; i < q->field_count; i++)
		put(to, &n, q->fields[i].name.p, q->fields[i].value);
	return n;
}

bool
errand_is_redirect(unsigned status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool
errand_is_encoded(const struct http_head *h)
{
	struct span	coding = http_head_get(h, HTTP_CONTENT_ENCODING);

	return coding.n > 0 && !span_eq_nocase(coding, SPAN_LIT("identity"));
}

/* "public, max-age=300": the directive's value; .p is NULL when it is not there. */
static struct span
directive(struct span list, const char *name)
{
	const struct span	want = span_of(name);
	struct span		one;
	size_t			n;

	for (; list.n > 0; list = span_part(list, n + 1, list.n)) {
		for (n = 0; n < list.n && list.p[n] != ','; n++)
			;
		one = span_trim(span_part(list, 0, n));
		if (!span_eq_nocase(span_part(one, 0, want.n), want))
			continue;
		if (one.n == want.n)
			return span_part(one, want.n, 0);
		if (one.p[want.n] == '=')
			return span_unquote(span_part(one, want.n + 1, one.n));
	}
	return SPAN_NONE;
}

static void
read_age(struct span control, struct errand_answer *out)
{
	struct span	age = directive(control, "max-age");
	uint64_t	s;

	if (directive(control, "no-store").p != NULL || directive(control, "no-cache").p != NULL)
		out->has_max_age = true;
	else if (age.p != NULL && num_u64(age, &s) == 0) {
		out->has_max_age = true;
		out->max_age_s = s < AGE_MAX_S ? s : AGE_MAX_S;
	}
}

int
errand_read_head(const struct http_head *h, struct arena *a, struct errand_answer *out)
{
	out->status = h->status;
	out->content_type = http_head_get(h, HTTP_CONTENT_TYPE);
	out->etag = http_head_find(h, "etag", NULL);
	out->challenge = http_head_find(h, "www-authenticate", NULL);
	read_age(http_head_find(h, "cache-control", NULL), out);
	return copy(a, &out->content_type) != 0 || copy(a, &out->etag) != 0 ||
	    copy(a, &out->challenge) != 0 ? E_NOMEM : 0;
}
