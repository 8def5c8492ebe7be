#include "smtpd/incoming.h"

#include "smtpd/header_filter.h"

#include <openssl/evp.h>

struct incoming {
	struct data_reader reader;
	struct header_filter filter;
	struct spool *spool; /* NULL once the message is known to be refused */
	EVP_MD_CTX *md; /* NULL: no digest wanted */
	unsigned char digest[INCOMING_DIGEST_BYTES];
	uint64_t size;
	uint64_t size_limit;
	uint32_t max_received;
	bool refuse_bare_newline;
	enum err err; /* the first failure */
};

static void
fail(struct incoming *in, enum err e)
{
	if (in->err)
		return;
	in->err = e;
	spool_free(&in->spool); /* the disk is not held while the rest is read */
}

static void
spool_sink(void *arg, const char *p, size_t n)
{
	struct incoming *in = arg;

	if (in->err)
		return;
	enum err e = spool_write(in->spool, p, n);
	if (e)
		fail(in, smtp_store_error(e));
}

/* What data_reader hands on: the message as the client means it. */
static void
message_sink(void *arg, const char *p, size_t n)
{
	struct incoming *in = arg;

	if (in->size > in->size_limit) /* said once, and no overflow by an endless message */
		return;
	in->size += n;
	if (in->size > in->size_limit) {
		fail(in, ERR_TOO_BIG);
		return;
	}
	if (in->err)
		return;
	if (in->md && EVP_DigestUpdate(in->md, p, n) != 1) {
		fail(in, ERR_NOMEM);
		return;
	}
	header_filter_feed(&in->filter, p, n, spool_sink, in);
}

enum err
incoming_begin(struct store *store, const struct incoming_options *o, struct incoming **ret)
{
	CLEANUP(incoming_free) struct incoming *in = calloc(1, sizeof(*in));

	if (!in)
		return ERR_NOMEM;
	enum err e = o->brief ? spool_new_brief(store, &in->spool) : spool_new(store, &in->spool);
	if (!e)
		e = spool_write(in->spool, o->front.p, o->front.n);
	if (e)
		return smtp_store_error(e);
	if (o->digest) {
		in->md = EVP_MD_CTX_new();
		if (!in->md || EVP_DigestInit_ex(in->md, EVP_sha256(), NULL) != 1)
			return ERR_NOMEM;
	}
	data_reader_init(&in->reader, o->form);
	header_filter_init(&in->filter, o->hostname);
	in->filter.date_line = o->date_line;
	in->filter.message_id_line = o->message_id_line;
	in->size_limit = o->size_limit;
	in->max_received = o->max_received;
	in->refuse_bare_newline = o->refuse_bare_newline;
	*ret = MOVE_PTR(in);
	return ERR_OK;
}

void
incoming_free(struct incoming **in)
{
	if (!*in)
		return;
	spool_free(&(*in)->spool);
	EVP_MD_CTX_free((*in)->md);
	free(*in);
	*in = NULL;
}

size_t
incoming_feed(struct incoming *in, struct str piece)
{
	return data_reader_feed(&in->reader, piece, message_sink, in);
}

bool
incoming_ended(const struct incoming *in)
{
	return in->reader.ended;
}

uint64_t
incoming_size(const struct incoming *in)
{
	return in->size;
}

enum err
incoming_error(const struct incoming *in)
{
	return in->err;
}

bool
incoming_has_digest(const struct incoming *in)
{
	return in->md != NULL;
}

enum err
incoming_finish(struct incoming *in, struct spool **ret_spool, struct smtp_reply *ret_reply)
{
	data_reader_finish(&in->reader, message_sink, in);
	if (!in->err)
		header_filter_finish(&in->filter, spool_sink, in);
	if (!in->err && in->md && EVP_DigestFinal_ex(in->md, in->digest, NULL) != 1)
		fail(in, ERR_NOMEM);
	if (in->reader.bare && in->refuse_bare_newline) {
		fail(in, ERR_SYNTAX);
		*ret_reply = (struct smtp_reply){
		    554, "5.6.11", "A bare CR or LF in the message: lines must end in CRLF"};
		return ERR_SYNTAX;
	}
	if (in->filter.received > in->max_received)
		fail(in, ERR_LOOP);
	*ret_reply = smtp_reply_for(in->err);
	*ret_spool = in->spool;
	return in->err;
}

bool
incoming_tls_optional(const struct incoming *in)
{
	return header_filter_tls_optional(&in->filter);
}

const unsigned char *
incoming_digest(const struct incoming *in)
{
	return in->digest;
}
