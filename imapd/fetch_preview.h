/* imapd/fetch_preview.h - PREVIEW: RFC 8970. Made when it is asked for, from the first octets of
 * the first text that is there to be read; that is quick enough for LAZY.
 */
#ifndef IMAPD_FETCH_PREVIEW_H
#define IMAPD_FETCH_PREVIEW_H

#include "common/mail/parts.h"
#include "store/reader.h"

#define PREVIEW_RAW_MAX (128 * 1024) /* octets of a message's texts that are looked at */
#define PREVIEW_PARTS_MAX 20 /* texts of a message that are */

/* The preview, empty where there is none, is appended to `out`. Errors of reader_read(). */
NODISCARD enum err fetch_preview(struct reader *r, const struct message_row *row,
    const struct part_table *parts, struct sbuf *out);

#endif
