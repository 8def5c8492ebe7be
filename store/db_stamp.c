/* SQLite behind store/db.h: whether anybody has committed, read from the header of the WAL's index.
 */
#include "store/db_private.h"

#define WAL_INDEX_REGION (32 * 1024)
#define WAL_INDEX_VERSION 3007000

/* The header of the WAL's index, which all handles of all processes have mapped, changes with each
 * commit, and last of all (sqlite.org/walformat.html, "The WAL-Index File Format"): number of
 * changes, of frames, checksum of the frames, salt. Asked for through the VFS, which has it mapped
 * for as long as the handle has the WAL open; not before, it would make the file. */
bool
db_stamp(struct db *db, struct db_stamp *ret)
{
	sqlite3_file *file = NULL, *wal = NULL;
	void volatile *region = NULL;

	sqlite3_file_control(db->conn, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	sqlite3_file_control(db->conn, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
	if (!file || !file->pMethods || file->pMethods->iVersion < 2 || !wal || !wal->pMethods ||
	    file->pMethods->xShmMap(file, 0, WAL_INDEX_REGION, 0, &region) || !region)
		return false;
	const volatile uint32_t *from = region;
	for (size_t i = 0; i < ARRAY_LEN(ret->word); i++)
		ret->word[i] = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
	ret->opening = 0;
	return ret->word[0] == WAL_INDEX_VERSION;
}

enum {
	STAMP_COMMITS = 2,
	STAMP_FRAMES = 4,
	STAMP_SALT = 8 /* and 9: of this WAL alone; 0 before the first commit to it */
};

uint32_t
db_stamp_frames(const struct db_stamp *s)
{
	return s->word[STAMP_FRAMES];
}

/* Checkpoints change other words. */
bool
db_stamp_follows(const struct db_stamp *before, const struct db_stamp *after)
{
	return after->word[STAMP_COMMITS] == before->word[STAMP_COMMITS] + 1 &&
	       after->word[STAMP_SALT] == before->word[STAMP_SALT] &&
	       after->word[STAMP_SALT + 1] == before->word[STAMP_SALT + 1];
}

bool
db_stamp_eq(const struct db_stamp *a, const struct db_stamp *b)
{
	return a->opening == b->opening && memcmp(a->word, b->word, sizeof(a->word)) == 0;
}
