#include "common/base/clock.h"
#include "common/net/limits.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <stdio.h>

union peer {
	struct sockaddr sa;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

static union peer
peer(const char *text)
{
	union peer p = {.six = {.sin6_family = AF_INET6}};

	if (inet_pton(AF_INET6, text, &p.six.sin6_addr) != 1) {
		p = (union peer){.four = {.sin_family = AF_INET}};
		ck_assert_int_eq(inet_pton(AF_INET, text, &p.four.sin_addr), 1);
	}
	return p;
}

static enum err
enter(struct limits *l, const char *text, bool stranger)
{
	const union peer p = peer(text);
	const char *option;

	return limits_enter(l, &p.sa, stranger, &option);
}

static void
leave(struct limits *l, const char *text, bool stranger)
{
	const union peer p = peer(text);

	limits_leave(l, &p.sa, stranger);
}

static int64_t
failed_as(struct limits *l, const char *text, const char *name)
{
	const union peer p = peer(text);

	return limits_login_failed(l, &p.sa, str_of(name), 1000);
}

static int64_t
failed_from(struct limits *l, const char *text)
{
	return failed_as(l, text, "ann@example.test");
}

static void
right_as(struct limits *l, const char *text, const char *name)
{
	const union peer p = peer(text);

	limits_login_succeeded(l, &p.sa, str_of(name));
}

static struct limits *
make(uint32_t total, uint32_t per_address, uint32_t per_network, uint32_t strangers)
{
	const struct limits_max max = {total, per_address, per_network, strangers};

	return limits_new(&max);
}

START_TEST(connections_count_by_address_and_by_ipv6_network)
{
	CLEANUP(limits_free) struct limits *l = make(5, 2, 100, 100);

	ck_assert_ok(enter(l, "192.0.2.1", false));
	ck_assert_ok(enter(l, "192.0.2.1", false));
	ck_assert_int_eq(enter(l, "192.0.2.1", false), ERR_LIMIT);
	ck_assert_ok(enter(l, "2001:db8:0:1::1", false));
	ck_assert_ok(enter(l, "2001:db8:0:1:ffff::2", false));
	ck_assert_int_eq(enter(l, "2001:db8:0:1::1", false), ERR_LIMIT);
	leave(l, "2001:db8:0:1:ffff::2", false);
	ck_assert_ok(enter(l, "2001:db8:0:1::1", false));
	ck_assert_ok(enter(l, "192.0.2.2", false));
	ck_assert_int_eq(enter(l, "192.0.2.3", false), ERR_BUSY);
	ck_assert_uint_eq(limits_total(l), 5);
}
END_TEST

START_TEST(connections_count_by_network)
{
	CLEANUP(limits_free) struct limits *l = make(100, 2, 3, 100);
	static const char *const networks[][4] = {
	    {"192.0.2.1", "192.0.2.2", "192.0.2.255", "192.0.3.1"},
	    {"2001:db8:1:1::1", "2001:db8:1:2::1", "2001:db8:1:ffff::1", "2001:db8:2::1"},
	};
	const char *option = "";

	for (size_t i = 0; i < ARRAY_LEN(networks); i++) {
		const char *const *n = networks[i];
		const union peer p = peer(n[2]);
		ck_assert_ok(enter(l, n[0], false));
		ck_assert_ok(enter(l, n[0], true));
		ck_assert_ok(enter(l, n[1], false));
		ck_assert_int_eq(limits_enter(l, &p.sa, false, &option), ERR_DENIED);
		ck_assert_str_eq(option, "max_connections_per_network");
		ck_assert_ok(enter(l, n[3], false)); /* the next one */
		leave(l, n[0], true);
		ck_assert_ok(enter(l, n[2], false));
	}
	ck_assert_uint_eq(limits_total(l), 8);
}
END_TEST

START_TEST(who_has_not_logged_in_counts_apart)
{
	CLEANUP(limits_free) struct limits *l = make(100, 100, 100, 2);
	const union peer p = peer("192.0.2.1");
	const char *option = "";

	ck_assert_ok(enter(l, "192.0.2.1", true));
	ck_assert_ok(enter(l, "192.0.2.2", true));
	ck_assert_int_eq(limits_enter(l, &p.sa, true, &option), ERR_DENIED);
	ck_assert_str_eq(option, "max_logins_per_network");
	ck_assert_ok(enter(l, "192.0.2.3", false)); /* a mail server need not */
	ck_assert_ok(enter(l, "192.0.3.1", true));
	limits_known(l, &p.sa);
	ck_assert_ok(enter(l, "192.0.2.3", true));
	ck_assert_int_eq(enter(l, "192.0.2.3", true), ERR_DENIED);
	leave(l, "192.0.2.1", false);
	ck_assert_int_eq(enter(l, "192.0.2.3", true), ERR_DENIED);
	leave(l, "192.0.2.2", true);
	ck_assert_ok(enter(l, "192.0.2.3", true));
}
END_TEST

/* A webmail on the same machine, or a proxy, has all its users behind one address. */
START_TEST(this_machine_is_no_network)
{
	CLEANUP(limits_free) struct limits *l = make(100, 10, 1, 1);
	static const char *const here[] = {"127.0.0.1", "::1", "::ffff:127.0.0.1"};
	const struct sockaddr local = {.sa_family = AF_UNIX};
	const char *option;

	for (size_t i = 0; i < ARRAY_LEN(here); i++) {
		ck_assert_ok(enter(l, here[i], true));
		ck_assert_ok(enter(l, here[i], true));
	}
	ck_assert_ok(limits_enter(l, &local, true, &option));
	ck_assert_ok(limits_enter(l, &local, true, &option));
	for (size_t i = 0; i < ARRAY_LEN(here); i++)
		leave(l, here[i], true);
	limits_leave(l, &local, true);
	ck_assert_uint_eq(limits_total(l), 4);
}
END_TEST

START_TEST(an_ipv4_peer_of_an_ipv6_socket_counts_as_itself)
{
	CLEANUP(limits_free) struct limits *l = make(9, 1, 2, 100);

	ck_assert_ok(enter(l, "::ffff:192.0.2.1", false));
	ck_assert_int_eq(enter(l, "192.0.2.1", false), ERR_LIMIT);
	ck_assert_ok(enter(l, "::ffff:192.0.2.2", false));
	ck_assert_int_eq(enter(l, "192.0.2.3", false), ERR_DENIED);
	leave(l, "192.0.2.1", false); /* as the connection calls it */
	ck_assert_ok(enter(l, "192.0.2.1", false));
}
END_TEST

START_TEST(new_limits_leave_what_is_open)
{
	CLEANUP(limits_free) struct limits *l = make(9, 9, 9, 9);
	const struct limits_max fewer = {9, 1, 9, 9};

	ck_assert_ok(enter(l, "192.0.2.1", true));
	ck_assert_ok(enter(l, "192.0.2.1", true));
	limits_set(l, &fewer);
	ck_assert_int_eq(enter(l, "192.0.2.1", true), ERR_LIMIT);
	ck_assert_uint_eq(limits_total(l), 2);
}
END_TEST

START_TEST(failed_logins_are_held_back_longer_each_time)
{
	CLEANUP(limits_free) struct limits *l = make(5, 2, 9, 9);
	static const int64_t wanted[] = {1000, 1000, 1000, 2000, 4000, 8000, 15000, 15000};

	clock_freeze(1700000000);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		ck_assert_int_eq(failed_from(l, "192.0.2.1"), wanted[i]);
	ck_assert_int_eq(failed_from(l, "192.0.2.2"), 1000);
	right_as(l, "192.0.2.1", "Ann@Example.test");
	ck_assert_int_eq(failed_from(l, "192.0.2.1"), 1000);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		(void)failed_from(l, "192.0.2.1");
	clock_advance_ms(10 * 60 * 1000 + 1);
	ck_assert_int_eq(failed_from(l, "192.0.2.1"), 1000);
	clock_thaw();
}
END_TEST

/* Whoever has an account could else log in to it between two guesses at others. */
START_TEST(a_right_login_forgives_failures_of_the_same_name)
{
	CLEANUP(limits_free) struct limits *l = make(5, 2, 9, 9);
	static const char here[] = "192.0.2.1";
	static const int64_t wanted[] = {1000, 1000, 1000, 2000, 4000, 8000, 15000, 15000};

	clock_freeze(1700000000);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		ck_assert_int_eq(failed_as(l, here, "ann"), wanted[i]);
		right_as(l, here, "mallory");
	}
	right_as(l, "192.0.2.2", "ann"); /* nor from elsewhere */
	ck_assert_int_eq(failed_as(l, here, "ann"), 15000);
	right_as(l, here, "ann");
	ck_assert_int_eq(failed_as(l, here, "bob"), 1000);
	for (int i = 0; i < 20; i++)
		(void)failed_as(l, here, "mallory");
	right_as(l, here, "mallory");
	ck_assert_int_eq(failed_as(l, here, "bob"), 1000);
	ck_assert_int_eq(failed_as(l, here, "bob"), 1000);
	ck_assert_int_eq(failed_as(l, here, "bob"), 2000);
	/* what was forgotten is not forgiven once more */
	(void)failed_as(l, here, "mallory");
	clock_advance_ms(10 * 60 * 1000 + 1);
	ck_assert_int_eq(failed_as(l, here, "bob"), 1000);
	right_as(l, here, "mallory");
	ck_assert_int_eq(failed_as(l, here, "bob"), 1000);
	ck_assert_int_eq(failed_as(l, here, "bob"), 1000);
	ck_assert_int_eq(failed_as(l, here, "bob"), 2000);
	clock_thaw();
}
END_TEST

/* Nor do they weigh on the network. */
START_TEST(what_is_forgiven_does_not_count_for_the_network)
{
	CLEANUP(limits_free) struct limits *l = make(5, 2, 9, 9);
	char text[32];

	for (unsigned i = 1; i <= 200; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", i);
		ck_assert_int_eq(failed_as(l, text, "ann"), 1000);
		right_as(l, text, "ann");
	}
	for (unsigned i = 1; i <= 64; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", i);
		ck_assert_int_eq(failed_as(l, text, "ann"), i < 64 ? 1000 : 2000);
		right_as(l, text, "mallory");
	}
}
END_TEST

/* An office with a wrong password in three programs is not slower; who guesses from each address of
 * a network once is. */
START_TEST(failed_logins_of_a_whole_network_are_held_back)
{
	CLEANUP(limits_free) struct limits *l = make(5, 2, 9, 9);
	char text[32];

	for (unsigned i = 1; i <= 255; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", i);
		int64_t ms = failed_from(l, text);
		int64_t wanted = i < 64    ? 1000
				 : i < 80  ? 2000
				 : i < 96  ? 4000
				 : i < 112 ? 8000
					   : 15000;
		ck_assert_int_eq(ms, wanted);
	}
	ck_assert_int_eq(failed_from(l, "192.0.3.1"), 1000);
	for (unsigned i = 1; i <= 255; i++) { /* nor does this machine have one */
		snprintf(text, sizeof(text), "127.0.0.%u", i);
		ck_assert_int_eq(failed_from(l, text), 1000);
	}
}
END_TEST

START_TEST(addresses_without_end_take_bounded_memory)
{
	CLEANUP(limits_free) struct limits *l = make(5, 2, 9, 9);
	char text[32];

	ck_assert_ok(enter(l, "192.0.2.1", true));
	for (unsigned i = 0; i < 60000; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.1", i / 256, i % 256);
		ck_assert_int_eq(failed_from(l, text), 1000);
	}
	ck_assert_ok(enter(l, "192.0.2.1", true)); /* what is open is never forgotten */
	ck_assert_int_eq(enter(l, "192.0.2.1", true), ERR_LIMIT);
}
END_TEST

/* The first failure of somebody of their own, anywhere. */
static void
flood_from_everywhere(struct limits *l, unsigned n)
{
	char text[32], name[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.1", i / 256, i % 256);
		snprintf(name, sizeof(name), "user%u", i);
		(void)failed_as(l, text, name);
	}
}

START_TEST(a_flood_of_new_addresses_and_names_frees_no_guesser_of_its_delay)
{
	CLEANUP(limits_free) struct limits *l = make(5, 2, 9, 9);
	char text[32];

	clock_freeze(1700000000);
	for (unsigned i = 0; i < 8; i++)
		(void)failed_from(l, "192.0.2.1");
	for (unsigned i = 1; i <= 120; i++) {
		snprintf(text, sizeof(text), "203.0.113.%u", i);
		(void)failed_from(l, text);
	}
	for (unsigned i = 0; i < 3; i++) {
		clock_advance_ms(60 * 1000);
		flood_from_everywhere(l, 20000);
		ck_assert_int_eq(failed_from(l, "192.0.2.1"), 15000);
		ck_assert_int_eq(failed_from(l, "203.0.113.200"), 15000);
	}
	clock_thaw();
}
END_TEST

static void
fail_four_times(struct limits *l, unsigned net, unsigned addresses)
{
	char text[32];

	for (unsigned i = 0; i < addresses; i++) {
		snprintf(text, sizeof(text), "%u.%u.%u.1", net, i / 256, i % 256);
		for (unsigned n = 0; n < 4; n++)
			(void)failed_from(l, text);
	}
}

START_TEST(names_without_end_push_no_address_out)
{
	CLEANUP(limits_free) struct limits *l = make(5, 2, 9, 9);
	char text[32];

	clock_freeze(1700000000);
	fail_four_times(l, 10, 1000);
	for (unsigned i = 0; i < 40000; i++) {
		snprintf(text, sizeof(text), "user%u", i);
		(void)failed_as(l, "127.0.0.1", text);
	}
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.1", i / 256, i % 256);
		ck_assert_int_eq(failed_from(l, text), 4000);
	}
	clock_thaw();
}
END_TEST

START_TEST(of_addresses_that_failed_as_often_the_oldest_go_first)
{
	CLEANUP(limits_free) struct limits *l = make(5, 2, 9, 9);
	char text[32];
	unsigned forgotten = 0;

	clock_freeze(1700000000);
	fail_four_times(l, 10, 5000);
	clock_advance_ms(5 * 60 * 1000);
	fail_four_times(l, 11, 5000);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "11.%u.%u.1", i / 256, i % 256);
		forgotten += failed_from(l, text) != 4000;
	}
	ck_assert_uint_le(forgotten, 2); /* room was made between two of their four */
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.1", i / 256, i % 256);
		forgotten += failed_from(l, text) == 1000;
	}
	ck_assert_uint_gt(forgotten, 1000);
	clock_thaw();
}
END_TEST

TEST_MAIN("limits", connections_count_by_address_and_by_ipv6_network, connections_count_by_network,
    who_has_not_logged_in_counts_apart, this_machine_is_no_network,
    an_ipv4_peer_of_an_ipv6_socket_counts_as_itself, new_limits_leave_what_is_open,
    failed_logins_are_held_back_longer_each_time, a_right_login_forgives_failures_of_the_same_name,
    what_is_forgiven_does_not_count_for_the_network, failed_logins_of_a_whole_network_are_held_back,
    addresses_without_end_take_bounded_memory,
    a_flood_of_new_addresses_and_names_frees_no_guesser_of_its_delay,
    names_without_end_push_no_address_out, of_addresses_that_failed_as_often_the_oldest_go_first)
