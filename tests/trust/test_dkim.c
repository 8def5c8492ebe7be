#include "common/trust/dkim.h"

#include "common/base/arena.h"
#include "common/trust/dkim_private.h"
#include "tests/support/test.h"
#include "tests/trust/examples.h"

#define NOW 1600000000

static void
cut(struct str message, struct str *ret_header, struct str *ret_body)
{
	size_t at = str_find_nocase(message, STR("\r\n\r\n"));

	ck_assert_uint_ne(at, STR_NONE);
	*ret_header = str_sub(message, 0, at + 2);
	*ret_body = str_skip(message, at + 4);
}

/* The verdict on signature `i` of the message, whose key is `record`; its body comes in pieces of
 * `step` octets. */
static enum dkim_verdict
verify_by(struct str message, const char *record, size_t i, size_t step, const char **ret_why)
{
	CLEANUP(dkim_verifier_free) struct dkim_verifier *v = NULL;
	struct str header, body, txt = str_of(record);

	cut(message, &header, &body);
	ck_assert_ok(dkim_verifier_new(test_guarded(header), NOW, &v));
	ck_assert_uint_gt(dkim_verifier_count(v), i);
	while (body.n) {
		dkim_verifier_feed(v, str_sub(body, 0, step));
		body = str_skip(body, step);
	}
	dkim_verifier_end(v);
	dkim_verifier_key(v, i, record ? DKIM_KEY_FOUND : DKIM_KEY_NONE, &txt, record != NULL);
	if (ret_why)
		*ret_why = dkim_verifier_signature(v, i)->why;
	return dkim_verifier_signature(v, i)->verdict;
}

static enum dkim_verdict
verify(const char *message, const char *record, size_t i)
{
	return verify_by(str_of(message), record, i, 4096, NULL);
}

START_TEST(the_examples_of_the_standards_verify)
{
	ck_assert_int_eq(verify(example_6376, example_6376_record, 0), DKIM_PASS);
	ck_assert_int_eq(verify(example_8463, example_8463_ed25519_record, 0), DKIM_PASS);
	ck_assert_int_eq(verify(example_8463, example_8463_rsa_record, 1), DKIM_PASS);
	/* and by other keys they do not */
	ck_assert_int_eq(verify(example_6376, example_8463_rsa_record, 0), DKIM_FAIL);
	ck_assert_int_eq(verify(example_8463, example_6376_record, 1), DKIM_FAIL);
	ck_assert_int_eq(verify(example_8463, example_8463_rsa_record, 0), DKIM_PERMERROR);
}
END_TEST

START_TEST(the_examples_tell_where_their_keys_are)
{
	CLEANUP(dkim_verifier_free) struct dkim_verifier *v = NULL;

	ck_assert_ok(dkim_verifier_new(str_of(example_8463), NOW, &v));
	ck_assert_uint_eq(dkim_verifier_count(v), 2);
	ck_assert_str_is(
	    dkim_verifier_signature(v, 0)->key_name, "brisbane._domainkey.football.example.com");
	ck_assert_str_is(
	    dkim_verifier_signature(v, 1)->key_name, "test._domainkey.football.example.com");
}
END_TEST

START_TEST(a_message_that_was_changed_anywhere_fails)
{
	size_t n = strlen(example_8463);
	size_t body = str_find_nocase(str_of(example_8463), STR("\r\n\r\n")) + 4;
	size_t from = str_find_nocase(str_of(example_8463), STR("From:"));

	for (size_t at = from; at < n; at++) {
		CLEANUP(mem_free) char *copy = strdup(example_8463);
		/* line ends and blanks are not all signed, colons may make a field another */
		if (strchr("\r\n :", copy[at]))
			continue;
		copy[at] ^= 1;
		if (strchr("\r\n :", copy[at]))
			continue;
		const char *why;
		enum dkim_verdict v =
		    verify_by(str_of(copy), example_8463_ed25519_record, 0, 4096, &why);
		bool name = at < body && ascii_lower(copy[at]) == ascii_lower(example_8463[at]);
		ck_assert_msg(name || v == DKIM_FAIL, "octet %zu changed: %d", at, v);
		if (at >= body)
			ck_assert_str_eq(why, "the body was changed");
	}
}
END_TEST

/* -- the body -------------------------------------------------------------------------------- */

static void
hash_body(enum dkim_canon c, struct str in, size_t step, uint64_t limit, unsigned char *ret,
    uint64_t *ret_size)
{
	CLEANUP(dkim_body_free) struct dkim_body *b = dkim_body_new_limited(c, limit);

	ck_assert_ptr_nonnull(b);
	while (in.n) {
		dkim_body_feed(b, str_sub(in, 0, step));
		in = str_skip(in, step);
	}
	ck_assert_ok(dkim_body_end(b, ret));
	*ret_size = dkim_body_size(b);
}

START_TEST(bodies_have_the_canonical_forms_of_rfc_6376_3_4)
{
	static const struct {
		const char *in, *simple, *relaxed;
	} rows[] = {
	    {"", "\r\n", ""},
	    {"\r\n", "\r\n", ""},
	    {"\r\n\r\n\r\n", "\r\n", ""},
	    {" \r\n", " \r\n", ""},
	    {" \t\r\n \r\n", " \t\r\n \r\n", ""},
	    {"a", "a\r\n", "a\r\n"},
	    {"a\r\n", "a\r\n", "a\r\n"},
	    {"a\r\n\r\n\r\n", "a\r\n", "a\r\n"},
	    {"a\r\n \r\n", "a\r\n \r\n", "a\r\n"},
	    {"\r\n\r\na\r\n", "\r\n\r\na\r\n", "\r\n\r\na\r\n"},
	    /* §3.4.5 */
	    {" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"},
	    {"a \t", "a \t\r\n", "a\r\n"},
	    {"\ta\t\tb \r\n", "\ta\t\tb \r\n", " a b\r\n"},
	    /* §5.3: line ends that stand alone are line ends */
	    {"a\nb\n\n", "a\r\nb\r\n", "a\r\nb\r\n"},
	    {"a\rb\r\r\n", "a\r\nb\r\n", "a\r\nb\r\n"},
	    {"a\r", "a\r\n", "a\r\n"},
	    {"a\n\rb", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t step = 1; step < 8; step++) {
			unsigned char got[DKIM_HASH], want[DKIM_HASH];
			uint64_t size;
			struct str in = test_guarded(str_of(rows[i].in));
			hash_body(DKIM_SIMPLE, in, step, DKIM_BODY_WHOLE, got, &size);
			ck_assert_ok(dkim_sha256(str_of(rows[i].simple), want));
			ck_assert_msg(!memcmp(got, want, DKIM_HASH), "row %zu, simple", i);
			ck_assert_uint_eq(size, strlen(rows[i].simple));
			hash_body(DKIM_RELAXED, in, step, DKIM_BODY_WHOLE, got, &size);
			ck_assert_ok(dkim_sha256(str_of(rows[i].relaxed), want));
			ck_assert_msg(!memcmp(got, want, DKIM_HASH), "row %zu, relaxed", i);
			ck_assert_uint_eq(size, strlen(rows[i].relaxed));
		}
	}
}
END_TEST

START_TEST(a_limit_counts_octets_of_the_canonical_body)
{
	unsigned char got[DKIM_HASH], want[DKIM_HASH];
	uint64_t size;

	hash_body(DKIM_RELAXED, STR("a  b\r\n\r\nc\r\n"), 2, 5, got, &size);
	ck_assert_ok(dkim_sha256(STR("a b\r\n"), want));
	ck_assert(!memcmp(got, want, DKIM_HASH));
	ck_assert_uint_eq(size, 10);
	hash_body(DKIM_RELAXED, STR("a"), 2, 0, got, &size);
	ck_assert_ok(dkim_sha256(STR(""), want));
	ck_assert(!memcmp(got, want, DKIM_HASH));
}
END_TEST

START_TEST(fields_have_the_canonical_forms_of_rfc_6376_3_4)
{
	static const struct {
		const char *in, *simple, *relaxed;
	} rows[] = {
	    {"A: X\r\n", "A: X", "a:X"},
	    {"B : Y\t\r\n\tZ  \r\n", "B : Y\t\r\n\tZ  ", "b:Y Z"}, /* §3.4.5 */
	    {"Sub\tJECT :\r\n a\r\n", "Sub\tJECT :\r\n a", "sub\tject:a"},
	    {"E:\r\n", "E:", "e:"},
	    {"E: \r\n \r\n", "E: \r\n ", "e:"},
	    {"F: a\n b\n", "F: a\r\n b", "f:a b"},
	    {"F: a", "F: a", "f:a"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(256);
		struct str in = test_guarded(str_of(rows[i].in));
		field_simple(in, false, &b);
		ck_assert_str_is(sbuf_view(&b), rows[i].simple);
		sbuf_clear(&b);
		field_relaxed(in, false, &b);
		ck_assert_str_is(sbuf_view(&b), rows[i].relaxed);
	}
}
END_TEST

START_TEST(the_signature_field_is_signed_without_its_value)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
	    {"S: a=1; b=xyz; bh=q\r\n", "S: a=1; b=; bh=q\r\n"},
	    {"S: bh=q; b=xyz\r\n z\r\n", "S: bh=q; b="},
	    {"S:b = x y ;c=1", "S:b =;c=1"},
	    {"S: bb=1; c=b=2", "S: bb=1; c=b=2"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(256);
		field_without_b(test_guarded(str_of(rows[i].in)), &b);
		ck_assert_str_is(sbuf_view(&b), rows[i].out);
	}
}
END_TEST

/* -- signing --------------------------------------------------------------------------------- */

static const char header[] = "Received: from a by b; Fri, 11 Jul 2003 21:01:54 -0700\r\n"
			     "From: Ann <ann@example.org>\r\n"
			     "To: Bob <bob@example.net>\r\n"
			     "Subject: A subject\r\n"
			     " that is  folded \r\n"
			     "List-Id: <x.example.org>\r\n"
			     "Date: Fri, 11 Jul 2003 21:00:37 -0700\r\n"
			     "Message-ID: <1@example.org>\r\n";
static const char body[] = "Hi.\r\n\r\n  One  two.\t\r\n\r\n\r\n";

struct signer {
	struct dkim_key *key;
	struct sbuf record;
};

static struct signer
make_signer(enum dkim_algorithm a)
{
	CLEANUP(sbuf_done) struct sbuf pem = SBUF_INIT(DKIM_PEM_MAX);
	struct signer s = {.record = SBUF_INIT(4096)};

	ck_assert_ok(dkim_key_make(a, &pem));
	ck_assert_ok(dkim_key_parse(sbuf_view(&pem), &s.key));
	ck_assert_int_eq(dkim_key_algorithm(s.key), a);
	ck_assert_ok(dkim_key_record(s.key, &s.record));
	return s;
}

static void
signer_done(struct signer *s)
{
	dkim_key_free(&s->key);
	sbuf_done(&s->record);
}

/* `front`, the signature, `head`, an empty line, `text`. */
static void
sign(const struct signer *s, const char *head, const char *text, int64_t lifetime_s,
    struct sbuf *out)
{
	const struct dkim_signature_options o = {
	    .key = s->key,
	    .domain = STR("example.org"),
	    .selector = STR("sel1"),
	    .now_s = NOW,
	    .lifetime_s = lifetime_s,
	};
	unsigned char hash[DKIM_HASH];
	uint64_t size;

	hash_body(DKIM_RELAXED, str_of(text), 5, DKIM_BODY_WHOLE, hash, &size);
	ck_assert_ok(dkim_sign(test_guarded(str_of(head)), hash, &o, out));
	sbuf_puts(out, head);
	sbuf_puts(out, "\r\n");
	sbuf_puts(out, text);
}

START_TEST(what_is_signed_here_verifies_here)
{
	for (int a = DKIM_RSA_SHA256; a <= DKIM_ED25519_SHA256; a++) {
		CLEANUP(signer_done) struct signer s = make_signer((enum dkim_algorithm)a);
		CLEANUP(sbuf_done) struct sbuf m = SBUF_INIT(1U << 20);
		sign(&s, header, body, 3600, &m);
		for (size_t step = 1; step < 40; step += 3)
			ck_assert_int_eq(
			    verify_by(sbuf_view(&m), sbuf_cstr(&s.record), 0, step, NULL),
			    DKIM_PASS);
		struct str rest = sbuf_view(&m), line;
		while (str_split(&rest, '\n', &line))
			ck_assert_uint_le(line.n, 79);
	}
}
END_TEST

START_TEST(no_field_can_be_added_to_what_was_signed)
{
	static const char *const added[] = {"From: x@y", "Sender: x@y", "Reply-To: x@y",
	    "Subject: x", "Date: x", "To: x@y", "Cc: x@y", "MIME-Version: 1.0",
	    "Content-Type: text/html", "Content-Transfer-Encoding: base64", "Message-ID: <x@y>",
	    "In-Reply-To: <x@y>", "References: <x@y>"};
	CLEANUP(signer_done) struct signer s = make_signer(DKIM_ED25519_SHA256);
	CLEANUP(sbuf_done) struct sbuf m = SBUF_INIT(1U << 20);

	sign(&s, header, body, 0, &m);
	for (size_t i = 0; i < ARRAY_LEN(added); i++) {
		for (int behind = 0; behind < 2; behind++) {
			CLEANUP(sbuf_done) struct sbuf changed = SBUF_INIT(1U << 20);
			size_t at = str_find_nocase(sbuf_view(&m), STR("\r\n\r\n")) + 2;
			if (!behind)
				sbuf_printf(&changed, "%s\r\n", added[i]);
			sbuf_append(&changed, m.p, at);
			if (behind)
				sbuf_printf(&changed, "%s\r\n", added[i]);
			sbuf_append(&changed, m.p + at, m.n - at);
			ck_assert_msg(verify_by(sbuf_view(&changed), sbuf_cstr(&s.record), 0, 4096,
					  NULL) == DKIM_FAIL,
			    "%s could be added", added[i]);
		}
	}
	/* what every server on the way adds does no harm */
	CLEANUP(sbuf_done) struct sbuf traced = SBUF_INIT(1U << 20);
	sbuf_puts(&traced, "Received: from x by y\r\nX-Spam: no\r\n");
	sbuf_put(&traced, sbuf_view(&m));
	ck_assert_int_eq(
	    verify_by(sbuf_view(&traced), sbuf_cstr(&s.record), 0, 4096, NULL), DKIM_PASS);
}
END_TEST

START_TEST(a_signature_does_not_outlive_its_time)
{
	CLEANUP(signer_done) struct signer s = make_signer(DKIM_ED25519_SHA256);
	CLEANUP(sbuf_done) struct sbuf m = SBUF_INIT(1U << 20);
	static const struct {
		int64_t now_s;
		bool good;
	} rows[] = {{NOW, true}, {NOW + 99, true}, {NOW + 100, true}, {NOW + 101, false},
	    {NOW - 300, true}, {NOW - 301, false}};

	sign(&s, header, body, 100, &m);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(dkim_verifier_free) struct dkim_verifier *v = NULL;
		ck_assert_ok(dkim_verifier_new(sbuf_view(&m), rows[i].now_s, &v));
		const struct dkim_signature *one = dkim_verifier_signature(v, 0);
		ck_assert_uint_eq(one->key_name.n > 0, rows[i].good);
		ck_assert(rows[i].good || one->verdict == DKIM_PERMERROR);
	}
}
END_TEST

START_TEST(only_a_message_with_one_from_is_signed)
{
	CLEANUP(signer_done) struct signer s = make_signer(DKIM_ED25519_SHA256);
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(4096);
	const struct dkim_signature_options o = {
	    .key = s.key, .domain = STR("example.org"), .selector = STR("s"), .now_s = NOW};
	unsigned char hash[DKIM_HASH] = {0};

	ck_assert_int_eq(dkim_sign(STR("To: a@b\r\n"), hash, &o, &out), ERR_CANNOT);
	ck_assert_int_eq(dkim_sign(STR("From: a@b\r\nfrom: c@d\r\n"), hash, &o, &out), ERR_CANNOT);
	ck_assert_uint_eq(out.n, 0);
}
END_TEST

/* -- signatures of others -------------------------------------------------------------------- */

START_TEST(signatures_that_say_too_little_do_not_pass)
{
	static const struct {
		const char *tags;
		enum dkim_verdict verdict;
	} rows[] = {
#define BH "bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; b=aGk="
	    {"v=1; a=rsa-sha256; d=a.org; s=s; h=from; " BH, DKIM_TEMPERROR}, /* not asked yet */
	    {"a=rsa-sha256; d=a.org; s=s; h=from; " BH, DKIM_NEUTRAL},
	    {"v=2; a=rsa-sha256; d=a.org; s=s; h=from; " BH, DKIM_NEUTRAL},
	    {"v=1; a=rsa-sha1; d=a.org; s=s; h=from; " BH, DKIM_PERMERROR},
	    {"v=1; d=a.org; s=s; h=from; " BH, DKIM_PERMERROR},
	    {"v=1; a=rsa-sha256; s=s; h=from; " BH, DKIM_NEUTRAL},
	    {"v=1; a=rsa-sha256; d=a.org; h=from; " BH, DKIM_NEUTRAL},
	    {"v=1; a=rsa-sha256; d=a..org; s=s; h=from; " BH, DKIM_NEUTRAL},
	    {"v=1; a=rsa-sha256; d=a b; s=s; h=from; " BH, DKIM_NEUTRAL},
	    {"v=1; a=rsa-sha256; d=a.org; s=s; h=to; " BH, DKIM_PERMERROR},
	    {"v=1; a=rsa-sha256; d=a.org; s=s; " BH, DKIM_PERMERROR},
	    {"v=1; a=rsa-sha256; d=a.org; s=s; h=from; c=x/y; " BH, DKIM_PERMERROR},
	    {"v=1; a=rsa-sha256; d=a.org; s=s; h=from; q=http; " BH, DKIM_PERMERROR},
	    {"v=1; a=rsa-sha256; d=a.org; s=s; h=from; i=@b.org; " BH, DKIM_PERMERROR},
	    {"v=1; a=rsa-sha256; d=a.org; s=s; h=from; i=@xa.org; " BH, DKIM_PERMERROR},
	    {"v=1; a=rsa-sha256; d=a.org; s=s; h=from; i=@x.a.org; " BH, DKIM_TEMPERROR},
	    {"v=1; a=rsa-sha256; d=a.org; s=s; h=from; l=x; " BH, DKIM_PERMERROR},
	    {"v=1; a=rsa-sha256; d=a.org; s=s; h=from; x=1; " BH, DKIM_PERMERROR},
	    {"v=1; a=rsa-sha256; d=a.org; s=s; h=from; t=9; x=9; " BH, DKIM_PERMERROR},
	    {"v=1; a=rsa-sha256; d=a.org; s=s; h=from; bh=aGk=; b=aGk=", DKIM_PERMERROR},
	    {"v=1; a=rsa-sha256; d=a.org; s=s; h=from; "
	     "bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=",
		DKIM_PERMERROR},
	    {"garbage", DKIM_NEUTRAL},
#undef BH
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(dkim_verifier_free) struct dkim_verifier *v = NULL;
		CLEANUP(sbuf_done) struct sbuf h = SBUF_INIT(4096);
		sbuf_printf(&h, "From: a@b\r\nDKIM-Signature: %s\r\n", rows[i].tags);
		ck_assert_ok(dkim_verifier_new(test_guarded(sbuf_view(&h)), NOW, &v));
		ck_assert_uint_eq(dkim_verifier_count(v), 1);
		const struct dkim_signature *one = dkim_verifier_signature(v, 0);
		ck_assert_msg(one->verdict == rows[i].verdict, "%s: %s (%s)", rows[i].tags,
		    dkim_verdict_name(one->verdict), one->why);
		ck_assert_int_eq(one->key_name.n > 0, rows[i].verdict == DKIM_TEMPERROR);
	}
}
END_TEST

START_TEST(keys_of_others_are_judged)
{
#define ED "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
	static const struct {
		const char *record;
		enum dkim_verdict verdict;
	} rows[] = {
	    {"v=DKIM1; k=ed25519; p=" ED, DKIM_PASS},
	    {"k=ed25519; p=" ED, DKIM_PASS},
	    {"v=DKIM1;k=ed25519;n=a note;t=y:s;s=email;h=sha1:sha256;x=?;p=" ED ";", DKIM_PASS},
	    {"v=DKIM1; k=ed25519; s=*; p=" ED, DKIM_PASS},
	    {"v=DKIM1; k=ed25519; h=sha1; p=" ED, DKIM_PERMERROR},
	    {"v=DKIM1; k=ed25519; s=web; p=" ED, DKIM_PERMERROR},
	    {"v=DKIM2; k=ed25519; p=" ED, DKIM_PERMERROR},
	    {"k=ed25519; v=DKIM1; p=" ED, DKIM_PERMERROR}, /* §3.6.1: v= comes first */
	    {"v=DKIM1; k=ed25519; p=", DKIM_PERMERROR},
	    {"v=DKIM1; k=ed25519", DKIM_PERMERROR},
	    {"v=DKIM1; k=ed25519; p=!!", DKIM_PERMERROR},
	    {"v=DKIM1; k=ed25519; p=aGk=", DKIM_PERMERROR},
	    {"v=DKIM1; k=dsa; p=" ED, DKIM_PERMERROR},
	    {"v=DKIM1; p=" ED, DKIM_PERMERROR},
	    {"v=spf1 -all", DKIM_PERMERROR},
	    {"", DKIM_PERMERROR},
	    {NULL, DKIM_PERMERROR},
	};
#undef ED

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(verify(example_8463, rows[i].record, 0) == rows[i].verdict,
		    "row %zu: %s", i, rows[i].record);
}
END_TEST

START_TEST(a_short_rsa_key_is_no_proof)
{
	/* 512 bits */
	static const char record[] =
	    "p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALRiMLAh9iimur8VA7qVvdqxevEu"
	    "y/4qVKdkoQG8FtHk7CUXvCpx2G3Pd3zVRJcgVMPpzG/lWqVmZ2ZlN4Tzm8kC"
	    "AwEAAQ==";
	const char *why;

	ck_assert_int_eq(verify_by(str_of(example_6376), record, 0, 4096, &why), DKIM_POLICY);
	ck_assert_str_eq(why, "its key is too short or too long");
}
END_TEST

START_TEST(a_key_that_cannot_be_asked_for_is_a_temporary_matter)
{
	CLEANUP(dkim_verifier_free) struct dkim_verifier *v = NULL;
	struct str h, b;

	cut(str_of(example_8463), &h, &b);
	ck_assert_ok(dkim_verifier_new(h, NOW, &v));
	dkim_verifier_feed(v, b);
	dkim_verifier_end(v);
	dkim_verifier_key(v, 0, DKIM_KEY_LATER, NULL, 0);
	ck_assert_int_eq(dkim_verifier_signature(v, 0)->verdict, DKIM_TEMPERROR);
	/* the other is judged by itself; records that are no key do not hide it */
	const struct str txts[] = {STR("hello"), str_of(example_8463_rsa_record)};
	dkim_verifier_key(v, 1, DKIM_KEY_FOUND, txts, 2);
	ck_assert_int_eq(dkim_verifier_signature(v, 1)->verdict, DKIM_PASS);
}
END_TEST

START_TEST(no_more_than_ten_signatures_are_looked_at)
{
	CLEANUP(dkim_verifier_free) struct dkim_verifier *v = NULL;
	CLEANUP(sbuf_done) struct sbuf h = SBUF_INIT(1U << 16);

	for (int i = 0; i < 100; i++)
		sbuf_puts(&h, "DKIM-Signature: v=1\r\n");
	ck_assert_ok(dkim_verifier_new(sbuf_view(&h), NOW, &v));
	ck_assert_uint_eq(dkim_verifier_count(v), DKIM_SIGNATURES_MAX);
}
END_TEST

START_TEST(private_keys_are_read_as_openssl_writes_them)
{
	struct dkim_key *k = NULL;

	ck_assert_ok(dkim_key_parse(str_of(example_6376_key), &k));
	ck_assert_int_eq(dkim_key_algorithm(k), DKIM_RSA_SHA256);
	CLEANUP(sbuf_done) struct sbuf record = SBUF_INIT(4096);
	ck_assert_ok(dkim_key_record(k, &record));
	ck_assert(str_ends_nocase(
	    sbuf_view(&record), str_skip(str_of(example_6376_record), strlen("v=DKIM1; "))));
	dkim_key_free(&k);
	ck_assert_int_eq(dkim_key_parse(STR(""), &k), ERR_SYNTAX);
	ck_assert_int_eq(dkim_key_parse(STR("-----BEGIN PRIVATE KEY-----\nx"), &k), ERR_SYNTAX);
	ck_assert_ptr_null(k);
}
END_TEST

/* -- growth ---------------------------------------------------------------------------------- */

START_TEST(a_header_of_many_fields_is_verified_in_time_that_grows_with_it)
{
	CLEANUP(sbuf_done) struct sbuf h = SBUF_INIT(TRUST_HEADER_MAX);
	CLEANUP(dkim_verifier_free) struct dkim_verifier *v = NULL;

	for (int i = 0; i < DKIM_SIGNATURES_MAX; i++) {
		sbuf_puts(&h, "DKIM-Signature: v=1; a=ed25519-sha256; d=a.org; s=s;"
			      " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; b=aGk=; h=from");
		for (int j = 0; j < 7000; j++)
			sbuf_puts(&h, ":a");
		sbuf_puts(&h, "\r\n");
	}
	for (int i = 0; i < TRUST_FIELDS_MAX - DKIM_SIGNATURES_MAX; i++)
		sbuf_puts(&h, "a: b\r\n");
	ck_assert_ok(sbuf_error(&h));
	ck_assert_ok(dkim_verifier_new(sbuf_view(&h), NOW, &v));
	dkim_verifier_end(v);
	struct str txt = str_of(example_8463_ed25519_record);
	for (size_t i = 0; i < DKIM_SIGNATURES_MAX; i++) {
		dkim_verifier_key(v, i, DKIM_KEY_FOUND, &txt, 1);
		ck_assert_int_eq(dkim_verifier_signature(v, i)->verdict, DKIM_FAIL);
	}
	CLEANUP(dkim_verifier_free) struct dkim_verifier *w = NULL;
	sbuf_puts(&h, "a: b\r\n");
	ck_assert_int_eq(dkim_verifier_new(sbuf_view(&h), NOW, &w), ERR_TOO_BIG);
}
END_TEST

TEST_MAIN("dkim", the_examples_of_the_standards_verify, the_examples_tell_where_their_keys_are,
    a_message_that_was_changed_anywhere_fails, bodies_have_the_canonical_forms_of_rfc_6376_3_4,
    a_limit_counts_octets_of_the_canonical_body, fields_have_the_canonical_forms_of_rfc_6376_3_4,
    the_signature_field_is_signed_without_its_value, what_is_signed_here_verifies_here,
    no_field_can_be_added_to_what_was_signed, a_signature_does_not_outlive_its_time,
    only_a_message_with_one_from_is_signed, signatures_that_say_too_little_do_not_pass,
    keys_of_others_are_judged, a_short_rsa_key_is_no_proof,
    a_key_that_cannot_be_asked_for_is_a_temporary_matter, no_more_than_ten_signatures_are_looked_at,
    private_keys_are_read_as_openssl_writes_them,
    a_header_of_many_fields_is_verified_in_time_that_grows_with_it)
