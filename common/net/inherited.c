#include "common/net/inherited.h"

#include "common/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

/* A port that does not listen now, but may again: who opened it has shut it. */
static bool
is_shut_port(int fd)
{
	struct sockaddr_in6 six = {.sin6_family = AF_UNSPEC};
	struct sockaddr_storage peer;
	socklen_t len = sizeof(six);

	if (getsockname(fd, (struct sockaddr *)&six, &len) < 0 ||
	    (six.sin6_family != AF_INET && six.sin6_family != AF_INET6) || six.sin6_port == 0)
		return false; /* sin_port is at the same place */
	len = sizeof(peer);
	return getpeername(fd, (struct sockaddr *)&peer, &len) < 0 && errno == ENOTCONN;
}

static bool
is_listening_stream(int fd)
{
	int type = 0, listens = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 &&
	       (listens || is_shut_port(fd));
}

static bool
prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
	       fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static void
take_one(struct inherited *in, int fd, struct str name)
{
	if (in->n == INHERITED_MAX || !is_listening_stream(fd) || !prepare(fd)) {
		log_warn("inherited", F_INT("fd", fd), F_STR("name", name),
		    F_CSTR("reason", "not a stream socket that listens"));
		return; /* perhaps it is somebody's */
	}
	in->fds[in->n] = fd;
	snprintf(in->names[in->n], sizeof(in->names[0]), "%.*s", STR_ARG(name));
	in->n++;
}

void
inherited_take(struct inherited *in)
{
	// NOLINTBEGIN(concurrency-mt-unsafe): before there are threads
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	const char *all = getenv("LISTEN_FDNAMES");
	struct str names = str_of(all ? all : ""), name;
	uint32_t for_whom, n;

	in->n = 0;
	if (pid && count && str_to_u32(str_of(pid), &for_whom) && for_whom == (uint32_t)getpid() &&
	    str_to_u32(str_of(count), &n)) {
		for (uint32_t i = 0; i < n && i < INHERITED_MAX; i++) {
			if (!str_split(&names, ':', &name))
				name = STR("");
			take_one(in, FIRST_FD + (int)i, name);
		}
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	// NOLINTEND(concurrency-mt-unsafe)
}

union address {
	struct sockaddr sa;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
	struct sockaddr_un local;
};

static const char *
file_name(const struct sockaddr_un *sa)
{
	const char *slash = strrchr(sa->sun_path, '/');

	return slash ? slash + 1 : sa->sun_path;
}

static bool
is_for(int fd, const char *name, const struct listener_spec *spec, uint32_t port)
{
	union address a;
	socklen_t len = sizeof(a) - 1; /* a path ends within it */

	memset(&a, 0, sizeof(a));
	if (strcmp(name, spec->name) == 0)
		return true;
	if (getsockname(fd, &a.sa, &len) < 0)
		return false;
	switch (a.sa.sa_family) {
	case AF_INET:
		return port && ntohs(a.four.sin_port) == port;
	case AF_INET6:
		return port && ntohs(a.six.sin6_port) == port;
	case AF_UNIX:
		return spec->unix_name && strcmp(file_name(&a.local), spec->unix_name) == 0;
	default:
		return false;
	}
}

int
inherited_find(struct inherited *in, const struct listener_spec *spec, uint32_t port)
{
	for (size_t i = 0; i < in->n; i++) {
		int fd = in->fds[i];
		if (fd >= 0 && is_for(fd, in->names[i], spec, port)) {
			in->fds[i] = -1;
			return fd;
		}
	}
	return -1;
}

void
inherited_done(struct inherited *in)
{
	for (size_t i = 0; i < in->n; i++) {
		if (in->fds[i] < 0)
			continue;
		log_warn("inherited", F_INT("fd", in->fds[i]), F_CSTR("name", in->names[i]),
		    F_CSTR("reason", "no listener of this daemon has that name or port"));
		close(in->fds[i]);
	}
	in->n = 0;
}
