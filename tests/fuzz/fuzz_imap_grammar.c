/* The large productions of IMAP's commands. The first octet chooses one. */
#include "imapd/fetch_items.h"
#include "imapd/imap_url.h"
#include "imapd/list_request.h"
#include "imapd/notify_request.h"
#include "imapd/search_parse.h"
#include "imapd/sort_parse.h"
#include "tests/fuzz/fuzz.h"

#define FUZZ_ARENA_MAX (64 * 1024 * 1024)

static unsigned
depth_of(const struct search_node *n)
{
	unsigned deepest = 0;

	for (const struct search_node *child = n->child; child; child = child->next) {
		unsigned d = depth_of(child);
		deepest = d > deepest ? d : deepest;
	}
	return deepest + 1;
}

static void
read_search(struct imap_args *a, bool in_charset, bool utf8)
{
	const struct search_scope scope = {.utf8 = utf8, .uid_only = true};
	struct search_program p;

	if (in_charset)
		search_parse_in_charset(a, &scope, &p);
	else
		search_parse(a, &scope, &p);
	if (a->c.err)
		return;
	FUZZ_CHECK(p.root && p.keys <= SEARCH_KEYS_MAX);
	FUZZ_CHECK(depth_of(p.root) <= 2 * SEARCH_DEPTH_MAX + 2);
	for (size_t i = 0; i < p.slot_count; i++)
		FUZZ_CHECK(p.slots[i]->slot == i && str_is_utf8(p.slots[i]->needle));
}

static void
read_fetch(struct imap_args *a, bool uid)
{
	struct fetch_items items = {0}, copy;

	fetch_parse_items(a, uid, &items);
	if (a->c.err)
		return;
	FUZZ_CHECK(items.n > 0 && items.n <= FETCH_ITEMS_MAX + 1);
	FUZZ_CHECK(fetch_copy_items(a->arena, &items, &copy) == ERR_OK && copy.n == items.n);
}

static void
read_url(struct str in, struct arena *arena)
{
	struct imap_url url;

	if (imap_parse_url(in, arena, &url))
		FUZZ_CHECK(url.uid > 0 && str_is_utf8(url.mailbox));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(FUZZ_ARENA_MAX);
	struct notify_request notify = {0};
	struct list_request list = {0};
	struct sort_program sort;
	struct imap_args a;

	if (size == 0)
		return 0;
	struct str in = str_make(data + 1, size - 1);
	imap_args_init(&a, in, arena);
	switch (data[0] & 7) {
	case 0:
	case 1:
		read_search(&a, data[0] & 1, data[0] & 8);
		break;
	case 2:
		read_fetch(&a, data[0] & 8);
		break;
	case 3:
		sort_parse(&a, &sort);
		FUZZ_CHECK(a.c.err || (sort.n > 0 && sort.n <= SORT__KEYS));
		break;
	case 4:
		(void)!notify_parse_request(&a, &notify);
		break;
	case 5:
		list.kind = data[0] & 8 ? KIND_LSUB : KIND_LIST;
		(void)!imap_parse_list_request(&a, &list);
		break;
	default:
		read_url(in, arena);
	}
	FUZZ_CHECK(a.c.err_at <= in.n);
	return 0;
}
