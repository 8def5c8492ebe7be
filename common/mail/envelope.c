#include "common/mail/address.h"
#include "common/mail/header.h"
#include "common/mail/mime_private.h"

#define SCRATCH_LIMIT ((size_t)256 << 20) /* far above what 1 MiB of header can need */

#define AUTHORS_MAX                                                                                \
	((size_t)100) /* From, which may be written three times, Sender and Reply-To               \
		       */

enum { FROM, SENDER, REPLY_TO, TO, CC, BCC, LISTS };
enum { DATE, SUBJECT, IN_REPLY_TO, MESSAGE_ID, TEXTS };

static const char *const list_names[LISTS] = {"From", "Sender", "Reply-To", "To", "Cc", "Bcc"};
static const char *const text_names[TEXTS] = {"Date", "Subject", "In-Reply-To", "Message-ID"};

struct envelope {
	struct str texts[TEXTS]; /* the first of each name, as it stands; p is NULL if absent */
	struct address *first[LISTS];
	struct address **last[LISTS];
};

static int
index_of(struct str name, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (str_eq_nocase(name, str_of(names[i])))
			return i;
	return -1;
}

/* Fields that occur twice are taken as one list: nobody can show one sender to a filter and
 * another to the reader. */
static void
collect(struct str block, struct arena *scratch, struct envelope *e)
{
	struct header_field field;

	for (int i = 0; i < LISTS; i++)
		e->last[i] = &e->first[i];
	while (header_next(&block, &field)) {
		int text = index_of(field.name, text_names, TEXTS);
		if (text >= 0 && !e->texts[text].p)
			e->texts[text] = field.value;
		int list = index_of(field.name, list_names, LISTS);
		if (list < 0)
			continue;
		*e->last[list] = address_parse_list(field.value, scratch);
		while (*e->last[list])
			e->last[list] = &(*e->last[list])->next;
	}
}

static void
put_text(struct str raw, struct arena *scratch, struct sbuf *out)
{
	wire_put_nstring(out, raw.p ? header_unfold_dup(raw, scratch) : raw);
}

/* Lists `a`, at most `max` entries; a group that is open then is closed. How many it wrote. */
static size_t
put_list(const struct address *a, size_t max, struct sbuf *out)
{
	bool in_group = false;
	size_t n = 0;

	if (!a || max == 0) {
		sbuf_puts(out, "NIL");
		return 0;
	}
	sbuf_putc(out, '(');
	for (; a && n < max; a = a->next, n++) {
		const struct str *const fields[] = {&a->name, &a->route, &a->mailbox, &a->host};
		if (!a->host.p)
			in_group = a->mailbox.p;
		for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
			sbuf_putc(out, i ? ' ' : '(');
			wire_put_nstring(out, *fields[i]);
		}
		sbuf_putc(out, ')');
	}
	if (in_group)
		sbuf_puts(out, "(NIL NIL NIL NIL)");
	sbuf_putc(out, ')');
	return n;
}

enum err
envelope_write(struct str block, size_t *addresses_left, struct sbuf *out)
{
	CLEANUP(arena_free) struct arena *scratch = arena_new(SCRATCH_LIMIT);
	struct envelope e = {0};

	if (!scratch)
		return ERR_NOMEM;
	collect(block, scratch, &e);
	sbuf_putc(out, '(');
	put_text(e.texts[DATE], scratch, out);
	sbuf_putc(out, ' ');
	put_text(e.texts[SUBJECT], scratch, out);
	for (int i = 0; i < LISTS; i++) {
		/* RFC 3501 §7.4.2: From stands in for those */
		bool missing = (i == SENDER || i == REPLY_TO) && !e.first[i];
		size_t max =
		    i <= REPLY_TO && *addresses_left > AUTHORS_MAX ? AUTHORS_MAX : *addresses_left;
		sbuf_putc(out, ' ');
		*addresses_left -= put_list(e.first[missing ? FROM : i], max, out);
	}
	sbuf_putc(out, ' ');
	put_text(e.texts[IN_REPLY_TO], scratch, out);
	sbuf_putc(out, ' ');
	put_text(e.texts[MESSAGE_ID], scratch, out);
	sbuf_putc(out, ')');
	return arena_failed(scratch) ? ERR_NOMEM : sbuf_error(out);
}
