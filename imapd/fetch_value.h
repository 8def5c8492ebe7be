/* imapd/fetch_value.h - the long values of a FETCH: where their octets come from, and those octets
 * piece by piece. One source serves a FETCH; it belongs to the session.
 */
#ifndef IMAPD_FETCH_VALUE_H
#define IMAPD_FETCH_VALUE_H

#include "common/net/conn.h"
#include "imapd/fetch_items.h"
#include "store/reader.h"

/* The message that is being told, within one step. */
struct fetch_source {
	struct reader *reader; /* NULL between steps */
	struct message_file *file; /* of the value in progress, kept between steps; or NULL */
	bool rev2; /* the client reads BODYSTRUCTURE as RFC 9051 has it */
	int64_t message; /* whose row is loaded, 0 none */
	struct message_row row;
	bool has_parts; /* `parts` is decoded */
	struct part_table parts;
	struct arena *arena; /* for `parts` */
	struct sbuf header; /* of an embedded message */
	struct sbuf made; /* picked fields, BODY */
	char *first; /* the first piece of a file, read before the length is announced */
	size_t first_n;
};

struct fetch_value {
	bool is_nil; /* there is no such part */
	bool is_string; /* announced with its length; else it stands in wire form */
	uint64_t size;
	struct str text; /* the octets, if they are in memory; until the next value */
	uint64_t at; /* else where they lie in the message */
};

/* What the row must hold for an item, for reader_message(). */
unsigned fetch_value_wants(const struct fetch_item *item);
/* The item is made of the top header and nothing else: fetch_source_load_header() is enough. */
bool fetch_value_is_of_header(const struct fetch_item *item);

NODISCARD enum err fetch_source_open(struct fetch_source *src, struct account *a);
/* ERR_GONE, ERR_IO, ERR_CORRUPT, ERR_NOMEM, ERR_BUSY. */
NODISCARD enum err fetch_source_load(struct fetch_source *src, int64_t message, unsigned want);
/* Only what fetch_value_is_of_header() needs, and no more of the row, if that can be had alone.
 * Errors as above. */
NODISCARD enum err fetch_source_load_header(struct fetch_source *src, int64_t message);
/* The header is at hand, or a block that does for one; it lives as long as the step. */
void fetch_source_take_header(struct fetch_source *src, int64_t message, struct str header);
/* The item is made of octets that need no part table: fetch_source_load_octets() is enough. */
bool fetch_value_is_of_octets(const struct fetch_item *item);
/* Only what fetch_value_is_of_octets() needs of a message of `size` octets. Errors as above. */
NODISCARD enum err fetch_source_load_octets(
    struct fetch_source *src, int64_t message, uint64_t size);
/* The end of a step: no database handle is kept. */
void fetch_source_close(struct fetch_source *src);
void fetch_source_done(struct fetch_source *src);

/* The value of an item of the loaded message; the same each time it is asked for. */
NODISCARD enum err fetch_value_make(
    struct fetch_source *src, const struct fetch_item *item, struct fetch_value *ret);
/* Makes sure that the first octets can be read. */
NODISCARD enum err fetch_value_prepare(struct fetch_source *src, const struct fetch_value *v);
/* Keeps the file that the value's octets stand in, if they do, so that it can be finished in later
 * steps without its row: the message may be expunged meanwhile. The value must be kept with it. */
void fetch_value_hold(struct fetch_source *src, const struct fetch_value *v);
/* It is written. */
void fetch_value_let_go(struct fetch_source *src);
/* Octets [from, from + n) of it as they are stored. */
NODISCARD enum err fetch_value_read(
    struct fetch_source *src, const struct fetch_value *v, uint64_t from, char *to, size_t n);
/* Writes octets [from, from + n) of it. */
NODISCARD enum err fetch_value_write(
    struct fetch_source *src, const struct fetch_value *v, uint64_t from, size_t n, struct conn *c);

#endif
