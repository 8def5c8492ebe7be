/* Configuration files: read, or refused with lines that say why. */
#include "common/base/cleanup.h"
#include "common/base/conf.h"
#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(1 << 20);
	CLEANUP(conf_unref) struct conf *conf = NULL;
	CLEANUP(fd_close) int fd = memfd_create("conf", MFD_CLOEXEC);
	char path[40];

	FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	enum err e = conf_load(path, &conf, &problem);
	FUZZ_CHECK((e == ERR_OK) == (conf != NULL));
	if (e == ERR_CONFIG)
		FUZZ_CHECK(problem.err || sbuf_view(&problem).n > 0);
	return 0;
}
