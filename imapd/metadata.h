/* imapd/metadata.h - METADATA: entries of mailboxes and of the server (RFC 5464), for GETMETADATA,
 * SETMETADATA and LIST RETURN (METADATA) (RFC 9590).
 */
#ifndef IMAPD_METADATA_H
#define IMAPD_METADATA_H

#include "imapd/folder.h"
#include "store/annotation.h"

#define METADATA_ENTRIES_MAX 100 /* named in one command: BAD beyond */

struct metadata_query {
	struct str *names; /* lower case */
	size_t n, cap;
	unsigned depth; /* how far below them (§4.2.2) */
	uint64_t max_size; /* of a value (§4.2.1) */
};

/* An entry's name (§3.2), in lower case. `may_be_root`: "/private" will do. */
void imap_parse_entry(struct imap_args *a, bool may_be_root, struct str *ret);
/* One or a list "(…)". */
void imap_parse_entries(struct imap_args *a, struct metadata_query *q);

/* The session's user may read and change the mailbox's entries (§3.3). */
bool imap_may_annotate(const struct imap_folder *folder);
/* Where those of a mailbox are; of the server without one: `shared` or the user's own. */
struct annotation_home imap_annotation_home(
    const struct imap_session *s, const struct imap_folder *folder, bool shared);

/* What was found: names and sizes. Values are read when they are written, so that an answer that
 * nobody reads holds no more than RESPONSE_OCTETS and one value (metadata.c). */
struct metadata_answer {
	const struct imap_folder *folder; /* NULL: the server */
	struct annotation *list;
	size_t n, cap;
	uint64_t longest; /* the size of the longest that was left out for it, or 0 */
	size_t at; /* written so far */
};

/* `folder`, which lives as long as the answer; NULL is the server. What is asked for by its name
 * alone and is not there has a value of NIL. An entry that several of the names mean is told once.
 * In `arena`. */
NODISCARD enum err imap_find_metadata(struct imap_session *s, const struct imap_folder *folder,
    const struct metadata_query *q, struct arena *arena, struct metadata_answer *ret);
/* "* METADATA name (entry value …)", several where there is much. Unless *ret_done the output is
 * full, call again. Errors of the store; what is written is whole then, too. */
NODISCARD enum err imap_write_metadata(
    struct imap_session *s, struct str name, struct metadata_answer *a, bool *ret_done);

/* What others have changed in the user's mailboxes and at the server, by name, for a client that
 * has enabled METADATA (§4.4). */
void imap_tell_metadata(struct imap_session *s);
/* The session has made this change itself. */
void imap_note_own_metadata(
    struct imap_session *s, const struct annotation_home *home, uint64_t modseq);

#endif
