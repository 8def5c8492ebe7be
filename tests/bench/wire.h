/* tests/bench/wire.h - a load generator's end of a connection.
 *
 * TCP, plain or with TLS (any certificate will do). Output waits in `out` and goes out while the
 * peer is read, so that a deep pipeline of large commands cannot block both ends. What fails ends
 * the program with a text: a load that was not carried out has no figures. One thread per wire.
 */
#ifndef TESTS_BENCH_WIRE_H
#define TESTS_BENCH_WIRE_H

#include "common/base/sbuf.h"
#include "common/base/str.h"

#include <openssl/types.h>

struct wire {
	int fd;
	struct sbuf out; /* not yet sent */
	SSL *ssl; /* NULL: plain */
	char *in;
	size_t in_size;
	size_t in_at;
	size_t in_end;
	bool filled; /* the last read took all the space there was */
	uint64_t octets_in;
};

/* For all wires of the program. */
SSL_CTX *wire_tls(void);
/* `tls` NULL: plain. */
void wire_open(struct wire *w, const char *host, const char *port, SSL_CTX *tls);
void wire_close(struct wire *w);
/* Sends what `out` holds as far as the socket takes it now. */
void wire_push(struct wire *w);
/* The next line without its line end, to be used before the next call. */
struct str wire_line(struct wire *w);
/* A line is there already. */
bool wire_has_line(const struct wire *w);
/* Leaves out `n` octets of input. */
void wire_skip(struct wire *w, uint64_t n);

/* Prints the text and ends the program with status 1. */
_Noreturn void load_fail(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Monotonic seconds. */
double load_now(void);
/* Processor seconds that this process has used. */
double load_cpu(void);
/* The option's value as a number, or the end of the program. */
size_t load_number(const char *option, const char *value);
/* Appends `template` with each %d replaced by `n`. */
void load_expand(struct sbuf *b, const char *template, size_t n);

/* What a load did, in the one line of JSON that each program prints. */
struct load_report {
	double cpu_before; /* load_cpu() when the stopwatch began */
	double seconds;
	uint64_t commands;
	uint64_t octets;
	uint64_t rows; /* untagged FETCH and EXPUNGE answers, numbers found by SEARCH, messages */
	uint64_t exists; /* messages in the selected mailbox at the end */
	const char *cipher; /* of TLS, if any */
	double *took_ms; /* per command; sorted by load_print() */
	size_t took_count;
};
void load_print(struct load_report *r);

#endif
