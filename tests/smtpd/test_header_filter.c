/* A message's own header, and the fields that are put in front of it. */
#include "smtpd/header_filter.h"

#include "common/base/cleanup.h"
#include "smtpd/outbound/trace_fields.h"
#include "tests/support/test.h"

struct out {
	char p[16384];
	size_t n;
};

static void
collect(void *arg, const char *p, size_t n)
{
	struct out *o = arg;

	ck_assert_uint_le(o->n + n, sizeof(o->p));
	memcpy(o->p + o->n, p, n);
	o->n += n;
}

struct header_row {
	const char *in;
	const char *out; /* NULL: unchanged */
	uint32_t received;
	bool adds; /* "D\r\n" and "M\r\n" stand for the lines to add */
};

#define AR "Authentication-Results:"

static const struct header_row header_rows[] = {
    {"Subject: x\r\n\r\nReturn-Path: <y>\r\nReceived: z\r\n", NULL, 0, false},
    {"Return-Path: <evil@x>\r\nSubject: x\r\n\r\n", "Subject: x\r\n\r\n", 0, false},
    {"Subject: x\r\nRETURN-path :\r\n <evil@x>\r\n\tmore\r\nTo: y\r\n\r\nb",
	"Subject: x\r\nTo: y\r\n\r\nb", 0, false},
    {"Return-Path: a\r\nReturn-Path: b\r\n\r\n", "\r\n", 0, false},
    {"Return-Path-Not: a\r\n\r\n", NULL, 0, false},
    {"X-Return-Path: a\r\n\r\n", NULL, 0, false},
    {"Return-Path: a", "", 0, false},
    {"Return-Path", NULL, 0, false},
    {"Received: a\r\n b\r\nreceived:c\r\nReceived : d\r\n\r\nReceived: e\r\n", NULL, 3, false},
    {" Return-Path: not the first line\r\nA: b\r\n\r\n", NULL, 0, false},
    {"junk line\r\nReturn-Path: x\r\n y\r\nA: b\r\n\r\n", "junk line\r\nA: b\r\n\r\n", 0, false},
    {"From x@y Mon\r\nA: b\r\n\r\n", NULL, 0, false},
    {"\r\nReturn-Path: body\r\n", NULL, 0, false},
    {"", NULL, 0, false},
    {"A: b", NULL, 0, false},
    {"A: b\r\n", NULL, 0, false},
    {"\r", NULL, 0, false},
    /* RFC 8601 §5: ours alone */
    {AR " mail.example.test; spf=pass\r\nA: b\r\n\r\n", "A: b\r\n\r\n", 0, false},
    {AR " MAIL.Example.TEST 1; spf=pass\r\n\r\n", "\r\n", 0, false},
    {AR " mail.example.test.; none\r\n\r\n", "\r\n", 0, false},
    {AR "\r\n mail.example.test;\r\n\tspf=pass\r\nA: b\r\n\r\n", "A: b\r\n\r\n", 0, false},
    {AR " (x (y) \\) z) \"mail.example.test\" (c); spf=pass\r\n\r\n", "\r\n", 0, false},
    {AR " mail.example.test\r\n\r\n", "\r\n", 0, false},
    {AR " mail.example.test(c)\r\n\r\n", "\r\n", 0, false},
    {AR " other.test; spf=pass\r\n more\r\n\r\n", NULL, 0, false},
    {AR " other.test\r\n\r\n", NULL, 0, false},
    {AR " mail.example.test.other; x\r\n\r\n", NULL, 0, false},
    {AR " (mail.example.test) other.test; x\r\n\r\n", NULL, 0, false},
    {AR " (open mail.example.test\r\n\r\n", "\r\n", 0,
	false}, /* can't be read: not to be trusted */
    {AR "\r\n\r\n", "\r\n", 0, false},
    {AR " other.test; a\r\n" AR " mail.example.test; b\r\n" AR " third.test; c\r\n\r\n",
	AR " other.test; a\r\n" AR " third.test; c\r\n\r\n", 0, false},
    {AR " other.test; a\r\n\r\n" AR " mail.example.test; body\r\n", NULL, 0, false},
    /* RFC 6409 §8 */
    {"A: b\r\n\r\nbody", "A: b\r\nD\r\nM\r\n\r\nbody", 0, true},
    {"Date: x\r\n\r\n", "Date: x\r\nM\r\n\r\n", 0, true},
    {"DATE : x\r\nmessage-id: <y>\r\n\r\n", NULL, 0, true},
    {"Resent-Date: x\r\n\r\n", "Resent-Date: x\r\nD\r\nM\r\n\r\n", 0, true},
    {"Bcc: secret@x\r\n\r\n", "Bcc: secret@x\r\nD\r\nM\r\n\r\n", 0, true},
    {"A: b", "A: b\r\nD\r\nM\r\n", 0, true},
    {"Return-Path: b", "D\r\nM\r\n", 0, true},
    {"A: b\r\n", "A: b\r\nD\r\nM\r\n", 0, true},
    {"", "D\r\nM\r\n", 0, true},
    {"\r\nDate: in the body\r\n", "D\r\nM\r\n\r\nDate: in the body\r\n", 0, true},
};

START_TEST(the_header_is_changed_where_it_must_be_and_nowhere_else)
{
	for (size_t i = 0; i < ARRAY_LEN(header_rows); i++) {
		const struct header_row *row = &header_rows[i];
		struct str in = str_of(row->in);
		for (size_t cut = 0; cut <= in.n; cut++) {
			struct header_filter f;
			struct out o = {.n = 0};
			header_filter_init(&f, STR("mail.example.test"));
			if (row->adds) {
				f.date_line = STR("D\r\n");
				f.message_id_line = STR("M\r\n");
			}
			struct str head = test_guarded(str_sub(in, 0, cut));
			header_filter_feed(&f, head.p, head.n, collect, &o);
			header_filter_feed(&f, in.p + cut, in.n - cut, collect, &o);
			header_filter_finish(&f, collect, &o);
			ck_assert_msg(
			    str_eq(str_make(o.p, o.n), str_of(row->out ? row->out : row->in)),
			    "row %zu cut at %zu: \"%.*s\"", i, cut, (int)o.n, o.p);
			ck_assert_uint_eq(f.received, row->received);
		}
	}
}
END_TEST

START_TEST(fields_of_any_length_pass_in_constant_memory)
{
	static char text[8192];
	const struct {
		const char *start;
		bool dropped;
	} rows[] = {{"Subject:", false}, {"Return-Path:", true}, {"Aaaaaaaaaaaaaaaa", false},
	    {AR " other.test;", false}, {AR " mail.example.test;", true}, {AR " (", true},
	    {AR " other.test.but.the.name.goes.on.", true}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t piece = 1; piece < 5000; piece = piece * 7 + 1) {
			struct header_filter f;
			struct out o = {.n = 0};
			memset(text, 'a', sizeof(text));
			memcpy(text, rows[i].start, strlen(rows[i].start));
			memcpy(text + sizeof(text) - 7, "\r\n\r\nend", 7);
			header_filter_init(&f, STR("mail.example.test"));
			for (size_t at = 0; at < sizeof(text); at += piece)
				header_filter_feed(&f, text + at,
				    sizeof(text) - at < piece ? sizeof(text) - at : piece, collect,
				    &o);
			header_filter_finish(&f, collect, &o);
			if (rows[i].dropped)
				ck_assert_str_is(str_make(o.p, o.n), "\r\nend");
			else
				ck_assert(str_eq(str_make(o.p, o.n), str_make(text, sizeof(text))));
		}
	}
}
END_TEST

START_TEST(trace_fields_say_how_it_came)
{
	CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(4096);
	struct trace t = {.sender = STR("a@b.test"),
	    .helo = STR("client.test"),
	    .peer = STR("192.0.2.7"),
	    .hostname = STR("mail.example.test"),
	    .with = "ESMTPS",
	    .id = STR("5f.1"),
	    .tls_version = STR("TLSv1.3"),
	    .tls_cipher = STR("TLS_X"),
	    .recipient = STR("ann@example.test"),
	    .date = {.utc_s = 1700000000, .zone_s = 0}};

	trace_write(&t, &b);
	ck_assert_str_is(sbuf_view(&b),
	    "Return-Path: <a@b.test>\r\nReceived: from client.test ([192.0.2.7])\r\n"
	    "\tby mail.example.test with ESMTPS id 5f.1\r\n\t(using TLSv1.3 with TLS_X)\r\n"
	    "\tfor <ann@example.test>; Tue, 14 Nov 2023 22:13:20 +0000\r\n");
	sbuf_clear(&b);
	t = (struct trace){.sender = STR(""),
	    .helo = STR("evil(;)\"\\<x>"),
	    .peer = STR("2001:db8::1"),
	    .hostname = STR("m"),
	    .with = "SMTP",
	    .id = STR("1"),
	    .tls_version = STR(""),
	    .recipient = STR(""),
	    .date = {.utc_s = 1700000000, .zone_s = 0}};
	trace_write(&t, &b);
	ck_assert_str_is(sbuf_view(&b),
	    "Return-Path: <>\r\nReceived: from evil??????x? ([IPv6:2001:db8::1])\r\n"
	    "\tby m with SMTP id 1; Tue, 14 Nov 2023 22:13:20 +0000\r\n");
}
END_TEST

START_TEST(protocol_names_are_the_registered_ones)
{
	static const struct {
		struct trace_with w;
		const char *name;
	} rows[] = {
	    {{0}, "SMTP"},
	    {{.extended = true}, "ESMTP"},
	    {{.extended = true, .tls = true}, "ESMTPS"},
	    {{.extended = true, .authenticated = true}, "ESMTPA"},
	    {{.extended = true, .tls = true, .authenticated = true}, "ESMTPSA"},
	    {{.extended = true, .utf8 = true}, "UTF8SMTP"},
	    {{.extended = true, .utf8 = true, .tls = true, .authenticated = true}, "UTF8SMTPSA"},
	    {{.lmtp = true, .extended = true}, "LMTP"},
	    {{.lmtp = true, .extended = true, .tls = true}, "LMTPS"},
	    {{.lmtp = true, .extended = true, .utf8 = true}, "UTF8LMTP"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_str_eq(trace_protocol(rows[i].w), rows[i].name);
}
END_TEST

/* RFC 8689 §3 */
START_TEST(a_message_says_in_one_field_that_tls_is_not_required_or_it_does_not)
{
	static const struct {
		const char *in;
		bool optional;
	} rows[] = {
	    {"TLS-Required: No\r\n\r\n", true},
	    {"Subject: x\r\ntls-required:nO\r\nTo: y\r\n\r\n", true},
	    {"TLS-Required:\r\n No\r\n\r\n", true}, {"TLS-Required: \t No \r\n", true},
	    {"TLS-Required: No", true}, {"TLS-Required: Yes\r\n\r\n", false},
	    {"TLS-Required: No, thanks\r\n\r\n", false},
	    {"TLS-Required: No\r\n thanks\r\n\r\n", false}, {"TLS-Required:\r\n\r\n", false},
	    {"TLS-Required: No\r\nTLS-Required: No\r\n\r\n", false}, /* MUST NOT */
	    {"TLS-Required: Yes\r\nTLS-Required: No\r\n\r\n", false},
	    {"X-TLS-Required: No\r\n\r\n", false},
	    {"Subject: x\r\n\r\nTLS-Required: No\r\n", false}, /* the body */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str in = str_of(rows[i].in);
		for (size_t cut = 0; cut <= in.n; cut++) {
			struct header_filter f;
			struct out o = {.n = 0};
			header_filter_init(&f, STR("mail.example.test"));
			struct str head = test_guarded(str_sub(in, 0, cut));
			header_filter_feed(&f, head.p, head.n, collect, &o);
			header_filter_feed(&f, in.p + cut, in.n - cut, collect, &o);
			header_filter_finish(&f, collect, &o);
			ck_assert_msg(header_filter_tls_optional(&f) == rows[i].optional,
			    "row %zu cut at %zu", i, cut);
			ck_assert(str_eq(str_make(o.p, o.n), in));
		}
	}
}
END_TEST

TEST_MAIN("header_filter", a_message_says_in_one_field_that_tls_is_not_required_or_it_does_not,
    the_header_is_changed_where_it_must_be_and_nowhere_else,
    fields_of_any_length_pass_in_constant_memory, trace_fields_say_how_it_came,
    protocol_names_are_the_registered_ones)
