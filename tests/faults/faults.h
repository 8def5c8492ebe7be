/* tests/faults/faults.h - the n-th call of a kind fails, in this process: the functions of the C
 * library that give out memory, files and threads are defined by faults.c, so that the suite's
 * code, SQLite and the C library itself find those first.
 *
 *	fault_arm(FAULT_WRITE, 3, ENOSPC);	the third write from now on fails
 *	e = …;
 *	bool reached = fault_disarm();		false: there were less than three
 *
 * Calls of all threads count. Nothing fails but between the two. */
#ifndef TESTS_FAULTS_FAULTS_H
#define TESTS_FAULTS_FAULTS_H

#include <stdbool.h>

enum fault_kind {
	FAULT_MEMORY, /* malloc, calloc, realloc, reallocarray, also of SQLite and OpenSSL */
	FAULT_OPEN, /* open, openat */
	FAULT_READ, /* read, pread of files */
	FAULT_WRITE, /* write, pwrite of files */
	FAULT_SYNC, /* fsync, fdatasync */
	FAULT_TRUNCATE, /* ftruncate */
	FAULT_NAMES, /* rename, link, unlink, mkdir */
	FAULT_MAP, /* mmap */
	FAULT_THREAD, /* pthread_create */
	FAULT_ACCEPT, /* accept4 */
	FAULT_WATCH, /* epoll_ctl, but for taking away */
	FAULT_WAIT, /* epoll_wait */
	FAULT__COUNT
};

extern const char *const fault_names[FAULT__COUNT];

/* `what` is told on stderr should the process be ended by a signal before fault_disarm(). */
void fault_arm(enum fault_kind kind, unsigned n, int errnum, const char *what);
bool fault_disarm(void);
/* The same, but every call fails. */
void fault_arm_lasting(enum fault_kind kind, int errnum, const char *what);
/* Between the two: while it rests nothing is counted and nothing fails. */
void fault_rest(bool rests);
/* Calls of the kind since fault_arm(). */
unsigned fault_calls(void);
/* Which call fails next, behind the n-th (0: at first): the one behind it with FAULTS_LONG=1; with
 * FAULTS_PART=2/8 the next of the second of eight parts, which together are all; else `other`. */
unsigned fault_next(unsigned n, unsigned other);
/* Open descriptors of this process. */
unsigned fault_count_fds(void);

#endif
