#include "imapd/metadata.h"

#include "imapd/imap_write.h"

#define RESPONSE_OCTETS 16384 /* of one METADATA response, about */

static const struct str admin_entry = {"/shared/admin", 13};

/* -- names: RFC 5464 §3.2 */

static bool
has_bad_octet(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		unsigned char ch = (unsigned char)name.p[i];
		if (ch < 0x1a || ch >= 0x7f || ch == '*' || ch == '%')
			return true;
		if (ch == '/' && (i + 1 == name.n || name.p[i + 1] == '/'))
			return true;
	}
	return false;
}

static size_t
count_components(struct str name)
{
	size_t n = 0;

	for (size_t i = 0; i < name.n; i++)
		n += name.p[i] == '/';
	return n;
}

static bool
is_below(struct str name, struct str above)
{
	return str_starts(name, above) && (name.n == above.n || name.p[above.n] == '/');
}

static bool
is_entry(struct str name, bool may_be_root)
{
	size_t parts = count_components(name);

	if (name.n > ANNOTATION_NAME_MAX || has_bad_octet(name))
		return false;
	if (!is_below(name, STR("/private")) && !is_below(name, STR("/shared")))
		return false;
	if (may_be_root)
		return true;
	if (is_below(name, STR("/private/vendor")) || is_below(name, STR("/shared/vendor")))
		return parts >= 4;
	return parts >= 2;
}

void
imap_parse_entry(struct imap_args *a, bool may_be_root, struct str *ret)
{
	size_t at = a->c.pos;
	struct str name;

	*ret = (struct str){"", 0};
	imap_parse_astring(a, &name);
	if (a->c.err)
		return;
	struct str lower = arena_dup(a->arena, name);
	if (!lower.p) {
		imap_parse_fail(a, ERR_NOMEM, "a shorter name");
		return;
	}
	for (size_t i = 0; i < lower.n; i++)
		((char *)lower.p)[i] = ascii_lower(lower.p[i]);
	if (!is_entry(lower, may_be_root)) {
		a->c.pos = at;
		imap_parse_fail(
		    a, ERR_SYNTAX, "an entry's name such as /private/comment, at most 250 octets");
		return;
	}
	*ret = lower;
}

static void
parse_one_entry(struct imap_args *a, void *arg)
{
	struct metadata_query *q = arg;
	struct str name;

	imap_parse_entry(a, true, &name);
	if (a->c.err)
		return;
	for (size_t i = 0; i < q->n; i++) /* told once */
		if (str_eq(q->names[i], name))
			return;
	if (q->n == METADATA_ENTRIES_MAX) {
		imap_parse_fail(a, ERR_SYNTAX, "at most 100 entries");
		return;
	}
	struct str *grown = arena_grow(a->arena, q->names, &q->cap, q->n + 1, sizeof(*q->names));
	if (!grown) {
		imap_parse_fail(a, ERR_NOMEM, "fewer entries");
		return;
	}
	q->names = grown;
	q->names[q->n++] = name;
}

void
imap_parse_entries(struct imap_args *a, struct metadata_query *q)
{
	if (imap_peek(a) == '(')
		imap_parse_list(a, false, parse_one_entry, q);
	else
		parse_one_entry(a, q);
}

/* -- finding */

bool
imap_may_annotate(const struct imap_folder *folder)
{
	const unsigned any = RIGHT_READ | RIGHT_SEEN | RIGHT_WRITE | RIGHT_INSERT | RIGHT_POST;

	return (folder->rights & RIGHT_LOOKUP) && (folder->rights & any);
}

struct annotation_home
imap_annotation_home(const struct imap_session *s, const struct imap_folder *folder, bool shared)
{
	struct annotation_home home = {.store = s->service->store};

	if (folder) {
		home.account = folder->account;
		home.mailbox = folder->info.id;
		home.user = folder->account == s->account ? 0 : account_id(s->account);
	} else if (!shared) {
		home.account = s->account;
	}
	return home;
}

static enum err
add(struct metadata_answer *ans, const struct annotation *found, size_t n,
    const struct metadata_query *q, struct arena *arena)
{
	struct annotation *grown =
	    n > 0 ? arena_grow(arena, ans->list, &ans->cap, ans->n + n, sizeof(*ans->list)) : NULL;

	if (n == 0)
		return ERR_OK;
	if (!grown)
		return ERR_NOMEM;
	ans->list = grown;
	for (size_t i = 0; i < n; i++) {
		if (found[i].size > q->max_size) {
			if (found[i].size > ans->longest)
				ans->longest = found[i].size;
			continue;
		}
		ans->list[ans->n++] = found[i];
	}
	return ERR_OK;
}

/* §3.2.1.1: whom to ask for help. RFC 5321 §4.5.1 has a postmaster for every domain. */
static struct str
admin_uri(const struct imap_session *s, struct arena *arena)
{
	const char *at = strrchr(s->user, '@');

	return arena_printf(arena, "mailto:postmaster@%s", at ? at + 1 : s->conf->hostname);
}

static enum err
find_below(struct imap_session *s, const struct imap_folder *folder, struct str name,
    const struct metadata_query *q, struct arena *arena, struct metadata_answer *ans)
{
	struct annotation_home home =
	    imap_annotation_home(s, folder, is_below(name, STR("/shared")));
	struct annotation *found;
	size_t n = 0, before = ans->n;
	enum err e = annotation_find(&home, name, q->depth, q->max_size, arena, &found, &n);

	if (!e)
		e = add(ans, found, n, q, arena);
	if (!e && !folder && is_below(admin_entry, name) &&
	    (q->depth > 0 || str_eq(name, admin_entry))) {
		struct annotation admin = {.name = admin_entry, .value = admin_uri(s, arena)};
		admin.size = admin.value.n;
		e = admin.value.p ? add(ans, &admin, 1, q, arena) : ERR_NOMEM;
		n++;
	}
	if (!e && n == 0 && ans->n == before) /* a response is required (§4.2) */
		e = add(ans, &(struct annotation){.name = name}, 1, q, arena);
	return e;
}

enum err
imap_find_metadata(struct imap_session *s, const struct imap_folder *folder,
    const struct metadata_query *q, struct arena *arena, struct metadata_answer *ret)
{
	enum err e = ERR_OK;

	*ret = (struct metadata_answer){0};
	for (size_t i = 0; i < q->n && !e; i++)
		e = find_below(s, folder, q->names[i], q, arena, ret);
	return e;
}

/* -- writing */

/* value: nstring / literal8 */
static void
write_value(struct conn *c, struct str value)
{
	if (value.p && str_has_nul(value))
		conn_puts(c, "~");
	imap_write_nstring(c, value);
}

bool
imap_write_metadata(struct imap_session *s, struct str name, struct metadata_answer *a)
{
	struct conn *c = s->conn;

	while (a->at < a->n) {
		const char *separator = " (";
		size_t octets = 0;

		if (conn_out_full(c))
			return false;
		conn_puts(c, "* METADATA ");
		imap_write_mailbox(s, name);
		while (a->at < a->n && octets < RESPONSE_OCTETS) {
			const struct annotation *one = &a->list[a->at++];
			conn_puts(c, separator);
			imap_write_astring(c, one->name);
			conn_puts(c, " ");
			write_value(c, one->value);
			separator = " ";
			octets += one->name.n + one->value.n;
		}
		conn_puts(c, ")\r\n");
	}
	return true;
}
