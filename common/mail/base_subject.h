/* common/mail/base_subject.h - the base subject, what SORT and THREAD compare (RFC 5256 §2.1).
 * Pure.
 */
#ifndef COMMON_MAIL_BASE_SUBJECT_H
#define COMMON_MAIL_BASE_SUBJECT_H

#include "common/base/sbuf.h"
#include "common/base/str.h"

/* Appends the base subject of `decoded`, a subject in UTF-8 without encoded words (words_decode()).
 * True if the message is a reply or forward: "re:", "fw:", "(fwd)" or "[fwd: ]" was removed (RFC
 * 5256 §3, REFERENCES). Linear. */
bool base_subject(struct str decoded, struct sbuf *out);

#endif
