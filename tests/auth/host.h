/* tests/auth/host.h - a daemon's answers to a SASL exchange: two users, and a binding of choice. */
#ifndef TESTS_AUTH_HOST_H
#define TESTS_AUTH_HOST_H

#include "common/auth/sasl.h"

struct test_host {
	struct sasl_host host;
	struct arena *arena;
	struct credential ann; /* ann@example.test, account 7, "pencil" */
	struct credential ute; /* Grüße@example.test, account 8, "Grüße" */
	struct str binding; /* what conn_tls_binding() would give; empty: none */
	enum err find_err; /* instead of an answer */
	_Atomic unsigned finds;
};

/* Secure, and with `tls` -PLUS too. */
struct test_host *test_host_new(bool tls);
void test_host_free(struct test_host **h);

#endif
