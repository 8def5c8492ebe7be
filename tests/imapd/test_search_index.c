/* SEARCH, SORT and THREAD with an index answer what they answer without one: made-up mail of the
 * nastier kinds, searched for strings that are in it, nearly in it, and not; one session has an
 * index, of all the messages, of some or of none, the other searches every text. */
#include "common/mail/codec.h"
#include "search/index_work.h"
#include "search/indexer.h"
#include "tests/imapd/imap_fixture.h"

#include <iconv.h>
#include <limits.h>
#include <stdio.h>

/* -- made-up mail --------------------------------------------------------------------------- */

static uint64_t seed;

static uint32_t
random_below(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

static const char *const bits[] = {"alpha", "Beta", "GAMMA", "a", "B", "zz", "foo", "Foo-Bar",
    "x_y", "user@example.test",
    "Stra\xc3\x9f"
    "e",
    "STRASSE",
    "\xef\xac\x81"
    "n",
    "I\xcc\x87", "\xc4\xb0", "\xc3\xa9t\xc3\xa9", "e\xcc\x81t", "\xe2\x84\xa2",
    "\xe3\x81\x93\xe3\x82\x93", "\xe4\xb8\x96\xe7\x95\x8c", "\xd0\x9f\xd1\x80\xd0\xb8",
    "\xce\xa3\xce\xaf\xcf\x83\xcf\x85", "\xf0\x9f\x98\x80", "1996", "07", "3.14", "Re:", "=?",
    "?=", "\xe2\x80\xa8", "ss", "\xc7\x86",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"};
static const char *const gaps[] = {
    " ", " ", " ", "", "", "-", ".", ", ", "  ", "\t", "/", "=", "\r\n", "\r\n ", "_"};

/* Some words of UTF-8 with or without separators. */
static void
put_words(struct sbuf *out, unsigned most, bool lines)
{
	unsigned n = 1 + random_below(most);

	for (unsigned i = 0; i < n; i++) {
		sbuf_puts(out, bits[random_below(ARRAY_LEN(bits))]);
		const char *gap = gaps[random_below(ARRAY_LEN(gaps))];
		if (lines || *gap != '\r')
			sbuf_puts(out, gap);
		if (lines && random_below(200) == 0)
			sbuf_append(out, "\0", 1);
		if (random_below(300) == 0)
			sbuf_putc(out, (char)(0x80 + random_below(0x80)));
	}
}

static void
put_base64(struct sbuf *out, struct str text)
{
	CLEANUP(sbuf_done) struct sbuf one = SBUF_INIT(1 << 24);
	size_t width = 4 + 4 * random_below(18);

	base64_encode(text, &one);
	for (size_t at = 0; at < one.n; at += width) {
		sbuf_put(out, str_sub(sbuf_view(&one), at, width));
		sbuf_puts(out, "\r\n");
	}
}

/* Soft line breaks anywhere, escapes also where none are needed. */
static void
put_qp(struct sbuf *out, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c == '\r' || c == '\n')
			sbuf_putc(out, (char)c);
		else if (c < 33 || c == '=' || c > 126 || random_below(20) == 0)
			sbuf_printf(out, "=%02X", c);
		else
			sbuf_putc(out, (char)c);
		if (random_below(12) == 0)
			sbuf_puts(out, "=\r\n");
	}
}

static void
put_converted(struct sbuf *out, struct str text, const char *charset)
{
	iconv_t cd = iconv_open(charset, "UTF-8");
	char *in = (char *)text.p, block[16];
	size_t left = text.n;

	ck_assert(cd != (iconv_t)-1);
	while (left > 0) {
		char *to = block;
		size_t room = sizeof(block), before = left;
		iconv(cd, &in, &left, &to, &room);
		sbuf_append(out, block, sizeof(block) - room);
		if (left == before && room == sizeof(block)) { /* it has no such character */
			in++;
			left--;
		}
	}
	iconv_close(cd);
}

/* The header fields of a text and the text. */
static void
put_text_part(struct sbuf *out)
{
	static const char *const charsets[] = {"utf-8", "iso-8859-1", "koi8-r", "shift_jis",
	    "iso-2022-jp", "utf-16be", "utf-7", "us-ascii", "x-nonsense", ""};
	CLEANUP(sbuf_done) struct sbuf words = SBUF_INIT(1 << 24);
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(1 << 24);
	const char *charset = charsets[random_below(ARRAY_LEN(charsets))];
	bool known = *charset && strcmp(charset, "x-nonsense") != 0 && random_below(8);

	put_words(&words, random_below(30) == 0 ? 20000 : 60, true);
	if (known && strcmp(charset, "utf-8") != 0 && strcmp(charset, "us-ascii") != 0)
		put_converted(&text, sbuf_view(&words), charset);
	else
		sbuf_put(&text, sbuf_view(&words));
	if (*charset)
		sbuf_printf(out, "Content-Type: text/plain; charset=%s\r\n", charset);
	switch (random_below(4)) {
	case 0:
		sbuf_puts(out, "Content-Transfer-Encoding: base64\r\n\r\n");
		put_base64(out, sbuf_view(&text));
		break;
	case 1:
		sbuf_puts(out, "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
		put_qp(out, sbuf_view(&text));
		break;
	default:
		sbuf_puts(out, "Content-Transfer-Encoding: 8bit\r\n\r\n");
		sbuf_put(out, sbuf_view(&text));
	}
}

/* A value: raw, or as encoded words that may cut a character in two. */
static void
put_value(struct sbuf *out)
{
	CLEANUP(sbuf_done) struct sbuf words = SBUF_INIT(1 << 20);
	CLEANUP(sbuf_done) struct sbuf code = SBUF_INIT(1 << 20);

	put_words(&words, 8, false);
	for (size_t at = 0; at < words.n;) {
		size_t n = 1 + random_below(25);
		struct str piece = str_sub(sbuf_view(&words), at, n);
		at += piece.n;
		if (random_below(3) == 0) {
			sbuf_put(out, piece);
		} else {
			sbuf_clear(&code);
			base64_encode(piece, &code);
			sbuf_printf(out, "=?utf-8?B?%.*s?=", STR_ARG(sbuf_view(&code)));
		}
		sbuf_puts(out, random_below(4) ? "" : random_below(2) ? " " : "\r\n ");
	}
	sbuf_puts(out, "\r\n");
}

static void
put_fields(struct sbuf *out)
{
	static const char *const names[] = {"Subject", "SUBJECT", "From", "To", "Cc", "Bcc", "To",
	    "X-Foo", "X-Alpha-Beta", "List-Id", "Comments"};
	static const char *const signs[] = {"", "Re: ", "[list] ", "fwd: ", "Re: [list] Fw: "};

	for (unsigned n = random_below(8); n > 0; n--) {
		sbuf_printf(out, "%s: ", names[random_below(ARRAY_LEN(names))]);
		put_value(out);
	}
	if (random_below(2))
		sbuf_printf(out, "Subject: %salpha %u\r\n", signs[random_below(ARRAY_LEN(signs))],
		    random_below(10));
	if (random_below(4))
		sbuf_printf(out, "Date: %u Jul 1996 %u:30 %s\r\n", random_below(33),
		    random_below(26), random_below(2) ? "-0700" : "+0130");
	if (random_below(4))
		sbuf_printf(out, "Message-ID: <%u@x>\r\n", random_below(60));
	for (unsigned n = random_below(3); n > 0; n--)
		sbuf_printf(out, "%s: <%u@x> <\"%u\"@x>\r\n",
		    random_below(2) ? "References" : "In-Reply-To", random_below(60),
		    random_below(60));
	if (random_below(10) == 0)
		sbuf_puts(out, "no field at all\r\n");
}

/* A message, or a part with its header: `depth` more may be within. */
static void
put_message(struct sbuf *out, unsigned depth)
{
	unsigned what = depth ? random_below(4) : 0;

	put_fields(out);
	if (what < 2) {
		put_text_part(out);
		return;
	}
	if (what == 2) {
		sbuf_puts(out, "Content-Type: message/rfc822\r\nContent-Description: ");
		put_value(out);
		sbuf_puts(out, "\r\n");
		put_message(out, depth - 1);
		return;
	}
	sbuf_printf(out, "Content-Type: multipart/mixed; boundary=b%u\r\n\r\npreamble\r\n", depth);
	for (unsigned n = 1 + random_below(3); n > 0; n--) {
		sbuf_printf(out, "--b%u\r\n", depth);
		if (random_below(5) == 0)
			sbuf_puts(out, "Content-Type: application/x-alpha; name=\"beta.alpha\"\r\n"
				       "Content-Transfer-Encoding: base64\r\n\r\nYWxwaGE=\r\n");
		else
			put_message(out, depth - 1);
		sbuf_puts(out, "\r\n");
	}
	sbuf_printf(out, "--b%u--\r\n", depth);
}

#define BATCH 15

/* So many at once, since each transaction waits for the disk. */
static void
deliver(struct imap_fixture *f)
{
	struct append items[BATCH];
	uint32_t uidvalidity;

	for (unsigned i = 0; i < BATCH; i++) {
		CLEANUP(sbuf_done) struct sbuf raw = SBUF_INIT(1 << 24);
		items[i] = (struct append){.internal_s = 837596665 + random_below(2000000)};
		put_message(&raw, 3);
		ck_assert_ok(spool_new(f->store, &items[i].spool));
		ck_assert_ok(spool_write(items[i].spool, raw.p, raw.n));
	}
	ck_assert_ok(
	    message_append(f->account, imap_fixture_mailbox(f, "Box"), items, BATCH, &uidvalidity));
	for (unsigned i = 0; i < BATCH; i++)
		spool_free(&items[i].spool);
}

/* -- asking both ---------------------------------------------------------------------------- */

/* A string that may be somewhere: words, cut at either end. */
static void
put_needle(struct sbuf *out)
{
	CLEANUP(sbuf_done) struct sbuf words = SBUF_INIT(1 << 20);

	put_words(&words, 1 + random_below(4), true);
	for (size_t i = 0; i < words.n; i++) /* a literal has none */
		words.p[i] = words.p[i] ? words.p[i] : ' ';
	size_t from = random_below((uint32_t)words.n), n = words.n - from;
	if (random_below(3))
		from = 0, n = words.n;
	if (random_below(2))
		n = random_below((uint32_t)n + 1);
	sbuf_printf(out, "{%zu+}\r\n", n);
	sbuf_append(out, words.p + from, n);
}

static void
put_key(struct sbuf *out, unsigned depth)
{
	static const char *const keys[] = {"TEXT ", "TEXT ", "BODY ", "BODY ", "SUBJECT ", "FROM ",
	    "TO ", "CC ", "BCC ", "HEADER X-Foo ", "HEADER x-alpha-beta ", "HEADER Subject ",
	    "HEADER Alpha ", "HEADER {0+}\r\n "};
	static const char *const days[] = {"SENTBEFORE", "SENTON", "SENTSINCE", "BEFORE", "ON"};

	switch (depth ? random_below(9) : 8) {
	case 0:
		sbuf_puts(out, "NOT ");
		put_key(out, depth - 1);
		return;
	case 1:
		sbuf_puts(out, "OR ");
		put_key(out, depth - 1);
		sbuf_puts(out, " ");
		put_key(out, depth - 1);
		return;
	case 2:
		sbuf_puts(out, "(");
		put_key(out, depth - 1);
		sbuf_puts(out, random_below(3) ? " " : " UNSEEN SMALLER 2000 ");
		put_key(out, depth - 1);
		sbuf_puts(out, ")");
		return;
	case 3:
		sbuf_printf(out, "%s %u-Jul-1996", days[random_below(ARRAY_LEN(days))],
		    1 + random_below(28));
		return;
	default:
		sbuf_puts(out, keys[random_below(ARRAY_LEN(keys))]);
		put_needle(out);
	}
}

/* "x SEARCH ", "x SORT (…) UTF-8 ", "x THREAD … UTF-8 " */
static void
put_command(struct sbuf *out)
{
	static const char *const criteria[] = {
	    "ARRIVAL", "CC", "DATE", "DISPLAYFROM", "DISPLAYTO", "FROM", "SIZE", "SUBJECT", "TO"};
	unsigned what = random_below(6);

	if (what == 0) {
		sbuf_printf(out, "x THREAD %s UTF-8 ", random_below(3) ? "REFERENCES" : "REFS");
	} else if (what == 1) {
		sbuf_puts(out, "x UID THREAD ORDEREDSUBJECT UTF-8 ");
	} else if (what == 2) {
		sbuf_puts(out, "x SORT (");
		for (unsigned n = 1 + random_below(3); n > 0; n--)
			sbuf_printf(out, "%s%s%s", random_below(3) ? "" : "REVERSE ",
			    criteria[random_below(ARRAY_LEN(criteria))], n > 1 ? " " : "");
		sbuf_puts(out, ") UTF-8 ");
	} else {
		sbuf_puts(out, "x SEARCH CHARSET UTF-8 ");
	}
	if (what < 3 && random_below(2))
		sbuf_puts(out, "OR ALL ");
}

struct asked {
	unsigned questions;
	unsigned found; /* messages, in all answers */
};

static void
ask_both(struct imap_fixture *f, struct conn *plain, unsigned n, struct asked *ret)
{
	for (unsigned i = 0; i < n; i++) {
		CLEANUP(sbuf_done) struct sbuf q = SBUF_INIT(1 << 20);
		put_command(&q);
		put_key(&q, 3);
		struct str with = imap_fixture_ask(f, f->conn, sbuf_cstr(&q));
		struct str without = imap_fixture_ask(f, plain, sbuf_cstr(&q));
		ck_assert_msg(str_starts(without, STR("* ")), "%s: %.*s", q.p, STR_ARG(without));
		ck_assert_msg(str_eq(with, without), "%s\nwith:    %.*s\nwithout: %.*s", q.p,
		    STR_ARG(with), STR_ARG(without));
		ret->questions++;
		for (size_t k = 8; k < with.n && with.p[k] != '\r'; k++)
			ret->found += with.p[k] == ' ' || with.p[k] == ')';
	}
}

/* Fields that segments keep, and those with one that they do not. */
static void
fetch_both(struct imap_fixture *f, struct conn *plain)
{
	static const char *const commands[] = {
	    "x FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (From To Cc Subject Date Message-ID "
	    "References Content-Type X-Priority)])",
	    "x FETCH 1:* (BODY.PEEK[HEADER.FIELDS (subject)]<3.20>"
	    " BODY.PEEK[HEADER.FIELDS (Subject from)])",
	    "x FETCH 1:* BODY.PEEK[HEADER.FIELDS (Subject MIME-Version)]",
	    "x FETCH 1:* (RFC822.SIZE BODY.PEEK[HEADER.FIELDS.NOT (Subject)])",
	};

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		struct str with = imap_fixture_ask(f, f->conn, commands[i]);
		struct str without = imap_fixture_ask(f, plain, commands[i]);
		ck_assert_msg(str_starts(without, STR("* ")), "%.*s", STR_ARG(without));
		ck_assert_msg(str_eq(with, without), "%s\nwith:    %.*s\nwithout: %.*s",
		    commands[i], STR_ARG(with), STR_ARG(without));
	}
}

static void
ck_segments(struct imap_fixture *f, struct indexer *ix, size_t least, size_t most)
{
	CLEANUP(segments_unref) struct segments *set = NULL;

	ck_assert_ok(indexer_segments(ix, f->account, &set));
	ck_assert_uint_ge(segments_count(set), least);
	ck_assert_uint_le(segments_count(set), most);
}

static void
run(uint64_t first_seed)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:0", "Copies:0");
	struct indexer *ix = NULL;
	struct asked asked = {0, 0};

	seed = first_seed;
	ck_assert_ok(indexer_start(&ix));
	struct conn *plain = imap_fixture_connect(f);
	f->session->indexer = ix;
	ck_exchange(f, "1 SELECT Box", "1 OK");
	ck_exchange_on(plain, "1 SELECT Box", "1 OK");
	for (unsigned round = 0; round < 6; round++) {
		deliver(f);
		ck_exchange(f, "2 NOOP", "2 OK");
		ck_exchange_on(plain, "2 NOOP", "2 OK");
		ask_both(f, plain, 30, &asked); /* the last ones are not covered */
		ck_assert_ok(indexer_catch_up(ix, f->account));
		ck_segments(f, ix, 1, INDEX_FANOUT);
		ask_both(f, plain, 40, &asked);
		fetch_both(f, plain);
	}
	/* what is expunged is no longer found, and what is copied is */
	ck_exchange(f, "3 STORE 3,7:9,40 +FLAGS.SILENT (\\Deleted)", "3 OK");
	ck_exchange(f, "4 COPY 1:20 Copies", "4 OK");
	ck_exchange(f, "5 EXPUNGE", "5 OK");
	ck_exchange(f, "6 COPY 30:50 Copies", "6 OK");
	ck_exchange_on(plain, "6 NOOP", "6 OK");
	ask_both(f, plain, 30, &asked);
	ck_exchange(f, "7 SELECT Copies", "7 OK");
	ck_exchange_on(plain, "7 SELECT Copies", "7 OK");
	ask_both(f, plain, 30, &asked);
	deliver(f);
	ck_assert_ok(indexer_catch_up(ix, f->account));
	ask_both(f, plain, 30, &asked);
	/* nor is anything else when segments are rewritten without what is gone */
	ck_exchange(f, "8 SELECT Box", "8 OK");
	ck_exchange(f, "9 STORE 25:80 +FLAGS.SILENT (\\Deleted)", "9 OK");
	ck_exchange(f, "10 EXPUNGE", "10 OK");
	ck_exchange_on(plain, "10 SELECT Box", "10 OK");
	ck_assert_ok(account_clean(f->account));
	ck_assert_ok(indexer_catch_up(ix, f->account));
	ask_both(f, plain, 40, &asked);
	fetch_both(f, plain);
	ck_assert_uint_gt(asked.found, asked.questions);
	imap_fixture_drop(f);
	ck_exchange(f, "11 CLOSE", "11 OK");
	f->session->indexer = NULL;
	indexer_stop(&ix);
}

START_TEST(an_index_changes_no_answer)
{
	for (uint64_t i = 1; i <= 3; i++)
		run(i);
}
END_TEST

START_TEST(without_an_index_messages_are_read)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open_with(
	    (const char *const[]){"Box:2", NULL}, "imapd { search_index = no }\n");

	ck_exchange(f, "1 SELECT Box", "1 OK");
	ck_exchange(f, "2 SEARCH TEXT quetzalcoatl", "* SEARCH\n2 OK");
	ck_exchange(f, "3 SORT (SUBJECT) UTF-8 NOT BODY quetzalcoatl", "* SORT #\n3 OK");
}
END_TEST

TEST_MAIN("search_index", an_index_changes_no_answer, without_an_index_messages_are_read)
