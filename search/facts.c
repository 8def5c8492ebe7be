#include "search/facts.h"

#include "common/mail/address.h"
#include "common/mail/base_subject.h"
#include "common/mail/charset.h"
#include "common/mail/date.h"
#include "common/mail/header.h"
#include "common/mail/message_id.h"
#include "common/mail/message_index.h"
#include "search/field_text.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#define ADDRESS_ARENA (64 * 1024 * 1024) /* above what a header can need */

struct facts_maker {
	struct arena *arena;
	EVP_MD *sha256;
	EVP_MD_CTX *hash;
	struct field_text field;
	struct sbuf utf8;
	struct sbuf work;
	struct sbuf texts[FACT__TEXTS];
	struct fact_id ring[FACT_REFERENCES_MAX]; /* the last ones seen, in turn */
	struct fact_id references[FACT_REFERENCES_MAX];
	size_t reference_count; /* all that were seen */
	bool has_date, has_subject, has_references;
	bool has_from, has_to, has_cc; /* an address of it */
	struct fact_id in_reply_to;
	bool has_in_reply_to, has_id;
	bool no_memory;
};

struct facts_maker *
facts_maker_new(void)
{
	CLEANUP(facts_maker_free) struct facts_maker *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->arena = arena_new(ADDRESS_ARENA);
	m->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	m->hash = EVP_MD_CTX_new();
	field_text_init(&m->field);
	sbuf_init(&m->utf8, SIZE_MAX / 2);
	sbuf_init(&m->work, SIZE_MAX / 2);
	for (size_t i = 0; i < FACT__TEXTS; i++)
		sbuf_init(&m->texts[i], SIZE_MAX / 2);
	if (!m->arena || !m->sha256 || !m->hash)
		return NULL;
	return MOVE_PTR(m);
}

void
facts_maker_free(struct facts_maker **mp)
{
	struct facts_maker *m = *mp;

	if (!m)
		return;
	arena_free(&m->arena);
	EVP_MD_free(m->sha256);
	EVP_MD_CTX_free(m->hash);
	field_text_done(&m->field);
	sbuf_done(&m->utf8);
	sbuf_done(&m->work);
	for (size_t i = 0; i < FACT__TEXTS; i++)
		sbuf_done(&m->texts[i]);
	free(m);
	*mp = NULL;
}

/* Zero without memory: the message then has no such id. */
static struct fact_id
id_of(struct facts_maker *m, struct str text)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	struct fact_id id = {0, 0};

	if (EVP_DigestInit_ex2(m->hash, m->sha256, NULL) == 1 &&
	    EVP_DigestUpdate(m->hash, text.p, text.n) == 1 &&
	    EVP_DigestFinal_ex(m->hash, digest, NULL) == 1)
		memcpy(&id, digest, sizeof(id));
	return id;
}

/* -- texts ---------------------------------------------------------------------------------- */

/* As the search looks at a field's value. */
static void
add_searched(struct facts_maker *m, enum fact_text text, const struct header_field *f)
{
	struct sbuf *out = &m->texts[text];

	if (out->n > FACT_TEXT_MAX)
		return;
	if (field_text_make(&m->field, f))
		m->no_memory = true;
	sbuf_put(out, field_text_value(&m->field));
	sbuf_putc(out, FACT_VALUE_END);
}

static void
cut_key(struct sbuf *key)
{
	if (key->n > FACT_KEY_MAX)
		sbuf_cut(key, FACT_KEY_MAX);
}

/* The key of `utf8`, as far as it counts. */
static void
set_key(struct facts_maker *m, enum fact_text text, struct str utf8)
{
	struct sbuf *out = &m->texts[text];

	sbuf_clear(out);
	text_casemap(utf8, out);
	cut_key(out);
}

static void
set_base_subject(struct facts_maker *m, struct str value, struct facts *ret)
{
	struct sbuf *key = &m->texts[FACT_BASE_SUBJECT];

	sbuf_clear(&m->utf8);
	sbuf_clear(&m->work);
	sbuf_clear(key);
	words_decode(value, &m->utf8);
	if (base_subject(sbuf_view(&m->utf8), &m->work))
		ret->flags |= FACT_IS_REPLY;
	text_casemap(sbuf_view(&m->work), key);
	if (key->n > 0) /* threads are of the whole subject */
		ret->subject = id_of(m, sbuf_view(key));
	cut_key(key);
}

/* RFC 5957 §3; an addr-host that is not there is empty in our ENVELOPE, not NIL, but in a group. */
static void
set_name(struct facts_maker *m, enum fact_text text, const struct address *a)
{
	sbuf_clear(&m->utf8);
	if (a->name.p)
		words_decode(a->name, &m->utf8);
	if (m->utf8.n == 0 && a->mailbox.p) {
		charset_to_utf8(STR(""), a->mailbox, &m->utf8);
		if (a->host.p) {
			sbuf_putc(&m->utf8, '@');
			charset_to_utf8(STR(""), a->host, &m->utf8);
		}
	}
	set_key(m, text, sbuf_view(&m->utf8));
}

/* Of the first address, as ENVELOPE has it. False if this field has none. */
static bool
set_address(struct facts_maker *m, struct str value, enum fact_text mailbox, enum fact_text name)
{
	arena_reset(m->arena);
	const struct address *a = address_parse_list(value, m->arena);
	if (!a)
		return false;
	sbuf_clear(&m->utf8);
	if (a->mailbox.p)
		charset_to_utf8(STR(""), a->mailbox, &m->utf8);
	set_key(m, mailbox, sbuf_view(&m->utf8));
	if (name != FACT__TEXTS)
		set_name(m, name, a);
	return true;
}

/* -- fields --------------------------------------------------------------------------------- */

static void
take_date(struct facts_maker *m, struct str value, struct facts *ret)
{
	struct date d;

	m->has_date = true;
	if (date_parse_rfc5322(value, &d)) {
		ret->sent_day = date_day(d);
		ret->flags |= FACT_HAS_SENT;
	}
	if (date_parse_sent(value, &d))
		ret->sent_s = d.utc_s;
}

/* The first valid Message ID of the field. */
static struct fact_id
first_id(struct facts_maker *m, struct str value)
{
	return message_id_next(&value, &m->work) ? id_of(m, sbuf_view(&m->work))
						 : (struct fact_id){0, 0};
}

static void
take_references(struct facts_maker *m, struct str value)
{
	m->has_references = true;
	while (message_id_next(&value, &m->work)) {
		m->ring[m->reference_count % FACT_REFERENCES_MAX] = id_of(m, sbuf_view(&m->work));
		m->reference_count++;
	}
}

static void
take_searched(struct facts_maker *m, const struct header_field *f)
{
	static const char *const names[FACT__SEARCHED] = {
	    [FACT_SUBJECT] = "Subject",
	    [FACT_FROM] = "From",
	    [FACT_TO] = "To",
	    [FACT_CC] = "Cc",
	    [FACT_BCC] = "Bcc",
	};

	for (size_t i = 0; i < FACT__SEARCHED; i++)
		if (str_eq_nocase(f->name, str_of(names[i])))
			add_searched(m, (enum fact_text)i, f);
}

static void
take_sorted(struct facts_maker *m, const struct header_field *f)
{
	if (!m->has_from && str_eq_nocase(f->name, STR("From")))
		m->has_from = set_address(m, f->value, FACT_FROM_MAILBOX, FACT_FROM_NAME);
	else if (!m->has_to && str_eq_nocase(f->name, STR("To")))
		m->has_to = set_address(m, f->value, FACT_TO_MAILBOX, FACT_TO_NAME);
	else if (!m->has_cc && str_eq_nocase(f->name, STR("Cc")))
		m->has_cc = set_address(m, f->value, FACT_CC_MAILBOX, FACT__TEXTS);
}

static void
take_threaded(struct facts_maker *m, const struct header_field *f, struct facts *ret)
{
	if (!m->has_id && str_eq_nocase(f->name, STR("Message-ID"))) {
		m->has_id = true;
		ret->id = first_id(m, f->value);
	} else if (!m->has_references && str_eq_nocase(f->name, STR("References"))) {
		take_references(m, f->value);
	} else if (!m->has_in_reply_to && str_eq_nocase(f->name, STR("In-Reply-To"))) {
		m->has_in_reply_to = true;
		m->in_reply_to = first_id(m, f->value);
	}
}

static void
take_field(struct facts_maker *m, const struct header_field *f, unsigned want, struct facts *ret)
{
	if ((want & FACTS_SENT) && !m->has_date && str_eq_nocase(f->name, STR("Date")))
		take_date(m, f->value, ret);
	if ((want & FACTS_SUBJECT) && !m->has_subject && str_eq_nocase(f->name, STR("Subject"))) {
		m->has_subject = true;
		set_base_subject(m, f->value, ret);
	}
	if (want & FACTS_SEARCH)
		take_searched(m, f);
	if (want & FACTS_ADDRESSES)
		take_sorted(m, f);
	if (want & FACTS_THREAD)
		take_threaded(m, f, ret);
}

/* -- a message ------------------------------------------------------------------------------ */

static void
clear(struct facts_maker *m)
{
	for (size_t i = 0; i < FACT__TEXTS; i++)
		sbuf_clear(&m->texts[i]);
	m->reference_count = 0;
	m->has_date = m->has_subject = m->has_references = false;
	m->has_from = m->has_to = m->has_cc = false;
	m->has_in_reply_to = m->has_id = false;
	m->no_memory = false;
	m->in_reply_to = (struct fact_id){0, 0};
}

/* RFC 5256 §3: In-Reply-To counts where References has no valid Message ID. */
static void
end_references(struct facts_maker *m, struct facts *ret)
{
	size_t n =
	    m->reference_count < FACT_REFERENCES_MAX ? m->reference_count : FACT_REFERENCES_MAX;

	for (size_t i = 0; i < n; i++)
		m->references[i] = m->ring[(m->reference_count - n + i) % FACT_REFERENCES_MAX];
	if (n == 0 && fact_id_is(&m->in_reply_to))
		m->references[n++] = m->in_reply_to;
	ret->references = m->references;
	ret->reference_count = (uint32_t)n;
}

static enum err
end_texts(struct facts_maker *m, struct facts *ret)
{
	for (size_t i = 0; i < FACT__TEXTS; i++) {
		if (i < FACT__SEARCHED && m->texts[i].n > FACT_TEXT_MAX) {
			ret->flags |= FACT_IS_TOO_LONG(i);
			sbuf_clear(&m->texts[i]);
		}
		ret->texts[i] = sbuf_view(&m->texts[i]);
		if (sbuf_error(&m->texts[i]))
			return ERR_NOMEM;
	}
	return m->no_memory || sbuf_error(&m->utf8) || sbuf_error(&m->work) ||
		       arena_failed(m->arena)
		   ? ERR_NOMEM
		   : ERR_OK;
}

enum err
facts_make(struct facts_maker *m, const struct facts_basics *basics, struct str header,
    unsigned want, struct facts *ret)
{
	struct str rest = str_sub(header, 0, MIME_MAX_HEADER);
	struct header_field f;

	*ret = (struct facts){
	    .sent_s = basics->internal_s,
	    .internal_s = basics->internal_s,
	    .size = basics->size,
	};
	clear(m);
	while (header_next(&rest, &f))
		take_field(m, &f, want, ret);
	end_references(m, ret);
	return end_texts(m, ret);
}
