/* SPDX-License-Identifier: Apache-2.0
 *
 * conf_priv.h - what conf.c and conf_yaml.c share
 */
#ifndef LIB_CONF_PRIV_H
#define LIB_CONF_PRIV_H

#include "lib/arena.h"
#include "lib/conf.h"

#define CONF_NODES_BYTES	((size_t)1 << 30)

struct place {
	const char	*p;
	uint32_t	 line, column;
};

struct conf {
	char		*text;		/* with comments and trailing commas blanked */
	size_t		 bytes;
	const char	*original;	/* borrowed while reading: columns count its characters */
	struct arena	 arena;
	struct place	 place;		/* only moves forward: nodes are met in order of the text */
	struct conf_node *top;
};

void		conf_say(struct conf_error *e, uint32_t line, uint32_t column, const char *fmt, ...)
		    __attribute__((format(printf, 4, 5)));
/* 0; E_JSON_DUPLICATE when two members have one name, or E_NOMEM, both said in *error. */
must_check int	conf_members_check(const struct conf_node *object, struct conf_error *error);

#endif
