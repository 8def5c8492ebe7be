#include "smtpd/outbound/offers.h"

static void
parse_auth(struct str values, struct offers *o)
{
	static const struct {
		struct str name;
		enum offer_auth bit;
	} known[] = {
	    {{"PLAIN", 5}, OFFER_PLAIN},
	    {{"LOGIN", 5}, OFFER_LOGIN},
	    {{"SCRAM-SHA-256", 13}, OFFER_SCRAM_SHA_256},
	    {{"SCRAM-SHA-256-PLUS", 18}, OFFER_SCRAM_SHA_256_PLUS},
	};
	struct str one;

	while (str_split(&values, ' ', &one))
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (str_eq_nocase(one, known[i].name))
				o->auth |= known[i].bit;
}

static void
parse_limits(struct str values, struct offers *o)
{
	struct str one;

	while (str_split(&values, ' ', &one)) {
		if (str_starts_nocase(one, STR("RCPTMAX=")))
			str_to_u32(str_skip(one, 8), &o->rcpt_max);
		else if (str_starts_nocase(one, STR("MAILMAX=")))
			str_to_u32(str_skip(one, 8), &o->mail_max);
	}
}

static void
parse_line(struct str line, struct offers *o)
{
	static const struct {
		struct str name;
		size_t at;
	} flags[] = {
	    {{"PIPELINING", 10}, offsetof(struct offers, pipelining)},
	    {{"8BITMIME", 8}, offsetof(struct offers, eightbit)},
	    {{"CHUNKING", 8}, offsetof(struct offers, chunking)},
	    {{"BINARYMIME", 10}, offsetof(struct offers, binary)},
	    {{"SMTPUTF8", 8}, offsetof(struct offers, smtputf8)},
	    {{"DSN", 3}, offsetof(struct offers, dsn)},
	    {{"STARTTLS", 8}, offsetof(struct offers, starttls)},
	    {{"REQUIRETLS", 10}, offsetof(struct offers, requiretls)},
	};
	size_t end = 0;

	while (end < line.n && line.p[end] != ' ' && line.p[end] != '=' && line.p[end] != '\t')
		end++;
	struct str word = str_sub(line, 0, end);
	struct str values = str_trim(str_skip(line, end + 1));
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (str_eq_nocase(word, flags[i].name))
			*(bool *)((char *)o + flags[i].at) = true;
	if (str_eq_nocase(word, STR("SIZE"))) {
		o->size = true;
		str_to_u64(values, &o->size_max);
	} else if (str_eq_nocase(word, STR("AUTH"))) { /* "AUTH=LOGIN" is an old way */
		parse_auth(values, o);
	} else if (str_eq_nocase(word, STR("LIMITS"))) {
		parse_limits(values, o);
	}
}

void
offers_parse(struct str lines, struct offers *ret)
{
	struct str line;

	*ret = (struct offers){0};
	if (!str_split(&lines, '\n', &line))
		return;
	while (str_split(&lines, '\n', &line))
		parse_line(str_trim(line), ret);
}
