/* Messages made ready beside the connections: large ones, and those that bear seals (RFC 8617). */
#include "smtpd/outbound/prepare.h"

#include "common/base/clock.h"
#include "store/signing_key.h"
#include "tests/support/fake_dns.h"
#include "tests/support/store_fixture.h"
#include "tests/trust/examples.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define KEY_NAME "r1._domainkey.example.test"
#define FORWARDER "SRS0=x@example.test"

struct world {
	struct store_fixture *f;
	struct conf conf;
	struct dns *dns;
	struct outgoing *outgoing;
	struct preparer *preparer;
	int64_t ahead_ms; /* of the clock that messages are put with */
};

/* In place of `w`, which must not move. */
static void
open_world(struct world *w)
{
	const struct signing_key k = {.domain = STR("example.test"),
	    .selector = STR("r1"),
	    .algorithm = STR("rsa"),
	    .state = SIGNING_ACTIVE};

	*w = (struct world){.f = store_fixture_open(), .conf = {.hostname = "mx.example.test"}};
	w->ahead_ms = clock_real_us() / 1000 - clock_mono_ms();
	ck_assert_ok(signing_key_add(w->f->store, &k, str_of(example_8463_rsa_key)));
	w->dns = fake_dns_new();
	ck_assert_ok(outgoing_new(w->f->store, &w->conf, &w->outgoing));
	ck_assert_ok(preparer_new(w->f->store, w->outgoing, w->dns, &w->preparer));
}

static void
close_world(struct world *w)
{
	preparer_stop(w->preparer);
	dns_free(&w->dns);
	preparer_free(&w->preparer);
	outgoing_free(&w->outgoing);
	store_fixture_close(&w->f);
}

static struct queue_message
put(struct world *w, struct str octets, enum queue_kind kind)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	const struct queue_new_rcpt rcpt = {.address = STR("bob@other.test")};
	const struct queue_new q = {.kind = kind,
	    .sender = STR(FORWARDER),
	    .body = QUEUE_8BITMIME,
	    .expires_s = clock_real_s() + 432000,
	    .rcpts = &rcpt,
	    .rcpt_count = 1};
	struct queue_message m;
	int64_t id;

	ck_assert_ok(spool_new(w->f->store, &spool));
	ck_assert_ok(spool_write(spool, octets.p, octets.n));
	ck_assert_ok(queue_add(w->f->store, spool, &q, &id));
	ck_assert_ok(queue_message_get(w->f->store, id, w->f->arena, &m));
	return m;
}

struct wanted {
	atomic_bool ready;
	pthread_t by;
};

static void
ready(void *arg)
{
	struct wanted *w = arg;

	w->by = pthread_self();
	atomic_store(&w->ready, true);
}

static struct str
read_all(struct world *w, struct content *c)
{
	char *all = arena_alloc(w->f->arena, c->size + 1);

	for (uint64_t at = 0; at < c->size;) {
		size_t n;
		ck_assert_ok(c->read(c, at, all + at, c->size - at, &n));
		ck_assert_uint_gt(n, 0);
		at += n;
	}
	return str_make(all, c->size);
}

/* What goes out of `m`, in the arena. */
static enum err
go_out(struct world *w, const struct queue_message *m, enum content_form form, struct str *ret)
{
	struct wanted wanted = {.ready = false};
	struct content *c = NULL;
	enum err e = ERR_INTERNAL;

	ck_assert(!prepare_is_quick(m));
	struct preparation *x =
	    preparation_begin(w->preparer, m, w->ahead_ms, form, ready, &wanted);
	ck_assert_ptr_nonnull(x);
	while (!atomic_load(&wanted.ready)) {
		fake_dns_run(w->dns);
		usleep(200);
	}
	ck_assert(!pthread_equal(wanted.by, pthread_self()));
	ck_assert(preparation_take(x, &e, &c));
	if (!e)
		*ret = read_all(w, c);
	content_close(&c);
	preparation_free(&x);
	return e;
}

/* The same for octets that are forwarded. */
static enum err
forward(struct world *w, struct str octets, struct str *ret)
{
	const struct queue_message m = put(w, octets, QUEUE_FORWARDED);

	return go_out(w, &m, CONTENT_8BIT, ret);
}

static bool
begins(struct str s, const char *with)
{
	return str_starts(s, str_of(with));
}

static const char theirs[] = "From: eve@elsewhere.test\r\nTo: b@c\r\nSubject: a\r\n\r\nbody\r\n";

START_TEST(each_hop_finds_the_chain_in_order_and_adds_to_it)
{
	struct world w;
	struct str s = str_of(theirs);

	open_world(&w);
	fake_dns_add(w.dns, KEY_NAME, DNS_TXT, false, example_8463_rsa_record);
	ck_assert_ok(forward(&w, s, &s));
	ck_assert(begins(s, "ARC-Seal: i=1; a=rsa-sha256; cv=none;"));
	ck_assert_uint_eq(fake_dns_count(w.dns, DNS_TXT), 0);
	ck_assert_ok(forward(&w, s, &s));
	ck_assert(begins(s, "ARC-Seal: i=2; a=rsa-sha256; cv=pass;"));
	ck_assert_ok(forward(&w, s, &s));
	ck_assert(begins(s, "ARC-Seal: i=3; a=rsa-sha256; cv=pass;"));
	/* each key once a message, however many signatures were made with it */
	ck_assert_uint_eq(fake_dns_count(w.dns, DNS_TXT), 2);
	close_world(&w);
}
END_TEST

START_TEST(a_chain_that_does_not_hold_is_sealed_as_broken_once)
{
	static const char *const how[] = {"Subject", "body", "cv=pass", "key"};
	struct world w;

	open_world(&w);
	for (size_t i = 0; i < ARRAY_LEN(how); i++) {
		struct str s = str_of(theirs);
		fake_dns_remove(w.dns, KEY_NAME);
		fake_dns_add(w.dns, KEY_NAME, DNS_TXT, false, example_8463_rsa_record);
		ck_assert_ok(forward(&w, s, &s));
		ck_assert_ok(forward(&w, s, &s));
		char *text = arena_cstr(w.f->arena, s);
		if (strcmp(how[i], "key") == 0)
			fake_dns_remove(w.dns, KEY_NAME);
		else if (strcmp(how[i], "Subject") == 0)
			memcpy(strstr(text, "Subject: a"), "Subject: b", 10);
		else
			strstr(text, how[i])[3] = 'x';
		ck_assert_ok(forward(&w, str_of(text), &s));
		ck_assert_msg(begins(s, "ARC-Seal: i=3; a=rsa-sha256; cv=fail;"), "%s", how[i]);
		struct str again;
		ck_assert_ok(forward(&w, s, &again)); /* RFC 8617 §5.1 step 2 */
		ck_assert(str_eq(again, s));
	}
	close_world(&w);
}
END_TEST

/* RFC 8617 §5.2.1: all failures are permanent; but who is asked too early may ask again. */
START_TEST(a_dns_that_does_not_answer_is_asked_again_later_and_not_for_ever)
{
	static const enum dns_status statuses[] = {DNS_FAILED, DNS_BOGUS};
	struct world w;
	struct str s = str_of(theirs), out;

	clock_freeze(1700000000);
	open_world(&w);
	fake_dns_add(w.dns, KEY_NAME, DNS_TXT, false, example_8463_rsa_record);
	ck_assert_ok(forward(&w, s, &s));
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		fake_dns_fail(w.dns, KEY_NAME, DNS_TXT, statuses[i]);
		struct queue_message m = put(&w, s, QUEUE_FORWARDED);
		ck_assert_int_eq(go_out(&w, &m, CONTENT_8BIT, &out), ERR_BUSY);
		clock_jump_s(10L * PREPARE_PATIENCE_S); /* by which it is no older */
		ck_assert_int_eq(go_out(&w, &m, CONTENT_8BIT, &out), ERR_BUSY);
		clock_jump_s(-10L * PREPARE_PATIENCE_S);
		m.created_s -= PREPARE_PATIENCE_S;
		ck_assert_ok(go_out(&w, &m, CONTENT_8BIT, &out));
		ck_assert(begins(out, "ARC-Seal: i=2; a=rsa-sha256; cv=fail;"));
	}
	fake_dns_refuse(w.dns, ERR_BUSY);
	ck_assert_int_eq(forward(&w, s, &out), ERR_BUSY);
	close_world(&w);
	clock_thaw();
}
END_TEST

START_TEST(a_large_message_is_re_encoded_beside_the_connections)
{
	struct world w;
	struct str out;
	size_t n = 3000000;

	open_world(&w);
	char *text = arena_alloc(w.f->arena, n);
	size_t at = (size_t)snprintf(text, n, "From: eve@elsewhere.test\r\n\r\n");
	for (; at < n; at++)
		text[at] = "\xc3\xa4 line\r\n"[at % 9];
	text[n - 2] = '\r', text[n - 1] = '\n';
	const struct queue_message m = put(&w, str_make(text, n), QUEUE_SUBMITTED);
	ck_assert_ok(go_out(&w, &m, CONTENT_7BIT, &out));
	ck_assert_uint_eq(str_ascii_run(out), out.n);
	ck_assert_uint_gt(out.n, n);
	ck_assert_ok(go_out(&w, &m, CONTENT_8BIT, &out));
	ck_assert(str_ends_nocase(out, str_make(text, n)));
	close_world(&w);
}
END_TEST

START_TEST(what_nobody_wants_any_more_is_let_go_at_any_moment)
{
	struct world w;
	struct str s = str_of(theirs);
	struct preparation *x[40];
	struct wanted wanted = {.ready = false};

	open_world(&w);
	ck_assert_ok(forward(&w, s, &s));
	const struct queue_message m = put(&w, s, QUEUE_FORWARDED);
	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		x[i] = preparation_begin(w.preparer, &m, w.ahead_ms, CONTENT_8BIT, ready, &wanted);
	for (size_t i = 0; i < ARRAY_LEN(x); i++) {
		if (i % 4 == 0) {
			fake_dns_run(w.dns);
			usleep(500);
		}
		preparation_free(&x[i]);
	}
	for (size_t i = 0; i < 10; i++) /* and what is still asked for at the end */
		x[i] = preparation_begin(w.preparer, &m, w.ahead_ms, CONTENT_8BIT, ready, &wanted);
	for (size_t i = 0; i < 10; i++)
		preparation_free(&x[i]);
	close_world(&w);
}
END_TEST

START_TEST(a_message_that_is_gone_is_told_so)
{
	struct world w;
	struct str out;

	open_world(&w);
	struct queue_message m = put(&w, str_of(theirs), QUEUE_FORWARDED);
	m.id = 99;
	ck_assert_int_eq(go_out(&w, &m, CONTENT_8BIT, &out), ERR_NOT_FOUND);
	close_world(&w);
}
END_TEST

TEST_MAIN("prepare", each_hop_finds_the_chain_in_order_and_adds_to_it,
    a_chain_that_does_not_hold_is_sealed_as_broken_once,
    a_dns_that_does_not_answer_is_asked_again_later_and_not_for_ever,
    a_large_message_is_re_encoded_beside_the_connections,
    what_nobody_wants_any_more_is_let_go_at_any_moment, a_message_that_is_gone_is_told_so)
