#include "tests/smtpd/fake.h"

#include "common/base/log.h"
#include "store/sending.h"
#include "store/suppression.h"
#include "store/trace.h"

#include <assert.h> /* not libcheck's: fuzz targets use this too */
#include <stdio.h>

struct store {
	struct fake *fake;
};

struct account {
	int64_t id;
};

struct spool {
	struct fake *fake;
	struct sbuf text;
	struct message_index index;
	enum err err;
};

/* -- directory ----------------------------------------------------------------------------------
 */

static const struct {
	const char *local;
	int64_t accounts[3]; /* 0 ends */
	enum err err;
	const char *elsewhere;
} names[] = {
    {"ann", {1}, ERR_OK, NULL},
    {"postmaster", {1}, ERR_OK, NULL},
    {"bob", {2}, ERR_OK, NULL},
    {"full", {3}, ERR_OK, NULL},
    {"broken", {4}, ERR_OK, NULL},
    {"dan", {5}, ERR_OK, NULL},
    {"team", {1, 2}, ERR_OK, NULL},
    {"half", {1, 3}, ERR_OK, NULL},
    {"sales", {1}, ERR_OK, NULL},
    {"away", {0}, ERR_OK, "x@other.test"},
    {"keeps", {2}, ERR_OK, "y@other.test"},
    {"gone", {0}, ERR_OK, "stale@other.test"},
    {"stays", {2}, ERR_OK, "stale@other.test"},
    {"mixed", {1, 3}, ERR_OK, "x@other.test"},
    {"loop", {0}, ERR_LOOP, NULL},
    {"busy", {0}, ERR_BUSY, NULL},
    {"disabled", {0}, ERR_DENIED, NULL},
};

enum err
directory_resolve(
    struct store *s, struct str address, struct arena *arena, struct recipient **ret, size_t *ret_n)
{
	size_t at = str_rfind(address, '@');
	struct str local = str_sub(address, 0, at == STR_NONE ? address.n : at);
	size_t plus = str_find(local, '+');

	(void)s;
	if (at != STR_NONE && !str_eq_nocase(str_skip(address, at + 1), STR("example.test")))
		return ERR_RELAY;
	if (plus != STR_NONE)
		local.n = plus;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!str_eq_nocase(local, str_of(names[i].local)))
			continue;
		if (names[i].err)
			return names[i].err;
		*ret = arena_alloc_array(arena, 4, sizeof(**ret));
		assert(*ret);
		for (*ret_n = 0; *ret_n < 3 && names[i].accounts[*ret_n]; (*ret_n)++)
			(*ret)[*ret_n].account = names[i].accounts[*ret_n];
		if (names[i].elsewhere)
			(*ret)[(*ret_n)++] =
			    (struct recipient){.elsewhere = str_of(names[i].elsewhere),
				.by = arena_printf(arena, "%s@example.test", names[i].local)};
		return ERR_OK;
	}
	return ERR_NO_USER;
}

enum err
directory_is_local_domain(struct store *s, struct str domain)
{
	(void)s;
	return str_eq_nocase(domain, STR("example.test")) ? ERR_OK : ERR_NOT_FOUND;
}

enum err
directory_postmaster(struct store *s, struct arena *arena, struct str *ret)
{
	(void)s;
	*ret = arena_dup(arena, STR("postmaster@example.test"));
	return ret->p ? ERR_OK : ERR_NOMEM;
}

enum err
directory_secret(struct store *s, struct arena *arena, struct str *ret)
{
	(void)s;
	*ret = arena_dup(arena, STR("thirty-two octets of the secret."));
	return ret->p ? ERR_OK : ERR_NOMEM;
}

enum err
directory_may_send_as(struct store *s, int64_t account, struct str address)
{
	(void)s;
	assert(account == 1);
	return str_eq_nocase(address, STR("ann@example.test")) ||
		       str_eq_nocase(address, STR("sales@example.test"))
		   ? ERR_OK
		   : ERR_DENIED;
}

enum err
account_open(struct store *s, int64_t id, struct account **ret)
{
	(void)s;
	if (id == 4)
		return ERR_CORRUPT;
	*ret = calloc(1, sizeof(**ret));
	(*ret)->id = id;
	return ERR_OK;
}

void
account_unref(struct account **a)
{
	free(*a);
	*a = NULL;
}

enum err
account_has_room(struct account *a, uint64_t bytes)
{
	return a->id == 3 || (a->id == 5 && bytes > 1000) ? ERR_OVER_QUOTA : ERR_OK;
}

/* -- messages -----------------------------------------------------------------------------------
 */

enum err
spool_new(struct store *s, struct spool **ret)
{
	if (s->fake->spool_new)
		return s->fake->spool_new;
	*ret = calloc(1, sizeof(**ret));
	(*ret)->fake = s->fake;
	(*ret)->text = SBUF_INIT(256u << 20);
	s->fake->spools_open++;
	return ERR_OK;
}

enum err
spool_new_brief(struct store *s, struct spool **ret)
{
	return spool_new(s, ret);
}

void
spool_free(struct spool **s)
{
	if (!*s)
		return;
	(*s)->fake->spools_open--;
	sbuf_done(&(*s)->text);
	free(*s);
	*s = NULL;
}

enum err
spool_write(struct spool *s, const void *p, size_t n)
{
	if (!s->err && s->fake->spool_write && s->text.n + n > s->fake->spool_room)
		s->err = s->fake->spool_write;
	if (!s->err)
		sbuf_append(&s->text, p, n);
	return s->err ? s->err : sbuf_error(&s->text);
}

void
message_deliver(struct store *s, struct spool *spool, struct delivery *d, size_t n)
{
	struct fake *f = s->fake;

	assert(n > 0);
	for (size_t i = 0; i < n; i++) {
		d[i].result = f->deliver[d[i].account];
		if (d[i].result)
			continue;
		assert(f->message_count < FAKE_MESSAGES);
		struct fake_message *m = &f->messages[f->message_count++];
		m->account = d[i].account;
		m->text = arena_dup(f->arena, sbuf_view(&spool->text));
		assert(m->text.p);
	}
}

uint64_t
spool_size(const struct spool *s)
{
	return s->text.n;
}

enum err
spool_read_back(struct spool *s, uint64_t offset, char *to, size_t n)
{
	assert(offset + n <= s->text.n);
	memcpy(to, s->text.p + offset, n);
	return ERR_OK;
}

enum err
spool_finish(struct spool *s, const struct message_index **ret)
{
	size_t gap = str_find_nocase(sbuf_view(&s->text), STR("\r\n\r\n"));
	s->index.size = s->text.n;
	s->index.header_size = gap == STR_NONE ? s->text.n : gap + 4;
	s->index.has_8bit = !str_is_ascii(sbuf_view(&s->text));
	s->index.has_nul = str_has_nul(sbuf_view(&s->text));
	*ret = &s->index;
	return ERR_OK;
}

/* stale@other.test refused mail some time ago. */
enum err
suppression_find(struct store *s, struct str address, struct arena *arena, struct suppressed *ret)
{
	(void)s, (void)arena;
	*ret = (struct suppressed){.reply = STR("550 5.1.1 No such\r\nuser")};
	return str_eq(address, STR("stale@other.test")) ? ERR_OK : ERR_NOT_FOUND;
}

enum err
sending_may(struct store *s, int64_t account, const struct sending_limits *limits, uint64_t more,
    enum sending_bound *ret_bound)
{
	struct fake *f = s->fake;

	(void)account;
	*ret_bound = f->sending_held ? SENDING_HELD : SENDING_PER_HOUR;
	if (f->sending_held)
		return ERR_DENIED;
	return limits->per_hour && f->sent + more > limits->per_hour ? ERR_LIMIT : ERR_OK;
}

enum err
sending_hold(struct store *s, int64_t account, struct str why)
{
	(void)account, (void)why;
	if (s->fake->sending_held)
		return ERR_EXISTS;
	s->fake->sending_held = true;
	return ERR_OK;
}

enum err
queue_change(struct store *s, const struct queue_filter *f, enum queue_change what, uint64_t *ret_n)
{
	assert(f->account == 1 && what == QUEUE_HOLD);
	s->fake->queue_held = true;
	*ret_n = 3;
	return ERR_OK;
}

void
trace_note(struct store *s, const struct trace_event *e)
{
	struct fake *f = s->fake;

	if (f->trace.max == 0)
		f->trace = SBUF_INIT(1 << 20);
	sbuf_printf(&f->trace, "%d %.*s;", (int)e->kind, STR_ARG(e->recipient));
}

enum err
queue_pass_on(struct store *s, int64_t message, struct spool *spool, const struct queue_new *q)
{
	int64_t id;

	(void)message;
	return queue_add(s, spool, q, &id);
}

enum err
queue_add(struct store *s, struct spool *spool, const struct queue_new *q, int64_t *ret_id)
{
	struct fake *f = s->fake;
	CLEANUP(sbuf_done) struct sbuf rcpts = SBUF_INIT(1 << 20);

	if (f->queue_add)
		return f->queue_add;
	for (size_t i = 0; i < q->rcpt_count; i++)
		sbuf_printf(&rcpts, "%s%.*s", i ? " " : "", STR_ARG(q->rcpts[i].address));
	assert(f->queued_count < FAKE_MESSAGES);
	f->queued[f->queued_count++] = (struct fake_queued){
	    .sender = arena_dup(f->arena, q->sender),
	    .rcpts = arena_dup(f->arena, sbuf_view(&rcpts)),
	    .text = arena_dup(f->arena, sbuf_view(&spool->text)),
	    .account = q->account,
	    .kind = q->kind,
	    .release_s = q->release_s,
	    .expires_s = q->expires_s,
	    .body = q->body,
	    .requiretls = q->requiretls,
	    .tls_optional = q->tls_optional,
	};
	*ret_id = (int64_t)f->queued_count;
	return ERR_OK;
}

/* -- service ------------------------------------------------------------------------------------
 */

struct conf *
service_conf(struct service *svc)
{
	return conf_ref(svc->conf);
}

static enum err
find_login(void *arg, struct str login, struct arena *arena, int64_t *ret_account,
    struct str *ret_address, struct credential *ret_credential)
{
	struct fake *f = arg;

	(void)arena;
	if (!str_eq(login, STR("ann@example.test")))
		return ERR_NOT_FOUND;
	*ret_account = 1;
	*ret_address = STR("ann@example.test");
	*ret_credential = f->credential;
	return ERR_OK;
}

static enum err
no_binding(void *arg, const char *type, struct arena *arena, struct str *ret)
{
	(void)arg, (void)type, (void)arena, (void)ret;
	return ERR_CANNOT;
}

static void
wake_conn(void *arg)
{
	conn_wake(arg);
}

enum err
service_may_begin(struct service *svc, const char *command, enum fullness refused_at)
{
	(void)command;
	return svc->store->fake->fullness >= refused_at ? ERR_NOMEM : ERR_OK;
}

void
service_sasl_host(struct service *svc, struct conn *c, struct sasl_host *ret)
{
	*ret = (struct sasl_host){.find_arg = svc->store->fake,
	    .find = find_login,
	    .binding = no_binding,
	    .line = svc->passwords,
	    .wake = wake_conn,
	    .wake_arg = c,
	    .secure = conn_is_secure(c)};
}

void
service_login_succeeded(
    struct service *svc, struct conn *c, int64_t account, struct str user, const char *mechanism)
{
	(void)svc, (void)c;
	log_info("login", F_STR("user", user), F_INT("account", account),
	    F_CSTR("mechanism", mechanism));
}

int64_t
service_login_failed(
    struct service *svc, struct conn *c, const struct sasl *x, const char *mechanism)
{
	(void)svc, (void)c;
	log_warn("login_failed", F_STR("user", sasl_login(x)), F_CSTR("mechanism", mechanism));
	return 1000;
}

int64_t
service_login_put_off(
    struct service *svc, struct conn *c, const struct sasl *x, const char *mechanism)
{
	(void)svc, (void)c;
	log_info("login_put_off", F_STR("user", sasl_login(x)), F_CSTR("mechanism", mechanism));
	return 1000;
}

/* -- fixture ------------------------------------------------------------------------------------
 */

static struct conf *
make_conf(void)
{
	static const char text[] = "hostname = \"mail.example.test\"\n"
				   "data_dir = \"/tmp\"\n"
				   "run_dir = \"/tmp\"\n"
				   "smtpd {\n  message_size_limit = 65536\n}\n";
	char path[] = "/tmp/pillarbox-test-conf.XXXXXX";
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(4096);
	CLEANUP(fd_close) int fd = mkstemp(path);
	struct conf *conf = NULL;

	assert(fd >= 0);
	assert(write(fd, text, sizeof(text) - 1) == sizeof(text) - 1);
	enum err e = conf_load(path, &conf, &problem);
	unlink(path);
	if (e)
		fprintf(stderr, "%s", sbuf_cstr(&problem));
	assert(e == ERR_OK);
	return conf;
}

static void
swallow_log(void *arg, struct str line)
{
	(void)arg, (void)line;
}

struct fake *
fake_new(void)
{
	struct fake *f = calloc(1, sizeof(*f));

	log_capture(swallow_log, NULL);
	f->conf = make_conf();
	f->arena = arena_new(512u << 20);
	f->partials = partial_new();
	f->service.conf = f->conf;
	f->service.store = calloc(1, sizeof(*f->service.store));
	f->service.store->fake = f;
	return f;
}

void
fake_free(struct fake **fp)
{
	struct fake *f = MOVE_PTR(*fp);

	if (!f)
		return;
	fake_close(f);
	assert(f->spools_open == 0);
	password_line_free(&f->service.passwords);
	standing_free(&f->service.standing);
	partial_free(&f->partials);
	sbuf_done(&f->trace);
	free(f->service.store);
	arena_free(&f->arena);
	conf_unref(&f->conf);
	free(f);
}

void
fake_open_with(struct fake *f, const struct conn_memory_options *options)
{
	struct smtp_session *s = smtp_session_new(&f->service, f->partials);

	fake_close(f);
	f->conn = conn_memory_open(&smtp_session_ops, s, options);
	dialogue_row(f->conn,
	    &(struct dialogue){NULL, options->service == SMTP_LMTP ? "220 mail.example.test LMTP"
								   : "220 mail.example.test ESMTP"},
	    false);
}

void
fake_open(struct fake *f, enum smtp_service service)
{
	fake_open_with(
	    f, &(struct conn_memory_options){.service = (int)service, .tls_available = true});
}

void
fake_close(struct fake *f)
{
	if (f->conn)
		conn_memory_close(&f->conn);
}

void
fake_say(struct fake *f, const char *send, const char *expect)
{
	dialogue_row(f->conn, &(struct dialogue){send, expect}, false);
}

struct str
fake_feed(struct fake *f, struct str octets)
{
	if (octets.n)
		conn_memory_feed(f->conn, octets);
	return conn_memory_output(f->conn, f->arena);
}

static void
log_in(struct fake *f)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(65536);

	assert(!password_make(STR("secret"), f->arena, &f->credential));
	fake_say(f, "EHLO client.test", "250-mail.example.test\n250 HELP");
	/* \0ann@example.test\0secret */
	fake_say(f, "AUTH PLAIN AGFubkBleGFtcGxlLnRlc3QAc2VjcmV0", "235 2.7.0");
}

void
fake_play(enum smtp_service service, bool logged_in, const struct dialogue *rows, size_t n)
{
	for (int by_byte = 0; by_byte < 2; by_byte++) {
		CLEANUP(fake_free) struct fake *f = fake_new();
		fake_open(f, service);
		if (logged_in)
			log_in(f);
		dialogue_run(f->conn, rows, n, by_byte);
	}
}

struct str
fake_body(const struct fake *f, size_t i)
{
	assert((i) < (f->message_count));
	struct str rest = f->messages[i].text;
	struct str line;

	assert(str_starts(rest, STR("Return-Path: <")));
	assert(str_split(&rest, '\n', &line));
	assert(str_starts(rest, STR("Received: from ")));
	do {
		assert(str_split(&rest, '\n', &line));
		assert(line.n && line.p[line.n - 1] == '\r');
	} while (rest.n && rest.p[0] == '\t');
	return rest;
}
