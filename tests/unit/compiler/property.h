/* SPDX-License-Identifier: Apache-2.0
 *
 * property.h - random policies with conditions, and a plain reading of what they say
 *
 * The reference shares no line with the product: it looks at every entry, prepares nothing, and knows arguments as
 * it made them, never as JSON.
 */
#ifndef TESTS_UNIT_COMPILER_PROPERTY_H
#define TESTS_UNIT_COMPILER_PROPERTY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "policy/decide.h"

#define PROPERTY_AGENTS		3
#define PROPERTY_LINES		20	/* of one agent */
#define PROPERTY_CONDITIONS	3	/* of one line */
#define PROPERTY_ARGUMENTS	64	/* of a policy: each condition on arguments asks for one of its own */

enum answer { NO, YES, OPEN };

struct condition {
	unsigned	 op, key;		/* rows of tables in property.c */
	unsigned	 argument;		/* of the key `arguments/`: its number */
	bool		 any, all, if_exists;
	unsigned	 operands[3], operand_count;	/* rows of the family's table */
	int		 zone;			/* hours */
};

struct line {
	bool		 of_server;		/* an entry of `servers`; else of `tools` */
	bool		 deny, hide, shadow;
	unsigned	 server, pattern;	/* rows */
	unsigned	 place;			/* in its list */
	struct condition conditions[PROPERTY_CONDITIONS];
	unsigned	 condition_count;
};

struct property_agent {
	struct line	 lines[PROPERTY_LINES];
	unsigned	 count;
	bool		 list[5];		/* allow.tools has a list for this server */
	bool		 shadow;
};

struct policy {
	struct property_agent agents[PROPERTY_AGENTS];
	unsigned	 arguments;		/* so many are asked for */
	bool		 deny_first, enforce;
};

enum argument_type { ARG_ABSENT, ARG_NULL, ARG_NUMBER, ARG_TEXT, ARG_FLAG, ARG_LIST, ARG_OBJECT, ARG_TYPES };
struct argument {
	enum argument_type type;
	unsigned	 row[3], count;		/* of numbers or texts; of a list, texts, but `odd` is a number */
	bool		 flag, odd;
};

/* Who asks, of what, when, with which arguments; and what of it is known. */
struct asking {
	unsigned	 agent;			/* PROPERTY_AGENTS: nobody the policy knows */
	enum object_kind kind;
	unsigned	 server, tool;		/* rows */
	unsigned	 user, workspace, how;	/* rows; 0 is none */
	unsigned	 roles, groups, scopes;	/* bits */
	unsigned	 address;		/* row; 0 is the unix socket */
	uint64_t	 wall_ms;
	unsigned	 hints, hints_said;
	struct argument	 arguments[PROPERTY_ARGUMENTS];
	unsigned	 known;
	bool		 hopeful, settled;
};

struct verdict {
	bool		 allow, hide, hide_known, shadow;
	const char	*class;
};

/* Below n. */
unsigned	dice(unsigned n);
void		dice_seed(uint64_t seed);

void		policy_make(struct policy *p);
/* rules.json, of all agents or (only < PROPERTY_AGENTS) of one. */
void		policy_put(const struct policy *p, unsigned only, struct buf *json);
void		asking_make(const struct policy *p, struct asking *q);
/* Arguments that meet all conditions of its agent's allows and none with them of its denies, where there are such. */
bool		asking_witness(const struct policy *p, struct asking *q);
void		reference(const struct policy *p, const struct asking *q, struct verdict *out);
/* Does this line count, by the reference? */
enum answer	line_holds(const struct policy *p, const struct asking *q, const struct line *l);
/* The same as decide() takes it: all texts are in the arena, or static. */
void		asking_put(const struct policy *p, const struct asking *q, struct arena *a, struct principal *who,
		    struct object *what, struct facts *facts);
const char	*property_agent_name(unsigned agent);
/* "agents.a.deny.tools.pg[1]". */
void		line_path(unsigned agent, const struct line *l, char to[128]);
const char	*line_class(const struct line *l);

#endif
