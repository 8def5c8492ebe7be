#include "common/base/log.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/shown.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#define LINE_MAX_OCTETS 2048
#define VALUE_MAX_OCTETS 512 /* of one field, as it is shown; longer values end in "..." */
#define CHARACTER_MAX 4 /* as it is shown: UTF-8, or \xff */
#define NUMBER_MAX 24
#define VALUE_TAIL_MAX 5 /* ..." and the line's end */
/* blank, =, a number or the least of a value */
#define FIELD_MAX_BESIDE_KEY (2 + NUMBER_MAX)

enum target { TO_STDERR, TO_JOURNAL, TO_SYSLOG, TO_FILE };

static struct {
	pthread_rwlock_t lock; /* guards what follows */
	enum target target;
	int fd; /* -1: the process's stderr itself */
	bool socket; /* stderr is one, as under systemd */
	char program[32];
	char path[512];
	uid_t uid; /* of files that root makes */
	gid_t gid;
	void (*capture)(void *arg, struct str line);
	void *capture_arg;
} out = {.lock = PTHREAD_RWLOCK_INITIALIZER, .fd = -1, .uid = (uid_t)-1, .gid = (gid_t)-1};

static atomic_uint lost; /* lines that could not be written, not told of yet */
static atomic_ullong passed_lines[LOG_LEVEL__COUNT], lost_in_all;
static atomic_int min_level = LOG_LEVEL_INFO;
static _Thread_local char sid[32];

static const struct {
	const char *name;
	int priority; /* syslog's, also the journal's <N> prefix */
} levels[LOG_LEVEL__COUNT] = {
    [LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
    [LOG_LEVEL_INFO] = {"info", LOG_INFO},
    [LOG_LEVEL_WARN] = {"warn", LOG_WARNING},
    [LOG_LEVEL_ERROR] = {"error", LOG_ERR},
};

/* One line being put together; a value that does not fit is cut and closed, a field left out. */
struct line {
	char p[LINE_MAX_OCTETS];
	size_t n;
};

static void
add_char(struct line *l, char c)
{
	if (l->n < sizeof(l->p) - 1)
		l->p[l->n++] = c;
}

static void
add_text(struct line *l, const char *s)
{
	while (*s)
		add_char(l, *s++);
}

static bool
needs_quotes(struct str v)
{
	if (v.n == 0)
		return true;
	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];
		if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c == 0x7f)
			return true;
	}
	return false;
}

/* Adds the character of `v` at `at` as it is shown. How many octets of `v` it is. */
static size_t
show_character(struct str v, size_t at, bool utf8, struct line *l)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char c = (unsigned char)v.p[at];
	size_t whole = c >= 0x80 && utf8 ? shown_character(str_skip(v, at)) : 0;

	if (whole) {
		for (size_t i = 0; i < whole; i++)
			add_char(l, v.p[at + i]);
		return whole;
	}
	if (c < ' ' || c >= 0x7f) {
		add_text(l, "\\x");
		add_char(l, hex[c >> 4]);
		add_char(l, hex[c & 15]);
		return 1;
	}
	if (c == '"' || c == '\\')
		add_char(l, '\\');
	add_char(l, (char)c);
	return 1;
}

static void
add_value(struct line *l, struct str v)
{
	bool quote = needs_quotes(v);
	bool utf8 = str_is_utf8(v);
	size_t room = sizeof(l->p) - l->n - VALUE_TAIL_MAX;
	size_t end = l->n + (room < VALUE_MAX_OCTETS ? room : VALUE_MAX_OCTETS);
	size_t at = 0;

	if (quote)
		add_char(l, '"');
	while (at < v.n && l->n + CHARACTER_MAX <= end)
		at += show_character(v, at, utf8, l);
	if (at < v.n)
		add_text(l, "...");
	if (quote)
		add_char(l, '"');
}

static void
add_field(struct line *l, const struct log_field *f)
{
	char number[NUMBER_MAX];

	if (l->n + strlen(f->key) + FIELD_MAX_BESIDE_KEY > sizeof(l->p))
		return;
	add_char(l, ' ');
	add_text(l, f->key);
	add_char(l, '=');
	switch (f->type) {
	case LOG_F_STR:
		add_value(l, f->s);
		break;
	case LOG_F_INT:
		snprintf(number, sizeof(number), "%lld", (long long)f->i);
		add_text(l, number);
		break;
	case LOG_F_UINT:
		snprintf(number, sizeof(number), "%llu", (unsigned long long)f->u);
		add_text(l, number);
		break;
	}
}

static void
add_time(struct line *l)
{
	int64_t us = clock_real_us();
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;
	char text[40];

	(void)gmtime_r(&seconds, &tm); /* microseconds reach no year that it has no room for */
	size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%03dZ ", (int)(us / 1000 % 1000));
	add_text(l, text);
}

bool
log_wants(enum log_level level)
{
	return (int)level >= atomic_load_explicit(&min_level, memory_order_relaxed);
}

uint64_t
log_lines(enum log_level level)
{
	return atomic_load_explicit(&passed_lines[level], memory_order_relaxed);
}

uint64_t
log_lines_lost(void)
{
	return atomic_load_explicit(&lost_in_all, memory_order_relaxed);
}

const char *
log_level_name(enum log_level level)
{
	return levels[level].name;
}

bool
log_level_parse(struct str name, enum log_level *ret)
{
	for (int i = 0; i < LOG_LEVEL__COUNT; i++) {
		if (str_eq_nocase(name, str_of(levels[i].name))) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void
log_set_sid(const char *tag)
{
	size_t n = strnlen(tag, sizeof(sid) - 1);

	memcpy(sid, tag, n);
	sid[n] = '\0';
}

/* Nobody who logs may wait for a reader of the log: a full pipe or socket loses the line. */
static bool
emit(enum log_level level, struct line *l)
{
	int fd = out.fd >= 0 ? out.fd : STDERR_FILENO;

	if (out.capture) {
		out.capture(out.capture_arg, str_make(l->p, l->n));
		return true;
	}
	if (out.target == TO_SYSLOG) {
		syslog(levels[level].priority, "%.*s", (int)l->n, l->p);
		return true;
	}
	l->p[l->n++] = '\n'; /* add_char() leaves room for it */
	ssize_t written =
	    out.socket ? send(fd, l->p, l->n, MSG_DONTWAIT | MSG_NOSIGNAL) : write(fd, l->p, l->n);
	return written >= 0;
}

static void
begin_line(struct line *l, enum log_level level, const char *event)
{
	l->n = 0;
	if (out.target == TO_JOURNAL && !out.capture) {
		add_char(l, '<');
		add_char(l, (char)('0' + levels[level].priority));
		add_char(l, '>');
	}
	if (out.target != TO_SYSLOG && out.target != TO_JOURNAL && !out.capture)
		add_time(l);
	add_text(l, levels[level].name);
	add_char(l, ' ');
	add_text(l, out.program[0] ? out.program : "pillarbox");
	add_char(l, ' ');
	add_text(l, event);
}

static void
tell_lost(unsigned lines)
{
	const struct log_field count = F_UINT("lines", lines);
	struct line l;

	begin_line(&l, LOG_LEVEL_WARN, "log_lines_lost");
	add_field(&l, &count);
	if (!emit(LOG_LEVEL_WARN, &l))
		atomic_fetch_add(&lost, lines);
}

void
log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	struct line l;

	pthread_rwlock_rdlock(&out.lock);
	begin_line(&l, level, event);
	if (sid[0]) {
		struct log_field tag = F_CSTR("sid", sid);
		add_field(&l, &tag);
	}
	for (size_t i = 0; i < n; i++)
		add_field(&l, &fields[i]);
	unsigned told = 0;
	bool passed = emit(level, &l);
	atomic_fetch_add_explicit(
	    passed ? &passed_lines[level] : &lost_in_all, 1, memory_order_relaxed);
	if (!passed)
		atomic_fetch_add(&lost, 1);
	else if (atomic_load_explicit(&lost, memory_order_relaxed))
		told = atomic_exchange(&lost, 0);
	if (told)
		tell_lost(told);
	pthread_rwlock_unlock(&out.lock);
}

/* systemd tells a service by $JOURNAL_STREAM=device:inode that its stderr is the journal. */
static bool
stderr_is_journal(void)
{
	// NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes it
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev;
	unsigned long long ino;
	struct stat st;

	// NOLINTNEXTLINE(cert-err34-c): systemd wrote it
	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == (dev_t)dev && st.st_ino == (ino_t)ino;
}

/* A pipe is opened once more: O_NONBLOCK on the one at hand would be everybody's who shares it.
 * Not every user may do so; then what was opened before the privileges fell stays. */
static void
open_stderr(void)
{
	struct stat st;
	bool before = out.target == TO_STDERR || out.target == TO_JOURNAL;
	int fd = -1;

	if (fstat(STDERR_FILENO, &st) < 0)
		st.st_mode = 0;
	if (S_ISFIFO(st.st_mode))
		fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 || !before) {
		fd_close(&out.fd);
		out.fd = fd;
	}
	out.socket = S_ISSOCK(st.st_mode);
	out.target = stderr_is_journal() ? TO_JOURNAL : TO_STDERR;
}

static enum err
open_file(void)
{
	int fd = open(out.path, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		fd = open(out.path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
		/* Only what was made just now is given away, whatever lies in that directory; and
		 * the group reads it, whatever the umask. */
		if (fd >= 0 && ((out.uid != (uid_t)-1 && fchown(fd, out.uid, out.gid) < 0) ||
				   fchmod(fd, 0640) < 0))
			fd_close(&fd);
		else if (fd < 0 && errno == EEXIST) /* another daemon was faster */
			fd = open(out.path, O_WRONLY | O_APPEND | O_CLOEXEC);
	}
	if (fd < 0)
		return err_from_errno(errno);
	fd_close(&out.fd);
	out.fd = fd;
	out.target = TO_FILE;
	out.socket = false;
	return ERR_OK;
}

void
log_set_owner(uid_t uid, gid_t gid)
{
	pthread_rwlock_wrlock(&out.lock);
	out.uid = uid;
	out.gid = gid;
	pthread_rwlock_unlock(&out.lock);
}

enum err
log_open(const char *program, const char *target, enum log_level level)
{
	enum err e = ERR_OK;

	pthread_rwlock_wrlock(&out.lock);
	snprintf(out.program, sizeof(out.program), "%s", program);
	atomic_store(&min_level, (int)level);
	if (strcmp(target, "stderr") == 0) {
		open_stderr();
	} else if (strcmp(target, "syslog") == 0) {
		openlog(out.program, LOG_PID, LOG_MAIL);
		out.target = TO_SYSLOG;
	} else if (strncmp(target, "file:", 5) == 0 && target[5] == '/') {
		snprintf(out.path, sizeof(out.path), "%s", target + 5);
		e = open_file(); /* on failure the lines go where they went before */
	} else {
		e = ERR_CONFIG;
	}
	pthread_rwlock_unlock(&out.lock);
	return e;
}

enum err
log_reopen(void)
{
	enum err e = ERR_OK;

	pthread_rwlock_wrlock(&out.lock);
	if (out.target == TO_FILE)
		e = open_file();
	pthread_rwlock_unlock(&out.lock);
	return e;
}

void
log_close(void)
{
	pthread_rwlock_wrlock(&out.lock);
	fd_close(&out.fd);
	if (out.target == TO_SYSLOG)
		closelog();
	out.target = TO_STDERR;
	out.socket = false;
	pthread_rwlock_unlock(&out.lock);
}

void
log_capture(void (*fn)(void *arg, struct str line), void *arg)
{
	pthread_rwlock_wrlock(&out.lock);
	out.capture = fn;
	out.capture_arg = arg;
	pthread_rwlock_unlock(&out.lock);
}
