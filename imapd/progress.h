/* imapd/progress.h - saying that a command that takes long is still at work: RFC 9585. */
#ifndef IMAPD_PROGRESS_H
#define IMAPD_PROGRESS_H

#include "imapd/imap_command.h"

#define PROGRESS_EVERY_MS 10000
/* To one that sends nothing more: it may have shut down half of the connection and wait for the
 * answer, or be gone, which shows when it is written to. */
#define PROGRESS_ENDED_MS 1000

/* All zero at the beginning. */
struct progress {
	int64_t last_ms; /* clock_mono_ms() of the last note, or the beginning; 0: not begun */
	int64_t look_ms; /* when to look whether the peer is still there */
	bool quiet; /* says nothing: the client does not wait for it */
};

/* `done` of `total` things; notes it if it is time. Not in the middle of a response. */
void imap_tell_progress(struct imap_session *s, const struct imap_cmd *cmd, struct progress *p,
    uint64_t done, uint64_t total);

#endif
