#include "imapd/append_grammar.h"

#define SCRATCH_MAX (1024 * 1024)

void
append_parse_head(struct imap_args *a, bool replace, uint32_t *ret_number, struct str *ret_mailbox)
{
	*ret_number = 0;
	imap_parse_space(a);
	if (replace && !imap_accept_char(a, '*'))
		*ret_number = imap_parse_nz_number(a);
	if (replace)
		imap_parse_space(a);
	imap_parse_mailbox(a, ret_mailbox);
}

/* append-opts */
static enum append_event
begin_message(struct append_grammar *g, struct imap_args *a, struct append_piece *ret)
{
	if (g->messages == APPEND_MESSAGES_MAX)
		imap_parse_fail(a, ERR_LIMIT, "fewer messages");
	ret->date = date_now();
	imap_parse_space(a);
	if (imap_peek(a) == '(') {
		imap_parse_flag_list(a, &ret->flags);
		imap_parse_space(a);
	}
	if (imap_peek(a) == '"') {
		imap_parse_date_time(a, &ret->date);
		imap_parse_space(a);
	}
	g->messages++;
	g->where = APPEND_AT_DATA;
	return APPEND_BEGIN;
}

static bool
is_digit(unsigned char ch)
{
	return ascii_is_digit((char)ch);
}

/* literal / literal8: "{5}", "{5+}", "~{5}" at the very end of the text. How many is the reader's:
 * more than a number holds is no mistake but too much. */
static enum append_event
announce(struct append_grammar *g, struct imap_args *a, struct append_piece *ret)
{
	ret->binary = imap_accept_char(a, '~') && !g->utf8;
	imap_parse_char(a, '{', "the message as a literal");
	if (cursor_take_while(&a->c, is_digit).n == 0)
		imap_parse_fail(a, ERR_SYNTAX, "the size of a literal");
	imap_accept_char(a, '+');
	imap_parse_char(a, '}', "a closing brace");
	cursor_expect_end(&a->c);
	g->where = APPEND_PAST_OCTETS;
	return APPEND_OCTETS;
}

/* utf8-literal. Clients send it for every message once they have enabled UTF-8; it changes nothing
 * for us. */
static enum append_event
announce_utf8(struct append_grammar *g, struct imap_args *a, struct append_piece *ret)
{
	imap_parse_space(a);
	imap_parse_char(a, '(', "an opening parenthesis");
	g->utf8 = true;
	return announce(g, a, ret);
}

/* cat-part */
static enum append_event
begin_part(struct append_grammar *g, struct imap_args *a, struct append_piece *ret)
{
	if (g->parts++ == APPEND_PARTS_MAX)
		imap_parse_fail(a, ERR_LIMIT, "fewer parts");
	if (imap_accept_word(a, "TEXT")) {
		imap_parse_space(a);
		return announce(g, a, ret);
	}
	if (imap_accept_word(a, "UTF8"))
		return announce_utf8(g, a, ret);
	if (!imap_accept_word(a, "URL"))
		imap_parse_fail(a, ERR_SYNTAX, "TEXT, URL or UTF8");
	imap_parse_space(a);
	imap_parse_astring(a, &ret->url);
	g->where = APPEND_PAST_PART;
	return APPEND_URL;
}

/* append-data */
static enum append_event
begin_data(struct append_grammar *g, struct imap_args *a, struct append_piece *ret)
{
	if (imap_accept_word(a, "UTF8"))
		return announce_utf8(g, a, ret);
	if (!imap_accept_word(a, "CATENATE"))
		return announce(g, a, ret);
	imap_parse_space(a);
	imap_parse_char(a, '(', "an opening parenthesis");
	g->catenate = true;
	g->where = APPEND_AT_PART;
	return begin_part(g, a, ret);
}

static enum append_event
end_message(struct append_grammar *g)
{
	g->catenate = false;
	g->where = APPEND_AT_MESSAGE;
	return APPEND_END;
}

static enum append_event
past_part(struct append_grammar *g, struct imap_args *a, struct append_piece *ret)
{
	if (imap_accept_char(a, ')'))
		return end_message(g);
	imap_parse_char(a, ' ', "a space or a closing parenthesis");
	return begin_part(g, a, ret);
}

static enum append_event
past_octets(struct append_grammar *g, struct imap_args *a, struct append_piece *ret)
{
	if (g->utf8)
		imap_parse_char(a, ')', "a closing parenthesis");
	g->utf8 = false;
	if (!g->catenate)
		return end_message(g);
	g->where = APPEND_PAST_PART;
	return past_part(g, a, ret);
}

static enum append_event
next(struct append_grammar *g, struct imap_args *a, struct append_piece *ret)
{
	switch (g->where) {
	case APPEND_AT_MESSAGE:
		break;
	case APPEND_AT_DATA:
		return begin_data(g, a, ret);
	case APPEND_AT_PART:
		return begin_part(g, a, ret);
	case APPEND_PAST_OCTETS:
		return past_octets(g, a, ret);
	case APPEND_PAST_PART:
		return past_part(g, a, ret);
	}
	if (g->messages > 0 && (g->replace || cursor_at_end(&a->c))) {
		cursor_expect_end(&a->c);
		return APPEND_DONE;
	}
	return begin_message(g, a, ret);
}

enum append_event
append_next(struct append_grammar *g, struct imap_args *a, struct append_piece *ret)
{
	*ret = (struct append_piece){.url = {"", 0}};
	enum append_event event = next(g, a, ret);

	return a->c.err ? APPEND_MISTAKE : event;
}

static bool
is_name_char(unsigned char ch)
{
	return ch != ' ';
}

/* The tag, and "UID" if that is there, up to the mailbox name and past it. */
static bool
skip_head(struct imap_args *a)
{
	uint32_t number;
	struct str mailbox;

	cursor_take_while(&a->c, is_name_char);
	imap_parse_space(a);
	if (imap_accept_word(a, "UID"))
		imap_parse_space(a);
	bool replace = str_eq_nocase(cursor_take_while(&a->c, is_name_char), STR("REPLACE"));
	append_parse_head(a, replace, &number, &mailbox);
	return replace;
}

bool
append_takes_literal(const struct append_grammar *g, struct str text, bool whole_command)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(SCRATCH_MAX);
	struct append_grammar at = *g;
	struct append_piece piece;
	enum append_event event;
	struct imap_args a;

	if (!arena)
		return true; /* the handler will find no memory either */
	imap_args_init(&a, text, arena);
	if (whole_command)
		at.replace = skip_head(&a);
	do {
		event = append_next(&at, &a, &piece);
	} while (event != APPEND_OCTETS && event != APPEND_DONE && event != APPEND_MISTAKE);
	if (event != APPEND_MISTAKE)
		return true;
	return err_class(a.c.err) != ERR_CLASS_CLIENT || a.c.err_at < text.n;
}
