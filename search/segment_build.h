/* search/segment_build.h - makes segments: from messages, or from segments by merging.
 *
 * Each kind of derived data is a row of segment_builders(): a function table that is handed every
 * message of the segment once, in the order of ids, and then writes its sections. A new kind adds a
 * row. One thread builds for an account at a time (segment_lock()).
 */
#ifndef SEARCH_SEGMENT_BUILD_H
#define SEARCH_SEGMENT_BUILD_H

#include "common/mail/parts.h"
#include "search/segment_writer.h"
#include "store/reader.h"

/* A message as builders see it; everything lives during the call only. */
struct segment_message {
	uint32_t ordinal; /* 0, 1, 2, … */
	const struct message_row *row; /* WANT_HEADER and WANT_PARTS */
	struct str header; /* the top header, as far as headers are looked at */
	const struct part_table *parts;
};

/* A segment to be merged, and where its messages go. */
struct segment_source {
	struct segment *segment;
	const uint32_t *to; /* the new ordinal of each, SEGMENT_NONE for those that are no more;
			       ascending, also from one source to the next */
};

struct segment_builder {
	const char *name; /* for the log */
	/* ERR_NOMEM. *ret is handed to the others. */
	enum err (*begin)(void **ret);
	/* The next message. `r` reads its octets; it is not the reader of the last call. ERR_NOMEM,
	 * and errors of `r`: ERR_GONE, ERR_CORRUPT and ERR_IO leave the message out of the
	 * segment's data as if it were empty in every other respect, and `unread` is called for it.
	 */
	enum err (*message)(void *state, struct reader *r, const struct segment_message *m);
	/* A message could not be read to its end (whatever message() of this or another builder has
	 * taken of it): it must not be answered for. May be NULL. */
	void (*unread)(void *state, uint32_t ordinal);
	/* Octets of memory that it holds. */
	size_t (*memory)(const void *state);
	/* Writes its sections; messages 0 … count - 1 were handed in. */
	enum err (*finish)(void *state, struct segment_writer *w, uint32_t count);
	void (*free)(void *state);
	/* Writes its sections for the `count` messages that the sources have together. A source may
	 * lack the sections. Memory must not grow with the sources. */
	enum err (*merge)(const struct segment_source *sources, size_t n, uint32_t count,
	    struct segment_writer *w);
};

/* All of them. */
const struct segment_builder *const *segment_builders(size_t *ret_n);

/* What a segment is made of at most; the next one goes on from there. Memory is what all builders
 * hold together; the last message may go beyond it by what one message can hold. */
#define SEGMENT_BUILD_MEMORY (32 * 1024 * 1024)
#define SEGMENT_BUILD_MESSAGES 20000

/* What a build is about to do; it holds no handle and no lock of the store at that moment. */
enum segment_phase {
	SEGMENT_READS, /* a few messages */
	SEGMENT_WRITES, /* sorting, writing, merging: much work on its own memory and files */
};

/* Asked before each phase, and now and then while it writes; may wait. False breaks the build off:
 * ERR_CANCELLED, nothing is made. NULL stands for one that says true. */
typedef bool segment_pace(void *arg, enum segment_phase phase);

/* Makes one segment of the messages from the id `from` on, as many as fit, up to the id `to` and
 * those that exist now. *ret_last is the last id it covers; ERR_NOT_FOUND when there is no message.
 * Other errors are ours: I/O, memory; damaged messages are left to the scan. Within segment_lock().
 */
NODISCARD enum err segment_build(
    struct account *a, int64_t from, int64_t to, segment_pace *pace, void *arg, int64_t *ret_last);

/* Makes one of several neighbours, leaving out messages that are no more, and removes them. Within
 * segment_lock(). */
#define SEGMENT_MERGE_MAX 16
NODISCARD enum err segment_merge(
    struct account *a, struct segment *const *segments, size_t n, segment_pace *pace, void *arg);

/* How many of its messages are no more. Cost: a look at every id of its range. */
NODISCARD enum err segment_count_gone(struct account *a, struct segment *s, uint32_t *ret);

/* Holds the account's index for one builder in all processes: ERR_BUSY when another has it. Makes
 * the folder. *ret_fd is closed to let it go. */
#define SEGMENT_LOCK "lock" /* the file */
NODISCARD enum err segment_lock(struct account *a, int *ret_fd);

#endif
