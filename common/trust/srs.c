#include "common/trust/srs.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

/* Letters that come back the same from servers that fold case. */
static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

#define HASH_DIGITS 8 /* 40 bits, for somebody who has one try per message */
#define TIME_DIGITS 2
#define TIME_MODULUS (32 * 32) /* days */
#define DAY_S 86400
#define ADDRESS_MAX 254 /* RFC 5321 §4.5.3.1.3, without < and > */

/* What the hash covers, folded: the parts and what stands between them. */
static bool
make_hash(struct str secret, char kind, struct str time, struct str domain, struct str rest,
    char ret[HASH_DIGITS])
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(4096);
	unsigned char mac[SHA256_DIGEST_LENGTH];
	unsigned n = sizeof(mac);
	const struct str parts[] = {str_make(&kind, 1), time, domain, rest};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		for (size_t j = 0; j < parts[i].n; j++)
			sbuf_putc(&text, ascii_lower(parts[i].p[j]));
		sbuf_putc(&text, '\0');
	}
	if (sbuf_error(&text) || !HMAC(EVP_sha256(), secret.p, (int)secret.n,
				     (const unsigned char *)text.p, text.n, mac, &n))
		return false;
	for (int i = 0; i < HASH_DIGITS; i++) { /* five bits each, of the first five octets */
		unsigned bit = (unsigned)i * 5, at = bit / 8, shift = bit % 8;
		unsigned two = (unsigned)mac[at] << 8 | mac[at + 1];
		ret[i] = digits[two >> (11 - shift) & 31];
	}
	return true;
}

static bool
has_hash(struct str hash, struct str secret, char kind, struct str time, struct str domain,
    struct str rest)
{
	char want[HASH_DIGITS], got[HASH_DIGITS];

	if (hash.n != HASH_DIGITS || !make_hash(secret, kind, time, domain, rest, want))
		return false;
	for (int i = 0; i < HASH_DIGITS; i++)
		got[i] = ascii_lower(hash.p[i]);
	return CRYPTO_memcmp(want, got, HASH_DIGITS) == 0;
}

static int
digit_of(char c)
{
	const char *at = memchr(digits, ascii_lower(c), sizeof(digits) - 1);

	return at ? (int)(at - digits) : -1;
}

static bool
is_recent(struct str time, int64_t now_s)
{
	int high = digit_of(time.p[0]), low = digit_of(time.p[1]);

	if (high < 0 || low < 0)
		return false;
	int64_t age = (now_s / DAY_S - (high * 32 + low)) % TIME_MODULUS;
	if (age < 0)
		age += TIME_MODULUS;
	return age <= SRS_DAYS || age == TIME_MODULUS - 1; /* a clock that was a day ahead */
}

/* -- local parts ----------------------------------------------------------------------------- */

/* Octets that need no quotes (RFC 5321 §4.1.2 Dot-string, RFC 6531 §3.3). */
static bool
is_plain(struct str local)
{
	if (local.n == 0 || local.p[0] == '.' || local.p[local.n - 1] == '.')
		return false;
	for (size_t i = 0; i < local.n; i++) {
		char c = local.p[i];
		bool ok = (unsigned char)c >= 0x80 || ascii_is_alpha(c) || ascii_is_digit(c) ||
			  (c && strchr("!#$%&'*+-/=?^_`{|}~.", c));
		if (!ok || (c == '.' && local.p[i + 1] == '.'))
			return false;
	}
	return true;
}

/* A domain or an address literal, as far as addresses are taken apart by it. */
static bool
is_host(struct str host)
{
	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];
		if (!((unsigned char)c & 0x80) && !ascii_is_alpha(c) && !ascii_is_digit(c) &&
		    !(c && strchr("-._:[]", c)))
			return false;
	}
	return host.n > 0;
}

static void
put_local(struct sbuf *out, struct str local)
{
	if (is_plain(local)) {
		sbuf_put(out, local);
		return;
	}
	sbuf_putc(out, '"');
	for (size_t i = 0; i < local.n; i++) {
		if (local.p[i] == '"' || local.p[i] == '\\')
			sbuf_putc(out, '\\');
		sbuf_putc(out, local.p[i]);
	}
	sbuf_putc(out, '"');
}

/* Without its quotes. */
static void
unquote(struct sbuf *out, struct str local)
{
	if (local.n < 2 || local.p[0] != '"' || local.p[local.n - 1] != '"') {
		sbuf_put(out, local);
		return;
	}
	local = str_sub(local, 1, local.n - 2);
	for (size_t i = 0; i < local.n; i++) {
		if (local.p[i] == '\\' && i + 1 < local.n)
			i++;
		sbuf_putc(out, local.p[i]);
	}
}

/* -- the forms ------------------------------------------------------------------------------- */

/* SRS0=hash=time=domain=local: `rest` is what follows "SRS0=". */
struct srs0 {
	struct str hash, time, domain, local;
};

static bool
is_separator(char c)
{
	return c == '=' || c == '+' || c == '-';
}

static bool
has_tag(struct str local, const char *tag)
{
	return local.n > 5 && str_starts_nocase(local, str_of(tag)) && is_separator(local.p[4]);
}

static bool
parse_srs0(struct str rest, struct srs0 *ret)
{
	return str_split(&rest, '=', &ret->hash) && str_split(&rest, '=', &ret->time) &&
	       str_split(&rest, '=', &ret->domain) && ret->time.n == TIME_DIGITS &&
	       ret->domain.n > 0 && rest.n > 0 && (ret->local = rest, true);
}

static void
put_time(char out[TIME_DIGITS], int64_t now_s)
{
	int64_t day = now_s / DAY_S % TIME_MODULUS;

	out[0] = digits[day / 32];
	out[1] = digits[day % 32];
}

static enum err
finish(struct sbuf *local, struct str domain, struct sbuf *ret)
{
	if (sbuf_error(local))
		return sbuf_error(local) == ERR_TOO_LONG ? ERR_LIMIT : sbuf_error(local);
	size_t from = ret->n;
	put_local(ret, sbuf_view(local));
	sbuf_putc(ret, '@');
	sbuf_put(ret, domain);
	if (sbuf_error(ret))
		return sbuf_error(ret);
	if (ret->n - from <= ADDRESS_MAX)
		return ERR_OK;
	sbuf_cut(ret, from);
	return ERR_LIMIT;
}

/* An address that was rewritten elsewhere already: only who did that stands in ours, so that the
 * address does not grow with each hop. "SRS1=hash=first.example=" and the rest of SRS0 with its
 * separator. */
static enum err
forward_again(struct str secret, struct str host, struct str rest, struct sbuf *local)
{
	char hash[HASH_DIGITS];

	if (!make_hash(secret, '1', STR(""), host, rest, hash))
		return ERR_NOMEM;
	/* octet by octet: what is of an address may hold NUL, where printf would end */
	sbuf_puts(local, "SRS1=");
	sbuf_append(local, hash, sizeof(hash));
	sbuf_putc(local, '=');
	sbuf_put(local, host);
	sbuf_putc(local, '=');
	sbuf_put(local, rest);
	return ERR_OK;
}

static enum err
forward_first(
    struct str secret, int64_t now_s, struct str from, struct str host, struct sbuf *local)
{
	char hash[HASH_DIGITS], time[TIME_DIGITS];

	put_time(time, now_s);
	if (!make_hash(secret, '0', str_make(time, sizeof(time)), host, from, hash))
		return ERR_NOMEM;
	sbuf_puts(local, "SRS0=");
	sbuf_append(local, hash, sizeof(hash));
	sbuf_putc(local, '=');
	sbuf_append(local, time, sizeof(time));
	sbuf_putc(local, '=');
	sbuf_put(local, host);
	sbuf_putc(local, '=');
	sbuf_put(local, from);
	return ERR_OK;
}

enum err
srs_forward(
    struct str sender, struct str domain, struct str secret, int64_t now_s, struct sbuf *ret)
{
	CLEANUP(sbuf_done) struct sbuf from = SBUF_INIT(ADDRESS_MAX);
	CLEANUP(sbuf_done) struct sbuf local = SBUF_INIT(2 * ADDRESS_MAX);
	size_t at = str_rfind(sender, '@');

	if (sender.n == 0) /* a report stays one (RFC 5321 §4.5.5) */
		return ERR_OK;
	if (at == STR_NONE || at == 0 || !is_host(str_skip(sender, at + 1)))
		return ERR_SYNTAX;
	struct str host = str_skip(sender, at + 1);
	unquote(&from, str_sub(sender, 0, at));
	if (sbuf_error(&from))
		return ERR_LIMIT;
	if (from.n == 0)
		return ERR_SYNTAX;
	struct str f = sbuf_view(&from), first, rest = str_skip(f, 5);
	enum err e;
	if (has_tag(f, "SRS0"))
		e = forward_again(secret, host, str_skip(f, 4), &local);
	else if (has_tag(f, "SRS1") && str_split(&rest, '=', &first) && /* their hash */
		 str_split(&rest, '=', &first) && is_host(first) && rest.n > 1 &&
		 is_separator(rest.p[0]))
		e = forward_again(secret, first, rest, &local);
	else
		e = forward_first(secret, now_s, f, host, &local);
	return e ? e : finish(&local, domain, ret);
}

enum err
srs_reverse(struct str quoted, struct str secret, int64_t now_s, struct sbuf *ret)
{
	CLEANUP(sbuf_done) struct sbuf plain = SBUF_INIT(2 * ADDRESS_MAX);
	CLEANUP(sbuf_done) struct sbuf back = SBUF_INIT(2 * ADDRESS_MAX);
	struct srs0 s;

	unquote(&plain, quoted);
	if (sbuf_error(&plain))
		return sbuf_error(&plain) == ERR_NOMEM ? ERR_NOMEM : ERR_NOT_FOUND;
	struct str local = sbuf_view(&plain);
	if (has_tag(local, "SRS0")) {
		if (!parse_srs0(str_skip(local, 5), &s) ||
		    !has_hash(s.hash, secret, '0', s.time, s.domain, s.local) ||
		    !is_recent(s.time, now_s))
			return ERR_DENIED;
		sbuf_put(&back, s.local);
		return finish(&back, s.domain, ret);
	}
	if (!has_tag(local, "SRS1"))
		return ERR_NOT_FOUND;
	struct str rest = str_skip(local, 5), hash, host;
	if (!str_split(&rest, '=', &hash) || !str_split(&rest, '=', &host) || host.n == 0 ||
	    rest.n < 2 || !is_separator(rest.p[0]) ||
	    !has_hash(hash, secret, '1', STR(""), host, rest))
		return ERR_DENIED;
	sbuf_puts(&back, "SRS0");
	sbuf_put(&back, rest);
	return finish(&back, host, ret);
}
