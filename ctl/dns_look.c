/* What a zone has, beside what it should have. */
#include "ctl/dns_records.h"

#include "common/trust/tags.h"

#include <arpa/inet.h>

#define FOUND_TEXT_MAX 4096

struct str
dns_address_text(struct arena *arena, struct str data)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (data.n == 4 || data.n == 16)
		inet_ntop(data.n == 4 ? AF_INET : AF_INET6, data.p, text, sizeof(text));
	return arena_dup(arena, str_of(text));
}

bool
dns_address_data(struct arena *arena, struct str text, struct str *ret)
{
	const char *name = arena_cstr(arena, text);
	char data[16];

	if (name && inet_pton(AF_INET, name, data) == 1)
		*ret = arena_dup(arena, str_make(data, 4));
	else if (name && inet_pton(AF_INET6, name, data) == 1)
		*ret = arena_dup(arena, str_make(data, 16));
	else
		return false;
	return ret->p;
}

struct str
dns_reverse_name(struct arena *arena, struct str data)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(128);

	for (size_t i = data.n; i-- > 0;) {
		unsigned char c = (unsigned char)data.p[i];
		if (data.n == 4)
			sbuf_printf(&out, "%u.", c);
		else
			sbuf_printf(&out, "%x.%x.", c & 15, c >> 4);
	}
	sbuf_puts(&out, data.n == 4 ? "in-addr.arpa" : "ip6.arpa");
	return arena_dup(arena, sbuf_view(&out));
}

/* A record as a zone has it. */
static struct str
text_of(struct arena *arena, enum dns_type type, const struct dns_record *r)
{
	const unsigned char *d = (const unsigned char *)r->data.p;
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(FOUND_TEXT_MAX);

	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		return dns_address_text(arena, r->data);
	case DNS_MX:
		return arena_printf(arena, "%u %.*s.", r->preference, STR_ARG(r->name));
	case DNS_CNAME:
	case DNS_NS:
	case DNS_PTR:
		return arena_printf(arena, "%.*s.", STR_ARG(r->name));
	case DNS_TXT:
		return arena_dup(arena, r->data);
	case DNS_SRV:
		return arena_printf(arena, "%u %u %u %.*s.", r->preference, d[0] << 8 | d[1],
		    d[2] << 8 | d[3], STR_ARG(r->name));
	case DNS_TLSA:
		sbuf_printf(&out, "%u %u %u ", d[0], d[1], d[2]);
		for (size_t i = 3; i < r->data.n; i++)
			sbuf_printf(&out, "%02x", d[i]);
		return arena_dup(arena, sbuf_view(&out));
	}
	return STR("");
}

/* The last word: the name of an MX or SRV record, whose numbers are the owner's to choose. */
static struct str
target_of(struct str text)
{
	size_t at = str_rfind(text, ' ');

	return at == STR_NONE ? text : str_skip(text, at + 1);
}

static struct str
first_word(struct str text)
{
	size_t n = 0;

	while (n < text.n && text.p[n] != ' ' && text.p[n] != ';')
		n++;
	return str_sub(text, 0, n);
}

static bool
is_same_key(struct str a, struct str b)
{
	CLEANUP(sbuf_done) struct sbuf x = SBUF_INIT(4096);
	CLEANUP(sbuf_done) struct sbuf y = SBUF_INIT(4096);
	struct tags ta, tb;

	return !tags_parse(a, &ta) && !tags_parse(b, &tb) &&
	       !tags_base64(tags_get(&ta, "p", STR("")), &x) &&
	       !tags_base64(tags_get(&tb, "p", STR("")), &y) &&
	       str_eq(sbuf_view(&x), sbuf_view(&y)) &&
	       str_eq(tags_get(&ta, "k", STR("rsa")), tags_get(&tb, "k", STR("rsa")));
}

static bool
is_as_wanted(const struct dns_wanted *w, struct str text)
{
	switch (w->match) {
	case DNS_MATCH_ALL:
		if (w->type == DNS_MX)
			return str_eq_nocase(target_of(text), target_of(w->value));
		return str_eq_nocase(text, w->value);
	case DNS_MATCH_ADDRESS:
		return true;
	case DNS_MATCH_POLICY:
		return str_eq_nocase(first_word(text), first_word(w->value));
	case DNS_MATCH_KEY:
		return is_same_key(text, w->value);
	}
	return false;
}

/* Texts of other uses at the same name are nobody's mistake. */
static bool
is_about_it(const struct dns_wanted *w, struct str text)
{
	return w->match != DNS_MATCH_POLICY || is_as_wanted(w, text);
}

static void
judge(struct dns_wanted *w, const struct dns_answer *a)
{
	struct arena *arena = w->call->arena;
	CLEANUP(sbuf_done) struct sbuf found = SBUF_INIT(FOUND_TEXT_MAX);
	size_t about = 0;

	w->found = DNS_MISSING;
	w->found_text = STR("there is no such record");
	if (a->status == DNS_FAILED || a->status == DNS_BOGUS) {
		w->found = DNS_NOT_KNOWN;
		w->found_text = arena_dup(arena, str_of(a->why ? a->why : "no answer"));
		return;
	}
	for (size_t i = 0; i < a->count; i++) {
		struct str text = text_of(arena, w->type, &a->records[i]);
		if (!is_about_it(w, text))
			continue;
		about++;
		sbuf_printf(&found, "%s%.*s", found.n ? ", " : "", STR_ARG(text));
		if (is_as_wanted(w, text))
			w->found = DNS_AS_WANTED;
	}
	if (about == 0)
		return;
	/* RFC 7208 §4.5 and RFC 7489 §6.6.3: two policies are none */
	if (w->found != DNS_AS_WANTED || (w->match == DNS_MATCH_POLICY && about > 1))
		w->found = DNS_OTHER;
	w->found_text = sbuf_error(&found) ? STR("many") : arena_dup(arena, sbuf_view(&found));
}

static void
close_one(struct dns_wanted *w)
{
	if (--*w->open == 0)
		loop_stop(w->loop);
}

static void
answered(void *arg, const struct dns_answer *a)
{
	struct dns_wanted *w = arg;

	judge(w, a);
	close_one(w);
}

static void
resolver_done(struct dns **d)
{
	if (*d)
		dns_free(d);
}

static void
loop_done(struct loop **l)
{
	if (*l)
		loop_free(l);
}

enum err
dns_look_up(struct call *call, struct dns_wanted *w, size_t n)
{
	CLEANUP(loop_done) struct loop *loop = NULL;
	CLEANUP(resolver_done) struct dns *dns = NULL;
	size_t open = n;
	enum err e = loop_new(&loop);

	if (!e)
		e = dns_new(loop, call->conf, &dns);
	for (size_t i = 0; i < n && !e; i++) {
		w[i].call = call;
		w[i].open = &open;
		w[i].loop = loop;
		enum err asked = dns_ask(dns, w[i].name, w[i].type, answered, &w[i]);
		if (!asked)
			continue;
		w[i].found = DNS_NOT_KNOWN;
		w[i].found_text = str_of(err_text(asked));
		close_one(&w[i]);
	}
	if (!e && n > 0)
		loop_run(loop);
	return e;
}

/* -- texts ----------------------------------------------------------------------------------- */

struct texts {
	struct arena *arena;
	struct loop *loop;
	enum dns_status status;
	struct str *all;
	size_t n;
};

static void
take_texts(void *arg, const struct dns_answer *a)
{
	struct texts *t = arg;

	t->status = a->status;
	t->all = arena_alloc_array(t->arena, a->count + 1, sizeof(*t->all));
	for (size_t i = 0; t->all && i < a->count; i++)
		t->all[t->n++] = arena_dup(t->arena, a->records[i].data);
	loop_stop(t->loop);
}

enum err
dns_ask_texts(struct call *call, struct str name, struct str **ret, size_t *ret_n,
    enum dns_status *ret_status)
{
	CLEANUP(loop_done) struct loop *loop = NULL;
	CLEANUP(resolver_done) struct dns *dns = NULL;
	struct texts t = {.arena = call->arena};
	enum err e = loop_new(&loop);

	*ret_status = DNS_FAILED;
	t.loop = loop;
	if (!e)
		e = dns_new(loop, call->conf, &dns);
	if (!e)
		e = dns_ask(dns, name, DNS_TXT, take_texts, &t);
	if (e)
		return e;
	loop_run(loop);
	*ret = t.all;
	*ret_n = t.n;
	*ret_status = t.status;
	return arena_failed(call->arena) ? ERR_NOMEM : ERR_OK;
}
