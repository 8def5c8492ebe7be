#include "search/octets.h"

#include "common/mail/message_index.h"

enum err
octets_read(struct reader *r, int64_t message, uint64_t at, char *to, size_t n)
{
	while (n > 0) {
		size_t got = 0;
		enum err e = reader_read(r, message, at, to, n, &got);
		if (e)
			return e;
		if (got == 0)
			return ERR_CORRUPT; /* shorter than its row says */
		at += got;
		to += got;
		n -= got;
	}
	return ERR_OK;
}

enum err
octets_read_header(struct reader *r, int64_t message, uint64_t at, uint64_t size, struct sbuf *out)
{
	size_t n = size < MIME_MAX_HEADER ? (size_t)size : MIME_MAX_HEADER;

	sbuf_done(out);
	sbuf_init(out, MIME_MAX_HEADER);
	char *to = sbuf_reserve(out, n);
	if (!to)
		return ERR_NOMEM;
	enum err e = octets_read(r, message, at, to, n);
	if (!e)
		sbuf_grow(out, n);
	return e;
}
