#include "smtpd/smtp_params.h"
#include "smtpd/smtp_parse.h"
#include "tests/fuzz/fuzz.h"

/* A path that was accepted is its own spelling: parsed again, it is the same. */
static void
check_path(struct str in, bool forward)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(16 << 20);
	CLEANUP(sbuf_done) struct sbuf again = SBUF_INIT(16 << 20);
	struct smtp_path path, same;
	struct cursor c;

	cursor_init(&c, in);
	if (forward)
		smtp_parse_forward_path(&c, arena, &path);
	else
		smtp_parse_reverse_path(&c, arena, &path);
	if (c.err)
		return;
	FUZZ_CHECK(str_is_utf8(path.address) && path.utf8 == !str_is_ascii(path.address));
	for (size_t i = 0; i < path.address.n; i++)
		FUZZ_CHECK((unsigned char)path.address.p[i] >= ' ' && path.address.p[i] != 0x7f);
	sbuf_printf(&again, "<%.*s>", STR_ARG(path.address));
	cursor_init(&c, sbuf_view(&again));
	if (forward)
		smtp_parse_forward_path(&c, arena, &same);
	else
		smtp_parse_reverse_path(&c, arena, &same);
	FUZZ_CHECK(!smtp_parse_end(&c) && str_eq(path.address, same.address));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size);
	CLEANUP(arena_free) struct arena *arena = arena_new(16384);
	struct smtp_mail_params params;
	struct smtp_rcpt_params rcpt;
	struct cursor c;
	uint64_t n;
	bool last;

	check_path(in, false);
	check_path(in, true);
	cursor_init(&c, in);
	smtp_parse_mail_params(&c, ~0U, arena, &params);
	cursor_init(&c, in);
	smtp_parse_rcpt_params(&c, ~0U, arena, &rcpt);
	cursor_init(&c, in);
	smtp_parse_bdat(&c, &n, &last);
	return 0;
}
