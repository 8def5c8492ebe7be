/* What people do to the queue, and what they are told of it. */
#include "common/base/clock.h"
#include "store/message.h"
#include "store/queue.h"
#include "store/suppression.h"
#include "store/trace.h"
#include "tests/ctl/ctl_fixture.h"

#include <stdio.h>

static struct store *
open_store(const char *dir)
{
	char data[256];
	struct store *s = NULL;

	snprintf(data, sizeof(data), "%s/data", dir);
	const struct store_options o = {.data_dir = data, .process = "test"};
	ck_assert_ok(store_open(&o, &s));
	return s;
}

static int64_t
add(struct store *s, const char *sender, const char *one, const char *two, const char *id)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	static const char text[] = "Subject: \x1b[31mred\r\nTo: x\r\n\r\nbody\r\n";
	const struct queue_new_rcpt to[] = {{.address = str_of(one)}, {.address = str_of(two)}};
	const struct queue_new q = {.sender = str_of(sender),
	    .trace_id = str_of(id),
	    .message_id = STR("m@example.test"),
	    .expires_s = clock_real_s() + 432000,
	    .rcpts = to,
	    .rcpt_count = *two ? 2 : 1};
	int64_t n = 0;

	ck_assert_ok(spool_new(s, &spool));
	ck_assert_ok(spool_write(spool, text, sizeof(text) - 1));
	ck_assert_ok(queue_add(s, spool, &q, &n));
	trace_note(s, &(struct trace_event){.kind = TRACE_ACCEPTED,
			  .trace_id = q.trace_id,
			  .message_id = q.message_id,
			  .sender = q.sender,
			  .size = sizeof(text) - 1});
	return n;
}

/* Messages 1 (two recipients, the first deferred once) and 2. */
static const char *
begin_with_mail(void)
{
	const char *dir = ctl_begin();
	CLEANUP(store_close) struct store *s = open_store(dir);
	int64_t id = add(s, "ann@example.test", "bob@one.example", "eve@two.example", "t1");
	const struct queue_result r = {.rcpt = queue_rcpt_id(id, 0),
	    .outcome = QUEUE_DEFERRED,
	    .next_ms = (clock_real_s() + 7200) * 1000,
	    .reply = STR("451 4.7.1 Come \x1b[31mback\xe2\x80\xae"),
	    .host = STR("mx.one.example[192.0.2.1]")};

	ck_assert_ok(queue_record(s, id, &r, 1, NULL));
	trace_note(s, &(struct trace_event){.kind = TRACE_DEFERRED,
			  .trace_id = STR("t1"),
			  .recipient = STR("bob@one.example"),
			  .host = r.host,
			  .text = r.reply});
	add(s, "", "zoe@one.example", "", "t2");
	ck_assert_ok(suppression_add(s, &(struct suppressed){.address = STR("gone@one.example"),
					    .reply = STR("550 5.1.1 Unknown"),
					    .since_s = 1,
					    .until_s = INT64_C(1) << 40}));
	return dir;
}

START_TEST(the_queue_is_listed)
{
	const char *dir = begin_with_mail(), *out;

	ck_ctl(dir, 0, "2 messages, 3 recipients", "queue list");
	ck_ctl(dir, 0, "/0 bob@one.example: waiting, tried 1 time, again in ", "queue list");
	ck_ctl(dir, 0, "451 4.7.1 Come \\x1b[31mback\\xe2\\x80\\xae (mx.one.example[192.0.2.1])",
	    "queue list");
	ck_ctl(dir, 0, "1 message, 1 recipient\n", "queue list --recipient @two.example");
	ck_ctl(dir, 0, "1 message, 1 recipient\n", "queue list --sender '<>'");
	ck_ctl(
	    dir, 0, "1 message, 2 recipients\n", "queue list --sender ann@example.test --waiting");
	ck_ctl(dir, 0, "0 messages, 0 recipients\n", "queue list --older 1h");
	ck_ctl(dir, 2, "is no age", "queue list --older soon");
	ck_ctl(dir, 0, "[]", "queue list --held --json");
	ck_assert_int_eq(
	    ctl_run(dir, &out, "queue list --json | python3 -c '%s'",
		"import json,sys; q=json.load(sys.stdin);"
		"print(len(q), q[0][\"recipient\"][\"attempts\"], q[2][\"sender\"] == \"\")"),
	    0);
	ck_assert_str_eq(out, "3 1 True\n");
	ctl_end(dir);
}
END_TEST

START_TEST(a_message_is_shown_with_what_happened_to_it)
{
	const char *dir = begin_with_mail(), *out;

	ck_ctl(dir, 0, "Subject: \\x1b[31mred\n  To: x\n", "queue show 1");
	ck_ctl(dir, 0, "trace id t1\n", "queue show 1");
	ck_ctl(dir, 0, " deferred bob@one.example: 451 4.7.1", "queue show 1");
	ck_ctl(dir, 0, " accepted\n", "queue show 1");
	ck_ctl(dir, 4, "does not exist", "queue show 77");
	ck_ctl(dir, 2, "is no message's number", "queue show x");
	ck_assert_int_eq(
	    ctl_run(dir, &out, "queue show 1 --json | python3 -c '%s'",
		"import json,sys; q=json.load(sys.stdin);"
		"print(len(q[\"recipients\"]), len(q[\"events\"]), q[\"header\"][:8])"),
	    0);
	ck_assert_str_eq(out, "2 2 Subject:\n");
	ctl_end(dir);
}
END_TEST

START_TEST(mail_is_held_released_retried_and_dropped)
{
	const char *dir = begin_with_mail();

	ck_ctl(dir, 2, "of which mail?", "queue drop");
	ck_ctl(dir, 2, "is no number", "queue hold 1/x");
	ck_ctl(dir, 0, "2 recipients held\n", "queue hold --domain one.example");
	ck_ctl(dir, 0, "2 messages, 2 recipients", "queue list --held");
	ck_ctl(dir, 0, "1 recipient released\n", "queue release 1/0");
	ck_ctl(dir, 4, "there is nothing to do for it", "queue release 1/0");
	ck_ctl(dir, 0, "2 recipients due now\n", "queue retry --all");
	ck_ctl(dir, 0, "1 recipient given up", "queue drop --report 1/1");
	ck_ctl(dir, 0, "eve@two.example: given up\n", "queue list");
	ck_ctl(dir, 0, "1 recipient dropped\n", "queue drop --sender '<>'");
	ck_ctl(dir, 0, "1 message, 2 recipients\n", "queue list");
	ck_ctl(dir, 0, " dropped zoe@one.example\n", "trace t2");
	ck_ctl(dir, 0, " given-up eve@two.example\n", "trace t1");
	ctl_end(dir);
}
END_TEST

START_TEST(domains_and_hosts_are_paused_and_resumed)
{
	const char *dir = begin_with_mail();

	ck_ctl(dir, 0, "", "queue pause One.Example --reason 'they move'");
	ck_ctl(dir, 0, "", "queue pause mx:mx.two.example");
	ck_ctl(dir, 0, "paused: one.example since ", "queue list");
	ck_ctl(dir, 0, ": they move\n", "queue list");
	ck_ctl(dir, 0, "paused: mx:mx.two.example since ", "queue list");
	ck_ctl(dir, 0, "", "queue resume one.example");
	ck_ctl(dir, 4, "is not paused", "queue resume one.example");
	ck_ctl(dir, 2, "is no domain", "queue pause mx:");
	ctl_end(dir);
}
END_TEST

START_TEST(trace_says_where_mail_went)
{
	const char *dir = begin_with_mail(), *out;

	ck_ctl(dir, 0, "t1 from ann@example.test, 34, <m@example.test>\n",
	    "trace --sender ann@example.test");
	ck_ctl(dir, 0, " deferred bob@one.example: 451",
	    "trace --recipient bob@ONE.example --since 1h");
	ck_ctl(dir, 0, "nothing is known", "trace --recipient bob@one.example --until 2001-01-01");
	ck_ctl(dir, 0, "t2 from <>, 34", "trace --message-id '<m@example.test>'");
	ck_ctl(dir, 0, "--last N shows more", "trace --last 1");
	ck_ctl(dir, 2, "is no time", "trace --since yesterday");
	ck_ctl(dir, 0, "[]\n", "trace --json nothing");
	ck_assert_int_eq(ctl_run(dir, &out, "trace --json | python3 -c '%s'",
			     "import json,sys; q=json.load(sys.stdin);"
			     "print([len(m[\"events\"]) for m in q])"),
	    0);
	ck_assert_str_eq(out, "[2, 1]\n");
	ctl_end(dir);
}
END_TEST

START_TEST(suppressed_addresses_are_listed_and_freed)
{
	const char *dir = begin_with_mail();

	ck_ctl(dir, 0, "gone@one.example until ", "suppression list");
	ck_ctl(dir, 0, "\"reply\":\"550 5.1.1 Unknown\"", "suppression list --json");
	ck_ctl(dir, 0, "", "suppression remove Gone@one.example");
	ck_ctl(dir, 4, "does not exist", "suppression remove gone@one.example");
	ck_ctl(dir, 0, "[]\n", "suppression list --json");
	ctl_end(dir);
}
END_TEST

START_TEST(an_account_is_held_and_released)
{
	const char *dir = ctl_begin();

	ck_ctl(dir, 0, "ann@example.test", "account add ann@example.test");
	ck_ctl(dir, 0, "last hour: 0 recipients\n", "sending show ann@example.test");
	ck_ctl(dir, 0, "", "sending hold ann@example.test --reason 'it floods'");
	ck_ctl(dir, 4, "is held already", "sending hold ann@example.test");
	ck_ctl(dir, 0, ": it floods\n", "sending show ann@example.test");
	ck_ctl(dir, 0, "\"held\":true", "sending show ann@example.test --json");
	ck_ctl(dir, 0, "", "sending release ann@example.test");
	ck_ctl(dir, 4, "is not held", "sending release ann@example.test");
	ck_ctl(dir, 4, "", "sending show nobody@example.test");
	ctl_end(dir);
}
END_TEST

START_TEST(status_and_check_look_at_the_queue)
{
	const char *dir = begin_with_mail();
	char command[600];

	ck_ctl(dir, 3, "queue: 2 messages, 3 recipients waiting (1 tried before)", "status");
	ck_ctl(dir, 3, "\"recipients_waiting\":3", "status --json");
	ck_ctl(dir, 0, "all is well", "check");
	snprintf(command, sizeof(command),
	    "sqlite3 %s/data/queue.db 'DELETE FROM octets WHERE message = 1'", dir);
	if (system("command -v sqlite3 >/dev/null") == 0) {
		ck_assert_int_eq(system(command), 0);
		ck_ctl(dir, 1, "queue: message 1: its octets are missing", "check");
	}
	ctl_end(dir);
}
END_TEST

TEST_MAIN("queue_verbs", the_queue_is_listed, a_message_is_shown_with_what_happened_to_it,
    mail_is_held_released_retried_and_dropped, domains_and_hosts_are_paused_and_resumed,
    trace_says_where_mail_went, suppressed_addresses_are_listed_and_freed,
    an_account_is_held_and_released, status_and_check_look_at_the_queue)
