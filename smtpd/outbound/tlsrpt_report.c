#include "smtpd/outbound/tlsrpt_report.h"

#include "common/mail/codec.h"
#include "common/mail/date.h"
#include "smtpd/outbound/trace_fields.h"

#include <jansson.h>
#include <time.h>
#include <zlib.h>

#define DAY_S 86400
#define MAIL_MAX (8U * 1024 * 1024)
#define BASE64_LINE 57 /* octets that make 76 characters */
#define URIS_MAX 10

/* -- the record ------------------------------------------------------------------------------ */

static bool
is_uri(struct str uri)
{
	return str_starts_nocase(uri, STR("mailto:")) || str_starts_nocase(uri, STR("https:"));
}

static enum err
take_uris(struct str list, struct arena *arena, struct str **ret, size_t *ret_n)
{
	struct str uri;

	*ret = arena_alloc_array(arena, URIS_MAX, sizeof(**ret));
	if (!*ret)
		return ERR_NOMEM;
	while (str_split(&list, ',', &uri)) {
		uri = str_trim(uri);
		if (is_uri(uri) && *ret_n < URIS_MAX)
			(*ret)[(*ret_n)++] = arena_dup(arena, uri);
	}
	return arena_failed(arena) ? ERR_NOMEM : ERR_OK;
}

enum err
tlsrpt_parse_record(struct str record, struct arena *arena, struct str **ret, size_t *ret_n)
{
	struct str field;
	bool first = true;

	*ret = NULL;
	*ret_n = 0;
	while (str_split(&record, ';', &field)) {
		field = str_trim(field);
		if (first && !str_eq(field, STR("v=TLSRPTv1")))
			return ERR_SYNTAX;
		first = false;
		if (!*ret && str_starts(field, STR("rua="))) {
			enum err e = take_uris(str_skip(field, 4), arena, ret, ret_n);
			if (e)
				return e;
		}
	}
	return *ret_n ? ERR_OK : ERR_SYNTAX;
}

/* -- JSON ------------------------------------------------------------------------------------ */

static const char *
policy_name(enum route_policy p)
{
	switch (p) {
	case POLICY_STS:
		return "sts";
	case POLICY_DANE:
		return "tlsa";
	case POLICY_NONE:
	case POLICY_RULE:
		break;
	}
	return "no-policy-found";
}

/* What is no UTF-8 comes from strangers, and is left out. */
static json_t *
json_of(struct str s)
{
	json_t *j = json_stringn(s.p ? s.p : "", s.n);

	return j ? j : json_string("");
}

static json_t *
json_lines(struct str text)
{
	json_t *list = json_array();
	struct str line;

	while (str_split(&text, '\n', &line))
		if (str_trim(line).n)
			json_array_append_new(list, json_of(str_trim(line)));
	return list;
}

static json_t *
json_time(int64_t utc_s)
{
	time_t t = (time_t)utc_s;
	char text[32];
	struct tm tm;

	if (!gmtime_r(&t, &tm))
		return json_string("");
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

static json_t *
json_failure(const struct tlsrpt_row *row)
{
	/* who was never connected to has no address */
	return json_pack("{s:o, s:o, s:o*, s:I}", "result-type", json_of(row->failure),
	    "receiving-mx-hostname", json_of(row->host), "receiving-ip",
	    row->address.n ? json_of(row->address) : NULL, "failed-session-count",
	    (json_int_t)row->sessions);
}

static bool
same_policy(const struct tlsrpt_row *a, const struct tlsrpt_row *b)
{
	return a->policy == b->policy && str_eq(a->policy_text, b->policy_text);
}

/* All rows of one policy. */
static json_t *
json_policy(const struct tlsrpt_report *r, const struct tlsrpt_row *first)
{
	json_int_t good = 0, bad = 0;
	json_t *details = json_array();

	for (size_t i = 0; i < r->row_count; i++) {
		const struct tlsrpt_row *row = &r->rows[i];
		if (!same_policy(row, first))
			continue;
		if (row->failure.n == 0) {
			good += (json_int_t)row->sessions;
			continue;
		}
		bad += (json_int_t)row->sessions;
		json_array_append_new(details, json_failure(row));
	}
	json_t *policy = json_pack("{s:s, s:o}", "policy-type", policy_name(first->policy),
	    "policy-domain", json_of(r->domain));
	if (first->policy_text.n)
		json_object_set_new(policy, "policy-string", json_lines(first->policy_text));
	if (first->mx_patterns.n)
		json_object_set_new(policy, "mx-host", json_lines(first->mx_patterns));
	json_t *all = json_pack("{s:o, s:{s:I, s:I}}", "policy", policy, "summary",
	    "total-successful-session-count", good, "total-failure-session-count", bad);
	if (json_array_size(details))
		json_object_set(all, "failure-details", details);
	json_decref(details);
	return all;
}

static bool
told_before(const struct tlsrpt_report *r, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (same_policy(&r->rows[i], &r->rows[at]))
			return true;
	return false;
}

static int
put_json(const char *p, size_t n, void *out)
{
	sbuf_append(out, p, n);
	return sbuf_error(out) ? -1 : 0;
}

enum err
tlsrpt_json(const struct tlsrpt_report *r, struct sbuf *out)
{
	json_t *policies = json_array();

	for (size_t i = 0; i < r->row_count; i++)
		if (!told_before(r, i))
			json_array_append_new(policies, json_policy(r, &r->rows[i]));
	json_t *all = json_pack("{s:o, s:{s:o, s:o}, s:o, s:o, s:o}", "organization-name",
	    json_of(r->organization), "date-range", "start-datetime", json_time(r->day_s),
	    "end-datetime", json_time(r->day_s + DAY_S - 1), "contact-info", json_of(r->contact),
	    "report-id", json_of(r->id), "policies", policies);
	if (!all)
		return ERR_NOMEM;
	int failed = json_dump_callback(all, put_json, out, JSON_INDENT(1));
	json_decref(all);
	enum err e = sbuf_error(out);
	return e ? e : failed ? ERR_NOMEM : ERR_OK;
}

/* -- compressed ------------------------------------------------------------------------------ */

enum err
tlsrpt_gzip(struct str in, struct sbuf *out)
{
	z_stream z = {0};

	if (in.n > TLSRPT_JSON_MAX)
		return ERR_TOO_LONG;
	/* 16: with gzip's header */
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return ERR_NOMEM;
	uLong most = deflateBound(&z, (uLong)in.n);
	char *to = sbuf_reserve(out, most);
	enum err e = to ? ERR_OK : sbuf_error(out);
	if (!e) {
		/* zlib does not write to its input */
		memcpy(&z.next_in, &in.p, sizeof(in.p));
		z.avail_in = (uInt)in.n;
		z.next_out = (Bytef *)to;
		z.avail_out = (uInt)most;
		e = deflate(&z, Z_FINISH) == Z_STREAM_END ? ERR_OK : ERR_INTERNAL;
		if (!e)
			sbuf_grow(out, z.total_out);
	}
	deflateEnd(&z);
	return e;
}

/* -- the mail -------------------------------------------------------------------------------- */

static void
put_base64_lines(struct str in, struct sbuf *out)
{
	for (size_t at = 0; at < in.n; at += BASE64_LINE) {
		base64_encode(str_sub(in, at, BASE64_LINE), out);
		sbuf_puts(out, "\r\n");
	}
}

enum err
tlsrpt_mail(const struct tlsrpt_report *r, struct str to, struct str gzipped, struct spool *out)
{
	CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(MAIL_MAX);
	struct date now = {.utc_s = r->now_s};
	/* No line of base64 can be this one, and the text is ours. */
	static const char boundary[] = "=_tls-report";

	trace_date_line(now, &b);
	enum err e = trace_message_id_line(r->hostname, now, &b);
	if (e)
		return e;
	sbuf_printf(&b, "From: <%.*s>\r\nTo: <%.*s>\r\n", STR_ARG(r->contact), STR_ARG(to));
	sbuf_printf(&b,
	    "Subject: Report Domain: %.*s\r\n Submitter: %.*s\r\n Report-ID: <%.*s>\r\n",
	    STR_ARG(r->domain), STR_ARG(r->organization), STR_ARG(r->id));
	sbuf_printf(&b, "TLS-Report-Domain: %.*s\r\nTLS-Report-Submitter: %.*s\r\n",
	    STR_ARG(r->domain), STR_ARG(r->organization));
	sbuf_printf(&b,
	    "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n\tboundary=\"%s\"\r\n\r\n"
	    "--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n",
	    boundary, boundary);
	sbuf_printf(&b,
	    "This is the report on TLS that %.*s has asked for (RFC 8460), by the mail\r\n"
	    "server of %.*s. Programs read it; questions go to %.*s.\r\n\r\n",
	    STR_ARG(r->domain), STR_ARG(r->organization), STR_ARG(r->contact));
	sbuf_printf(&b,
	    "--%s\r\nContent-Type: application/tlsrpt+gzip\r\n"
	    "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n"
	    "\tfilename=\"%.*s!%.*s!%lld!%lld.json.gz\"\r\n\r\n",
	    boundary, STR_ARG(r->organization), STR_ARG(r->domain), (long long)r->day_s,
	    (long long)(r->day_s + DAY_S - 1));
	put_base64_lines(gzipped, &b);
	sbuf_printf(&b, "\r\n--%s--\r\n", boundary);
	e = sbuf_error(&b);
	return e ? e : spool_write(out, sbuf_view(&b).p, sbuf_view(&b).n);
}
