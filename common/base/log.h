/* common/base/log.h - one line per event: `2026-11-22T14:03:11.042Z info smtpd deliver sid=5f3a
 *rcpt=ann@example.test size=4120`.
 *
 * Values are escaped, so that nothing from the wire can start a line or a key. No field ever holds
 *a secret: handlers pass names, never credentials. Thread-safe; a line is written with one
 *write(2). Logging never waits for who reads the log: what a full pipe or the journal's full socket
 *does not take is lost, and counted in the next line that passes (log_lines_lost). syslog(3) may
 *wait.
 *
 *	log_info("deliver", F_STR("rcpt", address), F_UINT("size", n));
 *	log_warn("copy", F_ERR(e), F_INT("sqlite", code));
 */
#ifndef COMMON_BASE_LOG_H
#define COMMON_BASE_LOG_H

#include "common/base/err.h"
#include "common/base/str.h"

#include <sys/types.h>

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR,
	LOG_LEVEL__COUNT
};

struct log_field {
	const char *key;
	enum { LOG_F_STR, LOG_F_INT, LOG_F_UINT } type;
	struct str s;
	int64_t i;
	uint64_t u;
};

#define F_STR(k, v) ((struct log_field){.key = (k), .type = LOG_F_STR, .s = (v)})
#define F_CSTR(k, v) F_STR((k), str_of(v))
#define F_INT(k, v) ((struct log_field){.key = (k), .type = LOG_F_INT, .i = (v)})
#define F_UINT(k, v) ((struct log_field){.key = (k), .type = LOG_F_UINT, .u = (v)})
#define F_ERR(e) F_CSTR("err", err_name(e))

#define LOG_EVENT(level, event, ...)                                                               \
	do {                                                                                       \
		if (log_wants(level)) {                                                            \
			const struct log_field fields_[] = {F_CSTR(NULL, NULL), ##__VA_ARGS__};    \
			log_write((level), (event), fields_ + 1,                                   \
			    sizeof(fields_) / sizeof(fields_[0]) - 1);                             \
		}                                                                                  \
	} while (0)
#define log_debug(event, ...) LOG_EVENT(LOG_LEVEL_DEBUG, event, ##__VA_ARGS__)
#define log_info(event, ...) LOG_EVENT(LOG_LEVEL_INFO, event, ##__VA_ARGS__)
#define log_warn(event, ...) LOG_EVENT(LOG_LEVEL_WARN, event, ##__VA_ARGS__)
#define log_error(event, ...) LOG_EVENT(LOG_LEVEL_ERROR, event, ##__VA_ARGS__)

/* For root, before log_open(): who shall own a log file that is made, so that a daemon that becomes
 * that user can open it anew. */
void log_set_owner(uid_t uid, gid_t gid);
/* Opens the log for `program`. `target` is "stderr", "syslog" or "file:/path" ("stderr" marks
 * levels for the journal when systemd collects it). ERR_CONFIG on another word, or the error of
 * opening the file. Before log_open() lines go to stderr. */
enum err log_open(const char *program, const char *target, enum log_level level);
/* Opens a file target anew (after rotation); other targets are left alone. */
enum err log_reopen(void);
void log_close(void);
bool log_wants(enum log_level level);
/* How many lines were written since the start, and how many could not be. */
uint64_t log_lines(enum log_level level);
uint64_t log_lines_lost(void);
const char *log_level_name(enum log_level level);
/* "debug", "info", "warn", "error". */
bool log_level_parse(struct str name, enum log_level *ret);

/* The session tag of this thread, written as sid= on each line until changed; "" for none. Copied,
 * cut at 31 octets. */
void log_set_sid(const char *tag);

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);

/* Tests only: lines go to `fn` instead; NULL ends it. */
void log_capture(void (*fn)(void *arg, struct str line), void *arg);

#endif
