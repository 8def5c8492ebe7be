#include "smtpd/outbound/report.h"

#include "common/mail/date.h"
#include "common/mail/header.h"
#include "common/mail/xtext.h"
#include "smtpd/outbound/report_text.h"
#include "smtpd/outbound/trace_fields.h"
#include "store/directory.h"

#include <openssl/rand.h>

#define PIECE ((size_t)32 * 1024)
#define PART_MAX ((size_t)8 * 1024 * 1024) /* text and status: of JOB_RCPTS_MAX recipients */
#define FOLD_WIDTH 76
#define SUBJECT_MAX 400 /* of the original's in ours */

struct writer {
	const struct report *r;
	struct spool *out;
	struct sbuf part; /* what is being put together; flushed by pieces */
	struct sbuf header; /* of the original */
	bool header_cut;
	char boundary[40];
	enum err err; /* the first; sticks */
};

static void
flush(struct writer *w)
{
	struct str s = sbuf_view(&w->part);

	if (!w->err)
		w->err = sbuf_error(&w->part);
	if (!w->err)
		w->err = spool_write(w->out, s.p, s.n);
	sbuf_clear(&w->part);
}

/* -- the original --------------------------------------------------------------------------- */

/* Ends behind the line that ends the header, where one is found; says so. */
static bool
cut_at_end_of_header(struct sbuf *b, size_t searched)
{
	struct str s = sbuf_view(b);
	size_t from = searched > 3 ? searched - 3 : 0;

	for (size_t i = from; i + 3 < s.n; i++) {
		if (memcmp(s.p + i, "\r\n\r\n", 4) == 0) {
			sbuf_cut(b, i + 2);
			return true;
		}
	}
	return false;
}

static void
read_header(struct writer *w)
{
	struct content *o = w->r->original;
	size_t n = 0;

	if (!o)
		return;
	do {
		size_t have = sbuf_view(&w->header).n;
		char *to = sbuf_reserve(&w->header, PIECE);
		if (!to) {
			w->err = sbuf_error(&w->header);
			return;
		}
		w->err = o->read(o, have, to, PIECE, &n);
		if (w->err)
			return;
		sbuf_grow(&w->header, n);
		if (cut_at_end_of_header(&w->header, have))
			return;
	} while (n && sbuf_view(&w->header).n < REPORT_HEADER_MAX);
	w->header_cut = n > 0;
}

static bool
wants_whole(const struct report *r)
{
	bool failed = false;

	/* RFC 3461 §4.3: RET speaks of failures, others are told with the header alone. */
	for (size_t i = 0; i < r->rcpt_count; i++)
		failed |= r->rcpts[i].kind == REPORT_FAILED;
	/* RFC 8689 §5: as with RET=HDRS */
	if (!failed || !r->original || r->about->body == QUEUE_BINARYMIME || r->about->requiretls)
		return false;
	switch (r->about->ret) {
	case QUEUE_RET_FULL:
		return r->original->size <= REPORT_FULL_MAX;
	case QUEUE_RET_HDRS:
		return false;
	case QUEUE_RET_DEFAULT:
		break;
	}
	return r->original->size <= REPORT_DEFAULT_FULL_MAX;
}

static void
put_whole(struct writer *w)
{
	struct content *o = w->r->original;
	uint64_t at = 0;
	size_t n = 1;

	flush(w);
	while (!w->err && n) {
		char *to = sbuf_reserve(&w->part, PIECE);
		if (!to) {
			w->err = sbuf_error(&w->part);
			return;
		}
		w->err = o->read(o, at, to, PIECE, &n);
		if (w->err)
			return;
		sbuf_grow(&w->part, n);
		at += n;
		flush(w);
	}
}

static void
put_original(struct writer *w)
{
	bool whole = wants_whole(w->r);
	/* RFC 6533 §6: a header with UTF-8 in it is a type of its own. */
	bool global = w->r->utf8 && !str_is_ascii(sbuf_view(&w->header));
	const char *type = whole ? (global ? "message/global" : "message/rfc822")
				 : (global ? "message/global-headers" : "text/rfc822-headers");

	if (!w->r->original)
		return;
	sbuf_printf(&w->part, "--%s\r\nContent-Description: %s\r\nContent-Type: %s\r\n",
	    w->boundary, whole ? "The message" : "The message's header", type);
	sbuf_puts(&w->part, "Content-Transfer-Encoding: 8bit\r\n\r\n");
	if (whole)
		put_whole(w);
	else
		sbuf_put(&w->part, sbuf_view(&w->header));
	if (w->header_cut && !whole)
		sbuf_puts(&w->part, "\r\n");
	sbuf_puts(&w->part, "\r\n");
}

/* -- for programs --------------------------------------------------------------------------- */

/* A field folded at blanks; octets that have no place in it are replaced. */
static void
put_field(struct sbuf *out, const char *name, const char *type, struct str value, bool utf8)
{
	CLEANUP(sbuf_done) struct sbuf clean = SBUF_INIT(JOB_REPLY_MAX * 2);
	size_t column = strlen(name) + 1 + strlen(type) + (type[0] != 0);
	struct str word;

	report_put_words(value, utf8, &clean);
	struct str rest = str_trim(sbuf_view(&clean));
	sbuf_printf(out, "%s:%s%s", name, type[0] ? " " : "", type);
	while (str_split(&rest, ' ', &word)) {
		if (word.n == 0)
			continue;
		if (column + 1 + word.n > FOLD_WIDTH) {
			sbuf_puts(out, "\r\n");
			column = 0;
		}
		sbuf_putc(out, ' ');
		sbuf_put(out, word);
		column += 1 + word.n;
	}
	sbuf_puts(out, "\r\n");
}

static void
put_final_recipient(struct sbuf *out, struct str address, bool utf8)
{
	CLEANUP(sbuf_done) struct sbuf embedded = SBUF_INIT(8192);

	if (str_is_ascii(address)) {
		put_field(out, "Final-Recipient", "rfc822;", address, false);
	} else if (utf8) {
		put_field(out, "Final-Recipient", "utf-8;", address, true);
	} else {
		unitext_encode(address, &embedded); /* RFC 6533 §3 */
		put_field(out, "Final-Recipient", "utf-8;", sbuf_view(&embedded), false);
	}
}

static const char *
action(enum report_kind kind)
{
	static const char *const names[] = {[REPORT_FAILED] = "failed",
	    [REPORT_DELAYED] = "delayed",
	    [REPORT_DELIVERED] = "delivered",
	    [REPORT_RELAYED] = "relayed",
	    [REPORT_EXPANDED] = "expanded"};

	return names[kind];
}

static void
put_date(struct sbuf *out, const char *name, int64_t utc_s)
{
	sbuf_printf(out, "%s: ", name);
	date_format_rfc5322((struct date){.utc_s = utc_s}, out);
	sbuf_puts(out, "\r\n");
}

/* RFC 3464 §2.3 */
static void
put_rcpt_fields(struct sbuf *out, const struct report_rcpt *rcpt, bool utf8)
{
	size_t name_end = str_find(rcpt->host, '[');
	struct str status = rcpt->status.n                 ? rcpt->status
			    : rcpt->kind == REPORT_FAILED  ? STR("5.0.0")
			    : rcpt->kind == REPORT_DELAYED ? STR("4.0.0")
							   : STR("2.0.0");

	sbuf_puts(out, "\r\n");
	if (rcpt->orcpt.n)
		put_field(out, "Original-Recipient", "", rcpt->orcpt, utf8);
	put_final_recipient(out, rcpt->address, utf8);
	sbuf_printf(out, "Action: %s\r\n", action(rcpt->kind));
	put_field(out, "Status", "", status, false);
	if (rcpt->host.n) {
		put_field(out, "Remote-MTA", "dns;",
		    name_end == STR_NONE ? rcpt->host : str_sub(rcpt->host, 0, name_end), utf8);
		if (rcpt->reply.n)
			put_field(out, "Diagnostic-Code", "smtp;", rcpt->reply, utf8);
	} else if (rcpt->reply.n && rcpt->kind <= REPORT_DELAYED) {
		put_field(out, "Diagnostic-Code", "x-pillarbox;", rcpt->reply, utf8);
	}
	if (rcpt->last_attempt_s)
		put_date(out, "Last-Attempt-Date", rcpt->last_attempt_s);
	if (rcpt->kind == REPORT_DELAYED && rcpt->will_retry_until_s)
		put_date(out, "Will-Retry-Until", rcpt->will_retry_until_s);
}

static void
put_status(struct writer *w)
{
	const struct report *r = w->r;
	struct sbuf *out = &w->part;

	sbuf_printf(
	    out, "--%s\r\nContent-Description: What became of it, for programs\r\n", w->boundary);
	sbuf_puts(out, r->utf8 ? "Content-Type: message/global-delivery-status\r\n"
				 "Content-Transfer-Encoding: 8bit\r\n\r\n"
			       : "Content-Type: message/delivery-status\r\n\r\n");
	if (r->about->envid.n)
		put_field(out, "Original-Envelope-Id", "", r->about->envid, r->utf8);
	put_field(out, "Reporting-MTA", "dns;", r->hostname, r->utf8);
	put_date(out, "Arrival-Date", r->about->created_s);
	for (size_t i = 0; i < r->rcpt_count; i++)
		put_rcpt_fields(out, &r->rcpts[i], r->utf8);
	sbuf_puts(out, "\r\n");
}

/* -- the whole ------------------------------------------------------------------------------ */

/* Encoded words of the original's subject stand as they are. One with raw octets in it only goes
 * where UTF-8 may. */
static void
put_subject(struct writer *w, struct str subject)
{
	bool shown = subject.n && subject.n <= SUBJECT_MAX &&
		     (str_is_ascii(subject) || (w->r->utf8 && str_is_utf8(subject)));
	CLEANUP(sbuf_done) struct sbuf value = SBUF_INIT(SUBJECT_MAX + 64);

	sbuf_puts(&value, report_headline(w->r));
	if (shown) {
		sbuf_puts(&value, ": ");
		sbuf_put(&value, subject);
	}
	put_field(&w->part, "Subject", "", sbuf_view(&value), w->r->utf8);
}

static void
put_header(struct writer *w, struct str subject)
{
	const struct report *r = w->r;
	struct date now = {.utc_s = r->now_s};
	struct sbuf *out = &w->part;

	trace_date_line(now, out);
	enum err e = trace_message_id_line(r->hostname, now, out);
	if (e && !w->err)
		w->err = e;
	sbuf_printf(out, "From: \"Mail system at %.*s\" <%.*s>\r\nTo: <%.*s>\r\n",
	    STR_ARG(r->hostname), STR_ARG(r->postmaster), STR_ARG(r->to));
	put_subject(w, subject);
	if (r->about->message_id.n && str_is_ascii(r->about->message_id)) {
		sbuf_puts(out, "In-Reply-To: <");
		report_put_words(r->about->message_id, false, out);
		sbuf_puts(out, ">\r\n");
	}
	/* RFC 3834 §5: so that no vacation answers it */
	sbuf_puts(out, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
	sbuf_printf(out,
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"%s\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
	    w->boundary);
	/* RFC 6522 §3: what stands here is for programs that know no MIME */
	sbuf_puts(out, "This report is in MIME format.\r\n\r\n");
}

static enum err
make_boundary(struct writer *w)
{
	unsigned char random[16];

	if (RAND_bytes(random, sizeof(random)) != 1)
		return ERR_INTERNAL;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(w->boundary + 2 * i, 3, "%02x", random[i]);
	return ERR_OK;
}

enum err
report_write(const struct report *r, struct spool *out)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(SUBJECT_MAX + REPORT_HEADER_MAX * 2);
	struct writer w = {.r = r, .out = out};

	if (!arena)
		return ERR_NOMEM;
	sbuf_init(&w.part, PART_MAX);
	sbuf_init(&w.header, REPORT_HEADER_MAX + PIECE);
	w.err = make_boundary(&w);
	if (!w.err)
		read_header(&w);
	if (!w.err) {
		struct str subject = header_get(sbuf_view(&w.header), STR("Subject"), arena);
		put_header(&w, subject);
		sbuf_printf(&w.part,
		    "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
		    "Content-Transfer-Encoding: 8bit\r\n\r\n",
		    w.boundary);
		report_put_text(r, subject, &w.part);
		sbuf_puts(&w.part, "\r\n");
		put_status(&w);
		put_original(&w);
		sbuf_printf(&w.part, "--%s--\r\n", w.boundary);
		flush(&w);
	}
	sbuf_done(&w.part);
	sbuf_done(&w.header);
	return w.err;
}

struct str
report_postmaster(struct store *s, const struct conf *conf, struct arena *arena)
{
	struct str address;

	return directory_postmaster(s, arena, &address)
		   ? arena_printf(arena, "postmaster@%s", conf->hostname)
		   : address;
}
