#include "imapd/imap_capability.h"

#include "common/auth/sasl.h"

static const struct {
	const char *name;
	unsigned states;
} capabilities[] = {
    {"IMAP4rev1", ST_ANY}, {"LITERAL+", ST_ANY}, /* RFC 7888 */
    {"SASL-IR", ST_GREET}, /* RFC 4959 */
    {"ID", ST_ANY}, /* RFC 2971 */
    {"ENABLE", ST_ANY}, /* RFC 5161 */
    {"NAMESPACE", ST_AUTH | ST_SELECTED}, /* RFC 2342 */
    {"CHILDREN", ST_AUTH | ST_SELECTED}, /* RFC 3348 */
    {"UNSELECT", ST_AUTH | ST_SELECTED}, /* RFC 3691 */
    {"UIDPLUS", ST_AUTH | ST_SELECTED}, /* RFC 4315 */
    {"MOVE", ST_AUTH | ST_SELECTED}, /* RFC 6851 */
    {"SPECIAL-USE", ST_AUTH | ST_SELECTED}, /* RFC 6154 */
    {"CREATE-SPECIAL-USE", ST_AUTH | ST_SELECTED},
    {"LIST-EXTENDED", ST_AUTH | ST_SELECTED}, /* RFC 5258 */
    {"LIST-STATUS", ST_AUTH | ST_SELECTED}, /* RFC 5819 */
    {"LIST-MYRIGHTS", ST_AUTH | ST_SELECTED}, /* RFC 8440 */
    {"LIST-METADATA", ST_AUTH | ST_SELECTED}, /* RFC 9590 */
    {"STATUS=SIZE", ST_AUTH | ST_SELECTED}, /* RFC 8438 */
    {"COMPRESS=DEFLATE", ST_AUTH | ST_SELECTED}, /* RFC 4978 */
    {"IDLE", ST_AUTH | ST_SELECTED}, /* RFC 2177 */
    {"NOTIFY", ST_AUTH | ST_SELECTED}, /* RFC 5465 */
    {"CONDSTORE", ST_AUTH | ST_SELECTED}, /* RFC 7162 */
    {"QRESYNC", ST_AUTH | ST_SELECTED}, /* RFC 7162 §3.2.2 */
    {"OBJECTID", ST_AUTH | ST_SELECTED}, /* RFC 8474 */
    {"SAVEDATE", ST_AUTH | ST_SELECTED}, /* RFC 8514 */
    {"UIDBATCHES", ST_AUTH | ST_SELECTED}, /* RFC 10022 */

    {"ESEARCH", ST_AUTH | ST_SELECTED}, /* RFC 4731 */
    {"SEARCHRES", ST_AUTH | ST_SELECTED}, /* RFC 5182 */
    {"WITHIN", ST_AUTH | ST_SELECTED}, /* RFC 5032 */
    {"CONTEXT=SEARCH", ST_AUTH | ST_SELECTED}, /* RFC 5267 §4 */
    {"CONTEXT=SORT", ST_AUTH | ST_SELECTED}, {"PARTIAL", ST_AUTH | ST_SELECTED}, /* RFC 9394 */
    {"MULTISEARCH", ST_AUTH | ST_SELECTED}, /* RFC 7377 */
    {"FILTERS", ST_AUTH | ST_SELECTED}, /* RFC 5466 */
    {"INPROGRESS", ST_AUTH | ST_SELECTED}, /* RFC 9585 */
    {"SEARCH=FUZZY", ST_AUTH | ST_SELECTED}, /* RFC 6203 */
    {"SORT", ST_AUTH | ST_SELECTED}, /* RFC 5256 */
    {"SORT=DISPLAY", ST_AUTH | ST_SELECTED}, /* RFC 5957 */
    {"ESORT", ST_AUTH | ST_SELECTED}, /* RFC 5267 */
    {"THREAD=ORDEREDSUBJECT", ST_AUTH | ST_SELECTED}, /* RFC 5256 */
    {"THREAD=REFERENCES", ST_AUTH | ST_SELECTED},
    {"THREAD=REFS", ST_AUTH | ST_SELECTED}, /* draft-ietf-morg-inthread */
    {"I18NLEVEL=1", ST_AUTH | ST_SELECTED}, /* RFC 5255 §4.3 */
    {"ACL", ST_AUTH | ST_SELECTED}, /* RFC 4314 */
    {"RIGHTS=texk", ST_AUTH | ST_SELECTED}, /* RFC 4314 §5.1.1 */
    {"METADATA", ST_AUTH | ST_SELECTED}, /* RFC 5464 */
    {"QUOTA", ST_AUTH | ST_SELECTED}, /* RFC 9208 */
    {"QUOTA=RES-STORAGE", ST_AUTH | ST_SELECTED}, {"QUOTA=RES-MESSAGE", ST_AUTH | ST_SELECTED},
    {"IMAP4rev2", ST_ANY}, /* RFC 9051 */
    {"MULTIAPPEND", ST_AUTH | ST_SELECTED}, /* RFC 3502 */
    {"BINARY", ST_AUTH | ST_SELECTED}, /* RFC 3516 */
    {"CATENATE", ST_AUTH | ST_SELECTED}, /* RFC 4469 */
    {"URL-PARTIAL", ST_AUTH | ST_SELECTED}, /* RFC 5550 §4.2 */
    {"PREVIEW", ST_AUTH | ST_SELECTED}, /* RFC 8970 */
    {"PREVIEW=FUZZY", ST_AUTH | ST_SELECTED}, /* drafts of the same */
    {"SNIPPET=FUZZY", ST_AUTH | ST_SELECTED}, {"REPLACE", ST_AUTH | ST_SELECTED}, /* RFC 8508 */
    {"UNAUTHENTICATE", ST_AUTH | ST_SELECTED}, /* RFC 8437 */
    {"UTF8=ACCEPT", ST_AUTH | ST_SELECTED}, /* RFC 6855 */
};

bool
imap_hides(const struct imap_session *s, struct str name)
{
	struct str own = str_of(s->hidden ? s->hidden : ""), one;

	for (const char *const *hide = s->conf->imapd.hide_capabilities; hide && *hide; hide++)
		if (str_eq_nocase(name, str_of(*hide)))
			return true;
	while (str_split(&own, ' ', &one))
		if (str_eq_nocase(name, one))
			return true;
	return false;
}

static void
add(struct imap_session *s, struct sbuf *out, struct str name)
{
	if (imap_hides(s, name))
		return;
	if (out->n > 0)
		sbuf_putc(out, ' ');
	sbuf_put(out, name);
}

bool
imap_may_start_tls(const struct imap_session *s)
{
	return s->state == ST_GREET && !conn_is_tls(s->conn) && conn_tls_available(s->conn);
}

static void
add_login(struct imap_session *s, struct sbuf *out)
{
	CLEANUP(sbuf_done) struct sbuf mechanisms = SBUF_INIT(IMAP_CAPABILITIES_MAX);
	struct sasl_host host;

	if (imap_may_start_tls(s))
		add(s, out, STR("STARTTLS"));
	if (!conn_is_secure(s->conn))
		add(s, out, STR("LOGINDISABLED"));
	service_sasl_host(s->service, s->conn, &host);
	sasl_list(&host, "AUTH=", &mechanisms);
	struct str rest = sbuf_view(&mechanisms);
	struct str one;
	while (str_split(&rest, ' ', &one))
		if (one.n > 0)
			add(s, out, one);
}

/* RFC 7889 §2: the same for all mailboxes. */
static void
add_append_limit(struct imap_session *s, struct sbuf *out)
{
	CLEANUP(sbuf_done) struct sbuf limit = SBUF_INIT(64);

	sbuf_puts(&limit, "APPENDLIMIT=");
	sbuf_u64(&limit, s->conf->imapd.append_limit);
	add(s, out, sbuf_view(&limit));
}

/* RFC 9738 §3 */
static void
add_message_limit(struct imap_session *s, struct sbuf *out)
{
	CLEANUP(sbuf_done) struct sbuf limit = SBUF_INIT(64);

	sbuf_printf(&limit, "MESSAGELIMIT=%u", s->conf->imapd.message_limit);
	add(s, out, sbuf_view(&limit));
}

void
imap_list_capabilities(struct imap_session *s, struct sbuf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(capabilities); i++)
		if (capabilities[i].states & s->state)
			add(s, out, str_of(capabilities[i].name));
	if (imap_hides(s, STR("LITERAL+"))) /* RFC 7888 §5: never both */
		add(s, out, STR("LITERAL-"));
	if (s->state == ST_GREET) {
		add_login(s, out);
		return;
	}
	add_append_limit(s, out);
	if (s->conf->imapd.uidonly)
		add(s, out, STR("UIDONLY")); /* RFC 9586 */
	if (s->conf->imapd.message_limit > 0)
		add_message_limit(s, out);
	if (imap_is_admin(s))
		add(s, out, STR("QUOTASET")); /* RFC 9208 §4.1.3 */
}
