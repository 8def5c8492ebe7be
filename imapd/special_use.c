#include "imapd/special_use.h"

#include "common/base/cleanup.h"
#include "common/base/sbuf.h"

static const char *const uses[] = {"\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash"};

enum err
imap_read_special_use(struct str words, struct arena *arena, struct str *ret)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(256);
	unsigned have = 0;
	struct str word;

	while (words.n > 0 && str_split(&words, ' ', &word)) {
		unsigned i = 0;
		while (i < ARRAY_LEN(uses) && !str_eq_nocase(word, str_of(uses[i])))
			i++;
		if (i == ARRAY_LEN(uses))
			return ERR_CANNOT;
		if (!(have & 1u << i))
			sbuf_printf(&out, "%s%s", have ? " " : "", uses[i]);
		have |= 1u << i;
	}
	if (!have)
		return ERR_CANNOT;
	*ret = arena_dup(arena, sbuf_view(&out));
	return ret->p ? ERR_OK : ERR_NOMEM;
}
