/* imapd/objectid.h - MAILBOXID and THREADID as clients see them: RFC 8474. EMAILIDs stand in the
 * message's row as they are, in small letters, so that none of these can be one. */
#ifndef IMAPD_OBJECTID_H
#define IMAPD_OBJECTID_H

#include "store/account.h"

#include <stdio.h>

#define OBJECTID_ROOM 48 /* octets, with the NUL */

/* "F7-12": of a mailbox of an account, also where others see it; never given out again (§4). */
static inline void
mailbox_objectid(char out[OBJECTID_ROOM], const struct account *a, int64_t mailbox)
{
	snprintf(out, OBJECTID_ROOM, "F%lld-%lld", (long long)account_id(a), (long long)mailbox);
}

/* "T7-1044" (§5.2): threads.h. */
static inline void
thread_objectid(char out[OBJECTID_ROOM], const struct account *a, int64_t thread)
{
	snprintf(out, OBJECTID_ROOM, "T%lld-%lld", (long long)account_id(a), (long long)thread);
}

/* The thread that such a text names, 0 where it can be none of this account. */
static inline int64_t
thread_of_objectid(const struct account *a, struct str id)
{
	char text[OBJECTID_ROOM], again[OBJECTID_ROOM];
	long long account, thread;

	if (id.n >= sizeof(text))
		return 0;
	memcpy(text, id.p, id.n);
	text[id.n] = '\0';
	// NOLINTNEXTLINE(cert-err34-c): is compared with what it should be
	if (sscanf(text, "T%lld-%lld", &account, &thread) != 2)
		return 0;
	thread_objectid(again, a, thread);
	return thread > 0 && str_eq(id, str_of(again)) ? (int64_t)thread : 0;
}

#endif
