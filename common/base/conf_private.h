/* common/base/conf_private.h - one configuration file being read: between conf.c and its sections
 * with titles (conf_blocks.c). */
#ifndef COMMON_BASE_CONF_PRIVATE_H
#define COMMON_BASE_CONF_PRIVATE_H

#include "common/base/conf_options.h"

#include <confuse.h>
#include <stdatomic.h>

#define PROBLEMS_MAX 20 /* mistakes named at once */
#define OPTIONS_MAX 192

/* What is shared by reference is this, around the struct conf that callers see. */
struct conf_box {
	atomic_uint refs;
	struct arena *arena; /* holds every string of `conf` */
	struct conf conf;
};

/* A name in the file that is not in the table. */
struct unknown {
	const char *section;
	const char *name;
};

/* One file being read. libconfuse stops at the first unknown name; that name is then noted, taught
 * to the parser, and the file read again, so that all mistakes are told at once. */
struct reader {
	struct conf_box *box;
	const char *dir;
	const cfg_t *root;
	struct arena *pass; /* libconfuse's description of the options, for one pass */
	struct sbuf problems; /* of this pass */
	struct sbuf surplus; /* mistakes that are only counted */
	size_t problem_count;
	struct unknown unknown[PROBLEMS_MAX];
	size_t unknown_count;
	struct sbuf unknown_problems; /* of all passes */
	bool again;
	int lines[OPTIONS_MAX]; /* where an option was given last, 0 not at all */
	bool list_told[OPTIONS_MAX]; /* its mistake is told */
};

/* "file:line: " */
void conf_note_place(struct sbuf *out, const cfg_t *cfg, int line);
/* Where to write the next mistake, with a line end; for the caller, until the next call. */
struct sbuf *conf_next_problem(struct reader *r);
/* Reads the tls and transport blocks of a parsed file. */
void conf_take_blocks(struct reader *r, cfg_t *cfg);
bool conf_is_titled(const char *section);

#endif
