#include "smtpd/outbound/report_text.h"

#include "common/mail/date.h"

#define TEXT_WIDTH 72
#define SUBJECT_SHOWN 200

/* The longest code that the status begins with, behind its class, counts; "" is the rest. */
static const struct {
	const char *code;
	const char *text;
} advices[] = {
    {"1.1", "There is no such address there. Check it for typing mistakes."},
    {"1.2", "There is no such mail domain. Check what stands behind the @."},
    {"1.3", "The address is not well formed. Check it for typing mistakes."},
    {"1.6", "The address has moved. Ask its owner for the new one."},
    {"1.8", "The other side does not accept your sender address."},
    {"1.10", "The domain accepts no mail at all. Check what stands behind the @."},
    {"1", "The address was refused. Check it for typing mistakes."},
    {"2.1", "The mailbox takes no mail at present. Reach its owner in another way."},
    {"2.2", "The mailbox is full. Its owner has to make room first."},
    {"2.3", "The message is too large for this mailbox. Send it without its attachments."},
    {"2", "The mailbox does not take the message."},
    {"3.4", "The message is too large for the other side. Send it without its attachments."},
    {"3", "The other mail system could not take the message."},
    {"4.1", "No mail server of the domain could be reached."},
    {"4.4", "No mail server of the domain could be found."},
    {"4.6", "The message went in a circle. Its recipient's mail system has to be mended."},
    {"4.7", "It was tried for as long as is usual, without success."},
    {"4", "The connection to the other mail system failed."},
    {"6.7", "The other mail system can't handle addresses beyond ASCII."},
    {"6", "The other mail system can't handle a message of this form."},
    {"7.1", "The other side refuses it by its rules. Its words above may tell why."},
    {"7.10", "The connection to the other side could not be protected as it has to be."},
    {"7.30", "The message must travel encrypted, and the other side can't do so."},
    {"7", "The other side refuses it by its rules. Its words above may tell why."},
    {"", "The words of the other side above may tell why."},
};

static bool
begins_with_code(struct str rest, struct str code)
{
	return str_starts(rest, code) && (rest.n == code.n || code.n == 0 || rest.p[code.n] == '.');
}

const char *
report_advice(struct str status)
{
	struct str rest = str_skip(status, 2); /* the class */
	const char *best = "";
	size_t length = 0;

	for (size_t i = 0; i < ARRAY_LEN(advices); i++) {
		struct str code = str_of(advices[i].code);
		if (begins_with_code(rest, code) && code.n >= length) {
			best = advices[i].text;
			length = code.n;
		}
	}
	return best;
}

static size_t
count_kind(const struct report *r, enum report_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < r->rcpt_count; i++)
		n += r->rcpts[i].kind == kind;
	return n;
}

const char *
report_headline(const struct report *r)
{
	if (count_kind(r, REPORT_FAILED))
		return count_kind(r, REPORT_FAILED) == r->rcpt_count ? "Not delivered"
								     : "Not delivered to all";
	if (count_kind(r, REPORT_DELAYED))
		return "Delayed";
	return count_kind(r, REPORT_DELIVERED) ? "Delivered" : "Sent on";
}

void
report_put_words(struct str words, bool utf8, struct sbuf *out)
{
	bool keep = utf8 && str_is_utf8(words);

	for (size_t i = 0; i < words.n; i++) {
		unsigned char c = (unsigned char)words.p[i];
		if (c < ' ' || c == 0x7f)
			sbuf_putc(out, ' ');
		else
			sbuf_putc(out, c < 0x80 || keep ? (char)c : '?');
	}
}

/* `words` in lines of TEXT_WIDTH where they have blanks, each after `indent`. */
static void
put_wrapped(struct str words, const char *indent, struct sbuf *out)
{
	CLEANUP(sbuf_done) struct sbuf clean = SBUF_INIT(JOB_REPLY_MAX * 2);
	size_t room = TEXT_WIDTH - strlen(indent);

	report_put_words(words, true, &clean);
	struct str rest = str_trim(sbuf_view(&clean));
	while (rest.n) {
		size_t n = rest.n;
		if (n > room) {
			n = str_rfind(str_sub(rest, 0, room + 1), ' ');
			if (n == STR_NONE || n == 0)
				n = str_find(rest, ' ');
			if (n == STR_NONE)
				n = rest.n;
		}
		sbuf_puts(out, indent);
		sbuf_put(out, str_sub(rest, 0, n));
		sbuf_puts(out, "\r\n");
		rest = str_trim(str_skip(rest, n));
	}
}

static void
put_time(int64_t utc_s, struct sbuf *out)
{
	date_format_rfc5322((struct date){.utc_s = utc_s}, out);
}

static const char *
kind_sentence(enum report_kind kind)
{
	switch (kind) {
	case REPORT_FAILED:
		return "It could not be delivered to:";
	case REPORT_DELAYED:
		return "It is not delivered yet to the following; you need not do anything, it "
		       "will "
		       "be tried again:";
	case REPORT_DELIVERED:
		return "It was delivered to:";
	case REPORT_RELAYED:
		return "It was handed to the next mail system, which can't tell what becomes of "
		       "it, "
		       "for:";
	case REPORT_EXPANDED:
		return "It was handed on to all behind the address:";
	}
	return "";
}

static void
put_rcpt(const struct report_rcpt *rcpt, struct sbuf *out)
{
	bool refused = rcpt->kind == REPORT_FAILED || rcpt->kind == REPORT_DELAYED;

	sbuf_puts(out, "\r\n  ");
	report_put_words(rcpt->address, true, out);
	sbuf_puts(out, "\r\n");
	if (refused && rcpt->reply.n) {
		if (rcpt->host.n) {
			sbuf_puts(out, "    ");
			report_put_words(rcpt->host, true, out);
			sbuf_puts(out, " said:\r\n");
		}
		put_wrapped(rcpt->reply, rcpt->host.n ? "      " : "    ", out);
	}
	if (rcpt->kind == REPORT_FAILED)
		put_wrapped(str_of(report_advice(rcpt->status)), "    ", out);
	if (rcpt->kind == REPORT_DELAYED && rcpt->will_retry_until_s) {
		sbuf_puts(out, "    It will be tried until ");
		put_time(rcpt->will_retry_until_s, out);
		sbuf_puts(out, ".\r\n");
	}
}

void
report_put_text(const struct report *r, struct str subject, struct sbuf *out)
{
	sbuf_puts(out, "This is the mail system at ");
	sbuf_put(out, r->hostname);
	sbuf_puts(out, ".\r\n\r\nIt is about your message of ");
	put_time(r->about->created_s, out);
	if (subject.n) {
		sbuf_puts(out, ",\r\n  Subject: ");
		report_put_words(str_sub(subject, 0, SUBJECT_SHOWN), true, out);
	}
	sbuf_puts(out, "\r\n");
	for (enum report_kind kind = REPORT_FAILED; kind <= REPORT_EXPANDED; kind++) {
		if (!count_kind(r, kind))
			continue;
		sbuf_puts(out, "\r\n");
		put_wrapped(str_of(kind_sentence(kind)), "", out);
		for (size_t i = 0; i < r->rcpt_count; i++)
			if (r->rcpts[i].kind == kind)
				put_rcpt(&r->rcpts[i], out);
	}
	sbuf_puts(out, "\r\n");
	if (count_kind(r, REPORT_FAILED))
		sbuf_puts(out, "Nothing more will be tried for those it was not delivered to.\r\n");
	sbuf_puts(out, "If you need help, write to ");
	sbuf_put(out, r->postmaster);
	sbuf_puts(out, "\r\nand send this whole report along.\r\n");
	if (r->about->trace_id.n)
		sbuf_printf(out, "The message's number is %.*s.\r\n", STR_ARG(r->about->trace_id));
}
