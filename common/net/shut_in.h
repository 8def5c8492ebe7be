/* common/net/shut_in.h - what the configuration means for who a daemon is and what it may reach:
 * common/sandbox, told what to do.
 *
 * For the start of the process, before it has threads.
 */
#ifndef COMMON_NET_SHUT_IN_H
#define COMMON_NET_SHUT_IN_H

#include "common/base/conf.h"

/* Root becomes `user`; nobody keeps a capability. Warns of files that the new user can't read, so
 * that a reload would fail. */
NODISCARD enum err become_user(const struct conf *conf);

/* The same for who starts daemons and has bound their ports: they are then started as that user. It
 * stays root, with a line in the log, where `user` can't read what they read at their start or go
 * on with their log: they become `user` when they have read it, as above. */
NODISCARD enum err become_user_first(const struct conf *conf);

/* `does`: SANDBOX_… of the daemon itself. From here on it reaches its data, its sockets, its log,
 * and may read the configuration, what that names, and the system's own files: also those that
 * stand in their directories later, since certificates are renewed. */
NODISCARD enum err shut_in(const struct conf *conf, unsigned does);

#endif
