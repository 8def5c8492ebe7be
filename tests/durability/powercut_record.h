/* tests/durability/powercut_record.h - what powercut_record.so writes and powercut_log.py reads:
 * one record after the other in the order in which things happened, of all threads and processes.
 * Each is a head, then `path_n`, `path2_n` and `data_n` octets. In the byte order of the machine.
 *
 * Files are known by device and inode; a name is told where one is made, taken away or changed. */
#ifndef TESTS_DURABILITY_POWERCUT_RECORD_H
#define TESTS_DURABILITY_POWERCUT_RECORD_H

#include <stdint.h>

enum record_op {
	RECORD_CREATE = 1, /* path: a new file */
	RECORD_WRITE, /* a: offset; data */
	RECORD_SIZE, /* a: the file's new size */
	RECORD_LINK, /* path: one more name */
	RECORD_UNLINK, /* path */
	RECORD_RENAME, /* path, path2 */
	RECORD_MKDIR, /* path: a new directory */
	RECORD_RMDIR, /* path */
	RECORD_SYNC_BEGIN, /* a: its number; of a file or a directory */
	RECORD_SYNC_END, /* a: the number; only where it succeeded */
	RECORD_SEND, /* data: on its way to a peer from now on; inode: the socket's */
	RECORD_EXIT, /* a process ends by exit(); path: its program */
	RECORD_UNKNOWN /* path: a call that changes files and is not understood here */
};

struct record_head {
	uint32_t op;
	uint32_t pid;
	uint32_t thread;
	uint32_t path_n, path2_n, data_n;
	uint64_t inode;
	uint64_t a;
};

#endif
