/* SPDX-License-Identifier: Apache-2.0
 *
 * log.h - one event, one line, one call: to syslog's socket or to stderr
 *
 * The first argument is the subject (or NULL) and prints itself first.  Levels mean duty: err = an
 * operator must act, warning = degraded, notice = start, stop, reload, child death, info = per
 * connection, debug = per step.  Secrets, tool arguments and bodies are never logged.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level {		/* the numbers of syslog(3) */
	LOG_LEVEL_ERR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

enum log_form {
	LOG_FORM_PLAIN,		/* "text\n": mcpgwctl, mcpgw -t */
	LOG_FORM_STDERR,	/* "2026-11-20T10:00:00.123Z program[pid] notice: text\n": -f */
	LOG_FORM_SYSLOG,	/* RFC 3164 datagrams to a connected descriptor: a daemon */
};

/* Whom a line is about: "server github", "worker 2".  Both parts are borrowed for the call. */
struct log_subject {
	const char	*kind;
	const char	*name;
};
#define LOG_SUBJECT(k, n) (&(const struct log_subject){ (k), (n) })

/* `program` is kept by pointer; fd stays the caller's and is non-blocking where form is SYSLOG. */
void	log_init(const char *program, int fd, enum log_form form);
/* A child's: fd is what the master handed over, a syslog socket or a copy of its stderr; it becomes the log's own. */
void	log_init_child(const char *program, int fd);
void	log_set_fd(int fd);
/* The same with a descriptor that becomes the log's own: *fd is -1 then, and the one taken before is closed. */
void	log_take_fd(int *fd);
void	log_set_level(enum log_level most);

void	log_write(enum log_level level, const struct log_subject *s, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
void	log_vwrite(enum log_level level, const struct log_subject *s, const char *fmt, va_list ap)
	    __attribute__((format(printf, 3, 0)));

#define log_err(s, ...)		log_write(LOG_LEVEL_ERR, (s), __VA_ARGS__)
#define log_warn(s, ...)	log_write(LOG_LEVEL_WARNING, (s), __VA_ARGS__)
#define log_notice(s, ...)	log_write(LOG_LEVEL_NOTICE, (s), __VA_ARGS__)
#define log_info(s, ...)	log_write(LOG_LEVEL_INFO, (s), __VA_ARGS__)
#define log_debug(s, ...)	log_write(LOG_LEVEL_DEBUG, (s), __VA_ARGS__)

/* Repeats: at most `burst` lines a second from one place; log_repeat_ok() counts the dropped ones
 * and says so with the next line let through. */
struct log_repeat {
	uint64_t	second;
	uint32_t	count, dropped;
};
bool	log_repeat_ok(struct log_repeat *r, uint32_t burst);

#define log_warn_repeat(s, ...)						\
	do {								\
		static struct log_repeat repeat_;			\
		if (log_repeat_ok(&repeat_, 5))				\
			log_write(LOG_LEVEL_WARNING, (s), __VA_ARGS__);	\
	} while (0)

/* Before READY, and in short-lived programs: says it and exits with a sysexits(3) code. */
_Noreturn void fatal(int exit_code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
