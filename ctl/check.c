#include "common/base/clock.h"
#include "common/net/tls.h"
#include "ctl/ctl.h"
#include "store/account.h"
#include "store/directory.h"
#include "store/queue.h"
#include "store/repair.h"
#include "store/trace.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#define REPORT_MAX (1U << 20)
#define PROGRESS_MS 2000
#define EXPIRY_WARN_DAYS 21

struct checker {
	struct call *call;
	size_t problems;
	size_t done, total; /* accounts */
	int64_t told_ms; /* when progress was shown last */
	bool repair;
};

static void
check_expiry(struct checker *c, const char *path)
{
	FILE *f = fopen(path, "r");
	X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	int days = 0, seconds = 0;

	if (f)
		(void)fclose(f); /* it was only read */
	if (x && ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x))) {
		if (days < 0 || seconds < 0) {
			printf("%s: this certificate has expired: put a new one there and send "
			       "SIGHUP\n",
			    path);
			c->problems++;
		} else if (days < EXPIRY_WARN_DAYS) {
			printf("%s: this certificate expires in %d days\n", path, days);
		}
	}
	X509_free(x);
}

static void
check_certificates(struct checker *c)
{
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(65536);
	CLEANUP(tls_context_unref) struct tls_context *tls = NULL;
	const struct conf *conf = c->call->conf;
	enum err e = tls_context_new(conf, "imap", &tls, &problem);

	if (e) {
		fputs(sbuf_cstr(&problem), stdout);
		c->problems++;
	}
	for (size_t i = 0; i < conf->tls_count; i++) {
		struct stat st;
		check_expiry(c, conf->tls[i].certificate);
		if (stat(conf->tls[i].key, &st) == 0 && (st.st_mode & S_IRWXO)) {
			printf("%s: everybody on this host can read this key: chmod o= it\n",
			    conf->tls[i].key);
			c->problems++;
		}
	}
	if (!e)
		printf("certificates: %zu\n", conf->tls_count);
}

static void
tell_progress(struct checker *c)
{
	int64_t now = clock_mono_ms();

	if (now - c->told_ms < PROGRESS_MS)
		return;
	c->told_ms = now;
	fflush(stdout);
	fprintf(stderr, "%zu of %zu accounts checked\n", c->done, c->total);
}

/* A line for every problem of what was checked. */
static void
tell_problems(struct checker *c, enum err e, struct str what, const struct sbuf *report)
{
	struct str rest = sbuf_view(report), line;

	if (!e)
		return;
	while (str_split(&rest, '\n', &line))
		if (line.n)
			printf("%.*s: %.*s\n", STR_ARG(what), STR_ARG(line));
	if (report->n == 0)
		printf("%.*s: %s\n", STR_ARG(what), err_text(e));
	c->problems++;
}

static enum err
look_at_account(struct checker *c, const struct account_entry *a, struct sbuf *report)
{
	CLEANUP(account_unref) struct account *account = NULL;
	enum err e = account_open(c->call->store, a->id, &account);

	return e ? e : account_check(account, report);
}

/* Without a problem afterwards it was none. */
static enum err
repair(struct checker *c, const struct account_entry *a)
{
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(REPORT_MAX);
	struct repaired r;
	struct str rest, line;
	enum err e = account_repair(c->call->store, a->id, &r, &report);

	for (rest = sbuf_view(&report); str_split(&rest, '\n', &line);)
		if (line.n)
			printf("%.*s: %.*s\n", STR_ARG(a->address), STR_ARG(line));
	if (e == ERR_BUSY)
		printf(
		    "%.*s: not repaired: it is in use; stop the daemons (pillarbox stop), or try "
		    "again\n",
		    STR_ARG(a->address));
	else if (e)
		printf("%.*s: not repaired: %s\n", STR_ARG(a->address), err_text(e));
	else
		printf("%.*s: repaired: %llu messages kept, %llu of them in the mailbox %s, %llu "
		       "of them only in part; %llu lost\n",
		    STR_ARG(a->address), (unsigned long long)r.kept,
		    (unsigned long long)r.recovered, REPAIR_MAILBOX, (unsigned long long)r.damaged,
		    (unsigned long long)r.lost);
	return e;
}

static void
check_account(struct checker *c, const struct account_entry *a)
{
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(REPORT_MAX);
	enum err e = look_at_account(c, a, &report);

	c->done++;
	tell_problems(c, e, a->address, &report);
	if (e == ERR_CORRUPT && !c->repair)
		printf("%.*s: `pillarbox check --repair %.*s` brings back what can be read\n",
		    STR_ARG(a->address), STR_ARG(a->address));
	/* what fails for other reasons is not made better by a new file */
	if (c->repair && (e == ERR_CORRUPT || e == ERR_NOT_FOUND || e == ERR_INTERNAL) &&
	    !repair(c, a)) {
		c->problems--;
		sbuf_clear(&report);
		tell_problems(c, look_at_account(c, a, &report), a->address, &report);
	}
	tell_progress(c);
}

static void
check_directory(struct checker *c)
{
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(REPORT_MAX);

	tell_problems(c, directory_check(c->call->store, &report), STR("directory"), &report);
}

static void
check_queue(struct checker *c)
{
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(REPORT_MAX);
	struct store *s = c->call->store;

	tell_problems(c, queue_check(s, &report), STR("queue"), &report);
	sbuf_clear(&report);
	tell_problems(c, trace_check(s, &report), STR("trace"), &report);
}

/* By its address, or by its number, as the log and the data directory have it. */
static enum err
find_named(struct call *call, struct str name, struct account_entry *ret)
{
	struct str address = name;
	uint64_t id;
	enum err e = ERR_OK;

	if (str_to_u64(name, &id) && id <= INT64_MAX)
		e = directory_account_address(call->store, (int64_t)id, call->arena, &address);
	return e ? e : directory_find_account(call->store, address, call->arena, ret);
}

static int
check_named(struct checker *c)
{
	struct account_entry entry;
	struct call *call = c->call;

	c->total = call->arg_count;
	for (size_t i = 0; i < call->arg_count; i++) {
		enum err e = find_named(call, str_of(call->args[i]), &entry);
		if (e)
			return call_fail(e, call->args[i]);
		check_account(c, &entry);
	}
	return CALL_GO_ON;
}

static int
check_all(struct checker *c)
{
	struct account_entry *all;
	struct call *call = c->call;
	enum err e = directory_list_accounts(call->store, call->arena, &all, &c->total);

	if (e)
		return call_fail(e, "directory");
	check_directory(c);
	check_queue(c);
	for (size_t i = 0; i < c->total; i++)
		check_account(c, &all[i]);
	return CALL_GO_ON;
}

int
verb_check(struct call *call)
{
	struct checker c = {.call = call, .told_ms = clock_mono_ms()};
	bool config_only = false;
	const struct call_option options[] = {
	    {"config-only", NULL, "do not open the databases", .flag = &config_only},
	    {"repair", NULL, "bring damaged accounts back, as far as they can be read",
		.flag = &c.repair},
	};
	int status = call_parse(call, options, ARRAY_LEN(options), 0, 100000);

	if (status == CALL_GO_ON)
		status = call_load_conf(call);
	if (status != CALL_GO_ON)
		return status;
	printf("configuration: %s\n", call->conf->path);
	check_certificates(&c); /* as root, where keys are root's */
	if (!config_only) {
		conf_unref(&call->conf);
		status = call_open_store(call);
		if (status == CALL_GO_ON)
			status = call->arg_count > 0 ? check_named(&c) : check_all(&c);
		if (status != CALL_GO_ON)
			return status;
		printf("accounts: %zu\n", c.done);
	}
	if (c.problems > 0)
		printf("problems: %zu\n", c.problems);
	else
		puts("all is well");
	return c.problems > 0 ? CTL_FAILED : CTL_OK;
}
