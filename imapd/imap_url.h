/* imapd/imap_url.h - the URLs that CATENATE takes octets from: messages and parts of them on this
 * server (RFC 4469 §3, RFC 5092 §7, URL-PARTIAL of RFC 5550 §4.2). Pure.
 *
 *	/Drafts;UIDVALIDITY=385759045/;UID=20/;SECTION=1.MIME
 *	;UID=20		in the selected mailbox
 */
#ifndef IMAPD_IMAP_URL_H
#define IMAPD_IMAP_URL_H

#include "imapd/fetch_items.h"

struct imap_url {
	struct str mailbox; /* UTF-8; empty: the selected one */
	uint32_t uidvalidity; /* 0: any */
	uint32_t uid;
	struct fetch_item item; /* the octets: a section and a partial */
};

/* False for what is no such URL, absolute ones and those with an authorisation among them. What it
 * gives lives in `arena`. */
bool imap_parse_url(struct str url, struct arena *arena, struct imap_url *ret);

#endif
