/* smtpd/outbound/tlsrpt_report.h: RFC 8460. */
#include "smtpd/outbound/tlsrpt_report.h"
#include "tests/support/store_fixture.h"

#include <jansson.h>
#include <zlib.h>

static const struct tlsrpt_row rows[] = {
    {.policy = POLICY_STS,
	.policy_text = {"version: STSv1\nmode: enforce\nmx: *.example.net\n", 46},
	.mx_patterns = {"*.example.net", 13},
	.host = {"mx1.example.net", 15},
	.address = {"192.0.2.1", 9},
	.sessions = 5},
    {.policy = POLICY_STS,
	.policy_text = {"version: STSv1\nmode: enforce\nmx: *.example.net\n", 46},
	.failure = {"certificate-expired", 19},
	.host = {"mx2.example.net", 15},
	.address = {"2001:db8::1", 11},
	.sessions = 2},
    {.policy = POLICY_DANE,
	.policy_text = {"3 1 1 00ff", 10},
	.failure = {"validation-failure", 18},
	.host = {"mx3\377", 4},
	.address = {"192.0.2.3", 9},
	.sessions = 1},
};

static struct tlsrpt_report
report(void)
{
	return (struct tlsrpt_report){
	    .organization = STR("example.test"),
	    .contact = STR("postmaster@example.test"),
	    .hostname = STR("mail.example.test"),
	    .domain = STR("example.net"),
	    .id = STR("2026-11-22_example.net"),
	    .day_s = 1795305600,
	    .now_s = 1795392000,
	    .rows = rows,
	    .row_count = ARRAY_LEN(rows),
	};
}

/* RFC 8460 §3 */
START_TEST(a_record_names_where_reports_go)
{
	static const struct {
		const char *record;
		enum err err;
		size_t n;
		const char *first;
	} records[] = {
	    {"v=TLSRPTv1; rua=mailto:tls@example.net", ERR_OK, 1, "mailto:tls@example.net"},
	    {"v=TLSRPTv1;rua=https://r.example.net/v1, mailto:a@b.test;", ERR_OK, 2,
		"https://r.example.net/v1"},
	    {"v=TLSRPTv1; x=y; rua=mailto:a@b.test; rua=mailto:c@d.test", ERR_OK, 1,
		"mailto:a@b.test"},
	    {"v=TLSRPTv1; rua=ftp://x", ERR_SYNTAX, 0, NULL},
	    {"v=TLSRPTv1", ERR_SYNTAX, 0, NULL},
	    {"v=TLSRPTv2; rua=mailto:a@b.test", ERR_SYNTAX, 0, NULL},
	    {"rua=mailto:a@b.test; v=TLSRPTv1", ERR_SYNTAX, 0, NULL},
	    {"", ERR_SYNTAX, 0, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		CLEANUP(arena_free) struct arena *arena = arena_new(8192);
		struct str *uris;
		size_t n;
		enum err e =
		    tlsrpt_parse_record(test_guarded(str_of(records[i].record)), arena, &uris, &n);
		ck_assert_msg(e == records[i].err, "%s: %d", records[i].record, e);
		ck_assert_uint_eq(n, records[i].n);
		if (!e)
			ck_assert_str_is(uris[0], records[i].first);
	}
}
END_TEST

/* RFC 8460 §4.4 */
START_TEST(the_rows_of_a_policy_are_summed_up_and_failures_detailed)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(TLSRPT_JSON_MAX);
	struct tlsrpt_report r = report();

	ck_assert_ok(tlsrpt_json(&r, &out));
	json_t *j = json_loadb(sbuf_view(&out).p, sbuf_view(&out).n, 0, NULL);
	ck_assert_ptr_nonnull(j);
	const char *organization, *start, *end, *type, *domain, *failure, *type2;
	json_int_t good, bad, failed, bad2;
	json_t *policies, *strings;
	ck_assert_int_eq(json_unpack(j, "{s:s, s:{s:s, s:s}, s:o}", "organization-name",
			     &organization, "date-range", "start-datetime", &start, "end-datetime",
			     &end, "policies", &policies),
	    0);
	ck_assert_str_eq(organization, "example.test");
	ck_assert_str_eq(start, "2026-11-22T00:00:00Z");
	ck_assert_str_eq(end, "2026-11-22T23:59:59Z");
	ck_assert_uint_eq(json_array_size(policies), 2);
	ck_assert_int_eq(
	    json_unpack(json_array_get(policies, 0),
		"{s:{s:s, s:s, s:o}, s:{s:I, s:I}, s:[{s:s, s:I}]}", "policy", "policy-type", &type,
		"policy-domain", &domain, "policy-string", &strings, "summary",
		"total-successful-session-count", &good, "total-failure-session-count", &bad,
		"failure-details", "result-type", &failure, "failed-session-count", &failed),
	    0);
	ck_assert_str_eq(type, "sts");
	ck_assert_str_eq(domain, "example.net");
	ck_assert_uint_eq(json_array_size(strings), 3);
	ck_assert_int_eq(good, 5);
	ck_assert_int_eq(bad, 2);
	ck_assert_str_eq(failure, "certificate-expired");
	ck_assert_int_eq(failed, 2);
	ck_assert_int_eq(
	    json_unpack(json_array_get(policies, 1), "{s:{s:s}, s:{s:I}}", "policy", "policy-type",
		&type2, "summary", "total-failure-session-count", &bad2),
	    0);
	ck_assert_str_eq(type2, "tlsa");
	ck_assert_int_eq(bad2, 1);
	json_decref(j);
}
END_TEST

START_TEST(what_is_compressed_is_read_again_by_zlib)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(200000), packed = SBUF_INIT(200000);
	char back[200000];
	z_stream z = {0};

	for (int i = 0; i < 20000; i++)
		sbuf_printf(&in, "%d,", i * 7919);
	ck_assert_ok(tlsrpt_gzip(sbuf_view(&in), &packed));
	ck_assert_int_eq(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)packed.p;
	z.avail_in = (uInt)packed.n;
	z.next_out = (Bytef *)back;
	z.avail_out = sizeof(back);
	ck_assert_int_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
	ck_assert(str_eq(str_make(back, z.total_out), sbuf_view(&in)));
	inflateEnd(&z);
}
END_TEST

/* RFC 8460 §5.3 */
START_TEST(the_mail_says_whose_report_it_is)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct tlsrpt_report r = report();
	struct spool *spool = NULL;
	const struct message_index *index;
	char text[4096] = "";
	static const char *const wanted[] = {
	    "\r\nTLS-Report-Domain: example.net\r\nTLS-Report-Submitter: example.test\r\n",
	    "Content-Type: multipart/report; report-type=\"tlsrpt\";",
	    "Content-Type: application/tlsrpt+gzip\r\n",
	    "filename=\"example.test!example.net!1795305600!1795391999.json.gz\"",
	    "\r\n\r\neHg=\r\n\r\n--=_tls-report--\r\n",
	};

	ck_assert_ok(spool_new(f->store, &spool));
	ck_assert_ok(tlsrpt_mail(&r, STR("tls@example.net"), STR("xx"), spool));
	ck_assert_ok(spool_finish(spool, &index));
	ck_assert_uint_lt(spool_size(spool), sizeof(text));
	ck_assert_ok(spool_read_back(spool, 0, text, (size_t)spool_size(spool)));
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		ck_assert_msg(strstr(text, wanted[i]) != NULL, "no %s in %s", wanted[i], text);
	spool_free(&spool);
}
END_TEST

TEST_MAIN("tlsrpt_report", a_record_names_where_reports_go,
    the_rows_of_a_policy_are_summed_up_and_failures_detailed,
    what_is_compressed_is_read_again_by_zlib, the_mail_says_whose_report_it_is)
