#include "store/message_insert.h"

#include "store/file.h"
#include "store/spool_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static enum err
make_email_id(char out[EMAIL_ID_LEN + 1])
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char random[12];
	uint32_t bits = 0;
	int have = 0;
	size_t at = 0;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return file_error("getrandom", "email id");
	for (size_t i = 0; i < sizeof(random); i++) {
		bits = bits << 8 | random[i];
		for (have += 8; have >= 5; have -= 5)
			out[at++] = alphabet[bits >> (have - 5) & 31];
	}
	out[at++] = alphabet[bits << (5 - have) & 31];
	out[at] = '\0';
	return ERR_OK;
}

enum err
insert_make_name(struct insert *in)
{
	return make_email_id(in->email_id);
}

/* Gives the spool's file its name among the account's blobs, durably. */
static enum err
place_blob(struct account *a, struct insert *in)
{
	char dir[PATH_MAX];
	enum err e = spool_sync(in->spool);

	if (!e)
		e = account_blob_path(a, str_of(in->email_id), in->blob_path);
	if (e) {
		in->blob_path[0] = '\0';
		return e;
	}
	size_t n = (size_t)(strrchr(in->blob_path, '/') - in->blob_path);
	memcpy(dir, in->blob_path, n);
	dir[n] = '\0';
	e = account_make_blob_dir(a, dir);
	if (!e)
		e = spool_link(in->spool, in->blob_path);
	if (e) {
		in->blob_path[0] = '\0';
		return e;
	}
	e = file_sync(dir);
	if (e)
		unlink(in->blob_path);
	return e;
}

enum err
insert_prepare(struct account *a, struct spool *spool, struct insert *ret)
{
	struct str octets;

	ret->spool = spool;
	ret->blob_path[0] = '\0';
	ret->blob_noted = false;
	enum err e = spool_finish(spool, &ret->index);
	if (!e)
		e = make_email_id(ret->email_id);
	if (!e && !spool_in_memory(spool, &octets))
		e = place_blob(a, ret);
	return e;
}

static enum err
insert_octets(struct txn *t, int64_t message, struct str octets, uint64_t header_size)
{
	enum err e = db_run(t->db, "INSERT INTO header (message, octets) VALUES (?1, ?2)",
	    DB_INT(message), DB_BLOB(str_sub(octets, 0, header_size)));

	return e ? e
		 : db_run(t->db, "INSERT INTO body (message, octets) VALUES (?1, ?2)",
		       DB_INT(message), DB_BLOB(str_skip(octets, header_size)));
}

static enum err
insert_header_of_file(struct txn *t, int64_t message, const struct insert *in)
{
	size_t n = in->index->header_size;

	if (n > HEADER_BESIDE_FILE_MAX)
		return ERR_OK;
	CLEANUP(mem_free) char *header = malloc(n ? n : 1);
	if (!header)
		return ERR_NOMEM;
	enum err e = spool_read(in->spool, 0, header, n);
	return e ? e
		 : db_run(t->db, "INSERT INTO header (message, octets) VALUES (?1, ?2)",
		       DB_INT(message), DB_BLOB(str_make(header, n)));
}

enum err
insert_row(struct txn *t, struct insert *in, int64_t *ret_message)
{
	const struct message_index *x = in->index;
	bool is_file = in->blob_path[0] != '\0';
	const char *blob = is_file ? strrchr(in->blob_path, '/') + 1 : "";
	enum err e = ERR_OK;

	if (is_file) {
		e = txn_added_file(t, in->blob_path);
		in->blob_noted = !e;
	}
	if (!e)
		e = db_run(t->db,
		    "INSERT INTO message (email_id, size, header_size, internal_s,"
		    " internal_zone_s, blob, envelope, bodystructure, parts)"
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
		    DB_TEXT(str_of(in->email_id)), DB_INT(x->size), DB_INT(x->header_size),
		    DB_INT(in->internal_s), DB_INT(in->internal_zone_s), DB_TEXT(str_of(blob)),
		    DB_BLOB(x->envelope), DB_BLOB(x->bodystructure), DB_BLOB(x->parts));
	if (!e)
		*ret_message = db_last_id(t->db);
	return e;
}

enum err
insert_message(struct txn *t, struct insert *in, int64_t *ret_message)
{
	const struct message_index *x = in->index;
	struct str octets;
	int64_t message = 0;
	enum err e = insert_row(t, in, &message);

	if (e)
		return e;
	if (spool_in_memory(in->spool, &octets))
		e = insert_octets(t, message, octets, x->header_size);
	else
		e = insert_header_of_file(t, message, in);
	if (!e)
		*ret_message = message;
	return e;
}

void
insert_undo(struct insert *in, enum err result)
{
	if (result && in->blob_path[0] && !in->blob_noted)
		unlink(in->blob_path);
}
