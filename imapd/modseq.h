/* imapd/modseq.h - mod-sequences in commands: RFC 7162 §7. Pure. */
#ifndef IMAPD_MODSEQ_H
#define IMAPD_MODSEQ_H

#include "imapd/imap_parse.h"

/* mod-sequence-value: 1 … 2^63 - 1. */
uint64_t imap_parse_modseq(struct imap_args *a);
/* mod-sequence-valzer: the same or 0. */
uint64_t imap_parse_modseq_valzer(struct imap_args *a);
/* The arguments of the search key MODSEQ, from the SP behind its name on: messages with this modseq
 * or a higher one match (§3.1.5). Of entry-name and entry-type-req only the form counts, since a
 * message has one modseq for all its flags. Whoever runs it calls imap_enable_condstore(). */
uint64_t imap_parse_search_modseq(struct imap_args *a);

#endif
