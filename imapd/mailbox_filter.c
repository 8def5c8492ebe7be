#include "imapd/mailbox_filter.h"

#include <stdlib.h>

static void
parse_name(struct imap_args *a, void *arg)
{
	struct mailbox_filter *f = arg;
	struct str name;

	imap_parse_mailbox(a, &name);
	if (f->n == MAILBOX_FILTER_NAMES_MAX)
		imap_parse_fail(a, ERR_LIMIT, "fewer mailboxes");
	if (a->c.err)
		return;
	struct str *names = arena_grow(a->arena, f->names, &f->cap, f->n + 1, sizeof(*names));
	if (!names) {
		imap_parse_fail(a, ERR_NOMEM, "memory");
		return;
	}
	f->names = names;
	names[f->n++] = name;
}

static int
compare_names(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* one-or-more-mailbox */
static void
parse_names(struct imap_args *a, struct mailbox_filter *f)
{
	imap_parse_space(a);
	if (imap_peek(a) == '(')
		imap_parse_list(a, false, parse_name, f);
	else
		parse_name(a, f);
	if (f->n > 1) /* many rows are held against many names */
		qsort(f->names, f->n, sizeof(*f->names), compare_names);
}

void
mailbox_filter_parse(struct imap_args *a, struct mailbox_filter *ret)
{
	static const struct {
		const char *word;
		enum mailbox_filter_kind kind;
	} words[] = {
	    {"selected", MAILBOXES_SELECTED},
	    {"selected-delayed", MAILBOXES_SELECTED_DELAYED},
	    {"inboxes", MAILBOXES_INBOXES},
	    {"personal", MAILBOXES_PERSONAL},
	    {"subscribed", MAILBOXES_SUBSCRIBED},
	    {"subtree", MAILBOXES_SUBTREE},
	    {"subtree-one", MAILBOXES_SUBTREE_ONE},
	    {"mailboxes", MAILBOXES_NAMED},
	};

	*ret = (struct mailbox_filter){0};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!imap_accept_word(a, words[i].word))
			continue;
		ret->kind = words[i].kind;
		if (ret->kind >= MAILBOXES_SUBTREE)
			parse_names(a, ret);
		return;
	}
	imap_parse_fail(a, ERR_SYNTAX, "which mailboxes");
}

static bool
has_name(const struct mailbox_filter *f, struct str name)
{
	return f->n > 0 && bsearch(&name, f->names, f->n, sizeof(*f->names), compare_names);
}

/* It is one of the names, or below one: right below, if `one`. */
static bool
is_in_subtrees(const struct mailbox_filter *f, struct str name, bool one)
{
	size_t slash = name.n;

	do {
		if (has_name(f, str_sub(name, 0, slash)))
			return true;
		bool last = one && slash < name.n;
		slash = last ? STR_NONE : str_rfind(str_sub(name, 0, slash), '/');
	} while (slash != STR_NONE);
	return false;
}

bool
mailbox_filter_has(const struct mailbox_filter *f, const struct list_row *row, bool personal)
{
	switch (f->kind) {
	case MAILBOXES_SELECTED:
	case MAILBOXES_SELECTED_DELAYED:
		return false;
	case MAILBOXES_INBOXES:
		return personal && str_eq(row->name, STR("INBOX"));
	case MAILBOXES_PERSONAL:
		return personal;
	case MAILBOXES_SUBSCRIBED:
		return row->folder.info.subscribed;
	case MAILBOXES_SUBTREE:
	case MAILBOXES_SUBTREE_ONE:
		return is_in_subtrees(f, row->name, f->kind == MAILBOXES_SUBTREE_ONE);
	case MAILBOXES_NAMED:
		return has_name(f, row->name);
	}
	return false;
}
