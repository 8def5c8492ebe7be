#include "imapd/progress.h"

#include "common/base/clock.h"
#include "imapd/imap_session.h"

static bool
is_due(const struct imap_session *s, struct progress *p, int64_t now_ms)
{
	if (now_ms - p->last_ms >= PROGRESS_EVERY_MS)
		return true;
	if (now_ms < p->look_ms)
		return false;
	p->look_ms = now_ms + PROGRESS_ENDED_MS;
	return conn_peer_ended(s->conn);
}

void
imap_tell_progress(struct imap_session *s, const struct imap_cmd *cmd, struct progress *p,
    uint64_t done, uint64_t total)
{
	int64_t now_ms = clock_mono_ms();

	if (p->last_ms == 0) {
		p->last_ms = now_ms;
		p->look_ms = now_ms + PROGRESS_ENDED_MS;
	}
	if (p->quiet || done >= total || !is_due(s, p, now_ms))
		return;
	p->last_ms = now_ms;
	/* RFC 9585 §4: a tag that could end the code before its time is NIL */
	const char *quote = strchr(cmd->tag, ']') ? "" : "\"";
	conn_printf(s->conn, "* OK [INPROGRESS (%s%s%s %llu %llu)] Still at work\r\n", quote,
	    *quote ? cmd->tag : "NIL", quote, (unsigned long long)done, (unsigned long long)total);
}
