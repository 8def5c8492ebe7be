/* tests/support/password_gate.h - logins whose passwords wait in line as in a daemon, and are
 * computed when the test says so.
 *
 *	password_gate_new(f->service, "secret", 10);
 *	conn_memory_feed(c, …);			a login: nothing comes back
 *	password_gate_wait(1);			it is being computed
 *	password_gate_open();
 *	password_gate_turn(c);			and is answered
 *
 * One for a test program. A gate that is open answers at any moment: a test shuts it before it says
 * something that is to wait. Before the service ends it must be open. */
#ifndef TESTS_SUPPORT_PASSWORD_GATE_H
#define TESTS_SUPPORT_PASSWORD_GATE_H

#include "store/service.h"

#define PASSWORD_GATE_WAIT_MS 20000 /* for how long one may wait in the line */

/* Gives the service a line of one thread in which `waiting_max` may wait, and no memory of who was
 * right. The gate is shut; `right` is everybody's password. */
void password_gate_new(struct service *svc, const char *right, uint32_t waiting_max);
void password_gate_shut(void);
void password_gate_open(void);
/* Until `n` passwords have come to be computed, since password_gate_new(). */
void password_gate_wait(unsigned n);
unsigned password_gate_computed(void);
/* Until the session was woken; then its turn. */
void password_gate_turn(struct conn *c);
/* What comes back, at once or after the delay of a failed login; in `arena`. The clock is frozen,
 * and advanced by as much as it takes. */
struct str password_gate_held(struct conn *c, struct arena *arena);

#endif
