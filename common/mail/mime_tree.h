/* common/mail/mime_tree.h - the tree of parts as it grows while a message streams by: which part is
 * open, which delimiters may end it, and what was found out about each. Only for this folder.
 */
#ifndef COMMON_MAIL_MIME_TREE_H
#define COMMON_MAIL_MIME_TREE_H

#include "common/mail/message_index.h"
#include "common/mail/mime_private.h"

#define MIME_MAX_ADDRESSES 10000 /* in all envelopes of a message; further ones are left out */

struct mime_node {
	struct part part;
	int32_t first_child; /* -1 */
	int32_t last_child;
	int32_t next; /* sibling, -1 */
	uint32_t children;
	uint32_t depth;
	uint64_t lines; /* line ends in the body; while it is open: in the message before it */
	const struct mime_fields *fields; /* NULL: it has no header */
	bool counts_lines; /* text of any subtype: its structure ends with them */
	bool is_opaque; /* whatever its type says, it is described as text/plain */
	bool has_delimiter; /* its boundary is among the open ones */
	struct str envelope; /* of the message itself and of embedded ones */
};

struct mime_tree {
	struct mime_node *nodes; /* a parent before its children, in the message's order */
	size_t n;
	size_t cap;
	int32_t current; /* the innermost open node */
	bool in_header; /* of it */
	struct mime_boundaries boundaries;
	struct arena *arena; /* strings of the nodes */
	size_t addresses_left;
	bool failed;
};

/* Begins with the message itself, its header being read. False without memory. */
NODISCARD bool mime_tree_init(struct mime_tree *t);
void mime_tree_done(struct mime_tree *t);
bool mime_tree_failed(const struct mime_tree *t);
/* The part's type is message/global (RFC 6532 §3.7). */
bool mime_is_global(const struct mime_node *node);
/* No part may be added any more; delimiters mean nothing from here on. */
bool mime_tree_is_full(const struct mime_tree *t);

/* The current node's header is `block` and its body starts at `body_at`, `lines` line ends into the
 * message. If the body is a message, that is current now, in its header. */
void mime_tree_end_header(struct mime_tree *t, struct str block, uint64_t body_at, uint64_t lines);
/* A part of the multipart `parent` starts; it becomes current, in its header. */
void mime_tree_add_child(struct mime_tree *t, int32_t parent, uint64_t header_at);
/* Whatever is open below `node` (-1: all) ends at `end`; `node` becomes current. */
void mime_tree_close_children(struct mime_tree *t, int32_t node, uint64_t end, uint64_t lines);
/* The last delimiter of the multipart was seen; what follows is its epilogue. */
void mime_tree_drop_delimiter(struct mime_tree *t, int32_t node);

/* Once all is closed: BODYSTRUCTURE in wire form, and the octets that parts_decode() reads. */
void bodystructure_write(const struct mime_node *nodes, struct sbuf *out);
void mime_tree_write_parts(const struct mime_tree *t, struct sbuf *out);

#endif
