/* What is put in front of messages as they go out, with a store of its own. */
#include "smtpd/outbound/outgoing.h"
#include "smtpd/outbound/outgoing_keys.h"

#include "common/base/clock.h"
#include "common/trust/arc.h"
#include "common/trust/dkim.h"
#include "store/signing_key.h"
#include "tests/support/store_fixture.h"

#include <stdio.h>
#include <sys/stat.h>

static const char message[] = "From: Ann <ann@Example.test>\r\n"
			      "To: bob@other.test\r\n"
			      "Subject: x\r\n"
			      "\r\n"
			      "Hello.\r\n";

/* -- content in memory ----------------------------------------------------------------------- */

struct text {
	struct content content;
	const char *octets;
	unsigned reads;
	bool *closed;
};

static enum err
read_text(struct content *c, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	struct text *t = (struct text *)c;
	struct str left = str_skip(str_make(t->octets, c->size), (size_t)offset);

	*ret_n = left.n < n ? left.n : n;
	if (*ret_n > 7 && t->reads++ % 2) /* pieces of all sizes */
		*ret_n = 7;
	memcpy(to, left.p, *ret_n);
	return ERR_OK;
}

static void
close_text(struct content *c)
{
	struct text *t = (struct text *)c;

	*t->closed = true;
	free(t);
}

static struct content *
content_of(const char *octets, bool *closed)
{
	struct text *t = calloc(1, sizeof(*t));

	t->content =
	    (struct content){.size = strlen(octets), .read = read_text, .close = close_text};
	t->octets = octets;
	t->closed = closed;
	*closed = false;
	return &t->content;
}

/* -- a store with keys ----------------------------------------------------------------------- */

struct world {
	struct store_fixture *f;
	struct outgoing *outgoing;
	struct conf conf;
	struct chain_state chain; /* of what goes out */
	int64_t account; /* that submitted it */
};

static struct world
open_world(void)
{
	struct world w = {.f = store_fixture_open(), .conf = {.hostname = "mail.example.test"}};

	return w;
}

/* `conf` must not move. */
static void
begin(struct world *w)
{
	ck_assert_ok(outgoing_new(w->f->store, &w->conf, &w->outgoing));
}

static void
close_world(struct world *w)
{
	outgoing_free(&w->outgoing);
	store_fixture_close(&w->f);
}

/* In the arena: the TXT record. */
static struct str
add_key(struct world *w, const char *selector, enum dkim_algorithm a, enum signing_state state)
{
	CLEANUP(sbuf_done) struct sbuf pem = SBUF_INIT(SIGNING_PEM_MAX);
	CLEANUP(sbuf_done) struct sbuf record = SBUF_INIT(4096);
	CLEANUP(dkim_key_free) struct dkim_key *key = NULL;

	ck_assert_ok(dkim_key_make(a, &pem));
	ck_assert_ok(dkim_key_parse(sbuf_view(&pem), &key));
	ck_assert_ok(dkim_key_record(key, &record));
	const struct signing_key k = {.domain = STR("example.test"),
	    .selector = str_of(selector),
	    .algorithm = str_of(dkim_algorithm_name(a)),
	    .state = state};
	ck_assert_ok(signing_key_add(w->f->store, &k, sbuf_view(&pem)));
	return arena_dup(w->f->arena, sbuf_view(&record));
}

/* What goes out, in the arena. */
static struct str
go_out(struct world *w, const char *octets, enum queue_kind kind, const char *sender)
{
	const struct queue_message m = {
	    .kind = kind, .account = w->account, .sender = str_of(sender)};
	struct content *c = NULL;
	bool closed;

	const struct outgoing_message om = {.envelope = &m, .chain = w->chain};
	ck_assert_ok(outgoing_content(w->outgoing, &om, content_of(octets, &closed), &c));
	char *whole = arena_alloc(w->f->arena, c->size + 1);
	for (uint64_t at = 0; at < c->size;) {
		size_t n;
		ck_assert_ok(c->read(c, at, whole + at, 100, &n));
		ck_assert_uint_gt(n, 0);
		at += n;
	}
	struct str all = str_make(whole, c->size);
	content_close(&c);
	ck_assert(closed);
	ck_assert(str_ends_nocase(all, str_of(octets)));
	return all;
}

/* "rsa:pass ed25519:fail": each signature by the record of its selector. */
static const char *
verdicts(struct world *w, struct str all, const char *const *selectors, const struct str *records,
    size_t n)
{
	CLEANUP(dkim_verifier_free) struct dkim_verifier *v = NULL;
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(4096);
	size_t at = str_find_nocase(all, STR("\r\n\r\n"));

	ck_assert_ok(dkim_verifier_new(str_sub(all, 0, at + 2), clock_real_s(), &v));
	dkim_verifier_feed(v, str_skip(all, at + 4));
	dkim_verifier_end(v);
	for (size_t i = 0; i < dkim_verifier_count(v); i++) {
		const struct dkim_signature *s = dkim_verifier_signature(v, i);
		for (size_t j = 0; j < n; j++)
			if (str_eq(s->selector, str_of(selectors[j])))
				dkim_verifier_key(v, i, DKIM_KEY_FOUND, &records[j], 1);
		ck_assert_str_is(s->domain, "example.test");
		sbuf_printf(&out, "%s%.*s:%s", i ? " " : "", STR_ARG(s->selector),
		    dkim_verdict_name(s->verdict));
	}
	return arena_cstr(w->f->arena, sbuf_view(&out));
}

START_TEST(mail_of_a_domain_is_signed_with_all_keys_that_sign)
{
	struct world w = open_world();
	static const char *const selectors[] = {"r1", "e1", "r2"};

	begin(&w);
	const struct str records[] = {
	    add_key(&w, "r1", DKIM_RSA_SHA256, SIGNING_ACTIVE),
	    add_key(&w, "e1", DKIM_ED25519_SHA256, SIGNING_ACTIVE),
	    add_key(&w, "r2", DKIM_RSA_SHA256, SIGNING_WAITING),
	};
	struct str all = go_out(&w, message, QUEUE_SUBMITTED, "ann@example.test");
	/* the older one comes first, of the same second by name */
	const char *got = verdicts(&w, all, selectors, records, 3);
	ck_assert_msg(
	    strcmp(got, "e1:pass r1:pass") == 0 || strcmp(got, "r1:pass e1:pass") == 0, "%s", got);
	/* keys are looked up anew: a switch counts at once */
	ck_assert_ok(signing_key_switch(w.f->store, STR("example.test")));
	all = go_out(&w, message, QUEUE_SUBMITTED, "ann@example.test");
	ck_assert_str_eq(verdicts(&w, all, selectors, records, 3), "r2:pass");
	close_world(&w);
}
END_TEST

START_TEST(who_signs_is_found_by_from_then_by_the_sender)
{
	struct world w = open_world();
	static const struct {
		const char *from, *sender;
		enum queue_kind kind;
		bool is_signed;
	} rows[] = {
	    {"ann@example.test", "ann@example.test", QUEUE_SUBMITTED, true},
	    {"MAILER-DAEMON@mail.example.test", "", QUEUE_REPORT, true},
	    {"ann@elsewhere.test", "ann@example.test", QUEUE_SUBMITTED, true},
	    {"ann@elsewhere.test", "SRS0=x@example.test", QUEUE_FORWARDED, false},
	    {"ann@elsewhere.test", "ann@elsewhere.test", QUEUE_SUBMITTED, false},
	    {"ann@xexample.test", "", QUEUE_REPORT, false},
	    {"ann@[192.0.2.1]", "", QUEUE_REPORT, false},
	    {"ann", "", QUEUE_REPORT, false},
	};

	begin(&w);
	add_key(&w, "e1", DKIM_ED25519_SHA256, SIGNING_ACTIVE);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str text =
		    arena_printf(w.f->arena, "From: <%s>\r\nTo: b@c\r\n\r\nx\r\n", rows[i].from);
		struct str all = go_out(&w, text.p, rows[i].kind, rows[i].sender);
		ck_assert_msg(str_starts(all, STR("DKIM-Signature:")) == rows[i].is_signed,
		    "%s, %s", rows[i].from, rows[i].sender);
	}
	close_world(&w);
}
END_TEST

/* RFC 6376 §5.1: who signs takes responsibility for the mail. */
START_TEST(nobody_gets_a_signature_by_writing_an_address_of_ours_into_from)
{
	struct world w = open_world();
	static const struct {
		const char *from, *sender;
		enum queue_kind kind;
		bool anns; /* she submitted it */
		bool is_signed;
	} rows[] = {
	    /* a stranger's mail, to one of ours who forwards */
	    {"ann@example.test", "SRS0=x@example.test", QUEUE_FORWARDED, false, false},
	    {"ann@example.test", "ann@example.test", QUEUE_FORWARDED, false, false},
	    {"ann@example.test", "", QUEUE_FORWARDED, false, false},
	    /* a user's, held for later, to one of ours who forwards */
	    {"ann@example.test", "ann@example.test", QUEUE_FORWARDED, true, true},
	    /* a user of two domains */
	    {"ann@example.test", "ann@other.test", QUEUE_SUBMITTED, true, true},
	    {"ann+x@example.test", "ann@other.test", QUEUE_SUBMITTED, true, true},
	    {"ann@example.test", "", QUEUE_SUBMITTED, true, true},
	    /* a user of another domain that is served here */
	    {"boss@example.test", "eve@other.test", QUEUE_SUBMITTED, true, false},
	    {"boss@example.test", "", QUEUE_SUBMITTED, true, false},
	    {"boss@example.test", "ann@example.test", QUEUE_SUBMITTED, true, true},
	};

	begin(&w);
	add_key(&w, "e1", DKIM_ED25519_SHA256, SIGNING_ACTIVE);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str text =
		    arena_printf(w.f->arena, "From: <%s>\r\nTo: b@c\r\n\r\nx\r\n", rows[i].from);
		w.account = rows[i].anns ? w.f->account_id : 0;
		struct str all = go_out(&w, text.p, rows[i].kind, rows[i].sender);
		ck_assert_msg(
		    (str_find_nocase(all, STR("DKIM-Signature:")) != STR_NONE) == rows[i].is_signed,
		    "%zu: %s, %s", i, rows[i].from, rows[i].sender);
	}
	close_world(&w);
}
END_TEST

START_TEST(what_cannot_be_signed_goes_as_it_is)
{
	struct world w = open_world();
	CLEANUP(sbuf_done) struct sbuf large = SBUF_INIT(4U << 20);
	static const char *const rows[] = {
	    "From: ann@example.test\r\nFrom: eve@example.test\r\n\r\nx\r\n",
	    "To: ann@example.test\r\n\r\nx\r\n",
	    "From: ann@other.test\r\nTo: x\r\n",
	};

	begin(&w);
	add_key(&w, "e1", DKIM_ED25519_SHA256, SIGNING_ACTIVE);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_str_is(go_out(&w, rows[i], QUEUE_REPORT, ""), rows[i]);
	sbuf_puts(&large, "From: ann@example.test\r\n");
	while (large.n < TRUST_HEADER_MAX)
		sbuf_puts(&large, "X: some more\r\n");
	sbuf_puts(&large, "\r\nx\r\n");
	ck_assert_str_is(go_out(&w, sbuf_cstr(&large), QUEUE_REPORT, ""), sbuf_cstr(&large));
	close_world(&w);
}
END_TEST

START_TEST(messages_without_body_or_header_go_out)
{
	struct world w = open_world();
	static const char *const selectors[] = {"e1"};
	static const char *const rows[] = {"From: ann@example.test\r\n\r\n",
	    "From: ann@example.test\r\n\r\n\r\n\r\n", "From: ann@example.test\r\n\r\n \r\n"};

	begin(&w);
	const struct str records[] = {add_key(&w, "e1", DKIM_ED25519_SHA256, SIGNING_ACTIVE)};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str all = go_out(&w, rows[i], QUEUE_SUBMITTED, "ann@example.test");
		ck_assert_str_eq(verdicts(&w, all, selectors, records, 1), "e1:pass");
	}
	(void)go_out(&w, "\r\nno header\r\n", QUEUE_REPORT, "");
	(void)go_out(&w, "", QUEUE_REPORT, "");
	close_world(&w);
}
END_TEST

START_TEST(a_key_that_cannot_be_read_lets_mail_wait)
{
	struct world w = open_world();
	const struct queue_message m = {.kind = QUEUE_SUBMITTED, .sender = STR("ann@example.test")};
	const struct outgoing_message om = {.envelope = &m};
	struct content *c = NULL;
	bool closed;
	char path[4096];

	begin(&w);
	add_key(&w, "e1", DKIM_ED25519_SHA256, SIGNING_ACTIVE);
	snprintf(path, sizeof(path), "%s/dkim/e1.example.test.pem", w.f->options.data_dir);
	ck_assert_int_eq(truncate(path, 10), 0);
	ck_assert_int_eq(
	    outgoing_content(w.outgoing, &om, content_of(message, &closed), &c), ERR_CORRUPT);
	ck_assert(closed);
	close_world(&w);
}
END_TEST

/* -- forwards -------------------------------------------------------------------------------- */

static enum arc_status
chain_of(struct str all, struct str record)
{
	CLEANUP(arc_verifier_free) struct arc_verifier *v = NULL;
	size_t at = str_find_nocase(all, STR("\r\n\r\n"));

	ck_assert_ok(arc_verifier_new(str_sub(all, 0, at + 2), &v));
	arc_verifier_feed(v, str_skip(all, at + 4));
	arc_verifier_end(v);
	for (size_t i = 0; i < arc_verifier_key_count(v); i++)
		arc_verifier_key(v, i, DKIM_KEY_FOUND, &record, 1);
	return arc_verifier_status(v, NULL);
}

START_TEST(what_is_forwarded_is_sealed)
{
	struct world w = open_world();
	static const char theirs[] = "From: eve@elsewhere.test\r\nTo: b@c\r\n\r\nx\r\n";

	begin(&w);
	add_key(&w, "e1", DKIM_ED25519_SHA256, SIGNING_ACTIVE);
	struct str record = add_key(&w, "r1", DKIM_RSA_SHA256, SIGNING_ACTIVE);
	struct str all = go_out(&w, theirs, QUEUE_FORWARDED, "SRS0=x@example.test");
	ck_assert(str_starts(all, STR("ARC-Seal: i=1; a=rsa-sha256; cv=none;")));
	ck_assert(str_find_nocase(all, STR("\r\nARC-Authentication-Results: i=1; "
					   "mail.example.test;\r\n\tarc=none\r\n")) != STR_NONE);
	ck_assert_int_eq(chain_of(all, record), ARC_PASS);
	/* reports by the host's name, and our own mail after it was signed */
	all = go_out(&w, theirs, QUEUE_FORWARDED, "");
	ck_assert_int_eq(chain_of(all, record), ARC_PASS);
	w.account = w.f->account_id;
	all = go_out(&w, message, QUEUE_FORWARDED, "ann@example.test");
	ck_assert_int_eq(chain_of(all, record), ARC_PASS);
	ck_assert(str_find_nocase(all, STR("\r\nDKIM-Signature: ")) != STR_NONE);
	/* what is not forwarded is not */
	all = go_out(&w, message, QUEUE_SUBMITTED, "ann@example.test");
	ck_assert_int_eq(chain_of(all, record), ARC_NONE);
	close_world(&w);
}
END_TEST

/* RFC 8617 §5.1 steps 3 and 4 */
START_TEST(each_who_forwards_adds_a_set_up_to_fifty)
{
	struct world w = open_world();
	const char *octets = "From: eve@elsewhere.test\r\nTo: b@c\r\n\r\nx\r\n";

	begin(&w);
	struct str record = add_key(&w, "r1", DKIM_RSA_SHA256, SIGNING_ACTIVE);
	for (unsigned i = 0; i < ARC_SETS_MAX; i++) {
		struct str all = go_out(&w, octets, QUEUE_FORWARDED, "SRS0=x@example.test");
		struct str begins = arena_printf(
		    w.f->arena, "ARC-Seal: i=%u; a=rsa-sha256; cv=%s;", i + 1, i ? "pass" : "none");
		ck_assert_msg(str_starts(all, begins), "%.*s", STR_ARG(all));
		octets = arena_cstr(w.f->arena, all);
		w.chain = (struct chain_state){.status = ARC_PASS, .sets = i + 1};
	}
	ck_assert_int_eq(chain_of(str_of(octets), record), ARC_PASS);
	ck_assert_str_is(go_out(&w, octets, QUEUE_FORWARDED, "SRS0=x@example.test"), octets);
	close_world(&w);
}
END_TEST

/* RFC 8617 §5.1 step 2, §5.1.2 */
START_TEST(a_broken_chain_is_sealed_as_broken_and_then_no_more)
{
	struct world w = open_world();
	static const char theirs[] =
	    "ARC-Seal: i=1; cv=none\r\nFrom: eve@elsewhere.test\r\n\r\nx\r\n";

	begin(&w);
	add_key(&w, "r1", DKIM_RSA_SHA256, SIGNING_ACTIVE);
	w.chain = (struct chain_state){.status = ARC_FAIL, .sets = 1};
	struct str all = go_out(&w, theirs, QUEUE_FORWARDED, "SRS0=x@example.test");
	ck_assert(str_starts(all, STR("ARC-Seal: i=2; a=rsa-sha256; cv=fail;")));
	ck_assert(str_find_nocase(all, STR("\r\n\tarc=fail\r\n")) != STR_NONE);
	w.chain = (struct chain_state){.status = ARC_FAIL, .sets = 2, .over = true};
	const char *octets = arena_cstr(w.f->arena, all);
	ck_assert_str_is(go_out(&w, octets, QUEUE_FORWARDED, "SRS0=x@example.test"), octets);
	close_world(&w);
}
END_TEST

/* -- keys ------------------------------------------------------------------------------------ */

START_TEST(keys_are_kept_listed_and_removed)
{
	struct world w = open_world();
	struct signing_key *keys;
	struct stat st;
	size_t n;
	char path[4096];
	struct signing_key k = {.domain = STR("Example.TEST"),
	    .selector = STR("s1"),
	    .algorithm = STR("rsa"),
	    .state = SIGNING_WAITING};

	ck_assert_ok(signing_key_add(w.f->store, &k, STR("secret")));
	ck_assert_int_eq(signing_key_add(w.f->store, &k, STR("other")), ERR_EXISTS);
	snprintf(path, sizeof(path), "%s/dkim/s1.example.test.pem", w.f->options.data_dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	CLEANUP(sbuf_done) struct sbuf pem = SBUF_INIT(SIGNING_PEM_MAX);
	ck_assert_ok(signing_key_read(w.f->store, STR("example.test"), STR("s1"), &pem));
	ck_assert_str_is(sbuf_view(&pem), "secret");
	k.domain = STR("other.test");
	ck_assert_int_eq(signing_key_add(w.f->store, &k, STR("x")), ERR_NOT_FOUND);
	k.domain = STR("example.test");
	static const char *const bad[] = {"", "-a", "a-", "a.b", "../x", "a/b", "a b"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		k.selector = str_of(bad[i]);
		ck_assert_int_eq(signing_key_add(w.f->store, &k, STR("x")), ERR_SYNTAX);
	}
	ck_assert_ok(signing_key_list(w.f->store, STR(""), w.f->arena, &keys, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(keys[0].state, SIGNING_WAITING);
	ck_assert_ok(signing_key_switch(w.f->store, STR("example.test")));
	ck_assert_int_eq(signing_key_switch(w.f->store, STR("example.test")), ERR_NOT_FOUND);
	ck_assert_ok(signing_key_remove(w.f->store, STR("example.test"), STR("s1")));
	ck_assert_int_eq(
	    signing_key_remove(w.f->store, STR("example.test"), STR("s1")), ERR_NOT_FOUND);
	ck_assert_int_eq(stat(path, &st), -1);
	close_world(&w);
}
END_TEST

START_TEST(a_domains_keys_go_with_it)
{
	struct world w = open_world();
	const struct signing_key k = {
	    .domain = STR("second.test"), .selector = STR("s1"), .algorithm = STR("rsa")};
	struct stat st;
	char path[4096];

	ck_assert_ok(directory_add_domain(w.f->store, STR("second.test")));
	ck_assert_ok(signing_key_add(w.f->store, &k, STR("secret")));
	ck_assert_ok(directory_remove_domain(w.f->store, STR("second.test")));
	snprintf(path, sizeof(path), "%s/dkim/s1.second.test.pem", w.f->options.data_dir);
	ck_assert_int_eq(stat(path, &st), -1);
	ck_assert_ok(directory_add_domain(w.f->store, STR("second.test")));
	ck_assert_ok(signing_key_add(w.f->store, &k, STR("secret")));
	close_world(&w);
}
END_TEST

/* One that signs while all are forgotten is good until it has signed, and nobody gets it after
 * that.
 */
START_TEST(a_key_that_is_out_when_all_are_forgotten_is_not_kept)
{
	struct world w = open_world();
	struct outgoing_keys *keys = NULL;
	struct outgoing_key *out = NULL, *anew = NULL, *again = NULL;

	struct signing_key *k = NULL;
	size_t n;

	add_key(&w, "s1", DKIM_ED25519_SHA256, SIGNING_ACTIVE);
	ck_assert_ok(signing_key_list(w.f->store, STR("example.test"), w.f->arena, &k, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_ok(outgoing_keys_new(w.f->store, &keys));
	ck_assert_ok(outgoing_keys_get(keys, k, &out));
	outgoing_keys_forget(keys);
	ck_assert_ptr_nonnull(outgoing_key_of(out));
	ck_assert_ok(outgoing_keys_get(keys, k, &anew));
	ck_assert_ptr_ne(anew, out);
	outgoing_keys_put(keys, &out);
	outgoing_keys_put(keys, &anew);
	ck_assert_ok(outgoing_keys_get(keys, k, &again));
	outgoing_keys_put(keys, &again);
	/* it is not there any more: neither the file nor what was read of it */
	ck_assert_ok(signing_key_remove(w.f->store, k->domain, k->selector));
	ck_assert_ok(outgoing_keys_get(keys, k, &again));
	outgoing_keys_forget(keys);
	outgoing_keys_put(keys, &again);
	ck_assert_int_ne(outgoing_keys_get(keys, k, &again), ERR_OK);
	outgoing_keys_free(&keys);
	close_world(&w);
}
END_TEST

TEST_MAIN("outgoing", a_key_that_is_out_when_all_are_forgotten_is_not_kept,
    mail_of_a_domain_is_signed_with_all_keys_that_sign,
    who_signs_is_found_by_from_then_by_the_sender,
    nobody_gets_a_signature_by_writing_an_address_of_ours_into_from,
    what_cannot_be_signed_goes_as_it_is, messages_without_body_or_header_go_out,
    a_key_that_cannot_be_read_lets_mail_wait, what_is_forwarded_is_sealed,
    each_who_forwards_adds_a_set_up_to_fifty, a_broken_chain_is_sealed_as_broken_and_then_no_more,
    keys_are_kept_listed_and_removed, a_domains_keys_go_with_it)
