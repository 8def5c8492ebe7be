/* QUIT: RFC 1939 §4 before login, §6 (UPDATE) after it. */
#include "common/base/log.h"
#include "common/metrics/metrics.h"
#include "pop3d/pop3_commands.h"
#include "pop3d/pop3_reply.h"

/* All that is marked goes, or nothing, and either way the session is over. */
enum err
cmd_quit(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	(void)cmd;
	if (s->state != ST_TRANSACTION) {
		pop3_ok(s, TEXT_BYE);
		pop3_leave(s, "quit");
		return ERR_OK;
	}
	pop3_enter_state(s, ST_UPDATE);
	enum err e = maildrop_update(&s->drop);
	if (e) {
		const struct pop3_error *row = pop3_error_of(e);
		log_warn("update", F_CSTR("peer", conn_peer(s->conn)), F_CSTR("user", s->user),
		    F_ERR(e), F_UINT("marked", s->drop.marked));
		pop3_err_text(s, row->code[0] ? row->code : "SYS/TEMP", TEXT_NOT_REMOVED);
		pop3_leave(s, "update_failed");
		return ERR_OK;
	}
	s->removed = s->drop.marked;
	METRICS_ADD(pop3_deleted, 0, s->removed);
	pop3_ok(s, TEXT_BYE);
	pop3_leave(s, "quit");
	return ERR_OK;
}
