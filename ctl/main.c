#include "config.h"
#include "ctl/ctl.h"

#include "common/base/log.h"

#include <sys/stat.h>

/* Enough for the names of some hundred thousand accounts. */
#define CALL_ARENA_MAX (256U << 20)

/* clang-format off */
static const struct verb verbs[] = {
    {"init", NULL, "", "make a new mail server: directories, configuration, certificate, domain",
     "Writes DIR/pillarbox.conf, DIR/data, DIR/run and DIR/tls with a certificate authority of its\n"
     "own (DIR/tls/ca.pem, to trust in a mail program) and a certificate signed by it. Without\n"
     "--dir it uses the system's places. It never changes a configuration that exists.",
     "  pillarbox init --dir ~/mail --domain example.test --listen 127.0.0.1 --port-offset 10000\n"
     "  pillarbox init --domain example.org\n",
     verb_init},
    {"run", NULL, "", "run smtpd, pop3d and imapd in the foreground",
     "Prints the line `ready` once all ports are open. A daemon that dies is started again.\n"
     "SIGTERM and SIGINT let them finish and stop; SIGHUP makes them read their configuration.",
     "  pillarbox -c ~/mail/pillarbox.conf run\n",
     verb_run},
    {"status", NULL, "", "say which daemons run, whether their ports answer, and how they do",
     "Exit status: 0 when every port answers, 3 when nothing runs, 1 in between.",
     "  pillarbox -c ~/mail/pillarbox.conf status\n"
     "  pillarbox status --json\n"
     "  pillarbox status --prometheus\n",
     verb_status},
    {"stop", NULL, "", "stop what `pillarbox run` started, and wait until it is down",
     "Exit status: 0 when it stopped, 3 when nothing ran.",
     "  pillarbox -c ~/mail/pillarbox.conf stop\n",
     verb_stop},
    {"check", NULL, "[ADDRESS...]", "check configuration, certificates and databases",
     "With addresses only these accounts' databases are checked. --repair keeps the damaged file\n"
     "under another name, puts what can be read into a new one and says what is lost.",
     "  pillarbox check\n"
     "  pillarbox check ann@example.org\n"
     "  pillarbox check --repair ann@example.org\n"
     "  pillarbox check --config-only\n",
     verb_check},
    {"views", NULL, "", "print SQL that makes an account's database readable",
     "The views mailboxes, messages, entry and expunged, for as long as a connection lasts. Accounts\n"
     "have their database at accounts/ID/mail.db in the data directory; `account list\n"
     "--json` shows the IDs. The views queue and trace stand in queue.db and trace.db by themselves.",
     "  sqlite3 -cmd \"$(pillarbox views)\" accounts/7/mail.db 'SELECT * FROM mailboxes'\n"
     "  sqlite3 queue.db 'SELECT * FROM queue'\n",
     verb_views},
    {"account", "add", "ADDRESS", "add a mail account",
     "Without --password-stdin a password is made and printed, once.",
     "  pillarbox account add ann@example.org\n"
     "  pass show mail/ann | pillarbox account add ann@example.org --password-stdin --quota 2G\n",
     verb_account_add},
    {"account", "list", "", "list the accounts, what they hold and when they last logged in", NULL,
     "  pillarbox account list\n"
     "  pillarbox account list --json\n",
     verb_account_list},
    {"account", "password", "ADDRESS", "give an account another password",
     "Without --password-stdin a password is made and printed, once.",
     "  pillarbox account password ann@example.org\n"
     "  pass show mail/ann | pillarbox account password ann@example.org --password-stdin\n",
     verb_account_password},
    {"account", "remove", "ADDRESS", "remove an account and all its mail",
     "There is no way back, so it wants --yes.",
     "  pillarbox account remove ann@example.org --yes\n",
     verb_account_remove},
    {"account", "quota", "ADDRESS [SIZE]", "show or set how much an account may hold",
     "SIZE is a number with K, M, G or T behind it, or `none`.",
     "  pillarbox account quota ann@example.org\n"
     "  pillarbox account quota ann@example.org 2G\n"
     "  pillarbox account quota ann@example.org none --messages 100000\n",
     verb_account_quota},
    {"account", "forward", "ADDRESS [TARGET...]", "show or set where the mail of an account goes on",
     "Targets are addresses here or elsewhere, in the place of what was set before. With --keep the\n"
     "mail also stays in the account. --none ends it.",
     "  pillarbox account forward ann@example.org\n"
     "  pillarbox account forward ann@example.org --keep ann@example.net\n"
     "  pillarbox account forward ann@example.org --none\n",
     verb_account_forward},
    {"account", "hide", "ADDRESS [CAPABILITY...]", "show or set which IMAP capabilities an account is not shown",
     "For a mail program that trips over one. What is given replaces what was; `none` shows all again.\n"
     "It counts from the account's next login on. imapd.hide_capabilities hides from everybody.",
     "  pillarbox account hide ann@example.org\n"
     "  pillarbox account hide ann@example.org COMPRESS=DEFLATE UIDONLY\n"
     "  pillarbox account hide ann@example.org none\n",
     verb_account_hide},
    {"alias", "add", "ADDRESS TARGET...", "let mail for an address reach others",
     "Targets are accounts or aliases of this server, or addresses elsewhere. Those that an alias has\n"
     "already, stay.",
     "  pillarbox alias add sales@example.org ann@example.org bob@example.org\n"
     "  pillarbox alias add postmaster@example.org ann@example.org\n",
     verb_alias_add},
    {"alias", "list", "", "list the aliases and whom they reach", NULL,
     "  pillarbox alias list\n"
     "  pillarbox alias list --json\n",
     verb_alias_list},
    {"alias", "remove", "ADDRESS [TARGET...]", "remove an alias, or some of its targets", NULL,
     "  pillarbox alias remove sales@example.org\n"
     "  pillarbox alias remove sales@example.org bob@example.org\n",
     verb_alias_remove},
    {"dkim", "add", "DOMAIN", "sign the mail of a domain",
     "Makes two keys, RSA and Ed25519, and prints the records that publish them. Their private\n"
     "halves are files in DIR/dkim.",
     "  pillarbox dkim add example.org\n",
     verb_dkim_add},
    {"dkim", "list", "[DOMAIN]", "list the keys that sign, wait, or did sign", NULL,
     "  pillarbox dkim list\n"
     "  pillarbox dkim list example.org --json\n",
     verb_dkim_list},
    {"dkim", "rotate", "DOMAIN", "bring new keys, in two steps",
     "The first call makes keys that wait and prints their records. The second looks whether they\n"
     "are published, lets them sign and retires the old ones.",
     "  pillarbox dkim rotate example.org\n"
     "  pillarbox dkim rotate example.org --now\n",
     verb_dkim_rotate},
    {"dkim", "remove", "DOMAIN SELECTOR", "remove a key", NULL,
     "  pillarbox dkim remove example.org r20260131\n",
     verb_dkim_remove},
    {"dkim", "verify", "FILE", "say what the signatures of a message are worth",
     "Looks at DKIM signatures and at the chain of ARC. `-` is standard input. Exit status: 0 when\n"
     "a DKIM signature passes, 1 when none does.",
     "  pillarbox dkim verify message.eml\n"
     "  pillarbox dkim verify message.eml --key sel._domainkey.example.org=key.txt\n",
     verb_dkim_verify},
    {"dns", "show", "DOMAIN", "print what the zone of a domain should have", NULL,
     "  pillarbox dns show example.org\n"
     "  pillarbox dns show example.org --json\n",
     verb_dns_show},
    {"dns", "check", "DOMAIN", "ask whether the zone of a domain has what it should",
     "Exit status: 0 when nothing required or recommended is missing.",
     "  pillarbox dns check example.org\n"
     "  pillarbox dns check example.org --json\n",
     verb_dns_check},
    {"domain", "add", "DOMAIN", "receive mail for a domain", NULL,
     "  pillarbox domain add example.org\n",
     verb_domain_add},
    {"domain", "list", "", "list the domains", NULL,
     "  pillarbox domain list\n"
     "  pillarbox domain list --json\n",
     verb_domain_list},
    {"domain", "remove", "DOMAIN", "stop receiving mail for a domain",
     "Its accounts and aliases must be removed before.",
     "  pillarbox domain remove example.org\n",
     verb_domain_remove},
    {"mailbox", "rights", "ADDRESS MAILBOX [WHO RIGHTS]",
     "show or set what others may do with a mailbox",
     "WHO is an address, `anyone` or `authenticated`, with a - in front what is taken away from it.\n"
     "RIGHTS are letters of RFC 4314: l look up, r read, s keep seen, w write flags, i insert,\n"
     "p post, k create below, x delete the mailbox, t delete messages, e expunge, a administer;\n"
     "`none` takes the entry away, +LETTERS and -LETTERS add and remove some. `--` goes before what\n"
     "begins with a dash.",
     "  pillarbox mailbox rights ann@example.org INBOX/Orders\n"
     "  pillarbox mailbox rights ann@example.org INBOX/Orders bob@example.org lrs\n"
     "  pillarbox mailbox rights ann@example.org INBOX/Orders anyone none\n"
     "  pillarbox mailbox rights -- ann@example.org INBOX/Orders bob@example.org -s\n",
     verb_mailbox_rights},
    {"mailbox", "shared", "ADDRESS", "list the mailboxes that others share with an account", NULL,
     "  pillarbox mailbox shared bob@example.org\n"
     "  pillarbox mailbox shared bob@example.org --json\n",
     verb_mailbox_shared},
    {"queue", "list", "", "list the mail that waits to be sent to other servers",
     "A line for each recipient, below one for its message; the numbers are for the other verbs.",
     "  pillarbox queue list\n"
     "  pillarbox queue list --domain example.net --older 2h\n"
     "  pillarbox queue list --sender ann@example.org --json\n",
     verb_queue_list},
    {"queue", "show", "MESSAGE", "show a queued message: recipients, replies, header, what happened",
     NULL,
     "  pillarbox queue show 12\n"
     "  pillarbox queue show 12 --json\n",
     verb_queue_show},
    {"queue", "retry", "[MESSAGE...]", "try queued mail now instead of at its time",
     "Mail is named by its number in `queue list`: 12 is a message, 12/0 one of its recipients. Options pick\n"
     "recipients that meet all of them; --all is the whole queue.",
     "  pillarbox queue retry 12\n"
     "  pillarbox queue retry --domain example.net\n"
     "  pillarbox queue retry --all\n",
     verb_queue_retry},
    {"queue", "hold", "[MESSAGE...]", "keep queued mail from being tried",
     "Mail is named by its number in `queue list`: 12 is a message, 12/0 one of its recipients. Options pick\n"
     "recipients that meet all of them; --all is the whole queue.",
     "  pillarbox queue hold --sender ann@example.org\n",
     verb_queue_hold},
    {"queue", "release", "[MESSAGE...]", "let held mail be tried again, now",
     "Mail is named by its number in `queue list`: 12 is a message, 12/0 one of its recipients. Options pick\n"
     "recipients that meet all of them; --all is the whole queue.",
     "  pillarbox queue release 12 13/2\n"
     "  pillarbox queue release --sender ann@example.org\n",
     verb_queue_release},
    {"queue", "drop", "[MESSAGE...]", "take mail out of the queue, with or without a report",
     "Without --report nobody is told. With it smtpd tells the senders that their mail was given up.\n"
     "Mail is named by its number in `queue list`: 12 is a message, 12/0 one of its recipients. Options pick\n"
     "recipients that meet all of them; --all is the whole queue.",
     "  pillarbox queue drop 12/1 --report\n"
     "  pillarbox queue drop --sender spammer@example.org\n",
     verb_queue_drop},
    {"queue", "pause", "NAME", "send nothing to a domain or an MX host for now",
     "NAME is a domain of recipients, or a host with mx: in front. `queue list` shows what is paused.\n"
     "A host that is paused is asked for nothing, as if it did not answer: mail goes to the next hosts\n"
     "of its domains, and waits where they have none. To keep a domain's mail here, pause the domain.",
     "  pillarbox queue pause example.net --reason 'they move'\n"
     "  pillarbox queue pause mx:mx1.provider.example\n",
     verb_queue_pause},
    {"queue", "resume", "NAME", "end a pause", NULL,
     "  pillarbox queue resume example.net\n",
     verb_queue_resume},
    {"trace", NULL, "[ID]", "say what became of mail, received or sent",
     "ID is what a client was told with its mail (\"Ok, id ...\") and what stands in the log and in\n"
     "Received. Every event of the messages found, from acceptance to the other side's reply, for\n"
     "trace_days.",
     "  pillarbox trace --recipient bob@example.net --since 2d\n"
     "  pillarbox trace --message-id '<1234@example.org>'\n"
     "  pillarbox trace --sender @example.org --since 2026-11-23 --json\n",
     verb_trace},
    {"suppression", "list", "", "list the addresses that bounced and get no mail for a while", NULL,
     "  pillarbox suppression list\n"
     "  pillarbox suppression list --json\n",
     verb_suppression_list},
    {"suppression", "remove", "ADDRESS...", "let addresses that bounced get mail again", NULL,
     "  pillarbox suppression remove bob@example.net\n",
     verb_suppression_remove},
    {"sending", "show", "ADDRESS", "show what an account has sent to other servers lately", NULL,
     "  pillarbox sending show ann@example.org\n",
     verb_sending_show},
    {"sending", "hold", "ADDRESS", "let an account send nothing to other servers",
     "What it has in the queue stays there; `queue hold --sender ADDRESS` stops that as well.",
     "  pillarbox sending hold ann@example.org --reason 'password leaked'\n",
     verb_sending_hold},
    {"sending", "release", "ADDRESS", "let an account send again",
     "One that sent beyond its limits was held by smtpd, which told the postmaster.",
     "  pillarbox sending release ann@example.org\n",
     verb_sending_release},
};
/* clang-format on */

/* All verbs, or those of one family. */
static void
list_verbs(FILE *f, const char *family)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		const struct verb *v = &verbs[i];
		char left[64];
		if (family && strcmp(family, v->name) != 0)
			continue;
		snprintf(
		    left, sizeof(left), "%s%s%s", v->name, v->sub ? " " : "", v->sub ? v->sub : "");
		fprintf(f, "  %-18s %s\n", left, v->summary);
	}
}

static void
help(FILE *f)
{
	fputs("usage: pillarbox [-c FILE] VERB ...\n\nverbs:\n", f);
	list_verbs(f, NULL);
	fputs("\nThe configuration is " PILLARBOX_CONF " unless -c names another.\n"
	      "`pillarbox VERB --help` tells more, pillarbox(1) everything.\n"
	      "exit status: 0 done, 1 failed, 2 not understood, 3 not running,\n"
	      "             4 no such name or taken already, 5 configuration missing or wrong\n",
	    f);
}

static bool
is_help(const char *arg)
{
	return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0 || strcmp(arg, "help") == 0;
}

/* `pillarbox account` with no, an unknown or a help word behind it. */
static int
explain_family(const char *family, const char *sub)
{
	bool wanted = sub && is_help(sub);

	if (sub && !wanted)
		call_complain("there is no \"%s %s\"; there are:", family, sub);
	else if (!wanted)
		call_complain("\"%s\" needs one more word:", family);
	list_verbs(wanted ? stdout : stderr, family);
	return wanted ? CTL_OK : CTL_USAGE;
}

static int
explain_unknown(const char *name)
{
	call_complain("there is no verb \"%s\"; there are:", name);
	list_verbs(stderr, NULL);
	return CTL_USAGE;
}

static int
run_verb(struct call *call, size_t count, char **words)
{
	bool family = false;

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		const struct verb *v = &verbs[i];
		if (strcmp(words[0], v->name) != 0)
			continue;
		family = true;
		if (v->sub && (count < 2 || strcmp(words[1], v->sub) != 0))
			continue;
		call->verb = v;
		call->args = words + (v->sub ? 2 : 1);
		call->arg_count = count - (v->sub ? 2 : 1);
		return v->run(call);
	}
	if (family)
		return explain_family(words[0], count > 1 ? words[1] : NULL);
	return explain_unknown(words[0]);
}

static int
run_call(struct call *call, int argc, char **argv)
{
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (is_help(argv[i])) {
			help(stdout);
			return CTL_OK;
		}
		if (strcmp(argv[i], "--version") == 0) {
			puts("pillarbox " PACKAGE_VERSION);
			return CTL_OK;
		}
		if (strncmp(argv[i], "--config=", 9) == 0) {
			call->conf_path = argv[i] + 9;
		} else if (strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "--config") == 0) {
			if (++i == argc) {
				call_complain("-c needs the name of a file");
				return CTL_USAGE;
			}
			call->conf_path = argv[i];
		} else {
			call_complain("there is no option %s before the verb; there are -c FILE, "
				      "--help and --version",
			    argv[i]);
			return CTL_USAGE;
		}
	}
	if (i == argc) {
		help(stderr);
		return CTL_USAGE;
	}
	if (strcmp(argv[i], "help") == 0) {
		if (i + 1 == argc) {
			help(stdout);
			return CTL_OK;
		}
		/* `help account add` is `account add --help` */
		static char flag[] = "--help";
		argv[i] = NULL;
		memmove(argv + i, argv + i + 1, (size_t)(argc - i - 1) * sizeof(*argv));
		argv[argc - 1] = flag;
	}
	return run_verb(call, (size_t)(argc - i), argv + i);
}

int
main(int argc, char **argv)
{
	struct call call = {.conf_path = PILLARBOX_CONF, .arena = arena_new(CALL_ARENA_MAX)};
	int status;

	if (!call.arena) {
		call_complain("out of memory");
		return CTL_FAILED;
	}
	umask(077); /* what it makes is its owner's, unless it says otherwise */
	log_open("pillarbox", "stderr", LOG_LEVEL_WARN);
	status = run_call(&call, argc, argv);
	store_close(&call.store);
	conf_unref(&call.conf);
	arena_free(&call.arena);
	if (fflush(stdout) != 0 && status == CTL_OK) {
		call_complain("standard output cannot be written");
		status = CTL_FAILED;
	}
	return status;
}
