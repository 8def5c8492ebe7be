/* search/segment_private.h - the octets of a segment file. Only for this folder.
 *
 * Header, then a table of SEGMENT_SECTIONS_MAX rows, then the sections, each at a multiple of
 * SEGMENT_ALIGN. The checksum goes over everything behind the header, in blocks.
 */
#ifndef SEARCH_SEGMENT_PRIVATE_H
#define SEARCH_SEGMENT_PRIVATE_H

#include "search/segment.h"

#define SEGMENT_MAGIC "PBXSEG2\n"
#define SEGMENT_ORDER 0x01020304u /* another order of octets reads as another number */
#define SEGMENT_BLOCK (64 * 1024) /* of the checksum */
#define SEGMENT_IDS "ids" /* int64_t each */
#define SEGMENT_IDENTITIES "identities" /* uint64_t each */

struct segment_head {
	char magic[8];
	uint32_t order;
	uint32_t sections;
	uint64_t size; /* of the file */
	int64_t first, last;
	uint64_t checksum; /* of what follows the header */
	uint64_t head_checksum; /* of the fields above */
};

struct segment_row {
	char name[SEGMENT_NAME_MAX + 1]; /* ends with NUL */
	uint64_t at, size;
};

#define SEGMENT_DATA_AT                                                                            \
	(sizeof(struct segment_head) + SEGMENT_SECTIONS_MAX * sizeof(struct segment_row))

/* <dir>/<first>-<last>.seg in `out`, which holds PATH_MAX octets. */
NODISCARD enum err segment_path(const char *dir, int64_t first, int64_t last, char *out);

/* Adds the next block: all but the last one of a stream must be SEGMENT_BLOCK octets. */
uint64_t segment_checksum(uint64_t sum, const void *p, size_t n);

#endif
