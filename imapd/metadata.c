#include "imapd/metadata.h"

#include "imapd/imap_write.h"

#define RESPONSE_OCTETS 16384 /* of values in one METADATA response, about */
/* Names of what is found below one name: ANNOTATIONS_MAX twice, and the server's. */
#define FOUND_ARENA ((size_t)256 * 1024)
#define VALUE_ARENA ((size_t)4 * ANNOTATION_VALUE_MAX + RESPONSE_OCTETS)

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

static bool
has_entry(const struct metadata_answer *ans, struct str name)
{
	for (size_t i = 0; i < ans->n; i++)
		if (str_eq(ans->list[i].name, name))
			return true;
	return false;
}

/* Adds a copy, without its value. */
static enum err
add(struct metadata_answer *ans, const struct annotation *found, const struct metadata_query *q,
    struct arena *arena)
{
	if (has_entry(ans, found->name))
		return ERR_OK;
	if (found->size > q->max_size) {
		if (found->size > ans->longest)
			ans->longest = found->size;
		return ERR_OK;
	}
	struct annotation *grown =
	    arena_grow(arena, ans->list, &ans->cap, ans->n + 1, sizeof(*ans->list));
	if (!grown)
		return ERR_NOMEM;
	ans->list = grown;
	grown[ans->n++] =
	    (struct annotation){.name = arena_dup(arena, found->name), .size = found->size};
	return arena_failed(arena) ? ERR_NOMEM : ERR_OK;
}

/* §3.2.1.1: whom to ask for help. RFC 5321 §4.5.1 has a postmaster for every domain. */
static struct str
admin_uri(const struct imap_session *s, struct arena *arena)
{
	const char *at = strrchr(s->user, '@');

	return arena_printf(arena, "mailto:postmaster@%s", at ? at + 1 : s->conf->hostname);
}

/* Names and sizes: no value is asked for. */
static enum err
find_below(struct imap_session *s, struct str name, const struct metadata_query *q,
    struct arena *arena, struct metadata_answer *ans)
{
	CLEANUP(arena_free) struct arena *found_arena = arena_new(FOUND_ARENA);
	bool shared = is_below(name, STR("/shared"));
	struct annotation_home home = imap_annotation_home(s, ans->folder, shared);
	struct annotation *found;
	size_t n = 0;
	enum err e = found_arena
			 ? annotation_find(&home, name, q->depth, 0, found_arena, &found, &n)
			 : ERR_NOMEM;

	for (size_t i = 0; i < n && !e; i++)
		e = add(ans, &found[i], q, arena);
	// NOLINTNEXTLINE(readability-suspicious-call-argument): the other way round
	if (!e && !ans->folder && is_below(admin_entry, name) &&
	    (q->depth > 0 || str_eq(name, admin_entry))) {
		struct str uri = admin_uri(s, found_arena);
		e = uri.p ? add(ans, &(struct annotation){.name = admin_entry, .size = uri.n}, q,
				arena)
			  : ERR_NOMEM;
		n++;
	}
	if (!e && n == 0) /* a response is required (§4.2) */
		e = add(ans, &(struct annotation){.name = name}, q, arena);
	return e;
}

enum err
imap_find_metadata(struct imap_session *s, const struct imap_folder *folder,
    const struct metadata_query *q, struct arena *arena, struct metadata_answer *ret)
{
	enum err e = ERR_OK;

	*ret = (struct metadata_answer){.folder = folder};
	for (size_t i = 0; i < q->n && !e; i++)
		e = find_below(s, q->names[i], q, arena, ret);
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

/* The value as it is now: NIL where the entry went meanwhile. */
static enum err
read_value(struct imap_session *s, const struct metadata_answer *a, struct str name,
    struct arena *arena, struct str *ret)
{
	bool shared = is_below(name, STR("/shared"));
	struct annotation_home home = imap_annotation_home(s, a->folder, shared);
	struct annotation *found;
	size_t n = 0;

	*ret = (struct str){NULL, 0};
	if (!a->folder && str_eq(name, admin_entry)) {
		*ret = admin_uri(s, arena);
		return ret->p ? ERR_OK : ERR_NOMEM;
	}
	enum err e = annotation_find(&home, name, 0, UINT64_MAX, arena, &found, &n);
	if (!e && n > 0)
		*ret = found[0].value;
	return e;
}

/* One response; nothing of it where the first value can't be read. */
static enum err
write_response(
    struct imap_session *s, struct str name, struct metadata_answer *a, struct arena *arena)
{
	const char *separator = " (";
	struct conn *c = s->conn;
	size_t octets = 0;
	enum err e = ERR_OK;

	while (a->at < a->n && octets < RESPONSE_OCTETS) {
		struct str value, entry = a->list[a->at].name;
		arena_reset(arena);
		e = read_value(s, a, entry, arena, &value);
		if (e)
			break;
		if (octets == 0) {
			conn_puts(c, "* METADATA ");
			imap_write_mailbox(s, name);
		}
		conn_puts(c, separator);
		imap_write_astring(c, entry);
		conn_puts(c, " ");
		write_value(c, value);
		separator = " ";
		octets += entry.n + value.n;
		a->at++;
	}
	if (octets > 0)
		conn_puts(c, ")\r\n");
	return e;
}

enum err
imap_write_metadata(
    struct imap_session *s, struct str name, struct metadata_answer *a, bool *ret_done)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(VALUE_ARENA);
	enum err e = arena ? ERR_OK : ERR_NOMEM;

	while (!e && a->at < a->n && !conn_out_full(s->conn))
		e = write_response(s, name, a, arena);
	*ret_done = a->at == a->n;
	return e;
}
