/* common/net/deflate.h - COMPRESS: raw DEFLATE (RFC 1951) over whatever moved a connection's octets
 * before (RFC 4978). For common/net only.
 *
 * A direction of zlib takes up to 260 KB, far too much for a connection at rest. So connections
 * that are parked lie on a shelf with room for a few; who falls off is left with what cannot be
 * made anew: the octets that the peer may still refer to.
 *
 * A codec belongs to the thread that runs its connection; on the shelf, to the shelf's lock.
 */
#ifndef COMMON_NET_DEFLATE_H
#define COMMON_NET_DEFLATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct conn;
struct deflate;

#define DEFLATE_WARM_MAX 64 /* codecs of parked connections of one process, some 20 MB */
/* Beyond the shelf: of peers that stopped in the middle of a block, or have not let us read all
 * they sent. Some 48 KB each, 48 MB; one more, and the connection ends. */
#define DEFLATE_STUCK_MAX 1024

struct deflate_shelf {
	pthread_mutex_t mu;
	struct deflate *newest, *oldest;
	size_t n, max;
	size_t stuck, stuck_max; /* that fell off and can't be cooled */
};

/* `max`: how many it keeps. */
void deflate_shelf_init(struct deflate_shelf *shelf, size_t max, size_t stuck_max);
void deflate_shelf_done(struct deflate_shelf *shelf);

/* From here on all octets are deflated: output that is still pending goes out as it is, input that
 * was not consumed is taken for the beginning of the peer's stream. False without memory. */
bool deflate_begin(struct conn *c, struct deflate_shelf *shelf);
/* Deflated octets that the transport has not taken yet: call its send() also with nothing more to
 * send. For who runs the connection. */
size_t deflate_unsent(const struct conn *c);
/* The connection rests; the next send() or recv() takes the codec back. */
void deflate_park(struct conn *c);
void deflate_end(struct conn *c);

#endif
