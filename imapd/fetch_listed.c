#include "imapd/fetch_listed.h"

#include "imapd/imap_session.h"
#include "search/indexer.h"

bool
fetch_listed_has(const struct fetch_item *item)
{
	if (item->kind != FETCH_SECTION || item->section.what != SECTION_FIELDS ||
	    section_needs_parts(&item->section))
		return false;
	for (size_t i = 0; i < item->section.field_count; i++)
		if (!list_fields_has(item->section.fields[i]))
			return false;
	return true;
}

/* Where there are none, or they can't be had, the database has everything. */
static void
open_set(struct fetch_listed *l, struct imap_session *s)
{
	l->asked = true;
	if (!s->indexer || !s->conf->imapd.search_index)
		return;
	if (indexer_segments(s->indexer, s->owner, &l->set))
		l->set = NULL;
	l->place = (struct segment_place){0};
	l->opened = 0;
}

bool
fetch_listed_get(struct fetch_listed *l, struct imap_session *s, int64_t message, struct str *ret)
{
	if (!l->wanted)
		return false;
	if (l->passed < FETCH_LISTED_AFTER) {
		l->passed++;
		return false;
	}
	if (!l->asked)
		open_set(l, s);
	if (!l->set || !segments_find(l->set, message, &l->place))
		return false;
	if (l->opened != l->place.segment + 1)
		list_fields_open(segments_at(l->set, l->place.segment), &l->fields);
	l->opened = l->place.segment + 1;
	return list_fields_get(&l->fields, l->place.ordinal, ret);
}

void
fetch_listed_close(struct fetch_listed *l)
{
	segments_unref(&l->set);
	l->asked = false;
}
