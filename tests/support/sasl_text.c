#include "tests/support/sasl_text.h"

#include "common/mail/codec.h"
#include "tests/support/test.h"

#include <stdio.h>

#define TEXT_MAX 16384

static const char *
encode(struct str said, char *text)
{
	CLEANUP(sbuf_done) struct sbuf coded = SBUF_INIT(TEXT_MAX - 1);

	base64_encode(said, &coded);
	ck_assert_ok(sbuf_error(&coded));
	snprintf(text, TEXT_MAX, "%s", sbuf_cstr(&coded));
	return text;
}

const char *
sasl_text_plain(const char *authzid, const char *authcid)
{
	static char text[TEXT_MAX];
	CLEANUP(sbuf_done) struct sbuf said = SBUF_INIT(TEXT_MAX);

	sbuf_puts(&said, authzid);
	sbuf_putc(&said, '\0');
	sbuf_puts(&said, authcid);
	sbuf_putc(&said, '\0');
	sbuf_puts(&said, "wrong");
	ck_assert_ok(sbuf_error(&said));
	return encode(sbuf_view(&said), text);
}

const char *
sasl_text_name(const char *name)
{
	static char text[TEXT_MAX];

	return encode(str_of(name), text);
}
