/* What a daemon tells of itself, for people. */
#include "ctl/ctl.h"
#include "ctl/figures.h"
#include "ctl/words.h"

#include <jansson.h>

#define ROWS_MAX 8 /* commands that are shown */
#define ERRORS_MAX 6

static void
drop(json_t **j)
{
	json_decref(*j);
}

static json_t *
parse(struct str status)
{
	return json_loadb(status.p ? status.p : "", status.n, 0, NULL);
}

static uint64_t
number(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (uint64_t)n : 0;
}

/* The series of a family, NULL where there are none. */
static const json_t *
family(const json_t *root, const char *group, const char *name)
{
	return json_object_get(json_object_get(root, group), name);
}

/* `key` of all series of a family. */
static uint64_t
sum_of(const json_t *root, const char *group, const char *name, const char *key)
{
	const json_t *series = family(root, group, name);
	uint64_t n = 0;

	for (size_t i = 0; i < json_array_size(series); i++)
		n += number(json_array_get(series, i), key);
	return n;
}

void
figures_write_head(struct sbuf *out, struct str status)
{
	CLEANUP(drop) json_t *root = parse(status);
	const char *version = json_string_value(json_object_get(root, "version"));
	char size[32];

	if (!version)
		return;
	sbuf_puts(out, ", version ");
	words_put_safe(out, str_of(version));
	sbuf_puts(out, ", up ");
	words_put_age(out, (int64_t)number(root, "now") - (int64_t)number(root, "since"));
	sbuf_printf(out, ", %s of memory",
	    ctl_size(sum_of(root, "gauges", "resident_memory_bytes", "now"), size));
}

/* "12 logins", "1 login" */
static void
put_count(struct sbuf *out, const char *before, uint64_t n, const char *one, const char *many)
{
	sbuf_printf(out, "%s%llu %s", before, (unsigned long long)n, n == 1 ? one : many);
}

static uint64_t
lately(const json_t *root, const char *name)
{
	return sum_of(root, "counters", name, "last_minute");
}

static uint64_t
commands_lately(const json_t *root)
{
	return lately(root, "smtp_commands") + lately(root, "imap_commands") +
	       lately(root, "pop3_commands");
}

static void
put_minute(struct sbuf *out, const json_t *root)
{
	char in[32], sent[32];
	uint64_t messages = lately(root, "messages_stored"), gone = lately(root, "queue_results");

	put_count(out, "  open: ", sum_of(root, "gauges", "open_connections", "now"), "connection",
	    "connections");
	put_count(out, "; last minute: ", lately(root, "connections"), "new", "new");
	put_count(out, ", ", commands_lately(root), "command", "commands");
	put_count(out, ", ", lately(root, "logins"), "login", "logins");
	if (messages)
		put_count(out, ", ", messages, "message stored", "messages stored");
	if (gone)
		put_count(out, ", ", gone, "recipient tried", "recipients tried");
	put_count(out, ", ", lately(root, "login_failures"), "failed login", "failed logins");
	put_count(out, ", ", lately(root, "errors"), "command refused", "commands refused");
	put_count(out, ", ", lately(root, "connections_refused"), "connection refused",
	    "connections refused");
	sbuf_printf(out, "; %s in, %s out\n", ctl_size(lately(root, "received_bytes"), in),
	    ctl_size(lately(root, "sent_bytes"), sent));
}

/* "0.08 ms", "12 ms", "1.4 s" */
static void
put_time(struct sbuf *out, uint64_t us)
{
	char text[32];

	if (us < 10000)
		snprintf(text, sizeof(text), "%llu.%02llu ms", (unsigned long long)(us / 1000),
		    (unsigned long long)(us % 1000 / 10));
	else if (us < 1000000)
		snprintf(text, sizeof(text), "%llu ms", (unsigned long long)(us / 1000));
	else
		snprintf(text, sizeof(text), "%llu.%llu s", (unsigned long long)(us / 1000000),
		    (unsigned long long)(us % 1000000 / 100000));
	sbuf_printf(out, " %10s", text);
}

/* Of the last minute where something happened in it. */
static void
put_row(struct sbuf *out, const char *name, const json_t *series)
{
	const json_t *minute = json_object_get(series, "last_minute");
	const json_t *spread = minute ? minute : series;

	sbuf_puts(out, "    ");
	words_put_safe(out, str_of(name));
	for (size_t n = strlen(name); n < 24; n++)
		sbuf_putc(out, ' ');
	sbuf_printf(out, "%8llu %10llu", (unsigned long long)number(minute, "count"),
	    (unsigned long long)number(series, "count"));
	put_time(out, number(spread, "p50_us"));
	put_time(out, number(spread, "p99_us"));
	sbuf_putc(out, '\n');
}

/* The one with the highest `key` below `limit`, of those that were not `taken`. */
static size_t
next_largest(const json_t *series, const char *key, const bool *taken, size_t n)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++) {
		if (taken[i])
			continue;
		if (best == n || number(json_array_get(series, i), key) >
				     number(json_array_get(series, best), key))
			best = i;
	}
	return best;
}

#define SERIES_MAX 64

static void
put_commands(struct sbuf *out, const json_t *root, const char *name)
{
	const json_t *series = family(root, "times", name);
	size_t n = json_array_size(series);
	bool taken[SERIES_MAX] = {false};

	if (n > SERIES_MAX)
		n = SERIES_MAX;
	for (size_t i = 0; i < ROWS_MAX; i++) {
		size_t at = next_largest(series, "count", taken, n);
		if (at == n)
			return;
		taken[at] = true;
		const json_t *one = json_array_get(series, at);
		const char *command = json_string_value(json_object_get(one, "command"));
		put_row(out, command ? command : "?", one);
	}
}

static void
put_times(struct sbuf *out, const json_t *root)
{
	static const struct {
		const char *family, *name;
	} rows[] = {
	    {"smtp_delivery", "(message to its reply)"},
	    {"queue_age", "(acceptance to delivery)"},
	    {"dns_answer", "(answer of the DNS)"},
	    {"database_write", "(database, write)"},
	    {"database_sync", "(database, sync)"},
	    {"password_check", "(password check)"},
	};

	if (json_object_size(json_object_get(root, "times")) == 0)
		return;
	sbuf_puts(
	    out, "    time of                   last minute    in all  half under 99 % under\n");
	put_commands(out, root, "smtp_command");
	put_commands(out, root, "pop3_command");
	put_commands(out, root, "imap_command");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const json_t *one = json_array_get(family(root, "times", rows[i].family), 0);
		if (one)
			put_row(out, rows[i].name, one);
	}
}

static void
put_errors(
    struct sbuf *out, const json_t *root, const char *name, const char *label, const char *what)
{
	const json_t *series = family(root, "counters", name);
	size_t n = json_array_size(series);
	bool taken[SERIES_MAX] = {false};

	if (n > SERIES_MAX)
		n = SERIES_MAX;
	for (size_t i = 0; i < n && i < ERRORS_MAX; i++) {
		size_t at = next_largest(series, "total", taken, n);
		taken[at] = true;
		const json_t *one = json_array_get(series, at);
		const char *value = json_string_value(json_object_get(one, label));
		sbuf_puts(out, i ? ", " : what);
		words_put_safe(out, str_of(value ? value : "?"));
		sbuf_printf(out, " %llu", (unsigned long long)number(one, "total"));
	}
	if (n)
		sbuf_putc(out, '\n');
}

void
figures_write_lines(struct sbuf *out, struct str status)
{
	CLEANUP(drop) json_t *root = parse(status);

	if (!json_is_object(root))
		return;
	put_minute(out, root);
	put_times(out, root);
	put_errors(out, root, "login_failures", "mechanism", "  failed logins since the start: ");
	put_errors(
	    out, root, "connections_refused", "limit", "  connections refused since the start: ");
	put_errors(out, root, "errors", "code", "  commands refused since the start: ");
	put_errors(out, root, "store_errors", "code", "  failures of the store since the start: ");
}
