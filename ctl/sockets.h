/* ctl/sockets.h - the ports of all daemons, bound by whoever starts them.
 *
 * So nobody needs to be root afterwards, and who connects while a daemon is started again waits for
 * it. A daemon is handed its sockets as by systemd (sd_listen_fds(3), common/net/inherited.h).
 *
 * A port where nobody would answer, since the daemon is away for long or the service is switched
 * off, is shut: who connects is refused by the kernel, at once and without any work here. It is
 * not closed, since who is not root any more could not bind a low port again: shutdown(2) ends the
 * listening and leaves the socket bound, and listen(2) asks for no right. It is the daemon's socket
 * too: it notices (common/net/listeners.c), and goes on when it listens again.
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
		const char *address; /* of the configuration that they were opened by */
		uint16_t port;
		int fd;
		bool off; /* the service is switched off */
		bool away; /* the daemon is */
		bool shut; /* it does not listen */
		bool complained; /* it should, and can't */
	} * list;
	size_t n;
};

/* Binds every port of `c` on every address. What can't be bound is logged and told; then nothing
 * stays open. */
NODISCARD enum err sockets_open(const struct conf *c, struct sockets *ret);
void sockets_close(struct sockets *s);

/* Shuts the ports of services of `daemon`, NULL for all daemons, that the configuration in that
 * file has switched off, and opens those that it has switched on again. Ports that there are none
 * of yet are not made. A configuration that is wrong changes nothing; the daemons say what is wrong
 * with it. */
void sockets_follow(struct sockets *s, const char *conf_path, const char *daemon);
/* Nobody answers at the ports of `daemon`, or somebody does again. */
void sockets_set_away(struct sockets *s, const char *daemon, bool away);
/* Tries again what could not be opened again. False: it still can't; the log has had a line. */
bool sockets_settle(struct sockets *s);

/* In the child that becomes `daemon`, right before it does: its sockets get the numbers from 3 on,
 * and $LISTEN_FDS and its kin say so. ERR_IO: errno says why. */
NODISCARD enum err sockets_give(const struct sockets *s, const char *daemon);

#endif
