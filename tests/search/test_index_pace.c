#include "common/base/cleanup.h"
#include "search/index_pace.h"
#include "tests/support/test.h"

/* Milliseconds by the clock and of the processor, and commits, since the last look; what the pause
 * after that is. */
static int64_t
pause_after(int64_t went_ms, int64_t used_us, uint64_t commits, bool reads, bool hurry)
{
	struct index_pace p = {0};
	struct index_moment now = {1000, 70000, 500};

	ck_assert_int_eq(index_pace_pause_ms(&p, &now, reads, hurry), 0);
	now.now_ms += went_ms;
	now.used_us += used_us;
	now.commits += commits;
	return index_pace_pause_ms(&p, &now, reads, hurry);
}

START_TEST(a_stream_of_mail_and_a_busy_machine_make_it_pause)
{
	static const struct {
		int64_t went_ms, used_us;
		uint64_t commits;
		bool reads, hurry;
		int64_t pause_ms;
	} rows[] = {
	    {4, 4000, 0, true, false, 0}, /* it is not looked at yet */
	    {5, 5000, 0, true, false, 0}, /* alone on the machine */
	    {100, 100000, 1, true, false, 0}, /* one message is no stream */
	    {99, 99000, 2, true, false, 0}, /* nor is that known so soon */
	    {100, 100000, 2, false, false, INDEX_PACE_MAIL_MAX_MS},
	    {100, 3500, 2, false, false, 3500 * INDEX_PACE_MAIL / 1000},
	    {1000, 5000, INDEX_PACE_STREAM, false, false, 5 * INDEX_PACE_MAIL},
	    {1000, 5000, INDEX_PACE_STREAM - 1, false, false, 0},
	    {7, 5000, 0, true, false, 2 * INDEX_PACE_LOST}, /* others had the processor */
	    {7, 5000, 0, false, false, 0}, /* as the lowest priority is meant */
	    {500, 5000, 0, true, false, INDEX_PACE_LOST_MAX_MS},
	    {100, 5000, 100, true, true, 0}, /* somebody waits for it */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t pause_ms = pause_after(rows[i].went_ms, rows[i].used_us, rows[i].commits,
		    rows[i].reads, rows[i].hurry);
		ck_assert_msg(
		    pause_ms == rows[i].pause_ms, "row %zu: %lld", i, (long long)pause_ms);
	}
}
END_TEST

/* A stream is told from the time between two looks, and the pause is most of it. */
START_TEST(it_works_a_twentieth_of_the_time_while_mail_streams_and_then_all_of_it)
{
	struct index_pace p = {0};
	struct index_moment now = {0};
	int64_t paused_ms = 0;

	index_pace_go(&p, &now);
	for (int i = 0; i < 200; i++) { /* a commit every 25 ms: 40 a second */
		now.now_ms += 5;
		now.used_us += 5000;
		now.commits = (uint64_t)now.now_ms / 25;
		int64_t pause_ms = index_pace_pause_ms(&p, &now, true, false);
		if (!pause_ms)
			continue;
		now.now_ms += pause_ms;
		now.commits = (uint64_t)now.now_ms / 25;
		paused_ms += pause_ms;
		index_pace_go(&p, &now);
	}
	ck_assert_int_ge(paused_ms, 9 * (now.now_ms - paused_ms));
	for (int i = 0; i < 100; i++) {
		now.now_ms += 5;
		now.used_us += 5000;
		int64_t pause_ms = index_pace_pause_ms(&p, &now, true, false);
		ck_assert_int_eq(i > INDEX_PACE_WINDOW_MS / 5 ? pause_ms : 0, 0);
		now.now_ms += pause_ms;
		if (pause_ms)
			index_pace_go(&p, &now);
	}
}
END_TEST

TEST_MAIN("index_pace", a_stream_of_mail_and_a_busy_machine_make_it_pause,
    it_works_a_twentieth_of_the_time_while_mail_streams_and_then_all_of_it)
