/* imapd/facts_read.h - the facts of stored messages, for SORT and THREAD: from the tables of the
 * account's segments, or, for a message that no segment covers, from its header.
 */
#ifndef IMAPD_FACTS_READ_H
#define IMAPD_FACTS_READ_H

#include "search/facts.h"
#include "store/reader.h"

struct facts_read {
	struct facts_maker *maker; /* made when it is first needed */
};

void facts_read_done(struct facts_read *f);

/* From the header, where `want` asks for something of it; strings live until the next call. Errors
 * of reader_message(), ERR_NOMEM. */
NODISCARD enum err facts_read_message(
    struct facts_read *f, struct reader *r, int64_t message, unsigned want, struct facts *ret);

#endif
