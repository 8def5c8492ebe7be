/* The scheduler on a network that is only thought of. */
#include "tests/outbound/network.h"
#include "tests/support/test.h"

#include <stdio.h>

static struct network net;

static void
setup_dead_half(size_t servers, size_t messages)
{
	network_new(&net);
	for (size_t i = 0; i < servers; i++)
		net.servers[i].dead = i % 2 == 1;
	for (size_t i = 0; i < messages; i++) {
		char domain[64];
		snprintf(domain, sizeof(domain), "d%zu.example", i % servers);
		network_send(&net, "ann@example.org", domain, i % servers);
	}
}

static size_t
taken_by_living(size_t servers, int64_t *ret_last_ms)
{
	size_t taken = 0;

	*ret_last_ms = 0;
	for (size_t i = 0; i < servers; i += 2) {
		taken += net.servers[i].taken;
		if (net.servers[i].last_ms > *ret_last_ms)
			*ret_last_ms = net.servers[i].last_ms;
	}
	return taken;
}

START_TEST(
    ten_thousand_messages_to_a_thousand_servers_half_of_them_dead_reach_the_living_at_full_speed)
{
	int64_t last, alone;

	/* how long it takes where nobody is dead */
	network_new(&net);
	for (size_t i = 0; i < 5000; i++) {
		char domain[64];
		snprintf(domain, sizeof(domain), "d%zu.example", i % 500 * 2);
		network_send(&net, "ann@example.org", domain, i % 500 * 2);
	}
	network_run(&net, 600000);
	ck_assert_uint_eq(taken_by_living(1000, &alone), 5000);
	network_free(&net);

	setup_dead_half(1000, 10000);
	network_run(&net, 25000); /* before the first attempt at a dead one has failed */
	ck_assert_uint_eq(taken_by_living(1000, &last), 5000);
	ck_assert_msg(last <= alone + alone / 10, "%lld ms, %lld without dead ones",
	    (long long)last, (long long)alone);
	/* and full speed is what the connections can carry */
	ck_assert_msg(
	    alone <= 2 * (5000 * MESSAGE_MS / 200 + CONNECT_MS), "%lld ms", (long long)alone);
	network_free(&net);
}
END_TEST

START_TEST(rows_of_a_dead_destination_are_put_off_without_each_being_tried)
{
	setup_dead_half(2, 400);
	network_run(&net, 40000);
	ck_assert_uint_eq(net.servers[0].taken, 200);
	ck_assert_uint_eq(net.servers[1].attempts, 1);
	ck_assert_uint_eq(net.deferred, 200);
	/* due again after five minutes: one probe for all */
	network_run(&net, 40000 + 300000 + 31000);
	ck_assert_uint_eq(net.servers[1].attempts, 2);
	ck_assert_uint_eq(net.deferred, 400);
	network_free(&net);
}
END_TEST

START_TEST(a_destination_that_lives_again_gets_its_mail_at_once)
{
	setup_dead_half(2, 400);
	net.servers[1].alive_at_ms = 100000;
	network_run(&net, 330000 + 15000);
	ck_assert_uint_eq(net.servers[1].taken, 200);
	ck_assert_uint_eq(net.servers[1].attempts > 2, true); /* its window opened */
	network_free(&net);
}
END_TEST

START_TEST(a_window_grows_with_success_up_to_its_limit)
{
	network_new(&net);
	for (size_t i = 0; i < 3000; i++)
		network_send(&net, "ann@example.org", "big.example", 0);
	network_run(&net, 400);
	ck_assert_uint_le(net.servers[0].open_max, 5 + 2);
	network_run(&net, 60000);
	ck_assert_uint_eq(net.servers[0].taken, 3000);
	ck_assert_uint_eq(net.servers[0].open_max, 20);
	network_free(&net);
}
END_TEST

START_TEST(a_server_that_takes_three_connections_is_not_asked_for_many_more)
{
	network_new(&net);
	net.servers[0].most_at_once = 3;
	for (size_t i = 0; i < 3000; i++)
		network_send(&net, "ann@example.org", "small.example", 0);
	network_run(&net, 180000);
	ck_assert_uint_eq(net.servers[0].taken, 3000);
	ck_assert_uint_eq(net.servers[0].open_max, 3);
	ck_assert_uint_eq(net.deferred, 0);
	ck_assert_msg(net.servers[0].attempts < 1500, "%zu attempts", net.servers[0].attempts);
	network_free(&net);
}
END_TEST

START_TEST(a_thousand_domains_on_one_server_share_its_window)
{
	network_new(&net);
	for (size_t i = 0; i < 2000; i++) {
		char domain[64];
		snprintf(domain, sizeof(domain), "d%zu.example", i % 1000);
		network_send(&net, "ann@example.org", domain, 0);
	}
	network_run(&net, 120000);
	ck_assert_uint_eq(net.servers[0].taken, 2000);
	ck_assert_uint_le(net.servers[0].open_max, 20);
	network_free(&net);
}
END_TEST

START_TEST(a_sender_of_thousands_does_not_hold_up_one_of_a_single_message)
{
	network_new(&net);
	net.servers[0].most_at_once = 1;
	for (size_t i = 0; i < 900; i++)
		network_send(&net, "list@example.org", "slow.example", 0);
	network_send(&net, "ann@example.org", "slow.example", 0);
	network_run(&net, 5000);
	size_t at = 0;
	while (at < net.taken && net.taken_order[at] != 901)
		at++;
	ck_assert_msg(at < 5, "it was the %zuth", at);
	network_free(&net);
}
END_TEST

START_TEST(messages_of_a_sender_go_in_the_order_of_their_time)
{
	network_new(&net);
	net.servers[0].most_at_once = 1;
	for (size_t i = 0; i < 50; i++)
		network_send(&net, "ann@example.org", "slow.example", 0);
	network_run(&net, 60000);
	ck_assert_uint_eq(net.taken, 50);
	for (size_t i = 0; i < 50; i++)
		ck_assert_int_eq(net.taken_order[i], (int64_t)i + 1);
	network_free(&net);
}
END_TEST

START_TEST(one_destination_with_much_mail_leaves_connections_to_others)
{
	network_new(&net);
	net.o.max_connections = 10;
	scheduler_set_options(net.scheduler, &net.o);
	for (size_t i = 0; i < 5000; i++)
		network_send(&net, "ann@example.org", "big.example", 0);
	network_run(&net, 5000);
	for (size_t s = 1; s <= 20; s++) {
		char domain[64];
		snprintf(domain, sizeof(domain), "d%zu.example", s);
		for (size_t i = 0; i < 5; i++)
			network_send(&net, "bob@example.org", domain, s);
	}
	network_run(&net, 20000);
	for (size_t s = 1; s <= 20; s++)
		ck_assert_msg(
		    net.servers[s].taken == 5, "server %zu has %zu", s, net.servers[s].taken);
	network_run(&net, 600000);
	ck_assert_uint_eq(net.servers[0].taken, 5000);
	network_free(&net);
}
END_TEST

START_TEST(memory_holds_no_more_rows_than_allowed)
{
	network_new(&net);
	net.o.max_rows = 500;
	scheduler_set_options(net.scheduler, &net.o);
	for (size_t i = 0; i < 4000; i++) {
		char domain[64];
		snprintf(domain, sizeof(domain), "d%zu.example", i % 40);
		network_send(&net, "ann@example.org", domain, i % 40);
	}
	network_run(&net, 120000);
	ck_assert_uint_le(net.rows_max, 500);
	ck_assert_uint_eq(net.taken, 4000);
	struct scheduler_figures f;
	scheduler_look(net.scheduler, &f);
	ck_assert_uint_eq(f.rows, 0);
	ck_assert_uint_eq(f.domains, 0);
	network_free(&net);
}
END_TEST

START_TEST(what_is_paused_waits_until_it_is_resumed)
{
	const struct str domain = STR("d0.example"), host = STR("mx:mx.1.example");

	network_new(&net);
	scheduler_pause(net.scheduler, (const struct str[]){domain, host}, 2);
	for (size_t i = 0; i < 30; i++) {
		char name[64];
		snprintf(name, sizeof(name), "d%zu.example", i % 3);
		network_send(&net, "ann@example.org", name, i % 3);
	}
	network_run(&net, 60000);
	ck_assert_uint_eq(net.servers[0].taken, 0);
	ck_assert_uint_eq(net.servers[1].taken, 0);
	ck_assert_uint_eq(net.servers[2].taken, 10);
	scheduler_pause(net.scheduler, &domain, 1);
	network_run(&net, 120000);
	ck_assert_uint_eq(net.servers[0].taken, 0);
	ck_assert_uint_eq(net.servers[1].taken, 10);
	scheduler_pause(net.scheduler, NULL, 0);
	network_run(&net, 180000);
	ck_assert_uint_eq(net.servers[0].taken, 10);
	network_free(&net);
}
END_TEST

START_TEST(a_person_who_asks_for_another_try_gets_one_though_the_destination_counts_as_dead)
{
	network_new(&net);
	net.servers[0].dead = true;
	net.servers[0].alive_at_ms = 40000;
	network_send(&net, "ann@example.org", "d0.example", 0);
	network_run(&net, 45000);
	network_send(&net, "ann@example.org", "d0.example", 0);
	network_run(&net, 46000);
	ck_assert_uint_eq(net.servers[0].taken, 0);
	ck_assert_uint_eq(net.deferred, 2);
	scheduler_forgive(net.scheduler);
	network_send(&net, "ann@example.org", "d0.example", 0);
	network_run(&net, 50000);
	ck_assert_uint_eq(net.servers[0].taken, 1);
	network_free(&net);
}
END_TEST

START_TEST(a_dead_host_holds_up_no_domain_that_has_a_second_one)
{
	network_new(&net);
	net.servers[0].dead = true;
	network_send(&net, "ann@example.org", "only.example", 0);
	network_run(&net, 40000);
	ck_assert_uint_eq(net.deferred, 1);
	network_send_past(&net, "ann@example.org", "backup.example", 0, 1);
	network_run(&net, 41000);
	ck_assert_uint_eq(net.servers[1].taken, 1);
	ck_assert_uint_eq(net.deferred, 1);
	network_free(&net);
}
END_TEST

START_TEST(what_cannot_be_read_is_looked_for_again_and_not_at_full_speed)
{
	network_new(&net);
	net.unread = 3;
	network_send(&net, "ann@example.org", "d0.example", 0);
	network_run(&net, 4000);
	ck_assert_uint_eq(net.picks, 1);
	network_run(&net, 60000);
	ck_assert_uint_eq(net.picks, 4);
	ck_assert_uint_eq(net.servers[0].taken, 1);
	network_free(&net);
}
END_TEST

START_TEST(nothing_more_is_picked_once_sending_is_switched_off)
{
	network_new(&net);
	for (size_t i = 0; i < 200; i++)
		network_send(&net, "ann@example.org", "d0.example", 0);
	network_run(&net, 1000);
	size_t taken = net.servers[0].taken;
	ck_assert_uint_gt(taken, 0);
	net.o.max_connections = 0;
	scheduler_set_options(net.scheduler, &net.o);
	network_run(&net, 10000);
	ck_assert_uint_le(net.servers[0].taken, taken + 20);
	net.o.max_connections = 200;
	scheduler_set_options(net.scheduler, &net.o);
	network_run(&net, 60000);
	ck_assert_uint_eq(net.servers[0].taken, 200);
	network_free(&net);
}
END_TEST

START_TEST(what_is_damaged_is_in_nobodys_way)
{
	network_new(&net);
	net.damaged = 3;
	for (size_t i = 0; i < 50; i++)
		network_send(&net, "ann@example.org", "d0.example", 0);
	network_run(&net, 60000);
	ck_assert_uint_eq(net.servers[0].taken, 49);
	ck_assert_uint_eq(net.damaged_picks, 1);
	network_send(&net, "ann@example.org", "d0.example", 0); /* new mail finds it again */
	network_run(&net, 120000);
	ck_assert_uint_eq(net.servers[0].taken, 50);
	ck_assert_uint_eq(net.damaged_picks, 1);
	network_run(&net, 60000 + 3 * SCHEDULER_DAMAGED_MS);
	ck_assert_uint_eq(net.damaged_picks, 4);
	scheduler_forgive(net.scheduler); /* a person has mended it */
	net.damaged = 0;
	network_run(&net, net.now_ms + 60000);
	ck_assert_uint_eq(net.servers[0].taken, 51);
	network_free(&net);
}
END_TEST

START_TEST(nothing_is_begun_while_nothing_can_be_recorded)
{
	network_new(&net);
	for (size_t i = 0; i < 200; i++)
		network_send(&net, "ann@example.org", "d0.example", 0);
	network_run(&net, 1000);
	size_t taken = net.servers[0].taken;
	ck_assert_uint_gt(taken, 0);
	scheduler_block(net.scheduler, true);
	network_run(&net, 10000);
	ck_assert_uint_le(net.servers[0].taken, taken + 20);
	ck_assert_uint_eq(net.open, 0);
	taken = net.servers[0].taken;
	network_send(&net, "bob@example.org", "d1.example", 1);
	network_run(&net, 600000);
	ck_assert_uint_eq(net.servers[0].taken, taken);
	ck_assert_uint_eq(net.servers[1].attempts, 0);
	scheduler_block(net.scheduler, false);
	network_run(&net, 660000);
	ck_assert_uint_eq(net.servers[0].taken, 200);
	ck_assert_uint_eq(net.servers[1].taken, 1);
	network_free(&net);
}
END_TEST

/* What differs is where they go when that host does not answer. */
START_TEST(domains_with_one_best_host_share_its_window_whatever_their_others_are)
{
	char name[64];

	network_new(&net);
	for (size_t k = 0; k < 20; k++) {
		for (size_t i = 0; i < 100; i++) {
			snprintf(name, sizeof(name), "d%zu.example", i);
			network_send_past(&net, "ann@example.org", name, 0, i + 1);
		}
	}
	network_run(&net, 6000); /* half of the time that it takes */
	size_t served = 0;
	for (size_t i = 1; i <= 100; i++)
		served += net.servers[i].taken > 0;
	ck_assert_uint_gt(served, 33); /* in turns, not one domain after the other */
	network_run(&net, 60000);
	ck_assert_uint_eq(net.taken, 2000);
	ck_assert_uint_le(net.open_max, net.o.max_window);
	ck_assert_uint_gt(net.open_max, net.o.first_window);
	struct scheduler_figures f;
	network_run(&net, 120000);
	scheduler_look(net.scheduler, &f);
	ck_assert_uint_eq(f.connections, 0);
	network_free(&net);
}
END_TEST

START_TEST(a_connection_that_only_waits_gives_its_place_to_another_domain_of_the_provider)
{
	network_new(&net);
	net.o.first_window = net.o.max_window = 1;
	scheduler_set_options(net.scheduler, &net.o);
	network_send_past(&net, "ann@example.org", "one.example", 0, 1);
	network_run(&net, 1000);
	ck_assert_uint_eq(net.servers[1].taken, 1);
	network_send_past(&net, "ann@example.org", "two.example", 0, 2);
	network_run(&net, 2000);
	ck_assert_uint_eq(net.servers[2].taken, 1);
	ck_assert_uint_le(net.open_max, 1);
	network_free(&net);
}
END_TEST

START_TEST(mail_that_wants_no_policy_goes_where_other_mail_of_its_domain_waits)
{
	network_new(&net);
	network_send_anyhow(&net, "ann@example.org", "d0.example", 0);
	network_send(&net, "ann@example.org", "d0.example", 0);
	network_send_anyhow(&net, "bob@example.org", "d0.example", 0);
	network_run(&net, 20000);
	ck_assert_uint_eq(net.servers[0].taken, 2);
	ck_assert_int_eq(net.taken_order[0], 1);
	ck_assert_int_eq(net.taken_order[1], 3);
	ck_assert_uint_eq(net.deferred, 1);
	network_free(&net);
}
END_TEST

START_TEST(a_paused_host_stops_only_mail_that_has_no_other)
{
	const struct str first = STR("mx:mx.0.example");

	network_new(&net);
	scheduler_pause(net.scheduler, &first, 1);
	network_send(&net, "ann@example.org", "only.example", 0);
	network_send_past(&net, "ann@example.org", "two.example", 0, 1);
	network_run(&net, 20000);
	ck_assert_uint_eq(net.servers[0].taken, 0);
	ck_assert_uint_eq(net.servers[1].taken, 1);
	ck_assert_uint_eq(net.deferred, 0);
	scheduler_pause(net.scheduler, NULL, 0);
	network_run(&net, 40000);
	ck_assert_uint_eq(net.servers[0].taken, 1);
	network_free(&net);
}
END_TEST

START_TEST(a_connection_to_a_host_that_is_paused_takes_no_more_mail)
{
	const struct str host = STR("mx:mx.0.example");
	struct scheduler_figures f;

	network_new(&net);
	for (size_t i = 0; i < 200; i++)
		network_send(&net, "ann@example.org", "d0.example", 0);
	network_run(&net, 1000);
	scheduler_pause(net.scheduler, &host, 1);
	size_t taken = net.servers[0].taken;
	ck_assert_uint_gt(taken, 0);
	network_run(&net, 3000);
	ck_assert_uint_le(net.servers[0].taken, taken + 20); /* those under way */
	scheduler_look(net.scheduler, &f);
	ck_assert_uint_eq(f.connections, 0);
	network_free(&net);
}
END_TEST

TEST_MAIN("scheduler", domains_with_one_best_host_share_its_window_whatever_their_others_are,
    a_connection_that_only_waits_gives_its_place_to_another_domain_of_the_provider,
    mail_that_wants_no_policy_goes_where_other_mail_of_its_domain_waits,
    a_paused_host_stops_only_mail_that_has_no_other,
    a_connection_to_a_host_that_is_paused_takes_no_more_mail, what_is_damaged_is_in_nobodys_way,
    nothing_is_begun_while_nothing_can_be_recorded,
    what_cannot_be_read_is_looked_for_again_and_not_at_full_speed,
    nothing_more_is_picked_once_sending_is_switched_off,
    ten_thousand_messages_to_a_thousand_servers_half_of_them_dead_reach_the_living_at_full_speed,
    rows_of_a_dead_destination_are_put_off_without_each_being_tried,
    a_destination_that_lives_again_gets_its_mail_at_once,
    a_window_grows_with_success_up_to_its_limit,
    a_server_that_takes_three_connections_is_not_asked_for_many_more,
    a_thousand_domains_on_one_server_share_its_window,
    a_sender_of_thousands_does_not_hold_up_one_of_a_single_message,
    messages_of_a_sender_go_in_the_order_of_their_time,
    one_destination_with_much_mail_leaves_connections_to_others,
    memory_holds_no_more_rows_than_allowed, what_is_paused_waits_until_it_is_resumed,
    a_person_who_asks_for_another_try_gets_one_though_the_destination_counts_as_dead,
    a_dead_host_holds_up_no_domain_that_has_a_second_one)
