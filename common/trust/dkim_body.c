/* The body's canonical forms (RFC 6376 §3.4.3, §3.4.4) and their hash, as a state machine over
 * pieces cut anywhere. */
#include "common/trust/dkim_private.h"

#define OUT_OCTETS 4096

struct dkim_body {
	EVP_MD_CTX *md;
	enum dkim_canon canon;
	uint64_t limit; /* octets still to be hashed */
	uint64_t size;
	uint64_t line_ends; /* held: dropped when nothing follows but more of them */
	bool blank; /* relaxed: held, since it may end its line */
	bool after_cr;
	bool failed;
	size_t out_n;
	char out[OUT_OCTETS];
};

struct dkim_body *
dkim_body_new_limited(enum dkim_canon c, uint64_t limit)
{
	struct dkim_body *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->md = EVP_MD_CTX_new();
	if (!b->md || EVP_DigestInit_ex(b->md, EVP_sha256(), NULL) != 1) {
		dkim_body_free(&b);
		return NULL;
	}
	b->canon = c;
	b->limit = limit;
	return b;
}

struct dkim_body *
dkim_body_new(enum dkim_canon c)
{
	return dkim_body_new_limited(c, DKIM_BODY_WHOLE);
}

static void
flush(struct dkim_body *b)
{
	size_t n = b->out_n < b->limit ? b->out_n : (size_t)b->limit;

	if (n && EVP_DigestUpdate(b->md, b->out, n) != 1)
		b->failed = true;
	if (b->limit != DKIM_BODY_WHOLE)
		b->limit -= n;
	b->size += b->out_n;
	b->out_n = 0;
}

static void
put(struct dkim_body *b, char c)
{
	if (b->out_n == OUT_OCTETS)
		flush(b);
	b->out[b->out_n++] = c;
}

/* Something of the body follows what is held. */
static void
release(struct dkim_body *b)
{
	for (; b->line_ends; b->line_ends--) {
		put(b, '\r');
		put(b, '\n');
	}
	if (b->blank)
		put(b, ' ');
	b->blank = false;
}

static void
end_line(struct dkim_body *b)
{
	b->line_ends++;
	b->blank = false;
	b->after_cr = false;
}

void
dkim_body_feed(struct dkim_body *b, struct str octets)
{
	bool relaxed = b->canon == DKIM_RELAXED;

	for (size_t i = 0; i < octets.n; i++) {
		char c = octets.p[i];
		if (b->after_cr) { /* a CR alone ends a line as well (§5.3) */
			end_line(b);
			if (c == '\n')
				continue;
		}
		if (c == '\r') {
			b->after_cr = true;
		} else if (c == '\n') {
			end_line(b);
		} else if (relaxed && (c == ' ' || c == '\t')) {
			b->blank = true;
		} else {
			if (b->line_ends || b->blank)
				release(b);
			put(b, c);
		}
	}
}

enum err
dkim_body_end(struct dkim_body *b, unsigned char ret[DKIM_HASH])
{
	unsigned n = 0;

	/* A body ends with one CRLF; an empty one is CRLF in the simple form, nothing in the
	 * relaxed one. */
	if (b->size + b->out_n > 0 || b->canon == DKIM_SIMPLE) {
		put(b, '\r');
		put(b, '\n');
	}
	flush(b);
	return b->failed || EVP_DigestFinal_ex(b->md, ret, &n) != 1 ? ERR_NOMEM : ERR_OK;
}

uint64_t
dkim_body_size(const struct dkim_body *b)
{
	return b->size;
}

void
dkim_body_free(struct dkim_body **b)
{
	if (!*b)
		return;
	EVP_MD_CTX_free((*b)->md);
	free(*b);
	*b = NULL;
}
