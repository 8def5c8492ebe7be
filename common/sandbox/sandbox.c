#include "common/sandbox/sandbox.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "common/sandbox/privileges.h"
#include "common/sandbox/sandbox_private.h"

#include <malloc.h>
#include <string.h>

enum err
sandbox_mode_parse(const char *text, enum sandbox_mode *ret)
{
	static const char *const names[] = {
	    [SANDBOX_OFF] = "off",
	    [SANDBOX_LOG] = "log",
	    [SANDBOX_ON] = "on",
	    [SANDBOX_STRICT] = "strict",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum sandbox_mode)i;
			return ERR_OK;
		}
	return ERR_NOT_FOUND;
}

/* Without one half the other is still worth having. */
static enum err
missing(const char *what, enum err e)
{
	if (e != ERR_CANNOT) {
		log_error("sandbox", F_CSTR("lacks", what), F_ERR(e),
		    F_CSTR("hint", "`sandbox = \"off\"` does without"));
		return e;
	}
	log_warn("sandbox", F_CSTR("lacks", what),
	    F_CSTR("reason", "this kernel does not have it, or not to this end"));
	return ERR_OK;
}

static enum err
shut_files(const struct sandbox *s, int *ret_abi)
{
	// NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes it
	const char *preload = getenv("LD_PRELOAD");

	*ret_abi = 0;
	if (s->mode == SANDBOX_LOG)
		return ERR_OK; /* which has no way of only telling */
	if (preload && preload[0]) {
		log_warn("sandbox", F_CSTR("lacks", "landlock"),
		    F_CSTR("reason", "nobody knows what files LD_PRELOAD's library needs"));
		return ERR_OK;
	}
	enum err e = sandbox_shut_files(s, ret_abi);
	return e ? missing("landlock", e) : ERR_OK;
}

enum err
sandbox_enter(const struct sandbox *s)
{
	unsigned calls = 0;
	int abi = 0;

	if (s->mode == SANDBOX_OFF || is_sanitized()) {
		log_info("sandbox", F_CSTR("mode", "off"));
		return ERR_OK;
	}
	enum err e = shut_files(s, &abi);
	if (!e) {
		e = sandbox_filter_calls(s, &calls);
		if (e)
			e = missing("seccomp", e);
	}
	malloc_trim(0); /* what the filters were made in */
	if (!e)
		log_info("sandbox", F_UINT("calls", calls), F_INT("landlock", abi));
	return e;
}
