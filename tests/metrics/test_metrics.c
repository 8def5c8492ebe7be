/* Figures: counted by many threads, added up, shown as text and as JSON. */
#include "common/metrics/recent.h"
#include "common/metrics/summary.h"
#include "common/metrics/text.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>

#define MINUTE_MS 60000

static const char *
two_listeners(size_t i)
{
	static const char *const names[] = {"imap", "imaps"};

	return i < ARRAY_LEN(names) ? names[i] : NULL;
}

static const char *
three_commands(size_t i)
{
	static const char *const names[] = {"FETCH", "STORE", "other"};

	return i < ARRAY_LEN(names) ? names[i] : NULL;
}

/* -- spread of times */

START_TEST(each_time_is_in_a_bucket_that_holds_it)
{
	for (uint64_t us = 0; us < 100000; us++) {
		size_t i = histogram_bucket(us);
		ck_assert_msg(us < histogram_end(i), "%llu", (unsigned long long)us);
		ck_assert_msg(i == 0 || us >= histogram_end(i - 1), "%llu", (unsigned long long)us);
	}
	for (unsigned power = 2; power < 64; power++) {
		uint64_t us = UINT64_C(1) << power;
		ck_assert_uint_lt(histogram_bucket(us), HISTOGRAM_BUCKETS);
		ck_assert_uint_le(histogram_bucket(us - 1), histogram_bucket(us));
	}
	ck_assert_uint_eq(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}
END_TEST

START_TEST(a_bucket_is_no_wider_than_a_quarter_of_what_it_holds)
{
	for (size_t i = 4; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t begin = histogram_end(i - 1), end = histogram_end(i);
		ck_assert_msg(end > begin && (end - begin) * 4 <= begin, "%zu", i);
	}
}
END_TEST

START_TEST(quantiles_are_right_to_a_quarter)
{
	static struct histogram h;

	for (int i = 1; i <= 1000; i++)
		metrics_observe(&h, i * 100);
	ck_assert_uint_eq(histogram_count(&h), 1000);
	uint64_t half = histogram_quantile(&h, 0.5), most = histogram_quantile(&h, 0.99);
	ck_assert_msg(
	    half > 50000 * 3 / 4 && half < 50000 * 5 / 4, "%llu", (unsigned long long)half);
	ck_assert_msg(
	    most > 99000 * 3 / 4 && most < 99000 * 5 / 4, "%llu", (unsigned long long)most);
	ck_assert_uint_eq(metrics_cell(&h.sum_us), UINT64_C(500500) * 100);
}
END_TEST

START_TEST(of_nothing_the_quantile_is_zero)
{
	static const struct histogram h;

	ck_assert_uint_eq(histogram_quantile(&h, 0.99), 0);
}
END_TEST

START_TEST(what_is_below_a_power_of_two_is_counted_exactly)
{
	static struct histogram h;

	metrics_observe(&h, 15);
	metrics_observe(&h, 16);
	metrics_observe(&h, 31);
	metrics_observe(&h, 32);
	metrics_observe(&h, INT64_C(1) << 40);
	ck_assert_uint_eq(histogram_below(&h, 16), 1);
	ck_assert_uint_eq(histogram_below(&h, 32), 3);
	ck_assert_uint_eq(histogram_below(&h, UINT64_C(1) << 26), 4);
}
END_TEST

START_TEST(a_clock_that_goes_back_counts_as_no_time)
{
	static struct histogram h;

	metrics_observe(&h, -5);
	ck_assert_uint_eq(metrics_cell(&h.bucket[0]), 1);
	ck_assert_uint_eq(metrics_cell(&h.sum_us), 0);
}
END_TEST

/* -- cells */

#define THREADS 8
#define ROUNDS 20000

static void *
count_much(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		METRICS_COUNT(database_reads, 0);
		METRICS_ADD(received_bytes, 0, 3);
		metrics_observe(&metrics_mine()->database_sync[0], i);
	}
	return arg;
}

/* A reader looks meanwhile: under the thread sanitizer this says that nothing needs a lock. */
START_TEST(no_count_of_any_thread_is_lost)
{
	pthread_t threads[THREADS];
	CLEANUP(metrics_cells_free) struct metrics_cells *before = metrics_read();

	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, count_much, NULL);
	for (int i = 0; i < 20; i++) {
		CLEANUP(metrics_cells_free) struct metrics_cells *now = metrics_read();
		ck_assert_uint_le(metrics_cell(&before->database_reads[0]),
		    metrics_cell(&now->database_reads[0]));
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CLEANUP(metrics_cells_free) struct metrics_cells *after = metrics_read();
	ck_assert_uint_eq(metrics_cell(&after->database_reads[0]), THREADS * ROUNDS);
	ck_assert_uint_eq(metrics_cell(&after->received_bytes[0]), 3 * THREADS * ROUNDS);
	ck_assert_uint_eq(histogram_count(&after->database_sync[0]), THREADS * ROUNDS);
}
END_TEST

static void *
count_one(void *ret_cells)
{
	METRICS_COUNT(database_writes, 0);
	*(struct metrics_cells **)ret_cells = metrics_mine();
	return NULL;
}

START_TEST(cells_of_a_thread_that_ended_are_used_again_and_nothing_is_forgotten)
{
	struct metrics_cells *first = NULL, *cells = NULL;

	for (int i = 0; i < 100; i++) {
		pthread_t thread;
		pthread_create(&thread, NULL, count_one, &cells);
		pthread_join(thread, NULL);
		ck_assert_msg(!first || cells == first, "thread %d has new ones", i);
		first = cells;
	}
	CLEANUP(metrics_cells_free) struct metrics_cells *sum = metrics_read();
	ck_assert_uint_eq(metrics_cell(&sum->database_writes[0]), 100);
}
END_TEST

static void *
take_two(void *arg)
{
	METRICS_TAKE(open_connections, 1);
	METRICS_TAKE(open_connections, 1);
	return arg;
}

START_TEST(what_one_thread_adds_another_may_take)
{
	pthread_t thread;

	METRICS_ADD(open_connections, 1, 3);
	pthread_create(&thread, NULL, take_two, NULL);
	pthread_join(thread, NULL);
	CLEANUP(metrics_cells_free) struct metrics_cells *sum = metrics_read();
	ck_assert_uint_eq(metrics_cell(&sum->open_connections[1]), 1);
}
END_TEST

START_TEST(figures_that_nobody_uses_take_no_memory)
{
	/* the counts, which every thread uses, fit a page or two */
	ck_assert_uint_le(offsetof(struct metrics_cells, password_check), 8192);
	ck_assert_uint_le(sizeof(struct metrics_cells), 256 * 1024);
}
END_TEST

/* -- the last minute */

static uint64_t
reads_of_late(int64_t *ret_us)
{
	CLEANUP(metrics_cells_free) struct metrics_cells *now = metrics_read();

	*ret_us = recent_subtract(now, clock_mono_us());
	return metrics_cell(&now->database_reads[0]);
}

static void
read_some(int n)
{
	recent_note(clock_mono_us());
	METRICS_ADD(database_reads, 0, n);
}

START_TEST(the_last_minute_is_what_came_since_about_then)
{
	int64_t us;

	clock_freeze(1000000);
	recent_begin(clock_mono_us());
	read_some(5);
	ck_assert_uint_eq(reads_of_late(&us), 5);
	ck_assert_int_eq(us, 0);
	clock_advance_ms(30000);
	read_some(7);
	ck_assert_uint_eq(reads_of_late(&us), 12);
	ck_assert_int_eq(us, 30000000);
	clock_advance_ms(45000); /* the five are 75 s ago: within what may be told */
	ck_assert_uint_eq(reads_of_late(&us), 12);
	ck_assert_int_eq(us, 75000000);
	clock_advance_ms(20000); /* the seven 65 s, and the copy before them too */
	ck_assert_uint_eq(reads_of_late(&us), 7);
	clock_advance_ms(20000);
	ck_assert_uint_eq(reads_of_late(&us), 0);
	clock_thaw();
}
END_TEST

START_TEST(after_a_long_rest_the_last_minute_begins_anew)
{
	int64_t us;

	clock_freeze(2000000);
	recent_begin(clock_mono_us());
	read_some(5);
	clock_advance_ms(24 * 60 * MINUTE_MS);
	ck_assert_uint_eq(reads_of_late(&us), 0);
	ck_assert_int_eq(us, RECENT_SPAN_US);
	read_some(2);
	clock_advance_ms(3000);
	ck_assert_uint_eq(reads_of_late(&us), 2);
	ck_assert_int_eq(us, RECENT_SPAN_US);
	clock_thaw();
}
END_TEST

START_TEST(a_steady_stream_is_told_at_its_rate)
{
	int64_t us;

	clock_freeze(3000000);
	recent_begin(clock_mono_us());
	for (int s = 0; s < 600; s++) {
		read_some(10);
		clock_advance_ms(1000);
	}
	double n = (double)reads_of_late(&us);
	ck_assert_msg(us >= RECENT_SPAN_US && us <= RECENT_SPAN_US + RECENT_EVERY_US, "%lld us",
	    (long long)us);
	ck_assert_msg(n * 1e6 / (double)us > 9.5 && n * 1e6 / (double)us < 10.5, "%f in %lld us", n,
	    (long long)us);
	clock_thaw();
}
END_TEST

/* -- text */

static bool
has_line(struct str text, const char *line)
{
	struct str l;

	while (str_split(&text, '\n', &l))
		if (str_eq(l, str_of(line)))
			return true;
	return false;
}

static void
use_labels(void)
{
	metrics_set_values(METRIC_connections, two_listeners);
	metrics_set_values(METRIC_imap_commands, three_commands);
	metrics_set_values(METRIC_imap_command, three_commands);
	metrics_set_values(METRIC_errors, metrics_error_code);
	metrics_set_values(METRIC_logins, metrics_mechanism);
}

START_TEST(text_has_a_family_s_lines_together_with_labels_of_ours)
{
	static const char *const lines[] = {
	    "# TYPE pillarbox_connections_total counter",
	    "pillarbox_connections_total{daemon=\"imapd\",listener=\"imap\"} 0",
	    "pillarbox_connections_total{daemon=\"imapd\",listener=\"imaps\"} 9",
	    "# TYPE pillarbox_open_connections gauge",
	    "pillarbox_imap_commands_total{command=\"FETCH\"} 2",
	    "pillarbox_imap_idling 4",
	    "# TYPE pillarbox_imap_command_seconds histogram",
	    "pillarbox_imap_command_seconds_bucket{command=\"FETCH\",le=\"0.000064\"} 0",
	    "pillarbox_imap_command_seconds_bucket{command=\"FETCH\",le=\"0.000128\"} 1",
	    "pillarbox_imap_command_seconds_bucket{command=\"FETCH\",le=\"+Inf\"} 2",
	    "pillarbox_imap_command_seconds_sum{command=\"FETCH\"} 3.000100",
	    "pillarbox_imap_command_seconds_count{command=\"FETCH\"} 2",
	    "pillarbox_database_sync_seconds_count{daemon=\"imapd\"} 1",
	    "pillarbox_cpu_seconds_total{daemon=\"imapd\"} 1.500000",
	    "pillarbox_errors_total{daemon=\"imapd\",code=\"NOT_FOUND\"} 0",
	};
	CLEANUP(metrics_cells_free) struct metrics_cells *c = metrics_cells_new();
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(METRICS_TEXT_MAX);

	use_labels();
	metrics_set_values(METRIC_open_connections, two_listeners);
	metrics_set(&c->connections[1], 9);
	metrics_set(&c->imap_commands[0], 2);
	metrics_set(&c->imap_idling[0], 4);
	metrics_set(&c->cpu_seconds[0], 1500000);
	metrics_observe(&c->imap_command[0], 100);
	metrics_observe(&c->imap_command[0], 3000000);
	metrics_observe(&c->database_sync[0], 5);
	metrics_write_text(c, "imapd", &out);
	ck_assert_int_eq(sbuf_error(&out), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		ck_assert_msg(has_line(sbuf_view(&out), lines[i]), "no line %s in\n%s", lines[i],
		    sbuf_cstr(&out));
	/* nothing of other daemons, and no times of what was never done */
	ck_assert_uint_eq(str_find_nocase(sbuf_view(&out), STR("smtp_")), STR_NONE);
	ck_assert_uint_eq(
	    str_find_nocase(sbuf_view(&out), STR("imap_command_seconds_count{command=\"STORE\"")),
	    STR_NONE);
}
END_TEST

static const char *
many_names(size_t i)
{
	return i < METRIC_COMMANDS_MAX ? "a-name-as-long-as-any-command-is" : NULL;
}

START_TEST(all_of_it_fits_what_a_reader_is_given)
{
	CLEANUP(metrics_cells_free) struct metrics_cells *c = metrics_cells_new();
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(METRICS_TEXT_MAX);
	_Atomic uint64_t *cell = (_Atomic uint64_t *)c;

	for (size_t i = 0; i < sizeof(*c) / sizeof(*cell); i++)
		metrics_set(&cell[i], UINT64_MAX / 1000);
	for (int m = 0; m < METRIC__COUNT; m++)
		if (metrics_family((enum metric)m)->label)
			metrics_set_values((enum metric)m, many_names);
	metrics_write_text(c, "imapd", &out);
	ck_assert_int_eq(sbuf_error(&out), ERR_OK);
	ck_assert_uint_lt(sbuf_view(&out).n, METRICS_TEXT_MAX);
}
END_TEST

START_TEST(every_name_is_one_that_prometheus_takes)
{
	for (int m = 0; m < METRIC__COUNT; m++) {
		const struct metric_family *f = metrics_family((enum metric)m);
		for (const char *p = f->name; *p; p++)
			ck_assert_msg((*p >= 'a' && *p <= 'z') || *p == '_' ||
					  (p > f->name && ascii_is_digit(*p)),
			    "%s", f->name);
		ck_assert_msg(
		    !strchr(f->meaning, '\\') && !strchr(f->meaning, '\n'), "%s", f->name);
		ck_assert_msg(f->label || f->series == 1, "%s: series without a label", f->name);
	}
}
END_TEST

/* -- JSON */

START_TEST(a_summary_has_what_is_not_zero)
{
	CLEANUP(metrics_cells_free) struct metrics_cells *c = metrics_cells_new();
	CLEANUP(metrics_cells_free) struct metrics_cells *lately = metrics_cells_new();
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(65536);

	use_labels();
	metrics_set(&c->connections[1], 90);
	metrics_set(&lately->connections[1], 9);
	metrics_set(&c->imap_idling[0], 4);
	metrics_observe(&c->imap_command[0], 100);
	metrics_observe(&c->imap_command[1], 100);
	metrics_observe(&lately->imap_command[1], 100);
	metrics_write_summary(c, lately, RECENT_SPAN_US, "imapd", &out);
	ck_assert_str_eq(sbuf_cstr(&out),
	    "\"counters\":{\"connections\":[{\"listener\":\"imaps\",\"total\":90,"
	    "\"last_minute\":9}]},"
	    "\"gauges\":{\"imap_idling\":[{\"now\":4}]},"
	    "\"times\":{\"imap_command\":[{\"command\":\"FETCH\",\"count\":1,\"p50_us\":104,"
	    "\"p99_us\":104,\"sum_us\":100},{\"command\":\"STORE\",\"count\":1,\"p50_us\":104,"
	    "\"p99_us\":104,\"sum_us\":100,\"last_minute\":{\"count\":1,\"p50_us\":104,"
	    "\"p99_us\":104}}]}");
}
END_TEST

START_TEST(more_than_a_minute_is_told_as_one)
{
	CLEANUP(metrics_cells_free) struct metrics_cells *c = metrics_cells_new();
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(65536);

	metrics_set(&c->database_reads[0], 7501);
	metrics_write_summary(c, c, RECENT_SPAN_US * 5 / 4, "pop3d", &out);
	ck_assert_ptr_nonnull(strstr(sbuf_cstr(&out), "\"total\":7501,\"last_minute\":6001"));
}
END_TEST

START_TEST(a_name_finds_its_value_in_any_case_and_a_stranger_is_other)
{
	ck_assert_str_eq(metrics_mechanism(metrics_index_of(metrics_mechanism, "scram-sha-256")),
	    "SCRAM-SHA-256");
	ck_assert_str_eq(metrics_mechanism(metrics_index_of(metrics_mechanism, "NTLM")), "other");
	ck_assert_str_eq(
	    metrics_tls_result(metrics_index_of(metrics_tls_result, "TLSv1.3")), "TLSv1.3");
}
END_TEST

TEST_MAIN("metrics", each_time_is_in_a_bucket_that_holds_it,
    a_bucket_is_no_wider_than_a_quarter_of_what_it_holds, quantiles_are_right_to_a_quarter,
    of_nothing_the_quantile_is_zero, what_is_below_a_power_of_two_is_counted_exactly,
    a_clock_that_goes_back_counts_as_no_time, no_count_of_any_thread_is_lost,
    cells_of_a_thread_that_ended_are_used_again_and_nothing_is_forgotten,
    what_one_thread_adds_another_may_take, figures_that_nobody_uses_take_no_memory,
    the_last_minute_is_what_came_since_about_then, after_a_long_rest_the_last_minute_begins_anew,
    a_steady_stream_is_told_at_its_rate, text_has_a_family_s_lines_together_with_labels_of_ours,
    all_of_it_fits_what_a_reader_is_given, every_name_is_one_that_prometheus_takes,
    a_summary_has_what_is_not_zero, more_than_a_minute_is_told_as_one,
    a_name_finds_its_value_in_any_case_and_a_stranger_is_other)
