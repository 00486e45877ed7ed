/* SPDX-License-Identifier: Apache-2.0
 *
 * codec.c - tables/messages.def, expanded
 *
 * Process: all.  Owns: nothing.  Trusts: no byte of a body.
 */
#include "ipc/codec.h"
#include "lib/bug.h"

#define TEXT_MAX 16000

#define BOOT	MSG_BOOT
#define RUN	MSG_RUN
#define ANY	MSG_ANY
static const struct msg_row rows[MSG_TYPE_LIMIT] = {
#define MSG(name, type, from, to, when, fds, fields, doc) [type] = { #name, from, to, when, fds },
#include "tables/messages.def"
#undef MSG
};
#undef BOOT
#undef RUN
#undef ANY

static const struct {
	const char	*program, *user;
} roles[ROLE_LIMIT] = {
#define ROLE(name, program, user, doc) [ROLE_##name] = { program, user },
#include "tables/roles.def"
#undef ROLE
};

const struct msg_row *
msg_row(uint16_t type)
{
	return &rows[type < MSG_TYPE_LIMIT ? type : 0];
}

int
msg_may(uint16_t type, enum role from, enum role to, bool ready, unsigned fds)
{
	const struct msg_row	*row = msg_row(type);
	enum msg_when		 now = ready ? MSG_RUN : MSG_BOOT;

	if (row->name == NULL || (row->from & ROLE_BIT(from)) == 0 || (row->to & ROLE_BIT(to)) == 0)
		return E_UNTIMELY;
	if ((row->when & now) == 0 || row->fds != fds)
		return E_UNTIMELY;
	return 0;
}

static int
put_u32(struct buf *b, uint32_t v)
{
	return buf_put_u32(b, v);
}

static int
put_i32(struct buf *b, int32_t v)
{
	return buf_put_u32(b, (uint32_t)v);
}

static int
put_u64(struct buf *b, uint64_t v)
{
	return buf_put_u64(b, v);
}

static int
put_text(struct buf *b, struct span v)
{
	int	r;

	if (v.n > TEXT_MAX)
		return E_TOOBIG;
	if ((r = buf_put_u32(b, (uint32_t)v.n)) != 0)
		return r;
	return buf_put(b, v);
}

static int
get_u32(struct buf *b, uint32_t *v)
{
	return buf_get_u32(b, v);
}

static int
get_i32(struct buf *b, int32_t *v)
{
	return buf_get_u32(b, (uint32_t *)v);
}

static int
get_u64(struct buf *b, uint64_t *v)
{
	return buf_get_u64(b, v);
}

static int
get_text(struct buf *b, struct span *v)
{
	uint32_t	n;
	int		r;

	if ((r = buf_get_u32(b, &n)) != 0)
		return r;
	return n > TEXT_MAX ? E_FORMAT : buf_get(b, n, v);
}

/* One encoder and one decoder per row. */
#define F(type, name) if ((r = put_##type(to, m->name)) != 0) return r;
#define MSG(name, type, from, to_, when, fds, fields, doc)		\
static int								\
encode_##name(struct buf *to, const void *msg)				\
{									\
	const struct msg_##name *m = msg;				\
	int r = 0;							\
									\
	(void)to;							\
	(void)m;							\
	fields								\
	return r;							\
}
#include "tables/messages.def"
#undef MSG
#undef F

#define F(type, name) if ((r = get_##type(from, &m->name)) != 0) return r;
#define MSG(name, type, from_, to, when, fds, fields, doc)		\
static int								\
decode_##name(struct buf *from, void *msg)				\
{									\
	struct msg_##name *m = msg;					\
	int r = 0;							\
									\
	(void)from;							\
	*m = (struct msg_##name){ .none_ = 0 };				\
	fields								\
	return r;							\
}
#include "tables/messages.def"
#undef MSG
#undef F

static const struct {
	int	(*encode)(struct buf *, const void *);
	int	(*decode)(struct buf *, void *);
} coders[MSG_TYPE_LIMIT] = {
#define MSG(name, type, from, to, when, fds, fields, doc) [type] = { encode_##name, decode_##name },
#include "tables/messages.def"
#undef MSG
};

int
msg_encode(struct buf *to, uint16_t type, const void *msg)
{
	BUG_ON(type >= MSG_TYPE_LIMIT || coders[type].encode == NULL);
	return coders[type].encode(to, msg);
}

int
msg_decode(uint16_t type, struct span body, void *msg)
{
	struct buf	b;

	if (type >= MSG_TYPE_LIMIT || coders[type].decode == NULL)
		return E_FORMAT;
	buf_init_from(&b, body);
	if (coders[type].decode(&b, msg) != 0 || buf_rest(&b).n != 0)
		return E_FORMAT;
	return 0;
}

const char *
role_program(enum role r)
{
	return roles[r].program;
}

const char *
role_user(enum role r)
{
	return roles[r].user;
}
