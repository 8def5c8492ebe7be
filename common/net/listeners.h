/* common/net/listeners.h - the daemon's listening sockets, accepted from on the loop's thread. */
#ifndef COMMON_NET_LISTENERS_H
#define COMMON_NET_LISTENERS_H

#include "common/net/server.h"

struct listeners;

/* An accepted connection; takes `fd` over. */
typedef void accept_fn(
    void *arg, int fd, const struct sockaddr *peer, const struct listener_spec *spec);

/* A socket that listens on an IP address of this host. ERR_CONFIG: errno says why. */
NODISCARD enum err listener_bind(const char *address, uint16_t port, int *ret_fd);
/* A bound socket listens, perhaps again. ERR_CONFIG: errno says why. */
NODISCARD enum err listener_listen(int fd);
/* Logs what errno says, and what to do about it. */
void listener_complain(const char *address, unsigned port);

/* Binds every enabled port on every address of the configuration, but for those of which the
 * process was started with sockets (inherited.h). What can't be bound is logged with address and
 * port and what to do; then nothing stays open, unless it was started with others and may not bind
 * this one, which a changed configuration has and whoever started it does not know of yet. `specs`
 * outlive the listeners. */
NODISCARD enum err listeners_open(
    const struct conf *conf, const struct listener_spec *specs, size_t n, struct listeners **ret);
/* Binds the Unix sockets, as the user that the daemon is by then: run_dir is that user's. */
NODISCARD enum err listeners_open_unix(
    struct listeners *ls, const struct conf *conf, const struct listener_spec *specs, size_t n);
/* Accepting begins. */
NODISCARD enum err listeners_start(struct listeners *ls, struct loop *l, accept_fn *fn, void *arg);
/* The configuration was read anew: services that it has switched off end, those that it has
 * switched on go on. Ports that we opened are closed for good, since who is shut in can't listen
 * any more; at one that we were started with, who connects is hung up on, unless who opened it
 * shuts it (shutdown(2)): then it is looked at now and again whether it listens. What only a
 * restart can open is told. On the loop's thread. */
void listeners_follow(struct listeners *ls, const struct conf *conf);
/* No more connections are accepted. */
void listeners_close(struct listeners **ls);

#endif
