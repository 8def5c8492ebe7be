#include "imapd/notify_request.h"

struct reading {
	struct notify_request *request;
	bool selected; /* the group is that of the selected mailbox */
	unsigned events;
};

static unsigned
event_of(struct str name)
{
	static const char *const names[] = {"MessageNew", "MessageExpunge", "FlagChange",
	    "AnnotationChange", "MailboxName", "SubscriptionChange", "MailboxMetadataChange",
	    "ServerMetadataChange"};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq_nocase(name, str_of(names[i])))
			return 1u << i;
	return 0;
}

/* " (" stands next. */
static bool
list_follows(const struct imap_args *a)
{
	return str_starts(cursor_rest(&a->c), STR(" ("));
}

/* message-event, mailbox-event, user-event or event-ext */
static void
parse_event(struct imap_args *a, void *arg)
{
	struct reading *r = arg;
	struct str name;

	imap_parse_atom(a, &name);
	if (a->c.err)
		return;
	unsigned event = event_of(name);
	if (!event)
		r->request->unknown_event = true;
	else if (r->selected && !(event & NOTIFY_MESSAGES))
		imap_parse_fail(a, ERR_SYNTAX, "a message event"); /* §6.1 */
	r->events |= event;
	if (event != NOTIFY_MESSAGE_NEW || !list_follows(a))
		return;
	if (!r->selected)
		imap_parse_fail(a, ERR_SYNTAX, "no data items but for the selected mailbox");
	imap_parse_space(a);
	fetch_parse_items(a, false, &r->request->items);
}

static void
parse_events(struct imap_args *a, struct reading *r)
{
	const unsigned both = NOTIFY_MESSAGE_NEW | NOTIFY_MESSAGE_EXPUNGE;

	if (imap_accept_word(a, "NONE"))
		return;
	imap_parse_list(a, false, parse_event, r);
	/* §5: one does not come without the others */
	if ((r->events & NOTIFY_MESSAGES) && (r->events & both) != both)
		imap_parse_fail(a, ERR_SYNTAX, "MessageNew and MessageExpunge together");
}

static void
keep_group(
    struct imap_args *a, struct notify_request *r, const struct mailbox_filter *f, unsigned events)
{
	if (r->n == NOTIFY_GROUPS_MAX || f->n > NOTIFY_NAMES_MAX - r->names) {
		r->too_much = true;
		return;
	}
	struct notify_group *grown =
	    arena_grow(a->arena, r->group, &r->cap, r->n + 1, sizeof(*r->group));
	if (!grown) {
		imap_parse_fail(a, ERR_NOMEM, "memory");
		return;
	}
	r->group = grown;
	r->group[r->n++] = (struct notify_group){*f, events};
	r->names += f->n;
}

/* event-group */
static void
parse_group(struct imap_args *a, struct notify_request *r)
{
	struct mailbox_filter filter;
	struct reading reading = {.request = r};

	imap_parse_char(a, '(', "an opening parenthesis");
	mailbox_filter_parse(a, &filter);
	reading.selected =
	    filter.kind == MAILBOXES_SELECTED || filter.kind == MAILBOXES_SELECTED_DELAYED;
	if (reading.selected && r->has_selected)
		imap_parse_fail(a, ERR_SYNTAX, "the selected mailbox once"); /* §6.1 */
	imap_parse_space(a);
	parse_events(a, &reading);
	imap_parse_char(a, ')', "a closing parenthesis");
	if (a->c.err)
		return;
	if (!reading.selected) {
		keep_group(a, r, &filter, reading.events);
		return;
	}
	r->has_selected = true;
	r->selected = reading.events;
	r->delayed = filter.kind == MAILBOXES_SELECTED_DELAYED;
}

enum err
notify_parse_request(struct imap_args *a, struct notify_request *ret)
{
	*ret = (struct notify_request){0};
	if (imap_accept_word(a, "NONE"))
		return imap_parse_end(a);
	imap_parse_word(a, "SET");
	imap_parse_space(a);
	if (imap_accept_word(a, "STATUS")) {
		ret->status = true;
		imap_parse_space(a);
	}
	do
		parse_group(a, ret);
	while (imap_accept_space(a));
	return imap_parse_end(a);
}
