#include "common/base/conf.h"
#include "common/base/conf_options.h"
#include "common/base/conf_private.h"

#include <confuse.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#define CONF_ARENA_MAX (1U << 20)
#define LIST_MAX 256

/* libconfuse's lexer is one per process, and its callbacks carry no argument: one file is read at a
 * time, by the reader that stands here. */
static pthread_mutex_t reading_lock = PTHREAD_MUTEX_INITIALIZER;
static struct reader *reading; /* guarded by reading_lock */

void
conf_note_place(struct sbuf *out, const cfg_t *cfg, int line)
{
	/* libconfuse names the file in its top section, and that of an include where it stands */
	const char *file = cfg->filename ? cfg->filename : reading->root->filename;

	if (line > 0)
		sbuf_printf(out, "%s:%d: ", file, line);
	else
		sbuf_printf(out, "%s: ", file);
}

struct sbuf *
conf_next_problem(struct reader *r)
{
	if (r->problem_count++ < PROBLEMS_MAX)
		return &r->problems;
	sbuf_clear(&r->surplus);
	return &r->surplus;
}

static const char *
section_of(const cfg_t *cfg)
{
	return strcmp(cfg->name, "root") == 0 ? "" : cfg->name;
}

static void
put_name(struct sbuf *out, const struct conf_option *o)
{
	if (o->section[0])
		sbuf_printf(out, "%s.", o->section);
	sbuf_puts(out, o->name);
}

/* file:line: smtpd.max_recipients: "many" is not right: expected … (default 1000) */
static void
report_value(const cfg_t *cfg, int line, const struct conf_option *o, const char *value)
{
	struct sbuf *out = conf_next_problem(reading);

	conf_note_place(out, cfg, line);
	put_name(out, o);
	if (value)
		sbuf_printf(out, ": \"%s\" is not right", value);
	else
		sbuf_puts(out, ": not right");
	sbuf_puts(out, ": expected ");
	conf_describe(o, out);
	if (o->fallback[0] && o->type != CONF_LIST)
		sbuf_printf(out, " (default %s)", o->fallback);
	sbuf_putc(out, '\n');
}

/* A list so far: libconfuse calls for each member and once more at the closing brace. */
static void
take_list(struct reader *r, cfg_t *cfg, cfg_opt_t *opt, const struct conf_option *o, size_t index)
{
	struct str members[LIST_MAX];
	size_t n = cfg_opt_size(opt);

	for (size_t i = 0; i < n && i < ARRAY_LEN(members); i++)
		members[i] = str_of(cfg_opt_getnstr(opt, (unsigned)i));
	if (n <= ARRAY_LEN(members) && conf_set_list(o, &r->box->conf, members, n, r->box->arena))
		return;
	if (r->list_told[index])
		return;
	r->list_told[index] = true;
	report_value(cfg, cfg->line, o, cfg_opt_getnstr(opt, (unsigned)n - 1));
}

/* libconfuse calls this after each value, in the order of the file: the last one counts, so that
 * an included or appended part can say it anew. */
static int
take_value(cfg_t *cfg, cfg_opt_t *opt)
{
	struct reader *r = reading;
	size_t n;
	const struct conf_option *all = conf_options(&n);
	const struct conf_option *o =
	    conf_find_option(str_of(section_of(cfg)), str_of(cfg_opt_name(opt)));

	if (!o || conf_is_titled(o->section))
		return 0; /* conf_take_blocks() has those */
	r->lines[o - all] = cfg->line;
	if (o->type == CONF_LIST) {
		take_list(r, cfg, opt, o, (size_t)(o - all));
		return 0;
	}
	const char *value = cfg_opt_getstr(opt);
	if (!conf_set_option(o, &r->box->conf, str_of(value), r->box->arena, r->dir))
		report_value(cfg, cfg->line, o, value);
	return 0;
}

static void
note_unknown(struct reader *r, const cfg_t *cfg, const char *name)
{
	const char *section = section_of(cfg);
	struct sbuf *out = &r->unknown_problems;
	struct arena *arena = r->box->arena;

	conf_note_place(out, cfg, cfg->line);
	sbuf_printf(out, "unknown option \"%s\"", name);
	if (section[0])
		sbuf_printf(out, " in %s", section);
	conf_suggest(out, section, name);
	sbuf_putc(out, '\n');
	struct unknown *u = &r->unknown[r->unknown_count];
	u->section = arena_cstr(arena, str_of(section));
	u->name = arena_cstr(arena, str_of(name));
	if (u->section && u->name && ++r->unknown_count < ARRAY_LEN(r->unknown))
		r->again = true;
}

/* libconfuse found a mistake of grammar; its text becomes ours. */
__attribute__((format(printf, 2, 0))) static void
note_mistake(cfg_t *cfg, const char *fmt, va_list ap)
{
	struct reader *r = reading;
	va_list copy;
	char text[256];

	va_copy(copy, ap);
	vsnprintf(text, sizeof(text), fmt, copy);
	va_end(copy);
	bool no_equal_sign = strstr(fmt, "missing equal sign") != NULL;
	if (no_equal_sign || strstr(fmt, "no such option")) {
		va_copy(copy, ap);
		const char *name = va_arg(copy, const char *);
		va_end(copy);
		if (!no_equal_sign) {
			note_unknown(r, cfg, name);
			return;
		}
		/* an unknown name that stands before a { cannot be passed over: the rest of the
		 * file stays unread until it is gone */
		for (size_t i = 0; i < r->unknown_count; i++)
			if (strcmp(r->unknown[i].name, name) == 0)
				return;
	}
	struct sbuf *out = conf_next_problem(r);
	conf_note_place(out, cfg, cfg->line);
	sbuf_puts(out, text);
	if (strstr(fmt, "missing title"))
		sbuf_puts(out, ": expected tls \"host name\" { … }, tls \"default\" { … }, "
			       "transport \"domain\" { … } or transport \"*\" { … }");
	else if (no_equal_sign)
		sbuf_puts(out, ": expected name = value");
	else if (strstr(fmt, "missing opening brace"))
		sbuf_puts(out, ": expected name { … }");
	else if (strstr(fmt, "unexpected"))
		sbuf_puts(out, ": expected name = value, or a quote or brace is missing above");
	sbuf_putc(out, '\n');
}

/* libconfuse's description of one section's options, the unknown ones that are to be passed over
 * included. */
static cfg_opt_t *
describe_section(struct reader *r, const char *section, size_t extra)
{
	size_t n;
	const struct conf_option *o = conf_options(&n);
	cfg_opt_t *opts = arena_alloc_array(r->pass, n + PROBLEMS_MAX + extra + 1, sizeof(*opts));
	size_t used = 0;

	if (!opts)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(o[i].section, section) != 0)
			continue;
		if (o[i].type == CONF_LIST)
			opts[used++] = (cfg_opt_t)CFG_STR_LIST(o[i].name, NULL, CFGF_NODEFAULT);
		else
			opts[used++] = (cfg_opt_t)CFG_STR(o[i].name, NULL, CFGF_NODEFAULT);
		opts[used - 1].validcb = take_value;
	}
	for (size_t i = 0; i < r->unknown_count; i++)
		if (strcmp(r->unknown[i].section, section) == 0)
			opts[used++] =
			    (cfg_opt_t)CFG_STR_LIST(r->unknown[i].name, NULL, CFGF_NODEFAULT);
	opts[used] = (cfg_opt_t)CFG_END();
	return opts;
}

static cfg_opt_t *
describe_file(struct reader *r)
{
	size_t section_count;
	const struct conf_section *s = conf_sections(&section_count);
	cfg_opt_t *top = describe_section(r, "", section_count + 1);
	size_t used = 0;

	if (!top)
		return NULL;
	while (top[used].name)
		used++;
	for (size_t i = 1; i < section_count; i++) {
		cfg_opt_t *opts = describe_section(r, s[i].name, 0);
		if (!opts)
			return NULL;
		top[used++] = (cfg_opt_t)CFG_SEC(s[i].name, opts,
		    s[i].title ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES : CFGF_NONE);
	}
	top[used++] = (cfg_opt_t)CFG_FUNC("include", cfg_include);
	top[used] = (cfg_opt_t)CFG_END();
	return top;
}

/* `name = { }` calls nobody. */
static void
take_empty_lists(struct reader *r, cfg_t *cfg)
{
	size_t n;
	const struct conf_option *o = conf_options(&n);

	for (size_t i = 0; i < n; i++) {
		if (o[i].type != CONF_LIST)
			continue;
		cfg_t *section = o[i].section[0] ? cfg_getsec(cfg, o[i].section) : cfg;
		cfg_opt_t *opt = section ? cfg_getopt(section, o[i].name) : NULL;
		if (opt && (opt->flags & CFGF_MODIFIED) && cfg_opt_size(opt) == 0 &&
		    !conf_set_list(&o[i], &r->box->conf, NULL, 0, r->box->arena))
			report_value(cfg, 0, &o[i], NULL);
	}
}

static bool
set_defaults(struct reader *r)
{
	struct conf *c = &r->box->conf;
	char host[HOST_NAME_MAX + 1] = "";
	size_t n;
	const struct conf_option *o = conf_options(&n);
	const char *path = c->path;

	*c = (struct conf){.path = path};
	memset(r->lines, 0, sizeof(r->lines));
	memset(r->list_told, 0, sizeof(r->list_told));
	for (size_t i = 0; i < n; i++) {
		struct str text = str_of(o[i].fallback);
		if (conf_is_titled(o[i].section))
			continue;
		if (strcmp(o[i].name, "hostname") == 0) {
			gethostname(host, sizeof(host) - 1);
			text = o[i].check(str_of(host)) ? STR("localhost") : str_of(host);
		}
		if (!conf_set_option(&o[i], c, text, r->box->arena, r->dir))
			return false;
	}
	return true;
}

/* The one directory that must be there already. */
static void
check_data_dir(struct reader *r, const cfg_t *cfg)
{
	size_t n;
	const struct conf_option *o = conf_find_option(STR(""), STR("data_dir"));
	int line = r->lines[o - conf_options(&n)];
	const char *dir = r->box->conf.data_dir;
	struct stat st;

	if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
		return;
	struct sbuf *out = conf_next_problem(r);
	conf_note_place(out, cfg, line);
	sbuf_printf(out,
	    "data_dir: \"%s\" is not right: expected an existing directory "
	    "(`pillarbox init` makes one)\n",
	    dir);
}

/* What is said of one option because of another. */
static void
note_option(
    struct reader *r, const cfg_t *cfg, const char *section, const char *name, const char *expected)
{
	size_t n;
	const struct conf_option *o = conf_find_option(str_of(section), str_of(name));
	struct sbuf *out = conf_next_problem(r);

	conf_note_place(out, cfg, r->lines[o - conf_options(&n)]);
	sbuf_printf(out, "%s.%s: expected %s\n", section, name, expected);
}

/* RFC 8725 §3.9, RFC 9068 §4: a provider signs tokens for all its services with the same keys, and
 * what one of them has been given must not open mailboxes. Introspection is asked for by us, and
 * the provider knows whom it answers (RFC 7662 §2.1). */
static void
check_oauth(struct reader *r, const cfg_t *cfg)
{
	const struct conf_oauth *o = &r->box->conf.oauth;

	if (*o->jwks_url && !*o->audience)
		note_option(r, cfg, "oauth", "jwks_url",
		    "oauth.audience with it, what the provider's tokens for this server name in "
		    "\"aud\" (\"*\" lets in tokens made for any of its services)");
	if (*o->jwks_url && *o->introspection_url)
		note_option(r, cfg, "oauth", "introspection_url", "it or oauth.jwks_url, not both");
}

/* libconfuse gives up without a word at a NUL. */
static void
note_unreadable(struct reader *r, const cfg_t *cfg)
{
	struct sbuf *out = conf_next_problem(r);

	conf_note_place(out, cfg, cfg->line);
	sbuf_printf(out,
	    "it can't be read on from here: expected NAME = VALUE, or NAME { ... } with its end; "
	    "there is a character in the file that is not text\n");
}

/* One pass over the file. */
static enum err
read_pass(struct reader *r, const char *path)
{
	arena_reset(r->pass);
	r->again = false;
	cfg_opt_t *opts = describe_file(r);
	cfg_t *cfg = opts && set_defaults(r) ? cfg_init(opts, CFGF_NONE) : NULL;

	if (!cfg)
		return arena_failed(r->box->arena) ? ERR_NOMEM : ERR_INTERNAL;
	sbuf_clear(&r->problems);
	r->problem_count = 0;
	r->root = cfg;
	cfg_set_error_function(cfg, note_mistake);
	errno = 0;
	int result = cfg_parse(cfg, path);
	enum err e = ERR_OK;
	if (result == CFG_FILE_ERROR) {
		e = err_from_errno(errno);
		sbuf_printf(conf_next_problem(r), "%s: %s\n", path, strerrordesc_np(errno));
	} else if (result == CFG_SUCCESS) {
		take_empty_lists(r, cfg);
		conf_take_blocks(r, cfg);
		check_data_dir(r, cfg);
		check_oauth(r, cfg);
	}
	if (!e && result != CFG_SUCCESS && r->problem_count == 0)
		note_unreadable(r, cfg);
	if (!e && r->problem_count > 0)
		e = ERR_CONFIG;
	cfg_free(cfg);
	return e;
}

static enum err
read_file(struct reader *r, const char *path)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&reading_lock);
	enum err e;

	(void)held;
	reading = r;
	do
		e = read_pass(r, path);
	while (r->again);
	reading = NULL;
	if (!e && r->unknown_count > 0)
		e = ERR_CONFIG;
	if (!e && arena_failed(r->box->arena))
		e = ERR_NOMEM;
	return e;
}

static struct conf_box *
box_new(const char *path)
{
	struct conf_box *box = calloc(1, sizeof(*box));

	if (!box)
		return NULL;
	atomic_init(&box->refs, 1);
	box->arena = arena_new(CONF_ARENA_MAX);
	if (box->arena) {
		char absolute[PATH_MAX];
		/* a daemon changes its directory, and a reload must find the file again */
		const char *name = realpath(path, absolute) ? absolute : path;
		box->conf.path = arena_cstr(box->arena, str_of(name));
	}
	if (!box->conf.path) {
		arena_free(&box->arena);
		free(box);
		return NULL;
	}
	return box;
}

enum err
conf_load(const char *path, struct conf **ret, struct sbuf *ret_problem)
{
	CLEANUP(arena_free) struct arena *pass = arena_new(CONF_ARENA_MAX);
	struct reader r = {.box = box_new(path),
	    .pass = pass,
	    .problems = SBUF_INIT(65536),
	    .surplus = SBUF_INIT(8192),
	    .unknown_problems = SBUF_INIT(65536)};

	struct conf *c = r.box ? &r.box->conf : NULL;
	if (!c || !pass) {
		conf_unref(&c);
		return ERR_NOMEM;
	}
	size_t slash = str_rfind(str_of(c->path), '/');
	struct str dir = slash == STR_NONE ? STR(".") : str_sub(str_of(c->path), 0, slash);
	r.dir = arena_cstr(r.box->arena, dir);
	enum err e = r.dir ? read_file(&r, path) : ERR_NOMEM;
	if (e && ret_problem) {
		sbuf_put(ret_problem, sbuf_view(&r.unknown_problems));
		sbuf_put(ret_problem, sbuf_view(&r.problems));
		if (r.problem_count > PROBLEMS_MAX)
			sbuf_printf(ret_problem, "%s: and %zu mistakes more\n", path,
			    r.problem_count - PROBLEMS_MAX);
	}
	sbuf_done(&r.problems);
	sbuf_done(&r.surplus);
	sbuf_done(&r.unknown_problems);
	if (e)
		conf_unref(&c);
	else
		*ret = c;
	return e;
}

static struct conf_box *
box_of(struct conf *c)
{
	return (struct conf_box *)((char *)c - offsetof(struct conf_box, conf));
}

struct conf *
conf_ref(struct conf *c)
{
	atomic_fetch_add_explicit(&box_of(c)->refs, 1, memory_order_relaxed);
	return c;
}

void
conf_unref(struct conf **c)
{
	if (!*c)
		return;
	struct conf_box *box = box_of(*c);
	*c = NULL;
	if (atomic_fetch_sub_explicit(&box->refs, 1, memory_order_acq_rel) != 1)
		return;
	arena_free(&box->arena);
	free(box);
}
