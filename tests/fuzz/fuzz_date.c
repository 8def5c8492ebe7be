#include "common/mail/date.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size);
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(1000);
	struct date d;
	struct date again;
	int32_t days;

	if (date_parse_rfc5322(in, &d)) {
		date_format_rfc5322(d, &text);
		FUZZ_CHECK(date_parse_rfc5322(sbuf_view(&text), &again));
		FUZZ_CHECK(again.utc_s == d.utc_s && again.zone_s == d.zone_s);
		sbuf_clear(&text);
		date_format_imap(d, &text);
		FUZZ_CHECK(date_parse_imap(sbuf_view(&text), &again));
		FUZZ_CHECK(again.utc_s == d.utc_s && again.zone_s == d.zone_s);
	}
	if (date_parse_imap(in, &d)) {
		FUZZ_CHECK(date_parse_imap_day(str_trim(str_sub(in, 0, 11)), &days));
		FUZZ_CHECK(days == date_day(d));
	}
	(void)!date_parse_imap_day(in, &days);
	return 0;
}
