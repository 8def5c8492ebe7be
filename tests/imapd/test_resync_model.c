/* A client that keeps a copy of a mailbox by QRESYNC (RFC 7162 §6) while others change it, goes
 * away at any moment and comes back: its copy must be what the server has, every time. What it does
 * and what the others do is random; the seed is printed, and SEED=n repeats a run. */
#include "tests/imapd/modseq_fixture.h"

#include "common/base/clock.h"
#include "store/account_private.h"
#include "store/cleaner.h"

#define COPY_MAX 3000
#define ROUNDS 40 /* absences of one run */
#define RUNS 6

static const char *const flag_names[] = {
    "\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft", "k0", "k1", "k2", "k3"};

struct message {
	uint32_t uid; /* 0: told of by EXISTS only */
	unsigned flags; /* bits by flag_names */
};

/* What the client knows. */
struct copy {
	struct message m[COPY_MAX];
	size_t n;
	uint64_t validity;
	uint64_t modseq; /* its HIGHESTMODSEQ */
	uint64_t shown; /* the highest MODSEQ since the last tagged response */
	uint64_t code; /* HIGHESTMODSEQ code since then, 0 none */
	bool opening; /* SELECT: numbers are those of a mailbox it does not know yet */
	bool ignores_new; /* and asks for what is new later */
	uint64_t exists; /* told meanwhile */
	bool told_flags; /* of the message that was stored to */
	uint32_t watched; /* that message */
};

static unsigned
parse_flags(struct str text)
{
	unsigned flags = 0;
	struct str word;

	while (str_split(&text, ' ', &word)) {
		bool known = word.n == 0 || str_eq(word, STR("\\Recent"));
		for (size_t i = 0; i < ARRAY_LEN(flag_names); i++)
			if (str_eq_nocase(word, str_of(flag_names[i]))) {
				flags |= 1u << i;
				known = true;
			}
		ck_assert_msg(known, "flag %.*s", STR_ARG(word));
	}
	return flags;
}

static size_t
place_of(const struct copy *c, uint32_t uid)
{
	size_t i = 0;

	while (i < c->n && c->m[i].uid != uid)
		i++;
	return i;
}

static void
take_out(struct copy *c, uint32_t uid, bool earlier)
{
	size_t i = place_of(c, uid);

	if (i == c->n && !earlier) /* one that it has only counted: behind those with lower UIDs */
		for (i = c->n; i > 0 && (c->m[i - 1].uid > uid || c->m[i - 1].uid == 0);)
			i--;
	if (i < c->n && c->m[i].uid != uid && c->m[i].uid != 0)
		i = c->n;
	ck_assert_msg(i < c->n || earlier, "VANISHED %u, which the client has not", uid);
	if (i == c->n)
		return;
	memmove(c->m + i, c->m + i + 1, (c->n - i - 1) * sizeof(c->m[0]));
	c->n--;
}

static void
on_vanished(struct copy *c, struct str set, bool earlier)
{
	struct str range;

	while (str_split(&set, ',', &range)) {
		char text[64];
		snprintf(text, sizeof(text), "%.*s", STR_ARG(range));
		char *colon;
		uint32_t lo = (uint32_t)strtoul(text, &colon, 10);
		uint32_t hi = *colon == ':' ? (uint32_t)strtoul(colon + 1, NULL, 10) : lo;
		ck_assert_uint_le(lo, hi);
		ck_assert_uint_lt(hi - lo, 1000000);
		for (uint32_t uid = lo; uid <= hi; uid++)
			take_out(c, uid, earlier);
	}
}

static bool
find_number(struct str line, const char *label, uint64_t *ret)
{
	size_t at = str_find_nocase(line, str_of(label));

	if (at == STR_NONE)
		return false;
	*ret = strtoull(line.p + at + strlen(label), NULL, 10);
	return true;
}

static void
on_fetch(struct copy *c, uint64_t number, struct str line)
{
	uint64_t uid = 0, modseq;
	size_t at = str_find_nocase(line, STR("FLAGS ("));
	struct message *m = NULL;

	if (find_number(line, "MODSEQ (", &modseq) && modseq > c->shown)
		c->shown = modseq;
	bool has_uid = find_number(line, "UID ", &uid);
	if (c->opening || c->exists == 0) {
		ck_assert(has_uid);
	}
	if (!c->opening) {
		ck_assert_msg(number >= 1 && number <= c->n, "%.*s", STR_ARG(line));
		m = &c->m[number - 1];
		if (has_uid && m->uid == 0 &&
		    at != STR_NONE) /* without its flags it is not known */
			m->uid = (uint32_t)uid;
		ck_assert_msg(!has_uid || m->uid == 0 || m->uid == uid, "%.*s, not UID %u",
		    STR_ARG(line), m->uid);
	} else {
		size_t i = place_of(c, (uint32_t)uid);
		if (i == c->n) { /* new: comes behind all that it knows, and is asked for later */
			ck_assert(c->n == 0 || c->m[c->n - 1].uid < uid);
			if (c->ignores_new)
				return;
			c->m[c->n++].uid = (uint32_t)uid;
		}
		m = &c->m[i];
	}
	if (at == STR_NONE)
		return;
	struct str rest = str_skip(line, at + 7);
	m->flags = parse_flags(str_sub(rest, 0, str_find_nocase(rest, STR(")"))));
	if (m->uid == c->watched)
		c->told_flags = true;
}

static void
on_line(struct copy *c, struct str line)
{
	static const char earlier[] = "* VANISHED (EARLIER) ", vanished[] = "* VANISHED ";
	uint64_t number;

	if (find_number(line, "[HIGHESTMODSEQ ", &number))
		c->code = number;
	if (str_starts(line, str_of(earlier))) {
		on_vanished(c, str_skip(line, strlen(earlier)), true);
	} else if (str_starts(line, str_of(vanished))) {
		ck_assert(!c->opening);
		on_vanished(c, str_skip(line, strlen(vanished)), false);
	} else if (find_number(line, "* ", &number) &&
		   str_find_nocase(line, STR(" FETCH (")) != STR_NONE) {
		on_fetch(c, number, line);
	} else if (str_find_nocase(line, STR(" EXISTS")) != STR_NONE &&
		   find_number(line, "* ", &number)) {
		c->exists = number;
		ck_assert_msg(c->opening || number >= c->n, "%.*s, knows %zu", STR_ARG(line), c->n);
		for (; !c->opening && c->n < number; c->n++)
			c->m[c->n] = (struct message){0};
	}
	ck_assert(str_find_nocase(line, STR(" EXPUNGE\r")) == STR_NONE);
}

/* Sends a command and takes in what comes; the whole answer. RFC 7162 §6: what the client's
 * HIGHESTMODSEQ is after it. */
static struct str
ask(struct imap_fixture *f, struct conn *conn, struct copy *c, const char *command)
{
	struct str got = imap_fixture_ask(f, conn, command);
	struct str rest = got, line;

	c->shown = c->code = 0;
	while (str_split(&rest, '\n', &line)) {
		if (str_find_nocase(line, STR("{1}")) !=
		    STR_NONE) { /* goes on behind the literal */
			struct str more;
			str_split(&rest, '\n', &more);
			line.n = (size_t)(more.p + more.n - line.p);
		}
		on_line(c, line);
	}
	if (c->code)
		c->modseq = c->code;
	else if (c->shown > c->modseq)
		c->modseq = c->shown;
	ck_assert_msg(
	    str_find_nocase(got, STR("x BAD")) == STR_NONE, "%s: %.*s", command, STR_ARG(got));
	return got;
}

/* -- the others ------------------------------------------------------------------------------- */

static const char *
random_flag(void)
{
	return flag_names[(size_t)rand() % ARRAY_LEN(flag_names)];
}

static void
random_uids(const char *prefix, const char *suffix, char *out, size_t size)
{
	uint32_t lo = 1 + (uint32_t)rand() % 120, n = (uint32_t)rand() % 8;

	snprintf(
	    out, size, "%s %u:%u,%u %s", prefix, lo, lo + n, 1 + (uint32_t)rand() % 200, suffix);
}

static void
disturb(struct imap_fixture *f, struct conn *other)
{
	char line[300], suffix[100];

	switch (rand() % 8) {
	case 0:
		imap_fixture_deliver(f, "INBOX", STR("Subject: new\r\n\r\nx\r\n"));
		return;
	case 1:
		random_uids("x UID COPY", "INBOX", line, sizeof(line));
		break;
	case 2:
		random_uids("x UID MOVE", "Other", line, sizeof(line));
		break;
	case 3:
		random_uids("x UID STORE", "+FLAGS.SILENT (\\Deleted)", line, sizeof(line));
		imap_fixture_ask(f, other, line);
		snprintf(line, sizeof(line), "x EXPUNGE");
		break;
	case 4: /* time passes, and what is old is forgotten */
		clock_advance_ms((int64_t)(rand() % 20) * 3600 * 1000);
		ck_assert_ok(account_clean(f->account));
		return;
	default:
		snprintf(suffix, sizeof(suffix), "%cFLAGS (%s)", "+-"[rand() % 2], random_flag());
		random_uids("x UID STORE", suffix, line, sizeof(line));
	}
	imap_fixture_ask(f, other, line);
}

/* -- the client ------------------------------------------------------------------------------- */

/* A change of a flag without being told the outcome: it knows what it asked for. */
static void
store_silently(struct imap_fixture *f, struct copy *c)
{
	char line[200], since[60] = "", failed[40];
	size_t i = (size_t)rand() % c->n;
	unsigned flag = (unsigned)rand() % ARRAY_LEN(flag_names);
	bool add = rand() % 2;
	struct message *m = &c->m[i];

	if (m->uid == 0)
		return;
	const struct message was = *m;
	if (rand() % 2)
		snprintf(since, sizeof(since), "(UNCHANGEDSINCE %" PRIu64 ") ", c->modseq);
	snprintf(line, sizeof(line), "x STORE %zu %s%cFLAGS.SILENT (%s)", i + 1, since,
	    add ? '+' : '-', flag_names[flag]);
	m->flags = add ? m->flags | 1u << flag : m->flags & ~(1u << flag);
	c->watched = was.uid;
	c->told_flags = false;
	struct str got = ask(f, f->conn, c, line);
	snprintf(failed, sizeof(failed), "[MODIFIED %zu]", i + 1);
	if (str_find_nocase(got, str_of(failed)) != STR_NONE && !c->told_flags)
		c->m[i].flags = was.flags; /* no VANISHED comes during STORE: still its place */
	c->watched = 0;
}

static void
fetch_new(struct imap_fixture *f, struct copy *c)
{
	char line[100];
	uint32_t last = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->m[i].uid)
			last = c->m[i].uid;
	snprintf(line, sizeof(line), "x UID FETCH %u:* (FLAGS)", last + 1);
	ask(f, f->conn, c, line);
}

static void
act(struct imap_fixture *f, struct copy *c)
{
	char line[300];
	size_t number = 1 + (c->n ? (size_t)rand() % c->n : 0);

	switch (rand() % 9) {
	case 0:
		ask(f, f->conn, c, "x NOOP");
		break;
	case 1:
		ask(f, f->conn, c, "x EXPUNGE");
		break;
	case 2:
		ask(f, f->conn, c, "x SEARCH ALL");
		break;
	case 3:
		snprintf(line, sizeof(line),
		    "x UID FETCH 1:* (FLAGS) (CHANGEDSINCE %" PRIu64 " VANISHED)", c->modseq);
		ask(f, f->conn, c, line);
		break;
	case 4:
		fetch_new(f, c);
		break;
	case 5:
		if (c->n > 0)
			store_silently(f, c);
		break;
	case 6:
		snprintf(line, sizeof(line), "x FETCH %zu (UID FLAGS MODSEQ)", number);
		if (c->n > 0)
			ask(f, f->conn, c, line);
		break;
	case 7:
		snprintf(line, sizeof(line), "x FETCH %zu (UID BODY[]<0.1>)", number);
		if (c->n > 0)
			ask(f, f->conn, c, line);
		break;
	default:
		snprintf(line, sizeof(line), "x STORE %zu %cFLAGS (%s)", number, "+-"[rand() % 2],
		    random_flag());
		if (c->n > 0)
			ask(f, f->conn, c, line);
	}
}

/* Some of what it knows, with numbers: as clients are told to choose them, or at random. */
static void
print_known(const struct copy *c, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	if (c->n == 0)
		return;
	if (rand() % 2) {
		n += (size_t)snprintf(out + n, size - n, " ");
		for (size_t i = 0; i < c->n; i++)
			n += (size_t)snprintf(out + n, size - n, "%s%u", i ? "," : "", c->m[i].uid);
	}
	if (rand() % 2) {
		size_t step = 1 + (size_t)rand() % c->n;
		n += (size_t)snprintf(out + n, size - n, " (");
		for (size_t i = step - 1; i < c->n; i += step)
			n += (size_t)snprintf(
			    out + n, size - n, "%s%zu", i >= step ? "," : "", i + 1);
		n += (size_t)snprintf(out + n, size - n, " ");
		for (size_t i = step - 1; i < c->n; i += step)
			n += (size_t)snprintf(
			    out + n, size - n, "%s%u", i >= step ? "," : "", c->m[i].uid);
		n += (size_t)snprintf(out + n, size - n, ")");
	}
	ck_assert_uint_lt(n, size);
}

static void
come_back(struct imap_fixture *f, struct copy *c)
{
	static char known[COPY_MAX * 16], line[COPY_MAX * 16 + 200];
	size_t kept = 0;

	while (kept < c->n &&
	       c->m[kept].uid) /* from the first that it had only counted it asks anew */
		kept++;
	c->n = kept;
	print_known(c, known, sizeof(known));
	c->opening = c->ignores_new = true;
	if (c->validity)
		snprintf(line, sizeof(line), "x SELECT INBOX (QRESYNC (%" PRIu64 " %" PRIu64 "%s))",
		    c->validity, c->modseq, known);
	else
		snprintf(line, sizeof(line), "x SELECT INBOX");
	struct str got = ask(f, f->conn, c, line);
	c->validity = number_after(got, "[UIDVALIDITY ");
	c->opening = c->ignores_new = false;
	ck_assert_uint_le(c->n, c->exists);
	for (; c->n < c->exists; c->n++)
		c->m[c->n] = (struct message){0};
	fetch_new(f, c);
}

static void
compare_with_server(struct imap_fixture *f, struct conn *observer, const struct copy *c)
{
	static struct copy truth;

	truth = (struct copy){.opening = true};
	ask(f, observer, &truth, "x EXAMINE INBOX");
	ask(f, observer, &truth, "x UID FETCH 1:* (FLAGS)");
	ck_assert_uint_eq(c->n, truth.n);
	for (size_t i = 0; i < c->n; i++) {
		ck_assert_uint_eq(c->m[i].uid, truth.m[i].uid);
		ck_assert_msg(c->m[i].flags == truth.m[i].flags, "UID %u: %x, is %x", c->m[i].uid,
		    c->m[i].flags, truth.m[i].flags);
	}
}

START_TEST(a_client_that_comes_back_has_what_the_server_has)
{
	static struct copy copy;

	clock_freeze(clock_real_s()); /* both clocks, so before anything waits */
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open_with(
	    (const char *const[]){"Inbox:20", "Other:5", NULL}, "imapd { timeout = 604800s }\n");
	struct conn *other = imap_fixture_connect(f), *observer = imap_fixture_connect(f);
	const char *fixed = getenv("SEED");
	unsigned seed =
	    fixed ? (unsigned)strtoul(fixed, NULL, 10) : (unsigned)clock_real_us() + (unsigned)_i;

	printf("SEED=%u\n", seed);
	fflush(stdout);
	srand(seed);
	copy = (struct copy){.n = 0};
	f->store->tombstone_days = 1;
	ck_exchange(f, "1 ENABLE QRESYNC", "1 OK");
	ck_exchange_on(other, "1 SELECT INBOX", "1 OK");
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = rand() % 12; i > 0; i--)
			disturb(f, other);
		come_back(f, &copy);
		compare_with_server(f, observer, &copy);
		for (int i = rand() % 15; i > 0; i--) {
			if (rand() % 2)
				disturb(f, other);
			act(f, &copy);
		}
		ck_exchange(f, "u UNSELECT", "u OK");
	}
	clock_thaw();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("resync_model");
	TCase *tests = tcase_create("resync_model");

	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, a_client_that_comes_back_has_what_the_server_has, 0, RUNS);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
