#include "common/net/files.h"

#include <sys/resource.h>

struct files
files_share(uint64_t all, uint32_t max_connections, uint32_t dialled)
{
	struct files f = {.all = all, .connections = max_connections, .store = FILES_STORE_MAX};

	if (f.store > all / 4)
		f.store = (uint32_t)(all / 4);
	uint64_t aside = 2 * (uint64_t)dialled < all / 4 ? 2 * (uint64_t)dialled : all / 4;
	uint64_t others = (uint64_t)f.store + FILES_OWN + aside;
	uint64_t left = all > others ? all - others : 1;
	if (f.connections > left)
		f.connections = (uint32_t)left;
	return f;
}

struct files
files_raise(uint32_t max_connections, uint32_t dialled)
{
	const rlim_t wanted =
	    (rlim_t)max_connections + FILES_STORE_MAX + FILES_OWN + 2 * (rlim_t)dialled;
	struct rlimit now;

	if (getrlimit(RLIMIT_NOFILE, &now) < 0)
		return files_share(1024, max_connections, dialled);
	struct rlimit more = {.rlim_cur = now.rlim_max, .rlim_max = now.rlim_max};
	if (more.rlim_max < wanted) { /* root may */
		more.rlim_cur = more.rlim_max = wanted;
		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			return files_share(wanted, max_connections, dialled);
		more.rlim_cur = more.rlim_max = now.rlim_max;
	}
	if (now.rlim_cur < more.rlim_cur && setrlimit(RLIMIT_NOFILE, &more) == 0)
		now = more;
	return files_share(now.rlim_cur, max_connections, dialled);
}
