#include "common/base/err.h"

#include <errno.h>
#include <stddef.h>

static const struct {
	const char *name;
	enum err_class class;
	const char *text;
} errors[ERR__COUNT] = {
#define X(name, class, text) {#name, ERR_CLASS_##class, text},
    ERR_MAP(X)
#undef X
};

static enum err
known(enum err e)
{
	return (unsigned)e < ERR__COUNT ? e : ERR_INTERNAL;
}

const char *
err_name(enum err e)
{
	return errors[known(e)].name;
}

const char *
err_text(enum err e)
{
	return errors[known(e)].text;
}

enum err_class
err_class(enum err e)
{
	return errors[known(e)].class;
}

enum err
err_from_errno(int errnum)
{
	switch (errnum) {
	case 0:
		return ERR_OK;
	case ENOSPC:
	case EDQUOT:
		return ERR_NO_SPACE;
	case ENOENT:
		return ERR_NOT_FOUND;
	case EEXIST:
		return ERR_EXISTS;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_DENIED;
	case ENOMEM:
		return ERR_NOMEM;
	case EMFILE:
	case ENFILE:
		return ERR_LIMIT;
	default:
		return ERR_IO;
	}
}
