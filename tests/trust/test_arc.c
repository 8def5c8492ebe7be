#include "common/trust/arc.h"

#include "tests/support/test.h"
#include "tests/trust/examples.h"

#define NOW 1600000000

static const char header[] = "From: Ann <ann@example.org>\r\n"
			     "DKIM-Signature: v=1; d=example.org\r\n"
			     "To: Bob <bob@example.net>\r\n"
			     "Subject: A subject\r\n"
			     "Date: Fri, 11 Jul 2003 21:00:37 -0700\r\n";
static const char body[] = "Hi.\r\n";

static void
hash_of(const char *text, unsigned char ret[DKIM_HASH])
{
	CLEANUP(dkim_body_free) struct dkim_body *b = dkim_body_new(DKIM_RELAXED);

	dkim_body_feed(b, str_of(text));
	ck_assert_ok(dkim_body_end(b, ret));
}

/* One more set in front of the header in `h`. */
static enum err
seal(struct sbuf *h, enum arc_status status, unsigned sets)
{
	CLEANUP(dkim_key_free) struct dkim_key *key = NULL;
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1U << 20);
	unsigned char hash[DKIM_HASH];

	hash_of(body, hash);
	ck_assert_ok(dkim_key_parse(str_of(example_8463_rsa_key), &key));
	const struct arc_seal_options o = {
	    .key = key,
	    .domain = STR("football.example.com"),
	    .selector = STR("test"),
	    .now_s = NOW,
	    .status = status,
	    .sets = sets,
	    .authserv_id = STR("mx.example.com"),
	    .results = STR("arc=none"),
	};
	enum err e = arc_seal(test_guarded(sbuf_view(h)), hash, &o, &out);
	if (e)
		return e;
	sbuf_put(&out, sbuf_view(h));
	sbuf_clear(h);
	sbuf_put(h, sbuf_view(&out));
	return ERR_OK;
}

static enum arc_status
validate(struct str h, const char *text, const char **ret_why, unsigned *ret_sets)
{
	CLEANUP(arc_verifier_free) struct arc_verifier *v = NULL;
	struct str txt = str_of(example_8463_rsa_record);

	ck_assert_ok(arc_verifier_new(test_guarded(h), &v));
	arc_verifier_feed(v, str_of(text));
	arc_verifier_end(v);
	for (size_t i = 0; i < arc_verifier_key_count(v); i++) {
		ck_assert_str_is(
		    arc_verifier_key_name(v, i), "test._domainkey.football.example.com");
		arc_verifier_key(v, i, DKIM_KEY_FOUND, &txt, 1);
	}
	if (ret_sets)
		*ret_sets = arc_verifier_sets(v);
	return arc_verifier_status(v, ret_why);
}

static struct sbuf
make_chain(unsigned sets)
{
	struct sbuf h = SBUF_INIT(1U << 20);

	sbuf_puts(&h, header);
	for (unsigned i = 0; i < sets; i++)
		ck_assert_ok(seal(&h, i ? ARC_PASS : ARC_NONE, i));
	return h;
}

START_TEST(a_message_without_a_chain_has_none)
{
	ck_assert_int_eq(validate(str_of(header), body, NULL, NULL), ARC_NONE);
}
END_TEST

START_TEST(what_is_sealed_here_validates_here)
{
	for (unsigned sets = 1; sets <= ARC_SETS_MAX; sets += 7) {
		CLEANUP(sbuf_done) struct sbuf h = make_chain(sets);
		unsigned found;
		const char *why = NULL;
		ck_assert_msg(
		    validate(sbuf_view(&h), body, &why, &found) == ARC_PASS, "%u: %s", sets, why);
		ck_assert_uint_eq(found, sets);
	}
}
END_TEST

START_TEST(there_are_no_more_than_fifty_sets)
{
	CLEANUP(sbuf_done) struct sbuf h = make_chain(ARC_SETS_MAX);

	ck_assert_int_eq(seal(&h, ARC_PASS, ARC_SETS_MAX), ERR_LIMIT);
	sbuf_puts(&h, "ARC-Seal: i=51; a=rsa-sha256; cv=pass; d=a; s=b; b=aGk=\r\n");
	ck_assert_int_eq(validate(sbuf_view(&h), body, NULL, NULL), ARC_FAIL);
}
END_TEST

/* A later one may change the message; the chain holds if it seals what it made. */
START_TEST(a_chain_holds_where_those_in_between_changed_the_message)
{
	CLEANUP(sbuf_done) struct sbuf h = make_chain(1);
	CLEANUP(sbuf_done) struct sbuf changed = SBUF_INIT(1U << 20);
	size_t at = str_find_nocase(sbuf_view(&h), STR("\r\nSubject: ")) + 2;

	sbuf_append(&changed, h.p, at);
	sbuf_puts(&changed, "Subject: [list] A subject\r\n");
	sbuf_put(&changed, str_skip(sbuf_view(&h), at + strlen("Subject: A subject\r\n")));
	ck_assert_int_eq(validate(sbuf_view(&changed), body, NULL, NULL), ARC_FAIL);
	ck_assert_ok(seal(&changed, ARC_PASS, 1));
	ck_assert_int_eq(validate(sbuf_view(&changed), body, NULL, NULL), ARC_PASS);
}
END_TEST

START_TEST(no_octet_of_a_chain_can_be_changed)
{
	CLEANUP(sbuf_done) struct sbuf h = make_chain(2);
	size_t end = str_find_nocase(sbuf_view(&h), STR("From: Ann"));

	for (size_t i = 0; i < end; i++) {
		CLEANUP(mem_free) char *copy = strndup(h.p, h.n);
		if (strchr(" \t\r\n", copy[i]))
			continue;
		copy[i] = copy[i] == 'x' ? 'y' : 'x';
		if (ascii_lower(copy[i]) == ascii_lower(h.p[i]))
			continue;
		CLEANUP(arc_verifier_free) struct arc_verifier *v = NULL;
		struct str txt = str_of(example_8463_rsa_record);
		ck_assert_ok(arc_verifier_new(str_make(copy, h.n), &v));
		arc_verifier_feed(v, str_of(body));
		arc_verifier_end(v);
		for (size_t k = 0; k < arc_verifier_key_count(v); k++)
			if (str_eq(arc_verifier_key_name(v, k),
				STR("test._domainkey.football.example.com")))
				arc_verifier_key(v, k, DKIM_KEY_FOUND, &txt, 1);
		/* A signature of a message that is not the last one is not looked at, but sealed.
		 */
		ck_assert_msg(arc_verifier_status(v, NULL) == ARC_FAIL, "octet %zu, %.20s", i,
		    copy + (i > 10 ? i - 10 : 0));
	}
}
END_TEST

START_TEST(the_body_of_the_last_set_counts)
{
	CLEANUP(sbuf_done) struct sbuf h = make_chain(2);
	const char *why;

	ck_assert_int_eq(validate(sbuf_view(&h), "Ho.\r\n", &why, NULL), ARC_FAIL);
	ck_assert_str_eq(why, "the body was changed since it was sealed last");
}
END_TEST

START_TEST(a_missing_key_breaks_the_chain)
{
	CLEANUP(sbuf_done) struct sbuf h = make_chain(1);
	CLEANUP(arc_verifier_free) struct arc_verifier *v = NULL;
	struct str txt = str_of(example_8463_rsa_record);

	ck_assert_ok(arc_verifier_new(sbuf_view(&h), &v));
	arc_verifier_feed(v, str_of(body));
	arc_verifier_end(v);
	ck_assert_uint_eq(arc_verifier_key_count(v), 2);
	arc_verifier_key(v, 0, DKIM_KEY_FOUND, &txt, 1);
	arc_verifier_key(v, 1, DKIM_KEY_LATER, NULL, 0); /* §5.2.1: all failures are permanent */
	ck_assert_int_eq(arc_verifier_status(v, NULL), ARC_FAIL);
	ck_assert(!arc_verifier_is_over(v));
}
END_TEST

START_TEST(a_broken_chain_is_sealed_as_broken_once)
{
	CLEANUP(sbuf_done) struct sbuf h = make_chain(1);
	CLEANUP(arc_verifier_free) struct arc_verifier *v = NULL;

	/* a second ARC-Seal of the same number */
	sbuf_puts(&h, "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=a; s=b; b=aGk=\r\n");
	ck_assert_int_eq(validate(sbuf_view(&h), body, NULL, NULL), ARC_FAIL);
	ck_assert_int_eq(seal(&h, ARC_PASS, 1), ERR_CANNOT);
	ck_assert_ok(seal(&h, ARC_FAIL, 1));
	ck_assert_ok(arc_verifier_new(sbuf_view(&h), &v));
	ck_assert(arc_verifier_is_over(v));
	ck_assert_int_eq(arc_verifier_status(v, NULL), ARC_FAIL);
	ck_assert_uint_eq(arc_verifier_key_count(v), 0);
}
END_TEST

START_TEST(chains_that_are_not_whole_fail)
{
#define REST "a=rsa-sha256; d=a; s=b; b=aGk=; "
#define BH "h=from; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; c=relaxed/relaxed"
	static const char *const rows[] = {
	    "ARC-Seal: i=1; cv=none; " REST "\r\n",
	    "ARC-Authentication-Results: i=1; a; arc=none\r\n",
	    "ARC-Seal: i=0; cv=none; " REST "\r\n",
	    "ARC-Seal: i=x; cv=none; " REST "\r\n",
	    "ARC-Seal: cv=none; " REST "\r\n",
	    "ARC-Seal: i=4294967297; cv=none; " REST "\r\n",
	    "ARC-Seal: i=2; cv=pass; " REST "\r\nARC-Message-Signature: i=2; " REST BH
	    "\r\nARC-Authentication-Results: i=2; a; arc=none\r\n",
	    "ARC-Seal: i=1; cv=pass; " REST "\r\nARC-Message-Signature: i=1; " REST BH
	    "\r\nARC-Authentication-Results: i=1; a; arc=none\r\n",
	    "ARC-Seal: i=1; cv=none; h=from; " REST "\r\nARC-Message-Signature: i=1; " REST BH
	    "\r\nARC-Authentication-Results: i=1; a; arc=none\r\n",
	    "ARC-Seal: i=1; cv=none; " REST "\r\nARC-Message-Signature: i=1; " REST BH
	    "; l=x\r\nARC-Authentication-Results: i=1; a; arc=none\r\n",
	    "ARC-Seal: i=1; cv=none; " REST "\r\nARC-Message-Signature: i=1; " REST
	    "h=from:arc-seal; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
	    "\r\nARC-Authentication-Results: i=1; a; arc=none\r\n",
	    "ARC-Seal: i=1; cv=none; " REST "\r\nARC-Message-Signature: i=1; " REST BH
	    "\r\nARC-Authentication-Results: a; arc=none\r\n",
	};
#undef REST
#undef BH

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf h = SBUF_INIT(65536);
		CLEANUP(arc_verifier_free) struct arc_verifier *v = NULL;
		sbuf_printf(&h, "%s%s", rows[i], header);
		ck_assert_ok(arc_verifier_new(test_guarded(sbuf_view(&h)), &v));
		arc_verifier_end(v);
		ck_assert_msg(arc_verifier_key_count(v) == 0, "row %zu", i);
		ck_assert_msg(arc_verifier_status(v, NULL) == ARC_FAIL, "row %zu", i);
	}
}
END_TEST

TEST_MAIN("arc", a_message_without_a_chain_has_none, what_is_sealed_here_validates_here,
    there_are_no_more_than_fifty_sets, a_chain_holds_where_those_in_between_changed_the_message,
    no_octet_of_a_chain_can_be_changed, the_body_of_the_last_set_counts,
    a_missing_key_breaks_the_chain, a_broken_chain_is_sealed_as_broken_once,
    chains_that_are_not_whole_fail)
