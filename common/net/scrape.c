#include "common/net/scrape.h"

#include "common/base/json.h"
#include "common/metrics/recent.h"
#include "common/metrics/summary.h"
#include "common/metrics/text.h"

#include <time.h>

struct scrape {
	const struct scrape_source *source;
};

/* A request, checked. `status` is 200 so far, or the answer. */
struct request {
	unsigned status;
	bool head; /* HEAD: the answer without its content */
	struct str path;
};

void *
scrape_session_new(const struct scrape_source *source)
{
	struct scrape *s = calloc(1, sizeof(*s));

	if (s)
		s->source = source;
	return s;
}

/* -- the request */

/* RFC 9110 §5.6.2 */
static bool
is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alpha(s.p[i]) && !ascii_is_digit(s.p[i]) &&
		    !memchr("!#$%&'*+-.^_`|~", s.p[i], 15))
			return false;
	return s.n > 0;
}

/* RFC 9110 §5.5: no control characters but HTAB. */
static bool
is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* RFC 9112 §3.2.2: a server must take the absolute form, too. */
static struct str
path_of(struct str target)
{
	if (!str_starts_nocase(target, STR("http://")))
		return target;
	target = str_skip(target, 7);
	size_t slash = str_find(target, '/');
	return slash == STR_NONE ? STR("/") : str_skip(target, slash);
}

static bool
is_get(struct request *r, struct str method)
{
	r->head = str_eq(method, STR("HEAD"));
	return r->head || str_eq(method, STR("GET"));
}

/* method SP target SP HTTP/1.1: RFC 9112 §3 */
static unsigned
check_first_line(struct request *r, struct str line)
{
	struct str method, target, version = line;

	if (!str_split(&version, ' ', &method) || !str_split(&version, ' ', &target))
		return 400;
	if (!is_token(method) || target.n == 0 || !is_value(target))
		return 400;
	if (!str_eq(version, STR("HTTP/1.1")) && !str_eq(version, STR("HTTP/1.0")))
		return str_starts(version, STR("HTTP/")) ? 505 : 400;
	r->path = path_of(target);
	return is_get(r, method) ? 200 : 405;
}

/* RFC 9112 §5: no blank before the colon, no folding. */
static unsigned
check_field(struct str line, unsigned *hosts)
{
	size_t colon = str_find(line, ':');

	if (colon == STR_NONE || !is_token(str_sub(line, 0, colon)) ||
	    !is_value(str_skip(line, colon + 1)))
		return 400;
	struct str name = str_sub(line, 0, colon), value = str_trim(str_skip(line, colon + 1));
	if (str_eq_nocase(name, STR("Host")))
		(*hosts)++;
	/* Content would be taken for the next request by others on the way. */
	if (str_eq_nocase(name, STR("Transfer-Encoding")) ||
	    (str_eq_nocase(name, STR("Content-Length")) && !str_eq(value, STR("0"))))
		return 400;
	return 200;
}

/* The line before the next CRLF; a CR or LF of its own stays in it and is no value. */
static struct str
take_line(struct str *rest)
{
	size_t end = str_find_nocase(*rest, STR("\r\n"));
	struct str line = str_sub(*rest, 0, end);

	*rest = str_skip(*rest, end + 2);
	return line;
}

/* `head` ends with the empty line. */
static struct request
read_request(struct str head)
{
	struct request r = {.path = STR("")};
	struct str rest = head, first = take_line(&rest);
	unsigned hosts = 0, fields = 200;

	r.status = check_first_line(&r, first);
	bool old = str_ends_nocase(first, STR(" HTTP/1.0"));
	for (struct str line; (line = take_line(&rest)).n && fields == 200;)
		fields = check_field(line, &hosts);
	if (fields != 200 || hosts > 1 || (hosts == 0 && !old)) /* RFC 9112 §3.2 */
		r.status = r.status == 505 ? 505 : 400;
	return r;
}

/* -- the answer */

static const char *
reason_of(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 431:
		return "Request Header Fields Too Large";
	case 500:
		return "Internal Server Error";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Bad Request";
	}
}

static void
answer(struct conn *c, const struct request *r, const char *type, struct str content)
{
	time_t now = (time_t)clock_real_s();
	struct tm tm;
	char date[40];

	(void)gmtime_r(&now, &tm); /* the clock reaches no year that it has no room for */
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm); /* the C locale's names */
	conn_printf(c,
	    "HTTP/1.1 %u %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	    "Cache-Control: no-store\r\n%sConnection: close\r\n\r\n",
	    r->status, reason_of(r->status), date, type, content.n,
	    r->status == 405 ? "Allow: GET, HEAD\r\n" : "");
	if (!r->head)
		conn_put(c, content);
}

static void
answer_error(struct conn *c, struct request *r, unsigned status)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(256);

	r->status = status;
	sbuf_printf(&text, "%u %s: this is /metrics and /status\n", status, reason_of(status));
	answer(c, r, "text/plain; charset=utf-8", sbuf_view(&text));
}

static void
write_status(const struct scrape_source *source, const struct metrics_cells *cells,
    struct metrics_cells *lately, int64_t now_us, struct sbuf *out)
{
	int64_t lately_us = recent_subtract(lately, now_us);

	json_open(out, NULL, '{');
	json_str(out, "daemon", str_of(source->daemon));
	json_str(out, "version", str_of(PILLARBOX_VERSION));
	json_u64(out, "process", (uint64_t)getpid());
	json_u64(out, "since", metrics_cell(&cells->start_time_seconds[0]));
	json_u64(out, "now", (uint64_t)clock_real_s());
	metrics_write_summary(cells, lately, lately_us, source->daemon, out);
	json_close(out, '}');
	sbuf_putc(out, '\n');
}

static void
answer_figures(struct conn *c, const struct scrape_source *source, struct request *r)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(METRICS_TEXT_MAX);
	bool metrics = str_eq(r->path, STR("/metrics")), status = str_eq(r->path, STR("/status"));

	if (!metrics && !status) {
		answer_error(c, r, 404);
		return;
	}
	int64_t now_us = clock_mono_us();
	CLEANUP(metrics_cells_free) struct metrics_cells *lately = status ? metrics_read() : NULL;
	CLEANUP(metrics_cells_free) struct metrics_cells *cells = metrics_read();
	if (cells && source->collect)
		source->collect(source->arg, cells);
	if (cells && metrics)
		metrics_write_text(cells, source->daemon, &out);
	else if (cells && lately)
		write_status(source, cells, lately, now_us, &out);
	if (sbuf_view(&out).n == 0 || sbuf_error(&out))
		answer_error(c, r, 500);
	else
		answer(c, r, metrics ? METRICS_TEXT_TYPE : "application/json", sbuf_view(&out));
}

/* -- turns */

static enum conn_turn
turn(void *session, struct conn *c, unsigned events)
{
	struct scrape *s = session;
	struct str in = conn_input(c);
	size_t end = str_find_nocase(in, STR("\r\n\r\n"));

	if (events & CONN_EV_OPEN)
		conn_set_deadline(c, SCRAPE_MS);
	if (events & (CONN_EV_TIMEOUT | CONN_EV_STOP))
		return CONN_CLOSE;
	if (end == STR_NONE && in.n < SCRAPE_REQUEST_MAX)
		return conn_at_eof(c) ? CONN_CLOSE : CONN_READ;
	struct request r = {0};
	if (end == STR_NONE || end > SCRAPE_REQUEST_MAX) {
		answer_error(c, &r, 431);
		return CONN_CLOSE;
	}
	r = read_request(str_sub(in, 0, end + 4));
	if (r.status == 200)
		answer_figures(c, s->source, &r);
	else
		answer_error(c, &r, r.status);
	conn_consume(c, in.n);
	return CONN_CLOSE;
}

static void
done(void *session)
{
	free(session);
}

const struct session_ops scrape_session_ops = {.turn = turn, .done = done};
