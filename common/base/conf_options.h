/* common/base/conf_options.h - the table of every option of the configuration file.
 *
 * The parser (conf.c), the commented file (conf_write.c), the manual page (docs/confman.c) and the
 * tests walk this table; an option that is not in it does not exist. Constant data, no state.
 */
#ifndef COMMON_BASE_CONF_OPTIONS_H
#define COMMON_BASE_CONF_OPTIONS_H

#include "common/base/arena.h"
#include "common/base/conf.h"

enum conf_type {
	CONF_STRING, /* const char * */
	CONF_PATH, /* const char *, made absolute: relative ones start at the file's directory */
	CONF_LIST, /* const char *const *, NULL-terminated */
	CONF_BOOL, /* bool: yes/no, true/false, on/off */
	CONF_NUMBER, /* uint32_t */
	CONF_SIZE, /* uint64_t, octets: 4096, 64K, 50M, 2G */
	CONF_SECONDS, /* uint32_t: 90, 90s, 5m, 1h */
	CONF_MILLISECONDS, /* uint32_t: 250ms, 1s */
};

struct conf_option {
	const char *section; /* "" at the top of the file */
	const char *name;
	enum conf_type type;
	size_t
	    offset; /* in struct conf; in that of a block (struct conf_tls) where those are many */
	uint64_t min, max; /* of the value in its unit; of a list: how many members */
	const char *fallback; /* as it would stand in the file; list members separated by blanks */
	const char *choices; /* "debug info warn error", or NULL */
	/* A further check of one (resolved) value: NULL or what would be right. May be NULL. */
	const char *(*check)(struct str value);
	const char *meaning; /* one or more sentences */
};

struct conf_section {
	const char *name;
	const char *meaning;
	const char *title; /* NULL, or an example of the titles that tell many of them apart */
};

const struct conf_option *conf_options(size_t *ret_n);
/* In the order in which a file shows them; the first is "" (the top). */
const struct conf_section *conf_sections(size_t *ret_n);
const struct conf_option *conf_find_option(struct str section, struct str name);

/* Reads `text` as a value of `o` into the member of `base` (a struct conf, or one of a block);
 * strings are copied to `arena`, relative paths put behind `dir`. False when it is not right. A
 * list takes its members separated by blanks. */
bool conf_set_option(
    const struct conf_option *o, void *base, struct str text, struct arena *arena, const char *dir);
/* The same for a list whose members are known. */
bool conf_set_list(const struct conf_option *o, void *base, const struct str *members, size_t n,
    struct arena *arena);
/* "a whole number from 1 to 1024 (default 4)": what would be right for `o`. */
void conf_describe(const struct conf_option *o, struct sbuf *out);
/* What the writer of the unknown `name` in `section` may have meant: "; did you mean …?". */
void conf_suggest(struct sbuf *out, const char *section, const char *name);
/* A size as `pillarbox account quota` and the file take it: digits and K, M, G or T (powers of
 * 1024, an iB or B behind it is ignored). */
bool conf_parse_size(struct str text, uint64_t *ret);

#endif
