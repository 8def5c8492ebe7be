/* imapd/context.h - a search whose result is kept up to date: RFC 5267 §4.3, UPDATE.
 *
 * A context knows the UIDs that it has told to be in the result. It hears of all that changes in
 * the selected mailbox (told.h), matches what came or changed against its program again, and tells
 * the difference: what is gone before EXPUNGE, the rest behind EXISTS. A context of SORT knows the
 * order too, and puts all of them in order anew where something is to be added. It belongs to
 * the session, until another SELECT or CANCELUPDATE.
 */
#ifndef IMAPD_CONTEXT_H
#define IMAPD_CONTEXT_H

#include "imapd/imap_command.h"
#include "imapd/search_result.h"
#include "imapd/search_return.h"
#include "imapd/sort_parse.h"

#define CONTEXTS_MAX 16 /* of a session */
#define CONTEXT_RUNS_MAX 250000 /* of UIDs in a result: 2 MB */
#define CONTEXT_SORTED_MAX 250000 /* messages in a sorted result: 1 MB */
/* What all contexts of a session hold together, programs, results and what is to be told of them;
 * the one that is being told of may need NEWS_MAX (context.c) besides. */
#define CONTEXTS_OCTETS_MAX ((size_t)4 * 1024 * 1024)
/* More: NOUPDATE (§4.3.1). */

struct context;

/* For a search that is about to begin; `program` stands before its first key (or its charset), and
 * is known to be right; `sort` is NULL for SEARCH;
 * `options` lives as long as the command. ERR_PARAM where the tag is that of another
 * context (§4.3). Where there are too many it says so, and *ret is NULL. */
NODISCARD enum err context_new(struct imap_session *s, struct imap_cmd *cmd,
    const struct imap_args *program, const struct sort_program *sort,
    const struct search_return *options, struct context **ret);
/* One of ESEARCH: its responses name the mailbox (RFC 7377 §2.1). */
NODISCARD enum err context_name(struct context *x, struct str mailbox);
/* A guard; of one that has not begun. */
void context_free(struct context **x);
/* The search is over, with this result in the numbers that were told: from now on the session has
 * it. */
NODISCARD enum err context_begin(
    struct context **x, struct imap_session *s, const struct search_result *found);
/* Ends the one of this tag; false if there is none. */
bool context_cancel(struct imap_session *s, struct str tag);

#endif
