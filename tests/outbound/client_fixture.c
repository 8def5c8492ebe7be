#include "tests/outbound/client_fixture.h"

#include <arpa/inet.h>
#include <stdio.h>

/* libcheck's own marks progress, which fuzz targets have no place for. */
#define NEEDS(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			ck_abort_msg("%s", #cond);                                                 \
	} while (0)

#define LOG_MAX (256 * 1024)
#define ARENA_MAX (64 * 1024 * 1024)

struct text_content {
	struct content content;
	struct client_fixture *f;
	struct str text;
};

static enum err
read_text(struct content *c, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	struct text_content *t = (struct text_content *)c;
	struct str rest = str_skip(t->text, offset);

	if (t->f->read_err && offset >= t->f->read_room)
		return t->f->read_err;
	*ret_n = rest.n < n ? rest.n : n;
	memcpy(to, rest.p, *ret_n);
	return ERR_OK;
}

static void
close_text(struct content *c)
{
	((struct text_content *)c)->f->contents_open--;
	free(c);
}

static struct job *
next_job(void *arg, int64_t *ret_wait_ms)
{
	struct client_fixture *f = arg;

	*ret_wait_ms = f->wait_ms;
	return f->given < f->job_count ? f->jobs[f->given++] : NULL;
}

static struct content *
content(void *arg, struct job *job, enum content_form form, bool *ret_wait)
{
	struct client_fixture *f = arg;

	f->asked = form;
	f->contents_asked++;
	if (f->content_waits) {
		*ret_wait = true;
		return NULL;
	}
	struct text_content *t = calloc(1, sizeof(*t));
	t->f = f;
	t->text = f->texts[f->given - 1];
	f->contents_open++;
	t->content = (struct content){.size = t->text.n, .read = read_text, .close = close_text};
	NEEDS(content_look(&t->content, &job->message) == ERR_OK);
	t->content.utf8_header |= f->utf8_header;
	if (f->binary)
		t->content.form = CONTENT_BINARY;
	if (!f->no_content)
		return &t->content;
	close_text(&t->content);
	for (size_t i = 0; i < job->rcpt_count; i++)
		job->rcpts[i].fate = JOB_NEVER;
	return NULL;
}

/* As the scheduler does where something was said of others. */
static void
give_untried_again(struct client_fixture *f, struct job *job)
{
	size_t kept = 0;

	for (size_t i = 0; i < job->rcpt_count; i++)
		if (job->rcpts[i].fate == JOB_UNTRIED)
			job->rcpts[kept++] = job->rcpts[i];
	if (!kept || kept == job->rcpt_count)
		return;
	job->rcpt_count = kept;
	f->given--;
}

static void
job_done(void *arg, struct job *job)
{
	static const char *const fates[] = {"UNTRIED", "DONE", "LATER", "NEVER"};
	struct client_fixture *f = arg;

	NEEDS(f->contents_open == 0);
	for (size_t i = 0; i < job->rcpt_count; i++) {
		const struct job_rcpt *r = &job->rcpts[i];
		sbuf_printf(&f->log, "%.*s %s %.*s %.*s%s\n", STR_ARG(r->row.address),
		    fates[r->fate], STR_ARG(r->status), STR_ARG(r->reply),
		    r->relayed ? " (relayed)" : "");
	}
	give_untried_again(f, job);
}

static void
ended(void *arg, const struct client_end *end)
{
	static const char *const failures[] = {"FINE", "NO_CONNECTION", "GREETING_LATER",
	    "GREETING_NEVER", "TLS_FAILED", "TLS_BROKEN", "AUTH_FAILED", "STOPPED"};
	struct client_fixture *f = arg;

	NEEDS(!f->ended);
	f->ended = true;
	sbuf_printf(&f->log, "%s %u %.*s jobs=%u tls=%s\n", failures[end->failure], end->code,
	    STR_ARG(end->reply), end->jobs, end->tls && end->tls->error ? end->tls->error : "");
}

static const struct client_owner owner = {next_job, content, job_done, ended};

struct client_fixture *
client_fixture_new(void)
{
	struct client_fixture *f = calloc(1, sizeof(*f));

	f->arena = arena_new(ARENA_MAX);
	sbuf_init(&f->log, LOG_MAX);
	f->options.dialled = true;
	f->host.name = STR("mx.example.net");
	f->host.addresses = ARENA_NEW(f->arena, struct sockaddr_storage);
	f->host.address_count = 1;
	struct sockaddr_in *four = (struct sockaddr_in *)f->host.addresses;
	four->sin_family = AF_INET;
	four->sin_port = htons(25);
	inet_pton(AF_INET, "192.0.2.1", &four->sin_addr);
	f->route.kind = ROUTE_SMTP;
	f->route.hosts = &f->host;
	f->route.host_count = 1;
	f->client = (struct client_options){
	    .route = &f->route, .helo = "us.example", .owner = &owner, .arg = f};
	return f;
}

void
client_fixture_free(struct client_fixture **fp)
{
	struct client_fixture *f = MOVE_PTR(*fp);

	if (!f)
		return;
	conn_memory_close(&f->conn);
	NEEDS(f->contents_open == 0);
	sbuf_done(&f->log);
	arena_free(&f->arena);
	free(f);
}

struct job *
client_fixture_job(
    struct client_fixture *f, const char *sender, const char *rcpts, const char *text)
{
	struct job *job = ARENA_NEW(f->arena, struct job);
	struct str rest = str_of(rcpts), one;

	job->arena = f->arena;
	job->message.sender = str_of(sender);
	size_t n = 1;
	for (const char *blank = strchr(rcpts, ' '); blank; blank = strchr(blank + 1, ' '))
		n++;
	job->rcpts = arena_alloc_array(f->arena, n, sizeof(struct job_rcpt));
	while (str_split(&rest, ' ', &one))
		job->rcpts[job->rcpt_count++].row.address = one;
	f->texts[f->job_count] = str_of(text);
	f->jobs[f->job_count++] = job;
	return job;
}

void
client_open(struct client_fixture *f)
{
	struct client *cl = client_new(&f->client);

	NEEDS(cl);
	f->conn = conn_memory_open(&client_ops, cl, &f->options);
}

static struct str
wire_form(struct arena *a, struct str s)
{
	char *out = arena_alloc(a, 2 * s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r'))
			out[n++] = '\r';
		out[n++] = s.p[i];
	}
	return str_make(out, n);
}

void
client_talk(struct client_fixture *f, const char *server, const char *client, bool by_byte)
{
	CLEANUP(arena_free) struct arena *a = arena_new(ARENA_MAX);
	struct str want = str_of(client);
	bool closes = str_ends_nocase(want, STR("<closed>"));

	if (closes)
		want.n -= strlen("<closed>");
	want = wire_form(a, want);
	struct str in = wire_form(a, str_of(server ? server : ""));
	for (size_t i = 0; by_byte && i < in.n; i++)
		conn_memory_feed(f->conn, str_sub(in, i, 1));
	if (in.n == 0)
		conn_memory_run(f->conn);
	else if (!by_byte)
		conn_memory_feed(f->conn, in);
	struct str got = conn_memory_output(f->conn, a);
	ck_assert_msg(str_eq(got, want), "server (%s): %s\nexpected: %.*s\ngot: %.*s",
	    by_byte ? "by byte" : "whole", server ? server : "(nothing)", STR_ARG(want),
	    STR_ARG(got));
	ck_assert_msg(conn_memory_closed(f->conn) == closes, "server: %s\n%s",
	    server ? server : "(nothing)", closes ? "still open" : "was closed");
}

void
client_talk_all(
    struct client_fixture *f, const struct talk *rows, size_t n, const char *log, bool by_byte)
{
	for (size_t i = 0; i < n; i++)
		client_talk(f, rows[i].server, rows[i].client, by_byte);
	ck_assert_str_is(sbuf_view(&f->log), log);
}
