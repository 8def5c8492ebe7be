/* What a stranger's server answers to our request: an OAuth provider, the host of an MTA-STS
 * policy, who takes reports. The first octet says what was asked. */
#include "common/auth/http_fetch.h"
#include "tests/fuzz/fuzz.h"

#define BODY_MAX 1000

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(sbuf_done) struct sbuf body = SBUF_INIT(HTTP_FETCH_MAX);
	enum http_failure failure = HTTP_FAILED;

	if (size == 0)
		return 0;
	struct str in = str_make(data + 1, size - 1);
	const struct http_request r = {
	    .form = data[0] & 1 ? STR("{}") : (struct str){NULL, 0},
	    .form_type = data[0] & 2 ? "application/tlsrpt+gzip" : NULL,
	    .accept = data[0] & 4 ? "text/plain" : NULL,
	    .max = data[0] & 8 ? BODY_MAX : 0,
	};
	enum err e = http_answer_body(&r, in, &body, &failure);
	FUZZ_CHECK(e == ERR_OK || e == ERR_IO || e == ERR_TOO_BIG);
	if (e)
		return 0;
	/* It is the end of what came, and a success. */
	FUZZ_CHECK(str_starts(in, STR("HTTP/1.")) && in.p[8] == ' ' && in.p[9] == '2');
	FUZZ_CHECK(body.n < in.n && (!r.max || body.n <= r.max));
	FUZZ_CHECK(str_eq(sbuf_view(&body), str_skip(in, in.n - body.n)));
	return 0;
}
