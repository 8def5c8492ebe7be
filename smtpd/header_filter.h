/* smtpd/header_filter.h - what the final delivery changes in a message's own header as it streams
 * by.
 *
 * Removed: Return-Path (RFC 5321 §4.4: only the last server writes one) and Authentication-Results
 * that claim to be ours (RFC 8601 §5: nobody else may speak in our name; one whose authserv-id
 * cannot be read is removed too). Counted: Received, for loops. Added before the end of the header
 * where the caller asks for it: Date and Message-ID that are missing (RFC 6409 §8). All else
 * passes octet by octet. Noted: TLS-Required (RFC 8689 §3).
 *
 * The header ends at the first empty line, as the store's parser sees it. Memory is constant
 * whatever comes. Pure; not thread-safe.
 */
#ifndef SMTPD_HEADER_FILTER_H
#define SMTPD_HEADER_FILTER_H

#include "common/base/str.h"

#define HEADER_NAME_HELD 128 /* longer names are none of those looked for */
#define HEADER_FIELD_HELD 2048 /* an authserv-id must stand within these octets of its field */

struct header_filter {
	struct str hostname; /* our authserv-id */
	/* Whole lines to add when the field is missing; empty: never. Both are the caller's. */
	struct str date_line;
	struct str message_id_line;

	uint32_t received; /* Received fields so far */
	bool has_date, has_message_id;
	uint32_t tls_required; /* TLS-Required fields so far; */
	bool tls_required_no; /* the last one says "No" */

	enum {
		FILTER_LINE_START,
		FILTER_CR, /* a CR at the start of a line: of the empty line? */
		FILTER_NAME,
		FILTER_PASS,
		FILTER_NOTE, /* passes, and is looked at when it is complete */
		FILTER_DROP,
		FILTER_JUDGE,
		FILTER_BODY
	} state,
	    field; /* `field`: what happens to continuation lines */
	size_t held_n;
	char held[HEADER_FIELD_HELD];
};

typedef void header_sink(void *arg, const char *p, size_t n);

void header_filter_init(struct header_filter *f, struct str hostname);
/* `p` holds line ends as data_reader makes them. */
void header_filter_feed(
    struct header_filter *f, const char *p, size_t n, header_sink *sink, void *arg);
/* The message is over; writes what was held, and what is missing if the header never ended. */
void header_filter_finish(struct header_filter *f, header_sink *sink, void *arg);

/* The message asks that no policy of its recipients keep it from going out (RFC 8689 §3): one field
 * that says so; several must not be there and count for nothing. After the header. */
bool header_filter_tls_optional(const struct header_filter *f);

/* The authserv-id of an Authentication-Results field body (RFC 8601 §2.2), without quotes and
 * comments; false when there is none to be read. Points into `value`. */
bool header_authserv_id(struct str value, struct str *ret);

#endif
