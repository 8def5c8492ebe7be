#include "tests/ctl/ctl_fixture.h"

#include "common/net/listeners.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *
program(void)
{
	static char path[512];
	const char *build = getenv("PB_BUILDDIR");

	snprintf(path, sizeof(path), "%s/ctl/pillarbox", build ? build : ".");
	return path;
}

static int
run_shell(const char *command, const char **ret_output)
{
	static char output[65536];
	FILE *f = popen(command, "r");

	ck_assert_ptr_nonnull(f);
	size_t n = fread(output, 1, sizeof(output) - 1, f);
	output[n] = '\0';
	*ret_output = output;
	int status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
ctl_run(const char *dir, const char **ret_output, const char *words, ...)
{
	char text[4096], command[8192];
	va_list ap;

	va_start(ap, words);
	vsnprintf(text, sizeof(text), words, ap);
	va_end(ap);
	snprintf(command, sizeof(command), "%s -c %s/pillarbox.conf %s 2>&1", program(), dir, text);
	return run_shell(command, ret_output);
}

bool
ctl_contains(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static bool
is_free(unsigned offset)
{
	static const unsigned ports[] = {25, 110, 143, 465, 587, 993, 995};

	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		int fd;
		if (listener_bind("127.0.0.1", (uint16_t)(offset + ports[i]), &fd))
			return false;
		close(fd);
	}
	return true;
}

/* Under 32768: above it the system takes ports for connections that go out. */
static unsigned
free_offset(void)
{
	for (unsigned i = 0;; i++) {
		unsigned offset = 15000 + ((unsigned)getpid() + 7 * i) % 16000;
		if (is_free(offset))
			return offset;
	}
}

const char *
ctl_begin(void)
{
	const char *dir = test_mkdir();
	unsigned offset = free_offset();

	ck_ctl(dir, 0, "ca.pem",
	    "init --dir %s --domain example.test --listen 127.0.0.1 --port-offset %u", dir, offset);
	return dir;
}

void
ctl_end(const char *dir)
{
	const char *output;

	(void)ctl_run(dir, &output, "stop");
	test_rmdir(dir);
}
