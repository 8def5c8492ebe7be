/* tests/outbound/runner_world.h - a store, a configuration and the queue's runner without a thread:
 * what it would do, the test does. */
#ifndef TESTS_OUTBOUND_RUNNER_WORLD_H
#define TESTS_OUTBOUND_RUNNER_WORLD_H

#include "smtpd/outbound/runner_private.h"
#include "tests/support/store_fixture.h"

struct runner_world {
	struct store_fixture *f;
	struct conf *conf;
	struct runner runner;
};

void runner_world_open(struct runner_world *w);
/* Its connections are closed before. */
void runner_world_close(struct runner_world *w);

#endif
