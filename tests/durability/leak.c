/* tests/durability/leak.so - preloaded into a daemon it leaks: of every fourth connection that it
 * takes the descriptor stays open when the daemon closes it, and 512 KB of memory with each. To see
 * that everything.py finds it.
 */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS = 65536, LEAK = 512 << 10 };

static atomic_bool kept[FDS];
static atomic_uint taken;
void *volatile leak_last; /* so that the compiler believes in it */

int
accept4(int listener, struct sockaddr *peer, socklen_t *size, int flags)
{
	int (*real)(int, struct sockaddr *, socklen_t *, int);

	*(void **)&real = dlsym(RTLD_NEXT, "accept4");
	int fd = real(listener, peer, size, flags);
	if (fd >= 0 && fd < FDS) {
		leak_last = malloc(LEAK);
		if (leak_last)
			memset(leak_last, 1, LEAK);
		kept[fd] = taken++ % 4 == 0;
	}
	return fd;
}

int
close(int fd)
{
	int (*real)(int);

	if (fd >= 0 && fd < FDS && kept[fd])
		return 0;
	*(void **)&real = dlsym(RTLD_NEXT, "close");
	return real(fd);
}
