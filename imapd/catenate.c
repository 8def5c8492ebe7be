#include "imapd/catenate.h"

#include "common/base/clock.h"
#include "imapd/imap_url.h"

#define PIECE (64 * 1024)
#define URL_SHOWN_MAX 1000 /* octets of a URL in a response code */

void
catenate_set_badurl(struct imap_cmd *cmd, struct str url)
{
	static const char hex[] = "0123456789ABCDEF";
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(URL_SHOWN_MAX);

	/* url-resp-text: any TEXT-CHAR except "]"; others as a URL has them */
	for (size_t i = 0; i < url.n; i++) {
		unsigned char ch = (unsigned char)url.p[i];
		if (ch > ' ' && ch < 0x7f && ch != ']' && ch != '\\') {
			sbuf_putc(&text, (char)ch);
			continue;
		}
		sbuf_putc(&text, '%');
		sbuf_putc(&text, hex[ch >> 4]);
		sbuf_putc(&text, hex[ch & 15]);
	}
	struct str shown = sbuf_view(&text);
	imap_set_code(cmd, "BADURL %.*s", STR_ARG(shown.n ? shown : STR("\"\"")));
	imap_set_text(cmd, "There is no message or part of this URL");
}

static enum err
find_folder(struct imap_session *s, struct imap_cmd *cmd, const struct imap_url *url,
    struct account **ret_account, int64_t *ret_mailbox)
{
	struct imap_folder folder;

	if (url->mailbox.n == 0) {
		*ret_account = s->owner;
		*ret_mailbox = s->mailbox;
		return s->mailbox ? ERR_OK : ERR_NOT_FOUND;
	}
	struct str name = str_eq_nocase(url->mailbox, STR("INBOX")) ? STR("INBOX") : url->mailbox;
	enum err e = imap_find_folder(s, cmd, name, &folder);
	*ret_account = folder.account;
	*ret_mailbox = folder.info.id;
	return e;
}

/* The message; ERR_NOT_FOUND. */
static enum err
find_message(struct catenate *c, const struct imap_url *url, int64_t mailbox)
{
	CLEANUP(view_unref) struct view *v = NULL;

	enum err e = view_current(c->account, mailbox, &v);
	if (e)
		return e == ERR_GONE ? ERR_NOT_FOUND : e;
	if (url->uidvalidity && url->uidvalidity != view_uidvalidity(v))
		return ERR_NOT_FOUND;
	uint32_t seq = view_seq_of(v, url->uid);
	if (seq == 0)
		return ERR_NOT_FOUND;
	c->message = view_at(v, seq)->message;
	return ERR_OK;
}

enum err
catenate_begin(struct catenate *c, struct imap_session *s, struct imap_cmd *cmd, struct str text)
{
	struct imap_url url;
	int64_t mailbox = 0;
	enum err e = ERR_NOT_FOUND;

	c->url = text;
	c->begun = false;
	c->done = 0;
	if (imap_parse_url(text, cmd->arena, &url))
		e = find_folder(s, cmd, &url, &c->account, &mailbox);
	if (!e)
		e = find_message(c, &url, mailbox);
	if (e) {
		if (err_class(e) != ERR_CLASS_OURS)
			catenate_set_badurl(cmd, text);
		return e;
	}
	c->item = url.item;
	return ERR_OK;
}

/* A part of a file is kept open with the file; all else is copied in the step that begins it. */
static enum err
begin_value(struct catenate *c)
{
	enum err e = fetch_source_open(&c->source, c->account);

	if (!e)
		e = fetch_source_load(&c->source, c->message, fetch_value_wants(&c->item));
	if (!e)
		e = fetch_value_make(&c->source, &c->item, &c->value);
	if (!e && c->value.is_nil)
		e = ERR_NOT_FOUND;
	if (e)
		return e == ERR_GONE ? ERR_NOT_FOUND : e;
	c->begun = true;
	fetch_value_hold(&c->source, &c->value);
	return ERR_OK;
}

static enum err
copy(struct catenate *c, struct spool *to)
{
	int64_t until = clock_mono_ms() + PUMP_STEP_MS;

	if (!c->piece && !(c->piece = malloc(PIECE)))
		return ERR_NOMEM;
	while (c->done < c->value.size) {
		uint64_t left = c->value.size - c->done;
		size_t n = left < PIECE ? (size_t)left : PIECE;
		if (c->source.file && clock_mono_ms() > until)
			return ERR_OK;
		enum err e = fetch_value_read(&c->source, &c->value, c->done, c->piece, n);
		if (!e)
			e = spool_write(to, c->piece, n);
		if (e)
			return e;
		c->done += n;
	}
	return ERR_OK;
}

enum err
catenate_step(struct catenate *c, struct spool *to, uint64_t max, bool *ret_done)
{
	enum err e = c->begun ? ERR_OK : begin_value(c);

	*ret_done = false;
	if (!e && c->value.size - c->done > max)
		e = ERR_TOO_BIG;
	if (!e)
		e = copy(c, to);
	*ret_done = !e && c->done == c->value.size;
	if (e || *ret_done)
		fetch_value_let_go(&c->source);
	fetch_source_close(&c->source);
	return e;
}

void
catenate_done(struct catenate *c)
{
	fetch_source_done(&c->source);
	mem_free(&c->piece);
}
