/* ctl/sockets.h - the ports of all daemons, bound by whoever starts them.
 *
 * So nobody needs to be root afterwards, and who connects while a daemon is started again waits for
 * it. A daemon is handed its sockets as by systemd (sd_listen_fds(3), common/net/inherited.h).
 */
#ifndef CTL_SOCKETS_H
#define CTL_SOCKETS_H

#include "common/base/cleanup.h"
#include "common/base/conf.h"
#include "common/base/err.h"

#include <stddef.h>

/* How long a port may still be held by a daemon that just ends. */
#define SOCKETS_WAIT_MS 3000

struct sockets {
	struct socket_of {
		const char *daemon; /* "imapd" */
		const char *name; /* "imaps" */
		int fd;
	} * list;
	size_t n;
};

/* Binds every port of `c` on every address. What can't be bound is logged and told; then nothing
 * stays open. */
NODISCARD enum err sockets_open(const struct conf *c, struct sockets *ret);
void sockets_close(struct sockets *s);

/* In the child that becomes `daemon`, right before it does: its sockets get the numbers from 3 on,
 * and $LISTEN_FDS and its kin say so. ERR_IO: errno says why. */
NODISCARD enum err sockets_give(const struct sockets *s, const char *daemon);

#endif
