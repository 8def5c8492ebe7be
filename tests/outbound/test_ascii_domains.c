/* Headers brought into ASCII where only domains keep them from it (RFC 6531 §3.5). */
#include "smtpd/outbound/ascii_domains.h"
#include "tests/support/store_fixture.h"

#define BUCHER                                                                                     \
	"b\xc3\xbc"                                                                                \
	"cher.example"
#define ASCII "xn--bcher-kva.example"

static const struct {
	const char *in, *out; /* NULL: as it is */
} rows[] = {
    {"From: <ann@" BUCHER ">\r\n", "From: <ann@" ASCII ">\r\n"},
    {"TO: ann@" BUCHER ", Bob <bob@" BUCHER ">,\r\n eve@plain.example\r\n",
	"TO: ann@" ASCII ", Bob <bob@" ASCII ">,\r\n eve@plain.example\r\n"},
    {"Received: from a (b [192.0.2.1])\r\n\tby mx with UTF8SMTPSA id 1\r\n\tfor <ann@" BUCHER
     ">; Tue, 14 Nov\r\n",
	"Received: from a (b [192.0.2.1])\r\n\tby mx with UTF8SMTPSA id 1\r\n\tfor <ann@" ASCII
	">; Tue, 14 Nov\r\n"},
    {"Resent-Sender : ann@" BUCHER " (at " BUCHER ")\r\n",
	"Resent-Sender : ann@" ASCII " (at " BUCHER ")\r\n"},
    {"Cc: \"a@" BUCHER "\" <a@" BUCHER ">\r\n", "Cc: \"a@" BUCHER "\" <a@" ASCII ">\r\n"},
    {"Cc: \"a\\\"@" BUCHER "\" <a@b>\r\n", NULL},
    {"Cc: (a \\) (b@" BUCHER ") c@" BUCHER ") <a@" BUCHER ">\r\n",
	"Cc: (a \\) (b@" BUCHER ") c@" BUCHER ") <a@" ASCII ">\r\n"},
    {"Subject: ann@" BUCHER "\r\nTo: x@" BUCHER "\r\n",
	"Subject: ann@" BUCHER "\r\nTo: x@" ASCII "\r\n"},
    {"From: zo\xc3\xab@" BUCHER "\r\n", "From: zo\xc3\xab@" ASCII "\r\n"}, /* and needs SMTPUTF8 */
    {"From: a@\xff\xfe.example\r\n", NULL},
    {"From: a@\r\n", NULL},
    {"From: a@" BUCHER, "From: a@" ASCII},
    {"\xc3\xbc no field\r\n", NULL},
    {"", NULL},
};

START_TEST(domains_of_addresses_become_a_labels_and_nothing_else_changes)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(4096);
		ascii_domains_put(test_guarded(str_of(rows[i].in)), &out);
		ck_assert_str_eq(sbuf_cstr(&out), rows[i].out ? rows[i].out : rows[i].in);
	}
}
END_TEST

/* The same octets whatever the pieces are. */
static void
check_octets(struct content *c, const char *expected)
{
	size_t n = strlen(expected);
	char got[4096];

	ck_assert_uint_eq(c->size, n);
	for (size_t piece = 1; piece <= n; piece++) {
		size_t read = 0;
		for (uint64_t at = 0; at < n; at += read) {
			size_t left = n - (size_t)at;
			ck_assert_ok(c->read(c, at, got + at, piece < left ? piece : left, &read));
			ck_assert_uint_gt(read, 0);
		}
		ck_assert_int_eq(memcmp(got, expected, n), 0);
	}
}

START_TEST(a_message_needs_smtputf8_only_where_more_than_domains_does)
{
	static const struct {
		const char *in, *out; /* NULL: as it is */
		bool utf8_header;
	} cases[] = {
	    {"From: a@" BUCHER "\r\n\r\nHello.\r\n", "From: a@" ASCII "\r\n\r\nHello.\r\n", false},
	    {"From: a@" BUCHER "\r\n\r\n\xc3\xbc\r\n", "From: a@" ASCII "\r\n\r\n\xc3\xbc\r\n",
		false},
	    {"From: a@" BUCHER "\r\n\r\n", "From: a@" ASCII "\r\n\r\n", false},
	    {"From: a@" BUCHER "\r\n", "From: a@" ASCII "\r\n", false},
	    {"From: a@" BUCHER "\r\nSubject: \xc3\xbc\r\n\r\nx\r\n", NULL, true},
	    {"From: \xc3\xbc@" BUCHER "\r\n\r\nx\r\n", NULL, true},
	};
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	const struct queue_message m = {.smtputf8 = true};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(content_close) struct content *c = NULL;
		struct spool *spool = NULL;
		struct content *in = NULL;
		const struct message_index *index;
		ck_assert_ok(spool_new(f->store, &spool));
		ck_assert_ok(spool_write(spool, cases[i].in, strlen(cases[i].in)));
		ck_assert_ok(spool_finish(spool, &index));
		ck_assert_ok(content_of_spool(spool, &m, &in));
		ck_assert(in->utf8_header);
		ck_assert_ok(ascii_domains(in, &m, &c));
		check_octets(c, cases[i].out ? cases[i].out : cases[i].in);
		ck_assert_msg(c->utf8_header == cases[i].utf8_header, "row %zu", i);
	}
}
END_TEST

START_TEST(a_header_too_large_to_look_at_goes_out_as_it_is)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	CLEANUP(content_close) struct content *c = NULL;
	const struct queue_message m = {.smtputf8 = true};
	const struct message_index *index;
	struct spool *spool = NULL;
	struct content *in = NULL;

	ck_assert_ok(spool_new(f->store, &spool));
	ck_assert_ok(
	    spool_write(spool, "From: a@" BUCHER "\r\n", strlen("From: a@" BUCHER "\r\n")));
	for (size_t n = 0; n < ASCII_DOMAINS_HEADER_MAX; n += 14)
		ck_assert_ok(spool_write(spool, "X-Field: abc\r\n", 14));
	ck_assert_ok(spool_write(spool, "\r\nHello.\r\n", 10));
	ck_assert_ok(spool_finish(spool, &index));
	ck_assert_ok(content_of_spool(spool, &m, &in));
	uint64_t size = in->size;
	ck_assert_ok(ascii_domains(in, &m, &c));
	ck_assert_uint_eq(c->size, size);
	ck_assert(c->utf8_header);
}
END_TEST

TEST_MAIN("ascii_domains", domains_of_addresses_become_a_labels_and_nothing_else_changes,
    a_message_needs_smtputf8_only_where_more_than_domains_does,
    a_header_too_large_to_look_at_goes_out_as_it_is)
