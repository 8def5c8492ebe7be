/* tests/durability/powercut_reader.c - what a store makes of its data directory after a power
 *failure.
 *
 * Reads lines "DIR part…" and tells for each, in lines of fields with tabs between, what the parts
 * hold: `directory`, `queue`, `trace`, or the number of an account; the last line is "end". Each
 *DIR is opened as on another boot of the machine. A part is checked, read, and written to once
 *more, so that what it would give out next is known:
 *
 *	problem   text
 *	account   id, address
 *	mailbox   account, id, name, UIDVALIDITY, UIDNEXT, highest MODSEQ, subscribed
 *	message   account, mailbox id, UID, flags, subject, SHA-256 of body, of all
 *	probe     account, UID of a new message of INBOX, its MODSEQ, UIDVALIDITY of a new mailbox
 *	queued    id of the recipient, recipient, subject, SHA-256 of body, of all
 */
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "store/directory.h"
#include "store/message.h"
#include "store/queue.h"
#include "store/reader.h"
#include "store/store_private.h"
#include "store/trace.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARENA_MAX (256U << 20)
#define REPORT_MAX (1U << 20)
#define LINE_MAX_OCTETS 8192

static void
tell_error(enum err e, const char *what)
{
	if (e)
		printf("problem\t%s: %s\n", what, err_text(e));
}

static void
tell_report(enum err e, const char *what, struct sbuf *report)
{
	struct str rest = sbuf_view(report), line;

	if (!e)
		return;
	while (str_split(&rest, '\n', &line))
		if (line.n)
			printf("problem\t%s: %.*s\n", what, STR_ARG(line));
	tell_error(e, what);
}

/* -- messages */

static void
tell_hash(const char *p, size_t n, char end)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)p, n, hash);
	for (size_t i = 0; i < sizeof(hash); i++)
		printf("%02x", hash[i]);
	putchar(end);
}

/* What follows `needle`; a NULL slice without it. */
static struct str
behind(struct str s, struct str needle)
{
	const char *at = memmem(s.p, s.n, needle.p, needle.n);

	return at ? str_skip(s, (size_t)(at - s.p) + needle.n) : str_make(NULL, 0);
}

/* Subject, and the hashes of the body and of all. */
static void
tell_octets(struct str octets)
{
	struct str rest = behind(octets, STR("Subject: ")), subject = {0};

	str_split(&rest, '\r', &subject);
	printf("%.*s\t", STR_ARG(subject));
	struct str body = behind(octets, STR("\r\n\r\n"));
	tell_hash(body.p, body.n, '\t');
	tell_hash(octets.p, octets.n, '\n');
}

static enum err
read_whole(struct reader *r, int64_t message, struct arena *arena, struct str *ret)
{
	struct message_row row;
	size_t have = 0;
	enum err e = reader_message(r, message, WANT_BASICS, &row);
	char *to = e ? NULL : arena_alloc(arena, row.size + 1);

	while (!e && have < row.size) {
		size_t got = 0;
		e = reader_read(r, message, have, to + have, row.size - have, &got);
		if (!e && got == 0)
			e = ERR_CORRUPT;
		have += got;
	}
	*ret = str_make(to, have);
	return e;
}

static enum err
tell_messages(struct account *a, int64_t mailbox, struct arena *arena)
{
	CLEANUP(view_unref) struct view *v = NULL;
	CLEANUP(reader_close) struct reader *r = NULL;
	enum err e = view_current(a, mailbox, &v);

	if (!e)
		e = reader_open(a, &r);
	if (e)
		return e;
	struct view_iter it = view_iter_at(v, 1);
	for (const struct view_entry *m; !e && (m = view_next(&it));) {
		struct str octets = {0};
		e = read_whole(r, m->message, arena, &octets);
		if (e)
			break;
		printf("message\t%lld\t%lld\t%u\t%llu\t", (long long)account_id(a),
		    (long long)mailbox, m->uid, (unsigned long long)m->flags);
		tell_octets(octets);
	}
	return e;
}

/* -- accounts */

static enum err
tell_mailboxes(struct account *a, struct arena *arena)
{
	struct mailbox_info *list;
	size_t n;
	enum err e = mailbox_list(a, arena, &list, &n);

	for (size_t i = 0; i < n && !e; i++) {
		const struct mailbox_info *m = &list[i];
		printf("mailbox\t%lld\t%lld\t%.*s\t%u\t%u\t%llu\t%d\n", (long long)account_id(a),
		    (long long)m->id, STR_ARG(m->name), m->uidvalidity, m->uidnext,
		    (unsigned long long)m->highest_modseq, m->subscribed);
		if (m->id && !m->noselect)
			e = tell_messages(a, m->id, arena);
	}
	return e;
}

static enum err
probe(struct store *s, struct account *a, struct arena *arena)
{
	static const char octets[] = "Subject: probe\r\n\r\nprobe\r\n";
	CLEANUP(spool_free) struct spool *spool = NULL;
	struct mailbox_info inbox, made;
	struct append item = {.internal_s = clock_real_s()};
	uint32_t validity;
	int64_t id;
	enum err e = spool_new(s, &spool);

	if (!e)
		e = spool_write(spool, octets, sizeof(octets) - 1);
	if (!e)
		e = mailbox_find(a, STR("INBOX"), arena, &inbox);
	item.spool = spool;
	if (!e)
		e = message_append(a, inbox.id, &item, 1, &validity);
	if (!e)
		e = mailbox_get(a, inbox.id, arena, &inbox);
	if (!e)
		e = mailbox_create(a, STR("powercut probe"), STR(""), &id);
	if (!e)
		e = mailbox_get(a, id, arena, &made);
	if (!e)
		printf("probe\t%lld\t%u\t%llu\t%u\n", (long long)account_id(a), item.ret_uid,
		    (unsigned long long)inbox.highest_modseq, made.uidvalidity);
	return e;
}

static void
tell_account(struct store *s, int64_t id, struct arena *arena)
{
	CLEANUP(account_unref) struct account *a = NULL;
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(REPORT_MAX);
	enum err e = account_open(s, id, &a);

	if (e) {
		tell_error(e, "account_open");
		return;
	}
	tell_report(account_check(a, &report), "account", &report);
	e = tell_mailboxes(a, arena);
	tell_error(e, "reading an account");
	if (!e)
		tell_error(probe(s, a, arena), "writing to an account");
}

/* -- the others */

static void
tell_directory(struct store *s, struct arena *arena)
{
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(REPORT_MAX);
	struct account_entry *list;
	size_t n;

	tell_report(directory_check(s, &report), "directory", &report);
	enum err e = directory_list_accounts(s, arena, &list, &n);
	tell_error(e, "accounts");
	for (size_t i = 0; i < n && !e; i++)
		printf("account\t%lld\t%.*s\n", (long long)list[i].id, STR_ARG(list[i].address));
}

struct queue_teller {
	struct store *store;
	struct arena *arena;
};

static enum err
tell_queued(const struct queue_listed *l, void *arg)
{
	const struct queue_teller *t = arg;
	CLEANUP(queue_octets_close) struct queue_octets *o = NULL;
	size_t n = 0;
	enum err e = queue_octets_open(t->store, l->message.id, &o);

	if (e)
		return e;
	size_t size = (size_t)queue_octets_size(o);
	char *to = arena_alloc(t->arena, size + 1);
	e = to ? queue_octets_read(o, 0, to, size, &n) : ERR_NOMEM;
	if (e)
		return e;
	printf("queued\t%lld\t%.*s\t", (long long)l->rcpt.id, STR_ARG(l->rcpt.address));
	tell_octets(str_make(to, n));
	return n == size ? ERR_OK : ERR_CORRUPT;
}

/* As smtpd begins: with the sweep of files that nobody names. */
static void
tell_queue(struct store *s, struct arena *arena)
{
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(REPORT_MAX);
	struct queue_teller t = {s, arena};
	const struct queue_filter all = {.state = -1};

	tell_report(queue_check(s, &report), "queue", &report);
	tell_error(queue_run_begin(s), "queue_run_begin");
	tell_error(queue_list(s, &all, tell_queued, &t), "reading the queue");
	queue_run_end(s);
}

static void
tell_trace(struct store *s)
{
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(REPORT_MAX);

	tell_report(trace_check(s, &report), "trace", &report);
}

static void
tell(const char *dir, struct str parts)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_MAX);
	const struct store_options options = {
	    .data_dir = dir, .process = "powercut", .recipient_delimiter = "+"};
	struct store *s = NULL;
	struct str part;
	enum err e = store_open(&options, &s);

	if (e) {
		tell_error(e, "store_open");
		return;
	}
	snprintf(s->boot, sizeof(s->boot), "after the power failure");
	while (str_split(&parts, ' ', &part)) {
		uint32_t id;
		if (str_eq(part, STR("directory")))
			tell_directory(s, arena);
		else if (str_eq(part, STR("queue")))
			tell_queue(s, arena);
		else if (str_eq(part, STR("trace")))
			tell_trace(s);
		else if (str_to_u32(part, &id))
			tell_account(s, id, arena);
		else
			printf("problem\tno such part\n");
	}
	store_close(&s);
}

int
main(void)
{
	char line[LINE_MAX_OCTETS];

	while (fgets(line, sizeof(line), stdin)) {
		struct str rest = str_of(line), dir;
		rest.n -= rest.n > 0 && rest.p[rest.n - 1] == '\n';
		str_split(&rest, ' ', &dir);
		line[dir.n] = '\0';
		tell(line, rest);
		puts("end");
		fflush(stdout);
	}
	return 0;
}
