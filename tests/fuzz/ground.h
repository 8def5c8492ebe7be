/* tests/fuzz/ground.h - the store and the service that fuzzed sessions stand on: one account,
 * ann@example.test with the password "open sesame", in a directory of its own, in memory where that
 * can be. The clock stands still.
 *
 * Each input finds it as it was made, whatever the ones before did, so that what is found with one
 * input is found with that input alone.
 */
#ifndef TESTS_FUZZ_GROUND_H
#define TESTS_FUZZ_GROUND_H

#include "store/service.h"

#define GROUND_FILES 16
#define GROUND_PAUSE 0xff /* an octet that stands for a minute in which nothing is sent */

struct ground {
	char dir[64], data[96];
	const char *process;
	struct conf *conf;
	struct store *store;
	struct service *service;
	int64_t account;
	struct ground_file {
		char path[128];
		char *p;
		size_t n;
	} files[GROUND_FILES]; /* all that is in `data`, as it was made */
	size_t file_count;
	uint64_t state; /* of the account's database */
	unsigned inputs; /* since all was as it was made */
};

/* `fill` delivers what the account has. Failures abort. */
void ground_set_up(struct ground *g, const char *process, void (*fill)(struct ground *g));
/* As it was made, with a service that nobody has spoken to. */
void ground_begin(struct ground *g);
/* Removes it all; `g` is empty then. */
void ground_take_down(struct ground *g);
/* Into ann's INBOX. */
void ground_deliver(struct ground *g, struct str message);

/* What a client sends, in pieces of that size; pauses pass. */
void ground_feed(struct conn *c, struct str in, size_t piece);

#endif
