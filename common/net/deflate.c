#include "common/net/deflate.h"

#include "common/net/conn_private.h"

#include <assert.h>
#include <zlib.h>

#define RAW_OCTETS (16 * 1024) /* read at once */
#define CHUNK (64 * 1024) /* deflated at once, so that what is unsent stays bounded */
#define LEVEL 2 /* mail shrinks to about 40 %; level 6 takes thrice the time for 4 points more */
#define RAW_WINDOW (-15) /* no header, no checksum: RFC 4978 §3 */
#define MEM_LEVEL 8

struct deflate {
	struct conn *conn;
	const struct transport *below;
	struct octets raw_in; /* arrived, not inflated */
	struct octets raw_out; /* deflated, not sent */
	z_stream in, out;
	bool in_warm, out_warm; /* in, out are initialised */
	bool flushed; /* out holds nothing back */
	bool more; /* inflate() filled its space: it may hold more */
	bool ended; /* the peer has ended its stream */
	unsigned char *past; /* cold: what the peer may refer to */
	unsigned past_n;
	struct deflate_shelf *shelf;
	bool shelved; /* guarded by the shelf, as all else while it is true */
	bool stuck; /* counted in shelf->stuck; guarded by it */
	struct deflate *newer, *older;
};

/* -- cold and warm ---------------------------------------------------------------------------- */

/* Only between two blocks, at an octet's border, can a stream be picked up again; after the flush
 * that ends a command it is there, unless the peer flushes partially. */
static bool
can_cool(const z_stream *in)
{
	const int between_blocks = 128, last_block = 64, bits_left = 63;

	return (in->data_type & between_blocks) && !(in->data_type & (last_block | bits_left));
}

static void
cool(struct deflate *d)
{
	if (d->out_warm && d->flushed) {
		deflateEnd(&d->out);
		d->out_warm = false;
	}
	if (!d->in_warm || d->raw_in.n || d->more || !can_cool(&d->in))
		return;
	unsigned n = 0;
	inflateGetDictionary(&d->in, NULL, &n);
	unsigned char *past = n ? malloc(n) : NULL;
	if (n && !past)
		return;
	inflateGetDictionary(&d->in, past, &n);
	inflateEnd(&d->in);
	d->in_warm = false;
	d->past = past;
	d->past_n = n;
}

static bool
warm_in(struct deflate *d)
{
	if (d->in_warm)
		return true;
	d->in = (z_stream){0};
	if (inflateInit2(&d->in, RAW_WINDOW) != Z_OK)
		return false;
	d->in_warm = true;
	if (d->past_n && inflateSetDictionary(&d->in, d->past, d->past_n) != Z_OK)
		return false;
	free(d->past);
	d->past = NULL;
	d->past_n = 0;
	return true;
}

/* After a flush the stream may go on with a compressor that knows nothing: it refers to nothing. */
static bool
warm_out(struct deflate *d)
{
	if (d->out_warm)
		return true;
	d->out = (z_stream){0};
	d->out_warm = deflateInit2(&d->out, LEVEL, Z_DEFLATED, RAW_WINDOW, MEM_LEVEL,
			  Z_DEFAULT_STRATEGY) == Z_OK;
	return d->out_warm;
}

/* -- the shelf -------------------------------------------------------------------------------- */

void
deflate_shelf_init(struct deflate_shelf *shelf, size_t max, size_t stuck_max)
{
	*shelf = (struct deflate_shelf){.max = max, .stuck_max = stuck_max};
	pthread_mutex_init(&shelf->mu, NULL);
}

void
deflate_shelf_done(struct deflate_shelf *shelf)
{
	assert(!shelf->newest);
	pthread_mutex_destroy(&shelf->mu);
}

static void
unlink_from(struct deflate_shelf *shelf, struct deflate *d)
{
	*(d->newer ? &d->newer->older : &shelf->newest) = d->older;
	*(d->older ? &d->older->newer : &shelf->oldest) = d->newer;
	d->newer = d->older = NULL;
	d->shelved = false;
	shelf->n--;
}

/* `d` has fallen off: what it still holds is counted, and bounded. */
static void
note_stuck(struct deflate_shelf *shelf, struct deflate *d)
{
	if (!d->in_warm && !d->out_warm)
		return;
	d->stuck = true;
	if (++shelf->stuck > shelf->stuck_max)
		conn_notify(d->conn, EV_KILL);
}

void
deflate_park(struct conn *c)
{
	struct deflate *d = c->deflate;
	struct deflate_shelf *shelf = d->shelf;

	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&shelf->mu);
	octets_relax(&d->raw_in);
	octets_relax(&d->raw_out);
	if (d->shelved || d->stuck || (!d->in_warm && !d->out_warm))
		return;
	d->shelved = true;
	d->older = shelf->newest;
	*(shelf->newest ? &shelf->newest->newer : &shelf->oldest) = d;
	shelf->newest = d;
	if (++shelf->n > shelf->max) {
		struct deflate *last = shelf->oldest;
		unlink_from(shelf, last);
		cool(last);
		note_stuck(shelf, last);
	}
}

/* Whoever runs the connection has its codec to himself. */
static struct deflate *
take_back(struct conn *c)
{
	struct deflate *d = c->deflate;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->shelf->mu);

	if (d->shelved)
		unlink_from(d->shelf, d);
	if (d->stuck)
		d->shelf->stuck--;
	d->stuck = false;
	return d;
}

/* -- the transport ---------------------------------------------------------------------------- */

/* Sends what is deflated; IO_SOME when that was all. */
static enum io
send_raw(struct conn *c, struct deflate *d)
{
	while (d->raw_out.n) {
		size_t sent = 0;
		enum io io =
		    d->below->send(c, d->raw_out.p + d->raw_out.start, d->raw_out.n, &sent);
		if (io != IO_SOME)
			return io;
		octets_take(&d->raw_out, sent);
	}
	return IO_SOME;
}

/* Appends `n` octets to raw_out; with `flush` the peer can read them all. */
static bool
deflate_some(struct deflate *d, const char *p, size_t n, bool flush)
{
	if (!warm_out(d))
		return false;
	d->out.next_in = (unsigned char *)p;
	d->out.avail_in = (unsigned)n;
	d->flushed = flush;
	do {
		char *to = octets_reserve(&d->raw_out, RAW_OCTETS);
		if (!to)
			return false;
		d->out.next_out = (unsigned char *)to;
		d->out.avail_out = RAW_OCTETS;
		if (deflate(&d->out, flush ? Z_SYNC_FLUSH : Z_NO_FLUSH) == Z_STREAM_ERROR)
			return false;
		d->raw_out.n += RAW_OCTETS - d->out.avail_out;
	} while (d->out.avail_out == 0);
	return true;
}

static enum io
deflate_send(struct conn *c, const char *p, size_t n, size_t *ret_n)
{
	struct deflate *d = take_back(c);
	enum io io = send_raw(c, d);

	*ret_n = 0;
	if (io != IO_SOME || n == 0)
		return io;
	size_t take = n < CHUNK ? n : CHUNK;
	if (!deflate_some(d, p, take, take == n))
		return IO_BROKEN;
	*ret_n = take;
	io = send_raw(c, d);
	/* The connection is going to rest: a compressor that holds nothing back can be given up. */
	if ((io == IO_WAIT_WRITE || io == IO_WAIT_READ) && !d->flushed &&
	    !deflate_some(d, "", 0, true))
		return IO_BROKEN;
	return io == IO_BROKEN ? IO_BROKEN : IO_SOME;
}

/* What raw_in gives, up to `n` octets. */
static enum io
inflate_some(struct deflate *d, char *p, size_t n, size_t *ret_n)
{
	if (!warm_in(d))
		return IO_BROKEN;
	d->in.next_in = (unsigned char *)(d->raw_in.n ? d->raw_in.p + d->raw_in.start : p);
	d->in.avail_in = (unsigned)d->raw_in.n;
	d->in.next_out = (unsigned char *)p;
	d->in.avail_out = (unsigned)n;
	int r = inflate(&d->in, Z_SYNC_FLUSH);
	octets_take(&d->raw_in, d->raw_in.n - d->in.avail_in);
	*ret_n = n - d->in.avail_out;
	d->more = d->in.avail_out == 0;
	if (r == Z_STREAM_END)
		d->ended = true;
	return r == Z_OK || r == Z_BUF_ERROR || r == Z_STREAM_END ? IO_SOME : IO_BROKEN;
}

static enum io
deflate_recv(struct conn *c, char *p, size_t n, size_t *ret_n)
{
	struct deflate *d = take_back(c);

	for (;;) {
		size_t got = 0;

		if ((d->raw_in.n || d->more) && !d->ended) {
			enum io io = inflate_some(d, p, n, ret_n);
			if (io != IO_SOME || *ret_n)
				return io;
		}
		if (d->ended)
			return IO_EOF;
		char *to = octets_reserve(&d->raw_in, RAW_OCTETS);
		if (!to)
			return IO_BROKEN;
		enum io io = d->below->recv(c, to, RAW_OCTETS, &got);
		if (io != IO_SOME)
			return io;
		d->raw_in.n += got;
	}
}

static void
deflate_finish(struct conn *c)
{
	c->deflate->below->finish(c);
}

static const struct transport transport_deflate = {deflate_recv, deflate_send, deflate_finish};

/* -- life ------------------------------------------------------------------------------------- */

bool
deflate_begin(struct conn *c, struct deflate_shelf *shelf)
{
	struct deflate *d = calloc(1, sizeof(*d));

	if (!d)
		return false;
	d->conn = c;
	d->below = c->transport;
	d->shelf = shelf;
	d->raw_out = c->out;
	d->raw_in = c->in;
	c->out = c->in = (struct octets){0};
	c->readable = true; /* what was unread, and what the transport below holds */
	c->deflate = d;
	c->transport = &transport_deflate;
	return true;
}

size_t
deflate_unsent(const struct conn *c)
{
	return c->deflate->raw_out.n;
}

void
deflate_end(struct conn *c)
{
	if (!c->deflate)
		return;
	struct deflate *d = take_back(c);
	if (d->in_warm)
		inflateEnd(&d->in);
	if (d->out_warm)
		deflateEnd(&d->out);
	octets_free(&d->raw_in);
	octets_free(&d->raw_out);
	free(d->past);
	free(d);
	c->deflate = NULL;
}
