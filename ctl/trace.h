/* ctl/trace.h - an event of store/trace.h as text and as JSON. */
#ifndef CTL_TRACE_H
#define CTL_TRACE_H

#include "common/base/sbuf.h"
#include "store/trace.h"

/* "  2026-11-23 14:03:11 delivered bob@example.net: 250 Ok (mx1.example.net[192.0.2.1], TLSv1.3)"
 */
void trace_put_line(struct sbuf *out, const struct trace_event *e);
/* An object, inside of an array. */
void trace_put_json(struct sbuf *out, const struct trace_event *e);

#endif
