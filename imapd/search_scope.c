#include "imapd/search_scope.h"

struct search_scope
imap_search_scope(struct imap_session *s, bool scored)
{
	return (struct search_scope){.view = s->told, .scored = scored};
}
