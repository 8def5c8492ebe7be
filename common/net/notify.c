#include "common/net/notify.h"

#include "common/base/cleanup.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

void
notify_state(const char *state)
{
	// NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes it
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	if (!path || !path[0] || strlen(path) >= sizeof(sa.sun_path))
		return;
	size_t n = strlen(path);
	memcpy(sa.sun_path, path, n);
	if (sa.sun_path[0] == '@')
		sa.sun_path[0] = '\0'; /* abstract */
	CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	ssize_t sent = sendto(fd, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL,
	    (struct sockaddr *)&sa, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	(void)sent;
}
