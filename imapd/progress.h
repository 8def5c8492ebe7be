/* imapd/progress.h - saying that a command that takes long is still at work: RFC 9585. */
#ifndef IMAPD_PROGRESS_H
#define IMAPD_PROGRESS_H

#include "imapd/imap_command.h"

#define PROGRESS_EVERY_MS 10000

/* All zero at the beginning. */
struct progress {
	int64_t next_ms; /* clock_mono_ms() of the next note; 0: not begun */
};

/* `done` of `total` things; notes it if it is time. Not in the middle of a response. */
void imap_tell_progress(struct imap_session *s, const struct imap_cmd *cmd, struct progress *p,
    uint64_t done, uint64_t total);

#endif
