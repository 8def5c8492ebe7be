/* Messages re-encoded for servers that take less. */
#include "smtpd/outbound/cte_writer.h"
#include "smtpd/outbound/downgrade.h"

#include "common/mail/codec.h"
#include "tests/support/test.h"

#define OUT_MAX (32u * 1024 * 1024)

struct text_content {
	struct content content;
	struct str text;
	size_t piece; /* at most so many octets at once */
};

static enum err
read_text(struct content *c, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	struct text_content *t = (struct text_content *)c;
	struct str rest = str_skip(t->text, offset);

	if (n > t->piece)
		n = t->piece;
	*ret_n = rest.n < n ? rest.n : n;
	memcpy(to, rest.p, *ret_n);
	return ERR_OK;
}

static enum err
to_sbuf(void *arg, struct str octets)
{
	sbuf_put(arg, octets);
	return sbuf_error(arg);
}

static enum err
run(struct str text, enum content_form form, size_t piece, struct sbuf *out)
{
	struct text_content t = {
	    .content = {.size = text.n, .read = read_text}, .text = text, .piece = piece};

	return downgrade_write(&t.content, form, to_sbuf, out);
}

struct row {
	enum content_form form;
	const char *in; /* LF stands for CRLF, 0x01 for NUL */
	const char *out;
};

static struct str
wire(const char *text, struct sbuf *out)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\n')
			sbuf_putc(out, '\r');
		sbuf_putc(out, *p == '\x01' ? '\0' : *p);
	}
	return sbuf_view(out);
}

#define MULTI "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"

static const struct row rows[] = {
    /* fit already: not an octet changes */
    {CONTENT_7BIT, "Subject: x\n\nplain\n", "Subject: x\n\nplain\n"},
    {CONTENT_8BIT, "Subject: x\n\ngr\xc3\xbc\xc3\x9f\n", "Subject: x\n\ngr\xc3\xbc\xc3\x9f\n"},
    {CONTENT_7BIT,
	MULTI "\npreamble\n--b\nContent-Transfer-Encoding: base64\n\nw7w=\n--b--\nepilogue\n",
	MULTI "\npreamble\n--b\nContent-Transfer-Encoding: base64\n\nw7w=\n--b--\nepilogue\n"},
    /* text that is mostly ASCII becomes quoted-printable */
    {CONTENT_7BIT,
	"Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
	"Content-Transfer-Encoding: 8bit\nX-More: y\n\n1+1=2, gr\xc3\xbc\xc3\x9f"
	"e \n\n.\n",
	"Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nX-More: y\n"
	"Content-Transfer-Encoding: quoted-printable\n\n1+1=3D2, gr=C3=BC=C3=9Fe=20\n\n.\n"},
    /* and other text base64 */
    {CONTENT_7BIT,
	"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n\xc3\xbc\xc3\xbc\xc3\xbc\n",
	"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
	"Content-Transfer-Encoding: base64\n\nw7zDvMO8DQo=\n"},
    /* RFC 1428 §3: nobody said what it is */
    {CONTENT_7BIT, "Subject: x\n\n1234567890 \xe4\n",
	"Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=unknown-8bit\n"
	"Content-Transfer-Encoding: quoted-printable\n\n1234567890 =E4\n"},
    /* only the parts that need it; labels say what is true (RFC 2045 §6.4) */
    {CONTENT_7BIT,
	"Content-Transfer-Encoding: 8bit\n" MULTI "\npre\xe4\n--b\n"
	"Content-Transfer-Encoding: 8bit\n\nascii\n--b\nContent-Type: image/png\n"
	"Content-Transfer-Encoding: binary\n\n\xff\xfe\xfd\n--b--\nend\xe4\n",
	MULTI "Content-Transfer-Encoding: 7bit\n\npre?\n--b\n"
	      "Content-Transfer-Encoding: 7bit\n\nascii\n--b\nContent-Type: image/png\n"
	      "Content-Transfer-Encoding: base64\n\n//79\n--b--\nend?\n"},
    {CONTENT_8BIT,
	"Content-Transfer-Encoding: binary\n" MULTI "\n--b\nContent-Transfer-Encoding: binary\n\n"
	"\xc3\xbc\n--b\nContent-Type: image/png\nContent-Transfer-Encoding: binary\n\na\rb\n"
	"--b--\n",
	MULTI "Content-Transfer-Encoding: 8bit\n\n--b\nContent-Transfer-Encoding: 8bit\n\n"
	      "\xc3\xbc\n--b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\nYQ1i\n"
	      "--b--\n"},
    /* a message within, whose own header says nothing of MIME */
    {CONTENT_7BIT,
	MULTI "\n--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n"
	      "Subject: in\n\n123456789 \xc3\xbc\n--b--\n",
	MULTI "\n--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\n\n"
	      "Subject: in\nMIME-Version: 1.0\nContent-Type: text/plain; charset=unknown-8bit\n"
	      "Content-Transfer-Encoding: quoted-printable\n\n123456789 =C3=BC\n--b--\n"},
    /* what claims an encoding and breaks it */
    {CONTENT_7BIT,
	"MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: "
	"quoted-printable\n\na=20\xe4\n",
	"MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: "
	"quoted-printable\n\na=20=E4\n"},
    /* signed parts that need no change stay */
    {CONTENT_7BIT,
	"MIME-Version: 1.0\nContent-Type: multipart/signed; "
	"boundary=b\n\n--b\n\nx\n--b\n\ny\n--b--\n",
	"MIME-Version: 1.0\nContent-Type: multipart/signed; boundary=b\n\n--b\n\nx\n--b\n\ny\n"
	"--b--\n"},
    /* RFC 5321 §2.3.8, RFC 5322 §4: NUL is sent nowhere but in chunks; leaving it out would make
     * fields, delimiters and line ends of what is none */
    {CONTENT_8BIT,
	"Fr\1om: x\nSubject: a\1b\n" MULTI "\npre\1\n\1--b\n--b\nX: \1\n"
	"Content-Transfer-Encoding: quoted-printable\n\na=20\xe4\1=\nb\n--b\n"
	"Content-Transfer-Encoding: base64\n\nw7\1w=\n--b\nContent-Transfer-Encoding: x-uue\n\n"
	"#\1\n--b\n\nplain\n--b\n\n\1\n--b--\nend\1\n",
	"Fr?om: x\nSubject: a?b\n" MULTI "\npre?\n?--b\n--b\nX: ?\n"
	"Content-Transfer-Encoding: quoted-printable\n\na=20=E4=00=\nb\n--b\n"
	"Content-Transfer-Encoding: base64\n\nw7?w=\n--b\nContent-Transfer-Encoding: x-uue\n\n"
	"#?\n--b\n\nplain\n--b\nContent-Transfer-Encoding: base64\n\nAA==\n--b--\nend?\n"},
    {CONTENT_7BIT, "X: \1\xe4\nMIME-Version: 1.0\n\n\1\n",
	"X: ?\xe4\nMIME-Version: 1.0\nContent-Type: text/plain; charset=unknown-8bit\n"
	"Content-Transfer-Encoding: base64\n\nAA0K\n"},
};

START_TEST(parts_that_a_server_does_not_take_are_encoded_and_nothing_else)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static const size_t pieces[] = {1, 7, 100000};
		for (size_t k = 0; k < ARRAY_LEN(pieces); k++) {
			CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(OUT_MAX);
			CLEANUP(sbuf_done) struct sbuf want = SBUF_INIT(OUT_MAX);
			CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(OUT_MAX);
			ck_assert_ok(run(wire(rows[i].in, &in), rows[i].form, pieces[k], &out));
			wire(rows[i].out, &want);
			ck_assert_msg(str_eq(sbuf_view(&out), sbuf_view(&want)),
			    "row %zu by %zu:\n%s\nexpected:\n%s", i, pieces[k], sbuf_cstr(&out),
			    sbuf_cstr(&want));
		}
	}
}
END_TEST

START_TEST(a_signature_is_not_broken)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(OUT_MAX);
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(OUT_MAX);

	wire("MIME-Version: 1.0\nContent-Type: multipart/signed; boundary=b\n\n--b\n\n\xc3\xbc\n"
	     "--b\n\ny\n--b--\n",
	    &in);
	ck_assert_int_eq(run(sbuf_view(&in), CONTENT_7BIT, 100, &out), ERR_CANNOT);
	ck_assert_ok(run(sbuf_view(&in), CONTENT_8BIT, 100, &out));
}
END_TEST

/* Whatever its sender said that it is: only then is it converted (RFC 3030 §3). */
START_TEST(a_message_with_nul_is_binary_wherever_it_stands)
{
	static const char *const texts[] = {
	    "X: \1\n\nx\n", "X: y\n\n\1", "X: y\n\n" MULTI "--b\n\1\n--b--\n"};
	const struct queue_message m = {.body = QUEUE_8BITMIME};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(OUT_MAX);
		struct text_content t = {.text = wire(texts[i], &in), .piece = 3};
		t.content = (struct content){.size = t.text.n, .read = read_text};
		ck_assert_ok(content_look(&t.content, &m));
		ck_assert_int_eq(t.content.form, CONTENT_BINARY);
	}
}
END_TEST

/* What comes out of random octets is fit, and decodes to what went in. */
START_TEST(any_octets_come_back_from_both_encodings)
{
	unsigned seed = 7;

	for (int round = 0; round < 400; round++) {
		static char text[3000];
		size_t n = (size_t)rand_r(&seed) % sizeof(text);
		bool lines = round % 2;
		for (size_t i = 0; i < n; i++) {
			static const char some[] = "\r\n =.\tab\xc3\xbc";
			text[i] = rand_r(&seed) % 3 ? some[(size_t)rand_r(&seed) % 10]
						    : (char)rand_r(&seed);
		}
		for (int how = CTE_QP; how <= CTE_BASE64; how++) {
			CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(OUT_MAX);
			CLEANUP(sbuf_done) struct sbuf back = SBUF_INIT(OUT_MAX);
			struct cte_writer w;
			struct decoder d;
			cte_begin(&w, (enum cte)how);
			for (size_t at = 0, step; at < n; at += step) {
				step = lines ? 1 : (size_t)rand_r(&seed) % 200 + 1;
				cte_feed(&w, str_sub(str_make(text, n), at, step), &out);
			}
			cte_end(&w, &out);
			struct str rest = sbuf_view(&out), line;
			ck_assert(str_is_ascii(rest));
			while (str_split(&rest, '\n', &line))
				ck_assert_uint_le(line.n, CTE_LINE + 1);
			decoder_init(&d, how == CTE_QP ? PART_QP : PART_BASE64);
			decoder_feed(&d, sbuf_view(&out), &back);
			decoder_finish(&d, &back);
			if (how == CTE_BASE64)
				ck_assert(str_eq(sbuf_view(&back), str_make(text, n)));
			else
				ck_assert_msg(
				    str_eq(sbuf_view(&back), str_make(text, n)), "round %d", round);
		}
	}
}
END_TEST

START_TEST(a_long_message_passes_in_bounded_memory)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(OUT_MAX);
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(OUT_MAX);

	sbuf_puts(&in, "MIME-Version: 1.0\r\nContent-Type: application/x-y\r\n\r\n");
	size_t header = in.n;
	for (int i = 0; i < 3 * 1024 * 1024; i++)
		sbuf_putc(&in, (char)(i * 7));
	ck_assert_ok(run(sbuf_view(&in), CONTENT_7BIT, 100000, &out));
	ck_assert(str_is_ascii(sbuf_view(&out)));
	ck_assert_uint_ge(out.n, (in.n - header) / 3 * 4);
}
END_TEST

TEST_MAIN("downgrade", parts_that_a_server_does_not_take_are_encoded_and_nothing_else,
    a_signature_is_not_broken, a_message_with_nul_is_binary_wherever_it_stands,
    any_octets_come_back_from_both_encodings, a_long_message_passes_in_bounded_memory)
