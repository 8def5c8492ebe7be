/* tests/auth/who.h - people who log in from somewhere. */
#ifndef TESTS_AUTH_WHO_H
#define TESTS_AUTH_WHO_H

#include "common/auth/standing.h"

/* From an address of a network: two octets tell addresses of it apart, one networks. Borrows
 * `name`. */
struct standing_who who(unsigned network, unsigned address, const char *name);

#endif
