/* imapd/modseq.h - mod-sequences in commands: RFC 7162 §7. Pure. */
#ifndef IMAPD_MODSEQ_H
#define IMAPD_MODSEQ_H

#include "imapd/imap_parse.h"

/* mod-sequence-value: 1 … 2^63 - 1. */
uint64_t imap_parse_modseq(struct imap_args *a);
/* mod-sequence-valzer: the same or 0. */
uint64_t imap_parse_modseq_valzer(struct imap_args *a);

#endif
