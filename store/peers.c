#include "store/peers.h"

#include "common/base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>

#define NEWS_MAGIC 0x31534248u
#define RETRY_MS 20 /* a refused datagram is late by this much, well within IDLE's 100 ms */
#define RETRY_MAX_MS 1000 /* to a process that stays deaf: twice as long each time up to this */
#define RECEIVE_MAX 64 /* in one call: the loop has other work */
#define NAME_MAX_LEN 96

/* As it stands on the wire: between processes of one machine and one build. */
struct datagram {
	uint32_t magic;
	uint32_t zero;
	struct peer_news news;
};

struct destination {
	char name[NAME_MAX_LEN];
	bool again; /* refused one: a "look again" is owed */
	bool complained; /* its failure was logged */
	bool seen; /* in the last listing */
};

struct peers {
	int socket_fd, timer_fd, epoll_fd, dir_fd;
	char *dir;
	char name[NAME_MAX_LEN]; /* of the own socket, once there is one */
	pthread_mutex_t mu; /* guards what follows */
	bool listening;
	struct destination *to;
	size_t n, cap;
	struct timespec listed_mtime; /* of the directory when it was listed */
	bool list_again; /* it had changed so lately that its time says nothing */
	int64_t retry_ms; /* the next pause before what was refused is sent again */
};

/* The address of a socket in the directory. Where the path is longer than an address holds
 * (108 octets), it goes by way of the open directory. */
static struct sockaddr_un
address_of(const struct peers *b, const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int n = snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", b->dir, name);

	if (n < 0 || (size_t)n >= sizeof(a.sun_path))
		snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%.80s", b->dir_fd, name);
	return a;
}

static enum err
failed(const char *what, const char *path)
{
	enum err e = err_from_errno(errno);

	log_error("bus", F_CSTR("op", what), F_CSTR("path", path), F_ERR(e), F_INT("errno", errno));
	return e ? e : ERR_IO;
}

static enum err
open_dir(struct peers *b, const char *run_dir)
{
	if (asprintf(&b->dir, "%s/bus", run_dir) < 0) {
		b->dir = NULL;
		return ERR_NOMEM;
	}
	if (mkdir(run_dir, 0770) < 0 && errno != EEXIST)
		return failed("mkdir", run_dir);
	if (mkdir(b->dir, 0770) < 0 && errno != EEXIST)
		return failed("mkdir", b->dir);
	b->dir_fd = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return b->dir_fd < 0 ? failed("open", b->dir) : ERR_OK;
}

static enum err
make_socket(struct peers *b, const char *process)
{
	uint64_t unique = 0;

	if (getrandom(&unique, sizeof(unique), 0) != (ssize_t)sizeof(unique))
		return failed("getrandom", b->dir);
	snprintf(b->name, sizeof(b->name), "%.40s.%ld-%016llx.sock", process, (long)getpid(),
	    (unsigned long long)unique);
	b->socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return b->socket_fd < 0 ? failed("socket", b->dir) : ERR_OK;
}

static enum err
bind_socket(struct peers *b)
{
	struct sockaddr_un a = address_of(b, b->name);

	if (bind(b->socket_fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return failed("bind", b->dir);
	/* the daemons may run under ids of their own that share a group */
	if (fchmodat(b->dir_fd, b->name, 0660, 0) < 0)
		return failed("chmod", b->dir);
	return ERR_OK;
}

enum err
peers_listen(struct peers *b)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&b->mu);

	if (b->listening)
		return ERR_OK;
	enum err e = bind_socket(b);
	b->listening = !e;
	return e;
}

static enum err
watch_both(struct peers *b)
{
	struct epoll_event ev = {.events = EPOLLIN};

	b->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (b->timer_fd < 0 || b->epoll_fd < 0)
		return failed("timerfd", b->dir);
	if (epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, b->socket_fd, &ev) < 0 ||
	    epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, b->timer_fd, &ev) < 0)
		return failed("epoll", b->dir);
	return ERR_OK;
}

enum err
peers_open(const char *run_dir, const char *process, struct peers **ret)
{
	CLEANUP(peers_close) struct peers *b = calloc(1, sizeof(*b));

	if (!b)
		return ERR_NOMEM;
	b->socket_fd = b->timer_fd = b->epoll_fd = b->dir_fd = -1;
	b->list_again = true;
	b->retry_ms = RETRY_MS;
	pthread_mutex_init(&b->mu, NULL);
	enum err e = open_dir(b, run_dir);
	if (!e)
		e = make_socket(b, process);
	if (!e)
		e = watch_both(b);
	if (e)
		return e;
	*ret = MOVE_PTR(b);
	return ERR_OK;
}

void
peers_close(struct peers **bus)
{
	struct peers *b = MOVE_PTR(*bus);

	if (!b)
		return;
	if (b->listening)
		unlinkat(b->dir_fd, b->name, 0);
	fd_close(&b->epoll_fd);
	fd_close(&b->timer_fd);
	fd_close(&b->socket_fd);
	fd_close(&b->dir_fd);
	pthread_mutex_destroy(&b->mu);
	free(b->to);
	free(b->dir);
	free(b);
}

static void
note_destination_locked(struct peers *b, const char *name)
{
	for (size_t i = 0; i < b->n; i++) {
		if (strcmp(b->to[i].name, name) == 0) {
			b->to[i].seen = true;
			return;
		}
	}
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 4;
		struct destination *to = realloc(b->to, cap * sizeof(*to));
		if (!to)
			return;
		b->to = to;
		b->cap = cap;
	}
	struct destination *d = &b->to[b->n++];
	*d = (struct destination){.seen = true};
	memcpy(d->name, name, strlen(name) + 1);
}

/* Lists the directory anew if it changed since the last time. Its time has the grain of a clock
 * tick: when it changed only just before it was listed, a further change may show the same time. */
static void
refresh_locked(struct peers *b)
{
	struct stat st;

	if (fstat(b->dir_fd, &st) < 0)
		return;
	bool same = st.st_mtim.tv_sec == b->listed_mtime.tv_sec &&
		    st.st_mtim.tv_nsec == b->listed_mtime.tv_nsec;
	if (same && !b->list_again)
		return;
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t age_ms = (int64_t)(now.tv_sec - st.st_mtim.tv_sec) * 1000 +
			 (now.tv_nsec - st.st_mtim.tv_nsec) / 1000000;
	b->list_again = age_ms < 100;
	b->listed_mtime = st.st_mtim;

	int fd = openat(b->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		fd_close(&fd);
		b->list_again = true;
		return;
	}
	for (size_t i = 0; i < b->n; i++)
		b->to[i].seen = false;
	// NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of its own
	for (struct dirent *entry; (entry = readdir(dir));) {
		size_t len = strlen(entry->d_name);
		if (len > 5 && len < NAME_MAX_LEN &&
		    strcmp(entry->d_name + len - 5, ".sock") == 0 &&
		    strcmp(entry->d_name, b->name) != 0)
			note_destination_locked(b, entry->d_name);
	}
	closedir(dir);
	size_t out = 0;
	for (size_t i = 0; i < b->n; i++)
		if (b->to[i].seen)
			b->to[out++] = b->to[i];
	b->n = out;
}

static void
arm_retry(struct peers *b, int64_t ms)
{
	struct itimerspec in = {.it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}};

	timerfd_settime(b->timer_fd, 0, &in, NULL);
}

/* Sends one datagram, or the "look again" that is owed instead (`news` may be NULL then). */
static void
send_locked(struct peers *b, struct destination *d, const struct peer_news *news)
{
	struct datagram out = {.magic = NEWS_MAGIC};
	struct sockaddr_un a = address_of(b, d->name);

	if (news && !d->again)
		out.news = *news;
	ssize_t n = sendto(b->socket_fd, &out, sizeof(out), MSG_DONTWAIT | MSG_NOSIGNAL,
	    (struct sockaddr *)&a, sizeof(a));
	if (n == (ssize_t)sizeof(out)) {
		d->again = false;
		return;
	}
	if (errno == ECONNREFUSED || errno == ENOENT) { /* its process is no more */
		unlinkat(b->dir_fd, d->name, 0);
		d->seen = false;
		return;
	}
	bool busy = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == EINTR;
	if (!busy && !d->complained) {
		log_warn("bus", F_CSTR("op", "send"), F_CSTR("to", d->name), F_INT("errno", errno));
		d->complained = true;
	}
	d->again = true;
	arm_retry(b, busy ? b->retry_ms : RETRY_MAX_MS);
}

static void
drop_unseen_locked(struct peers *b)
{
	size_t out = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->to[i].seen)
			b->to[out++] = b->to[i];
	b->n = out;
}

void
peers_send(struct peers *b, const struct peer_news *news)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&b->mu);

	refresh_locked(b);
	for (size_t i = 0; i < b->n; i++)
		send_locked(b, &b->to[i], news);
	drop_unseen_locked(b);
}

/* Sends "look again" to those that refused a datagram. */
static void
retry(struct peers *b)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&b->mu);

	for (size_t i = 0; i < b->n; i++)
		if (b->to[i].again)
			send_locked(b, &b->to[i], NULL);
	drop_unseen_locked(b);
	bool deaf = false;
	for (size_t i = 0; i < b->n; i++)
		deaf |= b->to[i].again;
	b->retry_ms = !deaf                            ? RETRY_MS
		      : b->retry_ms < RETRY_MAX_MS / 2 ? b->retry_ms * 2
						       : RETRY_MAX_MS;
}

int
peers_fd(const struct peers *b)
{
	return b->epoll_fd;
}

void
peers_receive(struct peers *b, void (*fn)(void *arg, const struct peer_news *news), void *arg)
{
	uint64_t expired;

	if (read(b->timer_fd, &expired, sizeof(expired)) == (ssize_t)sizeof(expired))
		retry(b);
	for (int i = 0; i < RECEIVE_MAX; i++) {
		struct datagram in;
		ssize_t n = recv(b->socket_fd, &in, sizeof(in), MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0)
			return;
		if (n == (ssize_t)sizeof(in) && in.magic == NEWS_MAGIC)
			fn(arg, &in.news);
	}
}
