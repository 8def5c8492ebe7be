/* Questions to the DNS: names, records in wire form (RFC 1035), the bounds of asking. Real answers:
 * tests/interop/t_dns.sh. */
#include "common/dns/dns.h"

#include "common/dns/dns_private.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static const struct {
	const char *text;
	const char *name; /* NULL: none */
} names[] = {
    {"Example.ORG", "example.org"},
    {"example.org.", "example.org"},
    {"_25._tcp.mx.example.org", "_25._tcp.mx.example.org"},
    {"b\u00fccher.example", "xn--bcher-kva.example"},
    {"org", "org"},
    {"", NULL},
    {".", NULL},
    {"a..b", NULL},
    {".a", NULL},
    {"a b", NULL},
    {"a\\.b", NULL},
    {"a@b", NULL},
    {"\xff.example", NULL},
    {"123456789012345678901234567890123456789012345678901234567890123.a",
	"123456789012345678901234567890123456789012345678901234567890123.a"},
    {"1234567890123456789012345678901234567890123456789012345678901234.a", NULL},
};

START_TEST(names_are_brought_into_the_form_of_the_dns)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(1 << 16);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct str got = {NULL, 0};
		enum err e = dns_name_from_text(test_guarded(str_of(names[i].text)), arena, &got);
		ck_assert_msg(e == (names[i].name ? ERR_OK : ERR_SYNTAX), "%s", names[i].text);
		if (names[i].name)
			ck_assert_str_is(got, names[i].name);
	}
}
END_TEST

#define NAME "\2mx\7Example\3org\0"

static const struct {
	enum dns_type type;
	struct str rdata;
	const char *name, *data; /* both NULL: not right */
	uint16_t preference;
} wire[] = {
    {DNS_MX, STR("\0\12" NAME), "mx.example.org", "", 10},
    {DNS_MX, STR("\377\377" NAME), "mx.example.org", "", 65535},
    {DNS_MX, STR("\0\0\0"), "", "", 0}, /* RFC 7505 */
    {DNS_MX, STR("\0\12"), NULL, NULL, 0},
    {DNS_MX, STR("\0"), NULL, NULL, 0},
    {DNS_MX, STR("\0\12\2mx"), NULL, NULL, 0},
    {DNS_MX, STR("\0\12\7mx\0"), NULL, NULL, 0},
    {DNS_MX, STR("\0\12" NAME "x"), NULL, NULL, 0},
    {DNS_MX, STR("\0\12\300\14"), NULL, NULL, 0}, /* compressed */
    {DNS_MX, STR("\0\12\3a.b\0"), NULL, NULL, 0}, /* a dot in a label */
    {DNS_MX, STR("\0\12\3a\0b\0"), NULL, NULL, 0},
    {DNS_PTR, STR(NAME), "mx.example.org", "", 0},
    {DNS_CNAME, STR(NAME), "mx.example.org", "", 0},
    {DNS_CNAME, STR(""), NULL, NULL, 0},
    {DNS_A, STR("\300\0\2\1"), "", "\300\1", 0},
    {DNS_A, STR("\300\0\2"), NULL, NULL, 0},
    {DNS_AAAA, STR("\300\0\2\1"), NULL, NULL, 0},
    {DNS_TXT, STR("\3v=s\4pf1 "), "", "v=spf1 ", 0},
    {DNS_TXT, STR("\0"), "", "", 0},
    {DNS_TXT, STR(""), NULL, NULL, 0},
    {DNS_TXT, STR("\5abc"), NULL, NULL, 0},
    {DNS_TLSA, STR("\3\1"), NULL, NULL, 0},
    {DNS_TLSA, STR("\3\1\1"), "", "\3\1\1", 0},
};

START_TEST(records_are_read_or_left_out)
{
	for (size_t i = 0; i < ARRAY_LEN(wire); i++) {
		CLEANUP(arena_free) struct arena *arena = arena_new(1 << 16);
		struct dns_record r;
		bool ok = dns_parse_record(wire[i].type, test_guarded(wire[i].rdata), arena, &r);
		ck_assert_msg(ok == (wire[i].name != NULL), "row %zu", i);
		if (!ok)
			continue;
		ck_assert_str_is(r.name, wire[i].name);
		ck_assert_uint_eq(r.preference, wire[i].preference);
		if (wire[i].type == DNS_TXT || wire[i].type == DNS_TLSA)
			ck_assert_str_is(r.data, wire[i].data);
		else if (wire[i].type == DNS_A)
			ck_assert(str_eq(r.data, wire[i].rdata));
	}
}
END_TEST

START_TEST(mail_exchangers_come_by_preference_equal_ones_at_random)
{
	bool seen[2] = {false, false};

	for (int i = 0; i < 100; i++) {
		struct dns_record r[] = {{.preference = 20, .name = STR("c")},
		    {.preference = 10, .name = STR("a")}, {.preference = 10, .name = STR("b")},
		    {.preference = 5, .name = STR("first")}};
		dns_order_mx(r, 4);
		ck_assert_str_is(r[0].name, "first");
		ck_assert_uint_eq(r[1].preference, 10);
		ck_assert_str_is(r[3].name, "c");
		seen[r[1].name.p[0] == 'b'] = true;
	}
	ck_assert(seen[0] && seen[1]);
}
END_TEST

static struct dns_answer
parse(const struct ub_result *r, int err, struct arena *arena)
{
	struct dns_answer a;

	dns_parse_answer(DNS_MX, err, r, arena, &a);
	return a;
}

/* What is not told is never taken for what does not exist. */
START_TEST(failures_are_told_from_absence)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(1 << 16);
	char *none[] = {NULL}, bad[] = "\0", *some[] = {bad, NULL};
	int length[] = {1, 0};
	char why[] = "signature expired";

	const struct ub_result no_name = {.rcode = 3, .nxdomain = 1, .secure = 1, .data = none};
	ck_assert_int_eq(parse(&no_name, 0, arena).status, DNS_NO_NAME);
	ck_assert(parse(&no_name, 0, arena).secure);
	const struct ub_result no_data = {.rcode = 0, .data = none, .ttl = 60};
	ck_assert_int_eq(parse(&no_data, 0, arena).status, DNS_NO_DATA);
	ck_assert_uint_eq(parse(&no_data, 0, arena).ttl_s, 60);
	for (int rcode = 1; rcode < 16; rcode++) {
		const struct ub_result r = {.rcode = rcode, .data = none};
		if (rcode != 3)
			ck_assert_int_eq(parse(&r, 0, arena).status, DNS_FAILED);
	}
	const struct ub_result bogus = {
	    .rcode = 3, .nxdomain = 1, .bogus = 1, .why_bogus = why, .data = none};
	ck_assert_int_eq(parse(&bogus, 0, arena).status, DNS_BOGUS);
	ck_assert_str_eq(parse(&bogus, 0, arena).why, why);
	const struct ub_result unreadable = {.havedata = 1, .data = some, .len = length};
	ck_assert_int_eq(parse(&unreadable, 0, arena).status, DNS_FAILED);
	ck_assert_int_eq(parse(NULL, UB_SERVFAIL, arena).status, DNS_FAILED);
}
END_TEST

/* -- asking ----------------------------------------------------------------------------------- */

struct told {
	size_t failed, other;
};

static void
take(void *arg, const struct dns_answer *a)
{
	struct told *t = arg;

	*(a->status == DNS_FAILED ? &t->failed : &t->other) += 1;
}

/* A name server that hears and says nothing. */
static int
open_mute(uint16_t *ret_port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, n), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static struct dns *
open_dns(struct loop *loop, uint16_t port, uint32_t timeout_s)
{
	static char resolver[40];
	static const char *const resolvers[] = {resolver, NULL};
	static struct conf conf;
	struct dns *d = NULL;

	conf.dns.resolvers = resolvers;
	conf.dns.trust_anchor_file = "";
	conf.dns.timeout_s = timeout_s;
	snprintf(resolver, sizeof(resolver), "127.0.0.1@%u", port);
	ck_assert_ok(dns_new(loop, &conf, &d));
	return d;
}

static void
stop(void *arg)
{
	loop_stop(arg);
}

START_TEST(a_question_without_answer_fails_in_time)
{
	CLEANUP(loop_free) struct loop *loop = NULL;
	uint16_t port;
	CLEANUP(fd_close) int fd = open_mute(&port);
	struct told told = {0};

	ck_assert_ok(loop_new(&loop));
	CLEANUP(dns_free) struct dns *d = open_dns(loop, port, 1);
	CLEANUP(loop_timer_free) struct loop_timer *end = loop_timer_new(loop, stop, loop);
	for (int i = 0; i < 10; i++)
		ck_assert_ok(dns_ask(d, STR("example.org"), DNS_MX, take, &told));
	ck_assert_uint_eq(told.failed, 0); /* never from inside */
	loop_timer_set(end, 1500);
	loop_run(loop);
	ck_assert_uint_eq(told.failed, 10);
	ck_assert_uint_eq(told.other, 0);
}
END_TEST

START_TEST(so_many_questions_wait_and_all_are_answered_at_the_end)
{
	CLEANUP(loop_free) struct loop *loop = NULL;
	uint16_t port;
	CLEANUP(fd_close) int fd = open_mute(&port);
	struct told told = {0};

	ck_assert_ok(loop_new(&loop));
	struct dns *d = open_dns(loop, port, 60);
	for (int i = 0; i < DNS_IN_FLIGHT_MAX + DNS_WAITING_MAX; i++)
		ck_assert_ok(dns_ask(d, STR("example.org"), DNS_MX, take, &told));
	ck_assert_int_eq(dns_ask(d, STR("example.org"), DNS_MX, take, &told), ERR_BUSY);
	ck_assert_int_eq(dns_ask(d, STR("exa mple"), DNS_MX, take, &told), ERR_SYNTAX);
	dns_free(&d);
	ck_assert_uint_eq(told.failed, DNS_IN_FLIGHT_MAX + DNS_WAITING_MAX);
}
END_TEST

/* -- resolvers without DNSSEC ----------------------------------------------------------------- */

#define QUESTION_MAX 512

/* A resolver that knows no signatures: NS and MX of any name, nothing else. */
struct stripper {
	pthread_t thread;
	int fd;
	bool mute_root; /* it refuses to say anything of the root's name servers */
	atomic_uint root_asked, others_asked;
};

static size_t
answer(struct stripper *s, unsigned char *m, size_t n)
{
	static const unsigned char mx[] = {
	    0xc0, 12, 0, 15, 0, 1, 0, 0, 1, 0, 0, 5, 0, 10, 1, 'm', 0};
	static const unsigned char ns[] = {0xc0, 12, 0, 2, 0, 1, 0, 0, 1, 0, 0, 3, 1, 'n', 0};
	size_t end = 12;

	while (end < n && m[end])
		end += m[end] + 1U;
	bool root = end == 12;
	unsigned type = end + 4 < n ? m[end + 2] : 0;
	end += 5;
	*(root ? &s->root_asked : &s->others_asked) += 1;
	m[2] = 0x81; /* a response; recursion was desired and is available */
	m[3] = 0x80;
	memset(m + 6, 0, 6);
	if (root && type == DNS_NS && s->mute_root)
		m[3] |= 5;
	else if (type == DNS_NS || type == DNS_MX)
		m[7] = 1;
	if (m[7]) {
		size_t size = type == DNS_NS ? sizeof(ns) : sizeof(mx);
		memcpy(m + end, type == DNS_NS ? ns : mx, size);
		end += size;
	}
	return end;
}

static void *
answer_all(void *arg)
{
	struct stripper *s = arg;
	unsigned char m[QUESTION_MAX + 64];

	for (;;) {
		struct sockaddr_in from;
		socklen_t from_n = sizeof(from);
		ssize_t n = recvfrom(s->fd, m, QUESTION_MAX, 0, (struct sockaddr *)&from, &from_n);
		if (n < 17)
			return NULL;
		size_t size = answer(s, m, (size_t)n);
		(void)!sendto(s->fd, m, size, 0, (struct sockaddr *)&from, from_n);
	}
}

struct resolving {
	struct stripper stripper;
	const char *dir;
	char anchors[200], resolver[40];
	const char *resolvers[2];
	struct conf conf;
	struct loop *loop;
	struct dns *dns;
	struct loop_timer *end;
	uint16_t port;
	int64_t linger_ms; /* behind the last answer */
	unsigned asked_then; /* at the last answer, of the root */
	unsigned found, secure, bogus, failed, left;
};

static struct resolving *
resolving_open(bool mute_root, bool from_root)
{
	static const char key[] =
	    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n";
	struct resolving *x = calloc(1, sizeof(*x));

	x->stripper.mute_root = mute_root;
	x->stripper.fd = open_mute(&x->port);
	ck_assert_int_eq(pthread_create(&x->stripper.thread, NULL, answer_all, &x->stripper), 0);
	x->dir = test_mkdir();
	x->linger_ms = 1;
	snprintf(x->anchors, sizeof(x->anchors), "%s/root.key", x->dir);
	FILE *f = fopen(x->anchors, "w");
	ck_assert(f && fputs(key, f) >= 0 && fclose(f) == 0);
	snprintf(x->resolver, sizeof(x->resolver), "127.0.0.1@%u", x->port);
	x->resolvers[0] = x->resolver;
	x->conf.dns.resolvers = x->resolvers;
	x->conf.dns.trust_anchor_file = x->anchors;
	x->conf.dns.timeout_s = 5;
	ck_assert_ok(loop_new(&x->loop));
	ck_assert_ok(dns_new(x->loop, &x->conf, &x->dns));
	if (from_root) /* as far as trust goes; the questions still go to the stripper */
		x->dns->trust = DNS_TRUST_PROVEN;
	x->end = loop_timer_new(x->loop, stop, x->loop);
	return x;
}

static void
resolving_close(struct resolving **xp)
{
	struct resolving *x = MOVE_PTR(*xp);
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(x->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	dns_free(&x->dns);
	loop_timer_free(&x->end);
	loop_free(&x->loop);
	(void)!sendto(x->stripper.fd, "", 0, 0, (struct sockaddr *)&to, sizeof(to));
	pthread_join(x->stripper.thread, NULL);
	close(x->stripper.fd);
	test_rmdir(x->dir);
	free(x);
}

static void
count(void *arg, const struct dns_answer *a)
{
	struct resolving *x = arg;

	x->found += a->status == DNS_FOUND;
	x->secure += a->secure;
	x->bogus += a->status == DNS_BOGUS;
	x->failed += a->status == DNS_FAILED;
	if (--x->left)
		return;
	x->asked_then = x->stripper.root_asked;
	loop_timer_set(x->end, x->linger_ms);
}

static void
ask_for_ten(struct resolving *x)
{
	char name[40];

	x->found = x->secure = x->bogus = x->failed = 0;
	x->left = 10;
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "d%d.example.org", i);
		ck_assert_ok(dns_ask(x->dns, str_of(name), DNS_MX, count, x));
	}
	loop_run(x->loop);
}

START_TEST(with_a_resolver_that_drops_dnssec_mail_goes_on_unvalidated)
{
	CLEANUP(resolving_close) struct resolving *x = resolving_open(false, false);

	ask_for_ten(x);
	ck_assert_uint_eq(x->found, 10);
	ck_assert_uint_eq(x->secure, 0);
	ck_assert_int_eq(x->dns->trust, DNS_TRUST_LOST);
	ck_assert_uint_gt(x->stripper.root_asked, 0);
}
END_TEST

START_TEST(a_lost_root_is_probed_again_and_again)
{
	CLEANUP(resolving_close) struct resolving *x = resolving_open(false, false);

	dns_set_probe_ms(x->dns, 100);
	x->linger_ms = 1000;
	ask_for_ten(x);
	ck_assert_uint_gt(x->stripper.root_asked, x->asked_then);
	ck_assert_int_eq(x->dns->trust, DNS_TRUST_LOST);
	ck_assert_ptr_null(x->dns->probed);
	ck_assert_ptr_null(x->dns->sources->next); /* only the one in use is left */
}
END_TEST

START_TEST(where_the_root_is_not_answered_for_bogus_stays_bogus)
{
	CLEANUP(resolving_close) struct resolving *x = resolving_open(true, false);

	ask_for_ten(x);
	ck_assert_uint_eq(x->bogus, 10);
	ck_assert_int_eq(x->dns->trust, DNS_TRUST_UNPROVEN);
}
END_TEST

/* Who drops the records later, or between us and the root's own servers, switches nothing off. */
START_TEST(once_something_has_validated_bogus_stays_bogus)
{
	CLEANUP(resolving_close) struct resolving *x = resolving_open(false, true);

	ask_for_ten(x);
	ck_assert_uint_eq(x->bogus, 10);
	ck_assert_int_eq(x->dns->trust, DNS_TRUST_PROVEN);
}
END_TEST

TEST_MAIN("dns", names_are_brought_into_the_form_of_the_dns, records_are_read_or_left_out,
    mail_exchangers_come_by_preference_equal_ones_at_random, failures_are_told_from_absence,
    a_question_without_answer_fails_in_time, so_many_questions_wait_and_all_are_answered_at_the_end,
    with_a_resolver_that_drops_dnssec_mail_goes_on_unvalidated,
    a_lost_root_is_probed_again_and_again, where_the_root_is_not_answered_for_bogus_stays_bogus,
    once_something_has_validated_bogus_stays_bogus)
