#include "imapd/resync.h"

#include "imapd/imap_write.h"
#include "imapd/modseq.h"
#include "imapd/told_walk.h"
#include "imapd/vanished.h"

/* -- parameters ------------------------------------------------------------------------------- */

struct reading {
	const struct imap_session *s;
	struct select_params *p;
};

/* "(" known-sequence-set SP known-uid-set ")", pairs. */
static void
parse_match_data(struct imap_args *a, struct select_params *p)
{
	imap_parse_char(a, '(', "(");
	imap_parse_uid_set(a, &p->match_seqs);
	imap_parse_space(a);
	imap_parse_uid_set(a, &p->match_uids);
	if (!a->c.err && uidset_count(&p->match_seqs) != uidset_count(&p->match_uids))
		imap_parse_fail(a, ERR_SYNTAX, "as many UIDs as message numbers");
	imap_parse_char(a, ')', ")");
}

/* "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")" */
static void
parse_qresync(struct imap_args *a, bool uid_only, struct select_params *p)
{
	imap_parse_space(a);
	imap_parse_char(a, '(', "(");
	p->uidvalidity = imap_parse_nz_number(a);
	imap_parse_space(a);
	p->modseq = imap_parse_modseq(a);
	bool more = imap_accept_space(a);
	if (more && imap_peek(a) != '(') {
		imap_parse_uid_set(a, &p->known);
		p->has_known = true;
		more = imap_accept_space(a);
	}
	p->numbers = more && uid_only;
	if (p->numbers) /* RFC 9586 §3 */
		imap_parse_fail(a, ERR_SYNTAX, "no message numbers");
	if (more)
		parse_match_data(a, p);
	imap_parse_char(a, ')', ")");
}

static void
parse_param(struct imap_args *a, void *arg)
{
	struct reading *r = arg;

	if (!r->p->condstore && imap_accept_word(a, "CONDSTORE")) {
		r->p->condstore = true;
		return;
	}
	if (r->p->qresync || !imap_accept_word(a, "QRESYNC")) {
		imap_parse_fail(a, ERR_SYNTAX, "CONDSTORE or QRESYNC, each once");
		return;
	}
	r->p->qresync = true;
	if (!(r->s->enabled & EN_QRESYNC))
		imap_parse_fail(a, ERR_SYNTAX, "ENABLE QRESYNC before this");
	parse_qresync(a, r->s->enabled & EN_UIDONLY, r->p);
}

void
imap_parse_select_params(
    struct imap_args *a, const struct imap_session *s, struct select_params *ret)
{
	struct reading r = {s, ret};

	*ret = (struct select_params){0};
	if (imap_accept_space(a))
		imap_parse_list(a, false, parse_param, &r);
}

/* -- what the client still knows (§3.2.5.2) -----------------------------------------------------
 */

static bool
is_at(const struct view *v, uint64_t seq, uint64_t uid)
{
	const struct view_entry *e = seq <= UINT32_MAX ? view_at(v, (uint32_t)seq) : NULL;

	return e && e->uid == uid;
}

/* The last UID of the client's list that still has the number it had. Nothing before it has gone
 * without the client's knowing, since every number would be another one; so up to some place all
 * pairs are right, and behind it none is. */
static uint32_t
last_match(const struct view *v, const struct uidset *seqs, const struct uidset *uids)
{
	uint64_t seq_at = 0, uid_at = 0; /* of the ranges that are looked at, this many are done */
	uint32_t found = 0;

	for (size_t i = 0, j = 0; i < seqs->n && j < uids->n;) {
		uint64_t seq = seqs->r[i].lo + seq_at, uid = uids->r[j].lo + uid_at;
		uint64_t n = seqs->r[i].hi - seq < uids->r[j].hi - uid ? seqs->r[i].hi - seq + 1
								       : uids->r[j].hi - uid + 1;
		uint64_t lo = 0, hi = n; /* pairs before `lo` are right, from `hi` on wrong */
		while (lo < hi) {
			uint64_t mid = lo + (hi - lo) / 2;
			if (is_at(v, seq + mid, uid + mid))
				lo = mid + 1;
			else
				hi = mid;
		}
		if (lo > 0)
			found = (uint32_t)(uid + lo - 1);
		if (lo < n)
			break;
		seq_at += n;
		uid_at += n;
		if (seqs->r[i].lo + seq_at > seqs->r[i].hi) {
			i++;
			seq_at = 0;
		}
		if (uids->r[j].lo + uid_at > uids->r[j].hi) {
			j++;
			uid_at = 0;
		}
	}
	return found;
}

/* -- telling it ---------------------------------------------------------------------------------
 */

struct resync {
	struct vanished vanished;
	bool vanished_done;
	struct uidset known;
	uint64_t since;
	struct told_walk walk;
};

static void
write_entry(struct imap_session *s, uint32_t seq, const struct view_entry *e)
{
	imap_open_fetch(s, seq, e->uid);
	if (!(s->enabled & EN_UIDONLY)) {
		conn_puts(s->conn, "UID ");
		imap_write_u64(s->conn, e->uid);
		conn_puts(s->conn, " ");
	}
	conn_puts(s->conn, "FLAGS ");
	imap_write_entry_flags(s->conn, s, e);
	conn_puts(s->conn, " ");
	imap_write_modseq(s, e->modseq);
	conn_puts(s->conn, ")\r\n");
}

static enum err
step(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct resync *r = state;

	(void)cmd;
	if (!r->vanished_done) {
		enum err e = imap_write_vanished_earlier(s, &r->vanished, &r->vanished_done);
		if (e || !r->vanished_done)
			return e;
	}
	for (uint32_t rows = 0; rows < PUMP_STEP_ROWS && !conn_out_full(s->conn); rows++) {
		uint32_t seq;
		const struct view_entry *e =
		    told_walk_peek_since(&r->walk, s->told, r->since, &seq);
		if (!e) {
			*ret_done = true;
			break;
		}
		write_entry(s, seq, e);
		told_walk_pass(&r->walk, e->uid);
	}
	return ERR_OK;
}

enum err
imap_resync(struct imap_session *s, struct imap_cmd *cmd, const struct select_params *p)
{
	if (!p->qresync || p->uidvalidity != view_uidvalidity(s->told))
		return ERR_OK;
	struct resync *r = ARENA_NEW(cmd->arena, struct resync);
	if (!r)
		return ERR_NOMEM;
	r->known = p->known;
	r->walk.uids = p->has_known ? &r->known : NULL;
	/* an older copy of the database knows less than the client: it is told of all */
	enum err e = modseq_known(s->owner, p->modseq, &r->since);
	if (e)
		return e;
	if (r->since > view_modseq(s->told))
		r->since = 0;
	expunged_init(&r->vanished.expunged, s->told, p->modseq, r->walk.uids, cmd->arena);
	r->vanished.expunged.known_gone = last_match(s->told, &p->match_seqs, &p->match_uids);
	imap_pump(s, cmd, step, r, NULL);
	return ERR_OK;
}
