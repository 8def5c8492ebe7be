/* Sealing (RFC 8617 §5.1). */
#include "common/mail/codec.h"
#include "common/trust/arc_private.h"

#define NAMES_MAX 65536
#define FIELD_MAX 131072
#define OCTETS_MAX (3U * TRUST_HEADER_MAX)

static void
put_common(const struct arc_seal_options *o, struct sbuf *out)
{
	sbuf_printf(out, " d=%.*s;\r\n\ts=%.*s; t=%lld;", STR_ARG(o->domain), STR_ARG(o->selector),
	    (long long)o->now_s);
}

/* ARC-Message-Signature (§4.1.2): as DKIM's, without a version, without fields of ARC. */
static enum err
make_message_signature(struct fields *f, const unsigned char *body_hash,
    const struct arc_seal_options *o, struct sbuf *field)
{
	CLEANUP(sbuf_done) struct sbuf names = SBUF_INIT(NAMES_MAX);
	CLEANUP(sbuf_done) struct sbuf octets = SBUF_INIT(OCTETS_MAX);
	enum err e = dkim_put_names(f, DKIM_COVER_SEALED, STR("DKIM-Signature"), &names);

	if (e)
		return e;
	sbuf_printf(field, "ARC-Message-Signature: i=%u; a=%s-sha256; c=relaxed/relaxed;",
	    o->sets + 1, dkim_algorithm_name(o->key->algorithm));
	put_common(o, field);
	sbuf_puts(field, "\r\n\th=");
	dkim_put_names_folded(sbuf_view(&names), 10, field);
	sbuf_puts(field, ";\r\n\tbh=");
	base64_encode(str_make(body_hash, DKIM_HASH), field);
	sbuf_puts(field, ";\r\n\tb=");
	dkim_put_fields(f, sbuf_view(&names), DKIM_RELAXED, &octets);
	field_relaxed(sbuf_view(field), false, &octets);
	return sbuf_error(field) ? sbuf_error(field) : dkim_put_signature(o->key, &octets, field);
}

static enum err
make_seal(struct arc_chain *c, const struct arc_seal_options *o, struct str results,
    struct str message, struct sbuf *field)
{
	CLEANUP(sbuf_done) struct sbuf octets = SBUF_INIT(OCTETS_MAX);
	const struct header_field r = {.whole = results}, m = {.whole = message};
	unsigned n = o->sets + 1;

	sbuf_printf(field, "ARC-Seal: i=%u; a=%s-sha256; cv=%s;", n,
	    dkim_algorithm_name(o->key->algorithm), arc_status_name(o->status));
	put_common(o, field);
	sbuf_puts(field, "\r\n\tb=");
	if (sbuf_error(field))
		return sbuf_error(field);
	c->sets[n - 1] = (struct arc_set){{[ARC_RESULTS] = &r, [ARC_MESSAGE] = &m}};
	arc_put_sealed(c, n, o->status == ARC_FAIL, sbuf_view(field), &octets);
	return dkim_put_signature(o->key, &octets, field);
}

enum err
arc_seal(struct str header, const unsigned char body_hash[DKIM_HASH],
    const struct arc_seal_options *o, struct sbuf *out)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(8U * TRUST_HEADER_MAX);
	CLEANUP(sbuf_done) struct sbuf results = SBUF_INIT(FIELD_MAX);
	CLEANUP(sbuf_done) struct sbuf message = SBUF_INIT(FIELD_MAX);
	CLEANUP(sbuf_done) struct sbuf seal = SBUF_INIT(FIELD_MAX);
	struct arc_chain c;
	struct fields f;

	if (!arena)
		return ERR_NOMEM;
	if (o->sets >= ARC_SETS_MAX)
		return ERR_LIMIT;
	enum err e = fields_parse(header, arena, &f);
	if (e)
		return e;
	if (fields_number(&f, STR("From")) != 1)
		return ERR_CANNOT;
	arc_chain_read(&f, &c);
	/* A chain that is not whole can only be sealed as broken, which covers our own set alone.
	 */
	if (o->status != ARC_FAIL && (c.broken || c.count != o->sets))
		return ERR_CANNOT;
	sbuf_printf(&results, "ARC-Authentication-Results: i=%u; %.*s;\r\n\t%.*s\r\n", o->sets + 1,
	    STR_ARG(o->authserv_id), STR_ARG(o->results));
	e = sbuf_error(&results);
	if (!e)
		e = make_message_signature(&f, body_hash, o, &message);
	if (!e)
		e = make_seal(&c, o, sbuf_view(&results), sbuf_view(&message), &seal);
	if (e)
		return e == ERR_TOO_LONG ? ERR_TOO_BIG : e;
	sbuf_put(out, sbuf_view(&seal));
	sbuf_put(out, sbuf_view(&message));
	sbuf_put(out, sbuf_view(&results));
	return sbuf_error(out);
}
