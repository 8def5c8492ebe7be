/* A client that knows nothing but what NOTIFY tells it (RFC 5465 §5) knows the state of the server:
 * mailboxes are made, renamed, subscribed to, filled and emptied at random. SEED chooses other
 * runs, MODEL_RUNS how many. */
#include "tests/imapd/imap_fixture.h"

#define NAMES_N 9
#define ROUNDS 150
#define RUNS 4

static const char *const box_names[NAMES_N] = {
    "A", "A/x", "A/x/y", "B", "B/x", "B/x/y", "C", "C/x", "C/x/y"};

/* What a client believes that knows nothing but what NOTIFY told it. */
struct belief {
	bool exists, subscribed;
	unsigned messages, uidnext, unseen;
};

static int
name_index(struct str name)
{
	for (int i = 0; i < NAMES_N; i++)
		if (str_eq(name, str_of(box_names[i])))
			return i;
	return -1;
}

static unsigned
value_of(struct str line, const char *item, unsigned otherwise)
{
	size_t at = str_find(line, '(');
	struct str rest = str_skip(line, at + 1), word;
	bool next = false;

	while (str_split(&rest, ' ', &word)) {
		if (next)
			return (unsigned)strtoul(word.p, NULL, 10);
		next = str_eq(word, str_of(item));
	}
	return otherwise;
}

static void
believe_renamed(struct belief *b, int from, int to)
{
	struct belief was[NAMES_N];
	size_t n = strlen(box_names[from]);

	memcpy(was, b, sizeof(was));
	for (int i = 0; i < NAMES_N; i++) {
		char name[64];
		if (strncmp(box_names[i], box_names[from], n) != 0 ||
		    (box_names[i][n] != '/' && box_names[i][n] != '\0'))
			continue;
		snprintf(name, sizeof(name), "%s%s", box_names[to], box_names[i] + n);
		int at = name_index(str_of(name));
		if (!was[i].exists)
			continue;
		bool subscribed = b[i].subscribed;
		b[i] = (struct belief){.subscribed = subscribed};
		if (at >= 0) {
			subscribed = b[at].subscribed;
			b[at] = was[i];
			b[at].subscribed = subscribed;
		}
	}
}

static void
believe_list(struct belief *b, struct str line)
{
	size_t sep = str_find_nocase(line, STR("\"/\" "));
	struct str rest = str_skip(line, sep + 4), name;

	str_split(&rest, ' ', &name);
	int at = name_index(name);
	if (rest.n > 0) {
		struct str old = str_sub(rest, strlen("(\"OLDNAME\" ("), rest.n);
		old = str_sub(old, 0, str_find(old, ')'));
		int from = name_index(old);
		ck_assert_int_ge(at, 0);
		ck_assert_int_ge(from, 0);
		believe_renamed(b, from, at);
	}
	if (at < 0)
		return;
	bool exists = str_find_nocase(line, STR("\\NonExistent")) == STR_NONE;
	if (exists != b[at].exists)
		b[at] = (struct belief){.exists = exists, .uidnext = 1};
	b[at].subscribed = str_find_nocase(line, STR("\\Subscribed")) != STR_NONE;
}

static void
believe(struct belief *b, struct str told)
{
	struct str line;

	while (str_split(&told, '\n', &line)) {
		line = str_trim(line);
		if (str_starts(line, STR("* LIST ")))
			believe_list(b, line);
		if (!str_starts(line, STR("* STATUS ")))
			continue;
		struct str rest = str_skip(line, strlen("* STATUS ")), name;
		str_split(&rest, ' ', &name);
		int at = name_index(name);
		if (at < 0)
			continue;
		b[at].messages = value_of(line, "MESSAGES", b[at].messages);
		b[at].uidnext = value_of(line, "UIDNEXT", b[at].uidnext);
		b[at].unseen = value_of(line, "UNSEEN", b[at].unseen);
	}
}

static void
check_belief(struct imap_fixture *f, const struct belief *b, unsigned seed, int round)
{
	struct belief is[NAMES_N] = {0};
	struct mailbox_info *list;
	size_t n;

	ck_assert_int_eq(mailbox_list(f->account, f->arena, &list, &n), ERR_OK);
	for (size_t i = 0; i < n; i++) {
		int at = name_index(list[i].name);
		if (at < 0)
			continue;
		is[at].subscribed = list[i].subscribed;
		if (list[i].id == 0 || list[i].noselect)
			continue;
		is[at].exists = true;
		is[at].messages = list[i].messages;
		is[at].uidnext = list[i].uidnext;
		is[at].unseen = list[i].unseen;
	}
	for (int i = 0; i < NAMES_N; i++)
		ck_assert_msg(b[i].exists == is[i].exists && b[i].subscribed == is[i].subscribed &&
				  (!is[i].exists || (b[i].messages == is[i].messages &&
							b[i].uidnext == is[i].uidnext &&
							b[i].unseen == is[i].unseen)),
		    "seed %u, round %d, %s: exists %d/%d subscribed %d/%d messages %u/%u uidnext "
		    "%u/%u unseen %u/%u",
		    seed, round, box_names[i], b[i].exists, is[i].exists, b[i].subscribed,
		    is[i].subscribed, b[i].messages, is[i].messages, b[i].uidnext, is[i].uidnext,
		    b[i].unseen, is[i].unseen);
}

static void
do_something(struct imap_fixture *f, struct conn *c, unsigned *seed)
{
	const char *a = box_names[rand_r(seed) % NAMES_N], *b = box_names[rand_r(seed) % NAMES_N];
	char line[200];

	switch (rand_r(seed) % 10) {
	case 0:
	case 1:
		snprintf(line, sizeof(line), "x CREATE %s", a);
		break;
	case 2:
		snprintf(line, sizeof(line), "x DELETE %s", a);
		break;
	case 3:
		/* of the same depth: all that goes along has a name that is known, too */
		if (strlen(a) != strlen(b))
			return;
		snprintf(line, sizeof(line), "x RENAME %s %s", a, b);
		break;
	case 4:
		snprintf(line, sizeof(line), "x SUBSCRIBE %s", a);
		break;
	case 5:
		snprintf(line, sizeof(line), "x UNSUBSCRIBE %s", a);
		break;
	case 6:
	case 7:
		snprintf(line, sizeof(line), "x APPEND %s {6+}\r\na: b\r\n", a);
		break;
	case 8:
		snprintf(line, sizeof(line), "x SELECT %s\r\ny STORE 1 FLAGS (\\Seen)", a);
		break;
	default:
		snprintf(
		    line, sizeof(line), "x SELECT %s\r\ny STORE 1 FLAGS (\\Deleted)\r\nz CLOSE", a);
	}
	imap_fixture_ask(f, c, line);
}

static void
run_model(unsigned seed)
{
	const unsigned first = seed;
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("INBOX:0");
	struct conn *other = imap_fixture_connect(f);
	struct belief b[NAMES_N] = {0};

	believe(b,
	    imap_fixture_ask(f, f->conn,
		"1 NOTIFY SET STATUS (personal (MessageNew MessageExpunge FlagChange MailboxName "
		"SubscriptionChange))"));
	for (int round = 0; round < ROUNDS; round++) {
		for (unsigned n = (unsigned)rand_r(&seed) % 4; n > 0; n--)
			do_something(f, other, &seed);
		conn_memory_run(f->conn);
		believe(b, conn_memory_output(f->conn, f->arena));
		check_belief(f, b, first, round);
	}
}

START_TEST(what_is_told_adds_up_to_the_state)
{
	/* where a rename was once told after what came of the old name, or of names below it, or
	 * not that its old name was unsubscribed from */
	static const unsigned found[] = {16838, 47591, 214813, 7996, 44179};
	const char *seed = getenv("SEED"), *runs = getenv("MODEL_RUNS");
	unsigned first = seed ? (unsigned)strtoul(seed, NULL, 10) : 1;
	unsigned n = runs ? (unsigned)strtoul(runs, NULL, 10) : RUNS;

	for (unsigned run = 0; run < n; run++)
		run_model(run * 7919 + first);
	for (size_t i = 0; i < ARRAY_LEN(found) && !seed; i++)
		run_model(found[i]);
}
END_TEST

TEST_MAIN("notify_model", what_is_told_adds_up_to_the_state)
