/* tests/outbound/route_world.h - a store that serves example.test, a DNS of the test's own, and a
 * router between them. */
#ifndef TESTS_OUTBOUND_ROUTE_WORLD_H
#define TESTS_OUTBOUND_ROUTE_WORLD_H

#include "smtpd/outbound/route.h"
#include "tests/support/fake_dns.h"
#include "tests/support/store_fixture.h"

struct route_world {
	struct store_fixture *fixture;
	struct dns *dns;
	struct conf *conf;
	struct router *router;
};

/* `lines`: of the configuration file, behind hostname = "mail.example.test". */
struct route_world *route_world_open(const char *lines);
void route_world_close(struct route_world **w);
/* The same with an empty DNS, and nothing remembered. */
void route_world_renew(struct route_world *w);
/* The same DNS, and nothing remembered but what is in the store; which may have been reopened. */
void route_world_renew_router(struct route_world *w);
/* Asks, lets the DNS answer, and gives the route. */
struct route *route_world_find(struct route_world *w, const char *domain);
/* "smtp mx1.example.org 198.51.100.1 2001:db8::1; mx2.example.org 198.51.100.2", "local",
 * "550 5.1.2 …", "later 4.4.3 …": what a route says, addresses of a host sorted. Static. */
const char *route_world_text(const struct route *r);

#endif
