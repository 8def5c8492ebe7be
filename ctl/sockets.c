#include "ctl/sockets.h"

#include "common/base/clock.h"
#include "common/net/inherited.h"
#include "common/net/listeners.h"
#include "ctl/ctl.h"
#include "ctl/ports.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>

#define PORTS_ARENA (256 * 1024)
#define AGAIN_MS 20
#define FIRST_FD 3 /* SD_LISTEN_FDS_START */
#define NAMES_MAX (INHERITED_MAX * 16)
#define PROBLEM_MAX 16384

static enum err
bind_patiently(const char *address, uint16_t port, int64_t until_ms, int *ret_fd)
{
	const struct timespec pause = {.tv_nsec = AGAIN_MS * 1000000L};

	for (;;) {
		enum err e = listener_bind(address, port, ret_fd);
		if (!e || errno != EADDRINUSE || clock_mono_ms() >= until_ms)
			return e;
		nanosleep(&pause, NULL);
	}
}

static enum err
open_one(struct sockets *s, const char *daemon, const char *name, const char *address,
    uint32_t port, int64_t until_ms)
{
	struct socket_of *to = &s->list[s->n];

	*to = (struct socket_of){
	    .daemon = daemon, .name = name, .address = address, .port = (uint16_t)port, .fd = -1};
	enum err e =
	    bind_patiently(address, port <= UINT16_MAX ? (uint16_t)port : 0, until_ms, &to->fd);
	if (e) {
		int why = errno;
		listener_complain(address, port);
		call_complain("%s can't have port %u of %s: %s", daemon, (unsigned)port, address,
		    strerror(why));
		return e;
	}
	s->n++;
	return ERR_OK;
}

/* Those of the figures, which are no clients' (conf->metrics). */
static enum err
open_figures(struct sockets *s, const struct conf *c, int64_t until_ms)
{
	const struct {
		const char *daemon;
		uint32_t port;
	} all[] = {
	    {"smtpd", c->metrics.smtpd_port},
	    {"pop3d", c->metrics.pop3d_port},
	    {"imapd", c->metrics.imapd_port},
	};
	enum err e = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (size_t k = 0; !e && all[i].port && c->metrics.listen[k]; k++)
			e = open_one(s, all[i].daemon, "figures", c->metrics.listen[k],
			    all[i].port + c->port_offset, until_ms);
	return e;
}

static size_t
count_figures(const struct conf *c)
{
	size_t n = 0;

	while (c->metrics.listen[n])
		n++;
	return 3 * n;
}

enum err
sockets_open(const struct conf *c, struct sockets *ret)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(PORTS_ARENA);
	CLEANUP(sockets_close) struct sockets s = {0};
	int64_t until_ms = clock_mono_ms() + SOCKETS_WAIT_MS;
	struct port *ports;
	size_t n;

	*ret = (struct sockets){0};
	enum err e = arena ? ports_list(c, arena, &ports, &n) : ERR_NOMEM;
	if (!e && !(s.list = calloc(n + count_figures(c) + 1, sizeof(*s.list))))
		e = ERR_NOMEM;
	for (size_t i = 0; !e && i < n; i++)
		e = open_one(
		    &s, ports[i].daemon, ports[i].name, ports[i].listen, ports[i].number, until_ms);
	if (!e)
		e = open_figures(&s, c, until_ms);
	if (e)
		return e;
	*ret = s;
	s = (struct sockets){0};
	return ERR_OK;
}

void
sockets_close(struct sockets *s)
{
	for (size_t i = 0; i < s->n; i++)
		fd_close(&s->list[i].fd);
	free(s->list);
	*s = (struct sockets){0};
}

/* Who waits to be accepted there is reset, too. */
static void
shut(struct socket_of *s)
{
	if (shutdown(s->fd, SHUT_RD) == 0)
		s->shut = true;
}

/* Another program that runs as the same user may have taken a port meanwhile that is not a low
 * one. */
static void
open_again(struct socket_of *s)
{
	if (listener_listen(s->fd)) {
		if (!s->complained)
			listener_complain(s->address, s->port);
		s->complained = true;
		return;
	}
	s->shut = s->complained = false;
}

bool
sockets_settle(struct sockets *s)
{
	bool settled = true;

	for (size_t i = 0; i < s->n; i++) {
		struct socket_of *one = &s->list[i];
		bool wanted = !one->off && !one->away;
		if (wanted && one->shut)
			open_again(one);
		else if (!wanted && !one->shut)
			shut(one);
		settled = settled && wanted != one->shut;
	}
	return settled;
}

void
sockets_follow(struct sockets *s, const char *conf_path, const char *daemon)
{
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(PROBLEM_MAX);
	CLEANUP(conf_unref) struct conf *conf = NULL;

	if (conf_load(conf_path, &conf, &problem))
		return;
	for (size_t i = 0; i < s->n; i++) {
		struct socket_of *one = &s->list[i];
		if (!daemon || strcmp(one->daemon, daemon) == 0)
			one->off = !ports_has(conf, one->daemon, one->name);
	}
	sockets_settle(s);
}

void
sockets_set_away(struct sockets *s, const char *daemon, bool away)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->list[i].daemon, daemon) == 0)
			s->list[i].away = away;
	sockets_settle(s);
}

/* Copies of those of `daemon` behind where they shall be, lest one be overwritten. */
static enum err
copy_behind(
    const struct sockets *s, const char *daemon, int *copies, size_t *ret_n, struct sbuf *names)
{
	*ret_n = 0;
	for (size_t i = 0; i < s->n && *ret_n < INHERITED_MAX; i++) {
		if (strcmp(s->list[i].daemon, daemon) != 0)
			continue;
		int fd = fcntl(s->list[i].fd, F_DUPFD_CLOEXEC, FIRST_FD + INHERITED_MAX);
		if (fd < 0)
			return ERR_IO;
		copies[(*ret_n)++] = fd;
		sbuf_printf(names, "%s%s", names->n ? ":" : "", s->list[i].name);
	}
	return sbuf_error(names);
}

enum err
sockets_give(const struct sockets *s, const char *daemon)
{
	CLEANUP(sbuf_done) struct sbuf names = SBUF_INIT(NAMES_MAX);
	int copies[INHERITED_MAX];
	char number[24];
	size_t n;
	enum err e = copy_behind(s, daemon, copies, &n, &names);

	for (size_t i = 0; !e && i < n; i++)
		if (dup2(copies[i], FIRST_FD + (int)i) < 0) /* which is open in the program, too */
			e = ERR_IO;
	if (e)
		return e;
	snprintf(number, sizeof(number), "%zu", n);
	setenv("LISTEN_FDS", number, 1);
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	setenv("LISTEN_FDNAMES", sbuf_cstr(&names), 1);
	return ERR_OK;
}
