#include "imapd/search_answer.h"

#include "imapd/imap_session.h"
#include "imapd/imap_write.h"

#define LISTS (RETURN_ALL | RETURN_PARTIAL)

void
search_answer_begin(struct search_answer *a, struct imap_cmd *cmd, const char *old_name)
{
	a->old_name = old_name;
	a->result.arena = cmd->arena;
	a->result.uid = cmd->uid;
	a->result.scored = a->ret.items & RETURN_RELEVANCY;
}

enum err
search_answer_add(struct search_answer *a, const struct search_hit *hit)
{
	return search_result_add(
	    &a->result, a->result.uid ? hit->entry->uid : hit->seq, hit->entry->modseq, hit->score);
}

bool
search_answer_is_enough(const struct search_answer *a)
{
	const struct search_return *r = &a->ret;
	uint64_t needed = r->items & RETURN_MIN ? 1 : 0;

	if (!r->extended || (r->items & ~(unsigned)(RETURN_MIN | RETURN_PARTIAL | RETURN_SAVE)))
		return false;
	if ((r->items & RETURN_PARTIAL) && r->partial.from_end)
		return false;
	if (r->items & RETURN_PARTIAL)
		needed = r->partial.hi;
	return needed > 0 && a->result.count >= needed;
}

/* -- writing -------------------------------------------------------------------------------- */

/* RFC 4731 §3.2 */
static uint64_t
modseq_of(const struct search_answer *a, const struct view *view)
{
	const struct search_result *r = &a->result;
	uint64_t first, last;
	uint64_t highest = 0;
	unsigned items = a->ret.items;

	if (!a->ret.extended || !(items & (RETURN_MIN | RETURN_MAX | RETURN_PARTIAL)) ||
	    (items & (RETURN_ALL | RETURN_COUNT)))
		return r->modseq;
	const bool told[3] = {
	    items & RETURN_MIN,
	    items & RETURN_MAX,
	    (items & RETURN_PARTIAL) && partial_places(&a->ret.partial, r->count, &first, &last),
	};
	const uint64_t places[3][2] = {
	    {1, 1}, {r->count, r->count}, {told[2] ? first : 1, told[2] ? last : 1}};
	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		uint64_t m =
		    told[i] ? search_result_modseq(r, view, places[i][0], places[i][1]) : 0;
		highest = m > highest ? m : highest;
	}
	return highest;
}

static void
write_item(struct conn *c, const char *name, uint64_t value)
{
	conn_puts(c, name);
	imap_write_u64(c, value);
}

static void
write_partial_range(struct conn *c, const struct partial_range *p)
{
	const char *sign = p->from_end ? "-" : "";

	conn_printf(c, " PARTIAL (%s%u:%s%u ", sign, p->lo, sign, p->hi);
}

static void
begin_extended(struct search_answer *a, struct imap_session *s, const struct imap_cmd *cmd)
{
	struct conn *c = s->conn;
	const struct search_result *r = &a->result;
	unsigned items = a->ret.items;

	conn_printf(c, "* ESEARCH (TAG \"%s\"", cmd->tag);
	if (a->mailbox.p) {
		conn_puts(c, " MAILBOX ");
		imap_write_mailbox(s, a->mailbox);
		write_item(c, " UIDVALIDITY ", a->uidvalidity);
	}
	conn_puts(c, r->uid ? ") UID" : ")");
	if ((items & RETURN_MIN) && r->count > 0)
		write_item(c, " MIN ", search_result_at(r, 1));
	if ((items & RETURN_MAX) && r->count > 0)
		write_item(c, " MAX ", search_result_at(r, r->count));
	if (items & RETURN_COUNT)
		write_item(c, " COUNT ", r->count);
	a->phase = ANSWER_ALL;
	a->walk = search_result_walk(1, items & RETURN_ALL ? r->count : 0);
	if ((items & RETURN_ALL) && r->count > 0)
		conn_puts(c, " ALL ");
}

static void
begin(struct search_answer *a, struct imap_session *s, const struct imap_cmd *cmd)
{
	struct conn *c = s->conn;

	if (!a->ret.extended) {
		conn_printf(c, "* %s", a->old_name);
		a->walk = search_result_walk(1, a->result.count);
		a->run = (struct uid_range){1, 0};
		a->phase = ANSWER_NUMBERS;
	} else if (a->ret.items == RETURN_SAVE) {
		a->phase = ANSWER_ENDS; /* RFC 5182 §2.2: nothing is told */
	} else {
		begin_extended(a, s, cmd);
	}
}

static bool
write_numbers(struct search_answer *a, struct conn *c)
{
	while (a->run.lo <= a->run.hi || search_result_next(&a->result, &a->walk, &a->run)) {
		if (conn_out_full(c))
			return false;
		write_item(c, " ", a->run.lo);
		if (a->run.lo++ == UINT32_MAX)
			break;
	}
	return true;
}

static bool
write_set(struct search_answer *a, struct conn *c)
{
	struct uid_range run;

	while (!conn_out_full(c)) {
		if (!search_result_next(&a->result, &a->walk, &run))
			return true;
		write_item(c, a->is_list ? "," : "", run.lo);
		if (run.hi != run.lo)
			write_item(c, ":", run.hi);
		a->is_list = true;
	}
	return false;
}

static void
begin_partial(struct search_answer *a, struct conn *c)
{
	uint64_t first, last;

	a->is_list = false;
	a->walk = search_result_walk(1, 0);
	a->phase = ANSWER_PARTIAL;
	if (!(a->ret.items & RETURN_PARTIAL))
		return;
	write_partial_range(c, &a->ret.partial);
	if (partial_places(&a->ret.partial, a->result.count, &first, &last))
		a->walk = search_result_walk(first, last);
	else
		conn_puts(c, "NIL");
}

/* Scores are told of the messages that are told, in their order (RFC 6203 §4). */
static void
begin_scores(struct search_answer *a, struct conn *c)
{
	uint64_t first = 1;
	uint64_t last = a->result.count;

	if (a->ret.items & RETURN_PARTIAL)
		conn_puts(c, ")");
	if ((a->ret.items & RETURN_PARTIAL) &&
	    !partial_places(&a->ret.partial, a->result.count, &first, &last))
		last = 0;
	a->phase = last > 0 && a->result.scored ? ANSWER_SCORES : ANSWER_ENDS;
	if (a->phase == ANSWER_SCORES)
		conn_puts(c, " RELEVANCY (");
	a->walk = search_result_walk(first, last);
	a->score = first;
}

static bool
write_scores(struct search_answer *a, struct conn *c)
{
	for (; a->score <= a->walk.last; a->score++) {
		if (conn_out_full(c))
			return false;
		write_item(c, a->score > a->walk.first ? " " : "", a->result.scores[a->score - 1]);
	}
	conn_puts(c, ")");
	return true;
}

static void
write_end(struct search_answer *a, const struct view *view, struct conn *c)
{
	bool modseq = a->has_modseq && a->result.count > 0;

	if (a->ret.extended && a->ret.items == RETURN_SAVE)
		return;
	if (modseq) /* RFC 7162 §3.1.6, RFC 4731 §3.2 */
		conn_printf(c, a->ret.extended ? " MODSEQ %llu" : " (MODSEQ %llu)",
		    (unsigned long long)modseq_of(a, view));
	conn_puts(c, "\r\n");
}

/* True when all is written. */
static bool
write_all(struct search_answer *a, struct imap_session *s, const struct imap_cmd *cmd,
    const struct view *view)
{
	struct conn *c = s->conn;

	if (a->phase == ANSWER_BEGINS)
		begin(a, s, cmd);
	if (a->phase == ANSWER_NUMBERS) {
		if (!write_numbers(a, c))
			return false;
		a->phase = ANSWER_ENDS;
	}
	if (a->phase == ANSWER_ALL) {
		if (!write_set(a, c))
			return false;
		begin_partial(a, c);
	}
	if (a->phase == ANSWER_PARTIAL) {
		if (!write_set(a, c))
			return false;
		begin_scores(a, c);
	}
	if (a->phase == ANSWER_SCORES && !write_scores(a, c))
		return false;
	write_end(a, view, c);
	return true;
}

/* -- saving --------------------------------------------------------------------------------- */

/* RFC 5182 §2.4, RFC 9394 §3.2: all that was found, unless only some of it was asked for. */
static enum err
collect_saved(const struct search_answer *a, const struct view *view, struct uidset *ret)
{
	const struct search_result *r = &a->result;
	unsigned items = a->ret.items;
	uint64_t first, last;
	enum err e = ERR_OK;

	if (r->count == 0)
		return ERR_OK;
	if (!(items & (RETURN_MIN | RETURN_MAX | RETURN_PARTIAL)) ||
	    (items & (RETURN_ALL | RETURN_COUNT)))
		return search_result_uids(r, view, 1, r->count, ret);
	if (items & RETURN_MIN)
		e = search_result_uids(r, view, 1, 1, ret);
	if (!e && (items & RETURN_PARTIAL) &&
	    partial_places(&a->ret.partial, r->count, &first, &last))
		e = search_result_uids(r, view, first, last, ret);
	if (!e && (items & RETURN_MAX))
		e = search_result_uids(r, view, r->count, r->count, ret);
	return e;
}

static enum err
save(const struct search_answer *a, struct imap_session *s, struct imap_cmd *cmd)
{
	struct uidset uids;

	if (!(a->ret.items & RETURN_SAVE))
		return ERR_OK;
	uidset_init(&uids, cmd->arena);
	enum err e = collect_saved(a, s->told, &uids);
	uidset_normalise(&uids);
	if (!e)
		e = imap_save_found(s, &uids);
	if (e == ERR_LIMIT || e == ERR_NOMEM)
		imap_set_code(cmd, "NOTSAVED"); /* §2.5 */
	return e;
}

enum err
search_answer_finish(struct search_answer *a, struct imap_session *s, struct imap_cmd *cmd,
    const struct search_run *run, struct context **context, bool *ret_done)
{
	*ret_done = a->silent || write_all(a, s, cmd, run->view);
	if (!*ret_done)
		return ERR_OK;
	enum err e = search_run_end(run, cmd);
	if (!e)
		e = save(a, s, cmd);
	if (!e && *context)
		e = context_begin(context, s, &a->result);
	return e;
}

enum err
search_answer_fail(const struct search_answer *a, struct imap_session *s, enum err e)
{
	if (e && (a->ret.items & RETURN_SAVE) && strcmp(imap_err_row(e)->condition, "NO") == 0)
		imap_forget_saved(s);
	return e;
}
