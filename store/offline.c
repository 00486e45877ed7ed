/* SPDX-License-Identifier: Apache-2.0
 *
 * offline.c - mcpgw-store without a master, run by mcpgwctl itself
 *
 * Process: mcpgw-store, under the caller's uid; short-lived.
 * Owns:    the store for the time of one command; a running gateway's store excludes it.
 * Trusts:  the caller as far as the folder's owner and mode let it in.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "lib/num.h"
#include "sandbox/confine.h"
#include "store/keydb.h"
#include "store/offline.h"
#include "store/pindb.h"
#include "store/pinsnap.h"

#define LINE_MAX_BYTES 32768
#define DUMP_MAX	(512u << 20)
#define NAMES_ROOM	(8 * 1024)

static uint64_t
now_ms(void)
{
	struct timespec	now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int
hex_decode(struct span text, char *to, size_t n)
{
	static const char	hex[] = "0123456789abcdef";

	if (text.n != 2 * n)
		return E_FORMAT;
	for (size_t i = 0; i < n; i++) {
		const char *high = memchr(hex, text.p[2 * i], 16);
		const char *low = memchr(hex, text.p[2 * i + 1], 16);

		if (high == NULL || low == NULL)
			return E_FORMAT;
		to[i] = (char)((high - hex) << 4 | (low - hex));
	}
	return 0;
}

/* Before the first start there is no folder yet.  Its owner makes it; root does not know for whom. */
static int
make_folder(const char *folder)
{
	char	path[PATH_MAX];

	if (geteuid() == 0 || strlen(folder) >= sizeof(path))
		return E_SYS;
	strcpy(path, folder);
	for (char *p = path + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) == -1 && errno != EEXIST)
			return E_SYS;
		*p = '/';
	}
	return mkdir(path, 0700) == -1 && errno != EEXIST ? E_SYS : 0;
}

/* Root works as the folder's owner: what it makes there must stay the store's. */
static int
become_owner(const char *folder, bool read_only)
{
	struct stat	st;

	if (stat(folder, &st) == -1)
		return read_only || errno != ENOENT ? E_SYS : make_folder(folder);
	if (geteuid() != 0 || st.st_uid == 0)
		return 0;
	return confine_become(st.st_uid, st.st_gid);
}

static int
open_store(const char *folder, bool read_only, struct keydb **db)
{
	const char	*folders[] = { folder, NULL };
	int		 r;

	*db = NULL;
	if ((r = become_owner(folder, read_only)) == E_SYS && read_only && errno == ENOENT)
		return EX_OK;			/* no store, no keys */
	if (r == 0)
		r = keydb_open(folder, read_only, db);
	if (r == 0) {
		if ((r = confine_process(CONFINE_STORE, folders, NULL)) == 0)
			return EX_OK;
		keydb_close(db);
		return EX_OSERR;
	}
	if (r == E_NOTFOUND && read_only)
		return EX_OK;
	if (r == E_EXISTS) {
		log_err(NULL, "a running gateway has the store in %s", folder);
		return EX_TEMPFAIL;
	}
	if (r == E_SYS) {
		int code = errno == EACCES || errno == EPERM ? EX_NOPERM : EX_IOERR;

		log_err(NULL, "the store in %s: %m%s", folder, errno == ENOENT ?
		    "; it is made when the gateway starts for the first time" : "");
		return code;
	}
	log_err(NULL, "the store in %s cannot be used: %s", folder, err_text(r));
	return EX_IOERR;
}

static int
complain(struct keydb *db, int r, const char *name)
{
	switch (r) {
	case 0:
		return EX_OK;
	case E_EXISTS:
		log_err(NULL, "%s: there is a key with this name", name);
		return EX_DATAERR;
	case E_NOTFOUND:
		log_err(NULL, "%s: no such key", name);
		return EX_DATAERR;
	case E_RANGE:
		log_err(NULL, "%s: keys of several tenants have this name; use its public part, or --tenant TENANT",
		    name);
		return EX_DATAERR;
	case E_TOOBIG:
		log_err(NULL, "%s: %u keys with this name live; end some by their public part: mcpgwctl key list", name,
		    KEYDB_SAME_NAME_MAX);
		return EX_DATAERR;
	case E_FORMAT:
		log_err(NULL, "%s: not a usable name, agent, tenant, workspace, or list of names", name);
		return EX_DATAERR;
	default:
		log_err(NULL, "%s: %s", name, r == E_SYS ? keydb_why(db) : err_text(r));
		return EX_IOERR;
	}
}

static int
key_add(const char *folder, char **args)
{
	char			 digest[KEYDB_DIGEST_BYTES];
	struct keydb_key	 key = { .public_name = span_of(args[1]), .name = span_of(args[2]),
	    .agent = span_of(args[3]), .tenant = span_of(args[4]), .workspace = span_of(args[9]),
	    .created_ms = now_ms() };
	struct keydb		*db;
	struct arena		 a;
	int			 code, r;

	if (hex_decode(span_of(args[0]), digest, sizeof(digest)) != 0 ||
	    num_u64(span_of(args[5]), &key.ends_ms) != 0 || num_u64(span_of(args[10]), &key.by) != 0) {
		log_err(NULL, "key-add: malformed digest or number");
		return EX_USAGE;
	}
	key.digest = span_make(digest, sizeof(digest));
	if ((code = open_store(folder, false, &db)) != EX_OK)
		return code;
	arena_init(&a, NULL, 0, NAMES_ROOM);
	if ((r = keydb_names(span_of(args[6]), &a, &key.scopes)) == 0 &&
	    (r = keydb_names(span_of(args[7]), &a, &key.roles)) == 0 &&
	    (r = keydb_names(span_of(args[8]), &a, &key.groups)) == 0)
		r = keydb_add(db, &key);
	code = complain(db, r, args[2]);
	arena_fini(&a);
	keydb_close(&db);
	return code;
}

static int
key_rotate(const char *folder, char **args)
{
	char			 digest[KEYDB_DIGEST_BYTES];
	struct keydb_rotation	 what = { .public_name = span_of(args[1]), .name = span_of(args[2]),
	    .tenant = span_of(args[3]), .now_ms = now_ms() };
	struct keydb		*db;
	int			 code;

	if (hex_decode(span_of(args[0]), digest, sizeof(digest)) != 0 ||
	    num_u64(span_of(args[4]), &what.overlap_ms) != 0 || num_u64(span_of(args[5]), &what.ends_ms) != 0 ||
	    num_u64(span_of(args[6]), &what.by) != 0) {
		log_err(NULL, "key-rotate: malformed digest or number");
		return EX_USAGE;
	}
	what.digest = span_make(digest, sizeof(digest));
	if ((code = open_store(folder, false, &db)) != EX_OK)
		return code;
	code = complain(db, keydb_rotate(db, &what), args[2]);
	keydb_close(&db);
	return code;
}

static int
key_revoke(const char *folder, char **args)
{
	const struct keydb_which which = { span_of(args[0]), span_of(args[1]), span_of(args[2]) };
	const char		*said = args[0][0] != '\0' ? args[0] : args[1][0] != '\0' ? args[1] : args[2];
	struct keydb		*db;
	uint32_t		 ended;
	int			 code;

	if ((code = open_store(folder, false, &db)) != EX_OK)
		return code;
	code = complain(db, keydb_revoke(db, &which, &ended), said);
	keydb_close(&db);
	return code;
}

static int
print_key(const struct keydb_key *key, void *arg)
{
	struct buf	*b = arg;
	int		 r;

	buf_clear(b);
	if ((r = keydb_put_json(b, key)) != 0)
		return r;
	return fd_write_all(STDOUT_FILENO, buf_rest(b));
}

static int
key_list(const char *folder)
{
	struct keydb	*db = NULL;
	struct buf	 b;
	int		 code;

	if ((code = open_store(folder, true, &db)) != EX_OK || db == NULL)
		return code;
	buf_init(&b, LINE_MAX_BYTES);
	code = complain(db, keydb_each(db, print_key, &b), "key list");
	buf_fini(&b);
	keydb_close(&db);
	return code;
}

/* --- pins of tools --------------------------------------------------------------------------------- */

static int
complain_pins(struct keydb *db, int r, const char *server, const char *tool)
{
	const char	*dot = tool[0] != '\0' ? "." : "";

	switch (r) {
	case 0:
		return EX_OK;
	case E_NOTFOUND:
		log_err(NULL, "%s%s%s: no definition waits; see: mcpgwctl tool list %s", server, dot, tool, server);
		return EX_DATAERR;
	case E_RANGE:
		log_err(NULL, "%s%s%s: several definitions of one tool wait; name one with --hash, or --all", server,
		    dot, tool);
		return EX_DATAERR;
	case E_FULL:
		log_err(NULL, "%s: more definitions of tools than are kept", server);
		return EX_DATAERR;
	default:
		log_err(NULL, "%s%s%s: %s", server, dot, tool,
		    r == E_SYS ? keydb_why(db) : err_text(r));
		return EX_IOERR;
	}
}

static int
pin_dump(const char *folder, char **args)
{
	struct keydb	*db = NULL;
	char		*text = NULL;
	size_t		 bytes;
	int		 code, fd, r;

	if ((code = open_store(folder, true, &db)) != EX_OK || db == NULL)
		return code;
	r = pinsnap_dump(db, span_of(args[0]), span_of(args[1]), span_of(args[2]), &fd);
	if (r == 0 && (lseek(fd, 0, SEEK_SET) == -1 || (r = fd_read_all(fd, DUMP_MAX, &text, &bytes)) != 0 ||
	    (r = fd_write_all(STDOUT_FILENO, span_make(text, bytes))) != 0))
		r = r == 0 ? E_SYS : r;
	code = complain_pins(db, r, args[1], args[2]);
	free(text);
	fd_close(&fd);
	keydb_close(&db);
	return code;
}

static int
pin_decide(const char *folder, char **args)
{
	struct pindb_decision	 what = { .tenant = span_of(args[3]), .server = span_of(args[4]),
	    .tool = span_of(args[5]), .hash = span_of(args[6]), .now_ms = now_ms() };
	struct keydb		*db;
	uint64_t		 verb, all;
	uint32_t		 count;
	int			 code;

	if (num_u64(span_of(args[0]), &verb) != 0 || verb > PIN_FORGET || num_u64(span_of(args[1]), &all) != 0 ||
	    num_u64(span_of(args[2]), &what.by) != 0) {
		log_err(NULL, "pin-decide: malformed");
		return EX_USAGE;
	}
	what.what = (enum pin_decision)verb;
	what.all = all != 0;
	if ((code = open_store(folder, false, &db)) != EX_OK)
		return code;
	code = complain_pins(db, pindb_decide(db, &what, &count), args[4], args[5]);
	keydb_close(&db);
	return code;
}

static int
pin_approve(const char *folder, char **args)
{
	struct pindb_seen	 what = { .tenant = span_of(args[1]), .server = span_of(args[2]),
	    .identity = span_of(args[3]), .mode = PIN_MODE_APPROVE, .now_ms = now_ms() };
	struct keydb		*db;
	char			*text;
	size_t			 bytes;
	uint32_t		 changed;
	int			 code;

	if (num_u64(span_of(args[0]), &what.by) != 0 ||
	    fd_read_all(STDIN_FILENO, PINDB_BATCH_MAX, &text, &bytes) != 0) {
		log_err(NULL, "pin-approve: malformed");
		return EX_USAGE;
	}
	what.batch = span_make(text, bytes);
	if ((code = open_store(folder, false, &db)) == EX_OK) {
		code = complain_pins(db, pindb_seen(db, &what, &changed), args[2], "");
		keydb_close(&db);
	}
	free(text);
	return code;
}

int
offline_main(int argc, char **argv)
{
	log_init("mcpgw-store", STDERR_FILENO, LOG_FORM_PLAIN);
	if (argc == 3 && strcmp(argv[1], "--list") == 0)
		return key_list(argv[2]);
	if (argc >= 4 && strcmp(argv[1], "--offline") == 0) {
		if (argc == 4 && strcmp(argv[3], "key-list") == 0)
			return key_list(argv[2]);
		if (argc == 7 && strcmp(argv[3], "key-revoke") == 0)
			return key_revoke(argv[2], argv + 4);
		if (argc == 11 && strcmp(argv[3], "key-rotate") == 0)
			return key_rotate(argv[2], argv + 4);
		if (argc == 15 && strcmp(argv[3], "key-add") == 0)
			return key_add(argv[2], argv + 4);
		if (argc == 7 && strcmp(argv[3], "pin-dump") == 0)
			return pin_dump(argv[2], argv + 4);
		if (argc == 11 && strcmp(argv[3], "pin-decide") == 0)
			return pin_decide(argv[2], argv + 4);
		if (argc == 8 && strcmp(argv[3], "pin-approve") == 0)
			return pin_approve(argv[2], argv + 4);
	}
	log_err(NULL, "mcpgw-store is run by the gateway and by mcpgwctl, not by hand");
	return EX_USAGE;
}
