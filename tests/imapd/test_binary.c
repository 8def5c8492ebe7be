/* BINARY: RFC 3516, and its FETCH side in RFC 9051 §6.4.5. */
#include "imapd/binary_encode.h"
#include "tests/imapd/imap_fixture.h"

#define MIXED                                                                                      \
	"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"                          \
	"--b\r\nContent-Type: text/plain; charset=utf-8\r\n"                                       \
	"Content-Transfer-Encoding: quoted-printable\r\n\r\ngr=C3=BC=\r\nn\r\n"                    \
	"--b\r\nContent-Type: application/octet-stream\r\n"                                        \
	"Content-Transfer-Encoding: base64\r\n\r\nYQBi\r\nYw==\r\n"                                \
	"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: x-unknown\r\n\r\n?\r\n"     \
	"--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n"              \
	"YQpiDQpj\r\n"                                                                             \
	"--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n\r\n"          \
	"--b--\r\n"

static const char *const none[] = {"Inbox:0", NULL};

static struct imap_fixture *
open_with(struct str message)
{
	struct imap_fixture *f = imap_fixture_open_with(none, NULL);

	imap_fixture_deliver(f, "Inbox", message);
	ck_exchange(f, "0 SELECT Inbox", "0 OK");
	return f;
}

static const struct {
	const char *items;
	const char *want;
	size_t n; /* of `want`, which may hold NUL */
} rows[] = {
#define ROW(items, want)                                                                           \
	{                                                                                          \
		items, want, sizeof(want) - 1                                                      \
	}
    /* RFC 3516 §4.3: a string where there is no NUL */
    ROW("BINARY.PEEK[1]", "* 1 FETCH (BINARY[1] {5}\r\ngr\xc3\xbcn)\r\n"),
    ROW("BINARY.SIZE[1]", "* 1 FETCH (BINARY.SIZE[1] 5)\r\n"),
    ROW("BINARY.PEEK[2]", "* 1 FETCH (BINARY[2] ~{4}\r\na\0bc)\r\n"),
    ROW("(BINARY.SIZE[2] BINARY.SIZE[1])", "* 1 FETCH (BINARY.SIZE[2] 4 BINARY.SIZE[1] 5)\r\n"),
    /* §4.2: the partial is of the decoded octets */
    ROW("BINARY.PEEK[2]<1.2>", "* 1 FETCH (BINARY[2]<1> ~{2}\r\n\0b)\r\n"),
    ROW("BINARY.PEEK[2]<2.100>", "* 1 FETCH (BINARY[2]<2> ~{2}\r\nbc)\r\n"),
    ROW("BINARY.PEEK[2]<4.1>", "* 1 FETCH (BINARY[2]<4> \"\")\r\n"),
    /* §6: lines of text end with CRLF, whatever was encoded */
    ROW("BINARY.PEEK[4]", "* 1 FETCH (BINARY[4] {7}\r\na\r\nb\r\nc)\r\n"),
    ROW("BINARY.SIZE[4]", "* 1 FETCH (BINARY.SIZE[4] 7)\r\n"),
    ROW("BINARY.PEEK[5]", "* 1 FETCH (BINARY[5] \"\")\r\n"),
    ROW("BINARY.PEEK[9]", "* 1 FETCH (BINARY[9] NIL)\r\n"),
    /* §4.2: \Seen, or not */
    ROW("(FLAGS BINARY.PEEK[2])", "* 1 FETCH (FLAGS (\\Recent) BINARY[2] ~{4}\r\na\0bc)\r\n"),
    ROW("(BINARY[2])", "* 1 FETCH (BINARY[2] ~{4}\r\na\0bc FLAGS (\\Seen \\Recent))\r\n"),
#undef ROW
};

START_TEST(parts_are_given_without_their_transfer_encoding)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with(STR(MIXED));

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str ask = arena_printf(f->arena, "1 FETCH 1 %s", rows[i].items);
		struct str got = imap_fixture_ask(f, f->conn, ask.p);
		ck_assert_msg(str_starts(got, str_make(rows[i].want, rows[i].n)), "%s: %.*s",
		    rows[i].items, STR_ARG(got));
		ck_assert(str_starts(str_skip(got, rows[i].n), STR("1 OK")));
	}
}
END_TEST

/* §4.3: NO with UNKNOWN-CTE; the other messages are told. */
START_TEST(an_encoding_nobody_knows_is_no)
{
	static const struct dialogue dialogue[] = {
	    {"1 FETCH 1 BINARY.PEEK[3]", "1 NO [UNKNOWN-CTE]"},
	    {"2 FETCH 1 BINARY.SIZE[3]", "2 NO [UNKNOWN-CTE]"},
	    {"3 FETCH 1 BINARY[1.HEADER]", "3 BAD"},
	    {"4 FETCH 1 BINARY[TEXT]", "4 BAD"},
	    {"5 FETCH 1 BINARY[0]", "5 BAD"},
	    {"6 FETCH 1 BINARY.SIZE[1]<0.1>", "6 BAD"},
	    {"7 FETCH 1 BINARY[1]<0.0>", "7 BAD"},
	    {"8 FETCH 1 BINARY.PEEK", "8 BAD"},
	    {"9 FETCH 1 BINARY", "9 BAD"},
	    {"10 FETCH 1 (FLAGS BINARY.SIZE[])",
		"* 1 FETCH (FLAGS (\\Recent) BINARY.SIZE[] #)\n10 OK"},
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with(STR(MIXED));

	dialogue_run(f->conn, dialogue, ARRAY_LEN(dialogue), false);
}
END_TEST

/* A file, decoded twice in many steps, and read as slowly as it goes. */
START_TEST(a_large_part_passes_in_pieces)
{
	static const char head[] = "Subject: x\r\nContent-Type: image/png\r\n"
				   "Content-Transfer-Encoding: base64\r\n\r\n";
	size_t lines = 50000, n = sizeof(head) - 1 + lines * 78;
	CLEANUP(mem_free) char *text = malloc(n + 1);
	char *p = stpcpy(text, head);

	for (size_t i = 0; i < lines; i++)
		p = stpcpy(p,
		    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4"
		    "\r\n");
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_with(str_make(text, n));
	ck_exchange(f, "1 FETCH 1 BINARY.SIZE[1]", "* 1 FETCH (BINARY.SIZE[1] 2850000)\n1 OK");
	struct str got = imap_fixture_ask(f, f->conn, "2 FETCH 1 BINARY.PEEK[1]");
	const char *at = memmem(got.p, got.n, "~{2850000}\r\n", 12);
	ck_assert_ptr_nonnull(at);
	ck_assert_uint_ge(got.n, 2850000 + 12);
	size_t same = 0;
	while (same < 2850000 && at[12 + same] == (char)(same % 57))
		same++;
	ck_assert_uint_eq(same, 2850000);
	ck_assert(str_starts(str_skip(got, (size_t)(at - got.p) + 12 + 2850000), STR(")\r\n2 OK")));
	ck_exchange(
	    f, "3 FETCH 1 BINARY.PEEK[1]<2849999.5>", "* 1 FETCH (BINARY[1]<2849999> ~{1}\n3 OK");
}
END_TEST

/* §4.4, §6: what BODYSTRUCTURE and BODY[] show holds no NUL, and nothing is lost. */
START_TEST(parts_with_nul_are_encoded)
{
	static const char message[] =
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\na\nb\r\n--b\r\n"
	    "Content-Type: image/png\r\nContent-Transfer-Encoding:\r\n binary\r\nX: y\r\n\r\n"
	    "\0\1\n\0\r\n--b\r\nContent-Type: image/gif\r\n\r\n\0\r\n--b--\r\n";
	static const char stored[] =
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\na\nb\r\n--b\r\n"
	    "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\nX: y\r\n\r\n"
	    "AAEKAA==\r\n--b\r\nContent-Type: image/gif\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\nAA==\r\n--b--\r\n";
	static const char decoded[] = "BINARY[2] ~{4}\r\n\0\1\n\0 BINARY[3] ~{1}\r\n\0)";
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(4096);

	sbuf_printf(&in, "1 APPEND Inbox ~{%zu+}\r\n", sizeof(message) - 1);
	sbuf_append(&in, message, sizeof(message) - 1);
	sbuf_puts(&in, "\r\n");
	conn_memory_feed(f->conn, sbuf_view(&in));
	ck_exchange(f, "2 SELECT Inbox", "1 OK [APPENDUID # 1]\n2 OK");
	struct str got = imap_fixture_ask(f, f->conn, "3 FETCH 1 BODY.PEEK[]");
	ck_assert_ptr_nonnull(memmem(got.p, got.n, stored, sizeof(stored) - 1));
	got = imap_fixture_ask(f, f->conn, "4 FETCH 1 (BINARY.PEEK[2] BINARY.PEEK[3])");
	ck_assert_ptr_nonnull(memmem(got.p, got.n, decoded, sizeof(decoded) - 1));
}
END_TEST

/* §4.4: else NO with UNKNOWN-CTE. */
START_TEST(nul_where_it_cant_be_encoded_is_no)
{
	static const struct {
		const char *message;
		size_t n;
	} bad[] = {
#define ROW(text) {text, sizeof(text) - 1}
	    ROW("Subject: \0\r\n\r\nx\r\n"),
	    ROW("Content-Transfer-Encoding: base64\r\n\r\nAA\0AA\r\n"),
	    ROW("Content-Transfer-Encoding: x-own\r\n\r\nAA\0AA\r\n"),
	    ROW("Content-Type: multipart/mixed; boundary=b\r\n\r\n\0\r\n--b\r\n\r\n\r\n--b--\r\n"),
#undef ROW
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(4096);
		sbuf_printf(&in, "1 APPEND Inbox ~{%zu+}\r\n", bad[i].n);
		sbuf_append(&in, bad[i].message, bad[i].n);
		sbuf_puts(&in, "\r\n");
		conn_memory_feed(f->conn, sbuf_view(&in));
		ck_exchange(f, "2 NOOP", "1 NO [UNKNOWN-CTE]\n2 OK");
	}
	ck_assert_uint_eq(imap_fixture_count(f, "Inbox"), 0);
}
END_TEST

/* A message of a file, whose one part is binary. */
START_TEST(a_large_binary_message_is_encoded)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	static const char head[] =
	    "Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n";
	size_t n = 300001;
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(1 << 20);

	sbuf_printf(&in, "1 APPEND Inbox ~{%zu+}\r\n%s", sizeof(head) - 1 + n, head);
	for (size_t i = 0; i < n; i++)
		sbuf_putc(&in, (char)(i % 251));
	sbuf_puts(&in, "\r\n");
	conn_memory_feed(f->conn, sbuf_view(&in));
	ck_exchange(f, "2 SELECT Inbox", "1 OK [APPENDUID # 1]\n2 OK");
	ck_exchange(f, "3 FETCH 1 BINARY.SIZE[1]", "* 1 FETCH (BINARY.SIZE[1] 300001)\n3 OK");
	struct str got = imap_fixture_ask(f, f->conn, "4 FETCH 1 BINARY.PEEK[1]");
	const char *at = memmem(got.p, got.n, "~{300001}\r\n", 11);
	ck_assert_ptr_nonnull(at);
	size_t same = 0;
	while (same < n && at[11 + same] == (char)(same % 251))
		same++;
	ck_assert_uint_eq(same, n);
}
END_TEST

/* Many turns: others have theirs in between. */
START_TEST(a_large_message_is_encoded_in_steps)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	CLEANUP(spool_free) struct spool *spool = NULL;
	CLEANUP(binary_encode_free) struct binary_encoding *e = NULL;
	char zeros[4096] = {0};
	unsigned steps = 0;
	bool done = false;
	static const char head[] = "Content-Transfer-Encoding: binary\r\n\r\n";

	ck_assert_ok(spool_new(f->store, &spool));
	ck_assert_ok(spool_write(spool, head, sizeof(head) - 1));
	for (unsigned i = 0; i < 2 * BINARY_STEP_OCTETS / sizeof(zeros); i++)
		ck_assert_ok(spool_write(spool, zeros, sizeof(zeros)));
	ck_assert_ok(binary_encode_begin(f->store, spool, &e));
	ck_assert_ptr_nonnull(e);
	for (; !done; steps++)
		ck_assert_ok(binary_encode_step(e, &done));
	ck_assert_uint_eq(steps, 3);
	binary_encode_replace(e, &spool);
	ck_assert_uint_gt(spool_size(spool), 2 * BINARY_STEP_OCTETS / 3 * 4);
}
END_TEST

TEST_MAIN("binary", parts_with_nul_are_encoded, nul_where_it_cant_be_encoded_is_no,
    a_large_binary_message_is_encoded, a_large_message_is_encoded_in_steps,
    parts_are_given_without_their_transfer_encoding, an_encoding_nobody_knows_is_no,
    a_large_part_passes_in_pieces)
