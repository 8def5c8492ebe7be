/* smtpd/outbound/job.h - a message and those of its recipients that go to one destination in one
 * transaction; and what became of each.
 *
 * Made by the scheduler, carried out by a client (client.h) or by delivery into the local store,
 * and handed back whole. One thread at a time.
 */
#ifndef SMTPD_OUTBOUND_JOB_H
#define SMTPD_OUTBOUND_JOB_H

#include "common/base/arena.h"
#include "store/queue.h"

#define JOB_RCPTS_MAX 100 /* of one transaction (RFC 5321 §4.5.3.1.8) */
#define JOB_REPLY_MAX 1000 /* octets of a reply that are kept */

enum job_fate {
	JOB_UNTRIED, /* nothing was said of it: the connection broke before, or the server takes
			fewer at once */
	JOB_DONE, /* the other side has taken it */
	JOB_LATER, /* 4yz, or no answer */
	JOB_NEVER, /* 5yz */
};

struct job_rcpt {
	struct queue_rcpt row;
	enum job_fate fate;
	uint16_t code; /* of the reply; 0: there was none */
	struct str status; /* enhanced code of it, "5.1.1", or what stands for it */
	struct str reply; /* its text with codes, lines joined by blanks; or our own words */
	bool relayed; /* JOB_DONE by a server without DSN (RFC 3461 §5.2.7) */
	bool put_off; /* JOB_LATER without anybody having been asked for it: no attempt */
};

struct job {
	struct arena *arena; /* everything in it */
	struct queue_message message;
	struct job_rcpt *rcpts;
	size_t rcpt_count;
	/* By how much the clock of the message's times is ahead of the monotonic one: the machine's
	 * may be set while the job is under way. */
	int64_t ahead_ms;
	/* How the last connection of it was, for trace, reports and limits. */
	struct str host; /* "mx1.example.net[192.0.2.1]:25" */
	struct str tls; /* "TLSv1.3 TLS_AES_256_GCM_SHA384 dane", "none" … */
};

#endif
