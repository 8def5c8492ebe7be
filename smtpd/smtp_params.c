#include "smtpd/smtp_params.h"

#include "common/mail/date.h"
#include "common/mail/xtext.h"
#include "smtpd/smtp_parse.h"

/* -- one parameter --------------------------------------------------------------------------- */

struct param {
	struct str keyword;
	struct str value;
	bool has_value;
};

/* The next SP esmtp-param; false at the end of the line and after a mistake. */
static bool
next_param(struct cursor *c, struct param *ret)
{
	size_t blanks = cursor_take_while(c, smtp_is_blank).n;

	if (cursor_at_end(c))
		return false;
	if (blanks == 0)
		cursor_fail(c, ERR_SYNTAX, "a blank");
	ret->keyword = cursor_take_while(c, smtp_is_keyword);
	if (ret->keyword.n == 0 || ret->keyword.p[0] == '-')
		cursor_fail(c, ERR_SYNTAX, "a parameter");
	ret->has_value = cursor_accept(c, '=');
	ret->value = STR("");
	if (ret->has_value) {
		ret->value = cursor_take_while(c, smtp_is_value);
		if (ret->value.n == 0)
			cursor_fail(c, ERR_SYNTAX, "the parameter's value");
	}
	return !c->err;
}

/* The table's `bit` of what has been seen already. */
static void
once(struct cursor *c, unsigned *seen, unsigned bit)
{
	if (*seen & bit)
		cursor_fail(c, ERR_SYNTAX, "each parameter once");
	*seen |= bit;
}

/* xtext of at most `max` octets when it is decoded. */
static struct str
take_xtext(struct cursor *c, struct str value, size_t max, struct arena *arena)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(max);

	if (value.n == 0 || xtext_decode(value, &text) != ERR_OK) {
		cursor_fail(c, ERR_SYNTAX, "xtext");
		return STR("");
	}
	struct str kept = arena_dup(arena, sbuf_view(&text));
	if (!kept.p)
		cursor_fail(c, ERR_NOMEM, "memory");
	return kept;
}

/* -- MAIL ------------------------------------------------------------------------------------ */

static void
take_body(struct cursor *c, struct str value, enum queue_body *ret)
{
	if (str_eq_nocase(value, STR("7BIT")))
		*ret = QUEUE_7BIT;
	else if (str_eq_nocase(value, STR("8BITMIME")))
		*ret = QUEUE_8BITMIME;
	else if (str_eq_nocase(value, STR("BINARYMIME")))
		*ret = QUEUE_BINARYMIME;
	else
		cursor_fail(c, ERR_SYNTAX, "7BIT, 8BITMIME or BINARYMIME");
}

static void
take_ret(struct cursor *c, struct str value, enum queue_ret *ret)
{
	if (str_eq_nocase(value, STR("FULL")))
		*ret = QUEUE_RET_FULL;
	else if (str_eq_nocase(value, STR("HDRS")))
		*ret = QUEUE_RET_HDRS;
	else
		cursor_fail(c, ERR_SYNTAX, "FULL or HDRS");
}

/* "<>" or xtext (RFC 4954 §5). */
static void
check_auth(struct cursor *c, struct str value)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(value.n + 1);

	if (!str_eq(value, STR("<>")) && (value.n == 0 || xtext_decode(value, &text) != ERR_OK))
		cursor_fail(c, ERR_SYNTAX, "an address in xtext");
}

/* RFC 4865 §4: 1*9DIGIT. */
static void
take_hold_for(struct cursor *c, struct str value, uint64_t *ret)
{
	if (value.n == 0 || value.n > 9 || !str_to_u64(value, ret) || *ret == 0)
		cursor_fail(c, ERR_SYNTAX, "a number of seconds");
}

static void
take_hold_until(struct cursor *c, struct str value, int64_t *ret)
{
	if (!date_parse_rfc3339(value, ret))
		cursor_fail(c, ERR_SYNTAX, "a time such as 2026-12-24T18:00:00Z");
}

static void
take_flag(struct cursor *c, const struct param *p, bool *ret)
{
	*ret = true;
	if (p->has_value)
		cursor_fail(c, ERR_SYNTAX, "this parameter without a value");
}

void
smtp_parse_mail_params(
    struct cursor *c, unsigned offered, struct arena *arena, struct smtp_mail_params *ret)
{
	enum {
		HAS_SIZE = 1,
		HAS_BODY = 2,
		HAS_UTF8 = 4,
		HAS_AUTH = 8,
		HAS_RET = 16,
		HAS_ENVID = 32,
		HAS_TLS = 64,
		HAS_HOLD = 128, /* either of the two (RFC 4865 §4) */
	};
	unsigned seen = 0;
	struct param p;

	*ret = (struct smtp_mail_params){.envid = STR("")};
	while (next_param(c, &p)) {
		if (str_eq_nocase(p.keyword, STR("SIZE"))) {
			once(c, &seen, HAS_SIZE);
			smtp_take_size(c, p.value, &ret->size);
		} else if (str_eq_nocase(p.keyword, STR("BODY"))) {
			once(c, &seen, HAS_BODY);
			take_body(c, p.value, &ret->body);
		} else if (str_eq_nocase(p.keyword, STR("SMTPUTF8"))) {
			once(c, &seen, HAS_UTF8);
			take_flag(c, &p, &ret->smtputf8);
		} else if ((offered & OFFER_DSN) && str_eq_nocase(p.keyword, STR("RET"))) {
			once(c, &seen, HAS_RET);
			take_ret(c, p.value, &ret->ret);
		} else if ((offered & OFFER_DSN) && str_eq_nocase(p.keyword, STR("ENVID"))) {
			once(c, &seen, HAS_ENVID);
			ret->envid = take_xtext(c, p.value, SMTP_ENVID_MAX, arena);
		} else if ((offered & OFFER_AUTH) && str_eq_nocase(p.keyword, STR("AUTH"))) {
			once(c, &seen, HAS_AUTH);
			check_auth(c, p.value);
		} else if ((offered & OFFER_REQUIRETLS) &&
			   str_eq_nocase(p.keyword, STR("REQUIRETLS"))) {
			once(c, &seen, HAS_TLS);
			take_flag(c, &p, &ret->requiretls);
		} else if ((offered & OFFER_HOLD) && str_eq_nocase(p.keyword, STR("HOLDFOR"))) {
			once(c, &seen, HAS_HOLD);
			take_hold_for(c, p.value, &ret->hold_for_s);
		} else if ((offered & OFFER_HOLD) && str_eq_nocase(p.keyword, STR("HOLDUNTIL"))) {
			once(c, &seen, HAS_HOLD);
			take_hold_until(c, p.value, &ret->hold_until_s);
		} else {
			cursor_fail(c, ERR_PARAM, "a parameter that EHLO lists");
		}
	}
}

/* -- RCPT ------------------------------------------------------------------------------------ */

/* RFC 3461 §4.1: NEVER alone, or the others in any order. */
static void
take_notify(struct cursor *c, struct str value, unsigned *ret)
{
	static const struct {
		struct str word;
		unsigned bit;
	} words[] = {{{"SUCCESS", 7}, QUEUE_NOTIFY_SUCCESS}, {{"FAILURE", 7}, QUEUE_NOTIFY_FAILURE},
	    {{"DELAY", 5}, QUEUE_NOTIFY_DELAY}, {{"NEVER", 5}, QUEUE_NOTIFY_NEVER}};
	struct str word;

	if (value.n == 0 || value.p[value.n - 1] == ',')
		cursor_fail(c, ERR_SYNTAX, "NEVER, or SUCCESS, FAILURE and DELAY");
	while (str_split(&value, ',', &word)) {
		unsigned bit = 0;
		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			if (str_eq_nocase(word, words[i].word))
				bit = words[i].bit;
		if (!bit || (*ret & bit))
			cursor_fail(c, ERR_SYNTAX, "NEVER, or SUCCESS, FAILURE and DELAY");
		*ret |= bit;
	}
	if ((*ret & QUEUE_NOTIFY_NEVER) && *ret != QUEUE_NOTIFY_NEVER)
		cursor_fail(c, ERR_SYNTAX, "NEVER alone");
}

static bool
is_utf8_type(struct str type)
{
	return str_eq_nocase(type, STR("utf-8"));
}

/* RFC 3461 §4.2: addr-type ";" xtext; RFC 6533 §3 for the type utf-8, whose address is kept decoded
 * as well. */
static void
take_orcpt(struct cursor *c, struct str value, struct arena *arena, struct str *ret)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(SMTP_ORCPT_MAX);
	size_t end = str_find(value, ';');
	struct str type = str_sub(value, 0, end == STR_NONE ? 0 : end);
	struct str address = str_skip(value, type.n + 1);

	for (size_t i = 0; i < type.n; i++)
		if (!smtp_is_keyword((unsigned char)type.p[i]))
			cursor_fail(c, ERR_SYNTAX, "a type of address");
	sbuf_put(&text, type);
	sbuf_putc(&text, ';');
	enum err e = !type.n || !address.n ? ERR_SYNTAX
		     : is_utf8_type(type)  ? unitext_decode(address, &text)
					   : xtext_decode(address, &text);
	if (e) {
		cursor_fail(c, ERR_SYNTAX, "type;address");
		return;
	}
	*ret = arena_dup(arena, sbuf_view(&text));
	if (!ret->p)
		cursor_fail(c, ERR_NOMEM, "memory");
}

void
smtp_parse_rcpt_params(
    struct cursor *c, unsigned offered, struct arena *arena, struct smtp_rcpt_params *ret)
{
	enum { HAS_NOTIFY = 1, HAS_ORCPT = 2 };
	unsigned seen = 0;
	struct param p;

	*ret = (struct smtp_rcpt_params){.orcpt = STR("")};
	while (next_param(c, &p)) {
		if ((offered & OFFER_DSN) && str_eq_nocase(p.keyword, STR("NOTIFY"))) {
			once(c, &seen, HAS_NOTIFY);
			take_notify(c, p.value, &ret->notify);
		} else if ((offered & OFFER_DSN) && str_eq_nocase(p.keyword, STR("ORCPT"))) {
			once(c, &seen, HAS_ORCPT);
			take_orcpt(c, p.value, arena, &ret->orcpt);
		} else {
			cursor_fail(c, ERR_PARAM, "a parameter that EHLO lists");
		}
	}
}
