/* SPDX-License-Identifier: Apache-2.0
 *
 * server.h - one server on its way from a client's file to servers.json
 *
 * What the file says goes in (read.c), is made absolute and whole (resolve.c), recognised (shape.c), fetched
 * (package.h), given the view of a profile (profile.c), tried in its jail (try.c) and written (write.c).  All texts
 * are of the import's arena and go with it.
 */
#ifndef CTL_IMPORT_SERVER_H
#define CTL_IMPORT_SERVER_H

#include "ctl/ctl.h"
#include "ctl/import/package.h"
#include "lib/arena.h"
#include "lib/conf.h"
#include "lib/span.h"

#define IMPORT_SERVERS_MAX	256
#define IMPORT_WORDS_MAX	1024

/* Texts in order; `at` has room for `room`. */
struct words {
	const char	**at;
	size_t		  n, room;
};

struct pair {
	const char	*name, *value;
	bool		 secret;	/* value holds ${secret:...} */
};

struct pairs {
	struct pair	*at;
	size_t		 n, room;
};

enum import_fate {
	IMPORT_NEW,		/* to be written */
	IMPORT_SAME,		/* stands in servers.json as it would be written */
	IMPORT_CHANGED,		/* stands there otherwise, and --replace said so */
	IMPORT_TAKEN,		/* the same without --replace */
	IMPORT_LEFT_OUT,	/* `why` says why */
};

struct import_server {
	const char		*name;
	const char		*file, *folder;	/* where it was read, and the folder of that */
	const char		*workspace;	/* ${workspaceFolder}; relative paths begin there, as clients start
						 * servers there; a home folder for files that are of no project */

	/* as in the file, made whole */
	const char		*command;	/* NULL: it has a url */
	struct words		 args;
	struct pairs		 env;
	const char		*url;		/* NULL: it has a command */
	const char		*type;		/* "sse", or NULL */
	struct pairs		 headers;
	const char		*helper;	/* headersHelper, or NULL */
	const char		*kept;		/* members of ours that mean the same here, as JSON; or NULL */
	const char		*entry_sha256;	/* of the whole entry as it stood (conf_put_json), in hex */
	const char		*bare;		/* a variable called like a secret, as value in args or url */

	/* what it is */
	const char		*runs;		/* the column RUNS: "server-memory, node 20" */
	const char		*package;	/* its name for profiles: "@scope/name"; NULL: none */
	struct package_want	 want;		/* kind NULL: nothing to fetch */
	struct package_got	 got;
	const char		*shell;		/* the text of bash -c, that must be allowed; NULL: none */

	/* what its jail is to be */
	struct words		 read, write, net;	/* net empty: none */
	const char		*net_word;	/* "loopback", "host"; NULL: the list */
	const char		*workdir, *isolation, *tier, *limits;	/* limits: JSON */
	bool			 exec_tmp;
	bool			 keeps_state;	/* its own folder is what it sees, to people */

	/* what came of it */
	enum import_fate	 fate;
	const char		*why;		/* left out, or off: for people */
	struct words		 notes;		/* lines under the plan, without the name */
	bool			 off;		/* written with "enabled": false; `why` says why */
	bool			 tried;
	struct words		 tools;
	const char		*definitions;	/* of those, as the server lists them: a list as JSON; NULL: none */
};

/* A value that must not stand in servers.json. */
struct import_secret {
	const char	*name;		/* of the file in secrets/ */
	const char	*value;
	bool		 is_there;	/* with this value, before us */
	bool		 is_new;	/* we wrote it */
};

struct import_options {
	bool		 yes, replace, allow_source, allow_plain;
	const char	*run_as, *agent;
	struct words	 scripts, allow_shell;	/* names of servers */
	struct words	 from, write, net;	/* NAME:VALUE */
};

/* The import of one command: what all of its files hold. */
struct import {
	struct ctl		*ctl;
	struct import_options	 options;
	struct arena		 arena;
	struct import_server	*servers;	/* IMPORT_SERVERS_MAX of room */
	size_t			 count;
	struct import_secret	*secrets;
	size_t			 secret_count, secret_room;
};

#define IMPORT_BYTES	(64u * 1024 * 1024)

void		 import_init(struct import *im, struct ctl *ctl);
void		 import_fini(struct import *im);
/* Room for one more of a growing list of the arena. */
void		*import_more(struct import *im, void *old, size_t n, size_t *room, size_t size);

/* Texts of the arena; they end the program when memory ends. */
char		*import_text(struct import *im, struct span s);
char		*import_fmt(struct import *im, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void		 words_add(struct import *im, struct words *w, const char *word);
/* In front of the others, and out of them. */
void		 words_unshift(struct import *im, struct words *w, const char *word);
void		 words_drop(struct words *w, size_t first, size_t count);
/* The value of the n-th word NAME:VALUE for this server, or NULL. */
const char	*words_value(const struct words *w, const char *name, size_t n);
bool		 words_have(const struct words *w, const char *word);
void		 pairs_set(struct import *im, struct pairs *p, const char *name, const char *value);
struct pair	*pairs_find(const struct pairs *p, const char *name);
void		 server_note(struct import *im, struct import_server *s, const char *fmt, ...)
		    __attribute__((format(printf, 3, 4)));
/* Its fate is decided; the first reason counts. */
void		 server_leave_out(struct import *im, struct import_server *s, const char *fmt, ...)
		    __attribute__((format(printf, 3, 4)));
void		 server_off(struct import *im, struct import_server *s, const char *fmt, ...)
		    __attribute__((format(printf, 3, 4)));
/* Is it still to be imported, running or off? */
bool		 server_stays(const struct import_server *s);
/* It is to be started and used. */
bool		 server_runs(const struct import_server *s);

/* The list ends with NULL. */
bool		 is_one_of(const char *word, const char *const *list);
/* Joined, without "." and ".."; an absolute path stands for itself. */
char		*path_join(struct import *im, const char *folder, const char *path);
/* "~" for the home in front, for people; else the path. */
const char	*path_short(struct import *im, const char *path);

#endif
