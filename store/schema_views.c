/* Views of mail.db for people who ask SQL. They stand in no database (schema_account.c): whoever
 * asks makes them for his connection. */
#include "store/schema.h"

/* clang-format off */
/* The number that the hexadecimal digits of `h` make, `n` of them from `at` on: SQLite has no
 * function that reads binary ones. */
#define NUMBER(h, at, n) \
"ifnull((SELECT sum(instr('123456789ABCDEF', substr(" h ", " at " + k, 1)) << 4 * (" n " - 1 - k))" \
" FROM digit WHERE k < " n "), 0)"
#define DECODING(last) \
" WITH RECURSIVE digit(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM digit WHERE k < 15)," \
" position(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM position WHERE i < " #last ")"

/* Column `c` of a page (entry_page.h), whose head is `f` in digits: base, width, step; and the value
 * of entry `i`, where the column begins at octet `start`. */
#define HEAD(c) \
NUMBER("f", "20 * " #c " + 1", "16") " AS b" #c ", CAST(substr(f, 20 * " #c " + 18, 1) AS INTEGER)" \
" AS w" #c ", CAST(substr(f, 20 * " #c " + 20, 1) AS INTEGER) AS s" #c
#define VALUE(c, start) \
"b" #c " + s" #c " * i + " \
NUMBER("hex(substr(entries, 61 + n * (" start ") + i * w" #c ", w" #c "))", "1", "2 * w" #c)

#define FIXED(name, at, n) NUMBER("h", #at, #n) " AS " #name

const char schema_account_views[] =
"CREATE TEMP VIEW IF NOT EXISTS mailboxes AS SELECT id, name, messages, unseen, deleted, bytes,"
" uidvalidity, uidnext, highest_modseq, special_use, noselect,"
" EXISTS (SELECT 1 FROM subscription s WHERE s.name = mailbox.name) AS subscribed"
" FROM mailbox ORDER BY name;\n"
/* A message in a mailbox, and one that was. */
"CREATE TEMP VIEW IF NOT EXISTS entry AS" DECODING(255)
", page AS MATERIALIZED (SELECT mailbox, n, entries, " HEAD(0) ", " HEAD(1) ", " HEAD(2) ", " HEAD(3)
", " HEAD(4) ", " HEAD(5) " FROM (SELECT mailbox, count AS n, entries,"
" hex(substr(entries, 1, 60)) AS f FROM entry_page))"
" SELECT mailbox, " VALUE(0, "0") " AS uid, " VALUE(1, "w0") " AS saved_s, "
VALUE(2, "w0 + w1") " AS flags, " VALUE(3, "w0 + w1 + w2") " AS modseq, "
VALUE(4, "w0 + w1 + w2 + w3") " AS message, " VALUE(5, "w0 + w1 + w2 + w3 + w4") " AS size"
" FROM page CROSS JOIN position WHERE i < n;\n"
"CREATE TEMP VIEW IF NOT EXISTS expunged AS" DECODING(1999)
" SELECT mailbox, expunged_modseq, expunged_s, " FIXED(uid, 1, 8) ", " FIXED(saved_s, 9, 8) ", "
FIXED(flags, 17, 16) ", " FIXED(modseq, 33, 16) ", " FIXED(message, 49, 16) ", " FIXED(size, 65, 16)
" FROM (SELECT mailbox, modseq AS expunged_modseq, expunged_s,"
" hex(substr(entries, i * 40 + 1, 40)) AS h"
" FROM tombstone CROSS JOIN position WHERE i < length(entries) / 40);\n"
"CREATE TEMP VIEW IF NOT EXISTS messages AS SELECT b.name AS mailbox, e.uid, m.size,"
" datetime(m.internal_s, 'unixepoch') AS received, datetime(e.saved_s, 'unixepoch') AS saved,"
" (e.flags & 1) <> 0 AS seen, (e.flags & 2) <> 0 AS answered, (e.flags & 4) <> 0 AS flagged,"
" (e.flags & 8) <> 0 AS deleted, (e.flags & 16) <> 0 AS draft, e.modseq, m.email_id,"
" CAST(m.envelope AS TEXT) AS envelope, m.id AS message"
" FROM entry e JOIN mailbox b ON b.id = e.mailbox JOIN message m ON m.id = e.message"
" ORDER BY b.name, e.uid;\n";
/* clang-format on */
