#include "imapd/imap_session.h"

#include "common/auth/sasl.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "imapd/folder.h"
#include "imapd/imap_append.h"
#include "imapd/imap_capability.h"
#include "imapd/imap_dispatch.h"
#include "imapd/imap_read.h"
#include "imapd/notify.h"
#include "search/indexer.h"
#include "store/changes.h"

#include <assert.h>
#include <openssl/crypto.h>

#define TURN_COMMANDS 64 /* pipelined commands of one session before others get their turn */
#define USER_LINE_ROOM 64 /* octets of input beyond the longest line that are gathered */

void
imap_enter_state(struct imap_session *s, enum imap_state to)
{
	static const struct {
		enum imap_state from;
		unsigned to;
	} moves[] = {
	    {ST_GREET, ST_AUTH | ST_LOGOUT},
	    {ST_AUTH, ST_SELECTED | ST_GREET | ST_LOGOUT},
	    {ST_SELECTED, ST_AUTH | ST_LOGOUT},
	    {ST_LOGOUT, ST_LOGOUT},
	};
	bool allowed = false;

	for (size_t i = 0; i < ARRAY_LEN(moves); i++)
		allowed |= moves[i].from == s->state && (moves[i].to & to);
	assert(allowed);
	s->state = to;
}

void
imap_enter_mode(struct imap_session *s, struct imap_cmd *cmd, imap_mode *mode)
{
	cmd->pending = true;
	s->mode = mode;
}

void
imap_deselect(struct imap_session *s)
{
	imap_notify_deselect(s);
	imap_news_release(s);
	imap_release_listeners(s);

	imap_forget_saved(s);
	view_unref(&s->told);
	s->mailbox = 0;
	s->owner_metadata_seen = (struct metadata_seen){0};
	s->read_only = false;
	s->keywords_told = 0;
	s->complete_modseq = s->modseq_shown = 0;
	s->mute = 0;
	s->untold = false;
	s->grown_aside = false;
	s->recent.n = 0;
	if (s->indexing)
		indexer_leave(s->indexer, s->owner);
	s->indexing = false;
	account_unref(&s->owner);
	s->rights = 0;
	s->viewer = VIEWER_OWNER;
	if (s->state == ST_SELECTED)
		imap_enter_state(s, ST_AUTH);
}

void
imap_say_bye(struct imap_session *s, const char *code, const char *text)
{
	conn_puts(s->conn, "* BYE ");
	if (code)
		conn_printf(s->conn, "[%s] ", code);
	conn_puts(s->conn, text);
	conn_puts(s->conn, "\r\n");
	imap_enter_state(s, ST_LOGOUT);
	s->log_out = true;
}

void
imap_set_deadline(struct imap_session *s)
{
	if (s->state != ST_GREET) {
		conn_set_deadline(s->conn, (int64_t)s->conf->imapd.timeout_s * 1000);
		return;
	}
	int64_t left = s->login_by_ms - clock_mono_ms();
	conn_set_deadline(s->conn, left > 0 ? left : 1);
}

bool
imap_is_admin(const struct imap_session *s)
{
	const char *const *admin = s->conf->imapd.admins;

	while (s->user && admin && *admin && !str_eq_nocase(str_of(s->user), str_of(*admin)))
		admin++;
	return s->user && admin && *admin;
}

size_t
imap_line_max(const struct imap_session *s)
{
	return s->state == ST_GREET ? s->conf->imapd.max_line_before_login
				    : s->conf->imapd.max_line;
}

static void
set_input_max(struct imap_session *s)
{
	conn_set_input_max(s->conn, imap_line_max(s) + USER_LINE_ROOM);
}

/* A list that can't be read hides nothing. */
static void
read_hidden(struct imap_session *s, int64_t account)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(16L * 1024);
	struct str hidden;

	free(s->hidden);
	s->hidden = NULL;
	if (arena && !directory_hidden(s->service->store, account, arena, &hidden) && hidden.n > 0)
		s->hidden = strndup(hidden.p, hidden.n);
}

enum err
imap_log_in(struct imap_session *s, int64_t account, struct str user, const char *mechanism)
{
	CLEANUP(account_unref) struct account *a = NULL;
	CLEANUP(mem_free) char *name = strndup(user.p, user.n);

	if (!name)
		return ERR_NOMEM;
	enum err e = account_open(s->service->store, account, &a);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_AUTH_FAILED : e;
	s->account = MOVE_PTR(a);
	s->user = MOVE_PTR(name);
	s->failed_logins = 0;
	s->bad_commands = 0;
	read_hidden(s, account);
	service_login_succeeded(s->service, s->conn, account, user, mechanism);
	imap_enter_state(s, ST_AUTH);
	set_input_max(s);
	imap_set_deadline(s);
	return ERR_OK;
}

void
imap_unauthenticate(struct imap_session *s)
{
	imap_notify_free(s);
	imap_deselect(s);
	account_unref(&s->account);
	mem_free(&s->user);
	mem_free(&s->hidden);
	s->enabled = 0;
	s->lost = false;
	s->metadata_seen = s->server_metadata_seen = (struct metadata_seen){0};
	s->login_by_ms = clock_mono_ms() + (int64_t)s->conf->login_timeout_s * 1000;
	imap_enter_state(s, ST_GREET);
	set_input_max(s);
	imap_set_deadline(s);
}

struct imap_session *
imap_session_new(struct service *service)
{
	struct imap_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->service = service;
	s->conf = service_conf(service);
	s->state = ST_GREET;
	s->mode = imap_read_command;
	imap_reader_init(&s->reader);
	return s;
}

static void
greet(struct imap_session *s)
{
	CLEANUP(sbuf_done) struct sbuf caps = SBUF_INIT(IMAP_CAPABILITIES_MAX);

	set_input_max(s);
	s->began_ms = clock_mono_ms();
	s->login_by_ms = clock_mono_ms() + (int64_t)s->conf->login_timeout_s * 1000;
	imap_set_deadline(s);
	imap_list_capabilities(s, &caps);
	conn_puts(s->conn, "* OK [CAPABILITY ");
	conn_put(s->conn, sbuf_view(&caps));
	conn_printf(s->conn, "] %s ready\r\n", s->conf->hostname);
}

/* The deadline passed and no mode had a use for it: RFC 3501 §5.4. */
static enum imap_go
time_out(struct imap_session *s)
{
	if (s->cmd.row && !s->idling && s->state != ST_GREET)
		return GO_CLOSE; /* in the middle of a command: nobody is listening */
	imap_say_bye(s, NULL,
	    s->state == ST_GREET ? "Login took too long" : "Idle for too long, logging out");
	return GO_CLOSE;
}

static enum imap_go
next(struct imap_session *s, unsigned events)
{
	if (s->log_out)
		return GO_CLOSE;
	if (s->start_tls) {
		s->start_tls = false;
		imap_reader_reset(&s->reader);
		return GO_TLS;
	}
	if (s->start_deflate) {
		s->start_deflate = false;
		return GO_DEFLATE;
	}
	if ((events & CONN_EV_TIMEOUT) && s->mode != imap_hold_reply)
		return time_out(s);
	if (s->pump.step || s->news || imap_notify_has_more(s))
		return imap_run_pump(s);
	if (conn_out_full(s->conn))
		return GO_DRAIN;
	return s->mode(s, events);
}

/* Nothing is under way: give back what only a command needs. */
static void
rest(struct imap_session *s)
{
	if (s->reader.text.n == 0 || s->idling)
		imap_reader_release(&s->reader);
	if (!s->cmd.row || s->idling)
		arena_free(&s->cmd.arena);
}

/* Its client has not read the answers yet, and others follow. */
static bool
is_between_commands(const struct imap_session *s)
{
	return !s->cmd.row && !s->pump.step && !s->news && !imap_notify_has_more(s);
}

/* It holds what has come of a command. */
static bool
is_in_the_middle(const struct imap_session *s)
{
	return (s->cmd.row && !s->idling) || s->reader.text.n > 0;
}

/* Output leaves when the turn ends: all commands of the turn share one sync before that. When it
 * fails nobody can tell what of them is stored, so none of their answers goes out. */
static enum imap_go
keep_promise(struct imap_session *s, enum imap_go go, size_t pending_before, bool between_replies)
{
	enum err e = promise_keep(&s->promise);
	if (s->promised.began_us)
		METRICS_TIME(
		    imap_command, imap_command_index(s->promised.row), s->promised.began_us);
	s->promised.began_us = 0;
	if (!e)
		return go;
	conn_out_rewind(s->conn, pending_before);
	if (between_replies)
		imap_say_bye(s, "UNAVAILABLE", "The disk failed");
	return GO_CLOSE;
}

static enum conn_turn
session_turn(void *session, struct conn *c, unsigned events)
{
	static const enum conn_turn turns[] = {
	    [GO_READ] = CONN_READ,
	    [GO_DRAIN] = CONN_DRAIN,
	    [GO_AGAIN] = CONN_AGAIN,
	    [GO_SLEEP] = CONN_SLEEP,
	    [GO_TLS] = CONN_TLS,
	    [GO_DEFLATE] = CONN_DEFLATE,
	    [GO_CLOSE] = CONN_CLOSE,
	};
	struct imap_session *s = session;
	enum imap_go go = GO_ON;
	size_t pending_before = conn_out_pending(c);
	bool between_replies = !s->pump.step && !s->news && !imap_notify_has_more(s);

	s->conn = c;
	log_set_sid(conn_id(c));
	if (events & CONN_EV_OPEN)
		greet(s);
	if (events & CONN_EV_STOP)
		s->stopping = true;
	/* What a command waits for is its client, until the last of it has come. */
	if ((events & CONN_EV_INPUT) && s->cmd.began_us && !s->pump.step)
		s->cmd.began_us = clock_mono_us();
	if (s->state != ST_GREET && (events & (CONN_EV_INPUT | CONN_EV_DRAINED)))
		imap_set_deadline(s);
	for (unsigned n = 0; go == GO_ON && n < TURN_COMMANDS && !conn_leaves_front(c); n++) {
		go = next(s, events);
		events &= (unsigned)~CONN_EV_TIMEOUT;
	}
	if (go == GO_ON)
		go = GO_AGAIN;
	go = keep_promise(s, go, pending_before, between_replies);
	if (go == GO_READ && conn_at_eof(c))
		go = GO_CLOSE;
	if (go == GO_READ || (go == GO_DRAIN && is_between_commands(s)))
		rest(s);
	conn_set_in_the_middle(c, go == GO_READ && is_in_the_middle(s));
	log_set_sid("");
	return turns[go];
}

static void
log_end(const struct imap_session *s)
{
	uint64_t withheld = 0;

	if (!s->user && !conn_tells_end(s->conn, &withheld))
		return;
	log_info("session_end", F_CSTR("peer", s->conn ? conn_peer(s->conn) : ""),
	    F_CSTR("user", s->user ? s->user : ""), F_UINT("commands", s->commands),
	    F_UINT("bad", s->bad_commands), F_INT("ms", clock_mono_ms() - s->began_ms),
	    F_UINT("withheld", withheld));
}

static void
session_done(void *session)
{
	struct imap_session *s = session;

	log_set_sid(s->conn ? conn_id(s->conn) : "");
	if (s->idling)
		METRICS_TAKE(imap_idling, 0);
	log_end(s);
	log_set_sid("");
	changes_unwatch(&s->watch);
	changes_unwatch(&s->metadata_watch);
	pump_release(&s->pump);
	imap_append_release(&s->append);
	imap_notify_free(s);
	imap_deselect(s);
	sasl_free(&s->sasl);
	imap_leave_accounts(s);
	account_unref(&s->account);
	imap_reader_release(&s->reader);
	arena_free(&s->cmd.arena);
	conf_unref(&s->conf);
	free(s->user);
	free(s->hidden);
	free(s);
}

const struct session_ops imap_session_ops = {.turn = session_turn,
    .done = session_done,
    .shed = "* BYE [UNAVAILABLE] No memory to wait for you any longer, try again in a minute\r\n"};
