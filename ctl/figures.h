/* ctl/figures.h - what the daemons tell of themselves over their sockets in run_dir
 * (common/net/scrape.h), and how it is shown. */
#ifndef CTL_FIGURES_H
#define CTL_FIGURES_H

#include "common/base/sbuf.h"

#define FIGURES_ANSWER_MS 3000

/* The content of `path` ("/status", "/metrics") of a daemon, into `out`. ERR_NOT_FOUND: it does not
 * run, or has no socket; ERR_DENIED: it is not this user's to ask; ERR_BUSY: no answer in time;
 * ERR_IO: not an answer that we know. */
NODISCARD enum err figures_ask(
    const char *run_dir, const char *daemon, const char *path, struct sbuf *out);

/* ", version 0.1.0, up 3 d, 12 M of memory": from the JSON of /status; nothing if it is none. */
void figures_write_head(struct sbuf *out, struct str status);
/* Lines for people: the last minute, the times of the commands most used, errors. */
void figures_write_lines(struct sbuf *out, struct str status);

/* Texts of several daemons as one: a family's lines must stand together, with one head. */
void figures_merge(const struct str *texts, size_t n, struct sbuf *out);

#endif
