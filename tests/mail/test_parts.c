#include "common/mail/message_index.h"
#include "common/mail/parts.h"
#include "tests/support/test.h"

/* A message of: 1 text, 2 message/rfc822 of a multipart of two, 3 multipart of (1 message/rfc822 of
 * a single text). */
static const char message[] =
    "Content-Type: multipart/mixed; boundary=a\r\n\r\n"
    "--a\r\n\r\none\r\n"
    "--a\r\nContent-Type: message/rfc822\r\n\r\n"
    "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\ntwo.1\r\n"
    "--b\r\nContent-Type: text/html; charset=Latin1\r\nContent-Transfer-Encoding: "
    "base64\r\n\r\ntwo.2\r\n--b--\r\n"
    "--a\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
    "--c\r\nContent-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\nthree.1.1\r\n--c--\r\n"
    "--a--\r\n";

static struct index_builder *
build(const char *text, struct arena *arena, struct part_table *t, struct message_index *index)
{
	struct index_builder *b = index_builder_new();

	index_builder_feed(b, text, strlen(text));
	ck_assert_ok(index_builder_finish(b, index));
	ck_assert_ok(parts_decode(index->parts, arena, t));
	return b;
}

/* "2.1" to numbers. */
static size_t
path_of(const char *text, uint32_t *path)
{
	struct str rest = str_of(text);
	struct str word;
	size_t n = 0;

	while (rest.n && str_split(&rest, '.', &word))
		ck_assert(str_to_u32(word, &path[n++]));
	return n;
}

START_TEST(sections_name_parts)
{
	static const struct {
		const char *path;
		const char *body; /* what it starts with; NULL: no such part */
	} rows[] = {
	    {"", "--a\r\n"},
	    {"1", "one"},
	    {"2", "Content-Type: multipart/alt"},
	    {"2.1", "two.1"},
	    {"2.2", "two.2"},
	    {"3", "--c\r\n"},
	    {"3.1", "Subject: s"},
	    {"3.1.1", "three.1.1"},
	    {"1.1", NULL},
	    {"2.3", NULL},
	    {"2.1.1", NULL},
	    {"3.1.2", NULL},
	    {"3.1.1.1", NULL},
	    {"0", NULL},
	    {"4", NULL},
	};
	CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
	struct message_index index;
	struct part_table t;
	CLEANUP(index_builder_free) struct index_builder *b = build(message, arena, &t, &index);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t path[8];
		const struct part *p = parts_find(&t, path, path_of(rows[i].path, path));
		ck_assert_msg(!p == !rows[i].body, "%s", rows[i].path);
		if (p)
			ck_assert_msg(
			    str_starts(str_of(message + p->body_at), str_of(rows[i].body)), "%s",
			    rows[i].path);
	}
	uint32_t html[] = {2, 2};
	const struct part *p = parts_find(&t, html, 2);
	ck_assert_str_is(p->charset, "latin1");
	ck_assert_int_eq(p->encoding, PART_BASE64);
	ck_assert_uint_eq(p->body_size, 5);
	uint32_t two = 2;
	const struct part *inner = parts_embedded(&t, parts_find(&t, &two, 1));
	ck_assert_int_eq(inner->kind, PART_MULTIPART);
	ck_assert_ptr_null(parts_embedded(&t, p));
}
END_TEST

START_TEST(part_one_of_a_message_without_parts_is_its_body)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
	struct message_index index;
	struct part_table t;
	uint32_t path[] = {1, 1, 1};
	CLEANUP(index_builder_free)
	struct index_builder *b = build("Subject: s\r\n\r\nbody", arena, &t, &index);

	ck_assert_ptr_eq(parts_find(&t, path, 1), t.parts);
	ck_assert_ptr_null(parts_find(&t, path, 2));

	CLEANUP(index_builder_free)
	struct index_builder *c =
	    build("Content-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\nbody", arena, &t, &index);
	ck_assert_ptr_eq(parts_find(&t, path, 1), t.parts);
	ck_assert_ptr_eq(parts_find(&t, path, 2), t.parts + 1);
	ck_assert_ptr_null(parts_find(&t, path, 3));
}
END_TEST

START_TEST(damaged_tables_are_refused)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(64 << 20);
	CLEANUP(arena_free) struct arena *scratch = arena_new(64 << 20);
	struct message_index index;
	struct part_table t;
	struct part_table again;
	CLEANUP(index_builder_free) struct index_builder *b = build(message, arena, &t, &index);

	for (size_t n = 0; n < index.parts.n; n++)
		ck_assert_int_eq(
		    parts_decode(test_guarded(str_sub(index.parts, 0, n)), scratch, &again),
		    ERR_CORRUPT);
	ck_assert_int_eq(parts_decode(STR("\1\1\0\1\40\0\4\5\0x"), scratch, &again), ERR_CORRUPT);
	ck_assert_ok(parts_decode(STR("\1\1\0\1\40\0\4\5\0"), scratch, &again));
	static const char *const bad[] = {
	    "\1\1\1\1\40\0\4\5\0", /* its own parent */
	    "\2\1\0\1\40\0\4\5\0", /* another format */
	    "\1\0", /* no part */
	    "\1\1\0\0\40\0\4\5\0", /* number 0 */
	    "\1\1\0\1\43\0\4\5\0", /* kind 3 */
	    "\1\1\0\1\70\0\4\5\0", /* encoding 6 */
	    "\1\2\0\1\40\0\4\5\0\1\1\40\0\4\5\0", /* a leaf as parent */
	    "\1\377\377\377\377\7\0\1\40\0\4\5\0", /* more parts than octets */
	    "\1\1\0\1\40\0\377\377\377\377\377\377\377\377\377\1\5\0",
	};
	static const size_t sizes[] = {9, 9, 2, 9, 9, 9, 16, 13, 18};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(parts_decode(test_guarded(str_make(bad[i], sizes[i])), scratch,
				  &again) == ERR_CORRUPT,
		    "%zu", i);
	CLEANUP(arena_free) struct arena *full = arena_new(16);
	ck_assert_int_eq(parts_decode(index.parts, full, &again), ERR_NOMEM);
}
END_TEST

/* RFC 3501 §7.4.2: BODY has no extension data. */
START_TEST(body_is_bodystructure_without_extensions)
{
	static const struct {
		const char *bodystructure;
		const char *body; /* NULL: refused */
	} rows[] = {
	    {"(\"text\" \"plain\" NIL NIL NIL \"7bit\" 5 1 NIL NIL NIL NIL)",
		"(\"text\" \"plain\" NIL NIL NIL \"7bit\" 5 1)"},
	    {"(\"a\" \"b\" (\"c\" {3}\r\n)( ) \"(\\\"\" NIL \"7bit\" 5 NIL (\"x\" NIL) (\"e\" "
	     "\"d\") "
	     "NIL)",
		"(\"a\" \"b\" (\"c\" {3}\r\n)( ) \"(\\\"\" NIL \"7bit\" 5)"},
	    {"((\"a\" \"b\" NIL NIL NIL \"7bit\" 5 NIL NIL NIL NIL)(\"a\" \"b\" NIL NIL NIL "
	     "\"7bit\" "
	     "5 NIL NIL NIL NIL) \"mixed\" (\"boundary\" \"x\") NIL NIL NIL)",
		"((\"a\" \"b\" NIL NIL NIL \"7bit\" 5)(\"a\" \"b\" NIL NIL NIL \"7bit\" 5) "
		"\"mixed\")"},
	    {"(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 5 (NIL ((NIL))) (\"a\" \"b\" NIL NIL "
	     "NIL "
	     "\"7bit\" 5 NIL) 1 NIL)",
		"(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 5 (NIL ((NIL))) (\"a\" \"b\" NIL NIL "
		"NIL \"7bit\" 5) 1)"},
	    {"", NULL},
	    {"(", NULL},
	    {"()", NULL},
	    {"NIL", NULL},
	    {"(\"text\" \"plain\" NIL NIL NIL \"7bit\" 5)", NULL},
	    {"(\"a\" \"b\" NIL NIL NIL \"7bit\" 5", NULL},
	    {"(\"a\" \"b\" NIL NIL NIL \"7bit\" 5) ", NULL},
	    {"(\"a\" \"b\" NIL NIL NIL {9}\r\n7bit", NULL},
	    {"(\"a\" \"b\" NIL NIL NIL \"7bit 5)", NULL},
	    {"(\"a\" \"b\" (NIL NIL NIL \"7bit\" 5)", NULL},
	    {"(\"a\" \"b\" NIL NIL NIL \"7bit\" \"", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(10000);
		enum err e = bodystructure_as(
		    test_guarded(str_of(rows[i].bodystructure)), true, false, &out);
		ck_assert_msg(
		    e == (rows[i].body ? ERR_OK : ERR_CORRUPT), "%s", rows[i].bodystructure);
		if (rows[i].body)
			ck_assert_str_is(sbuf_view(&out), rows[i].body);
	}
	CLEANUP(sbuf_done) struct sbuf deep = SBUF_INIT(1 << 20);
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1 << 20);
	for (int i = 0; i < 100000; i++)
		sbuf_putc(&deep, '(');
	ck_assert_int_eq(bodystructure_as(sbuf_view(&deep), true, false, &out), ERR_CORRUPT);
}
END_TEST

/* RFC 9051 §7.5.2, §9 (media-message), RFC 9755 §6: message/global is a message to IMAP4rev2 and a
 * part like others to IMAP4rev1, and so is what was stored before it was looked into. Parameters
 * that look like one are none. */
START_TEST(message_global_reads_as_the_version_has_it)
{
#define FIELDS " NIL NIL NIL \"8bit\" 5"
#define ENVELOPE " (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL)"
#define TEXT "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 0 NIL NIL NIL NIL)"
#define GLOBAL "\"message\" \"global\""
	static const struct {
		const char *stored, *rev1, *rev2;
	} rows[] = {
	    {"(" GLOBAL FIELDS ENVELOPE " " TEXT " 2 NIL NIL NIL NIL)",
		"(" GLOBAL FIELDS " NIL NIL NIL NIL)",
		"(" GLOBAL FIELDS ENVELOPE " " TEXT " 2 NIL NIL NIL NIL)"},
	    {"(\"Message\" \"GLOBAL\"" FIELDS " NIL NIL NIL NIL)",
		"(\"Message\" \"GLOBAL\"" FIELDS " NIL NIL NIL NIL)",
		"(\"application\" \"octet-stream\"" FIELDS " NIL NIL NIL NIL)"},
	    {"(" TEXT "(" GLOBAL FIELDS ENVELOPE " (" TEXT "(" GLOBAL FIELDS
	     " NIL NIL NIL NIL) \"mixed\" NIL NIL NIL NIL) 2 NIL NIL NIL NIL)" TEXT
	     " \"mixed\" NIL NIL NIL NIL)",
		"(" TEXT "(" GLOBAL FIELDS " NIL NIL NIL NIL)" TEXT " \"mixed\" NIL NIL NIL NIL)",
		"(" TEXT "(" GLOBAL FIELDS ENVELOPE " (" TEXT
		"(\"application\" \"octet-stream\"" FIELDS
		" NIL NIL NIL NIL) \"mixed\" NIL NIL NIL NIL) 2 NIL NIL NIL NIL)" TEXT
		" \"mixed\" NIL NIL NIL NIL)"},
	    {"(\"a\" \"b\" (" GLOBAL ") NIL NIL \"7bit\" 5 NIL (" GLOBAL " (NIL)) NIL NIL)",
		"(\"a\" \"b\" (" GLOBAL ") NIL NIL \"7bit\" 5 NIL (" GLOBAL " (NIL)) NIL NIL)",
		"(\"a\" \"b\" (" GLOBAL ") NIL NIL \"7bit\" 5 NIL (" GLOBAL " (NIL)) NIL NIL)"},
	    {"(" GLOBAL FIELDS ENVELOPE ")", NULL, NULL},
	    {"(" GLOBAL " NIL NIL)", NULL, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int rev2 = 0; rev2 < 2; rev2++) {
			CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(10000);
			const char *expect = rev2 ? rows[i].rev2 : rows[i].rev1;
			struct str stored = test_guarded(str_of(rows[i].stored));
			enum err e = bodystructure_as(stored, rev2, true, &out);
			ck_assert(bodystructure_differs(stored));
			ck_assert_msg(e == (expect ? ERR_OK : ERR_CORRUPT), "row %zu", i);
			if (expect)
				ck_assert_str_is(sbuf_view(&out), expect);
		}
}
END_TEST

TEST_MAIN("parts", sections_name_parts, part_one_of_a_message_without_parts_is_its_body,
    damaged_tables_are_refused, body_is_bodystructure_without_extensions,
    message_global_reads_as_the_version_has_it)
