/* trace.db: what became of mail. */
#include "store/schema.h"
#include "store/trace.h"

/* clang-format off */
static const char version_1[] =
"CREATE TABLE message ("
"	id INTEGER PRIMARY KEY,"
"	trace_id TEXT NOT NULL,"
"	message_id TEXT NOT NULL,"
"	sender TEXT NOT NULL COLLATE NOCASE,"
"	size INTEGER NOT NULL,"
"	account INTEGER NOT NULL);"		/* that submitted it, 0 none */
"CREATE INDEX message_trace_id ON message (trace_id);"
"CREATE INDEX message_message_id ON message (message_id);"
"CREATE INDEX message_sender ON message (sender);"

"CREATE TABLE event ("
"	id INTEGER PRIMARY KEY,"		/* rises with time */
"	message INTEGER NOT NULL,"
"	at_ms INTEGER NOT NULL,"
"	kind INTEGER NOT NULL,"			/* enum trace_kind: its numbers stay what they are */
"	recipient TEXT NOT NULL COLLATE NOCASE,"	/* '': concerns the message */
"	host TEXT NOT NULL,"
"	tls TEXT NOT NULL,"
"	text TEXT NOT NULL);"
"CREATE INDEX event_message ON event (message);"
"CREATE INDEX event_recipient ON event (recipient) WHERE recipient <> '';"
"CREATE INDEX event_at ON event (at_ms);"

"CREATE TABLE kind (kind INTEGER PRIMARY KEY, name TEXT NOT NULL);"	/* for the view */
#define X(name, text) "INSERT INTO kind SELECT coalesce(max(kind) + 1, 0), '" text "' FROM kind;"
TRACE_KINDS(X)
#undef X
"CREATE VIEW trace AS SELECT e.message, datetime(e.at_ms / 1000, 'unixepoch') AS at,"
"	coalesce(k.name, e.kind) AS event, m.sender, e.recipient, e.host, e.tls, e.text, m.size, m.trace_id, m.message_id"
"	FROM event e JOIN message m ON m.id = e.message LEFT JOIN kind k ON k.kind = e.kind"
"	ORDER BY e.message, e.id;";
/* clang-format on */

static const struct schema_step steps[] = {{.before = version_1}};
const struct schema schema_trace = {
    .name = "trace",
    .steps = steps,
    .version = ARRAY_LEN(steps),
    .at_open = "PRAGMA secure_delete = FAST",
};
