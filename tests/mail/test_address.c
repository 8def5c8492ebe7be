#include "common/base/sbuf.h"
#include "common/mail/address.h"
#include "tests/support/test.h"

static void
put(struct sbuf *out, const char *before, struct str s)
{
	sbuf_puts(out, before);
	if (s.p)
		sbuf_put(out, s);
	else
		sbuf_putc(out, '-');
}

/* Each entry as "name|route|mailbox|host", "-" for NIL. */
static void
describe(const char *text, struct sbuf *out)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);

	for (struct address *a = address_parse_list(test_guarded(str_of(text)), arena); a;
	     a = a->next) {
		put(out, out->n ? " ; " : "", a->name);
		put(out, "|", a->route);
		put(out, "|", a->mailbox);
		put(out, "|", a->host);
	}
	ck_assert(!arena_failed(arena));
}

static const struct {
	const char *text;
	const char *list;
} rows[] = {
    /* RFC 5322 §3.4 and its appendix A */
    {"", ""},
    {" \r\n ", ""},
    {"john@x.org", "-|-|john|x.org"},
    {"John Doe <jdoe@machine.example>", "John Doe|-|jdoe|machine.example"},
    {"\"Joe Q. Public\" <john.q.public@example.com>", "Joe Q. Public|-|john.q.public|example.com"},
    {"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	"Mary Smith|-|mary|x.test ; -|-|jdoe|example.org ; Who?|-|one|y.test"},
    {"<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
	"-|-|boss|nil.test ; Giant; \"Big\" Box|-|sysservices|example.net"},
    {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
	"-|-|A Group|- ; Ed Jones|-|c|a.test ; -|-|joe|where.test ; John|-|jdoe|one.test ; "
	"-|-|-|-"},
    {"Undisclosed recipients:;", "-|-|Undisclosed recipients|- ; -|-|-|-"},
    {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete|-|pete|silly.test"},
    {"A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
     "     joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
	"-|-|A Group|- ; Chris Jones|-|c|public.example ; -|-|joe|example.org ; "
	"John|-|jdoe|one.test ; -|-|-|-"},
    {"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
	"-|-|Hidden recipients|- ; -|-|-|-"},
    /* §4.4 */
    {"Joe Q. Public <john.q.public@example.com>", "Joe Q. Public|-|john.q.public|example.com"},
    {"Mary Smith <@node.test,@b.test:mary@example.net>, , jdoe@test  . example",
	"Mary Smith|@node.test,@b.test|mary|example.net ; -|-|jdoe|test.example"},
    {"a . b @ c . d", "-|-|a.b|c.d"},
    {",,a@b,,", "-|-|a|b"},
    /* names in comments */
    {"ann@x (Ann (the) \\(only\\))", "Ann (the) (only)|-|ann|x"},
    {"(Ann) ann@x", "Ann|-|ann|x"},
    {"Ann <ann@x> (other)", "Ann|-|ann|x"},
    /* quoted local parts, literals */
    {"\"a b\"@x, \"c@d\"@e", "-|-|a b|x ; -|-|c@d|e"},
    {"a@[1.2.3.4], b@[IPv6:::1]", "-|-|a|[1.2.3.4] ; -|-|b|[IPv6:::1]"},
    /* words stay encoded; 8-bit stays */
    {"=?utf-8?Q?J=C3=BCrgen?= <j@x>", "=?utf-8?Q?J=C3=BCrgen?=|-|j|x"},
    {"J\xc3\xbcrgen <j\xc3\xbc@x>", "J\xc3\xbcrgen|-|j\xc3\xbc|x"},
    /* broken, yet sent */
    {"undisclosed", "-|-|undisclosed|"},
    {"Ann Bee", "-|-|Ann Bee|"},
    {"<ann>", "-|-|ann|"},
    {"Ann <>", "Ann|-||"},
    {"ann@", "-|-|ann|"},
    {"@x", "-|-||x"},
    {"a@b@c", "-|-|a@b|c"},
    {"ann@x <ann@x>", "ann@x|-|ann|x"},
    {"Ann Bee ann@x", "Ann Bee|-|ann|x"},
    {"ann@x Ann", "-|-|ann|x"},
    {"Ann <ann@x", "Ann|-|ann|x"},
    {"<a@b, c@d>", "-|-|a|b ; -|-|c|d"},
    {"<a@b> <c@d>", "-|-|a|b ; -|-|c|d"},
    {"<a@b> x \"y, z\" w, c@d", "-|-|a|b ; -|-|c|d"},
    {"a@b; c@d", "-|-|a|b ; -|-|c|d"},
    {"\"open <a@b>", "-|-|open <a@b>|"},
    {"a@b (open", "open|-|a|b"},
    {"G: a@b", "-|-|G|- ; -|-|a|b ; -|-|-|-"},
    {"G: H: a@b;;", "-|-|G|- ; H:|-|a|b ; -|-|-|-"},
    {"a@[open", "-|-|a|[open"},
    {"\"\" <a@b>", "-|-|a|b"},
    {"()", ""},
    {"\\", "-|-|\\|"},
    {"\"a\\", "-|-|a\\|"},
    {"(\\", ""},
};

START_TEST(addresses_are_read_as_they_are_written)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf got = SBUF_INIT(10000);
		describe(rows[i].text, &got);
		ck_assert_msg(str_eq(sbuf_view(&got), str_of(rows[i].list)),
		    "%s\n  got %s\n want %s", rows[i].text, sbuf_cstr(&got), rows[i].list);
	}
}
END_TEST

START_TEST(more_addresses_than_the_limit_are_left_out)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(1 << 20);
	CLEANUP(arena_free) struct arena *arena = arena_new(64 << 20);
	size_t n = 0;

	for (int i = 0; i < ADDRESS_MAX + 5; i++)
		sbuf_puts(&text, "a@b,");
	for (struct address *a = address_parse_list(sbuf_view(&text), arena); a; a = a->next)
		n++;
	ck_assert_uint_eq(n, ADDRESS_MAX);
}
END_TEST

START_TEST(without_memory_there_is_no_list)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(0);

	ck_assert_ptr_null(address_parse_list(STR("a@b"), arena));
	ck_assert(arena_failed(arena));
}
END_TEST

TEST_MAIN("address", addresses_are_read_as_they_are_written,
    more_addresses_than_the_limit_are_left_out, without_memory_there_is_no_list)
