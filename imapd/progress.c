#include "imapd/progress.h"

#include "common/base/clock.h"
#include "imapd/imap_session.h"

void
imap_tell_progress(struct imap_session *s, const struct imap_cmd *cmd, struct progress *p,
    uint64_t done, uint64_t total)
{
	int64_t now_ms = clock_mono_ms();

	if (p->next_ms == 0)
		p->next_ms = now_ms + PROGRESS_EVERY_MS;
	if (now_ms < p->next_ms || done >= total)
		return;
	p->next_ms = now_ms + PROGRESS_EVERY_MS;
	conn_printf(s->conn, "* OK [INPROGRESS (\"%s\" %llu %llu)] Still at work\r\n", cmd->tag,
	    (unsigned long long)done, (unsigned long long)total);
}
