/* What the log tells of refused connections, and how often. */
#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/refusals.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <stdio.h>

struct lines {
	unsigned count;
	char last[512];
};

static void
keep_line(void *arg, struct str line)
{
	struct lines *l = arg;

	l->count++;
	snprintf(l->last, sizeof(l->last), "%.*s", STR_ARG(line));
}

static void
refuse(struct refusals *r, size_t listener, uint32_t host, const char *limit)
{
	static const char *const names[] = {"imap", "imaps"};
	const struct sockaddr_in peer = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc6336400 + host)}; /* 198.51.100.0 */
	const struct refusal what = {
	    listener, names[listener], (const struct sockaddr *)&peer, ERR_LIMIT, limit, 200};

	refusals_note(r, &what);
}

static uint64_t
counted(size_t limit)
{
	CLEANUP(metrics_cells_free) struct metrics_cells *now = metrics_read();

	return metrics_cell(&now->connections_refused[limit]);
}

START_TEST(the_first_refusals_are_told_at_once_and_a_flood_in_few_lines)
{
	static struct refusals r;
	struct lines l = {0};
	const uint64_t before = counted(1);

	clock_freeze(1700000000);
	log_capture(keep_line, &l);
	refuse(&r, 0, 7, "max_connections_per_address");
	ck_assert_uint_eq(l.count, 1);
	ck_assert_ptr_nonnull(
	    strstr(l.last, "connection_refused listener=imap peer=198.51.100.7 err=LIMIT "
			   "limit=max_connections_per_address open=200 withheld=0"));
	for (unsigned minute = 1; minute <= 3; minute++) {
		/* whoever comes */
		for (uint32_t i = 0; i < 6000; i++) {
			refuse(&r, 0, i, "max_connections_per_address");
			clock_advance_ms(LOG_RATION_MS / 6000);
		}
		ck_assert_uint_eq(l.count, minute * REFUSALS_A_MINUTE);
	}
	clock_advance_ms(LOG_RATION_MS);
	const unsigned told = l.count;
	refuse(&r, 0, 9, "max_connections_per_address");
	ck_assert_uint_eq(l.count, told + 1);
	ck_assert_ptr_nonnull(strstr(l.last, "peer=198.51.100.9 "));
	ck_assert_ptr_nonnull(strstr(l.last, " withheld=5990"));
	ck_assert_uint_eq(counted(1) - before, 18002); /* each of them */
	log_capture(NULL, NULL);
	clock_thaw();
}
END_TEST

/* Nobody hides one kind behind a flood of another. */
START_TEST(each_listener_and_limit_is_told_apart)
{
	static struct refusals r;
	struct lines l = {0};

	clock_freeze(1700000000);
	log_capture(keep_line, &l);
	for (uint32_t i = 0; i < 1000; i++)
		refuse(&r, 0, i, "max_logins_per_network");
	ck_assert_uint_eq(l.count, REFUSALS_A_MINUTE);
	refuse(&r, 1, 7, "max_logins_per_network");
	ck_assert_ptr_nonnull(strstr(l.last, "listener=imaps peer=198.51.100.7 "));
	for (size_t i = 0; i + 1 < REFUSALS_LIMITS; i++) {
		refuse(&r, 0, 7, refusals_limit(i));
		ck_assert_uint_eq(l.count, REFUSALS_A_MINUTE + 2 + i);
		ck_assert_ptr_nonnull(strstr(l.last, refusals_limit(i)));
	}
	ck_assert_ptr_null(refusals_limit(REFUSALS_LIMITS));
	log_capture(NULL, NULL);
	clock_thaw();
}
END_TEST

TEST_MAIN("refusals", the_first_refusals_are_told_at_once_and_a_flood_in_few_lines,
    each_listener_and_limit_is_told_apart)
