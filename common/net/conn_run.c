/* The machinery of a connection: moves octets, decides when the session has a turn, and does what
 * it asks for. Nothing here waits; conn_advance() goes on until the connection must be parked. */
#include "common/net/conn_private.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/metrics/metrics.h"

#include <poll.h>
#include <sys/epoll.h>

#define READ_OCTETS (16 * 1024) /* asked for at once; TLS records are no larger */
#define READ_AT_ONCE (48 * 1024) /* where that was not all: a buffer of 64 KiB with it */
#define TURNS_IN_A_ROW 16 /* then other connections come first */
#define CLOSE_FLUSH_MS 30000 /* for a peer that does not read its last reply */
#define EV_FOR_SESSIONS (EV_READY - 1)
#define LINGER_MS 2000
#define LINGER_OCTETS (256 * 1024)

/* Output that the socket has not taken. */
static bool
is_unsent(const struct conn *c)
{
	return c->out.n || (c->deflate && deflate_unsent(c));
}

/* Sends what is pending. False: the peer is gone. */
static bool
flush_output(struct conn *c)
{
	c->wait_read = c->wait_write = false;
	while (is_unsent(c)) {
		const char *from = c->out.n ? c->out.p + c->out.start : "";
		size_t sent = 0;
		enum io io = c->transport->send(c, from, c->out.n, &sent);
		switch (io) {
		case IO_SOME:
			METRICS_ADD(sent_bytes, 0, c->uncounted ? 0 : sent);
			c->moved += sent;
			octets_take(&c->out, sent);
			break;
		case IO_WAIT_WRITE:
			c->wait_write = true;
			return true;
		case IO_WAIT_READ:
			c->wait_read = true;
			return true;
		default:
			return false;
		}
	}
	return true;
}

/* Reads once, up to `ask` octets. */
static enum io
read_some(struct conn *c, size_t ask)
{
	size_t got = 0;
	char *to = octets_reserve(&c->in, ask);

	if (!to)
		return IO_BROKEN;
	c->readable = false;
	c->wait_read = false;
	enum io io = c->transport->recv(c, to, ask, &got);
	if (io == IO_SOME) {
		METRICS_ADD(received_bytes, 0, c->uncounted ? 0 : got);
		c->moved += got;
		c->in.n += got;
		c->readable = got == ask || (c->ssl && SSL_has_pending(c->ssl));
	}
	return io;
}

/* What of the input nobody has asked for yet takes memory too. */
static size_t
read_at_once(const struct conn *c, bool more)
{
	static const size_t scarce[] = {[MEMORY_FULL] = 4096, [MEMORY_BRIMFUL] = 1024};
	enum fullness seen = hub_last_fullness(c->hub);

	if (seen >= MEMORY_FULL)
		return scarce[seen];
	return more ? READ_AT_ONCE : READ_OCTETS;
}

/* Reads into the input, as far as there is room: a little first; where that was not all the rest,
 * so that what was sent together is dealt with together. Sets CONN_EV_INPUT and CONN_EV_EOF in
 * *why. False: the peer is gone. */
static bool
fill_input(struct conn *c, unsigned *why)
{
	size_t before = c->in.n;

	if (c->eof || c->in.n >= c->in_max)
		return true; /* what TLS holds stays known as readable */
	do {
		size_t room = c->in_max - c->in.n;
		size_t ask = read_at_once(c, c->in.n > before);
		switch (read_some(c, ask < room ? ask : room)) {
		case IO_SOME:
			*why |= CONN_EV_INPUT;
			break;
		case IO_WAIT_READ:
			break;
		case IO_WAIT_WRITE:
			c->wait_write = true;
			break;
		case IO_EOF:
			c->eof = true;
			break;
		default:
			if (c->in.n == before)
				return false;
			c->readable = true; /* what came before it first */
			return true;
		}
	} while (c->readable && c->in.n < c->in_max && c->in.n - before < read_at_once(c, true));
	return true;
}

static void
end_session(struct conn *c)
{
	if (c->session)
		c->ops->done(c->session);
	c->session = NULL;
	octets_free(&c->in);
}

static bool
die(struct conn *c)
{
	end_session(c);
	c->state = CS_DEAD;
	return true;
}

/* What a dialled connection came to is told before it is over. */
static bool
tell_failure(struct conn *c)
{
	if (c->session)
		c->ops->turn(c->session, c, CONN_EV_FAILED);
	return die(c);
}

/* True: go on; false: wait or dead. */
static bool
advance_connect(struct conn *c, unsigned events)
{
	switch (dial_advance_connect(c, events)) {
	case DIAL_OPEN:
		return true;
	case DIAL_WAITS:
		return false;
	default:
		tell_failure(c);
		return false;
	}
}

/* The same. */
static bool
advance_handshake(struct conn *c, unsigned events)
{
	if (events & (CONN_EV_TIMEOUT | CONN_EV_STOP)) {
		if (!c->dialled) {
			if (events & CONN_EV_TIMEOUT)
				handshake_note_failure(c, "it took too long");
			die(c);
		} else if (dial_tls_failed(c, events) == DIAL_FAILED) {
			tell_failure(c);
		}
		return false;
	}
	switch (handshake_advance(c)) {
	case HANDSHAKE_DONE:
		return true;
	case HANDSHAKE_WAITS:
		return false;
	default:
		if (c->dialled)
			tell_failure(c);
		else
			die(c);
		return false;
	}
}

static bool
begin_deflate(struct conn *c)
{
	struct deflate_shelf *shelf = c->hub ? hub_deflate_shelf(c) : conn_memory_deflate_shelf(c);

	c->want = CONN_AGAIN;
	return c->deflate || deflate_begin(c, shelf);
}

static void
begin_closing(struct conn *c)
{
	end_session(c);
	c->state = CS_CLOSING;
	conn_set_deadline(c, CLOSE_FLUSH_MS);
}

/* Output out, then wait a moment for the peer's end. */
static bool
advance_closing(struct conn *c, unsigned events)
{
	if (events & CONN_EV_TIMEOUT || !flush_output(c))
		return die(c);
	if (is_unsent(c))
		return true;
	c->transport->finish(c);
	if (c->eof || c->fd < 0)
		return die(c);
	c->state = CS_LINGER;
	c->in_max = LINGER_OCTETS;
	conn_set_deadline(c, LINGER_MS);
	c->wait_read = true;
	return true;
}

static bool
advance_linger(struct conn *c, unsigned events)
{
	unsigned why = 0;

	if (events & (CONN_EV_TIMEOUT | CONN_EV_STOP))
		return die(c);
	do {
		if (!fill_input(c, &why) || c->eof || c->in_max == 0)
			return die(c);
		c->in_max -=
		    c->in.n < c->in_max ? c->in.n : c->in_max; /* a bound on what is thrown away */
		octets_free(&c->in);
	} while (c->readable);
	c->wait_read = true;
	return true;
}

/* Asleep, nothing is read; only a closed or reset connection is noticed. */
static bool
peer_hung_up(const struct conn *c)
{
	struct pollfd p = {.fd = c->fd};

	return c->fd >= 0 && poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLERR);
}

/* Input does not rest. */
static bool
reads_now(const struct conn *c)
{
	return (c->want == CONN_READ && c->out.n < CONN_OUT_HIGH) ||
	       (c->want == CONN_DRAIN && c->dialled);
}

static size_t
low_mark(const struct conn *c)
{
	size_t high = hub_out_high(c->hub);

	return high < CONN_OUT_LOW ? high : CONN_OUT_LOW;
}

/* What of `events` and the state of the buffers makes a turn now; 0: none. */
static bool
reasons_for_turn(struct conn *c, unsigned events, bool *ready, unsigned *ret_why)
{
	unsigned why = events & EV_FOR_SESSIONS;

	if (reads_now(c)) {
		if ((*ready || c->readable) && !fill_input(c, &why))
			return false;
		if (c->eof && !c->eof_told) {
			c->eof_told = true;
			why |= CONN_EV_EOF;
		}
	}
	switch (c->want) {
	case CONN_READ:
		*ready = false;
		break;
	case CONN_DRAIN:
		if (c->dialled)
			*ready = false;
		if (c->out.n <= low_mark(c))
			why |= CONN_EV_DRAINED;
		break;
	case CONN_AGAIN:
		why |= CONN_EV_INPUT;
		break;
	case CONN_SLEEP:
		if (*ready && peer_hung_up(c))
			return false;
		*ready = false;
		break;
	default:
		break;
	}
	*ret_why = why;
	return true;
}

/* A connection that we opened is broken: what the other side said before is heard, in a last turn.
 */
static bool
break_off(struct conn *c)
{
	unsigned why = CONN_EV_EOF;

	if (!c->dialled)
		return die(c);
	octets_free(&c->out);
	while (!c->eof && c->in.n < c->in_max) {
		size_t before = c->in.n;
		if (!fill_input(c, &why) || c->in.n == before)
			break;
	}
	c->eof = c->eof_told = true;
	if (c->in.n)
		why |= CONN_EV_INPUT;
	c->ops->turn(c->session, c, why);
	return die(c);
}

/* The session's turns until it waits. True: park; false: others first. */
static bool
advance_open(struct conn *c, unsigned events)
{
	bool ready = events & EV_READY;

	(void)hub_ask_fullness(c->hub);
	for (int turns = 0;; turns++) {
		unsigned why;

		if (!flush_output(c) || !reasons_for_turn(c, events, &ready, &why))
			return break_off(c);
		events = 0;
		if (why == 0)
			return true;
		if (turns == TURNS_IN_A_ROW || c->leaves_front) {
			conn_notify(c, why & ~(unsigned)CONN_EV_INPUT); /* CONN_AGAIN gives that */
			c->want = CONN_AGAIN;
			return false;
		}
		size_t before = c->in.n;
		c->want = c->ops->turn(c->session, c, why);
		if (c->out_failed)
			return die(c);
		if (c->want == CONN_TLS) {
			/* what goes before is a few octets: no room for it means no reader */
			if (!flush_output(c) || c->out.n)
				return break_off(c);
			if (!handshake_begin(c))
				return c->dialled ? tell_failure(c) : die(c);
			if (c->state == CS_HANDSHAKE)
				return advance_handshake(c, 0) ? false : true;
			return false;
		}
		if (c->want == CONN_DEFLATE && !begin_deflate(c))
			return die(c);
		if (c->want == CONN_CLOSE) {
			begin_closing(c);
			return advance_closing(c, 0);
		}
		if (c->want == CONN_READ && c->in.n >= c->in_max && c->in.n == before) {
			log_error(
			    "input_stuck", F_CSTR("peer", c->peer), F_UINT("octets", c->in.n));
			return die(c); /* a session must consume what it can't finish */
		}
		if (c->want == CONN_READ && c->eof && c->eof_told) {
			begin_closing(c);
			return advance_closing(c, 0);
		}
		if (c->want == CONN_AGAIN) {
			if (!flush_output(c))
				return break_off(c);
			return false;
		}
	}
}

/* It waits for its peer to go on with something, and holds memory for that. Never one that we
 * opened. */
static bool
keeps_waiting(const struct conn *c, bool parks)
{
	if (c->dialled)
		return false;
	if (is_unsent(c) || c->state == CS_HANDSHAKE)
		return true;
	if (c->state != CS_OPEN || !parks || c->want == CONN_SLEEP)
		return false; /* it is for us to go on, or over */
	return c->in_the_middle || c->in.n > 0 || (c->ssl && SSL_has_pending(c->ssl));
}

static void
note_wait(struct conn *c, bool parks)
{
	bool keeps = keeps_waiting(c, parks);

	if (keeps && atomic_load(&c->kept_since_ms) && c->moved < CONN_PROGRESS)
		return;
	atomic_store(&c->kept_since_ms, keeps ? clock_mono_ms() : 0);
	c->moved = 0;
}

/* What it held goes back at once, but for its last words, if there is somebody who reads. */
static bool
shed(struct conn *c)
{
	hub_tell_shed(c);
	if (c->state != CS_OPEN || is_unsent(c))
		return die(c);
	if (c->ops->shed)
		conn_puts(c, c->ops->shed);
	begin_closing(c);
	return advance_closing(c, 0);
}

bool
conn_advance(struct conn *c, unsigned events)
{
	if (events & EV_KILL)
		return die(c);
	log_set_sid(c->id);
	bool park = true;
	if (events & EV_SHED && hub_sheds(c)) {
		park = shed(c);
	} else if (c->state == CS_CONNECTING) {
		park = !advance_connect(c, events);
	} else if (c->state == CS_HANDSHAKE) {
		park = !advance_handshake(c, events);
	} else if (c->state == CS_OPEN) {
		park = advance_open(c, events);
	} else if (c->state == CS_CLOSING) {
		park = advance_closing(c, events);
	} else if (c->state == CS_LINGER) {
		park = advance_linger(c, events);
	}
	if (park) {
		octets_relax(&c->in);
		octets_relax(&c->out);
		hub_count_held(c);
		if (c->deflate)
			deflate_park(c);
	}
	note_wait(c, park);
	log_set_sid("");
	return park;
}

uint32_t
conn_epoll_events(const struct conn *c)
{
	uint32_t events = 0;
	bool reading = c->state == CS_OPEN && reads_now(c) && !c->eof && c->in.n < c->in_max;

	if (reading || c->wait_read)
		events |= EPOLLIN;
	if (c->wait_write)
		events |= EPOLLOUT;
	/* While input rests (DRAIN, SLEEP) only EPOLLHUP and EPOLLERR, which epoll always tells,
	 * end it early. */
	return events;
}
