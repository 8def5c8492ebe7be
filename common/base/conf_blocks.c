/* Sections that there may be many of, told apart by a title: tls "…" and transport "…". */
#include "common/base/conf_private.h"

#define BLOCKS_MAX 1000 /* of one kind */

static struct sbuf *
problem_in(struct reader *r, const cfg_t *block, const char *title)
{
	struct sbuf *out = conf_next_problem(r);

	conf_note_place(out, block, block->line);
	sbuf_printf(out, "%s \"%s\": ", block->name, title);
	return out;
}

/* -- tls -------------------------------------------------------------------------------------- */

static void
take_tls(struct reader *r, cfg_t *block, struct conf_tls *t)
{
	/* the last one may be left out */
	static const char *const names[] = {"certificate", "key", "client_authorities"};
	const char *title = cfg_title(block);
	const struct conf_option *hostname = conf_find_option(STR(""), STR("hostname"));

	if (strcmp(title, "default") == 0)
		title = "";
	struct str host = str_of(title);
	if (str_starts(host, STR("*.")))
		host = str_skip(host, 2);
	t->name = arena_cstr(r->box->arena, str_of(title));
	if (title[0] && hostname->check(host))
		sbuf_puts(problem_in(r, block, title), "expected a host name or \"default\"\n");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct conf_option *o = conf_find_option(STR("tls"), str_of(names[i]));
		const char *value = cfg_getstr(block, names[i]);
		if (value && value[0] &&
		    conf_set_option(o, t, str_of(value), r->box->arena, r->dir))
			continue;
		if (i == 2 && (!value || !value[0]))
			continue;
		sbuf_printf(problem_in(r, block, title[0] ? title : "default"),
		    "expected %s = \"/path/of/a/file.pem\"\n", names[i]);
	}
}

/* The certificates, the default one first. */
static void
take_all_tls(struct reader *r, cfg_t *cfg, size_t n)
{
	struct conf *c = &r->box->conf;

	c->tls = arena_alloc_array(r->box->arena, n + 1, sizeof(*c->tls));
	c->tls_count = c->tls ? n : 0;
	for (size_t i = 0; i < c->tls_count; i++) {
		struct conf_tls t = {"", "", "", ""};
		take_tls(r, cfg_getnsec(cfg, "tls", (unsigned)i), &t);
		c->tls[i] = t;
		if (t.name && t.name[0] == '\0') {
			memmove(c->tls + 1, c->tls, i * sizeof(t));
			c->tls[0] = t;
		}
	}
}

/* -- transport -------------------------------------------------------------------------------- */

static void
take_value(struct reader *r, cfg_t *block, const struct conf_option *o, struct conf_transport *t)
{
	const char *value = cfg_getstr(block, o->name);
	struct str text = str_of(value ? value : o->fallback);

	if (conf_set_option(o, t, text, r->box->arena, r->dir))
		return;
	struct sbuf *out = problem_in(r, block, cfg_title(block));
	sbuf_printf(out, "%s: \"%.*s\" is not right: expected ", o->name, STR_ARG(text));
	conf_describe(o, out);
	sbuf_putc(out, '\n');
}

/* What does not go together: NULL, or what would be right. */
static const char *
judge_transport(const struct conf_transport *t)
{
	bool lmtp = strcmp(t->protocol, "lmtp") == 0, plain = strcmp(t->tls, "none") == 0;

	if (!t->host[0] == !t->socket[0])
		return "host = \"smtp.example.org\" or socket = \"/path\", one of the two";
	if (t->socket[0] && !lmtp)
		return "protocol = \"lmtp\" with a socket";
	if (t->socket[0] && (t->implicit_tls || t->user[0]))
		return "neither implicit_tls nor user with a socket";
	if (t->implicit_tls && plain)
		return "implicit_tls = no, or another tls than \"none\"";
	if (!t->user[0] != !t->password_file[0])
		return "user and password_file, or neither";
	if (t->user[0] && (plain || strcmp(t->tls, "opportunistic") == 0))
		return "tls = \"verified\" (or \"required\") where a password is sent";
	return NULL;
}

static void
take_transport(struct reader *r, cfg_t *block, struct conf_transport *t)
{
	const struct conf_option *hostname = conf_find_option(STR(""), STR("hostname"));
	const char *title = cfg_title(block);
	struct str domain = str_of(title);
	size_t n, before = r->problem_count;
	const struct conf_option *o = conf_options(&n);

	if (str_starts(domain, STR(".")))
		domain = str_skip(domain, 1);
	if (!str_eq(domain, STR("*")) && hostname->check(domain))
		sbuf_puts(problem_in(r, block, title),
		    "expected a domain in its ASCII form, one with a dot before it, or \"*\"\n");
	t->domain = arena_cstr(r->box->arena, str_of(title));
	for (size_t i = 0; i < n; i++)
		if (strcmp(o[i].section, "transport") == 0)
			take_value(r, block, &o[i], t);
	const char *right = r->problem_count == before ? judge_transport(t) : NULL;
	if (right)
		sbuf_printf(problem_in(r, block, title), "expected %s\n", right);
}

static void
take_all_transports(struct reader *r, cfg_t *cfg, size_t n)
{
	struct conf *c = &r->box->conf;

	c->transports = arena_alloc_array(r->box->arena, n + 1, sizeof(*c->transports));
	c->transport_count = c->transports ? n : 0;
	for (size_t i = 0; i < c->transport_count; i++)
		take_transport(r, cfg_getnsec(cfg, "transport", (unsigned)i), &c->transports[i]);
}

void
conf_take_blocks(struct reader *r, cfg_t *cfg)
{
	static const struct {
		const char *name;
		void (*take)(struct reader *r, cfg_t *cfg, size_t n);
	} kinds[] = {{"tls", take_all_tls}, {"transport", take_all_transports}};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t n = cfg_size(cfg, kinds[i].name);
		if (n <= BLOCKS_MAX) {
			kinds[i].take(r, cfg, n);
			continue;
		}
		sbuf_printf(conf_next_problem(r), "%s: more than %d %s blocks\n", cfg->filename,
		    BLOCKS_MAX, kinds[i].name);
	}
}
