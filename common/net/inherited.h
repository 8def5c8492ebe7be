/* common/net/inherited.h - listening sockets that whoever started this process has opened for it
 * (sd_listen_fds(3), systemd.socket(5)): a daemon that gets them needs no right to bind low ports.
 *
 * For the start of the process.
 */
#ifndef COMMON_NET_INHERITED_H
#define COMMON_NET_INHERITED_H

#include "common/base/err.h"
#include "common/net/server.h"

#define INHERITED_MAX 384 /* sockets, of some ports on 64 addresses; more are left alone */

struct inherited {
	int fds[INHERITED_MAX]; /* -1: taken */
	char names[INHERITED_MAX][32]; /* FileDescriptorName= */
	size_t n;
};

/* What $LISTEN_PID, $LISTEN_FDS and $LISTEN_FDNAMES say, which are removed: they are meant for this
 * process alone. Never blocks on them afterwards. */
void inherited_take(struct inherited *in);

/* The next socket that is listener `spec`, or -1: one of its name, or on its port (`port`, offset
 * and all), or with its file name. The caller has it then. */
int inherited_find(struct inherited *in, const struct listener_spec *spec, uint32_t port);

/* Closes, with a line in the log for each, what nobody asked for. */
void inherited_done(struct inherited *in);

#endif
