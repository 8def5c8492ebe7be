/* common/net/files.h - how the descriptors that a daemon may have are shared out, so that neither
 * clients nor databases take them all: whoever comes when the share is used up hears so, and mail
 * is still taken in.
 */
#ifndef COMMON_NET_FILES_H
#define COMMON_NET_FILES_H

#include <stdint.h>

#define FILES_STORE_MAX 6144 /* more databases at once than a machine has work for */
#define FILES_OWN 256 /* ports, log, bus, epoll, and what each worker opens for a moment */

struct files {
	uint64_t all; /* RLIMIT_NOFILE */
	uint32_t connections; /* that fit, at most those wished for */
	uint32_t store; /* for databases */
};

/* Of `all` descriptors. A quarter is the store's, as long as there are few, and at most a quarter
 * is set aside for connections that the daemon opens itself, `dialled` of them: each has a socket
 * and the file that it sends. */
struct files files_share(uint64_t all, uint32_t max_connections, uint32_t dialled);
/* Raises RLIMIT_NOFILE as far as the process may and as is of use, and shares it out. */
struct files files_raise(uint32_t max_connections, uint32_t dialled);

#endif
