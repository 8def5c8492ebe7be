#include "imapd/imap_read.h"

#include "imapd/imap_append.h"
#include "imapd/imap_capability.h"
#include "imapd/imap_dispatch.h"
#include "imapd/notify.h"
#include "store/annotation.h"
#include "store/changes.h"

#include <openssl/crypto.h>

#define SOME_LINES 512 /* octets */

void
imap_reader_init(struct imap_reader *r)
{
	*r = (struct imap_reader){.text = SBUF_INIT(SIZE_MAX / 2)};
}

void
imap_reader_clear(struct imap_reader *r)
{
	if (r->text.p)
		OPENSSL_cleanse(r->text.p, r->text.n);
	sbuf_clear(&r->text);
}

void
imap_reader_reset(struct imap_reader *r)
{
	imap_reader_clear(r);
	*r = (struct imap_reader){.text = r->text};
}

void
imap_reader_release(struct imap_reader *r)
{
	if (r->text.p)
		OPENSSL_cleanse(r->text.p, r->text.n);
	sbuf_done(&r->text);
}

/* Where the text must grow, nothing of it stays behind: a password may be in it. */
static void
add_text(struct imap_reader *r, struct str s)
{
	if (r->text.p && r->text.n + s.n + 1 > r->text.cap) {
		struct sbuf wider = SBUF_INIT(r->text.max);
		sbuf_reserve(&wider, 2 * (r->text.n + s.n));
		sbuf_put(&wider, sbuf_view(&r->text));
		imap_reader_release(r);
		r->text = wider;
	}
	sbuf_put(&r->text, s);
}

void
imap_drain(struct imap_session *s, uint64_t octets)
{
	struct imap_reader *r = &s->reader;

	r->draining = true;
	r->scanned = 0;
	r->drain_left = octets;
	r->tail_n = 0;
	r->drained = 0;
}

/* Remembers how the line that is thrown away ends. */
static void
keep_tail(struct imap_reader *r, const char *p, size_t n)
{
	if (n >= sizeof(r->tail)) {
		memcpy(r->tail, p + n - sizeof(r->tail), sizeof(r->tail));
		r->tail_n = sizeof(r->tail);
		return;
	}
	size_t keep = r->tail_n + n > sizeof(r->tail) ? sizeof(r->tail) - n : r->tail_n;
	memmove(r->tail, r->tail + r->tail_n - keep, keep);
	memcpy(r->tail + keep, p, n);
	r->tail_n = keep + n;
}

/* The line being thrown away ends here: does a literal follow that comes unasked? */
static void
end_of_drained_line(struct imap_session *s)
{
	struct imap_reader *r = &s->reader;
	struct str line = str_trim(str_make(r->tail, r->tail_n));
	uint64_t size;
	bool synchronising;
	size_t at;

	r->draining = false;
	if (line.n == sizeof(r->tail) - 2 && str_find(line, '{') == STR_NONE &&
	    str_ends_nocase(line, STR("+}"))) {
		imap_say_bye(s, "TOOBIG", "Literal too large"); /* its size is beyond the tail */
	} else if (imap_find_literal(line, &size, &synchronising, &at) && !synchronising) {
		r->draining = true;
		r->drain_left = size;
		r->tail_n = 0;
	}
	OPENSSL_cleanse(r->tail, sizeof(r->tail)); /* perhaps the line was a login */
}

/* Throws away what there is; false while there is more to come. */
static bool
drain(struct imap_session *s)
{
	struct imap_reader *r = &s->reader;

	while (r->draining) {
		struct str in = conn_input(s->conn);
		size_t n = in.n;

		if (n == 0)
			return false;
		if (r->drain_left > 0) {
			n = n < r->drain_left ? n : (size_t)r->drain_left;
			r->drain_left -= n;
		} else {
			const char *lf = memchr(in.p, '\n', n);
			n = lf ? (size_t)(lf - in.p) + 1 : n;
			keep_tail(r, in.p, n);
			if (lf)
				end_of_drained_line(s);
		}
		r->drained += n;
		conn_consume(s->conn, n);
	}
	return true;
}

enum imap_line
imap_take_line(struct imap_session *s, size_t max, struct str *ret)
{
	struct imap_reader *r = &s->reader;
	struct str in = conn_input(s->conn);
	const char *lf =
	    in.n > r->scanned ? memchr(in.p + r->scanned, '\n', in.n - r->scanned) : NULL;
	size_t n = lf ? (size_t)(lf - in.p) : in.n;

	r->scanned = lf ? 0 : in.n;
	if (n > max + 1) {
		imap_drain(s, 0);
		return IMAP_LINE_TOO_LONG;
	}
	if (!lf)
		return IMAP_LINE_PARTIAL;
	struct str line = str_sub(in, 0, n);
	if (n == 0 || line.p[n - 1] != '\r' || memchr(line.p, '\r', n - 1) ||
	    memchr(line.p, '\0', n)) {
		imap_drain(s, 0);
		return IMAP_LINE_BARE;
	}
	line.n--;
	*ret = line;
	return IMAP_LINE_WHOLE;
}

void
imap_line_done(struct imap_session *s, struct str line)
{
	conn_consume(s->conn, line.n + 2);
}

/* Browsers, and pages that make them talk to mail servers (ALPACA): a request line is no command.
 */
static bool
is_http(struct str line)
{
	static const char *const verbs[] = {
	    "GET ", "POST ", "HEAD ", "PUT ", "OPTIONS ", "CONNECT ", "DELETE ", "PATCH "};

	if (str_find_nocase(line, STR(" HTTP/")) == STR_NONE)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (str_starts(line, str_of(verbs[i])))
			return true;
	/* a page may choose the method itself; no command of ours begins like its target */
	struct str target = str_skip(line, str_find(line, ' ') + 1);
	return str_starts(target, STR("/")) || str_starts(target, STR("*")) ||
	       str_starts_nocase(target, STR("http://")) ||
	       str_starts_nocase(target, STR("https://"));
}

/* "*" where there is none. */
static void
take_tag(struct str text, char tag[IMAP_TAG_MAX + 1])
{
	struct str found = {NULL, 0};

	imap_peek_command(text, &found);
	if (found.n == 0 || found.n > IMAP_TAG_MAX)
		found = STR("*");
	memcpy(tag, found.p, found.n);
	tag[found.n] = '\0';
}

/* Refuses the command being read and throws the rest of it away. */
static enum imap_go
refuse(struct imap_session *s, struct str from, enum err e, const char *text)
{
	char tag[IMAP_TAG_MAX + 1];

	take_tag(from, tag);
	enum imap_go go = imap_complain(s, tag, e, text);
	imap_reader_clear(&s->reader);
	return go;
}

/* The same for a value of METADATA (RFC 5464 §4.3): no mistake of the client's. */
static enum imap_go
refuse_value(struct imap_session *s, struct str from)
{
	char tag[IMAP_TAG_MAX + 1];

	take_tag(from, tag);
	conn_printf(
	    s->conn, "%s NO [METADATA MAXSIZE %d] Value too large\r\n", tag, ANNOTATION_VALUE_MAX);
	imap_reader_clear(&s->reader);
	return GO_ON;
}

bool
imap_may_come_unasked(const struct imap_session *s, uint64_t size)
{
	return size <= IMAP_LITERAL_MINUS || !imap_hides(s, STR("LITERAL+"));
}

bool
imap_may_gather(const struct imap_session *s, size_t octets)
{
	switch (store_fullness(s->service->store)) {
	case MEMORY_THERE:
	case MEMORY_CROWDED:
		return true;
	case MEMORY_FULL:
		return octets <= IMAP_LITERAL_MINUS;
	default:
		return octets <= SOME_LINES;
	}
}

/* The line just added to the text announces a literal. */
static enum imap_go
begin_literal(struct imap_session *s, uint64_t size, bool synchronising)
{
	struct imap_reader *r = &s->reader;
	struct str text = sbuf_view(&r->text);
	size_t max = imap_line_max(s);
	const struct imap_command *row = imap_peek_command(text, NULL);

	if (!synchronising && !imap_may_come_unasked(s, size)) {
		imap_drain(s, size);
		return refuse(s, text, ERR_TOO_LONG, "Ask before you send so much");
	}
	/* What will be refused anyway is refused now: a password is not asked for in the clear. */
	if (!row || !imap_may_run(s, row) ||
	    ((row->flags & CMD_STREAMS) && imap_append_takes_literal(text))) {
		struct imap_stream stream = {size, synchronising};
		return imap_run_command(s, text, &stream);
	}
	if (text.n + 2 > max || size > max - text.n - 2) {
		if (!synchronising)
			imap_drain(s, size);
		if (row && (row->flags & CMD_ANNOTATES))
			return refuse_value(s, text);
		return refuse(s, text, ERR_TOO_LONG, "Literal too large");
	}
	if (!imap_may_gather(s, text.n + size)) {
		if (!synchronising)
			imap_drain(s, size);
		return refuse(s, text, ERR_NOMEM, IMAP_NO_MEMORY);
	}
	add_text(r, STR("\r\n"));
	r->in_literal = true;
	r->literal_left = size;
	if (synchronising)
		conn_puts(s->conn, "+ Ready for the literal\r\n");
	return GO_ON;
}

/* Takes literal octets; false while there are more to come. */
static bool
read_literal(struct imap_session *s)
{
	struct imap_reader *r = &s->reader;
	struct str in = conn_input(s->conn);
	size_t n = in.n < r->literal_left ? in.n : (size_t)r->literal_left;

	add_text(r, str_sub(in, 0, n));
	conn_consume(s->conn, n);
	r->literal_left -= n;
	r->in_literal = r->literal_left > 0;
	return !r->in_literal;
}

static enum imap_go
take_whole_line(struct imap_session *s, struct str line)
{
	struct imap_reader *r = &s->reader;
	uint64_t size;
	bool synchronising;
	size_t at;

	if (r->text.n == 0 && is_http(line)) {
		imap_say_bye(s, NULL, "This is an IMAP server");
		return GO_CLOSE;
	}
	bool literal = imap_find_literal(line, &size, &synchronising, &at);
	add_text(r, line);
	imap_line_done(s, line);
	if (sbuf_error(&r->text)) {
		imap_say_bye(s, "UNAVAILABLE", "Out of memory");
		return GO_CLOSE;
	}
	if (literal)
		return begin_literal(s, size, synchronising);
	return imap_run_command(s, sbuf_view(&r->text), NULL);
}

enum imap_go
imap_read_command(struct imap_session *s, unsigned events)
{
	struct imap_reader *r = &s->reader;
	struct str line;

	(void)events;
	if (!drain(s)) {
		if (s->state != ST_GREET || r->drained <= IMAP_DRAIN_BEFORE_LOGIN)
			return GO_READ;
		imap_say_bye(s, "TOOBIG", "Log in before you send so much");
		return GO_CLOSE;
	}
	if (s->stopping && r->text.n == 0) {
		imap_say_bye(s, "UNAVAILABLE", "Server is shutting down");
		return GO_CLOSE;
	}
	if (r->in_literal && !read_literal(s))
		return GO_READ;
	size_t max = imap_line_max(s);
	struct str from = r->text.n ? sbuf_view(&r->text) : conn_input(s->conn);
	switch (imap_take_line(s, max > r->text.n ? max - r->text.n : 0, &line)) {
	case IMAP_LINE_WHOLE:
		return take_whole_line(s, line);
	case IMAP_LINE_TOO_LONG:
		return refuse(s, from, ERR_TOO_LONG, "Command line too long");
	case IMAP_LINE_BARE:
		return refuse(s, from, ERR_SYNTAX, "A line ends with CRLF and holds no NUL or CR");
	case IMAP_LINE_PARTIAL:
		break;
	}
	size_t n = conn_input(s->conn).n;
	if (n > 0 && !imap_may_gather(s, r->text.n + n)) {
		imap_drain(s, 0);
		return refuse(s, from, ERR_NOMEM, IMAP_NO_MEMORY);
	}
	/* half a command: what it says of sequence numbers stays true until its end */
	return from.n > 0 ? GO_READ : imap_notify_at_rest(s);
}
