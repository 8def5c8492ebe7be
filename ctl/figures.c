#include "ctl/figures.h"

#include "common/net/server.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define ANSWER_MAX ((size_t)4 * 1024 * 1024)

/* -- asking */

static enum err
reach(const char *run_dir, const char *daemon, int *ret_fd)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char name[40];
	const struct timeval patience = {
	    FIGURES_ANSWER_MS / 1000, (suseconds_t)(FIGURES_ANSWER_MS % 1000) * 1000};

	snprintf(name, sizeof(name), STATUS_SOCKET, daemon);
	int n = snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", run_dir, name);
	if (n < 0 || (size_t)n >= sizeof(sa.sun_path))
		return ERR_NOT_FOUND;
	CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_from_errno(errno);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		if (errno == ECONNREFUSED)
			return ERR_NOT_FOUND;
		return errno == EAGAIN ? ERR_BUSY : err_from_errno(errno);
	}
	*ret_fd = fd;
	fd = -1;
	return ERR_OK;
}

/* Up to its end. */
static enum err
read_all(int fd, struct sbuf *answer)
{
	for (;;) {
		char *to = sbuf_reserve(answer, 16384);
		if (!to)
			return ERR_IO;
		ssize_t got = recv(fd, to, 16384, 0);
		if (got < 0)
			return errno == EAGAIN ? ERR_BUSY : ERR_IO;
		if (got == 0)
			return ERR_OK;
		sbuf_grow(answer, (size_t)got);
	}
}

enum err
figures_ask(const char *run_dir, const char *daemon, const char *path, struct sbuf *out)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(ANSWER_MAX);
	CLEANUP(fd_close) int fd = -1;
	enum err e = reach(run_dir, daemon, &fd);

	if (e)
		return e;
	sbuf_printf(&text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
	struct str request = sbuf_view(&text);
	if (send(fd, request.p, request.n, MSG_NOSIGNAL) != (ssize_t)request.n)
		return ERR_IO;
	sbuf_clear(&text);
	e = read_all(fd, &text);
	if (e)
		return e;
	struct str answer = sbuf_view(&text);
	size_t end = str_find_nocase(answer, STR("\r\n\r\n"));
	if (!str_starts(answer, STR("HTTP/1.1 200 ")) || end == STR_NONE)
		return ERR_IO;
	sbuf_put(out, str_skip(answer, end + 4));
	return sbuf_error(out);
}

/* -- one text of several */

/* "# HELP name …": the name of the family that begins there. */
static bool
begins_family(struct str line, struct str *ret_name)
{
	if (!str_starts(line, STR("# HELP ")))
		return false;
	struct str rest = str_skip(line, 7);
	return str_split(&rest, ' ', ret_name);
}

/* The lines of family `name` in `text`, its head only if `head`. True: there are any. */
static bool
put_family(struct str text, struct str name, bool head, struct sbuf *out)
{
	struct str line, at;
	bool inside = false, any = false;

	while (str_split(&text, '\n', &line)) {
		if (begins_family(line, &at))
			inside = str_eq(at, name);
		if (!inside || line.n == 0 || (line.p[0] == '#' && !head))
			continue;
		sbuf_put(out, line);
		sbuf_putc(out, '\n');
		any = true;
	}
	return any;
}

static bool
has_family(struct str text, struct str name)
{
	struct str line, at;

	while (str_split(&text, '\n', &line))
		if (begins_family(line, &at) && str_eq(at, name))
			return true;
	return false;
}

void
figures_merge(const struct str *texts, size_t n, struct sbuf *out)
{
	for (size_t i = 0; i < n; i++) {
		struct str rest = texts[i], line, name;
		while (str_split(&rest, '\n', &line)) {
			bool before = false;
			if (!begins_family(line, &name))
				continue;
			for (size_t j = 0; j < i && !before; j++)
				before = has_family(texts[j], name);
			for (size_t j = i; j < n && !before; j++)
				put_family(texts[j], name, j == i, out);
		}
	}
}
