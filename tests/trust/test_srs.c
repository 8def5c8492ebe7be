#include "common/trust/srs.h"

#include "tests/support/test.h"

#define NOW 1600000000
#define DAY 86400

static const struct str secret = {"a secret of the test", 20};

static const char *
forward(const char *sender, const char *domain, int64_t now_s)
{
	static char text[1024];
	CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(1024);

	ck_assert_ok(srs_forward(test_guarded(str_of(sender)), str_of(domain), secret, now_s, &b));
	strcpy(text, sbuf_cstr(&b));
	return text;
}

static enum err
reverse(struct str address, int64_t now_s, char *ret)
{
	CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(1024);
	size_t at = str_rfind(address, '@');
	enum err e = srs_reverse(test_guarded(str_sub(address, 0, at)), secret, now_s, &b);

	strcpy(ret, sbuf_cstr(&b));
	return e;
}

START_TEST(what_was_forwarded_leads_back)
{
	static const char *const senders[] = {"ann@example.net", "a.b+c@x.example",
	    "A=b@example.net", "\"a b\"@example.net", "\"a\\\"@b\"@example.net",
	    "\xc3\xa4@example.net", "srs0@example.net", "SRS0@example.net", "SRS0=x@example.net",
	    "SRS1=a=first.test=x@example.net", "SRS1=a=first.test@example.net", "a@[192.0.2.1]"};
	char back[1024];

	for (size_t i = 0; i < ARRAY_LEN(senders); i++) {
		const char *there = forward(senders[i], "ours.test", NOW);
		ck_assert(str_ends_nocase(str_of(there), STR("@ours.test")));
		if (str_starts(str_of(there), STR("SRS1"))) /* looked like one of another's */
			ck_assert_int_eq(reverse(str_of(there), NOW, back), ERR_OK);
		else
			ck_assert_ok(reverse(str_of(there), NOW, back));
		ck_assert_str_eq(back, senders[i]);
	}
}
END_TEST

START_TEST(the_forms_are_those_of_others)
{
	const char *there = forward("ann@example.net", "ours.test", NOW);
	char first[256];

	/* SRS0=hash=tt=domain=local */
	ck_assert(str_starts(str_of(there), STR("SRS0=")));
	ck_assert_ptr_nonnull(strstr(there, "=example.net=ann@ours.test"));
	/* and by the next forwarder */
	strcpy(first, there);
	there = forward(first, "next.test", NOW);
	ck_assert(str_starts(str_of(there), STR("SRS1=")));
	ck_assert_ptr_nonnull(strstr(there, "=ours.test==")); /* the separator of SRS0 stays */
	/* and by one more it gets no longer */
	strcpy(first, there);
	there = forward(first, "last.test", NOW);
	ck_assert(str_starts(str_of(there), STR("SRS1=")));
	ck_assert_ptr_nonnull(strstr(there, "=ours.test=="));
	ck_assert_uint_eq(strlen(there), strlen(first));
}
END_TEST

START_TEST(the_empty_sender_stays_empty)
{
	ck_assert_str_eq(forward("", "ours.test", NOW), "");
}
END_TEST

START_TEST(servers_that_fold_case_do_no_harm)
{
	char there[256], back[256];

	strcpy(there, forward("Ann@Example.net", "ours.test", NOW));
	for (char *p = there; *p; p++)
		*p = ascii_upper(*p);
	ck_assert_ok(reverse(str_of(there), NOW, back));
	ck_assert_str_eq(back, "ANN@EXAMPLE.NET");
}
END_TEST

START_TEST(an_address_leads_back_for_three_weeks)
{
	char there[256], back[256];

	strcpy(there, forward("ann@example.net", "ours.test", NOW));
	ck_assert_ok(reverse(str_of(there), NOW + SRS_DAYS * DAY, back));
	ck_assert_int_eq(reverse(str_of(there), NOW + (SRS_DAYS + 1) * DAY, back), ERR_DENIED);
	ck_assert_ok(reverse(str_of(there), NOW - DAY, back));
	ck_assert_int_eq(reverse(str_of(there), NOW - 2 * DAY, back), ERR_DENIED);
}
END_TEST

START_TEST(no_octet_of_an_address_can_be_changed)
{
	char there[256], second[256], back[256];

	strcpy(there, forward("ann@example.net", "ours.test", NOW));
	strcpy(second, forward(there, "next.test", NOW));
	for (int which = 0; which < 2; which++) {
		char *text = which ? second : there;
		size_t n = (size_t)(strchr(text, '@') - text);
		for (size_t i = 5; i < n; i++) {
			char was = text[i];
			text[i] = was == 'x' ? 'y' : 'x';
			ck_assert_msg(reverse(str_of(text), NOW, back) == ERR_DENIED,
			    "octet %zu of %s", i, text);
			text[i] = was;
		}
	}
}
END_TEST

START_TEST(what_is_no_such_address_is_told_from_what_is_forged)
{
	static const struct {
		const char *local;
		enum err e;
	} rows[] = {
	    {"ann", ERR_NOT_FOUND},
	    {"", ERR_NOT_FOUND},
	    {"SRS0", ERR_NOT_FOUND},
	    {"SRS0=", ERR_NOT_FOUND},
	    {"SRS0x", ERR_NOT_FOUND},
	    {"srs2=a=b=c=d", ERR_NOT_FOUND},
	    {"SRS0=a", ERR_DENIED},
	    {"SRS0=aaaaaaaa=aa=example.net=ann", ERR_DENIED},
	    {"srs0=aaaaaaaa=aa=example.net=ann", ERR_DENIED},
	    {"SRS0=aaaaaaaa=a=example.net=ann", ERR_DENIED},
	    {"SRS0=aaaaaaaa=aa==ann", ERR_DENIED},
	    {"SRS0=aaaaaaaa=aa=example.net=", ERR_DENIED},
	    {"SRS1=aaaaaaaa=first.test==aaaa=aa=example.net=ann", ERR_DENIED},
	    {"SRS1=aaaaaaaa=first.test", ERR_DENIED},
	    {"SRS1=aaaaaaaa==", ERR_DENIED},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(1024);
		enum err e = srs_reverse(test_guarded(str_of(rows[i].local)), secret, NOW, &b);
		ck_assert_msg(e == rows[i].e, "%s: %s", rows[i].local, err_name(e));
		ck_assert_uint_eq(b.n, 0);
	}
}
END_TEST

START_TEST(addresses_that_would_be_too_long_are_refused)
{
	CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(4096);
	char sender[300];

	memset(sender, 'a', sizeof(sender));
	strcpy(sender + 238, "@example.net");
	ck_assert_int_eq(srs_forward(str_of(sender), STR("ours.test"), secret, NOW, &b), ERR_LIMIT);
	ck_assert_uint_eq(b.n, 0);
	ck_assert_int_eq(srs_forward(STR("ann"), STR("ours.test"), secret, NOW, &b), ERR_SYNTAX);
	ck_assert_int_eq(srs_forward(STR("x@"), STR("ours.test"), secret, NOW, &b), ERR_SYNTAX);
	ck_assert_int_eq(srs_forward(STR("@x"), STR("ours.test"), secret, NOW, &b), ERR_SYNTAX);
}
END_TEST

TEST_MAIN("srs", what_was_forwarded_leads_back, the_forms_are_those_of_others,
    the_empty_sender_stays_empty, servers_that_fold_case_do_no_harm,
    an_address_leads_back_for_three_weeks, no_octet_of_an_address_can_be_changed,
    what_is_no_such_address_is_told_from_what_is_forged,
    addresses_that_would_be_too_long_are_refused)
