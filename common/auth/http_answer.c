/* What a server answers to a request of HTTP/1.0. */
#include "common/auth/http_fetch.h"

/* The value of field `name`, or .p NULL. */
static struct str
field_of(struct str fields, const char *name)
{
	struct str line;

	while (str_split(&fields, '\n', &line)) {
		size_t colon = str_find(line, ':');
		if (colon != STR_NONE && str_eq_nocase(str_sub(line, 0, colon), str_of(name)))
			return str_trim(str_skip(line, colon + 1));
	}
	return (struct str){NULL, 0};
}

static bool
is_of_kind(struct str fields, const char *wanted)
{
	struct str type = field_of(fields, "Content-Type");
	size_t end = str_find(type, ';');

	return str_eq_nocase(str_trim(str_sub(type, 0, end)), str_of(wanted));
}

/* "HTTP/1.x 200 …", fields, an empty line, the body. */
enum err
http_answer_body(const struct http_request *r, struct str answer, struct sbuf *ret_body,
    enum http_failure *failure)
{
	struct str version = STR("HTTP/1."), code = str_sub(answer, 8, 5);
	const char *end = memmem(answer.p, answer.n, "\r\n\r\n", 4);
	uint64_t length;

	if (!str_starts(answer, version) || !end || code.n < 5 ||
	    (r->form.p && r->form_type ? !str_starts(code, STR(" 2"))
				       : !str_eq(code, STR(" 200 "))))
		return ERR_IO;
	struct str fields = str_make(answer.p, (size_t)(end - answer.p));
	struct str body = str_skip(answer, (size_t)(end + 4 - answer.p));
	if (field_of(fields, "Transfer-Encoding").p)
		return ERR_IO; /* not to a request of HTTP/1.0: RFC 9112 §6.1 */
	struct str told = field_of(fields, "Content-Length");
	if (told.p && (!str_to_u64(told, &length) || body.n < length))
		return ERR_IO; /* cut short: RFC 9112 §8 */
	*failure = HTTP_WRONG_KIND;
	if (r->accept && !is_of_kind(fields, r->accept))
		return ERR_IO;
	if (r->max && body.n > r->max)
		return ERR_TOO_BIG;
	sbuf_put(ret_body, body);
	return sbuf_error(ret_body) ? ERR_TOO_BIG : ERR_OK;
}
