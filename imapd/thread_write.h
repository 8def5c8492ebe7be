/* imapd/thread_write.h - threads as the THREAD response has them (RFC 5256 §4, BASE.7.2.THREAD),
 * over any number of steps and without recursion.
 */
#ifndef IMAPD_THREAD_WRITE_H
#define IMAPD_THREAD_WRITE_H

#include "common/net/conn.h"
#include "imapd/thread_forest.h"

struct thread_walk {
	uint32_t node; /* where it is */
	bool leaving; /* its children are written */
};

struct thread_walk thread_walk_begin(const struct thread_forest *f);
/* Writes " (166)(167 …)…" until all is written (true) or the output is full. */
bool thread_write(struct thread_walk *w, const struct thread_forest *f, struct conn *c);

#endif
