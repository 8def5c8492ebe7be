/* `pillarbox dkim verify`: what the signatures of a message are worth. */
#include "common/base/clock.h"
#include "common/trust/arc.h"
#include "ctl/ctl.h"
#include "ctl/dns_records.h"
#include "ctl/words.h"

#include <errno.h>

#define PIECE 65536
#define KEYS_MAX 65536
#define RECORD_MAX 16384
#define LINE_MAX_OCTETS (5U << 20) /* names as long as a header, and escaped */

/* The header, with its lines, and what was read behind it. Lines may end in LF: a message in a
 * file. */
static enum err
read_header(FILE *f, struct sbuf *ret_header, struct sbuf *ret_rest)
{
	char piece[PIECE];
	size_t n, from = 0;

	while ((n = fread(piece, 1, sizeof(piece), f)) > 0) {
		sbuf_append(ret_header, piece, n);
		if (sbuf_error(ret_header))
			return ERR_TOO_BIG;
		for (; from < ret_header->n; from++) {
			struct str rest = str_skip(sbuf_view(ret_header), from);
			if (rest.p[0] != '\n' || (from > 0 && rest.n < 3))
				continue;
			size_t gap = str_starts(rest, STR("\n\n"))     ? 2
				     : str_starts(rest, STR("\n\r\n")) ? 3
								       : 0;
			if (gap == 0)
				continue;
			sbuf_put(ret_rest, str_skip(rest, gap));
			sbuf_cut(ret_header, from + 1);
			return sbuf_error(ret_rest);
		}
		from = ret_header->n > 2 ? ret_header->n - 2 : 0;
	}
	return ferror(f) ? ERR_IO : ERR_OK;
}

/* A record from `--key NAME=FILE`: *ret is NULL where none was given for `name`. */
static enum err
find_given(struct call *call, struct str given, struct str name, const char **ret)
{
	struct str one;

	*ret = NULL;
	while (str_split(&given, ' ', &one)) {
		size_t at = str_find(one, '=');
		if (at == STR_NONE || !str_eq_nocase(str_sub(one, 0, at), name))
			continue;
		*ret = arena_cstr(call->arena, str_skip(one, at + 1));
		return *ret ? ERR_OK : ERR_NOMEM;
	}
	return ERR_OK;
}

/* A file with the text of the record. */
static enum err
read_record(struct call *call, const char *path, struct str *ret)
{
	char text[RECORD_MAX];
	FILE *f = fopen(path, "re");

	if (!f)
		return err_from_errno(errno);
	size_t n = fread(text, 1, sizeof(text), f);
	(void)fclose(f); /* it was only read */
	*ret = arena_dup(call->arena, str_trim(str_make(text, n)));
	return ret->p ? ERR_OK : ERR_NOMEM;
}

struct texts {
	enum dkim_key_status status;
	struct str *all;
	size_t n;
};

static enum err
find_texts(struct call *call, struct str given, struct str name, struct texts *ret)
{
	const char *path = NULL;
	enum err e = find_given(call, given, name, &path);

	*ret = (struct texts){.status = DKIM_KEY_FOUND};
	if (e)
		return e;
	if (!path && given.n) { /* what is given is all there is */
		ret->status = DKIM_KEY_NONE;
		return ERR_OK;
	}
	if (!path) {
		enum dns_status status;
		e = dns_ask_texts(call, name, &ret->all, &ret->n, &status);
		if (status == DNS_FAILED || status == DNS_BOGUS)
			ret->status = DKIM_KEY_LATER;
		else if (status != DNS_FOUND)
			ret->status = DKIM_KEY_NONE;
		return e;
	}
	ret->all = ARENA_NEW(call->arena, struct str);
	ret->n = 1;
	return ret->all ? read_record(call, path, ret->all) : ERR_NOMEM;
}

static void
tell_one(const struct dkim_signature *s)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(LINE_MAX_OCTETS);

	sbuf_printf(&out, "dkim=%s d=", dkim_verdict_name(s->verdict));
	words_put_safe(&out, s->domain);
	sbuf_puts(&out, " s=");
	words_put_safe(&out, s->selector);
	printf("%s%s%s%s\n", sbuf_cstr(&out), s->why ? ": " : "", s->why ? s->why : "",
	    s->testing ? " (the domain is only testing)" : "");
}

static enum err
tell(struct call *call, struct dkim_verifier *v, struct str given, size_t *ret_passed)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < dkim_verifier_count(v) && !e; i++) {
		const struct dkim_signature *s = dkim_verifier_signature(v, i);
		if (s->key_name.n) {
			struct texts t;
			e = find_texts(call, given, s->key_name, &t);
			if (!e)
				dkim_verifier_key(v, i, t.status, t.all, t.n);
		}
		*ret_passed += s->verdict == DKIM_PASS;
		tell_one(s);
	}
	return e;
}

static enum err
tell_chain(struct call *call, struct arc_verifier *v, struct str given)
{
	enum err e = ERR_OK;
	const char *why;

	for (size_t i = 0; i < arc_verifier_key_count(v) && !e; i++) {
		struct texts t;
		e = find_texts(call, given, arc_verifier_key_name(v, i), &t);
		if (!e)
			arc_verifier_key(v, i, t.status, t.all, t.n);
	}
	enum arc_status status = arc_verifier_status(v, &why);
	if (!e)
		printf("arc=%s sets=%u%s%s\n", arc_status_name(status), arc_verifier_sets(v),
		    why ? ": " : "", why ? why : "");
	return e;
}

static void
feed(struct dkim_verifier *v, struct arc_verifier *chain, struct str octets)
{
	dkim_verifier_feed(v, octets);
	arc_verifier_feed(chain, octets);
}

static int
verify(struct call *call, FILE *f, const char *name, struct str given)
{
	CLEANUP(sbuf_done) struct sbuf header = SBUF_INIT(TRUST_HEADER_MAX + PIECE);
	CLEANUP(sbuf_done) struct sbuf rest = SBUF_INIT(2 * PIECE);
	CLEANUP(dkim_verifier_free) struct dkim_verifier *v = NULL;
	CLEANUP(arc_verifier_free) struct arc_verifier *chain = NULL;
	char piece[PIECE];
	size_t n, passed = 0;
	enum err e = read_header(f, &header, &rest);

	if (!e)
		e = dkim_verifier_new(sbuf_view(&header), clock_real_s(), &v);
	if (!e)
		e = arc_verifier_new(sbuf_view(&header), &chain);
	if (e)
		return call_fail(e, name);
	feed(v, chain, sbuf_view(&rest));
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		feed(v, chain, str_make(piece, n));
	if (ferror(f))
		return call_fail(ERR_IO, name);
	dkim_verifier_end(v);
	arc_verifier_end(chain);
	e = tell(call, v, given, &passed);
	if (!e && dkim_verifier_count(v) == 0)
		printf("dkim=none\n");
	if (!e)
		e = tell_chain(call, chain, given);
	if (e)
		return call_fail(e, name);
	return passed ? CTL_OK : CTL_FAILED;
}

int
verb_dkim_verify(struct call *call)
{
	CLEANUP(sbuf_done) struct sbuf keys = SBUF_INIT(KEYS_MAX);
	const struct call_option options[] = {{"key", "NAME=FILE",
	    "a key's record from a file instead of the DNS; several times", .list = &keys}};
	int status = call_parse(call, options, ARRAY_LEN(options), 1, 1);

	if (status != CALL_GO_ON)
		return status;
	/* given keys need no configuration */
	status = keys.n ? CALL_GO_ON : call_load_conf(call);
	if (status != CALL_GO_ON)
		return status;
	const char *name = call->args[0];
	FILE *f = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	if (!f)
		return call_fail(err_from_errno(errno), name);
	status = verify(call, f, name, sbuf_view(&keys));
	if (f != stdin)
		(void)fclose(f); /* the same */
	return status;
}
