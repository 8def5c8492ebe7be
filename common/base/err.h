/* common/base/err.h - the failures a caller can tell apart.
 *
 * Three classes. CLIENT: their syntax or order. WORLD: the state of things (absent, full, denied,
 * busy). OURS: I/O, corruption, memory. CLIENT and WORLD are returned silently; OURS is logged
 * once, where the detail is known. Each daemon maps every error to its protocol's reply in one
 * table; a test walks ERR__COUNT for holes.
 */
#ifndef COMMON_BASE_ERR_H
#define COMMON_BASE_ERR_H

enum err_class { ERR_CLASS_OK, ERR_CLASS_CLIENT, ERR_CLASS_WORLD, ERR_CLASS_OURS };

/*  name           class   text for people */
#define ERR_MAP(X)                                                                                 \
	X(OK, OK, "ok")                                                                            \
	X(SYNTAX, CLIENT, "syntax error")                                                          \
	X(SEQUENCE, CLIENT, "not possible in this state")                                          \
	X(UNKNOWN, CLIENT, "unknown command")                                                      \
	X(PARAM, CLIENT, "parameter not recognised")                                               \
	X(TOO_LONG, CLIENT, "line too long")                                                       \
	X(BAD_CHARSET, CLIENT, "charset not supported")                                            \
	X(NEEDS_TLS, CLIENT, "encryption required first")                                          \
	X(CANCELLED, CLIENT, "cancelled by the client")                                            \
	X(NOT_FOUND, WORLD, "does not exist")                                                      \
	X(EXISTS, WORLD, "already exists")                                                         \
	X(GONE, WORLD, "no longer exists")                                                         \
	X(CANNOT, WORLD, "not possible for this object")                                           \
	X(HAS_CHILDREN, WORLD, "has inferior names")                                               \
	X(READ_ONLY, WORLD, "is read-only")                                                        \
	X(DENIED, WORLD, "not permitted")                                                          \
	X(AUTH_FAILED, WORLD, "wrong user name or password")                                       \
	X(RELAY, WORLD, "relaying denied")                                                         \
	X(NO_USER, WORLD, "no such user here")                                                     \
	X(OVER_QUOTA, WORLD, "over quota")                                                         \
	X(TOO_BIG, WORLD, "message too big")                                                       \
	X(LIMIT, WORLD, "limit exceeded")                                                          \
	X(LOOP, WORLD, "mail loop")                                                                \
	X(BUSY, WORLD, "busy, try again")                                                          \
	X(STALE, WORLD, "changed meanwhile")                                                       \
	X(NO_SPACE, OURS, "no space left on the device")                                           \
	X(IO, OURS, "input/output error")                                                          \
	X(CORRUPT, OURS, "data is damaged")                                                        \
	X(NOMEM, OURS, "out of memory")                                                            \
	X(CONFIG, OURS, "configuration error")                                                     \
	X(INTERNAL, OURS, "internal error")

enum err {
#define X(name, class, text) ERR_##name,
	ERR_MAP(X)
#undef X
	    ERR__COUNT
};

/* "NOT_FOUND": the name as logs show it. */
const char *err_name(enum err e);
/* "does not exist": the text for people. */
const char *err_text(enum err e);
enum err_class err_class(enum err e);

/* The error that stands for an errno value: ENOSPC and EDQUOT are NO_SPACE, ENOENT NOT_FOUND,
 * EEXIST EXISTS, EACCES and EPERM and EROFS DENIED, ENOMEM NOMEM, EMFILE and ENFILE LIMIT,
 * everything else IO. */
enum err err_from_errno(int errnum);

#endif
