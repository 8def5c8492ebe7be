/* tests/fuzz/ground.h - the store and the service that fuzzed sessions stand on: one account,
 * ann@example.test with the password "open sesame", in a directory of its own. */
#ifndef TESTS_FUZZ_GROUND_H
#define TESTS_FUZZ_GROUND_H

#include "store/service.h"

struct ground {
	char dir[64];
	struct conf *conf;
	struct store *store; /* NULL: not set up */
	struct service *service;
	int64_t account;
	unsigned inputs; /* the target's: how many it has had */
};

/* Failures abort. */
void ground_set_up(struct ground *g, const char *process);
/* Removes it all; `g` is empty then. */
void ground_take_down(struct ground *g);
/* Into ann's INBOX. */
void ground_deliver(struct ground *g, struct str message);

#endif
