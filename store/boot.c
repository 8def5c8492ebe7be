#include "store/boot.h"

#include "common/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void
boot_read(char out[BOOT_ROOM])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, BOOT_ROOM - 1);

	if (fd >= 0)
		close(fd);
	while (n > 0 && (out[n - 1] == '\n' || out[n - 1] == ' '))
		n--;
	if (n <= 0) {
		log_warn("boot_id", F_ERR(err_from_errno(errno)),
		    F_CSTR("effect", "a power loss goes unnoticed: let /proc/sys be read"));
		snprintf(out, BOOT_ROOM, "unknown");
		return;
	}
	out[n] = '\0';
}

static enum err
read_boot(struct account *a, struct db *db, bool *ret_same, bool *ret_first)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(db, "SELECT boot FROM meta", &st);

	if (!e)
		e = stmt_step(st, &row);
	*ret_same = !e && row && str_eq(stmt_str(st, 0), str_of(a->store->boot));
	*ret_first = !e && row && stmt_str(st, 0).n == 0;
	return e;
}

enum err
boot_look(struct account *a, struct db *db)
{
	bool same, first;
	enum err e = read_boot(a, db, &same, &first);

	a->same_boot = !e && same;
	return e;
}

static enum err
skip(struct txn *t)
{
	enum err e =
	    db_run(t->db, "INSERT INTO modseq_gap (low, high) SELECT modseq, modseq + ?1 FROM meta",
		DB_INT(BOOT_MODSEQS));

	if (!e)
		e = db_run(t->db,
		    "UPDATE meta SET modseq = modseq + ?1, uidvalidity = min(uidvalidity + ?2,"
		    " max(uidvalidity, 4294967295 - ?2))",
		    DB_INT(BOOT_MODSEQS), DB_INT(BOOT_UIDVALIDITIES));
	/* near the end of what there is, UIDs are too rare to be skipped */
	if (!e)
		e = db_run(t->db,
		    "UPDATE mailbox SET uidnext = uidnext + ?1 WHERE uidnext < 4294967295 - 100 * "
		    "?1",
		    DB_INT(BOOT_UIDS));
	return e;
}

/* One of older software, that did not note its boot, has nothing to compare with: `first`. */
static enum err
skip_in_txn(struct txn *t, void *arg)
{
	struct account *a = arg;
	bool same, first;
	enum err e = read_boot(a, t->db, &same, &first);

	if (e || same)
		return e;
	if (!first) {
		log_info("skip_ahead", F_INT("account", a->id));
		e = skip(t);
	}
	return e ? e : db_run(t->db, "UPDATE meta SET boot = ?1", DB_TEXT(str_of(a->store->boot)));
}

/* Not synced by itself: whatever is written after it is behind it in the WAL, so that no later
 * write outlives a power loss without it. */
enum err
boot_skip_ahead(struct account *a)
{
	enum err e = database_write(&a->database, skip_in_txn, a, DURABLE_LATER);

	if (!e)
		a->same_boot = true;
	return e;
}
