#include "ctl/ctl.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

int
call_fail(enum err e, const char *what)
{
	static const char *const next[ERR__COUNT] = {
	    [ERR_DENIED] = "run it as root or as the user that owns the mail",
	    [ERR_READ_ONLY] = "the file system is mounted read-only",
	    [ERR_NO_SPACE] = "make room on the device and try again",
	    [ERR_IO] = "the lines above say which file; look at the device and its permissions",
	    [ERR_CORRUPT] = "`pillarbox check` says what is damaged",
	    [ERR_BUSY] = "another program holds the database; try again",
	    [ERR_NOMEM] = "free some memory and try again",
	};

	if (e == ERR_OK)
		return CTL_OK;
	if (next[e])
		call_complain("%s: %s: %s", what, err_text(e), next[e]);
	else
		call_complain("%s: %s", what, err_text(e));
	if (e == ERR_NOT_FOUND || e == ERR_EXISTS)
		return CTL_NAME;
	return e == ERR_CONFIG ? CTL_CONFIG : e == ERR_SYNTAX ? CTL_USAGE : CTL_FAILED;
}

int
call_load_conf(struct call *call)
{
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(65536);
	enum err e = conf_load(call->conf_path, &call->conf, &problem);

	if (!e)
		return CALL_GO_ON;
	fputs(sbuf_cstr(&problem), stderr);
	if (e == ERR_NOT_FOUND)
		call_complain("name the configuration with -c FILE, or make one with "
			      "`pillarbox init --dir DIR --domain DOMAIN`");
	else if (e == ERR_DENIED)
		call_complain("%s: run it as root or as the owner of this file", call->conf_path);
	else if (e != ERR_CONFIG)
		call_complain("%s: %s", call->conf_path, err_text(e));
	return CTL_CONFIG;
}

int
call_become(const char *user, const char *group)
{
	if (geteuid() != 0 || user[0] == '\0')
		return CALL_GO_ON;
	struct passwd *pw = getpwnam(user);
	struct group *gr = group[0] ? getgrnam(group) : NULL;
	if (!pw || (group[0] && !gr)) {
		call_complain("there is no user %s or group %s on this system", user, group);
		return CTL_CONFIG;
	}
	gid_t gid = gr ? gr->gr_gid : pw->pw_gid;
	if (initgroups(user, gid) != 0 || setgid(gid) != 0 || setuid(pw->pw_uid) != 0) {
		call_complain("cannot become %s: %s", user, strerrordesc_np(errno));
		return CTL_FAILED;
	}
	return CALL_GO_ON;
}

/* Where daemons run or ran: others' directories are not for a command to make. */
static bool
has_bus(const char *run_dir)
{
	char path[4096];

	return snprintf(path, sizeof(path), "%s/bus", run_dir) < (int)sizeof(path) &&
	       access(path, R_OK | W_OK | X_OK) == 0;
}

static int
open_store(struct call *call, bool heard)
{
	int status = call->conf ? CALL_GO_ON : call_load_conf(call);

	if (status != CALL_GO_ON)
		return status;
	const struct conf *c = call->conf;
	status = call_become(c->user, c->group);
	if (status != CALL_GO_ON)
		return status;
	const struct store_options options = {.data_dir = c->data_dir,
	    .run_dir = heard && has_bus(c->run_dir) ? c->run_dir : NULL,
	    .process = "pillarbox",
	    .default_quota_bytes = c->default_quota_bytes,
	    .recipient_delimiter = c->recipient_delimiter,
	    .tombstone_days = c->tombstone_days,
	    .trace_days = c->trace_days};
	enum err e = store_open(&options, &call->store);
	if (!e)
		return CALL_GO_ON;
	if (e == ERR_NOT_FOUND) {
		call_complain("%s holds no mail store: `pillarbox init` makes one", c->data_dir);
		return CTL_FAILED;
	}
	return call_fail(e, c->data_dir);
}

int
call_open_store(struct call *call)
{
	/* no bus: what is changed is read from the database by whoever needs it */
	return open_store(call, false);
}

int
call_open_store_heard(struct call *call)
{
	return open_store(call, true);
}

int
call_begin(struct call *call, const struct call_option *options, size_t n, size_t min_operands,
    size_t max_operands)
{
	int status = call_parse(call, options, n, min_operands, max_operands);

	return status == CALL_GO_ON ? call_open_store(call) : status;
}

int
call_open_list(struct call *call, bool *ret_json)
{
	const struct call_option options[] = {
	    {"json", NULL, "as a JSON array", .flag = ret_json},
	};

	return call_begin(call, options, ARRAY_LEN(options), 0, 0);
}

int
call_fail_domain(enum err e, const char *domain)
{
	if (e == ERR_NOT_FOUND) {
		call_complain(
		    "%s is not served here; `pillarbox domain list` shows what is", domain);
		return CTL_NAME;
	}
	if (e == ERR_SYNTAX) {
		call_complain("\"%s\" is no domain; expected a name such as example.org", domain);
		return CTL_USAGE;
	}
	return call_fail(e, domain);
}

const char *
ctl_size(uint64_t octets, char *buf)
{
	static const char units[] = " KMGTPE";
	double n = (double)octets;
	size_t unit = 0;

	while (n >= 1024 && unit + 2 < sizeof(units)) {
		n /= 1024;
		unit++;
	}
	if (unit == 0)
		snprintf(buf, 32, "%llu", (unsigned long long)octets);
	else
		snprintf(
		    buf, 32, n < 10 && n != (double)(int)n ? "%.1f %c" : "%.0f %c", n, units[unit]);
	return buf;
}

bool
ctl_read_password(char *buf, size_t size, struct str *ret)
{
	if (!fgets(buf, (int)size, stdin)) {
		call_complain(
		    "--password-stdin: expected a password in one line of standard input");
		return false;
	}
	*ret = str_of(buf);
	if (ret->n > 0 && ret->p[ret->n - 1] == '\n')
		ret->n--;
	else if (ret->n + 1 == size) {
		call_complain("--password-stdin: that password is too long");
		return false;
	}
	if (ret->n > 0 && ret->p[ret->n - 1] == '\r')
		ret->n--;
	return true;
}

enum err
ctl_make_dirs(const char *path, mode_t mode, const struct passwd *owner)
{
	char part[4096];
	size_t n = strlen(path);

	if (n >= sizeof(part))
		return ERR_TOO_LONG;
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		mode_t m = i == n ? mode : 0755;
		if (mkdir(part, m) == 0) {
			if (chmod(part, m) != 0) /* as it stands here, whatever the umask */
				return err_from_errno(errno);
			if (i == n && owner && chown(part, owner->pw_uid, owner->pw_gid) != 0)
				return err_from_errno(errno);
		} else if (errno != EEXIST) {
			return err_from_errno(errno);
		}
	}
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? ERR_OK : ERR_EXISTS;
}
