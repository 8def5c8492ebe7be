#include "smtpd/forward.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/mail/header.h"
#include "common/trust/fields.h"
#include "common/trust/srs.h"
#include "smtpd/outbound/srs_sender.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define SECRET_OCTETS SRS_SECRET_OCTETS
#define MARK_OCTETS 12 /* that tell a forward from others: 96 bits */
#define MARK_DIGITS (2 * MARK_OCTETS)
#define MARK_FIELD "X-Forward-Mark"
#define ADDRESS_MAX 1024
#define MARKS_MAX 100 /* of a transaction: addresses of ours that forward */

/* -- secrets --------------------------------------------------------------------------------- */

static enum err
derive_secret(struct smtp_session *s, const char *use, unsigned char ret[SECRET_OCTETS])
{
	return srs_sender_secret(s->svc->store, use, s->txn->arena, ret);
}

static enum err
make_mark(const unsigned char *secret, struct str address, char ret[MARK_DIGITS + 1])
{
	unsigned char mac[SECRET_OCTETS];
	unsigned n = sizeof(mac);

	if (!HMAC(EVP_sha256(), secret, SECRET_OCTETS, (const unsigned char *)address.p, address.n,
		mac, &n))
		return ERR_NOMEM;
	for (int i = 0; i < MARK_OCTETS; i++)
		snprintf(ret + 2 * i, 3, "%02x", mac[i]);
	return ERR_OK;
}

/* -- forwards of a transaction --------------------------------------------------------------- */

static bool
has_forward(const struct smtp_txn *t, const struct recipient *r)
{
	for (size_t i = 0; i < t->forward_count; i++)
		if (str_eq(t->forwards[i].address, r->elsewhere))
			return true;
	return false;
}

/* Whether an earlier one has the same address of ours: it has the same mark. */
static bool
has_mark(const struct smtp_txn *t, struct str by, size_t before)
{
	for (size_t i = 0; i < before; i++)
		if (str_eq(t->forwards[i].by, by))
			return true;
	return false;
}

enum err
forward_add(struct smtp_session *s, const struct recipient *found, size_t n, struct smtp_rcpt *to)
{
	struct smtp_txn *t = s->txn;

	for (size_t i = 0; i < n; i++) {
		if (found[i].account)
			continue;
		to->forwarded = true;
		if (has_forward(t, &found[i])) {
			to->shares_forward = true;
			continue;
		}
		if (!has_mark(t, found[i].by, t->forward_count) && t->mark_count++ == MARKS_MAX)
			return ERR_LIMIT;
		struct smtp_forward *forwards = arena_grow(t->arena, t->forwards, &t->forward_cap,
		    t->forward_count + 1, sizeof(*t->forwards));
		const struct smtp_forward f = {
		    .address = arena_dup(t->arena, found[i].elsewhere),
		    .by = arena_dup(t->arena, found[i].by),
		    .rcpt = t->rcpt_count,
		};
		if (!forwards || !f.address.p || !f.by.p)
			return ERR_NOMEM;
		t->forwards = forwards;
		t->forwards[t->forward_count++] = f;
		t->elsewhere_count++;
	}
	return ERR_OK;
}

enum err
forward_write_mark(struct smtp_session *s, struct sbuf *out)
{
	const struct smtp_txn *t = s->txn;
	unsigned char secret[SECRET_OCTETS];
	char mark[MARK_DIGITS + 1];

	if (t->forward_count == 0)
		return ERR_OK;
	enum err e = derive_secret(s, "forward", secret);
	sbuf_puts(out, MARK_FIELD ":");
	for (size_t i = 0; i < t->forward_count && !e; i++) {
		if (has_mark(t, t->forwards[i].by, i))
			continue;
		e = make_mark(secret, t->forwards[i].by, mark);
		sbuf_printf(out, "%s %s", i ? "\r\n" : "", mark);
	}
	sbuf_puts(out, "\r\n");
	OPENSSL_cleanse(secret, sizeof(secret));
	return e ? e : sbuf_error(out);
}

/* -- loops ----------------------------------------------------------------------------------- */

/* How often the mark stands in fields of the header. */
static size_t
count_mark(struct str header, const char *mark)
{
	struct header_field field;
	size_t n = 0;

	while (header_next(&header, &field)) {
		if (!str_eq_nocase(field.name, STR(MARK_FIELD)))
			continue;
		size_t at = str_find_nocase(field.value, str_make(mark, MARK_DIGITS));
		n += at != STR_NONE;
	}
	return n;
}

static enum err
read_header(struct spool *spool, struct str *ret)
{
	const struct message_index *index;
	enum err e = spool_finish(spool, &index);

	if (e)
		return e;
	size_t n =
	    index->header_size < TRUST_HEADER_MAX ? (size_t)index->header_size : TRUST_HEADER_MAX;
	char *text = malloc(n + 1);
	if (!text)
		return ERR_NOMEM;
	e = spool_read_back(spool, 0, text, n);
	*ret = str_make(text, n);
	return e;
}

/* A forward that was cut leaves its recipient with what else there is: accounts that keep the mail,
 * other forwards. */
static bool
gets_something(const struct smtp_txn *t, size_t rcpt)
{
	const struct smtp_rcpt *r = &t->rcpts[rcpt];

	if (r->account_count || r->elsewhere || r->shares_forward)
		return true;
	for (size_t i = 0; i < t->forward_count; i++)
		if (t->forwards[i].rcpt == rcpt)
			return true;
	return false;
}

enum err
forward_cut_loops(struct smtp_session *s, struct spool *spool)
{
	struct smtp_txn *t = s->txn;
	unsigned char secret[SECRET_OCTETS];
	char mark[MARK_DIGITS + 1];
	struct str header = {NULL, 0};
	size_t left = 0;

	if (t->forward_count == 0)
		return ERR_OK;
	enum err e = derive_secret(s, "forward", secret);
	if (!e)
		e = read_header(spool, &header);
	for (size_t i = 0; i < t->forward_count && !e; i++) {
		struct smtp_forward f = t->forwards[i];
		e = make_mark(secret, f.by, mark);
		if (e)
			break;
		if (count_mark(header, mark) < 2) { /* ours, of this very transaction */
			t->forwards[left++] = f;
			continue;
		}
		log_info("loop", F_CSTR("id", t->id), F_STR("by", f.by), F_STR("to", f.address));
	}
	free((char *)header.p);
	OPENSSL_cleanse(secret, sizeof(secret));
	if (e)
		return e;
	t->elsewhere_count -= t->forward_count - left;
	t->forward_count = left;
	for (size_t i = 0; i < t->rcpt_count; i++)
		if (t->rcpts[i].forwarded && !gets_something(t, i))
			return ERR_LOOP;
	return ERR_OK;
}

/* -- senders --------------------------------------------------------------------------------- */

enum err
forward_sender(struct smtp_session *s, struct str *ret)
{
	struct smtp_txn *t = s->txn;
	CLEANUP(sbuf_done) struct sbuf rewritten = SBUF_INIT(ADDRESS_MAX);
	unsigned char secret[SECRET_OCTETS];
	size_t at = str_rfind(t->sender, '@');

	*ret = t->sender;
	if (at == STR_NONE || t->forward_count == 0)
		return ERR_OK;
	enum err e = directory_is_local_domain(s->svc->store, str_skip(t->sender, at + 1));
	if (e != ERR_NOT_FOUND) /* ours: it may come from us */
		return e;
	e = derive_secret(s, "srs", secret);
	if (e)
		return e;
	struct str by = t->forwards[0].by;
	size_t by_at = str_rfind(by, '@');
	struct str domain = by_at == STR_NONE ? str_of(s->conf->hostname) : str_skip(by, by_at + 1);
	e = srs_forward(
	    t->sender, domain, str_make(secret, sizeof(secret)), clock_real_s(), &rewritten);
	OPENSSL_cleanse(secret, sizeof(secret));
	if (e == ERR_LIMIT || e == ERR_SYNTAX) { /* it can't be: it goes on as it is */
		log_info("srs", F_CSTR("id", t->id), F_STR("from", t->sender), F_ERR(e));
		return ERR_OK;
	}
	if (e)
		return e;
	*ret = arena_dup(t->arena, sbuf_view(&rewritten));
	return ret->p ? ERR_OK : ERR_NOMEM;
}

enum err
forward_reverse(struct smtp_session *s, struct str address, struct str *ret)
{
	enum err e = srs_sender_behind(s->svc->store, address, s->arena, ret);

	/* Reports only: nobody is to write to a stranger by way of us. */
	return !e && s->txn->sender.n ? ERR_DENIED : e;
}
