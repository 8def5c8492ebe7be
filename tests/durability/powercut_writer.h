/* tests/durability/powercut_writer.h - the log that powercut_record.so writes, of all processes,
 * and which files it tells of. Of any thread. Seen inside of the library alone: in the program that
 * it is loaded into, other functions may have these names. */
#ifndef TESTS_DURABILITY_POWERCUT_WRITER_H
#define TESTS_DURABILITY_POWERCUT_WRITER_H

#include "tests/durability/powercut_record.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#pragma GCC visibility push(hidden)

/* Anything is written down at all: of the functions below only record_watches() and
 * record_is_peer() are for use where it is not. */
bool record_is_on(void);

/* The lock under which a file is changed and that is written down. */
void record_lock(void);
void record_unlock(void);
void record_put_locked(enum record_op op, uint64_t inode, uint64_t a, const char *path,
    const char *path2, const void *data, size_t n);
/* Takes the lock; leaves errno as it is. */
void record_put(
    enum record_op op, uint64_t inode, uint64_t a, const char *path, const void *data, size_t n);
void record_unknown(const char *what);
uint64_t record_next_sync(void);

/* In the file system that is watched. */
bool record_is_here(const struct stat *st);
/* A file or directory that is watched. Fills *st where it is. This and the next leave errno as it
 * is. */
bool record_watches(int fd, struct stat *st);
/* The socket of a peer: not the bus's datagrams. */
bool record_is_peer(int fd, struct stat *st);
void record_path_of_fd(int fd, char out[PATH_MAX]);
/* `path` made whole, in `out` or as it is; links in it are not followed. */
const char *record_whole_path(int dir, const char *path, char out[PATH_MAX]);

#pragma GCC visibility pop

#endif
